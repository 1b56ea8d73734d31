//! The bucket policy statement that denies visitors the state.

use serde_json::json;

use crate::release::layout::Layout;
use crate::types::partition::partition;

/// The suffixes of access point aliases, which stand for a bucket (S3 User Guide, "Access point aliases").
const ACCESS_POINT: &str = "-s3alias";

/// A statement that denies the state to everybody outside the bucket's account, as JSON on one line. It covers every
/// way in which visitors reach a bucket: an origin access control reads as `cloudfront.amazonaws.com`, an origin access
/// identity as a user of CloudFront's account, and a website endpoint or a public bucket lets anybody read (AWS.md 4.6).
/// Needed if the state is below the distribution's origin path. The bucket is in `region`.
pub fn hide_state(layout: &Layout, region: &str) -> String {
    let state = layout.state_prefix();
    // A policy names the bucket itself.
    let bucket = if state.bucket.ends_with(ACCESS_POINT) { "BUCKET-OF-THIS-ACCESS-POINT" } else { &state.bucket };
    json!({
        "Sid": "HidePublishState",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": format!("arn:{}:s3:::{bucket}/{}*", partition(region), state.key),
        "Condition": { "StringNotEquals": { "aws:PrincipalAccount": "${aws:ResourceAccount}" } },
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(bucket: &str, region: &str) -> serde_json::Value {
        serde_json::from_str(&hide_state(&Layout::new("shop", bucket, "", None, None), region)).unwrap()
    }

    #[test]
    fn nobody_outside_the_buckets_account_reads_the_state_whichever_way_they_come() {
        let statement = statement("site", "eu-central-1");
        assert_eq!((statement["Effect"].as_str(), statement["Principal"].as_str()), (Some("Deny"), Some("*")));
        let inside = &statement["Condition"]["StringNotEquals"]["aws:PrincipalAccount"];
        assert_eq!(inside.as_str(), Some("${aws:ResourceAccount}"));
    }

    #[test]
    fn each_partition_has_its_own_arns_and_a_policy_names_the_bucket_behind_an_access_point() {
        for (bucket, region, resource) in [
            ("site", "eu-central-1", "arn:aws:s3:::site/_publish/*"),
            ("site", "cn-north-1", "arn:aws-cn:s3:::site/_publish/*"),
            ("site", "eusc-de-east-1", "arn:aws-eusc:s3:::site/_publish/*"),
            ("site", "us-gov-west-1", "arn:aws-us-gov:s3:::site/_publish/*"),
            ("point-abc123-s3alias", "eu-central-1", "arn:aws:s3:::BUCKET-OF-THIS-ACCESS-POINT/_publish/*"),
        ] {
            assert_eq!(statement(bucket, region)["Resource"], resource);
        }
    }
}
