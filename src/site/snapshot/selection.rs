//! Which names belong to the site, by publish.toml and by default.

use super::litter::is_litter;
use super::tools::is_of_tools;
use crate::config::environment::{PublishSettings, SourceMaps};
use crate::report::error::Problem;
use crate::types::globs::PathGlobs;

/// The one hidden folder that visitors are meant to see (RFC 8615).
const WELL_KNOWN: &str = ".well-known";

/// Which names are published.
pub(super) struct Selection {
    exclude: PathGlobs,
    pub(super) include_hidden: PathGlobs,
    pub(super) allow_private: PathGlobs,
    pub(super) source_maps: SourceMaps,
    /// Whether files for package managers are left out.
    without_tools: bool,
}

impl Selection {
    pub(super) fn new(settings: &PublishSettings) -> Result<Selection, Problem> {
        Ok(Selection {
            exclude: PathGlobs::new("publish.exclude", &settings.exclude)?,
            include_hidden: PathGlobs::new("publish.include_hidden", &settings.include_hidden)?,
            allow_private: PathGlobs::new("publish.allow_private", &settings.allow_private)?,
            source_maps: settings.source_maps,
            without_tools: settings.project_folder,
        })
    }

    /// Whether publish.toml names any paths.
    pub(super) fn names_any(&self) -> bool {
        !(self.exclude.is_empty() && self.include_hidden.is_empty() && self.allow_private.is_empty())
    }

    /// How to treat `path`.
    pub(super) fn fate(&self, path: &str, is_folder: bool) -> Fate {
        if self.exclude.cover_text(path) {
            Fate::Excluded
        } else if self.include_hidden.cover_text(path) {
            Fate::Published
        } else if is_litter(path, is_folder) {
            Fate::Litter
        } else if self.without_tools && is_of_tools(path) {
            Fate::OfTools
        } else if hidden_part(path).is_some() {
            Fate::Hidden
        } else {
            Fate::Published
        }
    }
}

/// How to treat a name.
#[derive(PartialEq, Eq)]
pub(super) enum Fate {
    Published,
    Excluded,
    Hidden,
    Litter,
    OfTools,
}

/// The path up to and including its first hidden segment.
pub(super) fn hidden_part(path: &str) -> Option<&str> {
    let mut end = 0;
    for segment in path.split('/') {
        end += segment.len();
        if segment.starts_with('.') && segment != WELL_KNOWN {
            return Some(&path[..end]);
        }
        end += 1;
    }
    None
}
