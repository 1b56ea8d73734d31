//! AWS's XML errors, which no library builds for us.

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use s3s::Body;

pub(super) type Answer = Response<Body>;

/// S3's error document; `extra` is further XML within it.
pub(super) fn s3_error(status: u16, code: &str, message: &str, extra: &str) -> Answer {
    xml(status, s3_error_text(code, message, extra))
}

/// The body of such an answer.
pub(super) fn s3_error_text(code: &str, message: &str, extra: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>{extra}</Error>",
        escape(code),
        escape(message)
    )
}

/// CloudFront's error document.
pub(super) fn cloudfront_error(status: u16, code: &str, message: &str) -> Answer {
    let kind = if status < 500 { "Sender" } else { "Receiver" };
    let body = format!(
        "<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Error>\
         <Type>{kind}</Type><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>",
        escape(code),
        escape(message)
    );
    xml(status, body)
}

pub(super) fn internal_error() -> Answer {
    s3_error(500, "InternalError", "We encountered an internal error. Please try again.", "")
}

pub(super) fn xml(status: u16, body: String) -> Answer {
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    answer
}

/// Text escaped for use between XML tags.
pub(super) fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
