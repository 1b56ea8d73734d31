//! The entries of the request log.

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

/// One request as it arrived, even if it was refused, dropped or never answered.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// The server it reached.
    pub service: Service,
    /// AWS's name of the operation (`PutObject`, `CreateInvalidation`), `Other` for those that the sandbox does not model; the
    /// method for the site.
    pub operation: String,
    /// Its bucket; empty if it has none.
    pub bucket: String,
    /// The decoded key (S3), the distribution's id (CloudFront) or the decoded path (site); empty if there is none.
    pub key: String,
    /// `GET`, `PUT`, ….
    pub method: String,
    /// The query as it was sent, without `?`.
    pub query: String,
    /// Headers by lower-case name; `authorization` is left out, several values are joined with `, `.
    pub headers: BTreeMap<String, String>,
    /// Declared payload length in bytes, without the framing of `aws-chunked`.
    pub body_bytes: u64,
    /// The answer's status; `None` until there is one, or forever if none was sent.
    pub status: Option<u16>,
    /// Its position among the arrivals and answers of all requests.
    pub began: u64,
    /// Its answer's position among them, just before it is sent; `None` as for `status`.
    pub ended: Option<u64>,
}

/// The longest chain of round trips: the largest number of requests of which each arrived after the one before it was
/// answered. A client waited for this many round trips, whatever else it did meanwhile.
///
/// The number is never too low: a request that follows from an answer arrives after that. It is too high if
/// independent requests did not overlap, for example because answers come at once.
#[must_use]
pub fn longest_chain<'r>(requests: impl IntoIterator<Item = &'r LoggedRequest>) -> Vec<&'r LoggedRequest> {
    let mut by_end: Vec<&LoggedRequest> = requests.into_iter().collect();
    // Of all possible next requests, the one that is answered first leaves the most room for others.
    by_end.sort_by_key(|request| request.ended.unwrap_or(u64::MAX));
    let mut chain: Vec<&LoggedRequest> = Vec::new();
    for request in by_end {
        let follows = |last: &&LoggedRequest| last.ended.is_some_and(|ended| ended < request.began);
        if chain.last().is_none_or(follows) {
            chain.push(request);
        }
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::operation::describe;

    /// Requests with these positions of arrival and answer; `None` is one that was never answered.
    fn log(places: &[(u64, Option<u64>)]) -> Vec<LoggedRequest> {
        let (parts, ()) = hyper::Request::new(()).into_parts();
        let request = |&(began, ended)| LoggedRequest { began, ended, ..describe(Service::S3, &parts) };
        places.iter().map(request).collect()
    }

    fn chain(places: &[(u64, Option<u64>)]) -> Vec<u64> {
        longest_chain(&log(places)).into_iter().map(|request| request.began).collect()
    }

    #[test]
    fn a_chain_is_of_requests_that_came_after_an_answer() {
        assert_eq!(chain(&[]), [0; 0]);
        assert_eq!(chain(&[(1, Some(2)), (3, Some(4)), (5, Some(6))]), [1, 3, 5], "one after the other");
        assert_eq!(chain(&[(1, Some(4)), (2, Some(5)), (3, Some(6))]), [1], "at once");
        assert_eq!(chain(&[(1, Some(6)), (2, Some(3)), (4, Some(5))]), [2, 4], "two beside a long one");
        assert_eq!(chain(&[(1, Some(2)), (3, None), (4, Some(5)), (6, None)]), [1, 4, 6], "what has no answer ends it");
    }

    /// Compared with the length of the longest path, computed in another way, for all small logs of three requests.
    #[test]
    fn no_chain_is_longer() {
        fn longest_from(log: &[LoggedRequest], last: Option<&LoggedRequest>) -> usize {
            let follows =
                |next: &&LoggedRequest| last.is_none_or(|last| last.ended.is_some_and(|end| end < next.began));
            log.iter().filter(follows).map(|next| 1 + longest_from(log, Some(next))).max().unwrap_or(0)
        }
        let places: Vec<(u64, Option<u64>)> =
            (0..5).flat_map(|began| (began + 1..6).map(move |ended| (began, Some(ended)))).collect();
        for first in &places {
            for second in &places {
                for third in &places {
                    let log = log(&[*first, *second, *third]);
                    assert_eq!(longest_chain(&log).len(), longest_from(&log, None), "{first:?} {second:?} {third:?}");
                }
            }
        }
    }
}
