//! What visitors get now: the active release, what was left behind, and what lies at the keys a release would add.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::aws::{ObjectInfo, Store};
use crate::error::{Code, Problem};
use crate::head::Head;
use crate::headers::{Headers, Kind};
use crate::layout::{Address, Layout};
use crate::manifest::{Entry, Files, Kept, ReleaseNumber};
use crate::path::SitePath;
use crate::plan::Live;
use crate::state::State;

/// What to do with objects at live keys that no release of this site put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Stop.
    Refuse,
    /// Write over those that a file of the site needs; leave the others.
    Overwrite,
}

/// Reads what is live according to the state. Costs one request for the active manifest and one or two for each
/// release that an unfinished activation may have left live objects of.
pub async fn read(state: &State, head: &Head) -> Result<Live, Problem> {
    let active = match &head.active {
        Some(active) => manifest_files(state, active.release).await?,
        None => Files::new(),
    };
    let mut candidates = Vec::new();
    if let Some(activation) = &head.activation {
        for release in activation.candidates.iter().chain([&activation.to]) {
            candidates.push(candidate_files(state, *release).await?);
        }
    }
    let release = head.active.as_ref().map(|active| active.release);
    let mut live = Live::among(release, active, &candidates);
    for (path, leftover) in &head.leftovers {
        live.files.entry(path.clone()).or_insert_with(|| leftover.entry());
    }
    Ok(live)
}

/// The files of a complete release.
pub async fn manifest_files(state: &State, release: ReleaseNumber) -> Result<Files, Problem> {
    match state.read_manifest(release).await? {
        Some(manifest) => Ok(manifest.files),
        None => Err(Problem::new(Code::BadState, format!("the manifest of release {release} is not in the bucket"))
            .hint("Something removed it; a release whose manifest is still there can be activated.")),
    }
}

/// The files an unfinished activation may have written. A first publish writes its manifest last: until then its
/// claim names them, and nothing is known of their bytes.
async fn candidate_files(state: &State, release: ReleaseNumber) -> Result<Files, Problem> {
    if let Some(manifest) = state.read_manifest(release).await? {
        return Ok(manifest.files);
    }
    let claim = state.read_claim(release).await?;
    Ok(claim.into_iter().flat_map(|claim| claim.live).map(|path| (path, unknown())).collect())
}

/// Stands for bytes of which nothing is known: it equals no entry of a release.
fn unknown() -> Entry {
    let headers = Headers { cache_control: String::new(), ..crate::state::state_headers("") };
    let digest = crate::digest::Digest::from_bytes([0; 32]);
    Entry { digest, size_bytes: 0, headers, kind: Kind::Mutable, kept: Kept::Live, crc64: None }
}

/// Completes `live` by what lies at the keys of mutable files that `target` would add: retired files of this site,
/// which become part of `live`, or foreign objects, which stop the run unless it may write over them.
///
/// Costs a HEAD for each such file, or a listing of the live prefix where that is cheaper, and always where nothing
/// was ever activated: a first publish does not mix with what somebody else put there.
pub async fn survey(
    store: &Store,
    state: &State,
    layout: &Layout,
    mut live: Live,
    target: &Files,
    foreign: Foreign,
) -> Result<Live, Problem> {
    let added: BTreeSet<SitePath> = target
        .iter()
        .filter(|(path, entry)| entry.kind == Kind::Mutable && !known(&live, path))
        .map(|(path, _)| path.clone())
        .collect();
    let first = live.release.is_none();
    let present = if first || added.len() > 2 + live.files.len() / 1_000 {
        let listed = store.list(&layout.live_prefix()).await.map_err(Problem::from)?;
        let found: Vec<SitePath> =
            listed.iter().filter_map(|listed| layout.path_of_live(&listed.address.key)).collect();
        if first && foreign == Foreign::Refuse {
            refuse_foreign_prefix(state, layout, &live, &listed, found.iter()).await?;
        }
        found.into_iter().filter(|path| added.contains(path)).collect()
    } else {
        added
    };
    for (path, info) in heads(store, layout, present).await? {
        let ours = info.site.as_deref() == Some(layout.identity().site.as_str());
        match (info_entry(&info), ours) {
            (Some(entry), true) => {
                live.files.insert(path, entry);
            }
            (None, true) => {
                live.uncertain.insert(path);
            }
            (_, false) if foreign == Foreign::Overwrite => {
                live.uncertain.insert(path);
            }
            (_, false) => return Err(foreign_object(&layout.live(&path))),
        }
    }
    Ok(live)
}

fn known(live: &Live, path: &SitePath) -> bool {
    live.files.contains_key(path) || live.uncertain.contains(path)
}

async fn heads(
    store: &Store,
    layout: &Layout,
    paths: BTreeSet<SitePath>,
) -> Result<BTreeMap<SitePath, ObjectInfo>, Problem> {
    stream::iter(paths)
        .map(|path| async move {
            let info = store.head(&layout.live(&path)).await?;
            Ok(info.map(|info| (path, info)))
        })
        .buffer_unordered(store.concurrency())
        .try_filter_map(|found| async move { Ok(found) })
        .try_collect()
        .await
}

/// An object of this site as an entry; `None` where its SHA-256 is not known, as with objects that went up in parts.
fn info_entry(info: &ObjectInfo) -> Option<Entry> {
    Some(Entry {
        digest: info.digest?,
        size_bytes: info.size_bytes,
        headers: info.headers.clone(),
        kind: Kind::Mutable,
        kept: Kept::Live,
        crc64: None,
    })
}

/// Where nothing was ever activated, whatever lies at live keys is foreign, unless a claim of an earlier, unfinished
/// first publish names it.
async fn refuse_foreign_prefix(
    state: &State,
    layout: &Layout,
    live: &Live,
    listed: &[crate::aws::Listed],
    found: impl Iterator<Item = &SitePath>,
) -> Result<(), Problem> {
    let mut claimed: BTreeSet<SitePath> = live.uncertain.clone();
    let outside = |address: &&crate::aws::Listed| !layout.is_state(&address.address.key);
    if listed.iter().filter(outside).count() == 0 {
        return Ok(());
    }
    for release in state.releases().await?.complete.into_keys() {
        claimed.extend(state.read_claim(release).await?.into_iter().flat_map(|claim| claim.live));
    }
    let found: BTreeSet<&SitePath> = found.collect();
    let strangers: Vec<&Address> = listed
        .iter()
        .filter(outside)
        .map(|listed| &listed.address)
        .filter(|address| {
            layout.path_of_live(&address.key).is_none_or(|path| !found.contains(&path) || !claimed.contains(&path))
        })
        .collect();
    match strangers.first() {
        None => Ok(()),
        Some(first) => {
            let place = layout.live_prefix();
            let message = match strangers.len() {
                1 => format!("{place} already holds an object that publish did not put there: {first}"),
                count => format!("{place} already holds {count} objects that publish did not put there, as {first}"),
            };
            Err(Problem::new(Code::ForeignObjects, message).hint(OVERWRITE))
        }
    }
}

/// An object at a key that the site needs, which no release of the site put there.
pub(crate) fn foreign_object(address: &Address) -> Problem {
    Problem::new(Code::ForeignObjects, format!("{address} was not put there by publish")).hint(OVERWRITE)
}

const OVERWRITE: &str = "Choose another `prefix` or bucket, or use --overwrite: it writes over the objects that the \
    site needs, which cannot be undone, and leaves all others alone.";
