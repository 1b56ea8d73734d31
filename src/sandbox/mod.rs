//! The embedded stand-in for S3 and CloudFront.
