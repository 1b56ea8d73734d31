//! Tests on one object what a site needs from a store other than AWS: many S3-compatible stores accept a condition and
//! ignore it (docs/stores.md).

use aws_sdk_s3::primitives::ByteStream;

use super::answer::StoreError;
use super::refusals::Class;
use super::store::Store;
use super::upload::Condition;
use crate::release::layout::Address;
use crate::report::error::{Code, Problem};
use crate::types::digest::Digest;
use crate::types::headers::Headers;

/// An ETag that no object has: an MD5 without known bytes.
const NO_ETAG: &str = "\"00000000000000000000000000000000\"";

/// What a store does instead of refusing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    /// It ignores the condition.
    Ignored,
    /// It does not accept the condition at all.
    NotTaken,
}

impl Store {
    /// The store that must be tested before anything is written to it: the digest of its endpoint. `None`: it is
    /// AWS's, or this program's own sandbox.
    pub fn to_be_proven(&self) -> Option<Digest> {
        self.settings.to_be_proven
    }

    /// Sends the store requests that it must refuse, at `address`, where `bytes` are stored with `headers`: they are the same
    /// afterwards, whatever the store does. Five requests.
    ///
    /// # Errors
    /// [`Code::UnfitStore`] names every condition that it does not enforce. Other failures say nothing about the store.
    pub async fn probe(&self, address: &Address, bytes: &[u8], headers: &Headers) -> Result<(), Problem> {
        let right = Digest::of(bytes);
        let wrong = Digest::of(right.to_base64().as_bytes());
        let put = async |digest: &Digest, condition: Condition<'_>| {
            self.put(address, ByteStream::from(bytes.to_vec()), || None, digest, headers, condition).await
        };
        let copy = async |source_etag: Option<&str>, condition: Condition<'_>| {
            self.copy(address, source_etag, address, headers, condition).await
        };
        let tried = [
            ("PutObject with `If-None-Match: *`", put(&right, Condition::Absent).await),
            ("PutObject with `If-Match`", put(&right, Condition::Matches(NO_ETAG)).await),
            ("CopyObject with `x-amz-copy-source-if-match`", copy(Some(NO_ETAG), Condition::None).await),
            ("CopyObject with `If-None-Match: *`", copy(None, Condition::Absent).await),
            ("PutObject with `x-amz-checksum-sha256`", put(&wrong, Condition::None).await),
        ];
        let mut lacks = Vec::new();
        for (what, answer) in tried {
            if let Some((lack, refusal)) = lack(answer)? {
                lacks.push(sentence(what, lack, refusal.as_ref()));
            }
        }
        if lacks.is_empty() {
            return Ok(());
        }
        let service = &self.settings.service;
        let message = format!(
            "{service} cannot host a site safely: two publishers could overwrite each other's work. {}",
            lacks.join("; ")
        );
        Err(Problem::new(Code::UnfitStore, message).hint(service.what_can_hold_a_site()))
    }
}

/// What the answer to such a request shows: nothing, if it was refused.
fn lack(answer: Result<String, StoreError>) -> Result<Option<(Lack, Option<StoreError>)>, StoreError> {
    match answer {
        Ok(_) => Ok(Some((Lack::Ignored, None))),
        Err(error) => match error.class {
            Class::Precondition | Class::Checksum => Ok(None),
            Class::Unsupported | Class::Refused => Ok(Some((Lack::NotTaken, Some(error)))),
            _ => Err(error),
        },
    }
}

fn sentence(what: &str, lack: Lack, refusal: Option<&StoreError>) -> String {
    match lack {
        Lack::Ignored => format!("{what} succeeds even though its condition is not met"),
        Lack::NotTaken => {
            let status =
                refusal.and_then(|error| error.status).map(|status| format!(" with {status}")).unwrap_or_default();
            let code =
                refusal.and_then(|error| error.code.as_deref()).map(|code| format!(" {code}")).unwrap_or_default();
            format!("{what} is rejected{status}{code}")
        }
    }
}
