//! Symbolic links: their targets, and how many of them were followed to reach a folder.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::place::{FileType, Root};
use super::refusal::Reason;
use crate::types::text::printable;

/// The links of a site.
#[derive(Default)]
pub(super) struct Links {
    /// The target of each. It is resolved once, however many names lead to it.
    followed: BTreeMap<PathBuf, Result<Followed, NotFollowed>>,
    /// How many names were reached through each link to a folder, and the first name of the link.
    names: BTreeMap<PathBuf, (usize, String)>,
}

/// The target of a link.
#[derive(Clone, Debug)]
pub(super) struct Followed {
    /// Its place below the root, with all links resolved.
    pub(super) real: PathBuf,
    /// What it is.
    pub(super) kind: FileType,
}

/// Why a link has no target that can be published.
#[derive(Clone, Debug)]
pub(super) struct NotFollowed {
    pub(super) reason: Reason,
    pub(super) what: String,
    pub(super) cause: Option<String>,
}

impl Links {
    /// The target of `link`, inside the root.
    pub(super) fn follow(&mut self, root: &Root, link: &Path) -> Result<Followed, NotFollowed> {
        if let Some(known) = self.followed.get(link) {
            return known.clone();
        }
        let followed = follow(root, link);
        self.followed.insert(link.to_owned(), followed.clone());
        followed
    }

    /// Counts `names` more reached through the links of `chain`.
    pub(super) fn count(&mut self, chain: Option<&Chain>, names: usize) {
        let mut next = chain;
        while let Some(Chain { link, name, before, .. }) = next {
            let (count, _) = self.names.entry(link.clone()).or_insert_with(|| (0, name.clone()));
            *count += names;
            next = before.as_deref();
        }
    }

    /// The link through which most names were reached: its first name.
    pub(super) fn busiest(&self) -> Option<String> {
        self.names.values().max_by_key(|(count, _)| *count).map(|(_, name)| name.clone())
    }
}

/// The links that led to a folder, the last one first.
pub(super) struct Chain {
    /// The place of the link below the root, with all links resolved except itself.
    link: PathBuf,
    /// Its path in the site.
    name: String,
    /// How many links there are.
    pub(super) length: usize,
    before: Option<Rc<Chain>>,
}

impl Chain {
    /// `before`, and then the link at `link`, whose name in the site is `name`.
    pub(super) fn longer(before: Option<&Rc<Chain>>, link: &Path, name: &str) -> Chain {
        let length = before.map_or(0, |before| before.length) + 1;
        Chain { link: link.to_owned(), name: name.to_owned(), length, before: before.cloned() }
    }

    /// Whether one of the links is in `folder`, so that entering it leads back to that link.
    pub(super) fn is_inside(&self, folder: &Path) -> bool {
        let lies_inside = self.link.parent().is_some_and(|parent| parent.starts_with(folder));
        lies_inside || self.before.as_ref().is_some_and(|before| before.is_inside(folder))
    }
}

fn follow(root: &Root, link: &Path) -> Result<Followed, NotFollowed> {
    let not_followed = |reason, what: &str, cause| NotFollowed { reason, what: what.to_owned(), cause };
    let looked = std::fs::canonicalize(root.path().join(link)).and_then(|target| {
        let real = target.strip_prefix(root.path()).map(Path::to_owned);
        match real {
            Ok(real) => Ok(Ok(Followed { kind: root.look(&real)?, real })),
            Err(_) => Ok(Err(target)),
        }
    });
    match looked {
        Ok(Ok(followed)) => Ok(followed),
        Ok(Err(target)) => {
            let what = format!(
                "is a symbolic link that leads out of the folder, to `{}`",
                printable(&target.to_string_lossy())
            );
            Err(not_followed(Reason::Link, &what, None))
        }
        Err(error) => {
            let (reason, what) = match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => {
                    (Reason::Link, "is a symbolic link to something that does not exist")
                }
                ErrorKind::PermissionDenied => (Reason::Unreadable, "is a symbolic link that cannot be read"),
                _ => (Reason::Link, "is a symbolic link that leads in a circle"),
            };
            Err(not_followed(reason, what, Some(error.to_string())))
        }
    }
}
