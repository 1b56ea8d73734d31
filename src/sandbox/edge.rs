//! Between viewers and the origin: where an edge cache will stand. For now every request goes to the origin.

use std::sync::Arc;

use super::distribution::Distribution;
use super::object::Object;
use super::plus;
use super::store::Store;

/// What the origin says to a path.
pub(super) enum Origin {
    Object(Arc<Object>),
    /// The status of an error: 403 for a missing key, since CloudFront may not list the bucket (AWS.md 4.6).
    Error(u16),
}

/// The edge that viewers meet.
pub(super) struct Edge {
    store: Arc<Store>,
}

impl Edge {
    pub(super) fn new(store: Arc<Store>) -> Edge {
        Edge { store }
    }

    /// Fetches a percent-encoded path, as it is after any viewer-request function.
    pub(super) fn fetch(&self, distribution: &Distribution, path: &str) -> Origin {
        let whole = format!("{}{path}", distribution.origin_path);
        let key = plus::decode(whole.trim_start_matches('/'));
        match self.store.object(&distribution.bucket, &key) {
            Ok(object) => Origin::Object(object),
            Err(error) if *error.code() == s3s::S3ErrorCode::NoSuchBucket => Origin::Error(404),
            Err(_) => Origin::Error(403),
        }
    }
}
