//! Compares the bucket with the active release, as far as a listing shows.
//!
//! The comparison is pure. [`Examination`] reads each object for what a listing cannot decide.

mod examination;
mod kept;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::bucket::aws::Listed;
use crate::content::path::SitePath;
use crate::plan::Live;
use crate::release::head::Head;
use crate::release::layout::Layout;
use crate::release::manifest::{Entry, ReleaseNumber};

pub use examination::Examination;
pub use kept::{Kept, Lost};

/// How an object differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A file of the active release is not at its live key.
    Missing,
    /// Its live key has other bytes.
    Changed,
    /// Its live key has the right bytes and other headers.
    Headers,
    /// Bytes and headers are right, but the object does not carry the marker of this site: something else wrote it.
    Unmarked,
    /// No release of this site names the object. It is never touched.
    Foreign,
    /// Bytes that releases need are gone: those releases cannot be restored completely.
    Lost,
    /// The entry page loads a script or style sheet that the active release does not have: it was published so, with
    /// `--allow-broken`.
    NotPublished,
    /// The site's address does not answer with the entry page, or with a script or style sheet that it loads, although the
    /// bucket has it.
    Answer,
}

/// One difference between the bucket and its releases. In JSON a line of its own with `"type":"finding"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "finding")]
pub struct Finding {
    /// The path in the site; of a foreign object, its key below the live prefix; of an answer, its URL.
    pub path: String,
    /// How it differs.
    pub what: FindingKind,
    /// What should be there, in words; `null`: nothing.
    pub expected: Option<String>,
    /// What is there, in words; `null`: nothing.
    pub found: Option<String>,
    /// The releases that it concerns; none for a foreign object.
    #[cfg_attr(test, schemars(with = "Vec<u64>"))]
    pub releases: Vec<ReleaseNumber>,
    /// Whether this run has repaired it.
    pub repaired: bool,
}

/// The result of a comparison with a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Files of the active release that are certainly not as they should be.
    pub findings: Vec<Finding>,
    /// Files of the right size whose ETag does not prove the right bytes: it may not be an MD5 (AWS.md 4.3).
    pub undecided: BTreeSet<SitePath>,
    /// Objects that the active release does not name, by their keys below the live prefix, and their sizes in bytes.
    pub unnamed: BTreeMap<String, u64>,
}

impl Audit {
    /// The files that must be live: those of the active release that no unfinished activation puts in doubt.
    pub fn expected<'l>(live: &'l Live, head: &Head) -> BTreeMap<&'l SitePath, &'l Entry> {
        let certain = |path: &SitePath| !live.uncertain.contains_key(path) && !head.leftovers.contains_key(path);
        live.files.iter().filter(|(path, _)| certain(path)).collect()
    }

    /// Compares the files that should be live with a listing of the live prefix. Files that were left over or are in doubt
    /// may be there or not.
    pub fn compare(layout: &Layout, live: &Live, head: &Head, listed: &[Listed]) -> Audit {
        let mut audit = Audit::default();
        let mut found = BTreeMap::new();
        for object in listed.iter().filter(|object| !layout.is_state(&object.address.key)) {
            match layout.path_of_live(&object.address.key) {
                Some(path) if live.speaks_of(&path) => drop(found.insert(path, object)),
                _ => {
                    let prefix = &layout.identity().prefix;
                    let name = object.address.key.strip_prefix(prefix).unwrap_or(&object.address.key);
                    audit.unnamed.insert(name.to_owned(), object.size_bytes);
                }
            }
        }
        let release = live.release;
        for (path, entry) in Audit::expected(live, head) {
            match found.get(path) {
                None => audit.findings.push(Finding::of(path, FindingKind::Missing, entry, None, release)),
                Some(object) if object.size_bytes != entry.size_bytes => {
                    let found = Some(format!("{} bytes", object.size_bytes));
                    audit.findings.push(Finding::of(path, FindingKind::Changed, entry, found, release));
                }
                Some(object) if entry.md5.is_some_and(|md5| md5.is_etag(&object.etag)) => {}
                Some(_) => drop(audit.undecided.insert(path.clone())),
            }
        }
        audit
    }

    /// Drops the objects that `named` explains: the files of another release or the keys of a claim.
    pub fn account_for<'p>(&mut self, named: impl Iterator<Item = &'p SitePath>) {
        for path in named {
            self.unnamed.remove(path.as_str());
        }
    }

    /// The objects that no release names.
    pub fn foreign(&self) -> impl Iterator<Item = Finding> + '_ {
        self.unnamed.iter().map(|(name, size_bytes)| Finding {
            path: name.clone(),
            what: FindingKind::Foreign,
            expected: None,
            found: Some(format!("{size_bytes} bytes")),
            releases: Vec::new(),
            repaired: false,
        })
    }
}

impl Finding {
    /// A difference at the live key of a file of `release`.
    pub(crate) fn of(
        path: &SitePath,
        what: FindingKind,
        entry: &Entry,
        found: Option<String>,
        release: Option<ReleaseNumber>,
    ) -> Finding {
        Finding {
            path: path.to_string(),
            what,
            expected: Some(bytes_of(entry)),
            found,
            releases: release.into_iter().collect(),
            repaired: false,
        }
    }

    /// Whether it is about the live object of a file, which can be written again.
    pub fn is_damage(&self) -> bool {
        match self.what {
            FindingKind::Missing | FindingKind::Changed | FindingKind::Headers | FindingKind::Unmarked => true,
            FindingKind::Foreign | FindingKind::Lost | FindingKind::NotPublished | FindingKind::Answer => false,
        }
    }
}

/// `12 bytes, SHA-256 4ea140588150…`
fn bytes_of(entry: &Entry) -> String {
    format!("{} bytes, SHA-256 {}…", entry.size_bytes, entry.digest.short())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::release::head::Leftover;
    use crate::release::manifest::{Files, Kept, RunId};
    use crate::types::clock::Timestamp;
    use crate::types::digest::{Digest, Md5};
    use crate::types::headers::{Headers, Kind};

    fn layout() -> Layout {
        Layout::new("shop", "b", "live", None, None)
    }

    fn head() -> Head {
        Head::new(layout().identity().clone(), RunId("1".to_owned()))
    }

    fn path(text: &str) -> SitePath {
        SitePath::new(text).unwrap()
    }

    fn entry(size_bytes: u64, md5: Option<u8>) -> Entry {
        let headers = Headers::of_a_page();
        let md5 = md5.map(|byte| Md5::from_bytes([byte; 16]));
        let (kind, kept) = (Kind::Mutable, Kept::Live);
        Entry { digest: Digest::of(b""), size_bytes, headers, kind, kept, crc64: None, md5 }
    }

    fn live(files: Files) -> Live {
        Live { release: Some(ReleaseNumber::new(3)), files, ..Live::default() }
    }

    fn listed(key: &str, size_bytes: u64, etag: &str) -> Listed {
        let address = crate::release::layout::Address { bucket: "b".to_owned(), key: key.to_owned() };
        Listed { address, size_bytes, etag: format!("\"{etag}\""), last_modified: Timestamp::from_unix_seconds(0) }
    }

    #[test]
    fn only_an_etag_that_is_the_md5_settles_a_file() {
        let files = [("a", 1, Some(7)), ("b", 1, Some(7)), ("c", 1, None), ("d", 2, Some(7)), ("e", 1, Some(7))];
        let files = files.map(|(name, size, md5)| (path(name), entry(size, md5)));
        let md5 = "07".repeat(16);
        let listing = [
            listed("live/a", 1, &md5),
            listed("live/b", 1, &format!("{md5}-2")),
            listed("live/c", 1, &md5),
            listed("live/d", 1, &md5),
        ];
        let audit = Audit::compare(&layout(), &live(Files::from(files)), &head(), &listing);
        let found: Vec<_> = audit.findings.iter().map(|finding| (finding.path.as_str(), finding.what)).collect();
        assert_eq!(found, [("d", FindingKind::Changed), ("e", FindingKind::Missing)]);
        assert_eq!(audit.undecided, BTreeSet::from([path("b"), path("c")]));
    }

    #[test]
    fn what_is_left_over_or_in_doubt_may_be_there_or_not() {
        let mut live = live(Files::from([(path("left.html"), entry(1, None)), (path("doubt.html"), entry(1, None))]));
        live.uncertain.insert(path("doubt.html"), Vec::new());
        let leftover = Leftover::of(&entry(1, None), Timestamp::from_unix_seconds(0));
        let head = head().with(|head| drop(head.leftovers.insert(path("left.html"), leftover)));
        for listing in [&[][..], &[listed("live/left.html", 9, ""), listed("live/doubt.html", 9, "")]] {
            assert_eq!(Audit::compare(&layout(), &live, &head, listing), Audit::default());
        }
    }

    proptest! {
        #[test]
        fn every_object_is_accounted_for_once(
            sizes in proptest::collection::btree_map("[a-d]{1,2}", 0_u64..3, 0..8),
            found in proptest::collection::btree_map("[a-d]{1,2}/?", (0_u64..3, proptest::bool::ANY), 0..8),
        ) {
            let files: Files = sizes.iter().map(|(name, size)| (path(name), entry(*size, Some(7)))).collect();
            let md5 = "07".repeat(16);
            let listing: Vec<Listed> = found
                .iter()
                .map(|(name, (size, same))| listed(&format!("live/{name}"), *size, if *same { &md5 } else { "x" }))
                .collect();
            let mut audit = Audit::compare(&layout(), &live(files), &head(), &listing);
            for (name, size) in &sizes {
                let object = found.get(name);
                let difference = audit.findings.iter().find(|finding| finding.path == *name).map(|finding| finding.what);
                let expected = match object {
                    None => Some(FindingKind::Missing),
                    Some((found, _)) if found != size => Some(FindingKind::Changed),
                    Some(_) => None,
                };
                prop_assert_eq!(difference, expected);
                let undecided = object.is_some_and(|(found, same)| found == size && !same);
                prop_assert_eq!(audit.undecided.contains(&path(name)), undecided);
            }
            let foreign: BTreeSet<String> = audit.foreign().map(|finding| finding.path).collect();
            let unnamed = found.keys().filter(|name| !sizes.contains_key(*name)).cloned().collect();
            prop_assert_eq!(foreign, unnamed);
            let all: Vec<SitePath> = found.keys().filter_map(|name| SitePath::new(name.clone()).ok()).collect();
            audit.account_for(all.iter());
            prop_assert!(audit.unnamed.keys().all(|name| name.ends_with('/')), "only what can be no file's is left");
        }
    }
}
