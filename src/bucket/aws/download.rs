//! Reads objects of any size in pieces.

use aws_sdk_s3::primitives::ByteStream;

use super::answer::{FailedRequest, StoreError};
use super::pace::Permit;
use super::refusals::Class;
use super::store::Store;
use crate::release::layout::Address;

/// The bytes of one object, as they arrive.
pub struct Download {
    store: Store,
    address: Address,
    body: ByteStream,
    _permit: Permit,
}

impl Store {
    /// Starts to read the object at `address` if it still has this `etag`.
    ///
    /// # Errors
    /// [`Class::Missing`] if it is gone, [`Class::Precondition`] if it was replaced.
    pub async fn download(&self, address: &Address, etag: &str) -> Result<Download, StoreError> {
        let permit = self.permit().await;
        let request = self.client.get_object().bucket(&address.bucket).key(&address.key).if_match(etag);
        let request = request.set_expected_bucket_owner(self.settings.service.owner.clone());
        let answer = request.send().await.map_err(|error| self.failed("GetObject", address, &error))?;
        Ok(Download { store: self.clone(), address: address.clone(), body: answer.body, _permit: permit })
    }
}

impl Download {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// [`Class::Unavailable`] if the answer breaks off: the object may be read again from its beginning.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.body.next().await {
            None => Ok(None),
            Some(Ok(bytes)) => Ok(Some(bytes.into())),
            Some(Err(error)) => {
                let answer = FailedRequest::of_error(Class::Unavailable, &error);
                Err(StoreError::new("GetObject", &self.address, &self.store.settings.service, answer))
            }
        }
    }
}
