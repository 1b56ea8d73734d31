//! Values in publish.toml and on the command line: each type accepts only what later stages can work with.

use std::fmt;
use std::str::FromStr;

use globset::Glob as CompiledGlob;
use serde::Deserialize;

use crate::config::header_rule::HeaderRule;
use crate::content::path::MAX_KEY_BYTES;

/// Why a value is not usable: one sentence without a final stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidValue(String);

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidValue;
            fn try_from(text: String) -> Result<$name, InvalidValue> {
                $check(&text).map(|()| $name(text)).map_err(InvalidValue)
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;
            fn from_str(text: &str) -> Result<$name, InvalidValue> {
                $name::try_from(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

checked_text!(
    /// A site's name: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    SiteName,
    check_name
);
checked_text!(
    /// An environment's name: as a site's, and not `sandbox`, which is built in.
    EnvironmentName,
    check_environment_name
);
checked_text!(
    /// A general purpose bucket's name.
    BucketName,
    check_bucket
);
checked_text!(
    /// A prefix of keys, with or without its final slash; empty for the whole bucket.
    Prefix,
    check_prefix
);
checked_text!(
    /// A distribution's id, as `E123ABC`, or that of a tenant of a multi-tenant distribution, as `dt_2wjDZi3h`.
    DistributionId,
    check_distribution
);
checked_text!(
    /// An `http` or `https` address without query and fragment.
    Url,
    check_url
);
checked_text!(
    /// An AWS account's number: 12 digits.
    AccountId,
    check_account
);
checked_text!(
    /// A glob over paths of the site, such as `**/*.pdf`.
    Glob,
    check_glob
);
checked_text!(
    /// A text that is not empty and fits on one line.
    Word,
    check_word
);

/// One distribution's id, or a list of several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "OneOrSeveral")]
pub struct DistributionIds(#[cfg_attr(test, schemars(with = "OneOrSeveral"))] Vec<DistributionId>);

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "expected a distribution's id, such as \"E123ABC\", or a list of them")]
enum OneOrSeveral {
    One(String),
    Several(Vec<String>),
}

impl DistributionIds {
    /// All of them: at least one, each once.
    pub fn all(&self) -> &[DistributionId] {
        &self.0
    }
}

impl TryFrom<OneOrSeveral> for DistributionIds {
    type Error = InvalidValue;
    fn try_from(form: OneOrSeveral) -> Result<DistributionIds, InvalidValue> {
        let texts = match form {
            OneOrSeveral::One(one) => vec![one],
            OneOrSeveral::Several(several) => several,
        };
        let ids: Vec<DistributionId> = texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let again = ids.iter().enumerate().find(|(index, id)| ids[..*index].contains(id));
        match (ids.first(), again) {
            (None, _) => Err(InvalidValue("the list names no distribution".to_owned())),
            (_, Some((_, id))) => Err(InvalidValue(format!("the list names distribution {id} twice"))),
            _ => Ok(DistributionIds(ids)),
        }
    }
}

impl Url {
    /// The address without its final slash.
    pub fn without_final_slash(&self) -> &str {
        self.0.trim_end_matches('/')
    }
}

/// A share, from 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "u64")]
pub struct Percent(#[cfg_attr(test, schemars(range(min = 0, max = 100)))] u8);

impl Percent {
    /// The number, at most 100.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl TryFrom<u64> for Percent {
    type Error = InvalidValue;
    fn try_from(number: u64) -> Result<Percent, InvalidValue> {
        match u8::try_from(number) {
            Ok(percent) if percent <= 100 => Ok(Percent(percent)),
            _ => Err(InvalidValue(format!("{number} is not a percentage from 0 to 100"))),
        }
    }
}

fn check_name(text: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(());
    }
    Err(format!("`{text}` is not a valid name: use 1 to 64 letters, digits, `.`, `_` or `-`"))
}

fn check_environment_name(text: &str) -> Result<(), String> {
    if text == "sandbox" {
        return Err("the environment `sandbox` is built in and cannot be configured".to_owned());
    }
    check_name(text)
}

/// The rules are those of S3's user guide, "bucketnamingrules". Directory buckets cannot serve a site: no policies for
/// CloudFront, no ordered listings (AWS.md 4.7).
fn check_bucket(text: &str) -> Result<(), String> {
    if text.ends_with("--x-s3") {
        return Err(format!("`{text}` is a directory bucket, which cannot serve a site; use a general purpose bucket"));
    }
    if text.contains(':') || text.contains('/') {
        return Err(format!("`{text}` is not a bucket name: give only the name, without `s3://`, ARN or path"));
    }
    let edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let inside = |byte: u8| edge(byte) || matches!(byte, b'.' | b'-');
    let bytes = text.as_bytes();
    let well_formed = (3..=63).contains(&bytes.len())
        && bytes.iter().all(|&byte| inside(byte))
        && bytes.first().is_some_and(|&byte| edge(byte))
        && bytes.last().is_some_and(|&byte| edge(byte))
        && !text.contains("..")
        && text.parse::<std::net::Ipv4Addr>().is_err();
    if well_formed {
        return Ok(());
    }
    Err(format!("`{text}` is not a valid bucket name: use 3 to 63 lower-case letters, digits, `.` or `-`"))
}

/// The longest prefix, in bytes: what lies below it must fit into a key as well, such as `_publish/`, `blobs/` and a SHA-256.
const MAX_PREFIX_BYTES: usize = MAX_KEY_BYTES - 124;

fn check_prefix(text: &str) -> Result<(), String> {
    let trimmed = text.trim_matches('/');
    if trimmed.len() > MAX_PREFIX_BYTES {
        let bytes = trimmed.len();
        return Err(format!("a key prefix of {bytes} bytes is too long: it may have {MAX_PREFIX_BYTES}"));
    }
    if text.chars().any(char::is_control) || text.contains(['\\', '*', '?']) {
        return Err(format!(
            "`{}` is not a valid key prefix: it must not contain control characters, `\\`, `*` or `?`",
            text.escape_debug()
        ));
    }
    if !trimmed.is_empty() && trimmed.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(format!("`{text}` is not a valid key prefix: it must not have empty, `.` or `..` parts"));
    }
    Ok(())
}

/// How the ids of tenants begin, and no distribution's does.
pub const TENANT_START: &str = "dt_";

fn check_distribution(text: &str) -> Result<(), String> {
    let tenant = text.strip_prefix(TENANT_START).unwrap_or_default();
    if !tenant.is_empty() && tenant.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(format!(
        "`{text}` is not a distribution id such as `E123ABC`, nor that of a tenant such as `dt_2wjDZi3h` (a domain name or ARN does not work)"
    ))
}

fn check_url(text: &str) -> Result<(), String> {
    if may_hold_a_secret(text) {
        return Err(
            "a URL without a user, a password, a query or a fragment is needed, such as `https://www.example.com` \
                    (the value is not shown, because it may contain a password)"
                .to_owned(),
        );
    }
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split('/').next().unwrap_or_default());
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    match host {
        Some(host) if !host.is_empty() && !host.starts_with(':') && plain(text) => Ok(()),
        Some(_) => {
            Err(format!("`{}` is not the URL of a site, such as `https://www.example.com`", text.escape_debug()))
        }
        None => Err(format!("`{}` does not begin with `https://` or `http://`", text.escape_debug())),
    }
}

/// Whether what was meant as an address has a part that may contain a password.
pub fn may_hold_a_secret(address: &str) -> bool {
    address.contains(['?', '#', '@'])
}

fn check_account(text: &str) -> Result<(), String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(format!("`{text}` is not an AWS account id: 12 digits, in quotation marks"))
}

fn check_glob(text: &str) -> Result<(), String> {
    if text.is_empty() || text.starts_with('/') {
        return Err(format!("the glob `{text}` matches nothing: paths in the site do not begin with `/`"));
    }
    CompiledGlob::new(text).map(|_| ()).map_err(|error| format!("`{text}` is not a valid glob: {}", error.kind()))
}

fn check_word(text: &str) -> Result<(), String> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err("must be a single line that is not empty".to_owned());
    }
    Ok(())
}

/// Whether the globs of `rule` match anything and its values can be sent as headers.
pub(super) fn check_header_rule(rule: &HeaderRule) -> Result<(), InvalidValue> {
    if rule.globs.0.is_empty() {
        return Err(InvalidValue("`for` lists no paths".to_owned()));
    }
    for glob in &rule.globs.0 {
        check_glob(glob).map_err(InvalidValue)?;
    }
    rule.checked().map(|_| ()).map_err(|problem| InvalidValue(problem.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken<T: FromStr>(texts: &[&str]) -> Vec<bool> {
        texts.iter().map(|text| text.parse::<T>().is_ok()).collect()
    }

    #[test]
    fn bucket_names() {
        assert_eq!(taken::<BucketName>(&["example-site", "a.b", "sandbox", "a12"]), [true; 3 + 1][..]);
        let refused = ["", "ab", "Example", "a..b", "-ab", "ab-", "10.0.0.1", "s3://ab", "my--euc1-az1--x-s3", "a_b"];
        assert_eq!(taken::<BucketName>(&refused), [false; 10]);
    }

    #[test]
    fn directory_buckets_are_named_as_such() {
        let refusal = "shop--use1-az4--x-s3".parse::<BucketName>().unwrap_err();
        assert!(refusal.to_string().contains("directory bucket"), "{refusal}");
    }

    #[test]
    fn addresses() {
        assert_eq!(taken::<Url>(&["https://www.example.com", "http://127.0.0.1:4580/", "https://a.b/c"]), [true; 3]);
        let refused =
            ["www.example.com", "https://", "https:///a", "https://a?b", "ftp://a", "https://u@a", "https://a b"];
        assert_eq!(taken::<Url>(&refused), [false; 7]);
    }

    #[test]
    fn prefixes() {
        assert_eq!(taken::<Prefix>(&["", "live", "live/", "/a/b/"]), [true; 4]);
        assert_eq!(taken::<Prefix>(&["a//b", "../a", "a/*", "a\\b", "a\nb"]), [false; 5]);
        assert_eq!(taken::<Prefix>(&["/", &"a".repeat(900), &"a".repeat(901)]), [true, true, false]);
    }

    #[test]
    fn names() {
        assert_eq!(taken::<SiteName>(&["shop", "Shop.example_1-a", &"a".repeat(64)]), [true; 3]);
        assert_eq!(taken::<SiteName>(&["", "a b", "käse", &"a".repeat(65)]), [false; 4]);
        assert_eq!(taken::<EnvironmentName>(&["production", "sandbox"]), [true, false]);
    }

    #[test]
    fn globs_and_numbers() {
        assert_eq!(taken::<Glob>(&["**/*.pdf", "a/{b,c}"]), [true; 2]);
        assert_eq!(taken::<Glob>(&["", "/a", "a/{b", "[z"]), [false; 4]);
        assert_eq!(taken::<AccountId>(&["123456789012", "12345678901", "12345678901x"]), [true, false, false]);
        assert_eq!(taken::<DistributionId>(&["E123ABC", "", "d111.cloudfront.net"]), [true, false, false]);
        assert!(Percent::try_from(100).is_ok() && Percent::try_from(101).is_err());
    }
}
