//! Decides each file's headers, and finally which files are fingerprinted: history first, then the users' rules,
//! then the [evidence](crate::site::fingerprint). Pure: a function of paths, rules and the settings of the
//! distribution.

mod cache_control;
mod content_type;
mod decided;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::header_rule::HeaderRule;
use crate::content::path::SitePath;
use crate::release::head::Distributions;
use crate::release::layout::Layout;
use crate::release::manifest::{Entry, Files, Kept};
use crate::report::error::{Code, Problem};
use crate::site::fingerprint::{self, Verdict};
use crate::site::headers_file::HeadersFile;
use crate::site::snapshot::SourceFile;
use crate::site::unmatched;
use crate::types::globs::GlobLists;
use crate::types::headers::{Kind, MAX_METADATA_BYTES};

pub use self::decided::{Decided, Origin, Said};

/// The checked header rules of an environment, and those of the folder's `_headers` file.
#[derive(Clone, Debug)]
pub struct Rules {
    own: Vec<HeaderRule>,
    /// Their globs.
    globs: GlobLists,
    file: HeadersFile,
}

/// The inputs that decide headers besides the paths and the rules.
#[derive(Clone, Copy, Debug)]
pub struct RuleContext<'a> {
    /// Paths whose names were reused for other bytes: they are mutable whatever the names and the rules say.
    pub mutable_paths: &'a BTreeSet<SitePath>,
    /// The distributions that serve the files: the strictest of them decides.
    pub distributions: &'a Distributions,
    /// Where the files will be stored.
    pub layout: &'a Layout,
}

impl Rules {
    /// Checks `rules`, which apply in this order.
    ///
    /// # Errors
    /// [`Code::Configuration`] for a rule without globs, a text that is not a glob, and a value that no HTTP header
    /// can have.
    pub fn new(rules: &[HeaderRule]) -> Result<Rules, Problem> {
        for rule in rules {
            rule.checked()?;
        }
        let globs = GlobLists::new("headers.for", rules.iter().map(|rule| rule.globs.0.as_slice()))?;
        Ok(Rules { own: rules.to_vec(), globs, file: HeadersFile::default() })
    }

    /// With a `_headers` file, whose rules are overridden by those of publish.toml, field by field.
    pub fn with_file(self, file: HeadersFile) -> Rules {
        Rules { file, ..self }
    }

    /// The `_headers` file.
    pub fn file(&self) -> &HeadersFile {
        &self.file
    }

    /// Refuses more metadata than S3 stores with a file.
    ///
    /// # Errors
    /// [`Code::Configuration`], naming the first such file.
    pub fn check_metadata<'a>(&self, paths: impl IntoIterator<Item = &'a SitePath>) -> Result<(), Problem> {
        if !self.file.has_metadata() && self.own.iter().all(|rule| rule.metadata.is_empty()) {
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
                Err(Problem::new(Code::Configuration, message).hint(format!(
                    "S3 stores up to 2 KiB of metadata with a file; {MAX_METADATA_BYTES} bytes are available."
                )))
            }
        }
    }

    /// The manifest entries for `files`, with `verdicts` from the evidence. Without a verdict: mutable.
    ///
    /// Fingerprinted files are stored at their live key, all others in the blob store.
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
                headers: self.decided(path, kind, context, |path| files.contains_key(path)).into(),
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

    /// Paths of mutable files whose names read as hashes, for a release known only by its manifest: the name
    /// was reused, a rule says so, or there was no evidence. In each case, doubt means mutable.
    pub fn distrusted(files: &Files) -> impl Iterator<Item = &SitePath> {
        let mutable = files.iter().filter(|(_, entry)| entry.kind == Kind::Mutable);
        mutable.map(|(path, _)| path).filter(|path| fingerprint::reads_as_fingerprinted(path))
    }

    /// Whether browsers were told to keep a file with these headers, and never to ask again.
    pub fn is_kept_by_browsers(entry: &Entry) -> bool {
        cache_control::is_immutable(&entry.headers.cache_control)
    }

    /// The files of an earlier release as they are to be now: those whose names were reused since are mutable, and their
    /// headers do not let browsers keep them indefinitely.
    pub fn with_known_mutable(mut files: Files, context: &RuleContext<'_>) -> Files {
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
        let mut unused: BTreeSet<usize> = (0..self.own.len()).collect();
        let paths: Vec<&SitePath> = paths.into_iter().collect();
        for path in &paths {
            if unused.is_empty() {
                break;
            }
            for rule in self.globs.matching(path) {
                unused.remove(&rule);
            }
        }
        let files = paths.iter().map(|path| path.as_str());
        let names = if unused.is_empty() { BTreeSet::new() } else { unmatched::with_folders(files) };
        let own = unused.into_iter().map(|rule| {
            let rule = &self.own[rule];
            let nearest = rule.globs.0.iter().find_map(|glob| unmatched::nearest(glob, &names));
            let nearest = nearest.map(|name| format!("; the nearest match is `{name}`")).unwrap_or_default();
            format!("no file matches the header rule for {}{nearest}", rule.globs)
        });
        let own: Vec<String> = own.collect();
        own.into_iter().chain(self.file.unused(paths)).collect()
    }

    /// A warning if rules make pages among `paths` immutable: returning visitors would not see a newer one for a year.
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
            "`immutable = true` under [[headers]] matches `{first}`{others}: browsers will keep showing the old page \
             for up to a year, whatever is published"
        ))
    }

    /// The rules for `path`, in descending order of precedence.
    fn of(&self, path: &SitePath) -> impl Iterator<Item = &HeaderRule> {
        self.globs.matching(path).into_iter().rev().map(|rule| &self.own[rule])
    }

    /// The headers of `path`, one of `files`, as [`Rules::files`] sets them, each with its source.
    pub fn explained(
        &self,
        path: &SitePath,
        files: &BTreeMap<SitePath, SourceFile>,
        verdicts: &BTreeMap<SitePath, Verdict>,
        context: &RuleContext<'_>,
    ) -> (Verdict, Decided<'_>) {
        let verdict = self.verdict(path, verdicts, context);
        let decided = self.decided(path, verdict.kind, context, |path| files.contains_key(path));
        (verdict, decided)
    }

    /// Whether a name is fingerprinted, and what finally decided it.
    pub fn verdict(
        &self,
        path: &SitePath,
        verdicts: &BTreeMap<SitePath, Verdict>,
        context: &RuleContext<'_>,
    ) -> Verdict {
        if context.mutable_paths.contains(path) {
            return Verdict::HISTORY;
        }
        match self.of(path).find_map(|rule| Some((rule.immutable?, rule))) {
            Some((immutable, rule)) => Verdict::of_header_rule(immutable, rule.globs.0.clone()),
            None => verdicts.get(path).cloned().unwrap_or(Verdict::NONE),
        }
    }
}

#[cfg(test)]
mod tests;
