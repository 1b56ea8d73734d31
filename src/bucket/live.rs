//! The live files: the active release, leftovers of others, and the objects at keys that a release would add.

mod found;
mod objects;

use std::collections::BTreeSet;

use crate::bucket::aws::{Listed, ObjectInfo, Store};
use crate::bucket::state::State;
use crate::content::path::SitePath;
use crate::plan::{Candidate, Doubt, Live};
use crate::release::head::Head;
use crate::release::layout::{Address, Layout};
use crate::release::manifest::{Entry, Files, Manifest, ReleaseNumber};
use crate::report::error::{Code, Problem};
use crate::site::rules::{RuleContext, Rules};
use crate::types::headers::Kind;

use found::{Before, Found, Sight, as_found, classify, of_second_look, of_survey};

pub use found::Foreign;
pub(crate) use found::has_bytes;
pub use objects::LiveObjects;

/// Reads from the state what is live. Costs one request for the active manifest, unless it is the one that is
/// `known`, and one or two for each release with live objects that an unfinished activation may have left.
pub async fn read(state: &State, layout: &Layout, head: &Head, known: Option<Manifest>) -> Result<Live, Problem> {
    let active = match &head.active {
        Some(active) => {
            let manifest = match known.filter(|known| known.release == active.release) {
                Some(manifest) => manifest,
                None => complete(state, active.release).await?,
            };
            as_activated(manifest.files, layout, head)
        }
        None => Files::new(),
    };
    let mut doubt = Doubt::beside(active);
    if let Some(activation) = &head.activation {
        for release in activation.candidates.iter().chain([&activation.to]) {
            doubt.consider(candidate(state, layout, head, *release).await?);
        }
    }
    let mut live = doubt.live(head.active.as_ref().map(|active| active.release));
    for (path, leftover) in &head.leftovers {
        if live.speaks_of(path) {
            continue;
        }
        // An interrupted activation or prune may have removed it.
        if head.activation.is_some() || head.pruning.is_some() {
            live.uncertain.insert(path.clone(), vec![leftover.entry()]);
        } else {
            live.files.insert(path.clone(), leftover.entry());
        }
    }
    Ok(live)
}

/// The files of a manifest as an activation puts them live: a name that was reused since is mutable, and files that were
/// taken out of every release are missing.
pub(crate) fn as_activated(files: Files, layout: &Layout, head: &Head) -> Files {
    let (mutable_paths, distributions) = (&head.mutable_paths, &head.distributions);
    Rules::with_known_mutable(head.without_withdrawn(files), &RuleContext { mutable_paths, distributions, layout })
}

/// The manifest of a release that must be complete.
pub async fn complete(state: &State, release: ReleaseNumber) -> Result<Manifest, Problem> {
    match state.read_manifest(release).await? {
        Some(manifest) => Ok(manifest),
        None => {
            Err(Problem::new(Code::BadState, format!("the manifest of release {release} is missing from the bucket"))
                .hint("`publish releases` lists the releases in the bucket."))
        }
    }
}

/// Files that an unfinished activation may have written. A first publish writes its manifest last: until then its claim names
/// the files, and their bytes are unknown.
async fn candidate(state: &State, layout: &Layout, head: &Head, release: ReleaseNumber) -> Result<Candidate, Problem> {
    if let Some(manifest) = state.read_manifest(release).await? {
        let files = as_activated(manifest.files, layout, head);
        return Ok(files.into_iter().map(|(path, entry)| (path, Some(entry))).collect());
    }
    let claim = state.show_claim(release).await?;
    Ok(claim.into_iter().flat_map(|claim| claim.live).map(|path| (path, None)).collect())
}

/// Adds to `live` the objects at keys that the manifests do not describe: those of mutable files that `target` would
/// add, and those that an interrupted activation may have written. Retired files of this site become part of
/// `live`; foreign objects at keys that `target` needs stop the run, unless it may overwrite them; other objects are
/// ignored.
///
/// Costs a HEAD for each such file, or a listing of the live prefix if that is cheaper, and always if nothing
/// was ever activated: a first publish does not mix with other objects. Returns whether anything was found.
pub async fn survey(
    objects: LiveObjects<'_>,
    state: &State,
    layout: &Layout,
    live: &mut Live,
    target: &Files,
    foreign: Foreign,
) -> Result<bool, Problem> {
    let first = live.release.is_none();
    let added = target.iter().filter(|(path, entry)| entry.kind == Kind::Mutable && !live.speaks_of(path));
    let leaves = |path: &&SitePath| !live.files.contains_key(*path) || !target.contains_key(*path);
    let doubtful = live.uncertain.keys().filter(leaves);
    let mut learnt = false;
    let mut paths: BTreeSet<SitePath> = added.map(|(path, _)| path).chain(doubtful).cloned().collect();
    if first || paths.len() > 2 + live.files.len() / 1_000 {
        let listed = objects.list().await?;
        if first && foreign == Foreign::Refuse {
            refuse_foreign_prefix(state, layout, live, &listed).await?;
        }
        let found = objects.paths_in(&listed);
        if first {
            let doubtful = live.uncertain.len();
            live.uncertain.retain(|path, _| found.contains(path));
            learnt = live.uncertain.len() < doubtful;
        }
        paths.retain(|path| found.contains(path));
    }
    let found = objects.heads(paths).await?;
    learnt |= !found.is_empty();
    for (path, info) in found {
        live.etags.insert(path.clone(), info.etag.clone());
        let wanted = target.get(&path);
        let before = match live.uncertain.contains_key(&path) {
            false => Before::Unknown,
            true if first => Before::Claimed,
            true => Before::InDoubt,
        };
        let found = identify(state, layout, &path, Some(&info), None, wanted).await?;
        match of_survey(found, wanted.is_some(), before, foreign) {
            Some(lesson) => {
                lesson.teach(live, &path);
                notice_tags(&objects, live, &path, &info, wanted);
            }
            None => return Err(foreign_object(&objects.address(&path))),
        }
    }
    Ok(learnt)
}

/// Checks live keys that requests of a run may have reached after its lease ended, and updates `live`.
/// Costs a HEAD for each.
pub async fn look_again(
    objects: LiveObjects<'_>,
    state: &State,
    layout: &Layout,
    mut live: Live,
    target: &Files,
    paths: BTreeSet<SitePath>,
) -> Result<Live, Problem> {
    let known: BTreeSet<SitePath> = paths.into_iter().filter(|path| !live.uncertain.contains_key(path)).collect();
    let mut found = objects.heads(known.clone()).await?;
    for path in known {
        let info = found.remove(&path);
        live.etags.extend(info.iter().map(|info| (path.clone(), info.etag.clone())));
        let (present, wanted) = (live.files.get(&path), target.get(&path));
        let (is_known, is_wanted) = (present.is_some(), wanted.is_some());
        let found = identify(state, layout, &path, info.as_ref(), present, wanted).await?;
        of_second_look(found, is_known, is_wanted).teach(&mut live, &path);
        if let Some(info) = &info {
            notice_tags(&objects, &mut live, &path, info, wanted);
        }
    }
    Ok(live)
}

/// A file that lacks its cache tags is to be corrected, as if it had other headers.
fn notice_tags(objects: &LiveObjects<'_>, live: &mut Live, path: &SitePath, info: &ObjectInfo, wanted: Option<&Entry>) {
    let lacks_tags = wanted.is_some_and(|wanted| objects.lacks_tags(path, wanted.kind, info));
    if lacks_tags && live.files.contains_key(path) {
        live.damaged.insert(path.clone());
    }
}

/// Leaves unchanged those files of `target` whose bytes are neither live any more nor in the blob store, and returns them: a
/// release that is restored without its folder cannot supply them. Only if the switch does not lose them:
/// `before`, what should have been live, names the same bytes. Costs a HEAD for each of them.
pub async fn keep_what_is_lost(
    store: &Store,
    layout: &Layout,
    live: &mut Live,
    target: &Files,
    before: &Files,
) -> Result<BTreeSet<SitePath>, Problem> {
    let mut lost = BTreeSet::new();
    for (path, entry) in before {
        let Some(wanted) = target.get(path).filter(|wanted| wanted.same_bytes(entry)) else { continue };
        if live.uncertain.contains_key(path) || live.files.get(path).is_some_and(|present| present.same_bytes(wanted)) {
            continue;
        }
        let blob = store.head(&layout.blob(&wanted.digest)).await.map_err(Problem::from)?;
        if blob.is_none_or(|info| !has_bytes(&info, wanted)) {
            live.damaged.remove(path);
            live.files.insert(path.clone(), wanted.clone());
            lost.insert(path.clone());
        }
    }
    Ok(lost)
}

/// Classifies the object at the live key of `path`, where `known` should be and `wanted` is to be. Free, except for objects
/// of this site from multipart uploads with neither's bytes: they have no SHA-256, so the releases must identify them.
async fn identify(
    state: &State,
    layout: &Layout,
    path: &SitePath,
    info: Option<&ObjectInfo>,
    known: Option<&Entry>,
    wanted: Option<&Entry>,
) -> Result<Found, Problem> {
    match classify(layout.identity(), info, known, wanted) {
        Sight::Clear(found) => Ok(found),
        Sight::OnlyReleasesTell(info) => {
            let named = named_by_a_release(state, path, info).await?;
            Ok(named.map_or(Found::OursUnnamed, |entry| Found::Ours(Box::new(as_found(info, &entry)))))
        }
    }
}

/// The entry of `path` in the newest complete release that has the bytes of the object there.
async fn named_by_a_release(state: &State, path: &SitePath, info: &ObjectInfo) -> Result<Option<Entry>, Problem> {
    for (release, complete) in state.releases().await?.complete.into_iter().rev() {
        if !complete {
            continue;
        }
        let manifest = state.read_manifest(release).await?;
        let named = manifest.and_then(|mut manifest| manifest.files.remove(path));
        if let Some(entry) = named.filter(|entry| has_bytes(info, entry)) {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// If nothing was ever activated, all objects at live keys are foreign, unless a claim of an earlier, unfinished
/// first publish names it.
async fn refuse_foreign_prefix(state: &State, layout: &Layout, live: &Live, listed: &[Listed]) -> Result<(), Problem> {
    let mut claimed: BTreeSet<SitePath> = live.uncertain.keys().cloned().collect();
    let outside = |listed: &&Listed| !layout.is_state(&listed.address.key);
    if listed.iter().filter(outside).count() == 0 {
        return Ok(());
    }
    // Objects that an interrupted adoption has marked are as foreign as the others: release 0 does not exist.
    for release in state.releases().await?.complete.into_keys().filter(|release| *release != ReleaseNumber::ADOPTED) {
        claimed.extend(state.show_claim(release).await?.into_iter().flat_map(|claim| claim.live));
    }
    let strangers: Vec<&Address> = listed
        .iter()
        .filter(outside)
        .map(|listed| &listed.address)
        .filter(|address| layout.path_of_live(&address.key).is_none_or(|path| !claimed.contains(&path)))
        .collect();
    match strangers.first() {
        None => Ok(()),
        Some(first) => {
            let place = layout.live_prefix();
            let message = match strangers.len() {
                1 => format!("{place} already holds an object that publish did not put there: {first}"),
                count => {
                    format!("{place} already holds {count} objects that publish did not put there, such as {first}")
                }
            };
            Err(Problem::new(Code::ForeignObjects, message).hint(format!("{ADOPT} {OVERWRITE}")))
        }
    }
}

/// An object at a key that the site needs, and that no release of the site put there.
pub(crate) fn foreign_object(address: &Address) -> Problem {
    Problem::new(Code::ForeignObjects, format!("{address} was not put there by publish")).hint(OVERWRITE)
}

const ADOPT: &str = "Use --adopt to keep them as release 0, so that `publish rollback 0` can go back to them.";

const OVERWRITE: &str = "Choose another `prefix` or bucket, or use --overwrite: it replaces the objects whose keys \
    the site needs, which cannot be undone, and leaves all others alone.";
