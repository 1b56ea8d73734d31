//! `publish` puts a built site on S3 behind CloudFront.

#[cfg(feature = "sandbox")]
pub mod sandbox;
