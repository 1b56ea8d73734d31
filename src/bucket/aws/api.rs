//! A client for JSON APIs other than AWS's, such as a CI service's, over the same TLS stack that the SDK uses.

use std::fmt;

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

use super::connection::plain_connector;
use super::fetch::{FetchError, NoAnswer, SiteAnswer, exchange};
use super::roots::Bundle;

/// Largest answer, in bytes.
const MAX_ANSWER: u64 = 32 << 20;

/// An API at one address, used with a token.
pub struct Api {
    address: String,
    token: String,
    /// Headers of every request, besides the authorization.
    headers: &'static [(&'static str, &'static str)],
    connector: SharedHttpConnector,
}

// The token is never shown.
impl fmt::Debug for Api {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Api").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Api {
    /// The API at `address`; every request carries `token` and `headers`. `None`: no request can carry such a token.
    pub fn new(address: &str, token: &str, headers: &'static [(&'static str, &'static str)]) -> Option<Api> {
        let token = token.trim();
        let can_be_sent = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        can_be_sent.then(|| Api {
            address: address.trim_end_matches('/').to_owned(),
            token: token.to_owned(),
            headers,
            connector: plain_connector(&Bundle::default()),
        })
    }

    /// Sends `body`, if given, to `path`, which begins with a slash. Does not follow redirects: the token is sent nowhere else.
    ///
    /// # Errors
    /// If no answer comes within ten seconds. Nothing is retried.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<SiteAnswer, FetchError> {
        let url = format!("{}{path}", self.address);
        let request = self.request(method, &url, body).ok_or_else(|| FetchError::new(&url, NoAnswer::NotAUrl))?;
        exchange(&self.connector, request, &url, MAX_ANSWER).await
    }

    fn request(&self, method: &str, url: &str, body: Option<&Value>) -> Option<HttpRequest> {
        let mut request = HttpRequest::get(url).ok()?;
        request.set_method(method).ok()?;
        let headers = request.headers_mut();
        headers.insert("authorization", format!("Bearer {}", self.token));
        headers.insert("user-agent", concat!("publish/", env!("CARGO_PKG_VERSION")));
        self.headers.iter().for_each(|(name, value)| drop(headers.insert(*name, *value)));
        if let Some(body) = body {
            headers.insert("content-type", "application/json");
            *request.body_mut() = SdkBody::from(body.to_string());
        }
        Some(request)
    }
}
