//! Globs over the paths of a site, the same in every setting that takes globs.

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::content::path::SitePath;

/// A setting whose globs cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGlobs {
    /// One of them is not a glob.
    #[error("{glob:?} in `{setting}` is not a valid glob: {cause}")]
    Syntax {
        /// As written.
        glob: String,
        /// The setting.
        setting: String,
        /// What is wrong with it.
        cause: globset::ErrorKind,
    },
    /// One of them is empty.
    #[error("{glob:?} in `{setting}` matches nothing")]
    Empty {
        /// As written.
        glob: String,
        /// The setting.
        setting: String,
    },
    /// All of them together are more than a matcher can hold.
    #[error("the globs in `{setting}` are too many or too large: {cause}")]
    TooLarge {
        /// The setting.
        setting: String,
        /// What the matcher says.
        cause: globset::ErrorKind,
    },
}

/// A list of globs over paths of the site.
///
/// `*` and `?` stay within one segment, `**` crosses them, `[…]` and `{a,b}` are as in a shell, and case counts. A
/// leading or final slash means nothing, and neither does a leading `./`: all globs begin at the site's folder.
#[derive(Clone, Debug)]
pub struct PathGlobs(GlobSet);

impl PathGlobs {
    /// Reads `globs`, which came from the setting called `setting`.
    ///
    /// # Errors
    /// [`InvalidGlobs`], naming the glob and the setting.
    pub fn new(setting: &str, globs: &[String]) -> Result<PathGlobs, InvalidGlobs> {
        set_of(setting, globs).map(PathGlobs)
    }

    /// Whether a glob matches the path itself.
    pub fn matches(&self, path: &SitePath) -> bool {
        self.0.is_match(path.as_str())
    }

    /// Whether a glob matches the path or a folder that it lies in, so that `drafts` stands for all of `drafts/`.
    pub fn cover(&self, path: &SitePath) -> bool {
        self.cover_text(path.as_str())
    }

    /// [`PathGlobs::cover`] for a name from a disk, which need not be one that a site can have.
    pub(crate) fn cover_text(&self, path: &str) -> bool {
        let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        !self.0.is_empty() && (self.0.is_match(path) || folders.into_iter().any(|folder| self.0.is_match(folder)))
    }

    /// Which of the globs, by their places in the list, match none of `names`.
    pub(crate) fn unmatched<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<usize> {
        let mut unmatched: BTreeSet<usize> = (0..self.0.len()).collect();
        for name in names {
            if unmatched.is_empty() {
                break;
            }
            for glob in self.0.matches(name) {
                unmatched.remove(&glob);
            }
        }
        unmatched.into_iter().collect()
    }

    /// The globs, by their places in the list, that cover `path`.
    pub(crate) fn covering(&self, path: &SitePath) -> Vec<usize> {
        let text = path.as_str();
        let folders = text.match_indices('/').map(|(end, _)| &text[..end]);
        folders.chain([text]).flat_map(|name| self.0.matches(name)).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Without a leading `./`, and without slashes at either end.
pub(crate) fn plain(glob: &str) -> &str {
    let mut glob = glob.trim_matches('/');
    while let Some(rest) = glob.strip_prefix("./") {
        glob = rest.trim_start_matches('/');
    }
    glob
}

/// Lists of globs as [`PathGlobs`], of which all that match a path are found at once, however many there are.
#[derive(Clone, Debug)]
pub struct GlobLists {
    set: GlobSet,
    /// The list of each glob.
    list_of: Vec<usize>,
}

impl GlobLists {
    /// Reads `lists`, which came from the setting called `setting`.
    ///
    /// # Errors
    /// [`InvalidGlobs`], naming the glob and the setting.
    pub fn new<'g>(setting: &str, lists: impl IntoIterator<Item = &'g [String]>) -> Result<GlobLists, InvalidGlobs> {
        let (mut globs, mut list_of) = (Vec::new(), Vec::new());
        for (list, of_list) in lists.into_iter().enumerate() {
            globs.extend(of_list);
            list_of.resize(globs.len(), list);
        }
        Ok(GlobLists { set: set_of(setting, globs)?, list_of })
    }

    /// The places of the lists of which a glob matches the path itself, in their order.
    pub fn matching(&self, path: &SitePath) -> Vec<usize> {
        let mut lists: Vec<usize> =
            self.set.matches(path.as_str()).into_iter().map(|glob| self.list_of[glob]).collect();
        lists.sort_unstable();
        lists.dedup();
        lists
    }
}

fn set_of<'g>(setting: &str, globs: impl IntoIterator<Item = &'g String>) -> Result<GlobSet, InvalidGlobs> {
    let setting = || setting.to_owned();
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let trimmed = plain(glob);
        if trimmed.is_empty() {
            return Err(InvalidGlobs::Empty { glob: glob.clone(), setting: setting() });
        }
        let built = GlobBuilder::new(trimmed).literal_separator(true).backslash_escape(true).build();
        set.add(built.map_err(|error| InvalidGlobs::Syntax {
            glob: glob.clone(),
            setting: setting(),
            cause: error.kind().clone(),
        })?);
    }
    set.build().map_err(|error| InvalidGlobs::TooLarge { setting: setting(), cause: error.kind().clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(globs: &[&str]) -> PathGlobs {
        PathGlobs::new("exclude", &globs.iter().map(|&glob| glob.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn path(path: &str) -> SitePath {
        SitePath::new(path).unwrap()
    }

    #[test]
    fn one_star_stays_in_its_folder() {
        assert!(globs(&["*.pdf"]).matches(&path("a.pdf")));
        assert!(!globs(&["*.pdf"]).matches(&path("a/b.pdf")));
        assert!(globs(&["**/*.pdf"]).matches(&path("a.pdf")));
        assert!(globs(&["**/*.pdf"]).matches(&path("a/b/c.pdf")));
        assert!(globs(&["/assets/**"]).matches(&path("assets/a/b.js")));
        assert!(!globs(&["*.PDF"]).matches(&path("a.pdf")));
    }

    #[test]
    fn a_folder_covers_what_lies_in_it_but_does_not_match_it() {
        for glob in ["drafts", "drafts/", "./drafts", ".//./drafts/", "dra*"] {
            assert!(globs(&[glob]).cover(&path("drafts/a/b.html")), "{glob}");
            assert!(!globs(&[glob]).matches(&path("drafts/a/b.html")), "{glob}");
        }
        assert!(!globs(&["drafts"]).cover(&path("a/drafts/b")));
        assert!(!globs(&[]).cover(&path("a")));
    }

    #[test]
    fn what_matches_nothing_is_told() {
        let globs = globs(&["./drafts/**", "*.map", "dist/**", "drafts"]);
        assert_eq!(globs.unmatched(["drafts/a", "b.map", "drafts"]), [2]);
        assert_eq!(globs.unmatched([]), [0, 1, 2, 3]);
        assert_eq!(globs.unmatched(["a.map", "b.map", "c.map", "d.map", "dist/a"]), [0, 3], "one glob may match many");
        assert_eq!(globs.covering(&path("drafts/a")), [3, 0]);
    }

    #[test]
    fn all_lists_that_match_are_found_in_their_order() {
        let owned = |list: &[&str]| list.iter().map(|&glob| glob.to_owned()).collect::<Vec<_>>();
        let lists = [owned(&["**/*.pdf", "a/*"]), owned(&["b/**"]), owned(&[]), owned(&["**"])];
        let lists = GlobLists::new("headers.for", lists.iter().map(Vec::as_slice)).unwrap();
        assert_eq!(lists.matching(&path("a/x.pdf")), [0, 3]);
        assert_eq!(lists.matching(&path("b/x")), [1, 3]);
        assert!(GlobLists::new("headers.for", [owned(&["a["]).as_slice()]).is_err());
    }

    #[test]
    fn bad_globs_are_named_with_their_setting() {
        for bad in ["a[", "{a", "", "/"] {
            let message = PathGlobs::new("exclude", &[bad.to_owned()]).unwrap_err().to_string();
            assert!(message.contains(&format!("{bad:?}")) && message.contains("`exclude`"), "{message}");
        }
    }
}
