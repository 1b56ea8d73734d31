//! Classifies the object at a live key, and decides what follows: two tables, which send no requests.

use crate::bucket::aws::ObjectInfo;
use crate::content::path::SitePath;
use crate::plan::Live;
use crate::release::manifest::{Entry, Identity, Kept};
use crate::types::headers::Kind;

/// How to treat objects at live keys that no release of this site put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Stop.
    Refuse,
    /// Overwrite those at keys that a file of the site needs; leave the others.
    Overwrite,
}

/// The object at a live key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// None.
    Absent,
    /// An object of this site, and which bytes it has.
    Ours(Box<Entry>),
    /// An object of this site with bytes that no complete release names, so they are not needed.
    OursUnnamed,
    /// The right bytes, written by something else.
    Unmarked(Box<Entry>),
    /// Any other object that this site did not put there.
    Foreign,
}

/// The result of reading an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sight<'a> {
    /// It is clear what it is.
    Clear(Found),
    /// It is of this site, but only a release that names its bytes can identify them: it is from a multipart upload.
    OnlyReleasesTell(&'a ObjectInfo),
}

/// Classifies `info`, at a key where `known` should be and `wanted` is to be.
pub(super) fn classify<'a>(
    site: &Identity,
    info: Option<&'a ObjectInfo>,
    known: Option<&Entry>,
    wanted: Option<&Entry>,
) -> Sight<'a> {
    let Some(info) = info else { return Sight::Clear(Found::Absent) };
    let ours = info.is_of(site);
    if let Some(known) = known.filter(|known| has_bytes(info, known)) {
        let entry = Box::new(Entry { headers: info.headers.clone(), ..known.clone() });
        return Sight::Clear(if ours { Found::Ours(entry) } else { Found::Unmarked(entry) });
    }
    if !ours {
        return Sight::Clear(Found::Foreign);
    }
    if let Some(wanted) = wanted.filter(|wanted| has_bytes(info, wanted)) {
        return Sight::Clear(Found::Ours(Box::new(as_found(info, wanted))));
    }
    let Some(digest) = info.digest else { return Sight::OnlyReleasesTell(info) };
    let (size_bytes, headers, kind, kept) = (info.size_bytes, info.headers.clone(), Kind::Mutable, Kept::Live);
    Sight::Clear(Found::Ours(Box::new(Entry {
        digest,
        size_bytes,
        headers,
        kind,
        kept,
        crc64: info.crc64.clone(),
        md5: None,
    })))
}

/// An object that has the bytes of `entry`, as an entry of its own.
pub(super) fn as_found(info: &ObjectInfo, entry: &Entry) -> Entry {
    Entry { headers: info.headers.clone(), kept: Kept::Live, ..entry.clone() }
}

/// Whether an object has the bytes of an entry: by SHA-256, or by CRC-64/NVME and size after a multipart upload.
pub(crate) fn has_bytes(info: &ObjectInfo, entry: &Entry) -> bool {
    let by_crc64 = || entry.crc64.is_some() && info.crc64 == entry.crc64;
    info.size_bytes == entry.size_bytes && info.digest.map_or_else(by_crc64, |digest| digest == entry.digest)
}

/// What was known of a key before a survey read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing.
    Unknown,
    /// An interrupted first publish may have written there.
    Claimed,
    /// An interrupted activation may have, and its requests may still be under way.
    InDoubt,
}

/// How the result for a key changes what counts as live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lesson {
    /// Not at all.
    Nothing,
    /// This is certainly live.
    Is(Box<Entry>),
    /// This is live, and lacks the marker.
    IsUnmarked(Box<Entry>),
    /// This is there now, and need not stay.
    MayBe(Box<Entry>),
    /// There is an object with unknown bytes.
    Unknown,
    /// The object is not publish's: it is neither overwritten nor removed.
    NotOurs,
    /// No file of this site is there any more.
    Gone,
    /// No file of this site is there any more, and the site needs one.
    Missing,
}

/// The table of a survey: `found` at a key of which `before` was known; the site `wanted` a file there or not. `None`: the
/// run must not go on, because a foreign object is at a key that the site needs.
pub(super) fn of_survey(found: Found, wanted: bool, before: Before, foreign: Foreign) -> Option<Lesson> {
    Some(match (found, before) {
        (Found::Absent, _) => Lesson::Nothing,
        (Found::Foreign | Found::Unmarked(_), _) => match (wanted, foreign) {
            (true, Foreign::Refuse) => return None,
            (true, Foreign::Overwrite) => Lesson::Unknown,
            (false, _) => Lesson::NotOurs,
        },
        (Found::Ours(entry), Before::InDoubt) => Lesson::MayBe(entry),
        (Found::Ours(entry), Before::Unknown | Before::Claimed) => Lesson::Is(entry),
        (Found::OursUnnamed, Before::Unknown) => Lesson::Unknown,
        (Found::OursUnnamed, Before::Claimed | Before::InDoubt) => Lesson::Nothing,
    })
}

/// The table of a second check: `found` at a key where a file was `known` to be live or not, and the site `wanted` one or
/// not. Files that the site needs are written again; files that leave it are left alone.
pub(super) fn of_second_look(found: Found, known: bool, wanted: bool) -> Lesson {
    match (found, known, wanted) {
        (Found::Ours(entry), _, _) => Lesson::Is(entry),
        (Found::Unmarked(entry), _, _) => Lesson::IsUnmarked(entry),
        (Found::OursUnnamed, _, _) => Lesson::Unknown,
        (Found::Absent | Found::Foreign, false, _) => Lesson::Nothing,
        (Found::Absent | Found::Foreign, true, false) => Lesson::Gone,
        (Found::Absent | Found::Foreign, true, true) => Lesson::Missing,
    }
}

impl Lesson {
    /// Applies it to `live`.
    pub(super) fn teach(self, live: &mut Live, path: &SitePath) {
        match self {
            Lesson::Nothing => {}
            Lesson::Is(entry) => {
                live.uncertain.remove(path);
                live.files.insert(path.clone(), *entry);
            }
            Lesson::IsUnmarked(entry) => {
                live.files.insert(path.clone(), *entry);
                live.damaged.insert(path.clone());
            }
            Lesson::MayBe(entry) => live.uncertain.entry(path.clone()).or_default().push(*entry),
            Lesson::Unknown => drop(live.uncertain.insert(path.clone(), Vec::new())),
            Lesson::NotOurs => {
                live.uncertain.remove(path);
                live.files.remove(path);
            }
            Lesson::Gone => drop(live.files.remove(path)),
            Lesson::Missing => {
                live.files.remove(path);
                live.damaged.insert(path.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
