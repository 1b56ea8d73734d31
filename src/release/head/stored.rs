//! A head as stored: one module for each format, and the way from bytes to what they say and back.

mod v1;
mod v2;

use serde_json::Value;

use super::{Head, HeadFields, MAX_BEHAVIORS, MAX_CANDIDATES, MAX_OWED_PATHS, Refresh};
use crate::content::path::SitePath;
use crate::release::format::{
    Addition, Document, Format, FormatError, Minors, Unknown, check_size, is_kept_exactly, needed,
};
use crate::release::manifest::{MAX_SITE_BYTES, Publisher};

/// What a head can say that format 1 cannot. A new field has its line here: `minor 1: files of a preview`, with a `write`
/// of its own if its truth depends on what is live, owed or in progress.
const ADDITIONS: &[Addition<HeadFields>] = &[
    // Minor 1: releases that a prune closed which was cut short. Who does not know of them activates one.
    Addition { needs: Minors { read: 0, write: 1 }, is_said: |head| !head.closed.is_empty() },
    // Minor 2: several distributions. Who does not know of them changes what is live and owes it to one of them only.
    Addition {
        needs: Minors { read: 0, write: 2 },
        is_said: |head| !head.distributions.is_empty() && v2::single(head).is_none(),
    },
    // The store that passed its test: older readers write it back unchanged, and test the store as before.
    Addition { needs: Minors { read: 0, write: 0 }, is_said: |head| head.proven_store.is_some() },
    // How a distribution keeps answers: older readers refresh as before, and write it back unchanged.
    Addition {
        needs: Minors { read: 0, write: 0 },
        is_said: |head| head.distributions.values().any(|known| !known.facts.caching.is_usual()),
    },
    // Refreshes that are sent. A program that does not know the field leaves such an entry alone: it neither sends it again
    // nor removes it, and what it says stays true of its paths whatever is live.
    Addition {
        needs: Minors { read: 0, write: 0 },
        is_said: |head| head.pending_refreshes.iter().any(Refresh::is_sent),
    },
    // Minor 3: cache tags. A program that does not know them writes live objects without.
    Addition { needs: Minors { read: 0, write: 3 }, is_said: says_tags },
    // Readers that do not know what a build was made from may ignore it.
    Addition { needs: Minors { read: 0, write: 0 }, is_said: |head| publishers(head).any(|it| it.uncommitted_changes) },
];

/// Whether anything depends on what is live having its cache tags.
fn says_tags(head: &HeadFields) -> bool {
    let counts = head.distributions.values().any(|known| known.tagged_under.is_some());
    head.tagged || counts || head.pending_refreshes.iter().any(|refresh| !refresh.tags.is_empty())
}

/// All publishers that a head names.
fn publishers(head: &HeadFields) -> impl Iterator<Item = &Publisher> {
    let activating = head.activation.iter().map(|activation| &activation.publisher);
    let holding = head.hold.iter().map(|hold| &hold.publisher);
    let withdrawing = head.withdrawn.values().map(|withdrawn| &withdrawn.publisher);
    activating.chain(holding).chain(withdrawing).chain(head.history.iter().map(|item| &item.publisher))
}

/// The head as stored. What no reader would accept is not written.
pub(super) fn encode(head: &HeadFields) -> Result<Vec<u8>, FormatError> {
    let bytes = match needs(head, ADDITIONS) {
        None => serde_json::to_vec_pretty(&Document::of(v2::Body(head), None))?,
        needs => {
            let mut document = serde_json::to_value(Document::of(v2::Body(head), needs))?;
            for (place, unknown) in unknowns(head) {
                if let Some(object) = document.pointer_mut(&place) {
                    unknown.write_into(object);
                }
            }
            serde_json::to_vec_pretty(&document)?
        }
    };
    decode(&bytes)?;
    Ok(bytes)
}

/// Reads a stored head, trusting nothing in it.
pub(super) fn decode(bytes: &[u8]) -> Result<Head, FormatError> {
    check_size(bytes)?;
    let fields = match Format::of(bytes)? {
        Format::First => {
            v1::check(bytes)?;
            v2::read(bytes, |_| {})?
        }
        Format::Second(minors) => {
            let mut places = Vec::new();
            let mut fields = v2::read(bytes, |place| places.push(place))?;
            fields.needs = minors;
            keep_unknown(&mut fields, bytes, places)?;
            // What it needs when it is written back: a head that owes a second distribution something has two of them.
            let keeps_more = is_beyond_this_program(&fields);
            fields.needs = needs(&fields, ADDITIONS).filter(|_| keeps_more).unwrap_or_default();
            fields
        }
    };
    check(&fields)?;
    Ok(Head { fields })
}

/// The minors that a head needs; `None`: format 1 can express all of it. Unknown fields need what the program
/// that wrote them stated.
fn needs(head: &HeadFields, additions: &[Addition<HeadFields>]) -> Option<Minors> {
    let kept = is_beyond_this_program(head).then_some(head.needs);
    needed(head, additions).into_iter().chain(kept).reduce(Minors::max)
}

/// Whether a newer program wrote something whose needs this one does not know.
fn is_beyond_this_program(head: &HeadFields) -> bool {
    head.needs.are_only_to_read() || unknowns(head).iter().any(|(_, unknown)| !unknown.is_empty())
}

fn check(head: &HeadFields) -> Result<(), FormatError> {
    let left = head.leftovers.values().fold(0_u64, |sum, leftover| sum.saturating_add(leftover.size_bytes));
    if left > MAX_SITE_BYTES {
        return Err(FormatError::OutOfRange("leftovers of more bytes than any bucket holds"));
    }
    if head.owed_items() > MAX_OWED_PATHS {
        return Err(FormatError::TooMany { what: "paths to refresh", most: MAX_OWED_PATHS });
    }
    if head.owed_paths().any(|path| path.as_str().contains('~')) {
        return Err(FormatError::OutOfRange("a path to refresh that CloudFront does not take"));
    }
    if head.pending_refreshes.iter().any(|refresh| refresh.invalidations.len() > refresh.items().len()) {
        return Err(FormatError::OutOfRange("a refresh with more invalidations than paths"));
    }
    if head.distributions.values().any(|known| known.facts.caching.behaviors.len() > MAX_BEHAVIORS) {
        return Err(FormatError::TooMany { what: "cache behaviors", most: MAX_BEHAVIORS });
    }
    if head.activation.as_ref().is_some_and(|activation| activation.candidates.len() > MAX_CANDIDATES) {
        return Err(FormatError::TooMany { what: "releases whose activation was cut short", most: MAX_CANDIDATES });
    }
    Ok(())
}

/// Keeps the fields at `places`, each with what it belongs to, and for as long as that is there.
fn keep_unknown(head: &mut HeadFields, bytes: &[u8], places: Vec<Vec<String>>) -> Result<(), FormatError> {
    let mut document: Value = if places.is_empty() { Value::Null } else { serde_json::from_slice(bytes)? };
    let single = document.pointer("/distribution/id").and_then(Value::as_str).map(str::to_owned);
    for place in
        places.into_iter().filter(|place| !matches!(place.as_slice(), [one] if one == "format" || one == "minor"))
    {
        let Some(value) = document.pointer_mut(&pointer(&place)).map(Value::take) else { continue };
        if !is_kept_exactly(&value) {
            return Err(FormatError::OutOfRange(
                "a number that is not whole in a field that this program does not know",
            ));
        }
        let (owner, within) = owner_of(head, &place, single.as_deref());
        owner.keep(within, value);
    }
    Ok(())
}

/// What an unknown field at `place` belongs to, and its place in there. `single` is the distribution as format 1 has one.
fn owner_of<'h, 'p>(
    head: &'h mut HeadFields,
    place: &'p [String],
    single: Option<&str>,
) -> (&'h mut Unknown, &'p [String]) {
    let names: Vec<&str> = place.iter().map(String::as_str).collect();
    let at = |index: &str| index.parse::<usize>().unwrap_or(usize::MAX);
    let path = |path: &str| SitePath::new(path).ok();
    let found = match names.as_slice() {
        ["active", _, ..] => head.active.as_mut().map(|it| (&mut it.unknown, 1)),
        ["activation", _, ..] => head.activation.as_mut().map(|it| (&mut it.unknown, 1)),
        ["pruning", _, ..] => head.pruning.as_mut().map(|it| (&mut it.unknown, 1)),
        ["distribution", _, ..] => single.and_then(|id| head.distributions.get_mut(id)).map(|it| (&mut it.unknown, 1)),
        ["distributions", id, _, ..] => head.distributions.get_mut(*id).map(|it| (&mut it.unknown, 2)),
        ["proven_store", _, ..] => head.proven_store.as_mut().map(|it| (&mut it.unknown, 1)),
        ["hold", _, ..] => head.hold.as_mut().map(|it| (&mut it.unknown, 1)),
        ["pending_refreshes", index, _, ..] => head.pending_refreshes.get_mut(at(index)).map(|it| (&mut it.unknown, 2)),
        ["suspects", index, _, ..] => head.suspects.get_mut(at(index)).map(|it| (&mut it.unknown, 2)),
        ["history", index, _, ..] => head.history.get_mut(at(index)).map(|it| (&mut it.unknown, 2)),
        ["leftovers", key, _, ..] => {
            path(key).and_then(|path| head.leftovers.get_mut(&path)).map(|it| (&mut it.unknown, 2))
        }
        ["withdrawn", key, _, ..] => {
            path(key).and_then(|path| head.withdrawn.get_mut(&path)).map(|it| (&mut it.unknown, 2))
        }
        _ => None,
    };
    let (unknown, above) = found.unwrap_or((&mut head.unknown, 0));
    (unknown, &place[above..])
}

/// All unknown fields that are kept, and where in the document they belong.
fn unknowns(head: &HeadFields) -> Vec<(String, &Unknown)> {
    let mut found = vec![(String::new(), &head.unknown)];
    let mut add = |place: &[&str], unknown| found.push((pointer(place), unknown));
    head.active.iter().for_each(|it| add(&["active"], &it.unknown));
    head.activation.iter().for_each(|it| add(&["activation"], &it.unknown));
    head.pruning.iter().for_each(|it| add(&["pruning"], &it.unknown));
    let is_single = v2::single(head).is_some();
    for (id, it) in &head.distributions {
        let place = ["distributions", id.as_str()];
        add(if is_single { &["distribution"] } else { &place }, &it.unknown);
    }
    head.proven_store.iter().for_each(|it| add(&["proven_store"], &it.unknown));
    head.hold.iter().for_each(|it| add(&["hold"], &it.unknown));
    let number = |index: usize| index.to_string();
    for (index, it) in head.pending_refreshes.iter().enumerate() {
        add(&["pending_refreshes", &number(index)], &it.unknown);
    }
    head.suspects.iter().enumerate().for_each(|(index, it)| add(&["suspects", &number(index)], &it.unknown));
    head.history.iter().enumerate().for_each(|(index, it)| add(&["history", &number(index)], &it.unknown));
    head.leftovers.iter().for_each(|(path, it)| add(&["leftovers", path.as_str()], &it.unknown));
    head.withdrawn.iter().for_each(|(path, it)| add(&["withdrawn", path.as_str()], &it.unknown));
    found
}

/// A JSON pointer (RFC 6901).
fn pointer<T: AsRef<str>>(place: &[T]) -> String {
    let escaped = place.iter().map(|name| name.as_ref().replace('~', "~0").replace('/', "~1"));
    escaped.fold(String::new(), |pointer, name| pointer + "/" + &name)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::json;

    use super::*;
    use crate::content::path::UrlPath;
    use crate::release::format::MINOR;
    use crate::release::head::{
        Activation, Active, Distribution, HistoryItem, Hold, Leftover, ProvenStore, Pruning, Refresh, Suspects,
        Withdrawn,
    };
    use crate::release::manifest::{Identity, ReleaseNumber, RunId};
    use crate::types::clock::Timestamp;
    use crate::types::digest::Digest;
    use crate::types::headers::{Headers, Kind};

    /// As if the hold and the mutable paths had come later.
    const LATER: &[Addition<HeadFields>] = &[
        Addition { needs: Minors { read: 0, write: 3 }, is_said: |head| head.hold.is_some() },
        Addition { needs: Minors { read: 2, write: 2 }, is_said: |head| !head.mutable_paths.is_empty() },
    ];

    fn head() -> Head {
        let identity = Identity { site: "shop".to_owned(), bucket: "b".to_owned(), prefix: String::new() };
        Head::new(identity, RunId("run".to_owned()))
    }

    fn reused(head: &mut HeadFields) {
        head.mutable_paths.insert(SitePath::new("a.js").unwrap());
    }

    #[test]
    fn a_head_needs_the_highest_minors_of_what_it_says() {
        let hold = Hold::new(Publisher::default(), Timestamp::from_unix_seconds(0), None);
        let held = head().held(hold);
        assert_eq!(needs(&head(), LATER), None);
        assert_eq!(needs(&held, LATER), Some(Minors { read: 0, write: 3 }));
        assert_eq!(needs(&head().with(reused), LATER), Some(Minors { read: 2, write: 2 }));
        assert_eq!(needs(&held.with(reused), LATER), Some(Minors { read: 2, write: 3 }));
    }

    #[test]
    fn what_is_kept_needs_what_its_writer_said() {
        let kept = head().with(|head| {
            head.needs = Minors { read: 1, write: 4 };
            head.unknown.keep(&["previews".to_owned()], json!({}));
        });
        assert_eq!(needs(&kept, &[]), Some(Minors { read: 1, write: 4 }));
        assert_eq!(needs(&kept.with(reused), LATER), Some(Minors { read: 2, write: 4 }));
    }

    /// A head with one of everything that a newer program may say more of, and with two distributions.
    fn full() -> Head {
        let (release, since, unknown) = (ReleaseNumber::new(1), Timestamp::from_unix_seconds(0), Unknown::default());
        let (owner, publisher, digest) = (RunId("run".to_owned()), Publisher::default(), Digest::of(b""));
        let path = |path: &str| SitePath::new(path).unwrap();
        let (candidates, closes) = (BTreeSet::new(), BTreeSet::new());
        head().with(|head| {
            let unknown = || unknown.clone();
            head.active = Some(Active { release, content: digest, since, previous: None, unknown: unknown() });
            head.activation = Some(Activation {
                to: release,
                candidates,
                owner: owner.clone(),
                publisher: publisher.clone(),
                since,
                lease_s: 90,
                unknown: unknown(),
            });
            head.pruning = Some(Pruning { owner: owner.clone(), since, lease_s: 90, closes, unknown: unknown() });
            head.proven_store = Some(ProvenStore::new(digest, since));
            head.hold = Some(Hold::new(publisher.clone(), since, None));
            head.suspects = vec![Suspects::new(owner, since, BTreeSet::from([path("a.html")]))];
            let (id, distribution, paths) = ("owed".to_owned(), "E1".to_owned(), vec![UrlPath::everything()]);
            head.pending_refreshes = vec![Refresh {
                id,
                distribution,
                release,
                since,
                paths,
                tags: Vec::new(),
                invalidations: Vec::new(),
                unknown: unknown(),
            }];
            let (kind, size_bytes, headers) = (Kind::Mutable, 1, Headers::of_a_page());
            let leftover = Leftover { sha256: digest, size_bytes, headers, kind, since, unknown: unknown() };
            head.leftovers = BTreeMap::from([(path("a/b.html"), leftover)]);
            let sha256 = BTreeSet::from([digest]);
            let withdrawn = Withdrawn { sha256, since, publisher: publisher.clone(), unknown: unknown() };
            head.withdrawn = BTreeMap::from([(path("c~d.html"), withdrawn)]);
            let (from, reason, files) = (None, None, None);
            head.history = vec![HistoryItem { release, from, at: since, publisher, reason, files, unknown: unknown() }];
            let other = Distribution { seen: Some(release), ..Distribution::default() };
            head.distributions =
                [("E1", Distribution::default()), ("E2", other)].map(|(id, it)| (id.to_owned(), it)).into();
        })
    }

    /// What a newer program says at each place is written back there, and is gone with what it belongs to.
    #[test]
    fn what_is_not_known_is_kept_for_as_long_as_what_it_belongs_to() {
        type Goes = fn(&mut HeadFields);
        let single = full().with(|head| drop(head.distributions.remove("E2")));
        let of_full: [(&str, Goes); 13] = [
            ("/active", |head| head.active = None),
            ("/activation", |head| head.activation = None),
            ("/pruning", |head| head.pruning = None),
            ("/distributions/E1", |head| drop(head.distributions.remove("E1"))),
            ("/distributions/E1/facts", |head| drop(head.distributions.remove("E1"))),
            ("/proven_store", |head| head.proven_store = None),
            ("/hold", |head| head.hold = None),
            ("/pending_refreshes/0", |head| head.pending_refreshes.clear()),
            ("/suspects/0", |head| head.suspects.clear()),
            ("/history/0", |head| head.history.clear()),
            ("/history/0/publisher", |head| head.history.clear()),
            ("/leftovers/a~1b.html", |head| head.leftovers.clear()),
            ("/withdrawn/c~0d.html", |head| head.withdrawn.clear()),
        ];
        let of_single: [(&str, Goes); 1] = [("/distribution", |head| head.distributions.clear())];
        let all = of_full.map(|case| (full(), case)).into_iter().chain(of_single.map(|case| (single.clone(), case)));
        for (head, (place, goes)) in all {
            let mut document: Value = serde_json::from_slice(&head.encode().unwrap()).unwrap();
            document.pointer_mut(place).unwrap()["later"] = json!({ "a": [1, "b"] });
            let read = decode(&serde_json::to_vec(&document).unwrap()).unwrap();
            let written: Value = serde_json::from_slice(&read.encode().unwrap()).unwrap();
            assert_eq!(written, document, "{place}");
            let without = String::from_utf8(read.with(goes).encode().unwrap()).unwrap();
            assert!(!without.contains("later"), "{place}: {without}");
        }
    }

    /// A table of what was added to format 2 names no minor that this program does not know, and each is needed at least
    /// as much for writing as for reading.
    #[test]
    fn the_additions_are_those_of_this_program() {
        for Addition { needs: Minors { read, write }, .. } in ADDITIONS {
            assert!(read <= write && MINOR.checked_sub(*write).is_some());
        }
    }
}
