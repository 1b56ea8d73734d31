//! `[env.NAME]` and `[defaults]`: the keys of a target.

use serde::Deserialize;

use super::values::{AccountId, BucketName, DistributionIds, Prefix, Url, Word};

/// One target, `[env.NAME]`, or what all have in common, `[defaults]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct EnvironmentSection {
    /// The bucket; each target needs one.
    pub bucket: Option<BucketName>,
    /// The prefix of the live objects; the whole bucket when not given.
    pub prefix: Option<Prefix>,
    /// The bucket's region; taken from AWS's own settings when not given.
    pub region: Option<Word>,
    /// The CloudFront distribution in front of the bucket, or a list of several, the one at `url` first; no CDN without it.
    pub distribution: Option<DistributionIds>,
    /// Where visitors see the site.
    pub url: Option<Url>,
    /// The prefix of the state; `_publish/<prefix>/` when not given.
    pub state: Option<Prefix>,
    /// The bucket of the state; the live bucket when not given.
    pub state_bucket: Option<BucketName>,
    /// How objects are encrypted; by the bucket's default when not given.
    pub sse: Option<ServerSideEncryption>,
    /// The KMS key's id or ARN; only with `sse = "aws:kms"`.
    pub kms_key_id: Option<Word>,
    /// The account that must own the buckets.
    pub expected_bucket_owner: Option<AccountId>,
    /// The profile of AWS's configuration files.
    pub profile: Option<Word>,
    /// A role to assume.
    pub role_arn: Option<Word>,
    /// An S3 endpoint other than AWS's; implies path-style addressing.
    pub endpoint_url: Option<Url>,
    /// Keys that the target does not take from the defaults.
    pub unset: Vec<Key>,
}

/// A key of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// `bucket`.
    Bucket,
    /// `prefix`.
    Prefix,
    /// `region`.
    Region,
    /// `distribution`.
    Distribution,
    /// `url`.
    Url,
    /// `state`.
    State,
    /// `state_bucket`.
    StateBucket,
    /// `sse`.
    Sse,
    /// `kms_key_id`.
    KmsKeyId,
    /// `expected_bucket_owner`.
    ExpectedBucketOwner,
    /// `profile`.
    Profile,
    /// `role_arn`.
    RoleArn,
    /// `endpoint_url`.
    EndpointUrl,
}

/// How S3 encrypts objects at rest, as in its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ServerSideEncryption {
    /// With KMS.
    #[serde(rename = "aws:kms")]
    Kms,
    /// With keys that S3 manages.
    #[serde(rename = "AES256")]
    S3,
}

impl EnvironmentSection {
    /// The same, with what `defaults` say where this says nothing.
    #[must_use]
    pub(super) fn or(self, defaults: &EnvironmentSection) -> EnvironmentSection {
        let mut defaults = defaults.clone();
        for key in &self.unset {
            match key {
                Key::Bucket => defaults.bucket = None,
                Key::Prefix => defaults.prefix = None,
                Key::Region => defaults.region = None,
                Key::Distribution => defaults.distribution = None,
                Key::Url => defaults.url = None,
                Key::State => defaults.state = None,
                Key::StateBucket => defaults.state_bucket = None,
                Key::Sse => defaults.sse = None,
                Key::KmsKeyId => defaults.kms_key_id = None,
                Key::ExpectedBucketOwner => defaults.expected_bucket_owner = None,
                Key::Profile => defaults.profile = None,
                Key::RoleArn => defaults.role_arn = None,
                Key::EndpointUrl => defaults.endpoint_url = None,
            }
        }
        // A key of the defaults belongs to their kind of encryption.
        let key = defaults.kms_key_id.filter(|_| self.sse.is_none_or(|sse| sse == ServerSideEncryption::Kms));
        EnvironmentSection {
            bucket: self.bucket.or(defaults.bucket),
            prefix: self.prefix.or(defaults.prefix),
            region: self.region.or(defaults.region),
            distribution: self.distribution.or(defaults.distribution),
            url: self.url.or(defaults.url),
            state: self.state.or(defaults.state),
            state_bucket: self.state_bucket.or(defaults.state_bucket),
            sse: self.sse.or(defaults.sse),
            kms_key_id: self.kms_key_id.or(key),
            expected_bucket_owner: self.expected_bucket_owner.or(defaults.expected_bucket_owner),
            profile: self.profile.or(defaults.profile),
            role_arn: self.role_arn.or(defaults.role_arn),
            endpoint_url: self.endpoint_url.or(defaults.endpoint_url),
            unset: self.unset,
        }
    }

    /// What is wrong with it as a target, and what to do.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.bucket.is_none() {
            return Err(("the key `bucket` is missing", "Add it here, or under [defaults] for all environments."));
        }
        if self.kms_key_id.is_some() && self.sse != Some(ServerSideEncryption::Kms) {
            return Err(("`kms_key_id` needs `sse = \"aws:kms\"`", ""));
        }
        Ok(())
    }
}
