//! What is taken of a manifest and of a claim: exactly as much as the limits say, of exactly the fields that a format has.

use serde_json::{Value, json};

use super::*;
use crate::content::path::SitePath;
use crate::release::manifest::{Identity, Kept, Publisher, ReleaseNumber, RunId};
use crate::types::clock::Timestamp;
use crate::types::digest::Digest;
use crate::types::headers::{Headers, Kind};

fn gzipped(json: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(json).unwrap();
    encoder.finish().unwrap()
}

/// A manifest of as many files, each of so many bytes, all with the same headers.
fn manifest(files: usize, size_bytes: u64, headers: &Headers) -> Manifest {
    let entry = Entry {
        digest: Digest::of(b""),
        size_bytes,
        headers: headers.clone(),
        kind: Kind::Mutable,
        kept: Kept::Blob,
        crc64: None,
        md5: None,
    };
    Manifest {
        identity: Identity { site: "shop".to_owned(), bucket: "b".to_owned(), prefix: String::new() },
        release: ReleaseNumber::new(1),
        epoch: 0,
        run: RunId("run".to_owned()),
        created_at: Timestamp::from_unix_seconds(0),
        publisher: Publisher::default(),
        files: (0..files).map(|file| (SitePath::new(format!("{file}.html")).unwrap(), entry.clone())).collect(),
    }
}

fn page() -> Headers {
    Headers::of_a_page()
}

/// The length of the manifest as JSON.
fn json_bytes(manifest: &Manifest) -> u64 {
    let mut json = Vec::new();
    GzDecoder::new(&manifest.encode().unwrap()[..]).read_to_end(&mut json).unwrap();
    json.len() as u64
}

fn error<T>(result: Result<T, FormatError>) -> Option<String> {
    result.err().map(|error| error.to_string())
}

#[test]
fn as_many_files_are_taken_as_the_limit_says_when_written_and_when_read() {
    let taken = |files: usize| {
        let manifest = manifest(files, 1, &page());
        let most = Most { files: 3, ..MOST };
        let read = decode_manifest(&manifest.encode().unwrap(), Format::to_act_on, most);
        (error(check_size_of(&manifest, most)), error(read))
    };
    let refused = Some("it has more than 3 files".to_owned());
    assert_eq!(taken(3), (None, None));
    assert_eq!(taken(4), (refused.clone(), refused));
}

#[test]
fn as_many_bytes_are_taken_as_the_limit_says_when_written_and_when_read() {
    let manifest = manifest(3, 1, &page());
    let size = json_bytes(&manifest);
    let taken = |bytes: u64| {
        let most = Most { bytes, ..MOST };
        let read = decode_manifest(&manifest.encode().unwrap(), Format::to_act_on, most);
        (error(check_size_of(&manifest, most)).is_none(), error(read).is_none())
    };
    assert_eq!(taken(size), (true, true));
    assert_eq!(taken(size - 1), (false, false));
}

/// A gzip bomb is measured without being held, and not beyond the limit.
#[test]
fn what_is_larger_than_the_limit_is_not_decompressed_to_its_end() {
    let mut torn = gzipped(&vec![b' '; 1 << 20]);
    torn.truncate(torn.len() - 8);
    let most = Most { bytes: 1_000, ..MOST };
    let refused = error(decompressed(&torn, most));
    assert_eq!(refused, error::<()>(Err(FormatError::TooLarge(1_000))), "its end was never reached");
}

/// Each file holds the headers it points at: few bytes of JSON may stand for many in memory.
#[test]
fn headers_count_once_for_each_file_that_has_them() {
    let long = Headers { content_language: Some("x".repeat(2_000)), ..page() };
    let manifest = manifest(3, 1, &long);
    let held = 3 * long.size_bytes() as u64;
    assert!(json_bytes(&manifest) < held, "or the limit of the JSON would refuse it");
    let read = |bytes: u64| decode_manifest(&manifest.encode().unwrap(), Format::of, Most { bytes, ..MOST });
    assert_eq!(error(read(held)), None);
    assert_eq!(error(read(held - 1)), error::<()>(Err(FormatError::TooLarge(held - 1))));
}

#[test]
fn headers_are_taken_up_to_what_s3_takes() {
    let of = |bytes: usize| {
        let rest = page().size_bytes();
        let mut headers = page();
        headers.metadata.insert("x".to_owned(), "y".repeat(bytes - rest - 1));
        assert_eq!(headers.size_bytes(), bytes);
        error(manifest(1, 1, &headers).encode())
    };
    assert_eq!(of(MAX_HEADERS_BYTES), None);
    assert!(of(MAX_HEADERS_BYTES + 1).unwrap().contains("headers"));
}

#[test]
fn files_are_taken_up_to_the_bytes_that_a_release_may_have() {
    let of = |size: u64| error(manifest(2, size, &page()).encode());
    assert_eq!(of(MAX_SITE_BYTES / 2), None);
    assert!(of(MAX_SITE_BYTES / 2 + 1).unwrap().contains("bytes"));
}

#[test]
fn a_manifest_says_itself_whether_it_is_too_large() {
    let refused = manifest(MAX_FILES + 1, 1, &page()).check_size();
    assert_eq!(error(refused).as_deref(), Some("it has more than 400000 files"));
    assert_eq!(error(manifest(1, 1, &page()).check_size()), None);
}

fn listing(files: usize) -> (Vec<u8>, u64) {
    let file = format!(r#"{{"path":"a","sha256":"{}","size_bytes":0,"kind":"mutable","kept":"blob"}}"#, "0".repeat(64));
    let json = format!(r#"{{"format":2,"files":[{}]}}"#, vec![file; files].join(","));
    (gzipped(json.as_bytes()), json.len() as u64)
}

#[test]
fn a_listing_of_too_many_files_is_refused_before_any_of_it_is_held() {
    let refused = |files: usize| {
        let (bytes, size) = listing(files);
        error(refuse_many_files(&bytes, size, Most { files: 3, ..MOST }))
    };
    assert_eq!((refused(1), refused(3)), (None, None));
    assert_eq!(refused(4).as_deref(), Some("it has more than 3 files"));
}

#[test]
fn a_listing_that_is_too_short_for_too_many_files_is_not_counted() {
    let no_gzip = |size: u64| error(refuse_many_files(b"", size, Most { files: 3, ..MOST }));
    assert_eq!(no_gzip(4 * LEAST_ENTRY_BYTES - 1), None, "it was not looked at");
    assert!(no_gzip(4 * LEAST_ENTRY_BYTES).is_some());
}

/// What is read is what the least that an entry takes rests on.
#[test]
fn no_entry_is_shorter_than_the_least() {
    let (_, one) = listing(1);
    let (_, two) = listing(2);
    assert!(two - one > LEAST_ENTRY_BYTES);
}

/// A program of the first day would not write back what it does not know.
#[test]
fn a_claim_of_format_1_has_the_fields_of_the_first_day_and_no_others() {
    let claim = Claim {
        identity: Identity { site: "shop".to_owned(), bucket: "b".to_owned(), prefix: String::new() },
        release: ReleaseNumber::new(1),
        run: RunId("run".to_owned()),
        epoch: 0,
        since: Timestamp::from_unix_seconds(0),
        publisher: Publisher::default(),
        live: Vec::new(),
        blobs: Vec::new(),
    };
    let bytes = encode_claim(&claim).unwrap();
    let mut document: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(document["format"], json!(1));
    assert_eq!(decode_claim(&bytes, Format::of).unwrap(), claim);
    document["later"] = json!(1);
    let refused = error(decode_claim(&serde_json::to_vec(&document).unwrap(), Format::of));
    assert!(refused.unwrap().contains("later"));
}
