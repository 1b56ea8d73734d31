//! Environment variables that AWS's tools read: what no request can carry is told with the variable's name. The SDK that
//! reads them panics, or takes such a variable for one that is not set.

use std::ffi::OsStr;

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

/// Looks at all of `variables`.
pub(crate) fn check<N: AsRef<OsStr>, V: AsRef<OsStr>>(
    variables: impl IntoIterator<Item = (N, V)>,
) -> Result<(), Problem> {
    for (name, value) in variables {
        let Some(name) = name.as_ref().to_str().filter(|name| name.starts_with("AWS_")) else { continue };
        if let Some(what) = wrong(name, value.as_ref()) {
            // The value may be a secret.
            return Err(Problem::new(Code::Configuration, format!("the environment variable {name} {what}"))
                .hint("Set it to what it should be, without a line end, or unset it."));
        }
    }
    Ok(())
}

fn wrong(name: &str, value: &OsStr) -> Option<&'static str> {
    let Some(value) = value.to_str() else { return Some("is not text") };
    if value.contains(['\n', '\r']) {
        Some("holds a line end")
    } else if value.chars().any(char::is_control) {
        Some("holds a control character")
    } else if SENT.contains(&name) && !value.chars().all(|char| char.is_ascii_graphic() || char == ' ') {
        Some("holds a character that no request can carry")
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
        }
        assert!(check([("AWS_REGION", "eu-west-1".to_owned()), ("AWS_REGION", "a".repeat(64))]).is_err());
    }

    #[test]
    fn all_else_is_for_others_to_judge() {
        for (name, value) in [("AWS_PROFILE", "büro"), ("AWS_REGION", ""), ("PS1", "\n"), ("AWS_ROLE_ARN", "x y")] {
            assert!(check([(name, value)]).is_ok(), "{name}");
        }
    }
}
