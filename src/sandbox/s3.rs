//! The S3 API: `s3s` implements the protocol, the modules below this one implement the operations.

mod careless;
mod copy;
mod headers;
mod intake;
mod listing;
mod multipart;
mod objects;
mod payload;

use std::sync::Arc;

use hyper::Request;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::dto::*;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpResponse, S3, S3Request, S3Response, S3Result, s3_error};

use super::answer::{self, Answer};
use super::keys::Keys;
use super::plus;
use super::signature;
use super::store::Store;

pub(super) use careless::PassedOver;

/// The S3 endpoint.
pub(super) struct S3Server {
    service: S3Service,
    store: Arc<Store>,
    region: String,
}

/// The operations.
struct Api {
    store: Arc<Store>,
    region: String,
}

/// Compares the account that a request expects with the owner of all buckets.
struct Access {
    owner: String,
}

/// Has the one key pair.
struct Auth(Keys);

impl S3Server {
    pub(super) fn new(store: Arc<Store>, keys: Keys, region: String, owner: String) -> S3Server {
        let mut config = S3Config::default();
        // `signature` checks the age of signatures instead, by the sandbox's clock.
        config.presigned_url_max_skew_time_secs = u32::MAX;
        let mut builder = S3ServiceBuilder::new(Api { store: Arc::clone(&store), region: region.clone() });
        builder.set_auth(Auth(keys));
        builder.set_access(Access { owner });
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        S3Server { service: builder.build(), store, region }
    }

    pub(super) async fn answer(&self, operation: &str, mut request: Request<Body>) -> Answer {
        *request.uri_mut() = plus::respell(request.uri());
        if let Some(refusal) = self.refuse_scope(&request) {
            return refusal;
        }
        let request = match payload::prepare(operation, request).await {
            Ok(request) => request,
            Err(error) => {
                return error.to_http_response().unwrap_or_else(|_| answer::internal_error());
            }
        };
        match self.service.call(request).await {
            Ok(response) => response,
            Err(_) => answer::internal_error(),
        }
    }

    /// S3's checks before the signature: the region and the age.
    fn refuse_scope(&self, request: &Request<Body>) -> Option<HttpResponse> {
        let scope = signature::Scope::of(request.headers())?;
        if scope.region != self.region {
            let message = format!(
                "The authorization header is malformed; the region '{}' is wrong; expecting '{}'",
                scope.region, self.region
            );
            let extra = format!("<Region>{}</Region>", self.region);
            return Some(answer::s3_error(400, "AuthorizationHeaderMalformed", &message, &extra));
        }
        if !signature::is_timely(request.headers(), &self.store.clock) {
            let message = "The difference between the request time and the current time is too large.";
            return Some(answer::s3_error(403, "RequestTimeTooSkewed", message, ""));
        }
        None
    }
}

#[async_trait::async_trait]
impl S3Auth for Auth {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.0.access_key_id {
            return Ok(SecretKey::from(self.0.secret_access_key.as_str()));
        }
        Err(s3_error!(InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records."))
    }
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let owners = ["x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"];
        let other_owner = owners
            .iter()
            .filter_map(|name| context.headers().get(*name))
            .any(|expected| expected.as_bytes() != self.owner.as_bytes());
        if context.credentials().is_none() || other_owner {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        Ok(())
    }
}

/// One line for each operation: `s3s` needs them in one block.
#[async_trait::async_trait]
impl S3 for Api {
    async fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        let constraint =
            request.input.create_bucket_configuration.and_then(|configuration| configuration.location_constraint);
        let region = constraint.map_or_else(|| "us-east-1".to_owned(), |region| region.as_str().to_owned());
        if region != self.region {
            return Err(s3_error!(
                IllegalLocationConstraintException,
                "The {region} location constraint is incompatible for the region specific endpoint this request was sent to."
            ));
        }
        self.store.create_bucket(&request.input.bucket)?;
        Ok(S3Response::new(CreateBucketOutput { location: Some(format!("/{}", request.input.bucket)) }))
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.store.require_bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: Some(self.region.clone()),
            ..HeadBucketOutput::default()
        }))
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.store.require_bucket(&request.input.bucket)?;
        // us-east-1 has no location constraint.
        let region = (self.region != "us-east-1").then(|| self.region.clone());
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint: region.map(BucketLocationConstraint::from) }))
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        objects::put(&self.store, careless::put(request)).await
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        objects::get(&self.store, request.input)
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        objects::head(&self.store, request.input)
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        objects::delete(&self.store, request.input)
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        objects::delete_many(&self.store, request.input)
    }

    async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        copy::copy(&self.store, careless::copy(request))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        listing::objects(&self.store, request.input)
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        multipart::create(&self.store, request)
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        multipart::upload_part(&self.store, request).await
    }

    async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        copy::copy_part(&self.store, request)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        multipart::complete(&self.store, request.input)
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        multipart::abort(&self.store, request.input)
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        listing::parts(&self.store, request.input)
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        listing::uploads(&self.store, request.input)
    }
}
