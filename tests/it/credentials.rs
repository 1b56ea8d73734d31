//! Credentials that cannot be had: which provider failed, why, and what to do.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

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
            "(OIDC) for the role: AccessDenied: Not authorized",
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
        assert!(error["message"].as_str().unwrap().contains("Nobody is signed in with `aws sso login`"), "{error:#}");
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
        told.contains("Nobody is signed in with `aws login` in profile `me`")
            && told.contains("aws login --profile me"),
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
