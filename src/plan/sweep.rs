//! What a prune removes: everything that closed releases, dead claims and leftovers have left behind, except what something
//! else needs. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::content::path::{SitePath, UrlPath};
use crate::release::layout::SeenObject;
use crate::release::manifest::{Claim, Entry, Files, ReleaseNumber};
use crate::types::digest::Digest;
use crate::types::headers::{Headers, Kind};

/// What must stay: everything that retained releases, unfinished activations and runs that are staging name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// Files whose live objects stay, whatever their bytes.
    pub paths: BTreeSet<SitePath>,
    /// Blobs that stay.
    pub digests: BTreeSet<Digest>,
}

impl Needed {
    /// A release needs the live object of every file, and the blob of every content.
    pub fn by_release(&mut self, files: &Files) {
        self.paths.extend(files.keys().cloned());
        self.digests.extend(files.values().map(|entry| entry.digest));
    }

    /// A run that is staging may rely on anything it claims being there already.
    pub fn by_claim(&mut self, claim: &Claim) {
        self.paths.extend(claim.live.iter().cloned());
        self.digests.extend(&claim.blobs);
    }
}

/// Objects that may be left at live keys and are no longer needed. The marker decides whether one is ours
/// (docs/decisions/0002): whatever its bytes, they are not needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remain {
    /// The kind according to closed releases: mutable if they disagree.
    pub named: Option<Kind>,
    /// Whether a dead claim names it.
    pub claimed: bool,
    /// Contents that should have been removed before: they are removed even if a retained release names the path.
    pub overdue: Vec<Entry>,
}

/// Everything that may have been left behind, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remains(BTreeMap<SitePath, Remain>);

impl Remains {
    /// Adds the files of a closed release.
    pub fn of_release(&mut self, files: Files) {
        for (path, entry) in files {
            let named = &mut self.0.entry(path).or_default().named;
            *named = named.filter(|kind| *kind == Kind::Mutable).or(Some(entry.kind));
        }
    }

    /// Adds the files of a dead claim.
    pub fn of_claim(&mut self, claim: Claim) {
        for path in claim.live {
            self.0.entry(path).or_default().claimed = true;
        }
    }

    /// Adds a file that should have been removed before: a leftover, or one that was taken out of all releases.
    pub fn overdue(&mut self, path: &SitePath, entry: Entry) {
        self.0.entry(path.clone()).or_default().overdue.push(entry);
    }

    /// The part of it that may be removed if only `needed` stays.
    pub fn without(self, needed: &Needed) -> BTreeMap<SitePath, Remain> {
        let mut remains = self.0;
        for (path, remain) in &mut remains {
            if needed.paths.contains(path) {
                remain.named = None;
                remain.claimed = false;
            }
        }
        remains.retain(|_, remain| remain.claimed || remain.named.is_some() || !remain.overdue.is_empty());
        remains
    }
}

/// A live object to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Victim {
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its digest, if S3 or a manifest has it.
    pub digest: Option<Digest>,
    /// Whether it needs no refresh: its name changes with its bytes.
    pub kind: Kind,
    /// The headers it is stored with.
    pub headers: Headers,
    /// Its ETag when it was read; opaque.
    pub etag: String,
    /// Whether it is removed even if its path is needed again by now.
    pub overdue: bool,
}

/// A blob, from a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blob {
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its ETag in the listing; opaque.
    pub etag: String,
}

/// Everything that a prune removes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// The numbers that can never be activated again.
    pub closes: BTreeSet<ReleaseNumber>,
    /// Their manifests and claims. They are removed last: they show that a prune was interrupted.
    pub records: Vec<SeenObject>,
    /// Live objects.
    pub live: BTreeMap<SitePath, Victim>,
    /// Blobs.
    pub blobs: BTreeMap<Digest, Blob>,
    /// Live bytes that a retained release needs and that are not stored as a blob yet.
    pub preserves: BTreeSet<SitePath>,
    /// Leftovers that are completely gone.
    pub gone: BTreeSet<SitePath>,
    /// Files to take out of all releases.
    pub withdraws: BTreeMap<SitePath, BTreeSet<Digest>>,
}

impl Sweep {
    /// Whether there is nothing to remove.
    pub fn is_empty(&self) -> bool {
        let objects = self.objects() + self.records.len();
        objects == 0 && self.gone.is_empty() && self.withdraws.is_empty()
    }

    /// Keeps what has become needed since this was planned.
    pub fn spare(&mut self, needed: &Needed) {
        self.live.retain(|path, victim| victim.overdue || !needed.paths.contains(path));
        self.blobs.retain(|digest, _| !needed.digests.contains(digest));
    }

    /// The number of objects to remove, without records of the state.
    pub fn objects(&self) -> usize {
        self.live.len() + self.blobs.len()
    }

    /// Their total size, in bytes.
    pub fn bytes(&self) -> u64 {
        let sizes =
            self.live.values().map(|victim| victim.size_bytes).chain(self.blobs.values().map(|blob| blob.size_bytes));
        sizes.fold(0, u64::saturating_add)
    }

    /// The sweep for JSON output, with the objects to remove and the paths to refresh.
    pub fn view(&self, objects: &[SeenObject], paths: &[UrlPath]) -> PruneView {
        PruneView {
            closes: self.closes.iter().copied().collect(),
            objects: objects.iter().map(|object| object.address.to_string()).collect(),
            bytes: self.bytes(),
            paths: paths.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The blobs of a listing that are not needed.
pub fn unneeded(blobs: BTreeMap<Digest, Blob>, needed: &Needed) -> BTreeMap<Digest, Blob> {
    blobs.into_iter().filter(|(digest, _)| !needed.digests.contains(digest)).collect()
}

/// What a prune removes. In JSON a line of its own with `"type":"prune"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "prune")]
pub struct PruneView {
    /// The releases that can no longer be restored, and claims that never became releases.
    #[cfg_attr(test, schemars(with = "Vec<u64>"))]
    pub closes: Vec<ReleaseNumber>,
    /// The objects to remove, as `s3://bucket/key`: live ones, then blobs.
    pub objects: Vec<String>,
    /// Their total size, in bytes.
    pub bytes: u64,
    /// What is to be refreshed at the CDN.
    pub paths: Vec<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::release::layout::Address;
    use crate::release::manifest::{Identity, Kept, Publisher, RunId};
    use crate::types::clock::Timestamp;

    fn entry(content: u8) -> Entry {
        Entry {
            digest: Digest::of(&[content]),
            size_bytes: 1,
            headers: Headers {
                cache_control: String::new(),
                content_type: String::new(),
                content_encoding: None,
                content_disposition: None,
                content_language: None,
                metadata: BTreeMap::new(),
            },
            kind: Kind::Mutable,
            kept: Kept::Blob,
            crc64: None,
            md5: None,
        }
    }

    fn path(number: u8) -> SitePath {
        SitePath::new(format!("{number}.html")).unwrap()
    }

    fn releases() -> impl Strategy<Value = Vec<Files>> {
        let files = prop::collection::btree_map((0_u8..12).prop_map(path), (0_u8..6).prop_map(entry), 0..8);
        prop::collection::vec(files, 1..8)
    }

    proptest! {
        /// Everything that any retained release names stays; everything that only closed ones name is removed.
        #[test]
        fn only_what_no_retained_release_names_goes(releases in releases(), retained in 1_usize..8) {
            let retained = retained.min(releases.len());
            let (kept, closed) = releases.split_at(retained);
            let (mut needed, mut remains) = (Needed::default(), Remains::default());
            kept.iter().for_each(|files| needed.by_release(files));
            closed.iter().for_each(|files| remains.of_release(files.clone()));
            let blobs = releases.iter().flat_map(|files| files.values()).map(|entry| (entry.digest, Blob::default())).collect();
            let (live, blobs) = (remains.without(&needed), unneeded(blobs, &needed));
            for files in kept {
                for (path, entry) in files {
                    prop_assert!(!live.contains_key(path));
                    prop_assert!(!blobs.contains_key(&entry.digest));
                }
            }
            for (path, entry) in closed.iter().flatten() {
                let named = kept.iter().any(|files| files.contains_key(path));
                prop_assert_eq!(live.contains_key(path), !named);
                let stored = kept.iter().flat_map(|files| files.values()).any(|other| other.digest == entry.digest);
                prop_assert_eq!(blobs.contains_key(&entry.digest), !stored);
            }
        }
    }

    fn victim(size_bytes: u64, overdue: bool) -> Victim {
        let Entry { headers, kind, .. } = entry(0);
        Victim { size_bytes, digest: None, kind, headers, etag: String::new(), overdue }
    }

    fn blob(size_bytes: u64) -> Blob {
        Blob { size_bytes, etag: String::new() }
    }

    fn digest(content: u8) -> Digest {
        Digest::of(&[content])
    }

    /// Closing a number alone removes nothing.
    #[test]
    fn a_sweep_is_empty_when_nothing_of_any_kind_goes() {
        type Adds = fn(&mut Sweep);
        let live: Adds = |sweep| drop(sweep.live.insert(path(1), victim(3, false)));
        let blobs: Adds = |sweep| drop(sweep.blobs.insert(digest(1), blob(4)));
        let records: Adds = |sweep| {
            let address = Address { bucket: "b".to_owned(), key: "releases/1/claim.json".to_owned() };
            sweep.records.push(SeenObject::new(address, "\"1\""));
        };
        let gone: Adds = |sweep| sweep.gone.extend([path(1)]);
        let withdraws: Adds = |sweep| drop(sweep.withdraws.insert(path(1), BTreeSet::from([digest(1)])));
        let closes: Adds = |sweep| sweep.closes.extend([ReleaseNumber::new(1)]);
        let cases: [(&[Adds], bool, usize, u64); 10] = [
            (&[], true, 0, 0),
            (&[live], false, 1, 3),
            (&[blobs], false, 1, 4),
            (&[live, blobs], false, 2, 7),
            (&[records], false, 0, 0),
            (&[live, records], false, 1, 3),
            (&[gone], false, 0, 0),
            (&[withdraws], false, 0, 0),
            (&[live, gone, withdraws], false, 1, 3),
            (&[closes], true, 0, 0),
        ];
        for (number, (adds, is_empty, objects, bytes)) in cases.into_iter().enumerate() {
            let mut sweep = Sweep::default();
            adds.iter().for_each(|add| add(&mut sweep));
            assert_eq!((sweep.is_empty(), sweep.objects(), sweep.bytes()), (is_empty, objects, bytes), "case {number}");
        }
    }

    #[test]
    fn what_is_needed_by_now_is_spared_unless_it_is_overdue() {
        let mut sweep = Sweep {
            live: BTreeMap::from([1, 2, 3, 4].map(|number| (path(number), victim(1, number > 2)))),
            blobs: BTreeMap::from([1, 2].map(|content| (digest(content), blob(1)))),
            ..Sweep::default()
        };
        sweep.spare(&Needed { paths: [path(1), path(3)].into(), digests: [digest(1)].into() });
        assert_eq!(sweep.live.into_keys().collect::<Vec<_>>(), [path(2), path(3), path(4)]);
        assert_eq!(sweep.blobs.into_keys().collect::<Vec<_>>(), [digest(2)]);
    }

    /// It must then be refreshed at the CDN.
    #[test]
    fn a_name_that_was_mutable_in_any_closed_release_is_mutable() {
        let (mutable, fingerprinted) = (Kind::Mutable, Kind::Fingerprinted);
        for (kinds, expected) in [
            ([mutable, mutable], mutable),
            ([mutable, fingerprinted], mutable),
            ([fingerprinted, mutable], mutable),
            ([fingerprinted, fingerprinted], fingerprinted),
        ] {
            let mut remains = Remains::default();
            for kind in kinds {
                remains.of_release(Files::from([(path(1), Entry { kind, ..entry(1) })]));
            }
            assert_eq!(remains.without(&Needed::default())[&path(1)].named, Some(expected), "{kinds:?}");
        }
    }

    fn claim(of: u8) -> Claim {
        Claim {
            identity: Identity { site: "shop".to_owned(), bucket: "b".to_owned(), prefix: String::new() },
            release: ReleaseNumber::new(1),
            run: RunId("run".to_owned()),
            epoch: 0,
            since: Timestamp::from_unix_seconds(0),
            publisher: Publisher::default(),
            live: vec![path(of)],
            blobs: vec![digest(of)],
        }
    }

    /// A running run needs everything it claims; for one that failed, objects that no other release needs may be removed.
    #[test]
    fn what_a_claim_names_stays_while_its_run_lasts_and_goes_after_it() {
        let (mut needed, mut remains) = (Needed::default(), Remains::default());
        needed.by_claim(&claim(1));
        [1, 2].into_iter().for_each(|of| remains.of_claim(claim(of)));
        let left = remains.without(&needed);
        assert_eq!(left, BTreeMap::from([(path(2), Remain { claimed: true, ..Remain::default() })]));
        let blobs = BTreeMap::from([1, 2].map(|content| (digest(content), Blob::default())));
        assert_eq!(unneeded(blobs, &needed).into_keys().collect::<Vec<_>>(), [digest(2)]);
    }

    #[test]
    fn what_is_overdue_goes_also_where_a_retained_release_names_its_path() {
        let (mut needed, mut remains) = (Needed::default(), Remains::default());
        needed.by_release(&Files::from([(path(1), entry(1))]));
        remains.overdue(&path(1), entry(1));
        remains.of_release(Files::from([(path(1), entry(2))]));
        let left = remains.without(&needed);
        assert_eq!(left[&path(1)], Remain { overdue: vec![entry(1)], ..Remain::default() });
    }
}
