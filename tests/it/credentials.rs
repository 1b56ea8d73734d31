//! Credentials that cannot be had: which provider failed, why, and what to do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Runs `publish status` with nothing in its environment but `variables`.
fn error(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (i64, Value) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
    program.args(["status", "--site", "shop", "--bucket", "a-bucket", "--region", "us-east-1", "--output", "json"]);
    program.args(arguments).current_dir(folder).env_clear().env("HOME", folder);
    program.env("AWS_EC2_METADATA_DISABLED", "true").envs(variables.iter().copied());
    let output = program.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let report: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert!(!text.contains("hush"), "what a program wrote is not told: {text}");
    (report["exit_code"].as_i64().unwrap(), report["error"].clone())
}

/// A service that answers everything with this refusal, as STS writes it.
fn refusing(code: &'static str, message: &'static str) -> String {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    answering("403 Forbidden\r\nContent-Type: text/xml".to_owned(), format!("<ErrorResponse>{error}</ErrorResponse>"))
}

/// A service that answers everything with this.
fn answering(head: String, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 16_384]);
            let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}", body.len());
            let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes());
        }
    });
    address
}

#[test]
fn who_failed_is_named_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let config = file(
        "config",
        "[profile program]\ncredential_process = /bin/sh -c \"echo hush >&2; exit 3\"\n\
         [profile role]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = keys\n\
         [profile keys]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n",
    );
    let token = file("token", "a.b.c");
    let sts = refusing("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    let config = ("AWS_CONFIG_FILE", config.as_str());
    let identity = [("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/x"), ("AWS_WEB_IDENTITY_TOKEN_FILE", &token)];
    let of = |arguments: &[&str], variables: &[(&str, &str)]| error(folder.path(), arguments, variables);
    for ((exit_code, error), code, message, hint) in [
        (of(&[], &[]), "no_credentials", "No AWS credentials were found", "aws sso login"),
        (of(&["--profile", "prodction"], &[config]), "configuration", "no profile `prodction`", "--profile"),
        (of(&[], &[config, ("AWS_PROFILE", "prodction")]), "configuration", "no profile `prodction`", "AWS_PROFILE"),
        // Nor is there a file.
        (of(&[], &[("AWS_PROFILE", "prodction")]), "configuration", "no profile `prodction`", "AWS_PROFILE"),
        (
            of(&["--profile", "program"], &[config]),
            "no_credentials",
            "`credential_process` program of profile `program`",
            "by hand",
        ),
        (
            of(&["--profile", "role"], &[config, ("AWS_ENDPOINT_URL_STS", &sts)]),
            "access_denied",
            "for the role of profile `role`: AccessDenied: Not authorized",
            "trust policy",
        ),
        (
            of(&[], &[identity[0], identity[1], ("AWS_ENDPOINT_URL_STS", &sts)]),
            "access_denied",
            "OIDC identity for the role: AccessDenied: Not authorized",
            "`sub`",
        ),
        (
            of(&[], &[identity[0], identity[1], ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")]),
            "unreachable",
            "could not be reached",
            "network",
        ),
    ] {
        assert_eq!(error["code"], code, "{error:#}");
        assert_eq!(exit_code, if code == "configuration" { 2 } else { 1 });
        assert!(error["message"].as_str().unwrap().contains(message), "{message}: {error:#}");
        assert!(error["hint"].as_str().unwrap().contains(hint), "{hint}: {error:#}");
    }
}

/// Half a key, files that are missing, sources that give nothing, circles: each is named with its profile.
#[test]
fn a_profile_or_a_variable_that_cannot_give_credentials_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let role = "role_arn = arn:aws:iam::123456789012:role/x\n";
    let account = "sso_account_id = 123456789012\nsso_role_name = publisher\n";
    let cache = folder.path().join(".aws/sso/cache");
    std::fs::create_dir_all(&cache).unwrap();
    // The SHA-1 of "corp", as the AWS CLI names the file.
    let old = serde_json::json!({"accessToken": "hush", "expiresAt": "2020-01-01T00:00:00Z"});
    std::fs::write(cache.join("ee0bfd2552fbd840c02cc48b6e823320543c450f.json"), old.to_string()).unwrap();
    let text = format!(
        "[profile half]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\
         [profile escaped]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = hush\\n\n\
         [profile identity]\n{role}web_identity_token_file = /nowhere/token\n\
         [profile environment]\n{role}credential_source = Environment\n\
         [profile container]\n{role}credential_source = EcsContainer\n\
         [profile instance]\n{role}credential_source = Ec2InstanceMetadata\n\
         [profile source]\n{role}source_profile = nobody\n\
         [profile one]\n{role}source_profile = other\n[profile other]\n{role}source_profile = one\n\
         [profile session]\nsso_session = nowhere\n{account}\
         [profile old]\nsso_session = corp\n{account}\
         [sso-session corp]\nsso_region = eu-central-1\nsso_start_url = https://example.awsapps.com/start\n\
         [profile absent]\ncredential_process = /nowhere/program --password hush\n\
         [profile prose]\ncredential_process = /bin/echo hush\n[profile empty]\nregion = eu-west-1\n"
    );
    std::fs::write(folder.path().join("config"), text).unwrap();
    std::fs::write(folder.path().join("broken"), "[profile x\n").unwrap();
    let in_folder = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (config, broken) = (in_folder("config"), in_folder("broken"));
    for (profile, code, message, hint) in [
        ("half", "configuration", "profile `half` cannot be used: `aws_secret_access_key` is missing", "~/.aws/config"),
        (
            "escaped",
            "no_credentials",
            "credentials of profile `escaped` cannot be used: the secret access key ends with",
            "Correct",
        ),
        ("identity", "no_credentials", "token file of profile `identity`, /nowhere/token, cannot be read", "pipeline"),
        ("environment", "no_credentials", "`environment` (`credential_source = Environment`)", "Set both"),
        ("container", "no_credentials", "`container` (`credential_source = EcsContainer`)", "AWS_CONTAINER_"),
        ("instance", "no_credentials", "`instance` (`credential_source = Ec2InstanceMetadata`)", "EC2 instances"),
        ("source", "configuration", "`source` cannot be used: `source_profile` refers to `nobody`", "~/.aws/config"),
        ("one", "configuration", "leads back to itself (`one`, `other`)", "~/.aws/config"),
        ("session", "configuration", "`[sso-session nowhere]`, which does not exist", "~/.aws/config"),
        (
            "old",
            "expired_credentials",
            "`aws sso login` session for profile `old` has expired",
            "`aws sso login --profile old`",
        ),
        ("absent", "no_credentials", "program of profile `absent` returned no AWS credentials", "by hand"),
        ("prose", "no_credentials", "program of profile `prose` returned no AWS credentials", "by hand"),
        ("empty", "no_credentials", "profile `empty` contains no credentials", "--profile"),
    ] {
        for (arguments, variable) in [(&["--profile", profile][..], None), (&[], Some(("AWS_PROFILE", profile)))] {
            let variables = [Some(("AWS_CONFIG_FILE", config.as_str())), variable];
            let variables: Vec<(&str, &str)> = variables.into_iter().flatten().collect();
            let (exit_code, error) = error(folder.path(), arguments, &variables);
            assert_eq!(error["code"], code, "{profile}: {error:#}");
            assert_eq!(exit_code, if code == "configuration" { 2 } else { 1 });
            assert!(error["message"].as_str().unwrap().contains(message), "{message}: {error:#}");
            assert!(error["hint"].as_str().unwrap().contains(hint), "{hint}: {error:#}");
        }
    }
    for (variables, message, hint) in [
        (&[("AWS_ACCESS_KEY_ID", "A")][..], "but AWS_SECRET_ACCESS_KEY is not", "Set AWS_SECRET_ACCESS_KEY too"),
        (&[("AWS_WEB_IDENTITY_TOKEN_FILE", "/t")], "but AWS_ROLE_ARN is not", "Set AWS_ROLE_ARN too"),
        (&[("AWS_CONFIG_FILE", &broken)], "/broken on line 1", "Correct the file"),
    ] {
        let (exit_code, error) = error(folder.path(), &[], variables);
        assert_eq!((exit_code, &error["code"]), (2, &"configuration".into()), "{error:#}");
        assert!(error["message"].as_str().unwrap().contains(message), "{message}: {error:#}");
        assert!(error["hint"].as_str().unwrap().contains(hint), "{hint}: {error:#}");
    }
    let identity =
        [("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/x"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/t")];
    let (_, missing) = error(folder.path(), &[], &identity);
    assert_eq!(missing["code"], "no_credentials", "{missing:#}");
    assert!(missing["message"].as_str().unwrap().contains("token file, /nowhere/t, cannot be read"), "{missing:#}");
}

/// The SDK assumes the role without a code, which many roles refuse.
#[test]
fn a_role_that_wants_a_code_of_a_device_is_told_how_to_get_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let role = "role_arn = arn:aws:iam::123456789012:role/x\n";
    let device = "mfa_serial = arn:aws:iam::123456789012:mfa/me\n";
    let keys = "[profile keys]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
    let text = format!(
        "[profile role]\n{role}{device}source_profile = keys\n[profile second]\n{role}source_profile = role\n{keys}"
    );
    std::fs::write(&config, text).unwrap();
    let sts = refusing("AccessDenied", "User is not authorized to perform: sts:AssumeRole");
    let config = ("AWS_CONFIG_FILE", config.to_str().unwrap());
    for profile in ["role", "second"] {
        let (exit_code, error) =
            error(folder.path(), &["--profile", profile], &[config, ("AWS_ENDPOINT_URL_STS", &sts)]);
        assert_eq!((exit_code, error["code"].as_str()), (1, Some("access_denied")), "{error:#}");
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains(&format!("aws configure export-credentials --profile {profile} --format env")), "{hint}");
    }
}

#[test]
fn who_is_not_signed_in_with_sso_is_told_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let account = "sso_account_id = 123456789012\nsso_role_name = publisher\n";
    let start = "sso_region = eu-central-1\nsso_start_url = https://example.awsapps.com/start\n";
    let text = format!(
        "[profile new]\nsso_session = corp\n{account}[sso-session corp]\n{start}[profile old]\n{start}{account}"
    );
    std::fs::write(&config, text).unwrap();
    for profile in ["new", "old"] {
        let variables = [("AWS_CONFIG_FILE", config.to_str().unwrap())];
        let (exit_code, error) = error(folder.path(), &["--profile", profile], &variables);
        assert_eq!((exit_code, error["code"].as_str()), (1, Some("no_credentials")), "{error:#}");
        assert!(
            error["message"].as_str().unwrap().contains("There is no `aws sso login` session for profile"),
            "{error:#}"
        );
        assert!(error["hint"].as_str().unwrap().contains(&format!("`aws sso login --profile {profile}`")), "{error:#}");
    }
}

/// A key made for this test and used for nothing else.
const KEY: [&str; 3] = [
    "MHcCAQEEIB3UJRz/tnJaeyzFUnmyGxbq5SrjeFn9gvp4A/JYNF/2oAoGCCqGSM49",
    "AwEHoUQDQgAERZkMMrsZe7DKtpVxC7Bys7hoPZjN+ec6F7Yn2o7pVhH7mBi300m0",
    "97zHNnlEVt/UBpVo93UXWz978n6lMRQZzA==",
];

#[test]
fn who_signs_in_with_aws_login_publishes_with_that() {
    let folder = tempfile::tempdir().unwrap();
    let session = "arn:aws:iam::123456789012:user/me";
    let config = folder.path().join("config");
    std::fs::write(&config, format!("[profile me]\nlogin_session = {session}\n")).unwrap();
    let cache = folder.path().join("cache");
    let of = |signin: &str, s3: &str| {
        let variables = [
            ("AWS_CONFIG_FILE", config.to_str().unwrap()),
            ("AWS_LOGIN_CACHE_DIRECTORY", cache.to_str().unwrap()),
            ("AWS_ENDPOINT_URL_SIGNIN", signin),
            ("AWS_ENDPOINT_URL_S3", s3),
        ];
        let (exit_code, error) = error(folder.path(), &["--profile", "me"], &variables);
        assert_eq!(exit_code, 1, "{error:#}");
        (error["code"].as_str().unwrap().to_owned(), format!("{} {}", error["message"], error["hint"]))
    };
    let nowhere = "http://127.0.0.1:1";
    let (code, told) = of(nowhere, nowhere);
    assert_eq!(code, "no_credentials", "{told}");
    assert!(
        told.contains("There is no `aws login` session for profile `me`") && told.contains("aws login --profile me"),
        "{told}"
    );

    std::fs::create_dir(&cache).unwrap();
    let token = |expires: &str| {
        let text = serde_json::json!({
            "accessToken": {
                "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "x", "sessionToken": "y",
                "accountId": "123456789012", "expiresAt": expires,
            },
            "tokenType": "aws_sigv4", "refreshToken": "hush", "clientId": "arn:aws:signin:::devtools/same-device",
            "dpopKey": format!("-----BEGIN EC {0} KEY-----\n{1}\n-----END EC {0} KEY-----\n", "PRIVATE", KEY.join("\n")),
        });
        std::fs::write(
            cache.join(format!("{}.json", publish::types::digest::Digest::of(session.as_bytes()))),
            text.to_string(),
        )
        .unwrap();
    };
    token("2020-01-01T00:00:00Z");
    let body = serde_json::json!({"error": "TOKEN_EXPIRED", "message": "no"}).to_string();
    let head = "403 Forbidden\r\nContent-Type: application/json\r\nx-amzn-errortype: AccessDeniedException".to_owned();
    let (code, told) = of(&answering(head, body), nowhere);
    assert_eq!(code, "expired_credentials", "{told}");
    assert!(told.contains("`aws login`"), "{told}");
    let body = serde_json::json!({"error": "INSUFFICIENT_PERMISSIONS", "message": "no"}).to_string();
    let head = "403 Forbidden\r\nContent-Type: application/json\r\nx-amzn-errortype: AccessDeniedException".to_owned();
    let (code, told) = of(&answering(head, body), nowhere);
    assert_eq!(code, "access_denied", "{told}");
    assert!(told.contains("signin:CreateOAuth2Token"), "{told}");

    token("2999-01-01T00:00:00Z");
    let (code, told) = of(nowhere, &refusing("AccessDenied", "no"));
    assert_eq!(code, "access_denied", "{told}");
    assert!(
        told.contains("not allowed to read s3://a-bucket/"),
        "it is S3 that was asked, with what the sign-in gave: {told}"
    );
}

/// A person who waits for a service, or for a program that waits for them, is told so.
#[test]
fn a_long_wait_for_credentials_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (config, go) = (folder.path().join("config"), folder.path().join("go"));
    let wait = format!("until test -e {}; do sleep 0.05; done; exit 3", go.display());
    std::fs::write(&config, format!("[profile slow]\ncredential_process = /bin/sh -c \"{wait}\"\n")).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
    program.args(["status", "--site", "shop", "--bucket", "a-bucket", "--region", "us-east-1", "--output", "json"]);
    program.args(["--profile", "slow"]).current_dir(folder.path()).env_clear().env("HOME", folder.path());
    program.env("AWS_CONFIG_FILE", &config).env("PATH", std::env::var_os("PATH").unwrap());
    let mut running = program.stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(running.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(told.next().unwrap(), "{\"type\":\"credentials_awaited\"}");
    std::fs::write(go, "").unwrap();
    let report: Value = serde_json::from_str(&told.last().unwrap()).unwrap();
    assert_eq!(report["error"]["code"], "no_credentials");
    assert_eq!(running.wait().unwrap().code(), Some(1));
}
