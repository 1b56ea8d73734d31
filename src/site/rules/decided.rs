//! The headers of one file, and the source of each: a rule of publish.toml, the folder's `_headers` file, or neither.

use std::collections::BTreeMap;
use std::fmt;

use super::{RuleContext, Rules, cache_control, content_type};
use crate::config::header_rule::{HeaderRule, OneOrMany};
use crate::content::path::SitePath;
use crate::site::headers_file;
use crate::types::headers::{Headers, Kind, SetHeaders};

/// The source of a header. Follows a value in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'r> {
    /// A `[[headers]]` rule of publish.toml with these globs.
    Rule(&'r OneOrMany),
    /// The `_headers` file of the folder.
    File,
    /// No rule and no line applies.
    Default,
}

/// The value of a header, and its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<'r> {
    /// The value.
    pub value: String,
    /// Its source.
    pub by: Origin<'r>,
}

/// The headers of one file, each with its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided<'r> {
    /// `Cache-Control`.
    pub cache_control: Said<'r>,
    /// `Content-Type`.
    pub content_type: Said<'r>,
    /// `Content-Encoding`.
    pub content_encoding: Option<Said<'r>>,
    /// `Content-Disposition`.
    pub content_disposition: Option<Said<'r>>,
    /// `Content-Language`.
    pub content_language: Option<Said<'r>>,
    /// User metadata, by names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

/// The values that rules set for a path.
#[derive(Default)]
struct Set<'r> {
    cache_control: Option<Said<'r>>,
    content_type: Option<Said<'r>>,
    content_encoding: Option<Said<'r>>,
    content_disposition: Option<Said<'r>>,
    content_language: Option<Said<'r>>,
    metadata: BTreeMap<String, String>,
}

impl Rules {
    /// The headers of `path`. If it is the compressed copy of another existing file, that file's rules apply
    /// to everything that no rule sets for the copy itself.
    pub(super) fn decided(
        &self,
        path: &SitePath,
        kind: Kind,
        context: &RuleContext<'_>,
        is_there: impl Fn(&SitePath) -> bool,
    ) -> Decided<'_> {
        let twin = content_type::original_of(path, &is_there);
        let own = self.set(path);
        let (original, encoding) = twin.map_or((None, None), |(path, encoding)| (Some(path), Some(encoding)));
        let followed = original.as_ref().map(|original| self.set(original)).unwrap_or_default();
        // A rule from before the name was reused must not make browsers keep the file indefinitely.
        let reused = context.mutable_paths.contains(path);
        let may_apply = |said: &Said<'_>| !reused || !cache_control::is_immutable(&said.value);
        let named = original.as_ref().unwrap_or(path);
        let encoding = encoding.or_else(|| content_type::content_encoding(path));
        Decided {
            cache_control: own
                .cache_control
                .or(followed.cache_control)
                .filter(may_apply)
                .unwrap_or_else(|| Said::by_default(cache_control::default(path, kind, context))),
            content_type: own
                .content_type
                .or(followed.content_type)
                .unwrap_or_else(|| Said::by_default(content_type::content_type(named, &is_there))),
            content_encoding: own.content_encoding.or_else(|| encoding.map(Said::by_default)),
            content_disposition: own.content_disposition,
            content_language: own.content_language.or(followed.content_language),
            metadata: own.metadata,
        }
    }

    /// The values for `path`: from publish.toml, or else from the `_headers` file.
    fn set<'r>(&'r self, path: &SitePath) -> Set<'r> {
        let file = self.file.of(path);
        let metadata = self.metadata(path, &file);
        let rules: Vec<&HeaderRule> = self.of(path).collect();
        let first = |own: fn(&HeaderRule) -> &Option<String>, file: Option<String>| {
            let said = |rule: &'r HeaderRule| Some(Said { value: own(rule).clone()?, by: Origin::Rule(&rule.globs) });
            let by_rule = rules.iter().copied().find_map(said);
            by_rule.or_else(|| Some(Said { value: file?, by: Origin::File }))
        };
        Set {
            cache_control: first(|rule| &rule.cache_control, file.cache_control),
            content_type: first(|rule| &rule.content_type, file.content_type),
            content_encoding: first(|rule| &rule.content_encoding, file.content_encoding),
            content_disposition: first(|rule| &rule.content_disposition, file.content_disposition),
            content_language: first(|rule| &rule.content_language, file.content_language),
            metadata,
        }
    }

    pub(super) fn metadata(&self, path: &SitePath, file: &SetHeaders) -> BTreeMap<String, String> {
        let mut metadata = file.metadata.clone();
        // The highest precedence comes last, so that it overrides the others.
        let rules: Vec<&HeaderRule> = self.of(path).filter(|rule| !rule.metadata.is_empty()).collect();
        metadata.extend(rules.into_iter().rev().flat_map(|rule| rule.metadata.clone()));
        metadata
    }
}

impl Decided<'_> {
    /// The headers with their HTTP names, without the metadata.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &Said<'_>)> {
        let always = [("Cache-Control", Some(&self.cache_control)), ("Content-Type", Some(&self.content_type))];
        let seldom = [
            ("Content-Encoding", self.content_encoding.as_ref()),
            ("Content-Disposition", self.content_disposition.as_ref()),
            ("Content-Language", self.content_language.as_ref()),
        ];
        always.into_iter().chain(seldom).filter_map(|(name, said)| Some((name, said?)))
    }
}

impl From<Decided<'_>> for Headers {
    fn from(decided: Decided<'_>) -> Headers {
        let value = |said: Option<Said<'_>>| said.map(|said| said.value);
        Headers {
            cache_control: decided.cache_control.value,
            content_type: decided.content_type.value,
            content_encoding: value(decided.content_encoding),
            content_disposition: value(decided.content_disposition),
            content_language: value(decided.content_language),
            metadata: decided.metadata,
        }
    }
}

impl<'r> Said<'r> {
    fn by_default(value: impl Into<String>) -> Said<'r> {
        Said { value: value.into(), by: Origin::Default }
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Rule(globs) => write!(formatter, "[[headers]] for {}", globs),
            Origin::File => formatter.write_str(headers_file::FILE_NAME),
            Origin::Default => formatter.write_str("default"),
        }
    }
}
