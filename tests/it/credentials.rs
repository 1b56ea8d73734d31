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

/// A service that answers everything with this refusal.
fn refusing(code: &'static str, message: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 16_384]);
            let body = format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
            );
            let head = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/xml\r\nConnection: close\r\n";
            let _ = stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
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
        (
            of(&["--profile", "program"], &[config]),
            "no_credentials",
            "`credential_process` of profile `program`",
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
