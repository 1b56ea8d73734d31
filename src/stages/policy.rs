//! The bucket policy statement that keeps visitors away from the state.

use serde_json::json;

use crate::release::layout::Layout;
use crate::types::partition::partition;

/// A statement that denies CloudFront the state, as JSON on one line. Needed where the state lies below the
/// distribution's origin path: an origin access control reads as `cloudfront.amazonaws.com` (AWS.md 4.6). The
/// bucket is in `region`.
pub fn hide_state(layout: &Layout, region: &str) -> String {
    let state = layout.state_prefix();
    json!({
        "Sid": "HidePublishState",
        "Effect": "Deny",
        "Principal": { "Service": "cloudfront.amazonaws.com" },
        "Action": "s3:GetObject",
        "Resource": format!("arn:{}:s3:::{}/{}*", partition(region), state.bucket, state.key),
    })
    .to_string()
}
