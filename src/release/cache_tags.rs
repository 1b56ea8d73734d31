//! Cache tags: by them CloudFront forgets all mutable files of a site, or of one of its top folders, in all variants and
//! under all addresses, and no other file (AWS.md 1.6).
//!
//! A tag belongs to where an object lies, not to a release: it is added wherever a live mutable object is written, and taken
//! away wherever one is looked at. So manifests, digests and comparisons of headers know nothing of tags.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::content::path::SitePath;
use crate::release::manifest::Identity;
use crate::types::digest::Digest;

/// The user metadata in which an object has its tags, separated by commas.
pub const METADATA: &str = "cache-tag";

/// The header of an answer that S3 makes of it, which `CacheTagConfig` of a distribution must name.
pub const HEADER: &str = "x-amz-meta-cache-tag";

/// How each of our tags begins.
const START: &str = "publish-";

/// How many digits of a digest follow: 64 bits. Two tags fit into S3's limit for metadata beside a file's own.
const DIGITS: usize = 16;

/// A tag of this program: in lower case, since CloudFront ignores case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct CacheTag(String);

/// A text that is not one of this program's tags.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a cache tag of publish")]
pub struct InvalidTag(String);

impl TryFrom<String> for CacheTag {
    type Error = InvalidTag;
    fn try_from(text: String) -> Result<CacheTag, InvalidTag> {
        CacheTag::parse(&text).ok_or(InvalidTag(text))
    }
}

impl CacheTag {
    /// The tag of all mutable files of a site.
    pub fn of_site(site: &Identity) -> CacheTag {
        CacheTag::of_digest(&[&site.site, &site.bucket, &site.prefix])
    }

    /// The tag of the mutable files in a top folder, whose name has no slash.
    pub fn of_folder(site: &Identity, folder: &str) -> CacheTag {
        CacheTag::of_digest(&[&site.site, &site.bucket, &site.prefix, folder])
    }

    /// The tags of the mutable file at `path`: each contains the next one, or has nothing in common with it.
    pub fn all_of(site: &Identity, path: &SitePath) -> Vec<CacheTag> {
        CacheTag::of_path(site, path.as_str())
    }

    /// The tags that this program may have given an object; none outside the site.
    pub fn of_object(site: &Identity, bucket: &str, key: &str) -> Vec<CacheTag> {
        let path = key.strip_prefix(&site.prefix).filter(|_| bucket == site.bucket);
        path.map(|path| CacheTag::of_path(site, path)).unwrap_or_default()
    }

    fn of_path(site: &Identity, path: &str) -> Vec<CacheTag> {
        let folder = top_folder(path).map(|folder| CacheTag::of_folder(site, folder));
        std::iter::once(CacheTag::of_site(site)).chain(folder).collect()
    }

    fn of_digest(names: &[&str]) -> CacheTag {
        // No name holds a line end: buckets, sites and paths are checked when they are read.
        let digest = Digest::of(names.join("\n").as_bytes()).to_string();
        CacheTag(format!("{START}{}", &digest[..DIGITS]))
    }

    /// A tag as objects have it; `None`: it is not one of this program's.
    pub fn parse(text: &str) -> Option<CacheTag> {
        let digits = text.strip_prefix(START)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (digits.len() == DIGITS && digits.bytes().all(is_digit)).then(|| CacheTag(text.to_owned()))
    }

    /// The tag as objects have it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// In CloudFront's notation: `#publish-0123456789abcdef`.
impl fmt::Display for CacheTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{}", self.0)
    }
}

/// The name of the folder at the top of the site that a path lies in.
pub fn top_folder(path: &str) -> Option<&str> {
    path.split_once('/').map(|(folder, _)| folder)
}

/// Adds tags to an object's metadata, before what a person has put there: CloudFront takes 50 of each object.
pub fn add(metadata: &mut BTreeMap<String, String>, tags: &[CacheTag]) {
    let own = metadata.remove(METADATA);
    let all: Vec<&str> = tags.iter().map(CacheTag::as_str).chain(own.as_deref()).collect();
    if !all.is_empty() {
        metadata.insert(METADATA.to_owned(), all.join(","));
    }
}

/// Removes `ours`, the tags that this program may have given an object, from its metadata, and returns those that it had. What a
/// person has put there stays, whatever it looks like.
pub fn take(metadata: &mut BTreeMap<String, String>, ours: &[CacheTag]) -> BTreeSet<CacheTag> {
    let Some(all) = metadata.remove(METADATA) else { return BTreeSet::new() };
    let own = |tag: &str| ours.iter().find(|own| own.as_str() == tag).cloned();
    let others: Vec<&str> = all.split(',').filter(|tag| own(tag).is_none()).collect();
    if !others.is_empty() {
        metadata.insert(METADATA.to_owned(), others.join(","));
    }
    all.split(',').filter_map(own).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn site(prefix: &str) -> Identity {
        Identity { site: "shop".to_owned(), bucket: "b".to_owned(), prefix: prefix.to_owned() }
    }

    #[test]
    fn a_file_has_the_tag_of_its_site_and_that_of_its_top_folder() {
        let of = |prefix: &str, path: &str| CacheTag::all_of(&site(prefix), &SitePath::new(path).unwrap());
        let (root, deep) = (of("live/", "index.html"), of("live/", "blog/a/b.html"));
        assert_eq!((root.len(), deep.len()), (1, 2));
        assert_eq!(deep[0], root[0]);
        assert_eq!(of("live/", "blog/c.html"), deep);
        let others = [of("live/", "docs/c.html"), of("other/", "blog/c.html")];
        assert!(others.iter().all(|other| other[1] != deep[1]));
        assert_ne!(others[1][0], deep[0], "another environment has tags of its own");
        assert_eq!(CacheTag::parse(deep[1].as_str()).as_ref(), Some(&deep[1]));
        assert_eq!(deep[1].to_string(), format!("#{}", deep[1].as_str()));
    }

    #[test]
    fn what_is_no_tag_of_this_program_is_a_persons() {
        for text in ["", "publish-", "publish-0123", "publish-0123456789ABCDEF", "publish-0123456789abcdef0", "blog"] {
            assert_eq!(CacheTag::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_a_person_has_put_there_is_what_it_was(
            own in prop::option::of("([a-z ,:-]{1,20}|publish-[0-9a-f]{16}(,publish-[0-9a-f]{16})?)"),
            path in "[a-z]{1,3}(/[a-z]{1,3})?",
        ) {
            let own = own.map(|own| own.trim().to_owned());
            let before: BTreeMap<String, String> =
                own.into_iter().map(|own| (METADATA.to_owned(), own)).chain([("team".to_owned(), "docs".to_owned())]).collect();
            let tags = CacheTag::all_of(&site("live/"), &SitePath::new(path.as_str()).unwrap());
            let mut metadata = before.clone();
            add(&mut metadata, &tags);
            let stored = metadata[METADATA].clone();
            prop_assert!(stored.split(',').take(tags.len()).eq(tags.iter().map(CacheTag::as_str)));
            let key = format!("live/{path}");
            prop_assert_eq!(take(&mut metadata, &CacheTag::of_object(&site("live/"), "b", &key)), tags.into_iter().collect());
            prop_assert_eq!(metadata, before);
        }
    }
}
