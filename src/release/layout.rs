//! Where everything is: the one place that turns paths, digests and release numbers into keys.
//! The stored format as a whole is written down in docs/bucket-layout.md.

use std::fmt;

use crate::content::path::{MAX_KEY_BYTES, SitePath};
use crate::release::manifest::{Identity, Kept, ReleaseNumber};
use crate::types::digest::Digest;

/// An object: its bucket and its key. Made only by a [`Layout`] and by listings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The bucket's name.
    pub bucket: String,
    /// The key in it, not encoded.
    pub key: String,
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "s3://{}/{}", self.bucket, self.key)
    }
}

/// An object to remove, as it was when that was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenObject {
    /// Where it lies.
    pub address: Address,
    /// Its ETag, if known: any other object stays. Opaque, with its quotes.
    pub etag: Option<String>,
}

impl SeenObject {
    /// The object at `address` that had `etag`; an empty one is none.
    pub fn new(address: Address, etag: &str) -> SeenObject {
        SeenObject { address, etag: (!etag.is_empty()).then(|| etag.to_owned()) }
    }
}

/// The keys of one environment. Prefixes are empty or end with `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    identity: Identity,
    state_bucket: String,
    state: String,
}

impl Layout {
    /// `prefix` and `state` are taken with or without their final slash. Without `state`, it is `_publish/<prefix>/`,
    /// so that two sites in one bucket never share it.
    pub fn new(site: &str, bucket: &str, prefix: &str, state_bucket: Option<&str>, state: Option<&str>) -> Layout {
        let prefix = with_final_slash(prefix);
        let state = state.map_or_else(|| format!("_publish/{prefix}"), with_final_slash);
        let identity = Identity { site: site.to_owned(), bucket: bucket.to_owned(), prefix };
        Layout { identity, state_bucket: state_bucket.unwrap_or(bucket).to_owned(), state }
    }

    /// The identity that all state must name.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The live object of `path`. What reads, writes or removes it goes through `bucket::live::LiveObjects`.
    pub fn live(&self, path: &SitePath) -> Address {
        self.address(&self.identity.bucket, format!("{}{path}", self.identity.prefix))
    }

    /// The key under which the CDN asks for the file of a URL: that of its live object.
    pub fn served_key(&self, path: &SitePath) -> String {
        self.live(path).key
    }

    /// The prefix of all live objects.
    pub fn live_prefix(&self) -> Address {
        self.address(&self.identity.bucket, self.identity.prefix.clone())
    }

    /// The path whose live object has `key`; `None` outside the live prefix, inside the state, and for keys that no
    /// file of a site can have.
    pub fn path_of_live(&self, key: &str) -> Option<SitePath> {
        if self.is_state(key) {
            return None;
        }
        SitePath::new(key.strip_prefix(&self.identity.prefix)?).ok()
    }

    /// Whether `key` of the live bucket belongs to the state of this site, or of another one kept by this program
    /// under `_publish/`.
    pub fn is_state(&self, key: &str) -> bool {
        let ours = self.state_bucket == self.identity.bucket && key.starts_with(&self.state);
        ours || (self.identity.prefix.is_empty() && key.starts_with("_publish/"))
    }

    /// The pointer.
    pub fn head(&self) -> Address {
        self.state("head.json")
    }

    /// The prefix of all claims and manifests.
    pub fn releases(&self) -> Address {
        self.state("releases/")
    }

    /// The claim on a number.
    pub fn claim(&self, release: ReleaseNumber) -> Address {
        self.state(&format!("releases/{release}/claim.json"))
    }

    /// The listing of a complete release.
    pub fn manifest(&self, release: ReleaseNumber) -> Address {
        self.state(&format!("releases/{release}/manifest.json.gz"))
    }

    /// The release, and which of its two objects, that `key` belongs to.
    pub fn release_of(&self, key: &str) -> Option<(ReleaseNumber, ReleaseObject)> {
        let rest = key.strip_prefix(&self.state)?.strip_prefix("releases/")?;
        let (number, name) = rest.split_once('/')?;
        let object = match name {
            "claim.json" => ReleaseObject::Claim,
            "manifest.json.gz" => ReleaseObject::Manifest,
            _ => return None,
        };
        Some((number.parse().ok()?, object))
    }

    /// The bytes of a mutable file.
    pub fn blob(&self, digest: &Digest) -> Address {
        self.state(&format!("blobs/{digest}"))
    }

    /// The digest that names the blob with `key`; `None` for anything else.
    pub fn digest_of_blob(&self, key: &str) -> Option<Digest> {
        key.strip_prefix(&self.blobs().key)?.to_owned().try_into().ok()
    }

    /// The prefix of all blobs.
    pub fn blobs(&self) -> Address {
        self.state("blobs/")
    }

    /// Where the bytes of an entry are kept for as long as a release names them.
    pub fn kept(&self, path: &SitePath, digest: &Digest, kept: Kept) -> Address {
        match kept {
            Kept::Live => self.live(path),
            Kept::Blob => self.blob(digest),
        }
    }

    /// The length of the key for `path`, if it is more than S3 accepts.
    pub fn key_too_long(&self, path: &SitePath) -> Option<usize> {
        let bytes = self.identity.prefix.len() + path.as_str().len();
        (bytes > MAX_KEY_BYTES).then_some(bytes)
    }

    /// Whether an object of the site may lie at the live key of `path`: S3 takes the key, and it is not the state's.
    pub fn can_be_live(&self, path: &SitePath) -> bool {
        self.key_too_long(path).is_none() && !self.is_state(&self.live(path).key)
    }

    /// The prefix of the state, for messages and for the policy that hides it.
    pub fn state_prefix(&self) -> Address {
        self.state("")
    }

    fn state(&self, name: &str) -> Address {
        self.address(&self.state_bucket, format!("{}{name}", self.state))
    }

    fn address(&self, bucket: &str, key: String) -> Address {
        Address { bucket: bucket.to_owned(), key }
    }
}

/// The two objects a release may have in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseObject {
    /// "This run is staging that number."
    Claim,
    /// Written when the release is complete.
    Manifest,
}

fn with_final_slash(prefix: &str) -> String {
    match prefix.trim_matches('/') {
        "" => String::new(),
        trimmed => format!("{trimmed}/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sites_in_one_bucket_never_share_state() {
        let shop = Layout::new("shop", "b", "shop", None, None);
        let docs = Layout::new("docs", "b", "/docs/", None, None);
        assert_eq!(shop.head().key, "_publish/shop/head.json");
        assert_eq!(docs.head().key, "_publish/docs/head.json");
        assert_eq!(Layout::new("all", "b", "", None, None).head().key, "_publish/head.json");
    }

    #[test]
    fn state_is_never_taken_for_live_objects() {
        let layout = Layout::new("all", "b", "", None, None);
        assert_eq!(layout.path_of_live("_publish/head.json"), None);
        assert_eq!(layout.path_of_live("index.html"), SitePath::new("index.html").ok());
        let elsewhere = Layout::new("all", "b", "live", None, Some("live/state"));
        assert_eq!(elsewhere.path_of_live("live/state/head.json"), None);
        assert_eq!(elsewhere.path_of_live("other/index.html"), None);
        let path = |text: &str| SitePath::new(text).unwrap();
        assert!(layout.can_be_live(&path("index.html")));
        assert!(!layout.can_be_live(&path("_publish/head.json")));
        assert!(!elsewhere.can_be_live(&path("state/head.json")));
        assert!(elsewhere.can_be_live(&path("_publish/head.json")));
        assert!(!elsewhere.can_be_live(&path(&"a".repeat(MAX_KEY_BYTES))), "with its prefix it is too long");
    }

    #[test]
    fn a_blob_is_found_by_its_digest_and_tells_it() {
        let layout = Layout::new("shop", "b", "live", None, None);
        let digest = Digest::of(b"page");
        assert_eq!(layout.digest_of_blob(&layout.blob(&digest).key), Some(digest));
        for other in ["_publish/live/blobs/", "_publish/live/blobs/a.html", "_publish/live/head.json"] {
            assert_eq!(layout.digest_of_blob(other), None, "{other}");
        }
        assert_eq!(layout.digest_of_blob(&format!("_publish/blobs/{digest}")), None, "it is another site's");
    }

    #[test]
    fn release_keys_round_trip() {
        let layout = Layout::new("shop", "b", "live", None, None);
        let release = ReleaseNumber::new(7);
        assert_eq!(layout.release_of(&layout.claim(release).key), Some((release, ReleaseObject::Claim)));
        assert_eq!(layout.release_of(&layout.manifest(release).key), Some((release, ReleaseObject::Manifest)));
        for number in ["x", "07", "007", "+7", "-7", " 7", "7 ", "7.0", "", "4503599627370497"] {
            let key = format!("_publish/live/releases/{number}/claim.json");
            assert_eq!(layout.release_of(&key), None, "{key} is not release 7");
        }
    }
}
