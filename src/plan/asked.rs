//! The paths of a manual refresh, as each distribution names them.

use std::collections::BTreeMap;

use crate::content::path::{AskedPath, InvalidUrlPath, UrlPath};

use super::Policy;
use super::urls::places;

/// The paths for each distribution of the site, by its id; none for one whose origin path does not reach the site.
///
/// # Errors
/// A path is longer than CloudFront accepts.
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
        // A path that a wildcard covers need not be paid for.
        let all = cover.clone();
        cover.retain(|path| !all.iter().any(|other| other != path && other.covers(path)));
        covers.insert(id.clone(), cover);
    }
    Ok(covers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::head::{Distribution, DistributionFacts, Distributions, Tagging};
    use crate::release::layout::Layout;
    use crate::types::globs::PathGlobs;

    /// The paths for distributions with these origin paths, in their order, for a site below `live/`.
    fn asked_of(origin_paths: &[&str], paths: &[&str]) -> Result<Vec<Vec<String>>, InvalidUrlPath> {
        let behind = |(number, origin_path): (usize, &&str)| {
            let origin_path = (*origin_path).to_owned();
            let facts = DistributionFacts { readable: true, origin_path, ..DistributionFacts::default() };
            (format!("E{number}"), Distribution { facts, ..Distribution::default() })
        };
        let distributions: Distributions = origin_paths.iter().enumerate().map(behind).collect();
        let policy = Policy {
            layout: &Layout::new("shop", "bucket", "live", None, None),
            distributions: &distributions,
            own: None,
            is_unseen: false,
            remove_now: &PathGlobs::new("remove_now", &[]).unwrap(),
            max_paths: 100,
            urls: None,
            tagging: Tagging::NONE,
            straight: true,
        };
        let paths: Vec<AskedPath> = paths.iter().map(|path| path.parse().unwrap()).collect();
        let covers = asked(&paths, policy)?;
        Ok(covers.into_values().map(|cover| cover.iter().map(ToString::to_string).collect()).collect())
    }

    #[test]
    fn each_distribution_is_asked_by_its_own_addresses() {
        let covers = asked_of(&["/live", "", "/other"], &["/about/"]).unwrap();
        assert_eq!(covers, [vec!["/about/"], vec!["/live/about/"], vec![]]);
    }

    #[test]
    fn what_a_wildcard_names_as_well_is_not_asked_twice() {
        let asked = |paths: &[&str]| asked_of(&["/live"], paths).unwrap().remove(0);
        assert_eq!(asked(&["/blog/a", "/blog/*", "/about", "/about"]), ["/about", "/blog/*"]);
        assert_eq!(asked(&["/blog/*", "/*"]), ["/*"]);
        assert_eq!(asked(&["/b", "/a"]), ["/a", "/b"]);
    }

    #[test]
    fn a_path_that_is_too_long_below_the_origin_path_is_refused() {
        let long = format!("/{}", "a".repeat(3_998));
        assert!(asked_of(&["/live"], &[&long]).is_ok());
        assert!(asked_of(&[""], &[&long]).is_err(), "with `/live` before it, it is longer than CloudFront takes");
    }
}
