//! Reading what others may have written: what must hold for any bytes. These are the bodies of the fuzz targets
//! in fuzz/; the tests of this module run them too, so that neither rots.
//!
//! Each function panics if what it is about does not hold. The program itself calls none of them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::config::Config;
use crate::content::path::SitePath;
use crate::release::head::Head;
use crate::release::manifest::{Claim, Manifest};
use crate::types::headers::{Headers, is_field_value};

/// Bytes read as a manifest are refused, or are a manifest that is read again as it is written, whose sizes can be summed
/// up and whose headers can be sent.
///
/// # Panics
/// If that does not hold.
pub fn manifest(bytes: &[u8]) {
    let Ok(manifest) = Manifest::decode(bytes) else { return };
    let sum = manifest.files.values().try_fold(0_u64, |sum, entry| sum.checked_add(entry.size_bytes));
    assert!(sum.is_some(), "the sum of all sizes overflows");
    for (path, entry) in &manifest.files {
        assert_is_relative(path);
        assert_can_be_sent(&entry.headers);
    }
    let written = manifest.encode();
    let again = written.and_then(|bytes| Manifest::decode(&bytes));
    assert!(again.is_ok_and(|again| again == manifest), "it is not read as it was written");
}

/// As [`manifest`], of what is in the compressed object: a fuzzer finds no way through gzip's checksum.
///
/// # Panics
/// If that does not hold.
pub fn manifest_json(json: &[u8]) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    if encoder.write_all(json).is_ok()
        && let Ok(bytes) = encoder.finish()
    {
        manifest(&bytes);
    }
}

/// Bytes read as a head are refused, or are a head that is read again as it is written, with leases that end, headers that
/// can be sent and paths that CloudFront takes.
///
/// # Panics
/// If that does not hold.
pub fn head(bytes: &[u8]) {
    let Ok(head) = Head::decode(bytes) else { return };
    let leases = head.activation.iter().map(|it| it.lease()).chain(head.pruning.iter().map(|it| it.lease()));
    for lease in leases {
        assert!(lease.as_secs() <= 3_600, "a lease of {lease:?} is accepted");
    }
    for (path, leftover) in &head.leftovers {
        assert_is_relative(path);
        assert_can_be_sent(&leftover.headers);
    }
    for refresh in &head.pending_refreshes {
        let ids = refresh.invalidations.iter().chain([&refresh.id]);
        assert!(ids.into_iter().all(|id| !id.is_empty() && id.len() <= 128 && id.is_ascii()));
        assert!(refresh.invalidations.len() <= refresh.paths.len());
        for path in &refresh.paths {
            assert!(path.can_be_invalidated() || path.is_wildcard(), "{path}");
        }
    }
    let written = head.encode();
    let again = written.and_then(|bytes| Head::decode(&bytes));
    assert!(again.is_ok_and(|again| again == head), "it is not read as it was written");
}

/// Bytes read as a claim are refused, or are a claim that is read again as it is written.
///
/// # Panics
/// If that does not hold.
pub fn claim(bytes: &[u8]) {
    let Ok(claim) = Claim::decode(bytes) else { return };
    claim.live.iter().for_each(assert_is_relative);
    let written = claim.encode();
    let again = written.and_then(|bytes| Claim::decode(&bytes));
    assert!(again.is_ok_and(|again| again == claim), "it is not read as it was written");
}

/// Bytes read as a publish.toml are refused with a sentence for people, or are a configuration whose header rules can be
/// obeyed.
///
/// # Panics
/// If that does not hold.
pub fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Config::parse(text) {
        Ok(config) => {
            let rules = crate::site::rules::Rules::new(&config.header_rules());
            assert!(rules.is_ok(), "rules that were checked are not taken");
        }
        Err(problem) => assert!(!problem.message.is_empty()),
    }
}

fn assert_is_relative(path: &SitePath) {
    let path = path.as_str();
    assert!(path.split('/').all(|segment| !matches!(segment, "" | "." | "..")), "{path:?}");
    assert!(!path.contains(|char: char| char.is_control() || char == '\\'), "{path:?}");
}

fn assert_can_be_sent(headers: &Headers) {
    let optional = [&headers.content_encoding, &headers.content_disposition, &headers.content_language];
    let values = optional.into_iter().flatten().chain([&headers.cache_control, &headers.content_type]);
    for value in values.chain(headers.metadata.values()) {
        assert!(is_field_value(value), "{value:?}");
    }
}

#[cfg(test)]
mod tests;
