//! Which headers each file gets, and the last word on which files are fingerprinted: history first, then what people
//! write, then the [evidence](crate::fingerprint). Pure: a function of paths, rules and what is known about the
//! distribution.

mod cache_control;
mod content_type;
mod decided;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::error::{Code, Problem};
use crate::fingerprint::{self, Basis, Verdict};
use crate::globs::PathGlobs;
use crate::head::CdnView;
use crate::headers::{Kind, MAX_METADATA_BYTES, MAX_VALUE_BYTES, check_metadata, is_field_value};
use crate::headers_file::HeadersFile;
use crate::layout::Layout;
use crate::manifest::{Entry, Files, Kept};
use crate::path::SitePath;
use crate::snapshot::SourceFile;

pub use self::decided::{Decided, Origin, Said};

/// One `[[headers]]` entry of publish.toml. Later entries win, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HeaderRule {
    /// One glob or a list of globs over paths of the site, as `**/*.pdf`.
    #[serde(rename = "for")]
    pub globs: OneOrMany,
    /// `Cache-Control`.
    #[serde(default)]
    pub cache_control: Option<String>,
    /// `Content-Type`, with its charset.
    #[serde(default)]
    pub content_type: Option<String>,
    /// `Content-Encoding`.
    #[serde(default)]
    pub content_encoding: Option<String>,
    /// `Content-Disposition`.
    #[serde(default)]
    pub content_disposition: Option<String>,
    /// `Content-Language`.
    #[serde(default)]
    pub content_language: Option<String>,
    /// User metadata, by names in lower case and without `x-amz-meta-`; each name is a field of its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Whether the names of these files vouch for their bytes; decides the default `Cache-Control`.
    #[serde(default)]
    pub immutable: Option<bool>,
}

/// A text or a list of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(from = "OneOrManyForm", into = "Vec<String>")]
pub struct OneOrMany(pub Vec<String>);

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum OneOrManyForm {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrManyForm> for OneOrMany {
    fn from(form: OneOrManyForm) -> OneOrMany {
        match form {
            OneOrManyForm::One(one) => OneOrMany(vec![one]),
            OneOrManyForm::Many(many) => OneOrMany(many),
        }
    }
}

impl From<OneOrMany> for Vec<String> {
    fn from(OneOrMany(many): OneOrMany) -> Vec<String> {
        many
    }
}

/// The header rules of an environment, checked, and those that the folder brings along in a `_headers` file.
#[derive(Clone, Debug)]
pub struct Rules {
    own: Vec<(PathGlobs, HeaderRule)>,
    file: HeadersFile,
}

/// What decides headers besides the paths and the rules.
#[derive(Clone, Copy, Debug)]
pub struct RuleContext<'a> {
    /// Paths whose names have lied: they are mutable whatever the names and the rules say.
    pub mutable_paths: &'a BTreeSet<SitePath>,
    /// What is known about the CDN.
    pub cdn: CdnView<'a>,
    /// Where the files will lie.
    pub layout: &'a Layout,
}

impl Rules {
    /// Checks `rules`, which apply in their order.
    ///
    /// # Errors
    /// [`Code::Configuration`] for a rule without globs, a text that is not a glob, and a value that no HTTP header
    /// can carry.
    pub fn new(rules: &[HeaderRule]) -> Result<Rules, Problem> {
        let check = |rule: &HeaderRule| {
            if rule.globs.0.is_empty() {
                return Err(Problem::new(Code::Configuration, "a header rule has no glob in `for`")
                    .hint("Write `for = \"**\"` for every file."));
            }
            let globs = PathGlobs::new("headers.for", &rule.globs.0)?;
            for (name, value) in rule.values() {
                check_value(&rule.globs, name, value)?;
            }
            for (name, value) in &rule.metadata {
                check_metadata(name, value).map_err(|what| {
                    let message = format!("the metadata {name:?} of the header rule for {} {what}", shown(&rule.globs));
                    Problem::new(Code::Configuration, message)
                })?;
            }
            Ok((globs, rule.clone()))
        };
        let own = rules.iter().map(check).collect::<Result<_, _>>()?;
        Ok(Rules { own, file: HeadersFile::default() })
    }

    /// With a `_headers` file, whose rules give way to those of publish.toml, field by field.
    pub fn with_file(self, file: HeadersFile) -> Rules {
        Rules { file, ..self }
    }

    /// The `_headers` file.
    pub fn file(&self) -> &HeadersFile {
        &self.file
    }

    /// Refuses more metadata than S3 keeps with a file.
    ///
    /// # Errors
    /// [`Code::Configuration`], naming the first such file.
    pub fn check_metadata<'a>(&self, paths: impl IntoIterator<Item = &'a SitePath>) -> Result<(), Problem> {
        if !self.file.has_metadata() && self.own.iter().all(|(_, rule)| rule.metadata.is_empty()) {
            return Ok(());
        }
        let bytes = |path: &SitePath| {
            let metadata = self.metadata(path, &self.file.of(path));
            metadata.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
        };
        match paths.into_iter().find(|path| bytes(path) > MAX_METADATA_BYTES) {
            None => Ok(()),
            Some(path) => {
                let message = format!("the header rules give {path} {} bytes of metadata", bytes(path));
                Err(Problem::new(Code::Configuration, message)
                    .hint(format!("S3 keeps 2 KiB with a file, of which {MAX_METADATA_BYTES} bytes are free.")))
            }
        }
    }

    /// The entries of a manifest for `files`, of which the evidence says `verdicts`. Without a verdict: mutable.
    ///
    /// Fingerprinted files are kept at their live key, all others in the blob store.
    pub fn files(
        &self,
        files: &BTreeMap<SitePath, SourceFile>,
        verdicts: &BTreeMap<SitePath, Verdict>,
        context: &RuleContext<'_>,
    ) -> Files {
        let entry = |(path, file): (&SitePath, &SourceFile)| {
            let kind = self.verdict(path, verdicts, context).kind;
            let entry = Entry {
                digest: file.digest,
                size_bytes: file.size_bytes,
                headers: self.decided(path, kind, context, twin_among(files, path)).into(),
                kind,
                kept: match kind {
                    Kind::Fingerprinted => Kept::Live,
                    Kind::Mutable => Kept::Blob,
                },
                crc64: file.crc64.clone(),
                md5: file.md5,
            };
            (path.clone(), entry)
        };
        files.iter().map(entry).collect()
    }

    /// Paths of mutable files whose names read as hashes, for a release of which only the manifest is known: a name has
    /// lied, a rule says so, or nothing spoke for it. Whichever it was, doubt means mutable.
    pub fn distrusted(files: &Files) -> impl Iterator<Item = &SitePath> {
        let mutable = files.iter().filter(|(_, entry)| entry.kind == Kind::Mutable);
        mutable.map(|(path, _)| path).filter(|path| fingerprint::reads_as_fingerprinted(path))
    }

    /// The files of an earlier release as they are to be now: those whose names have lied since are mutable, and no
    /// browser is told to keep them for ever.
    pub fn without_lies(mut files: Files, context: &RuleContext<'_>) -> Files {
        for path in context.mutable_paths {
            if let Some(entry) = files.get_mut(path).filter(|entry| entry.kind == Kind::Fingerprinted) {
                entry.kind = Kind::Mutable;
                if cache_control::is_immutable(&entry.headers.cache_control) {
                    entry.headers.cache_control = cache_control::default(path, Kind::Mutable, context).to_owned();
                }
            }
        }
        files
    }

    /// One sentence for each rule that matches none of `paths`.
    pub fn unused<'a>(&self, paths: impl IntoIterator<Item = &'a SitePath>) -> Vec<String> {
        let mut unused: Vec<&(PathGlobs, HeaderRule)> = self.own.iter().collect();
        let paths: Vec<&SitePath> = paths.into_iter().collect();
        for path in &paths {
            if unused.is_empty() {
                break;
            }
            unused.retain(|(globs, _)| !globs.matches(path));
        }
        let own = unused.iter().map(|(_, rule)| format!("no file matches the header rule for {}", shown(&rule.globs)));
        own.chain(self.file.unused(paths)).collect()
    }

    /// A sentence if rules call pages among `paths` immutable: whoever has seen one would not see a newer one for a year.
    pub fn immutable_pages<'a>(&self, paths: impl IntoIterator<Item = &'a SitePath>) -> Option<String> {
        let is_immutable = |path: &&SitePath| self.of(path).find_map(|rule| rule.immutable) == Some(true);
        let mut pages = paths.into_iter().filter(|path| path.is_page()).filter(is_immutable);
        let first = pages.next()?;
        let others = match pages.count() {
            0 => String::new(),
            1 => " and 1 other page".to_owned(),
            more => format!(" and {more} other pages"),
        };
        Some(format!(
            "`immutable = true` under [[headers]] covers `{first}`{others}: visitors who have seen a page keep it for a year, \
             whatever is published"
        ))
    }

    /// The rules for `path`, the strongest first.
    fn of(&self, path: &SitePath) -> impl Iterator<Item = &HeaderRule> {
        self.own.iter().rev().filter(|(globs, _)| globs.matches(path)).map(|(_, rule)| rule)
    }

    /// The headers of `path`, one of `files`, as [`Rules::files`] gives them to it, each with who decided it.
    pub fn explained(
        &self,
        path: &SitePath,
        files: &BTreeMap<SitePath, SourceFile>,
        verdicts: &BTreeMap<SitePath, Verdict>,
        context: &RuleContext<'_>,
    ) -> (Verdict, Decided<'_>) {
        let verdict = self.verdict(path, verdicts, context);
        let decided = self.decided(path, verdict.kind, context, twin_among(files, path));
        (verdict, decided)
    }

    /// Whether a name vouches for its bytes, and what decided that in the end.
    pub fn verdict(
        &self,
        path: &SitePath,
        verdicts: &BTreeMap<SitePath, Verdict>,
        context: &RuleContext<'_>,
    ) -> Verdict {
        if context.mutable_paths.contains(path) {
            return Verdict { kind: Kind::Mutable, basis: Basis::History };
        }
        match self.of(path).find_map(|rule| Some((rule.immutable?, rule))) {
            Some((immutable, rule)) => Verdict {
                kind: if immutable { Kind::Fingerprinted } else { Kind::Mutable },
                basis: Basis::Rule { globs: rule.globs.0.clone() },
            },
            None => verdicts.get(path).cloned().unwrap_or(Verdict { kind: Kind::Mutable, basis: Basis::None }),
        }
    }
}

impl HeaderRule {
    /// The header values it sets, with their names in publish.toml.
    fn values(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("cache_control", &self.cache_control),
            ("content_type", &self.content_type),
            ("content_encoding", &self.content_encoding),
            ("content_disposition", &self.content_disposition),
            ("content_language", &self.content_language),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

/// Refuses what is not a field value in ASCII (RFC 9110 section 5.5): a line end in it would be another header.
fn check_value(globs: &OneOrMany, name: &str, value: &str) -> Result<(), Problem> {
    let wrong = if value.is_empty() {
        "is empty"
    } else if value.trim() != value {
        "begins or ends with a blank"
    } else if !is_field_value(value) {
        "has a character that no header carries (a line end, a control character or one outside ASCII)"
    } else if value.len() > MAX_VALUE_BYTES {
        "is too long for S3"
    } else if name == "content_type" && !value.split_once('/').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty()) {
        "is not a type such as `text/html; charset=utf-8`"
    } else {
        return Ok(());
    };
    let message = format!("`{name}` of the header rule for {} {wrong}: {value:?}", shown(globs));
    Err(Problem::new(Code::Configuration, message).hint("Leave the line out to get the default."))
}

/// The file of which `path` is the compressed twin, and its `Content-Encoding`.
fn twin_among(files: &BTreeMap<SitePath, SourceFile>, path: &SitePath) -> Option<(SitePath, &'static str)> {
    content_type::twin_of(path, |path| files.contains_key(path))
}

fn shown(globs: &OneOrMany) -> String {
    globs.0.iter().map(|glob| format!("`{glob}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
