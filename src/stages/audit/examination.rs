//! Checks objects one by one for what a listing does not show.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Finding, FindingKind};
use crate::bucket::aws::{MOST_AT_ONCE, ObjectInfo, Store};
use crate::bucket::live::{LiveObjects, has_bytes};
use crate::content::path::SitePath;
use crate::release::layout::{Address, Layout};
use crate::release::manifest::{Entry, ReleaseNumber};
use crate::report::error::Problem;
use crate::types::headers::Headers;

/// Checks what a listing does not show: checksums, headers and the marker.
pub struct Examination<'a> {
    /// Reads the objects.
    pub store: &'a Store,
    /// Their keys.
    pub layout: &'a Layout,
}

impl Examination<'_> {
    /// Returns how the live object of each file of `release` differs. Costs a HEAD for each; an object without a
    /// comparable checksum is read, in pieces.
    pub async fn live_objects(
        &self,
        files: &BTreeMap<&SitePath, &Entry>,
        release: Option<ReleaseNumber>,
    ) -> Result<Vec<Finding>, Problem> {
        stream::iter(files)
            .map(|(path, entry)| self.live_object(path, entry, release))
            .buffered(MOST_AT_ONCE)
            .try_filter_map(|finding| async move { Ok(finding) })
            .try_collect()
            .await
    }

    async fn live_object(
        &self,
        path: &SitePath,
        entry: &Entry,
        release: Option<ReleaseNumber>,
    ) -> Result<Option<Finding>, Problem> {
        let live = self.objects().address(path);
        let finding = |what, found: Option<String>| Some(Finding::of(path, what, entry, found, release));
        let Some(info) = self.store.head(&live).await.map_err(Problem::from)? else {
            return Ok(finding(FindingKind::Missing, None));
        };
        if !self.holds(&live, &info, entry).await? {
            let found = match info.digest {
                Some(digest) => format!("{} bytes, SHA-256 {}…", info.size_bytes, digest.short()),
                None => format!("{} other bytes", info.size_bytes),
            };
            return Ok(finding(FindingKind::Changed, Some(found)));
        }
        let (wanted, found) = differing(&entry.headers, &info.headers);
        if !found.is_empty() {
            let expected = Some(wanted);
            return Ok(finding(FindingKind::Headers, Some(found)).map(|finding| Finding { expected, ..finding }));
        }
        Ok(if self.is_marked(&info) {
            None
        } else {
            finding(FindingKind::Unmarked, Some("the same, written by something else".to_owned()))
        })
    }

    /// The live objects.
    pub(crate) fn objects(&self) -> LiveObjects<'_> {
        LiveObjects::new(self.store, self.layout)
    }

    /// Whether an object carries the marker of this site.
    pub(crate) fn is_marked(&self, info: &ObjectInfo) -> bool {
        info.is_of(self.layout.identity())
    }

    /// Whether the object at `address` has the bytes of `entry`.
    pub(crate) async fn holds(&self, address: &Address, info: &ObjectInfo, entry: &Entry) -> Result<bool, Problem> {
        if info.size_bytes != entry.size_bytes {
            return Ok(false);
        }
        let comparable = info.digest.is_some() || (info.crc64.is_some() && entry.crc64.is_some());
        if comparable {
            return Ok(has_bytes(info, entry));
        }
        Ok(self.store.hash(address).await.map_err(Problem::from)? == Some(entry.digest))
    }
}

/// The headers in which two sets differ, with both values: `cache-control: no-store; content-type: none`.
fn differing(wanted: &Headers, found: &Headers) -> (String, String) {
    let (wanted, found) = (lines(wanted), lines(found));
    let names = wanted.keys().chain(found.keys()).filter(|name| wanted.get(*name) != found.get(*name));
    let names: std::collections::BTreeSet<&String> = names.collect();
    let say = |headers: &BTreeMap<String, String>| {
        let said = names.iter().map(|name| {
            let value = headers.get(*name).map_or("none", String::as_str);
            format!("{name}: {value}")
        });
        said.collect::<Vec<_>>().join("; ")
    };
    (say(&wanted), say(&found))
}

fn lines(headers: &Headers) -> BTreeMap<String, String> {
    let Headers { cache_control, content_type, content_encoding, content_disposition, content_language, metadata } =
        headers;
    let some = |value: &String| Some(value.clone()).filter(|value| !value.is_empty());
    let standard = [
        ("cache-control", some(cache_control)),
        ("content-type", some(content_type)),
        ("content-encoding", content_encoding.clone()),
        ("content-disposition", content_disposition.clone()),
        ("content-language", content_language.clone()),
    ];
    let standard = standard.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let metadata = metadata.iter().map(|(name, value)| (format!("x-amz-meta-{name}"), value.clone()));
    standard.chain(metadata).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_headers_that_differ_are_named() {
        let wanted = Headers::of_a_page();
        assert_eq!(differing(&wanted, &wanted), (String::new(), String::new()));
        let found = Headers {
            cache_control: String::new(),
            content_language: Some("de".to_owned()),
            metadata: BTreeMap::from([("tag".to_owned(), "a".to_owned())]),
            ..wanted.clone()
        };
        let (expected, found) = differing(&wanted, &found);
        assert_eq!(expected, "cache-control: no-store; content-language: none; x-amz-meta-tag: none");
        assert_eq!(found, "cache-control: none; content-language: de; x-amz-meta-tag: a");
    }
}
