//! From what a viewer asks for to the key of the cache, and to where the origin looks.

use crate::sandbox::distribution::Distribution;
use crate::sandbox::spelling::canonical;

/// One address as a distribution understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Under what its answer is kept: the path after any viewer-request function (AWS.md 3.1), with `?` and the query
    /// where that counts. Paths of invalidations are compared with it.
    pub(super) key: String,
    /// The percent-encoded paths at which the origin looks, one after the other.
    pub(super) candidates: Vec<String>,
}

impl Address {
    /// `query` is given only where answers are kept apart by it. `is_there` tells whether the origin has something at a path.
    pub(super) fn of(
        distribution: &Distribution,
        path: &str,
        query: Option<&str>,
        is_there: impl Fn(&str) -> bool,
    ) -> Address {
        let candidates = candidates(distribution, path);
        let is_rewritten = distribution.index_pages && !distribution.rewrites_at_origin;
        let seen = if path == "/" || !is_rewritten {
            // The root object is no other address: `/` and `/index.html` must both be invalidated (AWS.md 2.3).
            path
        } else {
            let found = candidates.iter().find(|candidate| candidates.len() == 1 || is_there(candidate));
            found.or(candidates.first()).map_or(path, String::as_str)
        };
        let mut key = canonical(seen);
        if let Some(query) = query {
            key.push('?');
            key.push_str(query);
        }
        Address { key, candidates }
    }
}

/// The root object first, then the function (AWS.md 2.3). Files without an extension, as `CNAME`, are there under their own
/// names where no folder has the name: a function in front of a real distribution has to let those through that a site has.
fn candidates(distribution: &Distribution, path: &str) -> Vec<String> {
    let rooted = match &distribution.default_root_object {
        Some(root) if path == "/" => format!("/{root}"),
        // A function at the origin may know that people write a plus as it is (docs/decisions/0020).
        _ if distribution.index_pages && distribution.rewrites_at_origin => path.replace('+', "%2B"),
        _ => path.to_owned(),
    };
    let last_segment = rooted.rsplit('/').next().unwrap_or_default();
    if !distribution.index_pages || last_segment.contains('.') {
        return vec![rooted];
    }
    if last_segment.is_empty() {
        let own = (path != "/").then(|| rooted.clone());
        return [rooted + "index.html"].into_iter().chain(own).collect();
    }
    let mut candidates = vec![format!("{rooted}/index.html")];
    if distribution.rewrites_at_origin {
        candidates.push(format!("{rooted}.html"));
    }
    candidates.push(rooted);
    candidates
}
