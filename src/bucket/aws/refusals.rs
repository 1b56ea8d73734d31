//! The meaning of each code of S3, of compatible stores and of CloudFront: the one table.
//!
//! The codes are those of S3's list of error responses, of CloudFront's API and of AWS.md 1.2, 4.1, 5.4, 5.6 and 5.8;
//! `XMinio…` are MinIO's, `QuotaExceeded` is Ceph's. docs/exit-codes.md says the same.

/// What a failed request means for its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The object does not exist (404).
    Missing,
    /// The credentials lack the permission (403).
    Denied,
    /// The condition of the request does not hold (412). After a retry the cause may be our own earlier attempt, whose
    /// answer was lost: settled by reading, never assumed.
    Precondition,
    /// Another request on the same key was under way (409); no effect.
    Conflict,
    /// Asked to slow down, repeatedly; no effect.
    Throttled,
    /// A temporary 5xx, a timeout, a broken or refused connection: the effect is unknown.
    Unavailable,
    /// The bytes that arrived are not the bytes that were announced; no effect.
    Checksum,
    /// The file to send cannot be read, or is shorter than it was.
    LocalFile,
    /// The bucket does not exist.
    NoSuchBucket,
    /// The bucket is in another region.
    WrongRegion,
    /// The SDK's rules find no endpoint for the settings; nothing was sent.
    NoEndpoint,
    /// The server's certificate cannot be trusted; nothing was sent.
    Untrusted,
    /// No credentials were found.
    NoCredentials,
    /// The credentials have expired.
    ExpiredCredentials,
    /// The provider of the credentials failed.
    FailedCredentials,
    /// The object is archived, and cannot be read or copied before it is restored; no effect.
    Archived,
    /// Refused for another reason that persists until something is changed; no effect.
    Refused,
    /// The store does not implement the request (501); no effect.
    Unsupported,
    /// There are more objects than this program can list.
    TooMany,
    /// Anything else.
    Other,
}

#[cfg(test)]
impl Class {
    /// Whether S3 keeps refusing until something is changed.
    pub(super) fn lasts(self) -> bool {
        !matches!(
            self,
            Class::Missing
                | Class::Precondition
                | Class::Conflict
                | Class::Throttled
                | Class::Unavailable
                | Class::Checksum
        )
    }
}

/// Codes that mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// As they appear in answers.
    pub(super) codes: &'static [&'static str],
    /// What they mean for the sender of the request.
    pub(super) class: Class,
    /// What must be changed first; `None`: the class determines it, or nothing.
    pub(super) change: Option<&'static str>,
}

const fn means(class: Class, codes: &'static [&'static str]) -> Refusal {
    Refusal { codes, class, change: None }
}

const fn until(class: Class, change: &'static str, codes: &'static [&'static str]) -> Refusal {
    Refusal { codes, class, change: Some(change) }
}

/// The table.
pub(super) const REFUSALS: &[Refusal] = &[
    // For one key of many, which has no status of its own.
    means(Class::Missing, &["NoSuchKey"]),
    // Temporary: the next attempt may succeed.
    means(Class::Precondition, &["PreconditionFailed"]),
    means(Class::Conflict, &["ConditionalRequestConflict", "OperationAborted"]),
    means(
        Class::Throttled,
        &[
            "SlowDown",
            "Throttling",
            "ThrottlingException",
            "RequestLimitExceeded",
            "ThrottledException",
            "TooManyRequests",
            "TooManyRequestsException",
            "TooManyInvalidationsInProgress",
            "BandwidthLimitExceeded",
            "KMS.ThrottlingException",
        ],
    ),
    means(
        Class::Unavailable,
        &[
            "InternalError",
            "ServiceUnavailable",
            "RequestTimeout",
            "RequestTimeoutException",
            "ServerBusy",
            // KMS API Reference, GenerateDataKey and Decrypt.
            "KMS.KMSInternalException",
            "KMS.DependencyTimeoutException",
            "KMSInternalException",
            "DependencyTimeoutException",
        ],
    ),
    means(Class::Checksum, &["BadDigest", "XAmzContentChecksumMismatch", "InvalidDigest", "IncompleteBody"]),
    // Refused until something is changed: the credentials, …
    means(Class::ExpiredCredentials, &["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"]),
    means(Class::Denied, &["AccessDenied"]),
    until(
        Class::Denied,
        "AWS does not recognise these keys: sign in again, or check which profile and environment variables are used.",
        &["InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken"],
    ),
    until(Class::Denied, "The secret key does not match the access key: correct it.", &["SignatureDoesNotMatch"]),
    until(Class::Denied, "This machine's clock is off by more than 15 minutes: correct it.", &["RequestTimeTooSkewed"]),
    // … the target, …
    means(Class::NoSuchBucket, &["NoSuchBucket"]),
    means(Class::WrongRegion, &["PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraintException"]),
    until(
        Class::Refused,
        "Check that the endpoint is an S3 API endpoint, and that no proxy in between blocks some requests.",
        &["MethodNotAllowed"],
    ),
    // … the bucket or its account, …
    until(
        Class::Refused,
        "The owner of the account must fix this: see its console, or ask the provider.",
        &["AccountProblem", "AllAccessDisabled", "NotSignedUp", "InvalidPayer", "UserSuspended"],
    ),
    until(
        Class::Refused,
        "The bucket's settings do not allow it; the service's message says which (such as versioning or Object Lock).",
        &["InvalidBucketState", "ObjectLocked", "ObjectLockConfigurationNotFoundError"],
    ),
    until(
        Class::Refused,
        "The bucket is full: raise its quota, or remove old releases with `publish prune`.",
        &["QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "TotalObjectSizeExceeded"],
    ),
    means(Class::Archived, &["InvalidObjectState"]),
    until(
        Class::Refused,
        "The bucket does not allow ACLs. publish sends none, so a proxy adds one or a policy requires one.",
        &["AccessControlListNotSupported"],
    ),
    // … the encryption key, …
    until(
        Class::Refused,
        "Enable the KMS key or cancel its deletion, or set another key as `kms_key_id`.",
        &[
            "KMS.DisabledException",
            "KMS.KMSInvalidStateException",
            "KMS.InvalidStateException",
            "KMSInvalidStateException",
        ],
    ),
    until(
        Class::Refused,
        "Correct `kms_key_id` in publish.toml, or the bucket's default key.",
        &["KMS.NotFoundException", "KMS.InvalidKeyUsageException", "KMS.KeyUnavailableException"],
    ),
    // … something in between, …
    until(
        Class::Refused,
        "Something between this machine and the service, such as a proxy, changes requests: make it pass them on \
         unchanged.",
        &["XAmzContentSHA256Mismatch"],
    ),
    // … or the request itself.
    until(
        Class::Refused,
        "The service's message says what it does not accept: a setting of the bucket (Object Lock, encryption, ACLs), \
         or one in publish.toml.",
        &["InvalidRequest", "InvalidArgument", "MalformedXML", "InvalidStorageClass", "MissingContentMD5"],
    ),
    means(Class::Unsupported, &["NotImplemented"]),
];

/// The action for an answer that is refused without a code in the table.
const AS_SAID: &str = "The service's message says what must change.";

/// The table's row for `code`.
fn refusal(code: Option<&str>) -> Option<&'static Refusal> {
    let code = code?;
    REFUSALS.iter().find(|refusal| refusal.codes.contains(&code))
}

/// What must be changed before a request with the answer `code` can succeed.
pub(super) fn change(code: Option<&str>) -> Option<&'static str> {
    refusal(code).and_then(|refusal| refusal.change)
}

/// As [`change`], for what is [`Class::Refused`].
pub(super) fn change_first(code: Option<&str>) -> &'static str {
    change(code).unwrap_or(AS_SAID)
}

/// The meaning of an answer. Its code decides; without one, as in every answer to a HEAD, or with one that is not in the
/// table, the status decides.
pub(super) fn class_of(status: Option<u16>, code: Option<&str>, region: Option<&str>) -> Class {
    if code == Some("AuthorizationHeaderMalformed") && region.is_some() {
        return Class::WrongRegion;
    }
    if let Some(refusal) = refusal(code) {
        return refusal.class;
    }
    match status {
        Some(301 | 302 | 307 | 308) => Class::WrongRegion,
        Some(400) if code.is_none() && region.is_some() => Class::WrongRegion,
        Some(401 | 403) => Class::Denied,
        Some(404) => Class::Missing,
        Some(408 | 425) => Class::Unavailable,
        Some(409) => Class::Conflict,
        Some(412) => Class::Precondition,
        Some(429) => Class::Throttled,
        Some(400..=499) => Class::Refused,
        Some(501) => Class::Unsupported,
        // Insufficient Storage (RFC 4918 section 11.5).
        Some(507) => Class::Refused,
        Some(500..) => Class::Unavailable,
        _ => Class::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_stands_once() {
        let codes: Vec<&str> = REFUSALS.iter().flat_map(|refusal| refusal.codes).copied().collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    }

    /// The documents list each permanent code.
    #[test]
    fn the_document_has_what_lasts() {
        let document = include_str!("../../../docs/exit-codes.md");
        let (_, table) = document.split_once("## Refusals that last").unwrap();
        for code in REFUSALS.iter().filter(|refusal| refusal.class.lasts()).flat_map(|refusal| refusal.codes) {
            assert!(table.contains(&format!("`{code}`")), "{code}");
        }
    }

    /// A permanent refusal says what to change, and does not suggest the same command again.
    #[test]
    fn what_stays_refused_says_what_to_change() {
        for refusal in REFUSALS.iter().filter(|refusal| refusal.class == Class::Refused) {
            assert!(refusal.change.is_some_and(|change| !change.contains("again")), "{refusal:?}");
        }
        assert_eq!(change_first(Some("SomethingNew")), AS_SAID);
    }

    #[test]
    fn codes_come_before_the_status_and_the_status_decides_where_there_is_none() {
        let class = |status, code| class_of(status, code, None);
        assert_eq!(class(Some(404), Some("NoSuchKey")), Class::Missing);
        assert_eq!(class(None, Some("NoSuchKey")), Class::Missing);
        assert_eq!(class(Some(404), Some("NoSuchBucket")), Class::NoSuchBucket);
        assert_eq!(class(Some(404), Some("NotFound")), Class::Missing);
        assert_eq!(class(Some(503), Some("SlowDown")), Class::Throttled);
        assert_eq!(class(Some(503), Some("ServiceUnavailable")), Class::Unavailable);
        assert_eq!(class(Some(200), Some("InternalError")), Class::Unavailable);
        assert_eq!(class(Some(409), Some("ConditionalRequestConflict")), Class::Conflict);
        assert_eq!(class(Some(409), Some("InvalidBucketState")), Class::Refused);
        assert_eq!(class(Some(400), Some("BadDigest")), Class::Checksum);
        assert_eq!(class(Some(400), Some("ExpiredToken")), Class::ExpiredCredentials);
        assert_eq!(class(Some(400), Some("InvalidArgument")), Class::Refused);
        assert_eq!(class(Some(301), Some("PermanentRedirect")), Class::WrongRegion);
        assert_eq!(class(Some(403), Some("InvalidObjectState")), Class::Archived);
        assert_eq!(class(Some(412), None), Class::Precondition);
        assert_eq!(class(Some(403), None), Class::Denied);
        assert_eq!(class(Some(400), None), Class::Refused);
        assert_eq!(class(Some(405), None), Class::Refused);
        assert_eq!(class(Some(501), None), Class::Unsupported);
        assert_eq!(class(Some(507), Some("XMinioStorageFull")), Class::Refused);
        assert_eq!(class(Some(507), None), Class::Refused);
        assert_eq!(class(Some(599), None), Class::Unavailable);
        assert_eq!(class(None, Some("SomethingNew")), Class::Other);
        assert_eq!(class_of(Some(400), None, Some("eu-west-1")), Class::WrongRegion);
        assert_eq!(class_of(Some(400), Some("AuthorizationHeaderMalformed"), Some("eu-west-1")), Class::WrongRegion);
        assert_eq!(class_of(Some(400), Some("AuthorizationHeaderMalformed"), None), Class::Refused);
    }
}
