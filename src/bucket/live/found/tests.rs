use std::collections::BTreeMap;

use super::*;
use crate::types::clock::Timestamp;
use crate::types::digest::{Crc64, Digest};
use crate::types::headers::Headers;

fn site() -> Identity {
    Identity { site: "shop".to_owned(), bucket: "b".to_owned(), prefix: String::new() }
}

fn headers(cache_control: &str) -> Headers {
    Headers {
        cache_control: cache_control.to_owned(),
        content_type: "text/html".to_owned(),
        content_encoding: None,
        content_disposition: None,
        content_language: None,
        metadata: BTreeMap::new(),
    }
}

/// A file of a manifest, whose bytes are in the blob store.
fn entry(bytes: &str) -> Entry {
    Entry {
        digest: Digest::of(bytes.as_bytes()),
        size_bytes: bytes.len() as u64,
        headers: headers("as the manifest says"),
        kind: Kind::Fingerprinted,
        kept: Kept::Blob,
        crc64: Some(Crc64::from_base64(bytes)),
        md5: None,
    }
}

/// An object with `bytes`, marked as of `marker`.
fn object(bytes: &str, marker: Option<&str>) -> ObjectInfo {
    ObjectInfo {
        etag: "\"1\"".to_owned(),
        size_bytes: bytes.len() as u64,
        digest: Some(Digest::of(bytes.as_bytes())),
        crc64: None,
        headers: headers("as it lies there"),
        tags: Default::default(),
        site: marker.map(str::to_owned),
        last_modified: Timestamp::from_unix_seconds(0),
        not_copied: None,
        at_rest: Default::default(),
    }
}

/// The same after a multipart upload: S3 has no SHA-256 of it.
fn in_parts(bytes: &str, marker: Option<&str>) -> ObjectInfo {
    ObjectInfo { digest: None, crc64: Some(Crc64::from_base64(bytes)), ..object(bytes, marker) }
}

/// The entry for an object with other headers.
fn found(entry: Entry, kept: Kept) -> Box<Entry> {
    Box::new(Entry { headers: headers("as it lies there"), kept, ..entry })
}

#[test]
fn an_object_is_told_by_its_marker_and_its_bytes() {
    let (known, wanted) = (entry("known"), entry("wanted"));
    let see = |info: &ObjectInfo| match classify(&site(), Some(info), Some(&known), Some(&wanted)) {
        Sight::Clear(found) => found,
        Sight::OnlyReleasesTell(_) => panic!("{info:?}"),
    };
    assert_eq!(classify(&site(), None, Some(&known), Some(&wanted)), Sight::Clear(Found::Absent));
    for object in [object, in_parts] {
        // The entry that should be there keeps its storage place.
        assert_eq!(see(&object("known", Some("shop"))), Found::Ours(found(known.clone(), Kept::Blob)));
        for stranger in [None, Some("docs")] {
            assert_eq!(see(&object("known", stranger)), Found::Unmarked(found(known.clone(), Kept::Blob)));
            assert_eq!(see(&object("wanted", stranger)), Found::Foreign);
            assert_eq!(see(&object("other", stranger)), Found::Foreign);
        }
        assert_eq!(see(&object("wanted", Some("shop"))), Found::Ours(found(wanted.clone(), Kept::Live)));
    }
    let other = Entry { kind: Kind::Mutable, crc64: None, ..entry("other") };
    assert_eq!(see(&object("other", Some("shop"))), Found::Ours(found(other, Kept::Live)));
}

#[test]
fn only_releases_tell_what_went_up_in_parts_and_is_neither_known_nor_wanted() {
    let (known, wanted) = (entry("known"), entry("wanted"));
    let other = in_parts("other", Some("shop"));
    for (known, wanted) in [(None, None), (Some(&known), None), (None, Some(&wanted)), (Some(&known), Some(&wanted))] {
        assert_eq!(classify(&site(), Some(&other), known, wanted), Sight::OnlyReleasesTell(&other));
    }
    // Without a checksum on either side, an equal size is no evidence.
    let (bare, unsummed) =
        (ObjectInfo { crc64: None, ..in_parts("known", Some("shop")) }, Entry { crc64: None, ..known });
    assert_eq!(classify(&site(), Some(&bare), Some(&unsummed), None), Sight::OnlyReleasesTell(&bare));
}

#[test]
fn every_cell_of_a_survey() {
    let it = || Box::new(entry("it"));
    for before in [Before::Unknown, Before::Claimed, Before::InDoubt] {
        for foreign in [Foreign::Refuse, Foreign::Overwrite] {
            for wanted in [true, false] {
                let learnt = |found| of_survey(found, wanted, before, foreign);
                let case = (before, foreign, wanted);
                assert_eq!(learnt(Found::Absent), Some(Lesson::Nothing), "{case:?}");
                let of_strangers = match (wanted, foreign) {
                    (true, Foreign::Refuse) => None,
                    (true, Foreign::Overwrite) => Some(Lesson::Unknown),
                    (false, Foreign::Refuse | Foreign::Overwrite) => Some(Lesson::NotOurs),
                };
                assert_eq!(learnt(Found::Foreign), of_strangers, "{case:?}");
                assert_eq!(learnt(Found::Unmarked(it())), of_strangers, "{case:?}");
                let of_ours = match before {
                    Before::Unknown => (Lesson::Is(it()), Lesson::Unknown),
                    Before::Claimed => (Lesson::Is(it()), Lesson::Nothing),
                    Before::InDoubt => (Lesson::MayBe(it()), Lesson::Nothing),
                };
                assert_eq!(learnt(Found::Ours(it())), Some(of_ours.0), "{case:?}");
                assert_eq!(learnt(Found::OursUnnamed), Some(of_ours.1), "{case:?}");
            }
        }
    }
}

#[test]
fn every_cell_of_a_second_look() {
    let it = || Box::new(entry("it"));
    for (known, wanted, nothing_of_ours) in [
        (true, true, Lesson::Missing),
        (true, false, Lesson::Gone),
        (false, true, Lesson::Nothing),
        (false, false, Lesson::Nothing),
    ] {
        let learnt = |found| of_second_look(found, known, wanted);
        assert_eq!(learnt(Found::Absent), nothing_of_ours, "{known} {wanted}");
        assert_eq!(learnt(Found::Foreign), nothing_of_ours, "{known} {wanted}");
        assert_eq!(learnt(Found::Ours(it())), Lesson::Is(it()), "{known} {wanted}");
        assert_eq!(learnt(Found::Unmarked(it())), Lesson::IsUnmarked(it()), "{known} {wanted}");
        assert_eq!(learnt(Found::OursUnnamed), Lesson::Unknown, "{known} {wanted}");
    }
}

#[test]
fn what_is_live_says_what_was_learnt() {
    let path = SitePath::new("page.html").unwrap();
    let known = || Box::new(entry("known"));
    let seen = || Box::new(entry("seen"));
    // Known and in doubt at once, as while an activation is unfinished.
    let after = |lesson: Lesson| {
        let mut live = Live::default();
        live.files.insert(path.clone(), *known());
        live.uncertain.insert(path.clone(), vec![*known()]);
        lesson.teach(&mut live, &path);
        (live.files.remove(&path), live.uncertain.remove(&path), live.damaged.contains(&path))
    };
    let (file, doubt) = (|| Some(*known()), || Some(vec![*known()]));
    assert_eq!(after(Lesson::Nothing), (file(), doubt(), false));
    assert_eq!(after(Lesson::Is(seen())), (Some(*seen()), None, false));
    assert_eq!(after(Lesson::IsUnmarked(seen())), (Some(*seen()), doubt(), true));
    assert_eq!(after(Lesson::MayBe(seen())), (file(), Some(vec![*known(), *seen()]), false));
    assert_eq!(after(Lesson::Unknown), (file(), Some(Vec::new()), false));
    assert_eq!(after(Lesson::NotOurs), (None, None, false));
    assert_eq!(after(Lesson::Gone), (None, doubt(), false));
    assert_eq!(after(Lesson::Missing), (None, doubt(), true));
}
