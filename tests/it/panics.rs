//! A panic anywhere ends with a report and the honest exit code; and no environment makes the program panic.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Output};

use publish::report::Report;
use publish::report::event::Event;
use serde_json::Value;

use crate::world::{self, BUCKET, World, key_variables};

/// A publish over v1 in which the listener panics at an event.
async fn panicking_at(is_it: impl Fn(&Event) -> bool + Sync) -> (World, Report) {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    let listener = |event| assert!(!is_it(&event), "out of luck");
    let report = world::publish_heard(world.request(), listener).await;
    let error = report.error.as_ref().unwrap();
    assert_eq!(error.code, "internal", "{error:#?}");
    assert!(error.message.contains("out of luck"), "{error:#?}");
    assert!(error.hint.contains("report it"), "{error:#?}");
    (world, report)
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_switch_it_is_1() {
    let (world, report) = panicking_at(|event| matches!(event, Event::HashingFinished { .. })).await;
    assert_eq!(report.exit_code, 1, "{report:#?}");
    world.published().await;
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn within_it_is_5_and_the_lease_is_given_up() {
    within_it_is_5_at(|event| matches!(event, Event::ActivationStarted { .. })).await;
    within_it_is_5_at(|event| matches!(event, Event::ActivationAdvanced { .. })).await;
}

async fn within_it_is_5_at(is_it: impl Fn(&Event) -> bool + Sync) {
    let (world, report) = panicking_at(is_it).await;
    assert_eq!(report.exit_code, 5, "{report:#?}");
    // Without waiting for the lease.
    let waited = std::sync::Mutex::new(Vec::new());
    let listener = |event| {
        if matches!(event, Event::Waiting { .. }) {
            waited.lock().unwrap().push(event);
        }
    };
    let report = world::publish_heard(world.request(), listener).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert_eq!(waited.into_inner().unwrap(), []);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_it_is_3() {
    let (world, report) = panicking_at(|event| matches!(event, Event::RefreshRequested { .. })).await;
    assert_eq!(report.exit_code, 3, "{report:#?}");
    world.publish().await;
    world.assert_settled();
}

/// What the SDK, its connector and this program read, and what may be in it.
const VARIABLES: [&str; 46] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_CLOUDFRONT",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_RETRY_MODE",
    "AWS_MAX_ATTEMPTS",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_SDK_UA_APP_ID",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_REQUEST_CHECKSUM_CALCULATION",
    "AWS_RESPONSE_CHECKSUM_VALIDATION",
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES",
    "AWS_DISABLE_REQUEST_COMPRESSION",
    "AWS_SIGV4A_SIGNING_REGION_SET",
    "AWS_ACCOUNT_ID",
    "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HOME",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "NO_PROXY",
    "USER",
    "GITHUB_REF_NAME",
];

/// What pipelines and systems set, and this program reads.
const OF_THE_PLACE: [&str; 28] = [
    "AWS_CA_BUNDLE",
    "XDG_STATE_HOME",
    "XDG_CONFIG_HOME",
    "CI",
    "GITHUB_ACTIONS",
    "GITHUB_ACTOR",
    "GITHUB_HEAD_REF",
    "GITHUB_REF",
    "GITHUB_REPOSITORY",
    "GITHUB_RUN_ID",
    "GITHUB_SERVER_URL",
    "GITHUB_SHA",
    "GITHUB_OUTPUT",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_WORKSPACE",
    "GITLAB_CI",
    "GITLAB_USER_LOGIN",
    "CI_COMMIT_REF_NAME",
    "CI_COMMIT_SHA",
    "CI_JOB_URL",
    "CODEBUILD_BUILD_ID",
    "JENKINS_URL",
    "HOSTNAME",
    "LANG",
    "NO_COLOR",
    "COLUMNS",
    "LINES",
    "TERM",
];

/// What the output depends on: it is then the one for people.
const OF_THE_OUTPUT: [&str; 7] =
    ["PUBLISH_OUTPUT", "PUBLISH_QUIET", "PUBLISH_COLOR", "NO_COLOR", "COLUMNS", "LINES", "TERM"];

/// The variables of this program itself, as its help has them.
fn own_variables() -> Vec<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_publish")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let after_name = |part: &str| part.find(|char: char| !char.is_ascii_uppercase() && char != '_').unwrap();
    let own: Vec<String> = help.split("[env: ").skip(1).map(|part| part[..after_name(part)].to_owned()).collect();
    assert!(own.len() > 10 && own.iter().all(|name| name.starts_with("PUBLISH_")), "{own:?}");
    own
}

/// What may be in a variable: nothing, lines, what is no UTF-8, what is much too long, a file that is not there, a folder.
fn values(folder: &Path) -> Vec<OsString> {
    let mut values: Vec<OsString> = ["", "a\nb", "ü", "/nowhere/at/all"].map(OsString::from).to_vec();
    values.push("x".repeat(100_000).into());
    values.push(folder.into());
    #[cfg(unix)]
    values.push(std::os::unix::ffi::OsStringExt::from_vec(vec![0xff, 0x80, b'a']));
    values
}

/// The program with `value` in `variable`. A flag that goes before the variable is left out.
fn with_odd_variable(world: &World, command: &[&str], variable: &str, value: &OsStr) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
    let output = if OF_THE_OUTPUT.contains(&variable) { "human" } else { "json" };
    let place = [("--site", "shop"), ("--bucket", BUCKET), ("--prefix", "live"), ("--output", output)];
    program.args(command);
    for (flag, text) in [&place[..], &[("--endpoint-url", world.sandbox.s3_endpoint())]].concat() {
        let own = format!("PUBLISH_{}", flag[2..].to_uppercase().replace('-', "_"));
        if own != variable {
            program.args([flag, text]);
        }
    }
    program.current_dir(world.folder.parent().unwrap()).env_clear().envs(key_variables(&world.sandbox));
    program.env("AWS_REGION", "us-east-1").env("AWS_EC2_METADATA_DISABLED", "true");
    program.env("AWS_ENDPOINT_URL_S3", world.sandbox.s3_endpoint());
    program.env("AWS_ENDPOINT_URL_CLOUDFRONT", world.sandbox.cloudfront_endpoint());
    match variable {
        // What a pipeline says is only looked at in one.
        _ if variable.starts_with("GITHUB_") => program
            .env("GITHUB_ACTIONS", "true")
            .envs(["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"].map(|name| (name, "a"))),
        _ if variable.starts_with("CI_") => program.env("GITLAB_CI", "true"),
        _ => &mut program,
    };
    program.env(variable, value);
    program
}

fn assert_no_panic(output: &Output, is_json: bool, about: &str) {
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|text| String::from_utf8(text.clone()).unwrap());
    let about = format!("{about}: {stdout}{stderr}");
    // 10: what `publish plan` would change.
    assert!(matches!(output.status.code(), Some(0..=2 | 10)), "{about}");
    assert!(!stderr.contains("panicked") && !stderr.contains("report it"), "{about}");
    if is_json {
        let report: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
        assert_eq!(report["type"], "report", "{about}");
        assert_ne!(report["error"]["code"], "internal", "{about}");
        assert!(stderr.is_empty(), "{about}");
    }
}

/// Each variable meets each value and each command, though not each value with each command.
#[tokio::test(flavor = "multi_thread")]
async fn no_environment_makes_it_panic() {
    let world = World::new().await;
    world.write("index.html", "<!doctype html><title>a</title>");
    world.published().await;
    let folder = world.folder.to_str().unwrap();
    let commands = [&["status"][..], &["plan", folder], &[folder]];
    let own = own_variables();
    let variables: Vec<&str> =
        VARIABLES.iter().chain(&OF_THE_PLACE).copied().chain(own.iter().map(String::as_str)).collect();
    let of_all = &|(index, variable): (usize, &&str)| {
        for (number, value) in values(&world.folder).iter().enumerate() {
            let command = commands[(index + number) % commands.len()];
            let output = with_odd_variable(&world, command, variable, value).output().unwrap();
            let about = format!("{command:?} with {variable}={:.20}", value.to_string_lossy());
            assert_no_panic(&output, !OF_THE_OUTPUT.contains(variable), &about);
        }
    };
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let mine = variables.iter().enumerate().skip(thread).step_by(4);
                scope.spawn(move || mine.for_each(of_all));
            }
        });
    });
}

/// Where the sandbox lies follows from these.
#[tokio::test(flavor = "multi_thread")]
async fn no_place_of_the_sandbox_makes_it_panic() {
    let world = World::new().await;
    tokio::task::block_in_place(|| {
        for variable in ["XDG_STATE_HOME", "HOME"] {
            for value in values(&world.folder) {
                let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
                program.args(["sandbox", "--stop"]).current_dir(world.folder.parent().unwrap());
                let output = program.env_clear().env(variable, &value).output().unwrap();
                assert_no_panic(&output, false, &format!("{variable}={:.20}", value.to_string_lossy()));
            }
        }
    });
}

/// As pipelines set them that name a variable which nobody has given a value.
#[tokio::test(flavor = "multi_thread")]
#[cfg(unix)]
async fn a_variable_that_is_empty_is_not_set() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    tokio::task::block_in_place(|| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
        program.args(["status", "--site", "shop", "--bucket", BUCKET, "--prefix", "live", "--output", "json"]);
        program.args(["--endpoint-url", world.sandbox.s3_endpoint()]);
        program.current_dir(world.folder.parent().unwrap()).env_clear();
        for variable in VARIABLES.iter().filter(|name| name.starts_with("AWS_")) {
            program.env(variable, "");
        }
        program.envs(["AWS_CA_BUNDLE", "AWS_STS_REGIONAL_ENDPOINTS", "PUBLISH_CONCURRENCY"].map(|name| (name, "")));
        program.env("SSL_CERT_FILE", "").envs(key_variables(&world.sandbox));
        program.env("AWS_DEFAULT_REGION", "us-east-1").env("HTTP_PROXY", "http://127.0.0.1:1");
        let output = program.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    });
}

/// A proxy cannot reach this machine: requests to it go directly.
#[tokio::test(flavor = "multi_thread")]
async fn what_runs_on_this_machine_is_asked_without_a_proxy() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    tokio::task::block_in_place(|| {
        for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
            let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
            program.args(["verify", "--site", "shop", "--bucket", BUCKET, "--prefix", "live", "--output", "json"]);
            program.args(["--endpoint-url", world.sandbox.s3_endpoint(), "--region", "us-east-1"]);
            program.current_dir(world.folder.parent().unwrap()).env_clear();
            program.envs(key_variables(&world.sandbox)).env(variable, "http://127.0.0.1:1");
            let output = program.output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.code(), Some(0), "{variable}: {said}");
        }
    });
}

/// Certificates that cannot be read are told as that, and not as a bucket that does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_of_certificates_that_is_not_there_is_told() {
    let world = World::with_fixture("v1").await;
    let files = world.folder.parent().unwrap();
    std::fs::write(files.join("aws"), "[default]\nca_bundle = /nowhere/ca.pem\n").unwrap();
    let settings = [("AWS_CA_BUNDLE", "/nowhere/ca.pem"), ("AWS_CONFIG_FILE", files.join("aws").to_str().unwrap())]
        .map(|(name, value)| (name, value.to_owned()));
    tokio::task::block_in_place(|| {
        for (name, value) in settings {
            let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
            program.args(["status", "--site", "shop", "--bucket", BUCKET, "--prefix", "live", "--output", "json"]);
            program.args(["--endpoint-url", world.sandbox.s3_endpoint(), "--region", "us-east-1"]);
            program.current_dir(files).env_clear().envs(key_variables(&world.sandbox)).env(name, value);
            let output = program.output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.code(), Some(2), "{name}: {said}");
            assert!(said.contains("/nowhere/ca.pem"), "{name}: {said}");
        }
    });
}

/// What the SDK's rules for endpoints refuse is told as a setting, and not as a store that does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_no_endpoint_has_is_named() {
    let world = World::with_fixture("v1").await;
    let files = world.folder.parent().unwrap();
    std::fs::write(files.join("aws"), "[default]\nuse_fips_endpoint = true\n").unwrap();
    let profile = files.join("aws").to_str().unwrap().to_owned();
    let settings = [
        ("AWS_USE_FIPS_ENDPOINT", "true", "AWS_USE_FIPS_ENDPOINT"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "true", "AWS_USE_DUALSTACK_ENDPOINT"),
        ("AWS_CONFIG_FILE", profile.as_str(), "`use_fips_endpoint`"),
    ];
    tokio::task::block_in_place(|| {
        for (variable, value, named) in settings {
            let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
            program.args(["status", "--site", "shop", "--bucket", BUCKET, "--prefix", "live", "--output", "json"]);
            program.args(["--endpoint-url", world.sandbox.s3_endpoint(), "--region", "us-east-1"]);
            program.current_dir(files).env_clear().envs(key_variables(&world.sandbox)).env(variable, value);
            let output = program.output().unwrap();
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(output.status.code(), Some(2), "{variable}: {report:#}");
            assert_eq!(report["error"]["code"], "configuration", "{variable}: {report:#}");
            assert!(report["error"]["hint"].as_str().unwrap().contains(named), "{variable}: {report:#}");
        }
    });
}
