//! `${VAR}` and `${VAR:-default}` in the values of publish.toml.
//!
//! The expanded value is displayed, and sent to the addresses that the file names. The file may have come with a repository,
//! so variables that may hold secrets are refused by their names.

use std::borrow::Cow;
use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeValue;

use super::explain::{self, Expanded, Source};
use crate::report::error::Problem;

/// How variables of the environment are read: `None` for one that is not set.
pub type Variables<'v> = &'v dyn Fn(&str) -> Option<String>;

/// Variables of AWS's that are no secrets.
const HARMLESS: [&str; 4] = ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// Beginnings of the names of variables that may be secrets.
const SECRET_FAMILIES: [&str; 2] = ["AWS_", "ACTIONS_"];

/// Parts of the names of secrets.
const SECRET_WORDS: [&str; 6] = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL"];

/// Endings of the names of secrets.
const SECRET_ENDS: [&str; 7] = ["_KEY", "APIKEY", "_PAT", "PASS", "_PWD", "_DSN", "DATABASE_URL"];

/// Why a value could not be expanded.
#[derive(Debug)]
struct Refusal {
    message: String,
    hint: String,
    /// Whether it only waits for a variable to be set.
    is_unset: bool,
}

/// A value that could not be expanded.
pub(super) struct Unexpanded {
    /// Why.
    pub(super) problem: Problem,
    /// Whether it only waits for a variable to be set.
    pub(super) is_unset: bool,
}

/// Expands every text in `value`, to which the keys of `path` lead, and adds it to `found`. Keys stay as they are.
///
/// # Errors
/// [`Code::Configuration`](crate::report::error::Code::Configuration), with the line, for a variable that is not set or that
/// may be a secret, and for what is no variable.
pub(super) fn expand(
    path: &str,
    value: &mut Spanned<DeValue<'_>>,
    variables: Variables<'_>,
    source: Source<'_>,
    found: &mut Vec<Expanded>,
) -> Result<(), Unexpanded> {
    let span = value.span();
    match value.get_mut() {
        DeValue::String(text) if text.contains("${") => {
            let expanded = expanded(text, variables).map_err(|Refusal { message, hint, is_unset }| Unexpanded {
                problem: explain::at(span.clone(), source.text, source.name, &message).hint(hint),
                is_unset,
            })?;
            *text = Cow::Owned(expanded.clone());
            found.push(Expanded { span, path: path.to_owned(), text: expanded });
            Ok(())
        }
        DeValue::Array(values) => values.iter_mut().try_for_each(|value| expand(path, value, variables, source, found)),
        DeValue::Table(values) => values
            .iter_mut()
            .try_for_each(|(key, value)| expand(&format!("{path}.{}", key.get_ref()), value, variables, source, found)),
        _ => Ok(()),
    }
}

/// Makes numbers and booleans of the `texts`, which are known by where they begin, as far as they are such. `false`: none is.
pub(super) fn retype<'e>(value: &mut Spanned<DeValue<'e>>, texts: &BTreeMap<usize, &'e str>) -> bool {
    let text = texts.get(&value.span().start);
    match value.get_mut() {
        DeValue::String(_) => {
            let typed = text.and_then(|text| DeValue::parse(text.trim()).ok()).map(Spanned::into_inner);
            let typed = typed.filter(|typed| typed.is_integer() || typed.is_bool());
            typed.map(|typed| *value.get_mut() = typed).is_some()
        }
        DeValue::Array(values) => values.iter_mut().fold(false, |any, value| retype(value, texts) | any),
        DeValue::Table(values) => values.iter_mut().fold(false, |any, (_, value)| retype(value, texts) | any),
        _ => false,
    }
}

fn expanded(text: &str, variables: Variables<'_>) -> Result<String, Refusal> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = after;
            continue;
        }
        expanded.push_str(before);
        let Some((inside, after)) = after.split_once('}') else {
            return Err(malformed(after));
        };
        expanded.push_str(&value_of(inside, variables)?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// The value of `NAME` or `NAME:-default`. As in a shell, a variable that is empty is not set.
fn value_of(inside: &str, variables: Variables<'_>) -> Result<String, Refusal> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let is_letter = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let is_name =
        name.chars().all(is_letter) && !name.is_empty() && !name.starts_with(|char: char| char.is_ascii_digit());
    if !is_name || default.is_some_and(|default| default.contains("${")) {
        return Err(malformed(inside));
    }
    if may_be_secret(name) {
        let message = format!("`${{{name}}}` is not allowed: a variable with that name may contain a secret");
        let hint = "Values in publish.toml are displayed, and sent to the URLs in it. publish finds credentials as the \
            AWS tools do; if it is not a secret, use a variable with another name.";
        return Err(Refusal { message, hint: hint.to_owned(), is_unset: false });
    }
    let set = variables(name).filter(|value| !value.trim().is_empty());
    set.or_else(|| default.map(str::to_owned)).ok_or_else(|| {
        let hint = format!("Set it, or write `${{{name}:-default}}`. For a literal `${{`, write `$${{`.");
        Refusal { message: format!("the environment variable {name} is not set"), hint, is_unset: true }
    })
}

fn malformed(inside: &str) -> Refusal {
    let shown: String = inside.chars().take(40).collect();
    let hint = "Write `${NAME}` or `${NAME:-default}`; for a literal `${`, write `$${`.";
    let message = format!("`${{{}` is not the name of an environment variable", shown.escape_debug());
    Refusal { message, hint: hint.to_owned(), is_unset: false }
}

fn may_be_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let is_of_family = SECRET_FAMILIES.iter().any(|family| name.starts_with(family));
    !HARMLESS.contains(&name.as_str())
        && (is_of_family
            || SECRET_ENDS.iter().any(|end| name.ends_with(end))
            || SECRET_WORDS.iter().any(|word| name.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Result<String, Refusal> {
        let set = [("STAGE", "next"), ("EMPTY", ""), ("AWS_REGION", "eu-west-1"), ("AWS_PROFILE", "dev"), ("_1", "x")];
        expanded(text, &|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn variables_are_whole_values_or_parts_of_them() {
        for (text, value) in [
            ("${STAGE}", "next"),
            ("https://${STAGE}.example.com/${STAGE}", "https://next.example.com/next"),
            ("${NONE:-live}", "live"),
            ("${EMPTY:-live}", "live"),
            ("${STAGE:-live}", "next"),
            ("a${NONE:-}b", "ab"),
            ("${NONE:-a:-b}", "a:-b"),
            ("$${STAGE}", "${STAGE}"),
            ("$$${STAGE}", "$${STAGE}"),
            ("$STAGE $ {STAGE} $", "$STAGE $ {STAGE} $"),
            ("${AWS_REGION} ${AWS_PROFILE} ${_1}", "eu-west-1 dev x"),
        ] {
            assert_eq!(with(text).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn what_is_not_set_is_named() {
        for text in ["${NONE}", "${EMPTY}", "a${NONE}"] {
            let Refusal { message, hint, .. } = with(text).unwrap_err();
            let name = if text.contains("NONE") { "NONE" } else { "EMPTY" };
            assert!(message.contains(&format!("{name} is not set")) && hint.contains(":-default"), "{message} {hint}");
        }
    }

    #[test]
    fn what_is_no_variable_is_refused() {
        for text in ["${", "${}", "${1A}", "${A B}", "${A-b}", "${A:-${STAGE}}", "${ä}", "${STAGE"] {
            let message = with(text).unwrap_err().message;
            assert!(message.contains("is not the name of an environment variable"), "{text}: {message}");
        }
    }

    #[test]
    fn names_of_secrets_are_refused_whether_or_not_they_are_set() {
        let secrets = [
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID",
            "AWS_SESSION_TOKEN",
            "aws_secret",
            "GITHUB_TOKEN",
            "NPM_TOKENS",
            "MY_SECRET_1",
            "DB_PASSWORD",
            "db_passwd",
            "API_KEY",
            "api_key",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "ACTIONS_RUNTIME_URL",
            "GOOGLE_APPLICATION_CREDENTIALS",
        ];
        for name in secrets {
            for text in [format!("${{{name}}}"), format!("${{{name}:-default}}")] {
                let message = expanded(&text, &|_| Some("hush".to_owned())).unwrap_err().message;
                assert!(message.contains(name) && !message.contains("hush"), "{message}");
            }
        }
        for name in ["KEYBOARD", "MONKEY", "STAGE", "CI_COMMIT_REF_NAME", "AWS_DEFAULT_REGION"] {
            assert!(!may_be_secret(name), "{name}");
        }
    }
}
