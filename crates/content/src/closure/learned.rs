//! The addresses under which the site is served: as configured, and as its own references show.
//!
//! A build may name its files under a folder that is not in it (`/docs/app.js` for `app.js`) or at another host
//! (`https://cdn.example.com/app.js`). Where such references lead to files if the folder or the host is taken away, they
//! are meant for this site. What is learned must not hide a missing file, nor find one missing that was never of the
//! site: hence the conditions below.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::references::{Form, Reference, Role, looks_hashed};

use super::address::{Address, Folder};
use super::lookup::Lookup;
use super::source::{Imports, Source, is_loose};

/// How many folders may be taken away.
const MAX_FOLDERS: usize = 4;

/// How many different files must be found under another host before it is taken for the site's. One whose name looks like
/// a fingerprint is as good as two: no other site has it.
const MIN_FILES_OF_HOST: usize = 2;

/// How many fingerprints must be found below a folder before it is taken for the base of a site that names more of them at
/// the top.
const MIN_HASHED_BELOW: usize = 3;

/// The addresses of a site.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// The folder that the site is served under, with a final slash: of `url`, or learned. Empty: none.
    base: String,
    /// Whether the folder is learned although more files are named at the top, so that those count as missing too if they
    /// are not found there.
    is_partial: bool,
    /// Whether the folder is learned although the address of the site is known, without it.
    pub(super) contradicts_url: bool,
    /// The host of `url`.
    url_host: Option<String>,
    /// Hosts that serve the site, and under which folder.
    hosts: BTreeMap<String, String>,
    /// Hosts that only look like the site's: files of such names were found there, but none with a name that only this site has.
    guessed: BTreeSet<String>,
    /// The folders, as runtimes and their lists write them, in which they name files that are there; and behind which
    /// folders of the site those are.
    chunk_folders: BTreeMap<String, BTreeSet<String>>,
    /// Those of `chunk_folders` in which lists name them, and not only the tables of a runtime.
    listed_folders: BTreeSet<String>,
}

/// How many different files were found, and not found, where some folder is taken away.
#[derive(Default)]
struct Votes {
    found: BTreeSet<String>,
    missing: BTreeSet<String>,
}

impl Learned {
    pub(super) fn from(
        sources: &[Source<'_>],
        lookup: &Lookup<'_>,
        imports: &Imports<'_>,
        url: Option<&str>,
    ) -> Learned {
        let mut learned = Learned::default();
        if let Some(Address::At { host, path }) = url.and_then(|url| Address::parse(url, &Folder::default())) {
            let path = if path.is_empty() || path.ends_with('/') { path } else { format!("{path}/") };
            learned.hosts.insert(host.clone(), path.clone());
            learned.url_host = Some(host);
            learned.base = path;
        }
        let mut elsewhere: BTreeMap<String, BTreeMap<String, Votes>> = BTreeMap::new();
        let mut below: BTreeMap<String, Votes> = BTreeMap::new();
        let (mut at_top, mut hashed_at_top) = (BTreeSet::new(), 0);
        // A reference that is the same on every page votes once.
        let mut counted = BTreeSet::new();
        for source in sources {
            for reference in &source.references.list {
                learned.learn_chunk_folder(source, reference, lookup);
                if matches!(reference.role, Role::Page | Role::Other) || is_loose(reference.form) {
                    continue;
                }
                let key = (Arc::as_ptr(&reference.written).addr(), reference.role);
                if source.means_the_same_everywhere(reference) && !counted.insert(key) {
                    continue;
                }
                match source.address(reference, imports) {
                    Some((Address::At { host, path }, _)) if !learned.hosts.contains_key(&host) => {
                        vote(elsewhere.entry(host).or_default(), &path, lookup, true);
                    }
                    Some((Address::Here(path), true)) => match lookup.find(&path) {
                        Some(number) if reference.role.is_essential() => {
                            hashed_at_top += usize::from(at_top.insert(number) && looks_hashed(&path));
                        }
                        Some(_) => {}
                        None => vote(&mut below, &path, lookup, false),
                    },
                    _ => {}
                }
            }
        }
        let hashed = |found: &BTreeSet<String>| found.iter().filter(|path| looks_hashed(path)).count();
        if learned.base.is_empty()
            && let Some((folder, Votes { found, missing })) = best(below, 1)
            // Many copies may be named at the top too. A fingerprint is found in no folder but its own: more of them than at
            // the top prove the base, or several without a miss, unless there are files in such a folder, of which one
            // could be missing.
            && (found.len() > at_top.len()
                || !lookup.has_folder(&folder)
                    && (hashed(&found) > hashed_at_top || missing.is_empty() && hashed(&found) >= MIN_HASHED_BELOW))
        {
            learned.base = folder;
            learned.is_partial = found.len() <= at_top.len();
            learned.contradicts_url = url.is_some();
        }
        for (host, votes) in elsewhere {
            let hashed = votes.values().flat_map(|votes| &votes.found).any(|path| looks_hashed(path));
            if let Some((folder, _)) = best(votes, MIN_FILES_OF_HOST) {
                learned.guessed.extend((!hashed).then(|| host.clone()));
                learned.hosts.insert(host, folder);
            }
        }
        learned
    }

    fn learn_chunk_folder(&mut self, source: &Source<'_>, reference: &Reference, lookup: &Lookup<'_>) {
        let is_chunk = matches!(reference.role, Role::Module | Role::Script | Role::Style);
        let may_teach = matches!(reference.form, Form::List | Form::ChunkName) || reference.written.starts_with('/');
        if is_chunk
            && may_teach
            && let Some((_, place)) = lookup.find_around(&source.folder, &reference.written, reference.role)
        {
            let folder = folder_of(&reference.written);
            if reference.form != Form::ChunkName {
                self.listed_folders.insert(folder.to_owned());
            }
            self.chunk_folders.entry(folder.to_owned()).or_default().insert(place.to_owned());
        }
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The folders of the site that contain files that are written in this way.
    pub(super) fn places(&self, reference: &Reference) -> impl Iterator<Item = &str> {
        let places = self.chunk_folders.get(folder_of(&reference.written));
        places.into_iter().flatten().map(String::as_str)
    }

    /// Whether a list's entry lies where other entries of lists do, so that it is not just a text that looks like one. Where
    /// only the table of a runtime names files, it must have a hash too.
    pub(super) fn is_chunk(&self, reference: &Reference) -> bool {
        let folder = folder_of(&reference.written);
        self.listed_folders.contains(folder)
            || self.chunk_folders.contains_key(folder) && looks_hashed(&reference.written)
    }

    /// Whether an address names a host that only looks like the site's.
    pub(super) fn is_guessed(&self, address: &Address) -> bool {
        matches!(address, Address::At { host, .. } if self.guessed.contains(host))
    }

    /// Whether it is known where a browser looks for what an address names: it is at the host of `url`.
    pub(super) fn knows_place_of(&self, address: &Address) -> bool {
        match address {
            Address::Here(_) => self.url_host.is_some(),
            Address::At { host, .. } => self.url_host.as_ref() == Some(host),
        }
    }

    /// The paths in the site that an address may mean: as it is, and without the folder that the site is served under.
    /// `rooted`: it begins at the top of its host. The first is where a file may be found, the second where it is missed
    /// if it is nowhere; `None`: it is not the site's.
    pub(super) fn paths<'p>(&self, address: &'p Address, rooted: bool) -> (Option<&'p str>, Option<&'p str>) {
        let (path, folder) = match address {
            Address::Here(path) if !rooted => return (None, Some(path)),
            Address::Here(path) => (path.as_str(), Some(self.base.as_str())),
            Address::At { host, path } => (path.as_str(), self.hosts.get(host).map(String::as_str)),
        };
        match folder {
            None => (None, None),
            Some("") => (None, Some(path)),
            Some(folder) => {
                let is_folder = || (path == folder.trim_end_matches('/')).then_some("");
                let at_top = || (self.is_partial && matches!(address, Address::Here(_))).then_some(path);
                (Some(path), path.strip_prefix(folder).or_else(is_folder).or_else(at_top))
            }
        }
    }
}

/// Counts what is found with the first folders of `path` taken away, from none (only for another host) to a few.
fn vote(votes: &mut BTreeMap<String, Votes>, path: &str, lookup: &Lookup<'_>, from_none: bool) {
    let ends = path.match_indices('/').map(|(end, _)| end + 1).take(MAX_FOLDERS);
    for end in from_none.then_some(0).into_iter().chain(ends) {
        let votes = votes.entry(path[..end].to_owned()).or_default();
        let counted = if lookup.find(&path[end..]).is_some() { &mut votes.found } else { &mut votes.missing };
        counted.insert(path[end..].to_owned());
    }
}

/// The folder under which most files are found, and which are and are not: at least `least`, and as many as are not; of
/// several the shortest.
fn best(votes: BTreeMap<String, Votes>, least: usize) -> Option<(String, Votes)> {
    let good = votes.into_iter().filter(|(_, votes)| {
        let fingerprinted = votes.found.iter().filter(|path| looks_hashed(path)).count();
        votes.found.len() + fingerprinted >= least && votes.found.len() >= votes.missing.len()
    });
    good.max_by_key(|(folder, votes)| (votes.found.len(), std::cmp::Reverse(folder.len())))
}

pub(super) fn folder_of(written: &str) -> &str {
    written.rfind('/').map_or("", |end| &written[..=end])
}
