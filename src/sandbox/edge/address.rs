//! Maps a viewer's request to the cache key and to the origin's path.

use crate::sandbox::distribution::{Distribution, IndexPages, Served};
use crate::sandbox::spelling::canonical;

/// One address as a distribution understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address<'d> {
    /// Its behavior. CloudFront chooses it before any function runs.
    pub(super) served: Served<'d>,
    /// Its cache key: the path after any viewer-request function (AWS.md 3.1), with `?` and the query
    /// if that is part of the key. Paths of invalidations are compared with it.
    pub(super) key: String,
    /// The percent-encoded paths that the origin tries, in order.
    pub(super) candidates: Vec<String>,
}

impl<'d> Address<'d> {
    /// `is_there` returns whether the origin has an object at a path.
    pub(super) fn of(
        distribution: &'d Distribution,
        path: &str,
        query: Option<&str>,
        is_there: impl Fn(&str) -> bool,
    ) -> Address<'d> {
        let served = distribution.served(path);
        let candidates = candidates(distribution, served.index_pages, path);
        let seen = match served.index_pages {
            // The root object is not a different address: `/` and `/index.html` must both be invalidated (AWS.md 2.3).
            IndexPages::Function | IndexPages::LambdaAtViewer if path != "/" => {
                let found = candidates.iter().find(|candidate| candidates.len() == 1 || is_there(candidate));
                found.or(candidates.first()).map_or(path, String::as_str)
            }
            _ => path,
        };
        let mut key = canonical(seen);
        if let Some(query) = query.filter(|_| served.caching.query_strings) {
            key.push('?');
            key.push_str(query);
        }
        Address { served, key, candidates }
    }
}

/// The root object first, then the function (AWS.md 2.3). Files without an extension, such as `CNAME`, exist under their own
/// names if no folder has the name: the function of a real distribution must let a site's own files of this kind through.
fn candidates(distribution: &Distribution, index_pages: IndexPages, path: &str) -> Vec<String> {
    let rooted = match &distribution.default_root_object {
        Some(root) if path == "/" => format!("/{root}"),
        // An origin-request function may know that people write a bare plus (docs/decisions/0020).
        _ if index_pages == IndexPages::LambdaAtOrigin => path.replace('+', "%2B"),
        _ => path.to_owned(),
    };
    let last_segment = rooted.rsplit('/').next().unwrap_or_default();
    if index_pages == IndexPages::None || last_segment.contains('.') {
        return vec![rooted];
    }
    if last_segment.is_empty() {
        let own = (path != "/").then(|| rooted.clone());
        return [rooted + "index.html"].into_iter().chain(own).collect();
    }
    let mut candidates = vec![format!("{rooted}/index.html")];
    if index_pages == IndexPages::LambdaAtOrigin {
        candidates.push(format!("{rooted}.html"));
    }
    candidates.push(rooted);
    candidates
}
