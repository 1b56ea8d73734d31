//! What people ask to be forgotten, as each distribution has it.

use std::collections::BTreeMap;

use crate::content::path::{AskedPath, InvalidUrlPath, UrlPath};

use super::Policy;
use super::urls::places;

/// The paths of each distribution in front of the site, by its id; none for one whose origin path does not reach the site.
///
/// # Errors
/// A path is longer than CloudFront takes.
pub fn asked(paths: &[AskedPath], policy: Policy<'_>) -> Result<BTreeMap<String, Vec<UrlPath>>, InvalidUrlPath> {
    let mut covers = BTreeMap::new();
    for (id, known) in policy.distributions {
        let mut cover = Vec::new();
        for root in places(policy.layout, known.view(), "") {
            for path in paths {
                cover.extend(path.below(&root)?);
            }
        }
        cover.sort();
        cover.dedup();
        // What a wildcard names as well need not be paid for.
        let all = cover.clone();
        cover.retain(|path| !all.iter().any(|other| other != path && other.covers(path)));
        covers.insert(id.clone(), cover);
    }
    Ok(covers)
}
