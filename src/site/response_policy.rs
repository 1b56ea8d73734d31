//! What a `_headers` file asks for and S3 cannot store, as CloudFront adds it: response headers policies, each for the
//! cache behavior of one path pattern (AWS.md 2.7).
//!
//! CloudFront gives an answer the policy of the first behavior whose pattern matches, and no other. So the policy of a
//! pattern holds what all rules together give to what it matches, and narrower patterns come first.

mod config;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::site::headers_file::{Header, HeadersFile, Rule, UrlPattern, is_stored};

/// Most characters of a policy's name.
const MAX_NAME: usize = 128;

/// Most policies of an account, unless AWS raised it (AWS.md 2.7).
const MAX_POLICIES: usize = 20;

/// The policy for one path pattern. In JSON a line of its own with `"type":"response_policy"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "response_policy")]
pub struct ResponsePolicy {
    /// The pattern of the cache behavior that it belongs to; `*` is the default behavior.
    pub path_pattern: String,
    /// The policy's name.
    pub name: String,
    /// The headers that it stands for, as `Name: value`, in the order of their names.
    pub headers: Vec<String>,
    /// What `aws cloudfront create-response-headers-policy --response-headers-policy-config` takes; `null`: the behavior
    /// is to have no policy, because a rule takes away what a wider one gives.
    pub config: Option<serde_json::Value>,
    /// What a person should know before using it, one sentence each.
    pub notes: Vec<String>,
}

/// The policies that a file needs, in the order in which their cache behaviors must stand.
pub fn policies(file: &HeadersFile, site: &str, environment: &str) -> Vec<ResponsePolicy> {
    let mut names = BTreeSet::new();
    let patterns = patterns(file.rules());
    let too_many = (patterns.len() > MAX_POLICIES)
        .then(|| format!("An account can have at most {MAX_POLICIES} policies, unless AWS has raised the limit."));
    let policy = |pattern: &UrlPattern| {
        let headers = merged(file.rules(), pattern);
        let (path_pattern, is_wider) = pattern.path_pattern();
        let name = unused_name(&mut names, &format!("{site}-{environment}-{}", slug(&path_pattern)));
        let config::Config { value, mut notes } = config::of(&name, &headers);
        if is_wider {
            let text = pattern.text();
            notes.insert(
                0,
                format!("The pattern matches more than `{text}`, because CloudFront has no narrower wildcard."),
            );
        }
        notes.extend(too_many.clone());
        let headers = headers.iter().map(|header| format!("{}: {}", header.name, header.value)).collect();
        ResponsePolicy { path_pattern, name, headers, config: value, notes }
    };
    patterns.into_iter().map(policy).collect()
}

/// What a person should know of the headers that are not stored; `None` where there are none.
pub fn warning(file: &HeadersFile) -> Option<String> {
    const NAMED: usize = 4;
    let headers = file.rules().iter().flat_map(|rule| &rule.headers);
    let names: BTreeMap<String, &str> =
        headers.filter(|header| !is_stored(&header.key())).map(|header| (header.key(), header.name.as_str())).collect();
    let named = names.values().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let named = match names.len() {
        0 => return None,
        1..=NAMED => named,
        more => format!("{named} and {} more", more - NAMED),
    };
    Some(format!(
        "_headers: S3 cannot store {named}; a CloudFront response headers policy can add it, and `publish plan \
         --explain-headers` prints one"
    ))
}

/// The patterns that need a policy, each once: narrower ones before wider ones, else those of later rules first.
fn patterns(rules: &[Rule]) -> Vec<&UrlPattern> {
    let is_wanted = |rule: &&Rule| {
        rule.headers.iter().any(|header| !is_stored(&header.key())) || rule.detached.iter().any(|name| !is_stored(name))
    };
    let mut patterns: Vec<&UrlPattern> = Vec::new();
    for rule in rules.iter().rev().filter(is_wanted) {
        let pattern = &rule.pattern;
        if patterns.iter().any(|known| known.covers(pattern) && pattern.covers(known)) {
            continue;
        }
        let place = patterns.iter().position(|known| known.covers(pattern)).unwrap_or(patterns.len());
        patterns.insert(place, pattern);
    }
    patterns
}

/// The headers that all rules together give to everything that `pattern` matches, by their names.
fn merged(rules: &[Rule], pattern: &UrlPattern) -> Vec<Header> {
    let mut headers = BTreeMap::new();
    for rule in rules.iter().filter(|rule| rule.pattern.covers(pattern)) {
        rule.detached.iter().for_each(|name| drop(headers.remove(name)));
        let added = rule.headers.iter().filter(|header| !is_stored(&header.key()));
        headers.extend(added.map(|header| (header.key(), header.clone())));
    }
    headers.into_values().collect()
}

/// A path pattern as a part of a name.
fn slug(path_pattern: &str) -> String {
    let words = path_pattern.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    match (path_pattern, words.collect::<Vec<_>>().join("-")) {
        ("*", _) => "default".to_owned(),
        (_, words) if words.is_empty() => "root".to_owned(),
        (_, words) => words,
    }
}

/// A name that no other policy of this list has, of letters, digits, `-` and `_`.
fn unused_name(names: &mut BTreeSet<String>, wanted: &str) -> String {
    let plain = |char: char| if char.is_ascii_alphanumeric() || char == '_' { char } else { '-' };
    let base: String = wanted.chars().map(plain).take(MAX_NAME - 4).collect();
    let mut name = base.clone();
    let mut number = 2;
    while !names.insert(name.clone()) {
        name = format!("{base}-{number}");
        number += 1;
    }
    name
}
