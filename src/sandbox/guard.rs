//! Which requests are allowed: those with a host name of this machine, and those of pages that this machine served.
//!
//! The sandbox listens on the loopback interface alone, but a browser on this machine reaches it for any page of the web.
//! A page whose host name was made to resolve to this machine (DNS rebinding) sends its own name as `Host`; for a page
//! that sends requests to another origin, the browser sends `Origin`. A page can forge neither.

use hyper::header::{HOST, ORIGIN};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;

/// Allowed values of `Host`, with any port: a forwarded port is as good as the sandbox's own.
const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// The answer to refused requests.
pub(super) const REFUSAL: &str =
    "The sandbox answers only what is asked of 127.0.0.1 or localhost, by programs or by its own pages.";

/// Whether the sandbox accepts this request at all.
pub(super) fn is_welcome(parts: &Parts) -> bool {
    let Some(host) = host(parts) else { return false };
    let is_own = |origin: &str| {
        origin
            .strip_prefix("http://")
            .and_then(|origin| origin.parse::<Authority>().ok())
            .is_some_and(|own| own == host)
    };
    let is_loopback = !host.as_str().contains('@') && NAMES.iter().any(|name| name.eq_ignore_ascii_case(host.host()));
    is_loopback && parts.headers.get_all(ORIGIN).iter().all(|origin| origin.to_str().is_ok_and(is_own))
}

/// The host of a request, if it has exactly one.
fn host(parts: &Parts) -> Option<Authority> {
    let mut named = parts.headers.get_all(HOST).iter();
    let host: Authority = named.next()?.to_str().ok()?.parse().ok()?;
    // A request in absolute form has a host of its own, which must be the same.
    let is_the_only = named.next().is_none() && parts.uri.authority().is_none_or(|other| *other == host);
    is_the_only.then_some(host)
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn is_welcome_with(uri: &str, headers: &[(&str, &str)]) -> bool {
        let request = headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        is_welcome(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn this_machine_is_welcome_under_its_own_names() {
        for host in ["127.0.0.1:4580", "localhost:4580", "LOCALHOST:1", "localhost", "[::1]:4580"] {
            assert!(is_welcome_with("/", &[("host", host)]), "{host}");
            assert!(is_welcome_with("/", &[("host", host), ("origin", &format!("http://{host}"))]), "{host}");
        }
        assert!(is_welcome_with("http://127.0.0.1:4580/a", &[("host", "127.0.0.1:4580")]));
    }

    #[test]
    fn no_other_host_is_welcome() {
        for host in [
            "",
            "evil.example",
            "evil.example:4580",
            "127.0.0.1.evil.example:4580",
            "localhost.evil.example",
            "evil.localhost",
            "127.0.0.2:4580",
            "0.0.0.0:4580",
            "192.168.1.4:4580",
            "evil@127.0.0.1:4580",
            "127.0.0.1, evil.example",
        ] {
            assert!(!is_welcome_with("/", &[("host", host)]), "{host:?}");
        }
        assert!(!is_welcome_with("/", &[]));
        assert!(!is_welcome_with("/", &[("host", "127.0.0.1"), ("host", "evil.example")]));
        assert!(!is_welcome_with("/", &[("host", "evil.example"), ("host", "127.0.0.1")]));
        assert!(!is_welcome_with("http://evil.example/", &[("host", "127.0.0.1:4580")]));
        assert!(!is_welcome_with("http://127.0.0.1:4580/", &[("host", "evil.example")]));
    }

    #[test]
    fn no_other_origin_is_welcome() {
        for origin in [
            "http://evil.example",
            "https://127.0.0.1:4580",
            "http://127.0.0.1:3000",
            "http://localhost:4580",
            "http://127.0.0.1:4580.evil.example",
            "null",
            "",
        ] {
            let asked = [("host", "127.0.0.1:4580"), ("origin", origin)];
            assert!(!is_welcome_with("/", &asked), "{origin:?}");
            let twice = [("host", "127.0.0.1:4580"), ("origin", "http://127.0.0.1:4580"), ("origin", origin)];
            assert!(!is_welcome_with("/", &twice), "{origin:?}");
        }
    }
}
