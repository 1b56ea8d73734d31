//! What a stored head may say: exactly as much as its limits allow, and in format 1 whatever format 1 can say.

use serde_json::{Value, json};

use super::*;
use crate::release::manifest::MAX_SITE_BYTES;

/// What the stored head is, or why it is not written.
fn stored(head: &Head) -> Result<Value, String> {
    let bytes = head.encode().map_err(|error| error.to_string())?;
    Ok(serde_json::from_slice(&bytes).unwrap())
}

fn refused(change: impl FnOnce(&mut HeadFields)) -> Option<String> {
    stored(&head().with(change)).err()
}

fn leftover(size_bytes: u64) -> Leftover {
    let (sha256, headers, kind) = (Digest::of(b""), Headers::of_a_page(), Kind::Mutable);
    Leftover { sha256, size_bytes, headers, kind, since: at(0), unknown: Unknown::default() }
}

#[test]
fn leftovers_have_as_many_bytes_as_a_site_may_have() {
    let leaving = |first: u64, second: u64| {
        refused(|head| {
            head.leftovers =
                [("a.html", first), ("b.html", second)].map(|(at, size)| (path(at), leftover(size))).into();
        })
    };
    assert_eq!(leaving(MAX_SITE_BYTES - 1, 1), None);
    assert!(leaving(MAX_SITE_BYTES, 1).unwrap().contains("leftovers"));
    assert!(leaving(u64::MAX, u64::MAX).unwrap().contains("leftovers"));
}

#[test]
fn paths_and_tags_are_owed_up_to_the_most() {
    let owing = |paths: usize| {
        refused(|head| {
            owe(head, "E1");
            head.pending_refreshes[0].paths = (0..paths).map(|page| UrlPath::encode(&format!("/{page}"))).collect();
            head.pending_refreshes[0].tags = vec![CacheTag::of_site(&head.identity)];
        })
    };
    assert_eq!(owing(MAX_OWED_PATHS - 1), None);
    assert!(owing(MAX_OWED_PATHS).unwrap().contains("paths to refresh"));
}

#[test]
fn behaviors_are_kept_up_to_the_most() {
    let keeping = |count: usize| {
        refused(|head| {
            let behavior = Behavior { pattern: "/a/*".to_owned(), keeps: true, queries: false, origin_path: None };
            let known = head.distributions.get_mut("E1").unwrap();
            known.facts.caching.behaviors = vec![behavior; count];
        })
    };
    assert_eq!(keeping(MAX_BEHAVIORS), None);
    assert!(keeping(MAX_BEHAVIORS + 1).unwrap().contains("cache behaviors"));
}

#[test]
fn releases_whose_activation_was_cut_short_are_kept_up_to_the_most() {
    let beginning = |count: usize| {
        refused(|head| {
            let candidates: Vec<u64> = (10..).take(count).collect();
            head.activation = activation(4, &candidates);
        })
    };
    assert_eq!(beginning(MAX_CANDIDATES), None);
    assert!(beginning(MAX_CANDIDATES + 1).unwrap().contains("cut short"));
}

/// Programs of the first day go on with it: they read those fields, in that order, and no others.
#[test]
fn what_format_1_can_say_is_said_in_format_1() {
    let usual = head().with(|head| {
        owe(head, "E1");
        head.distributions.get_mut("E1").unwrap().seen = None;
    });
    let bytes = usual.encode().unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.starts_with("{\n  \"format\": 1,\n  \"identity\""), "{text}");
    assert_eq!(Head::decode(&bytes).unwrap(), usual);
    let mut document: Value = serde_json::from_slice(&bytes).unwrap();
    document["later"] = json!(1);
    let refused = Head::decode(&serde_json::to_vec(&document).unwrap()).unwrap_err().to_string();
    assert!(refused.contains("later"), "{refused}");
}

/// Of how a distribution keeps answers, only what is unusual is written, and all of it is read again.
#[test]
fn how_a_distribution_keeps_answers_is_written_as_far_as_it_is_unusual() {
    let keeping = |least_s: u64, is_guessed: bool| {
        let head = head().with(|head| {
            let caching = &mut head.distributions.get_mut("E1").unwrap().facts.caching;
            (caching.least_s, caching.is_guessed) = (least_s, is_guessed);
        });
        let document = stored(&head).unwrap();
        assert_eq!(
            Head::decode(&serde_json::to_vec(&document).unwrap()).unwrap().into_fields().distributions,
            head.distributions
        );
        document["distribution"]["caching"].clone()
    };
    assert_eq!(keeping(0, false), Value::Null);
    assert_eq!(keeping(60, false)["least_s"], json!(60));
    assert_eq!(keeping(0, true).get("least_s"), None);
}
