//! Environment variables that AWS's tools read: a value that no request can carry is reported with the variable's name. The
//! SDK panics on such a value, or treats the variable as unset.

use std::ffi::{OsStr, OsString};

use publish::report::error::{Code, Problem};

/// Those that become part of a request's headers or address.
const SENT: [&str; 7] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_SDK_UA_APP_ID",
    "AWS_EXECUTION_ENV",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
];

/// Those that are parts of a host's name.
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// What else names a file, a folder or a number, and is read by what this program is made of.
const OTHERS: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Those of `variables` that are empty and might as well not be set: pipelines write `AWS_REGION: ${{ vars.REGION }}` where
/// that is not set. The SDK takes some of them for a region, a profile, a file or an address without a name.
pub(crate) fn empty<N: AsRef<OsStr>, V: AsRef<OsStr>>(variables: impl IntoIterator<Item = (N, V)>) -> Vec<N> {
    let is_read =
        |name: &str| ["AWS_", "PUBLISH_"].iter().any(|prefix| name.starts_with(prefix)) || OTHERS.contains(&name);
    let is_empty = |value: &OsStr| value.to_str().is_some_and(|value| value.trim().is_empty());
    let empty = |(name, value): &(N, V)| name.as_ref().to_str().is_some_and(is_read) && is_empty(value.as_ref());
    variables.into_iter().filter(empty).map(|(name, _)| name).collect()
}

/// Starts this program again without the `empty` variables, in place of this process: only then can no library read them.
/// Returns only if that fails.
#[cfg(unix)]
pub(crate) fn without(empty: &[OsString], words: &[OsString]) -> Problem {
    use std::os::unix::process::CommandExt;
    let began = std::env::current_exe().map(|program| {
        let mut command = std::process::Command::new(program);
        command.args(words.iter().skip(1));
        if let Some(name) = words.first() {
            command.arg0(name);
        }
        for name in empty {
            command.env_remove(name);
        }
        command.exec()
    });
    still_set(empty, began.unwrap_or_else(|error| error))
}

/// On systems without empty variables.
#[cfg(not(unix))]
pub(crate) fn without(empty: &[OsString], _words: &[OsString]) -> Problem {
    still_set(empty, std::io::ErrorKind::Unsupported.into())
}

fn still_set(empty: &[OsString], error: std::io::Error) -> Problem {
    let names: Vec<_> = empty.iter().map(|name| name.to_string_lossy()).collect();
    Problem::new(Code::Configuration, format!("environment variables are empty: {}", names.join(", ")))
        .hint("Unset them.")
        .source(error)
}

/// Whether the SDK reads the variable. Others may well hold lines, as a key in `AWS_CLOUDFRONT_PRIVATE_KEY`.
fn is_read(name: &str) -> bool {
    let own =
        ["AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_SECRET_ACCESS_KEY", "AWS_ACCOUNT_ID"];
    let families = [
        "AWS_ENDPOINT_URL",
        "AWS_ROLE_",
        "AWS_WEB_IDENTITY_",
        "AWS_CONTAINER_",
        "AWS_EC2_METADATA_",
        "AWS_USE_",
        "AWS_SDK_",
        "AWS_RETRY_",
        "AWS_MAX_",
        "AWS_REQUEST_",
        "AWS_RESPONSE_",
        "AWS_DISABLE_",
        "AWS_IGNORE_",
        "AWS_SIGV4A_",
        "AWS_S3_",
        "AWS_LAMBDA_",
        "AWS_CA_BUNDLE",
    ];
    SENT.contains(&name) || own.contains(&name) || families.iter().any(|family| name.starts_with(family))
}

/// Looks at those of `variables` that the SDK reads.
pub(crate) fn check<N: AsRef<OsStr>, V: AsRef<OsStr>>(
    variables: impl IntoIterator<Item = (N, V)>,
) -> Result<(), Problem> {
    for (name, value) in variables {
        let Some(name) = name.as_ref().to_str().filter(|name| is_read(name)) else { continue };
        if let Some(what) = wrong(name, value.as_ref()) {
            // The value may be a secret.
            return Err(Problem::new(Code::Configuration, format!("the environment variable {name} {what}"))
                .hint("Set it to the right value, or unset it."));
        }
    }
    Ok(())
}

fn wrong(name: &str, value: &OsStr) -> Option<&'static str> {
    let Some(value) = value.to_str() else { return Some("is not valid text") };
    if value.contains(['\n', '\r']) {
        Some("contains a line break")
    } else if value.chars().any(char::is_control) {
        Some("contains a control character")
    } else if SENT.contains(&name) && !value.chars().all(|char| char.is_ascii_graphic() || char == ' ') {
        Some("contains a character that cannot be sent in a request")
    } else if REGIONS.contains(&name) && !value.chars().all(|char| char.is_ascii_alphanumeric() || char == '-') {
        Some("is not the name of a region")
    } else if REGIONS.contains(&name) && value.len() > 63 {
        Some("is longer than the name of any region")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_request_can_carry_is_told_without_its_value() {
        for (name, value) in [
            ("AWS_ACCESS_KEY_ID", "AKIA\n"),
            ("AWS_SECRET_ACCESS_KEY", "secret\n"),
            ("AWS_SESSION_TOKEN", "tökensecret"),
            ("AWS_REGION", "eu west"),
            ("AWS_DEFAULT_REGION", "eu-west-1/x"),
            ("AWS_PROFILE", "a\u{1b}"),
        ] {
            let problem = check([(name, value)]).unwrap_err();
            assert_eq!(problem.code, Code::Configuration);
            assert!(problem.message.contains(name) && !problem.message.contains("secret"), "{problem}");
            assert!(!problem.hint.contains("line break"), "the message says what is wrong: {}", problem.hint);
        }
        assert!(check([("AWS_REGION", "eu-west-1".to_owned()), ("AWS_REGION", "a".repeat(64))]).is_err());
    }

    #[test]
    fn what_is_empty_and_would_be_read_is_found() {
        let set = [("AWS_REGION", ""), ("AWS_PROFILE", " "), ("AWS_ROLE_ARN", "x"), ("PS1", ""), ("SSL_CERT_FILE", "")];
        assert_eq!(empty(set), ["AWS_REGION", "AWS_PROFILE", "SSL_CERT_FILE"]);
        assert_eq!(empty([("PUBLISH_CONCURRENCY", ""), ("MY_AWS_REGION", "")]), ["PUBLISH_CONCURRENCY"]);
    }

    #[test]
    fn all_else_is_for_others_to_judge() {
        for (name, value) in [
            ("AWS_PROFILE", "büro"),
            ("AWS_REGION", ""),
            ("PS1", "\n"),
            ("AWS_ROLE_ARN", "x y"),
            ("AWS_CLOUDFRONT_PRIVATE_KEY", "a\nb"),
        ] {
            assert!(check([(name, value)]).is_ok(), "{name}");
        }
    }
}
