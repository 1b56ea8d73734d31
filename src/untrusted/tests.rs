//! Bytes, texts and changed samples for the bodies of the fuzz targets. The samples are the golden files of the format and
//! the annotated configuration.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::*;

const HEAD: &[u8] = include_bytes!("../../fixtures/manifests/v1/head.json");
const CLAIM: &[u8] = include_bytes!("../../fixtures/manifests/v1/claim.json");
const MANIFEST: &[u8] = include_bytes!("../../fixtures/manifests/v1/manifest.json.gz");
const NEWER_HEAD: &[u8] = include_bytes!("../../fixtures/manifests/v2/head-newer.json");
const NEWER_CLAIM: &[u8] = include_bytes!("../../fixtures/manifests/v2/claim-newer.json");
const CONFIGURATION: &str = include_str!("../../config/publish.toml");

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn listing() -> Vec<u8> {
    let mut json = Vec::new();
    GzDecoder::new(MANIFEST).read_to_end(&mut json).unwrap();
    json
}

fn read_all(bytes: &[u8]) {
    manifest(bytes);
    manifest_json(bytes);
    head(bytes);
    claim(bytes);
    configuration(bytes);
}

/// JSON pointers to everything in `value` that is no container.
fn leaves(value: &Value, pointer: String) -> Vec<String> {
    let within: Vec<(String, &Value)> = match value {
        Value::Object(object) => {
            object.iter().map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(array) => array.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => return vec![pointer],
    };
    within.into_iter().flat_map(|(name, value)| leaves(value, format!("{pointer}/{name}"))).collect()
}

/// What only an attacker writes.
fn hostile() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(u64::MAX)),
        Just(json!(u64::from(u32::MAX))),
        Just(json!(-1)),
        Just(json!(1e300)),
        Just(json!("")),
        Just(json!("../../_publish/live/head.json")),
        Just(json!("/etc/passwd")),
        Just(json!("a\u{0}b")),
        Just(json!("text/html\r\nx-amz-acl: public-read")),
        Just(json!("attachment; filename=\"\u{e4}\"")),
        Just(json!("/~me/*")),
        Just(json!("-9999999-01-01T00:00:00Z")),
        Just(json!("9999-12-31T23:59:60Z")),
        Just(json!("a".repeat(5_000))),
        Just(json!(["a", "a"])),
        Just(json!({ "a": 1 })),
        any::<u64>().prop_map(|number| json!(number)),
        ".{0,20}".prop_map(|text| json!(text)),
    ]
}

/// A sample with some of what is in it replaced.
fn changed(sample: &[u8], changes: &[(Index, Value)]) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(sample).unwrap();
    for (place, with) in changes {
        let places = leaves(&value, String::new());
        if !places.is_empty()
            && let Some(found) = value.pointer_mut(&places[place.index(places.len())])
        {
            *found = with.clone();
        }
    }
    serde_json::to_vec(&value).unwrap()
}

/// As [`changed`], with the content digest put right where what is there is a listing at all: an enemy does that too.
fn changed_manifest(changes: &[(Index, Value)]) -> Vec<u8> {
    let json = changed(&listing(), changes);
    let Err(refusal) = Manifest::decode(&compressed(&json)) else { return compressed(&json) };
    let crate::release::format::FormatError::Digest { actual, .. } = refusal else { return compressed(&json) };
    let mut value: Value = serde_json::from_slice(&json).unwrap();
    value["content"] = json!(actual);
    compressed(&serde_json::to_vec(&value).unwrap())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![hostile(), any::<bool>().prop_map(Value::Bool)];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::btree_map("(format|identity|release|files|headers|[a-z]{1,6})", inner, 0..6)
                .prop_map(|map: BTreeMap<String, Value>| Value::Object(map.into_iter().collect())),
        ]
    })
}

#[test]
fn the_samples_are_taken() {
    assert!(Manifest::decode(MANIFEST).is_ok() && Head::decode(HEAD).is_ok() && Claim::decode(CLAIM).is_ok());
    assert!(Config::parse(CONFIGURATION).is_ok());
    manifest(MANIFEST);
    read_all(HEAD);
    assert!(Head::decode(NEWER_HEAD).is_ok() && Claim::decode(NEWER_CLAIM).is_ok());
    read_all(NEWER_HEAD);
    read_all(CLAIM);
    read_all(NEWER_CLAIM);
    read_all(CONFIGURATION.as_bytes());
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_all(&bytes);
    }

    #[test]
    fn any_json_is_survived(value in any_json()) {
        let mut value = value;
        read_all(&serde_json::to_vec(&value).unwrap());
        if let Some(object) = value.as_object_mut() {
            object.insert("format".to_owned(), json!(1));
            read_all(&serde_json::to_vec(&value).unwrap());
        }
        if let Some(object) = value.as_object_mut() {
            object.insert("format".to_owned(), json!(2));
            object.insert("minor".to_owned(), json!({ "read": 0, "write": 0 }));
            read_all(&serde_json::to_vec(&value).unwrap());
        }
    }

    #[test]
    fn a_sample_with_bytes_changed_is_survived(
        changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..8),
        end in any::<Index>(),
    ) {
        for sample in [HEAD, NEWER_HEAD, CLAIM, NEWER_CLAIM, MANIFEST, &listing(), CONFIGURATION.as_bytes()] {
            let mut bytes = sample.to_vec();
            for (place, with) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *with;
            }
            read_all(&bytes);
            read_all(&sample[..end.index(sample.len())]);
        }
    }

    #[test]
    fn a_sample_with_values_changed_is_survived(changes in proptest::collection::vec((any::<Index>(), hostile()), 1..4)) {
        head(&changed(HEAD, &changes));
        head(&changed(NEWER_HEAD, &changes));
        claim(&changed(CLAIM, &changes));
        claim(&changed(NEWER_CLAIM, &changes));
        manifest(&changed_manifest(&changes));
    }

    #[test]
    fn a_configuration_with_lines_changed_is_survived(
        place in any::<Index>(),
        with in prop_oneof![".{0,30}", "(\\[|\\[\\[|\")?[a-z_.]{1,12}(\\]|\\]\\]|\")? ?=? ?([0-9]{1,22}|\".{0,8}\"|\\[.{0,8}\\]|true)?"],
    ) {
        let mut lines: Vec<&str> = CONFIGURATION.lines().collect();
        let place = place.index(lines.len());
        lines[place] = &with;
        configuration(lines.join("\n").as_bytes());
    }
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        read_all(deep.as_bytes());
        read_all(format!("{{\"format\":1,\"files\":{deep}}}").as_bytes());
    }
    configuration(format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000)).as_bytes());
}
