//! Headers of a `_headers` file that S3 cannot store, as CloudFront can add them: response headers policies, each for the
//! cache behavior of one path pattern (AWS.md 2.7).
//!
//! CloudFront applies the policy of the first behavior whose pattern matches, and no other. So the policy of a
//! pattern contains the headers of all rules together for what it matches, and narrower patterns come first.

mod config;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::site::headers_file::{End, Header, HeadersFile, Index, Rule, UrlPattern, is_stored};

/// Most characters of a policy's name.
const MAX_NAME: usize = 128;

/// Most policies of an account, unless AWS raised it (AWS.md 2.7).
const MAX_POLICIES: usize = 20;

/// Most cache behaviors of a distribution, unless AWS raised it (CloudFront Developer Guide, Quotas).
const MAX_BEHAVIORS: usize = 75;

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

/// The policies that a file needs, in the order of their cache behaviors. If it needs more than a
/// distribution can have behaviors, those for the widest patterns, and each has a warning.
pub fn policies(file: &HeadersFile, site: &str, environment: &str) -> Vec<ResponsePolicy> {
    let mut names = BTreeSet::new();
    let (patterns, all) = patterns(file.rules());
    let too_many = if all > MAX_BEHAVIORS {
        Some(format!(
            "{all} path patterns need a cache behavior, but a distribution can have at most {MAX_BEHAVIORS}, unless AWS \
             has raised the limit. Only the widest {MAX_BEHAVIORS} are listed."
        ))
    } else {
        (all > MAX_POLICIES)
            .then(|| format!("An account can have at most {MAX_POLICIES} policies, unless AWS has raised the limit."))
    };
    let policy = |Pattern { pattern, headers }: Pattern<'_>| {
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

/// The warning about headers that are not stored; `None` if there are none.
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

/// A pattern that needs a policy.
struct Pattern<'f> {
    pattern: &'f UrlPattern,
    /// The headers of all rules together for everything that it matches, by name.
    headers: Vec<Header>,
}

/// The patterns that need a policy, each once: those that cover few others come before those that cover many, so that each
/// comes before those that cover it; of equal ones, those of later rules first. At most the last [`MAX_BEHAVIORS`], and how
/// many there are.
fn patterns(rules: &[Rule]) -> (Vec<Pattern<'_>>, usize) {
    let is_wanted = |rule: &Rule| {
        rule.headers.iter().any(|header| !is_stored(&header.key())) || rule.detached.iter().any(|name| !is_stored(name))
    };
    let wanted = rules.iter().enumerate().filter(|(_, rule)| is_wanted(rule));
    let index = Index::of(wanted.map(|(number, rule)| (number, &rule.pattern)));
    let mut covered: BTreeMap<End, usize> = BTreeMap::new();
    let last_rule = |end: End| index.rules(end).last().copied();
    for pattern in index.ends().filter_map(last_rule).map(|last| &rules[last].pattern) {
        let (covering, _) = index.covering(pattern);
        covering.into_iter().for_each(|end| *covered.entry(end).or_default() += 1);
    }
    let widths = covered.into_iter().filter_map(|(end, width)| Some((Reverse(width), last_rule(end)?)));
    let mut patterns: Vec<(Reverse<usize>, usize)> = widths.collect();
    let all = patterns.len();
    patterns.sort_unstable();
    patterns.truncate(MAX_BEHAVIORS);
    patterns.reverse();
    let pattern = |(_, last): (Reverse<usize>, usize)| {
        let pattern = &rules[last].pattern;
        let (covering, _) = index.covering(pattern);
        let mut numbers: Vec<usize> = covering.into_iter().flat_map(|end| index.rules(end)).copied().collect();
        numbers.sort_unstable();
        Pattern { pattern, headers: merged(numbers.into_iter().map(|number| &rules[number])) }
    };
    (patterns.into_iter().map(pattern).collect(), all)
}

/// The headers of `rules` together, by name.
fn merged<'f>(rules: impl Iterator<Item = &'f Rule>) -> Vec<Header> {
    let mut headers = BTreeMap::new();
    for rule in rules {
        rule.detached.iter().for_each(|name| drop(headers.remove(name)));
        let added = rule.headers.iter().filter(|header| !is_stored(&header.key()));
        headers.extend(added.map(|header| (header.key(), header.clone())));
    }
    headers.into_values().collect()
}

/// A path pattern in a form that fits a name.
fn slug(path_pattern: &str) -> String {
    let words = path_pattern.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    match (path_pattern, words.collect::<Vec<_>>().join("-")) {
        ("*", _) => "default".to_owned(),
        (_, words) if words.is_empty() => "root".to_owned(),
        (_, words) => words,
    }
}

/// A name that is unique in this list, of letters, digits, `-` and `_`.
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
