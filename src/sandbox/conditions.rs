//! `If-Match` and its relatives, on reads, writes and copy sources (AWS.md 4.1).

use s3s::dto::{ETagCondition, Timestamp};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::object::Object;

/// Conditions on the object that a write replaces or removes.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    if_match: Option<ETagCondition>,
    if_none_match: bool,
}

impl Conditions {
    /// # Errors
    /// `NotImplemented` for conditions without a meaning in S3: `If-None-Match` with an ETag, or both conditions at once.
    pub(super) fn new(if_match: Option<ETagCondition>, if_none_match: Option<ETagCondition>) -> S3Result<Conditions> {
        let meaningless =
            matches!(if_none_match, Some(ETagCondition::ETag(_))) || (if_match.is_some() && if_none_match.is_some());
        if meaningless {
            return Err(s3_error!(
                NotImplemented,
                "A header you provided implies functionality that is not implemented"
            ));
        }
        Ok(Conditions { if_match, if_none_match: if_none_match.is_some() })
    }

    /// # Errors
    /// `PreconditionFailed`, or `NoSuchKey` for `If-Match` on a missing object.
    pub(super) fn check(&self, current: Option<&Object>) -> S3Result<()> {
        if self.if_none_match && current.is_some() {
            return Err(precondition_failed());
        }
        match (&self.if_match, current) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(no_such_key()),
            (Some(condition), Some(object)) if holds(condition, object) => Ok(()),
            (Some(_), Some(_)) => Err(precondition_failed()),
        }
    }
}

/// Conditions on an object that is read or copied from.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadConditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

/// The result of conditions on a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Serve,
    NotModified,
    Failed,
}

impl ReadConditions {
    /// ETags take precedence over dates (RFC 9110 13.2.2).
    pub(super) fn judge(&self, object: &Object) -> Verdict {
        let modified = Timestamp::from(std::time::SystemTime::from(object.last_modified));
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) if !holds(condition, object) => return Verdict::Failed,
            (None, Some(since)) if modified > *since => return Verdict::Failed,
            _ => {}
        }
        match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) if holds(condition, object) => Verdict::NotModified,
            (None, Some(since)) if modified <= *since => Verdict::NotModified,
            _ => Verdict::Serve,
        }
    }
}

fn holds(condition: &ETagCondition, object: &Object) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.value() == object.etag,
    }
}

pub(super) fn precondition_failed() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold",
    )
}

pub(super) fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}
