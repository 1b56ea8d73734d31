//! The stored format, held by files that never change: what format 1 looked like on its first day is read, understood
//! and written back today. And what must never be read is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use publish::content::path::{SitePath, UrlPath};
use publish::release::cache_tags::CacheTag;
use publish::release::format::{FormatError, Unknown};
use publish::release::head::{
    Activation, Active, Behavior, Caching, Distribution, DistributionFacts, Distributions, Head, HeadFields,
    HistoryItem, Hold, Leftover, Pruning, Refresh, Suspects, Withdrawn,
};
use publish::release::manifest::{Claim, Entry, Files, Identity, Kept, Manifest, Publisher, ReleaseNumber, RunId};
use publish::types::clock::Timestamp;
use publish::types::digest::{Crc64, Digest, Md5};
use publish::types::headers::{Headers, Kind};
use serde_json::{Value, json};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/manifests/v1").join(name)
}

/// A golden file. With `UPDATE` set, one that is missing is written; one that is there is never changed.
fn read_golden(name: &str, written_today: &[u8]) -> Vec<u8> {
    let path = golden(name);
    if std::env::var_os("UPDATE").is_some() && !path.exists() {
        std::fs::write(&path, written_today).unwrap();
    }
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn identity() -> Identity {
    Identity { site: "shop".to_owned(), bucket: "example-site".to_owned(), prefix: "live/".to_owned() }
}

fn release(number: u64) -> ReleaseNumber {
    ReleaseNumber::new(number)
}

fn run(number: u8) -> RunId {
    RunId(format!("0123456789abcde{number}"))
}

/// Minutes after 2026-01-02T03:04:05Z.
fn moment(minutes: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_767_323_045 + minutes * 60)
}

fn path(text: &str) -> SitePath {
    SitePath::new(text).unwrap()
}

fn publisher() -> Publisher {
    Publisher {
        who: Some("release-manager".to_owned()),
        place: Some("https://ci.example.com/jobs/8".to_owned()),
        commit: Some("c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00".to_owned()),
        branch: Some("main".to_owned()),
        ..Publisher::default()
    }
}

fn headers(cache_control: &str, content_type: &str) -> Headers {
    Headers {
        cache_control: cache_control.to_owned(),
        content_type: content_type.to_owned(),
        content_encoding: None,
        content_disposition: None,
        content_language: None,
        metadata: BTreeMap::new(),
    }
}

fn page(bytes: &[u8], kept: Kept) -> Entry {
    Entry {
        digest: Digest::of(bytes),
        size_bytes: bytes.len() as u64,
        headers: headers("public, max-age=0, s-maxage=86400, must-revalidate", "text/html; charset=utf-8"),
        kind: Kind::Mutable,
        kept,
        crc64: None,
        md5: None,
    }
}

fn files() -> Files {
    let mut film = page(b"film", Kept::Blob);
    film.size_bytes = 70 << 20;
    film.crc64 = Some(Crc64::new(0x0123_4567_89ab_cdef));
    film.headers = headers("public, max-age=0, must-revalidate", "video/mp4");
    let mut price_list = page(b"prices", Kept::Blob);
    price_list.headers = Headers {
        content_encoding: Some("gzip".to_owned()),
        content_disposition: Some("attachment".to_owned()),
        content_language: Some("de".to_owned()),
        metadata: BTreeMap::from([("cache-tag".to_owned(), "prices".to_owned())]),
        ..headers("public, max-age=3600", "text/plain; charset=utf-8")
    };
    let script = Entry {
        kind: Kind::Fingerprinted,
        headers: headers("public, max-age=31536000, immutable", "text/javascript; charset=utf-8"),
        ..page(b"script", Kept::Live)
    };
    Files::from([
        (path("assets/index-D-_9G6Wi.js"), script),
        (path("downloads/film.mp4"), film),
        (path("downloads/price list ä.txt"), price_list),
        (path("index.html"), page(b"home", Kept::Live)),
        (path("news/index.html"), page(b"news", Kept::Blob)),
    ])
}

fn manifest() -> Manifest {
    Manifest {
        identity: identity(),
        release: release(8),
        epoch: 2,
        run: run(8),
        created_at: moment(0),
        publisher: publisher(),
        files: files(),
    }
}

fn claim() -> Claim {
    Claim {
        identity: identity(),
        release: release(8),
        run: run(8),
        epoch: 2,
        since: moment(0),
        publisher: publisher(),
        live: vec![path("assets/index-D-_9G6Wi.js")],
        blobs: vec![Digest::of(b"news"), Digest::of(b"prices")],
    }
}

/// A head in which everything is said that format 1 can say, also what never happens at one time; but for what came after
/// the first golden files.
fn full_head() -> HeadFields {
    let leftover = page(b"contact", Kept::Blob);
    let facts = DistributionFacts {
        readable: true,
        origin_path: "/live".to_owned(),
        default_root_object: Some("index.html".to_owned()),
        error_pages: BTreeSet::from([UrlPath::encode("/404.html")]),
        rewrites_at_origin: false,
        caching: Caching::USUAL,
    };
    HeadFields {
        revision: 41,
        active: Some(Active {
            release: release(8),
            content: manifest().content(),
            since: moment(2),
            previous: Some(release(6)),
            unknown: Unknown::default(),
        }),
        highest_activated: release(8),
        floor: release(5),
        activation: Some(Activation {
            to: release(9),
            candidates: BTreeSet::from([release(7)]),
            owner: run(9),
            publisher: publisher(),
            since: moment(10),
            lease_s: 90,
            unknown: Unknown::default(),
        }),
        pending_refreshes: vec![Refresh {
            id: "0123456789abcde9-41".to_owned(),
            distribution: "E123ABC".to_owned(),
            release: release(9),
            since: moment(10),
            paths: vec![UrlPath::encode("/"), UrlPath::encode("/index.html"), UrlPath::encode("/news/*")],
            tags: Vec::new(),
            invalidations: Vec::new(),
            unknown: Unknown::default(),
        }],
        leftovers: BTreeMap::from([(path("contact.html"), Leftover::of(&leftover, moment(2)))]),
        suspects: vec![Suspects::new(run(7), moment(20), BTreeSet::from([path("about/index.html")]))],
        prune_epoch: 2,
        pruning: Some(Pruning {
            owner: run(6),
            since: moment(1),
            lease_s: 90,
            closes: BTreeSet::from([release(3), release(4)]),
            unknown: Unknown::default(),
        }),
        mutable_paths: BTreeSet::from([path("assets/config-00000000.js")]),
        distributions: Distributions::from([("E123ABC".to_owned(), Distribution { facts, ..Distribution::default() })]),
        superseded: BTreeMap::from([(release(5), moment(-60)), (release(6), moment(2))]),
        hold: Some(Hold::new(publisher(), moment(3), Some("prices are wrong".to_owned()))),
        history: vec![
            HistoryItem {
                release: release(5),
                from: None,
                at: moment(-90),
                publisher: Publisher::default(),
                reason: None,
                files: None,
                unknown: Unknown::default(),
            },
            HistoryItem {
                release: release(8),
                from: Some(release(6)),
                at: moment(2),
                publisher: publisher(),
                reason: Some("emergency".to_owned()),
                files: None,
                unknown: Unknown::default(),
            },
        ],
        ..Head::new(identity(), run(9)).into_fields()
    }
}

#[test]
fn a_full_head_is_understood_and_written_back_byte_for_byte() {
    let bytes = read_golden("head.json", &full_head().encode().unwrap());
    let head = Head::decode(&bytes).unwrap();
    assert_eq!(*head, full_head());
    assert_eq!(text(&head.encode().unwrap()), text(&bytes));
}

/// A head of a site from whose releases a file was taken out: the field came after the first golden files.
#[test]
fn a_head_with_withdrawn_files_is_understood_and_written_back_byte_for_byte() {
    let withdrawn = Withdrawn {
        sha256: BTreeSet::from([Digest::of(b"plan"), Digest::of(b"second plan")]),
        since: moment(30),
        publisher: publisher(),
        unknown: Unknown::default(),
    };
    let first = Head::new(identity(), run(1)).into_fields();
    let head = HeadFields { withdrawn: BTreeMap::from([(path("docs/plan.pdf"), withdrawn)]), ..first };
    let bytes = read_golden("head-withdrawn.json", &head.encode().unwrap());
    let found = Head::decode(&bytes).unwrap();
    assert_eq!(*found, head);
    assert_eq!(text(&found.encode().unwrap()), text(&bytes));
    assert!(found.is_withdrawn(&path("docs/plan.pdf"), &Digest::of(b"plan")));
    assert!(!found.is_withdrawn(&path("docs/plan.pdf"), &Digest::of(b"another plan")));
}

/// A head of format 2, whose distribution keeps answers in its own way: the field came after the first golden files.
#[test]
fn a_head_that_says_how_answers_are_kept_is_understood_and_written_back_byte_for_byte() {
    let behavior =
        |pattern: &str, keeps, queries| Behavior { pattern: pattern.to_owned(), keeps, queries, origin_path: None };
    let behaviors = vec![behavior("/api/*", false, false), behavior("*", true, true)];
    let caching =
        Caching { errors_s: 300, least_s: 60, behaviors, is_guessed: true, has_staging: true, has_tags: false };
    let facts = DistributionFacts { readable: true, caching, ..DistributionFacts::default() };
    let first = Head::new(identity(), run(1)).into_fields();
    let distributions =
        Distributions::from([("E123ABC".to_owned(), Distribution { facts, ..Distribution::default() })]);
    let head = HeadFields { distributions, ..first };
    let bytes = read_golden("head-caching.json", &head.encode().unwrap());
    let found = Head::decode(&bytes).unwrap();
    assert_eq!(*found, head);
    assert_eq!(text(&found.encode().unwrap()), text(&bytes));
    let stored: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((&stored["format"], &stored["minor"]), (&json!(2), &json!({ "read": 0, "write": 0 })));
}

/// A head with a refresh that is sent: the field came after the first golden files. Neither minor: who does not know it leaves
/// the entry alone.
#[test]
fn a_head_with_a_refresh_that_is_sent_is_understood_and_written_back_byte_for_byte() {
    let mut head = full_head();
    let owed = head.pending_refreshes[0].clone();
    let (id, invalidations) = ("0123456789abcde8-39".to_owned(), vec!["I2J0I21PCUYOIK".to_owned()]);
    head.pending_refreshes.insert(0, Refresh { id, invalidations, release: release(8), since: moment(1), ..owed });
    let bytes = read_golden("head-sent.json", &head.encode().unwrap());
    let found = Head::decode(&bytes).unwrap();
    assert_eq!(*found, head);
    assert_eq!(text(&found.encode().unwrap()), text(&bytes));
    assert_eq!((found.sent_refreshes().count(), found.refreshes_to_send().count()), (1, 1));
    let stored: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((&stored["format"], &stored["minor"]), (&json!(2), &json!({ "read": 0, "write": 0 })));
    let settled = found.settle_refreshes(&["0123456789abcde8-39".to_owned()]).written_after(&found, &run(9));
    let settled = settled.encode().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&settled).unwrap()["format"], json!(1), "nothing of it is left");
    // More invalidations than paths is what no run takes.
    let mut more = stored;
    more["pending_refreshes"][0]["invalidations"] = json!(["I1", "I2", "I3", "I4"]);
    assert!(matches!(Head::decode(&serde_json::to_vec(&more).unwrap()), Err(FormatError::OutOfRange(_))));
    more["pending_refreshes"][0]["invalidations"] = json!(["I 1"]);
    assert!(matches!(Head::decode(&serde_json::to_vec(&more).unwrap()), Err(FormatError::Syntax(_))));
}

/// Minor 3, to write: a program that does not know of cache tags writes live objects without.
#[test]
fn a_head_whose_objects_have_cache_tags_is_understood_and_written_back_byte_for_byte() {
    let caching = Caching { has_tags: true, ..Caching::USUAL };
    let facts = DistributionFacts { readable: true, caching, ..DistributionFacts::default() };
    let known = Distribution { facts, tagged_under: Some("E2QWRUHAPOMQZL".to_owned()), ..Distribution::default() };
    let first = full_head();
    let tags = vec![CacheTag::of_site(&identity()), CacheTag::of_folder(&identity(), "blog")];
    let refresh = Refresh { tags, ..first.pending_refreshes[0].clone() };
    let (distributions, tagged) = (Distributions::from([("E123ABC".to_owned(), known)]), true);
    let head = HeadFields { distributions, tagged, pending_refreshes: vec![refresh], ..first };
    let bytes = read_golden("head-tagged.json", &head.encode().unwrap());
    let found = Head::decode(&bytes).unwrap();
    assert_eq!(*found, head);
    assert_eq!(text(&found.encode().unwrap()), text(&bytes));
    let mut stored: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((&stored["format"], &stored["minor"]), (&json!(2), &json!({ "read": 0, "write": 3 })));
    stored["pending_refreshes"][0]["tags"] = json!(["blog"]);
    assert!(matches!(Head::decode(&serde_json::to_vec(&stored).unwrap()), Err(FormatError::Syntax(_))));
}

#[test]
fn a_first_head_is_understood_and_written_back_byte_for_byte() {
    let first = Head::new(identity(), run(1));
    let bytes = read_golden("head-first.json", &first.encode().unwrap());
    let head = Head::decode(&bytes).unwrap();
    assert_eq!(head, first);
    assert_eq!(text(&head.encode().unwrap()), text(&bytes));
}

#[test]
fn a_claim_is_understood_and_written_back_byte_for_byte() {
    let bytes = read_golden("claim.json", &claim().encode().unwrap());
    let found = Claim::decode(&bytes).unwrap();
    assert_eq!(found, claim());
    assert_eq!(text(&found.encode().unwrap()), text(&bytes));
}

/// Two releases of the compressor may write other bytes for the same content; what is compressed must be the same.
#[test]
fn a_manifest_is_understood_and_its_content_written_back() {
    let bytes = read_golden("manifest.json.gz", &manifest().encode().unwrap());
    let found = Manifest::decode(&bytes).unwrap();
    assert_eq!(found, manifest());
    assert_eq!(text(&decompressed(&found.encode().unwrap())), text(&decompressed(&bytes)));
}

/// The MD5s came before the first version of this program did, and after the other golden files.
#[test]
fn a_manifest_with_md5s_is_understood_and_has_the_same_content() {
    let mut manifest = manifest();
    // The MD5 of "script", by another program.
    let md5 = Md5::try_from("3205c0ded576131ea255ad2bd38b0fb2".to_owned()).unwrap();
    manifest.files.get_mut(&path("assets/index-D-_9G6Wi.js")).unwrap().md5 = Some(md5);
    let bytes = read_golden("manifest-md5.json.gz", &manifest.encode().unwrap());
    let found = Manifest::decode(&bytes).unwrap();
    assert_eq!(found, manifest);
    assert_eq!(text(&decompressed(&found.encode().unwrap())), text(&decompressed(&bytes)));
    assert_eq!(found.content().to_string(), CONTENT);
}

/// The digest that the active release is known by. If this changes, every site is published anew by the next version.
#[test]
fn the_content_digest_is_what_it_was() {
    let stated = golden_manifest()["content"].clone();
    assert_eq!(stated, json!(manifest().content()));
    assert_eq!(manifest().content().to_string(), CONTENT);
}

/// Computed by another program from the rule in docs/bucket-layout.md.
const CONTENT: &str = "b900e2a9b04d9085a8d37ee3cbcbad8ebd49beb87421754cf7d0e09fb442502b";

#[test]
fn any_other_format_is_refused_before_anything_else_is_read() {
    for format in [0, 3, 4_000_000_000_u32] {
        // Nothing but the number: a newer format may have any shape.
        let bytes = serde_json::to_vec(&json!({ "format": format, "shape": "unknown" })).unwrap();
        let refused = [
            Head::decode(&bytes).unwrap_err(),
            Claim::decode(&bytes).unwrap_err(),
            Manifest::decode(&compressed(&bytes)).unwrap_err(),
        ];
        for error in refused {
            assert!(matches!(error, FormatError::Version { found } if found == format), "{error}");
        }
    }
    let none = Head::decode(b"{}").unwrap_err();
    assert!(matches!(none, FormatError::Syntax(_)), "{none}");
}

#[test]
fn an_unknown_field_in_format_1_is_refused_wherever_it_stands() {
    let head: Value = serde_json::from_slice(&std::fs::read(golden("head.json")).unwrap()).unwrap();
    let claim: Value = serde_json::from_slice(&std::fs::read(golden("claim.json")).unwrap()).unwrap();
    let known: [(&str, Value, Refuse); 3] =
        [("head", head, refused_as_head), ("claim", claim, refused_as_claim), ("manifest", golden_manifest(), refused)];
    for (what, document, refused) in known {
        let places = objects_in(&document, String::new());
        assert!(places.len() > 1, "{what} has objects within");
        for place in places {
            let mut changed = document.clone();
            let object = changed.pointer_mut(&place).and_then(Value::as_object_mut).unwrap();
            object.insert("unknown".to_owned(), json!(1));
            // A map whose keys are paths, numbers or names takes any key, if the value fits: a number never does.
            let error = refused(&changed);
            assert!(matches!(error, Some(FormatError::Syntax(_))), "{what}{place}: {error:?}");
        }
    }
}

#[test]
fn a_path_that_leaves_the_site_is_refused() {
    for path in ["../index.html", "a/../../b", "/etc/passwd", "./a", "a//b", "a/", "", "a\\b", "a\nb", "a\u{0}b"] {
        let error = refused(&edited(|manifest| manifest["files"][0]["path"] = json!(path)));
        assert!(matches!(error, Some(FormatError::Syntax(_))), "{path:?}: {error:?}");
        let mut head: Value = serde_json::from_slice(&std::fs::read(golden("head.json")).unwrap()).unwrap();
        head["mutable_paths"] = json!([path]);
        assert!(matches!(refused_as_head(&head), Some(FormatError::Syntax(_))), "{path:?}");
    }
    let long = "a".repeat(1_025);
    let error = refused(&edited(|manifest| manifest["files"][0]["path"] = json!(long)));
    assert!(matches!(error, Some(FormatError::Syntax(_))), "{error:?}");
}

#[test]
fn a_path_that_stands_twice_is_refused() {
    let error = refused(&edited(|manifest| {
        let first = manifest["files"][0].clone();
        manifest["files"].as_array_mut().unwrap().push(first);
    }));
    assert!(matches!(error, Some(FormatError::Inconsistent(path)) if path.as_str() == "assets/index-D-_9G6Wi.js"));
}

#[test]
fn a_header_set_that_is_not_there_is_refused() {
    let error = refused(&edited(|manifest| manifest["files"][3]["headers"] = json!(99)));
    assert!(matches!(error, Some(FormatError::Inconsistent(path)) if path.as_str() == "index.html"));
}

#[test]
fn a_listing_that_was_changed_is_refused_by_its_digest() {
    let changes: [fn(&mut Value); 5] = [
        |manifest| manifest["content"] = json!("0".repeat(64)),
        |manifest| manifest["files"][3]["sha256"] = json!("0".repeat(64)),
        |manifest| manifest["files"][3]["size_bytes"] = json!(5),
        |manifest| manifest["headers"][0]["cache_control"] = json!("no-store"),
        |manifest| drop(manifest["files"].as_array_mut().unwrap().pop()),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let error = refused(&edited(change));
        assert!(matches!(error, Some(FormatError::Digest { .. })), "change {number}: {error:?}");
    }
}

#[test]
fn a_digest_that_is_none_is_refused() {
    for digest in ["", "0", &"G".repeat(64), &"A".repeat(64), &"0".repeat(65), "../../head.json"] {
        let error = refused(&edited(|manifest| manifest["files"][3]["sha256"] = json!(digest)));
        assert!(matches!(error, Some(FormatError::Syntax(_))), "{digest:?}: {error:?}");
    }
}

#[test]
fn what_is_not_gzip_or_cut_off_is_refused() {
    let whole = std::fs::read(golden("manifest.json.gz")).unwrap();
    for bytes in [&b""[..], &b"{}"[..], &whole[..whole.len() / 2], &whole[..whole.len() - 1]] {
        let error = Manifest::decode(bytes).unwrap_err();
        assert!(matches!(error, FormatError::Compression(_)), "{error}");
    }
}

/// A quarter of a megabyte that becomes 257: it is given up where the limit is, whatever follows.
#[test]
fn a_bomb_is_given_up() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..257 {
        encoder.write_all(&blanks).unwrap();
    }
    let error = Manifest::decode(&encoder.finish().unwrap()).unwrap_err();
    assert!(matches!(error, FormatError::TooLarge(limit) if limit == 256 << 20), "{error}");
}

/// A small set of headers that many files point at is not held once for each of them beyond the limit.
#[test]
fn headers_that_become_too_much_are_given_up() {
    let error = refused(&edited(|manifest| {
        manifest["headers"][0]["cache_control"] = json!("a".repeat(8_000));
        let file = manifest["files"][0].clone();
        let files = (0..34_000).map(|number| {
            let mut file = file.clone();
            (file["path"], file["headers"]) = (json!(number.to_string()), json!(0));
            file
        });
        manifest["files"] = files.collect();
    }));
    assert!(matches!(error, Some(FormatError::TooLarge(limit)) if limit == 256 << 20), "{error:?}");
}

/// What no reader would take is not written either: it would be in the way of every later run.
#[test]
fn what_would_be_refused_is_not_written() {
    let mut head = full_head();
    head.pending_refreshes[0].id = "a b".to_owned();
    assert!(head.encode().is_err());
    let claim = Claim { run: RunId(String::new()), ..claim() };
    assert!(claim.encode().is_err());
    let mut manifest = manifest();
    manifest.files.values_mut().for_each(|entry| entry.headers.content_type = "text/html\r\n".to_owned());
    assert!(manifest.encode().is_err());
}

/// Reads a changed document, and says why it was refused.
type Refuse = fn(&Value) -> Option<FormatError>;

fn golden_manifest() -> Value {
    serde_json::from_slice(&decompressed(&std::fs::read(golden("manifest.json.gz")).unwrap())).unwrap()
}

/// The golden manifest with something changed.
fn edited(change: impl FnOnce(&mut Value)) -> Value {
    let mut manifest = golden_manifest();
    change(&mut manifest);
    manifest
}

fn refused(manifest: &Value) -> Option<FormatError> {
    Manifest::decode(&compressed(&serde_json::to_vec(manifest).unwrap())).err()
}

fn refused_as_head(head: &Value) -> Option<FormatError> {
    Head::decode(&serde_json::to_vec(head).unwrap()).err()
}

fn refused_as_claim(claim: &Value) -> Option<FormatError> {
    Claim::decode(&serde_json::to_vec(claim).unwrap()).err()
}

/// JSON pointers to all objects in `value`, itself included. Not to user metadata: its names are free, its values texts.
fn objects_in(value: &Value, pointer: String) -> Vec<String> {
    let within: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(name, value)| (name.replace('/', "~1"), value)).collect(),
        Value::Array(array) => array.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let deeper = within.into_iter().flat_map(|(name, value)| objects_in(value, format!("{pointer}/{name}")));
    let itself = value.is_object().then(|| pointer.clone());
    itself.into_iter().chain(deeper).collect()
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn decompressed(bytes: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut found).unwrap();
    found
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
