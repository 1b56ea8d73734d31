//! The site as visitors get it from the first distribution.

use std::sync::Arc;

use hyper::{Method, Request};
use s3s::Body;

use super::answer::{self, Answer};
use super::distribution::Distributions;
use super::edge::Edge;

/// The path of the page that shows the caches of the edge. No path of a site has an empty segment.
const EDGE_PAGE: &str = "/_sandbox//";

/// The viewers' endpoint.
pub(super) struct SiteServer {
    distributions: Arc<Distributions>,
    edge: Arc<Edge>,
}

impl SiteServer {
    pub(super) fn new(distributions: Arc<Distributions>, edge: Arc<Edge>) -> SiteServer {
        SiteServer { distributions, edge }
    }

    pub(super) fn answer(&self, request: &Request<Body>) -> Answer {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return answer::s3_error(403, "AccessDenied", "This distribution allows GET and HEAD only.", "");
        }
        let mut answered = match self.distributions.first() {
            _ if request.uri().path() == EDGE_PAGE => self.edge.page(),
            Some(distribution) => self.edge.answer(&distribution, request),
            None => answer::s3_error(404, "NoSuchDistribution", "The sandbox has no distribution.", ""),
        };
        if request.method() == Method::HEAD {
            *answered.body_mut() = Body::empty();
        }
        answered
    }
}
