//! What the request log holds.

use std::collections::BTreeMap;

/// Which of the sandbox's three servers a request reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// The S3 API.
    S3,
    /// The CloudFront API.
    CloudFront,
    /// The site, as visitors get it.
    Site,
}

/// One request as it arrived, also when it was refused, dropped or never answered.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// The server it reached.
    pub service: Service,
    /// AWS's name of the operation (`PutObject`, `CreateInvalidation`), `Other` for what the sandbox does not model; the
    /// method for the site.
    pub operation: String,
    /// The bucket it names; empty where it names none.
    pub bucket: String,
    /// The decoded key (S3), the distribution's id (CloudFront) or the decoded path (site); empty where there is none.
    pub key: String,
    /// `GET`, `PUT`, ….
    pub method: String,
    /// The query as it was sent, without `?`.
    pub query: String,
    /// Headers by lower-case name; `authorization` is left out, several values are joined with `, `.
    pub headers: BTreeMap<String, String>,
    /// Declared payload length in bytes, without the framing of `aws-chunked`.
    pub body_bytes: u64,
    /// The answer's status; `None` while there is none, and for ever where none was sent.
    pub status: Option<u16>,
}
