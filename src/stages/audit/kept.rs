//! Checks whether the bucket has the bytes of all complete releases, so that each can be restored completely.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Examination, Finding, FindingKind, bytes_of};
use crate::bucket::aws::{Condition, Listed, MOST_AT_ONCE};
use crate::content::path::SitePath;
use crate::release::layout::Address;
use crate::release::manifest::{Entry, Files, Kept as KeptAt, ReleaseNumber};
use crate::report::error::Problem;
use crate::types::digest::Digest;

/// The bytes that releases name, each once. Bytes that are preserved at a live key move to a blob as soon as that key gets
/// other bytes.
#[derive(Debug, Default)]
pub struct Kept {
    wanted: BTreeMap<(Digest, Option<SitePath>), Wanted>,
}

#[derive(Debug)]
struct Wanted {
    path: SitePath,
    entry: Entry,
    releases: BTreeSet<ReleaseNumber>,
}

/// Bytes that are not at the place where they should be stored.
#[derive(Debug)]
pub struct Lost {
    /// The description for a person.
    pub finding: Finding,
    /// The bytes themselves, as an entry.
    pub entry: Entry,
}

impl Kept {
    /// Adds the bytes of a release.
    pub fn add(&mut self, release: ReleaseNumber, files: Files) {
        for (path, entry) in files {
            let at = (entry.kept == KeptAt::Live).then(|| path.clone());
            let wanted = self.wanted.entry((entry.digest, at));
            let wanted = wanted.or_insert_with(|| Wanted { path, entry, releases: BTreeSet::new() });
            wanted.releases.insert(release);
        }
    }

    /// Returns the lost bytes, by listings of the live prefix and of the blobs. Costs a HEAD for each object that the
    /// listings do not settle.
    pub async fn lost(
        self,
        examination: &Examination<'_>,
        live: &[Listed],
        blobs: &[Listed],
    ) -> Result<Vec<Lost>, Problem> {
        let listed: BTreeMap<&Address, &Listed> =
            live.iter().chain(blobs).map(|listed| (&listed.address, listed)).collect();
        let listed = &listed;
        stream::iter(self.wanted)
            .map(|((digest, at), wanted)| async move {
                let blob = examination.layout.blob(&digest);
                let live = at.map(|path| examination.objects().address(&path));
                for place in live.iter().chain([&blob]) {
                    if is_there(examination, listed.get(place).copied(), &wanted.entry).await? {
                        return Ok(None);
                    }
                }
                Ok(Some(wanted.lost(live.as_ref().unwrap_or(&blob))))
            })
            .buffered(MOST_AT_ONCE)
            .try_filter_map(|lost| async move { Ok(lost) })
            .try_collect()
            .await
    }
}

async fn is_there(examination: &Examination<'_>, listed: Option<&Listed>, entry: &Entry) -> Result<bool, Problem> {
    let Some(listed) = listed.filter(|listed| listed.size_bytes == entry.size_bytes) else { return Ok(false) };
    if entry.md5.is_some_and(|md5| md5.is_etag(&listed.etag)) {
        return Ok(true);
    }
    match examination.store.head(&listed.address).await.map_err(Problem::from)? {
        Some(info) => examination.holds(&listed.address, &info, entry).await,
        None => Ok(false),
    }
}

impl Wanted {
    fn lost(self, place: &Address) -> Lost {
        let Wanted { path, entry, releases } = self;
        let finding = Finding {
            path: path.to_string(),
            what: FindingKind::Lost,
            expected: Some(format!("{} at {place}", bytes_of(&entry))),
            found: None,
            releases: releases.into_iter().collect(),
            repaired: false,
        };
        Lost { finding, entry }
    }
}

impl Examination<'_> {
    /// Copies bytes that are still live at `path` to the blob store, where they are missing. Returns whether
    /// they were there to be copied.
    pub async fn keep(&self, path: &SitePath, entry: &Entry) -> Result<bool, Problem> {
        let (live, blob) = (self.objects().address(path), self.layout.blob(&entry.digest));
        let Some(info) = self.store.head(&live).await.map_err(Problem::from)? else { return Ok(false) };
        if !self.holds(&live, &info, entry).await? {
            return Ok(false);
        }
        let wrong = self.store.head(&blob).await.map_err(Problem::from)?;
        let condition = wrong.as_ref().map_or(Condition::Absent, |info| Condition::Matches(&info.etag));
        self.objects().keep(path, &info.etag, &entry.digest, condition).await.map_err(Problem::from)?;
        Ok(true)
    }
}
