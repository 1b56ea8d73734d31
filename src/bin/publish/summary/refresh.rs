//! What a refresh of the CDN came to, or would come to, in words.

use indicatif::DecimalBytes;
use publish::config::environment::Environment;
use publish::plan::PlannedRefresh;
use publish::report::{InvalidationReport, InvalidationStatus, OtherDistribution};
use publish::types::text::{asked, count, printable};

/// What came of the refresh at the environment's first distribution, or is to.
pub(super) fn own(invalidation: Option<&InvalidationReport>, environment: &Environment) -> String {
    let Some(invalidation) = invalidation else {
        return match &environment.distribution {
            Some(_) => "nothing to refresh".to_owned(),
            None => "not configured".to_owned(),
        };
    };
    let paths = asked(&invalidation.paths);
    let done = match invalidation.status {
        InvalidationStatus::Planned => paths,
        InvalidationStatus::Requested => format!("refresh of {paths} requested, not waited for"),
        InvalidationStatus::Effective if !invalidation.completed => {
            let edge = invalidation
                .edge
                .as_ref()
                .map_or_else(|| "one edge".to_owned(), |edge| format!("edge {}", printable(edge)));
            format!("{paths} refreshed, seen at {edge}; CloudFront has not completed yet")
        }
        InvalidationStatus::Effective => format!("{paths} refreshed and checked at the site's URLs"),
        InvalidationStatus::Completed => format!("{paths} refreshed"),
        InvalidationStatus::Owed => format!("{paths} not refreshed yet; run `publish` to retry"),
    };
    let InvalidationReport { paths_paid, price_usd, evicted_unchanged, evicted_bytes, because, .. } = invalidation;
    let cost = Cost { paid: *paths_paid, price_usd, evicted: (*evicted_unchanged, *evicted_bytes), because };
    format!("{done}{}", cost.in_words(environment))
}

/// What came of a refresh at another distribution.
pub(super) fn elsewhere(other: &OtherDistribution, environment: &Environment) -> String {
    let paths = asked(&other.paths);
    let done = match other.status {
        InvalidationStatus::Owed => format!("{paths} not refreshed yet; a publish with access retries"),
        InvalidationStatus::Completed => format!("{paths} refreshed"),
        _ => format!("refresh of {paths} requested, not waited for"),
    };
    let OtherDistribution { paths_paid, price_usd, evicted_unchanged, evicted_bytes, because, .. } = other;
    let cost = Cost { paid: *paths_paid, price_usd, evicted: (*evicted_unchanged, *evicted_bytes), because };
    format!("distribution {}: {done}{}", printable(&other.distribution), cost.in_words(environment))
}

/// What would be refreshed at another distribution.
pub(super) fn planned_elsewhere(other: &PlannedRefresh, environment: &Environment) -> String {
    let PlannedRefresh { distribution, paths, price_usd, evicted_unchanged, evicted_bytes, because } = other;
    let cost = Cost { paid: paths.len(), price_usd, evicted: (*evicted_unchanged, *evicted_bytes), because };
    format!("distribution {}: {}{}", printable(distribution), asked(paths), cost.in_words(environment))
}

/// What a refresh costs, and why it may be as much.
struct Cost<'r> {
    paid: usize,
    price_usd: &'r str,
    /// Unchanged files, and their bytes.
    evicted: (usize, u64),
    because: &'r Option<String>,
}

impl Cost<'_> {
    /// ` ($0.04, or free)`: the account's first 1,000 paths of a month are, and how many of those are left is not known.
    /// Nothing for the sandbox, which costs nothing. Then what goes along, and why.
    fn in_words(&self, environment: &Environment) -> String {
        let is_sandbox = environment.access.static_keys.is_some();
        let price = match self.paid {
            _ if is_sandbox => String::new(),
            0 => String::new(),
            _ => format!(" (${}, or free)", self.price_usd.strip_suffix('0').unwrap_or(self.price_usd)),
        };
        let evicted = match self.evicted {
            (0, _) => String::new(),
            (files, bytes) => format!("; also evicts {} ({})", count(files, "unchanged file"), DecimalBytes(bytes)),
        };
        let because =
            self.because.as_ref().map_or_else(String::new, |because| format!("; all, because {}", printable(because)));
        format!("{price}{evicted}{because}")
    }
}

#[cfg(test)]
mod tests {
    use publish::release::manifest::ReleaseNumber;

    use super::super::tests::{environment, published};
    use super::*;

    #[test]
    fn what_a_refresh_costs_and_takes_along_is_said() {
        let said = |status, paths_paid, evicted_unchanged| {
            let price_usd = publish::report::price_usd(paths_paid);
            let invalidation = published().invalidation.unwrap();
            let paths = vec!["/".to_owned(); 9];
            let evicted_bytes = 1_200_000;
            own(
                Some(&InvalidationReport {
                    status,
                    paths,
                    paths_paid,
                    price_usd,
                    evicted_unchanged,
                    evicted_bytes,
                    ..invalidation
                }),
                &environment(),
            )
        };
        let evicting = said(InvalidationStatus::Planned, 9, 1);
        assert_eq!(evicting, "9 paths ($0.045, or free); also evicts 1 unchanged file (1.20 MB)");
        assert_eq!(said(InvalidationStatus::Completed, 300, 0), "9 paths refreshed ($1.50, or free)");
        let seen = |edge: Option<&str>| {
            let edge = edge.map(str::to_owned);
            let invalidation = InvalidationReport { completed: false, edge, ..published().invalidation.unwrap() };
            own(Some(&invalidation), &environment())
        };
        let expected = "2 paths refreshed, seen at edge FRA56-P4; CloudFront has not completed yet ($0.01, or free)";
        assert_eq!(seen(Some("FRA56-P4")), expected);
        assert!(seen(None).starts_with("2 paths refreshed, seen at one edge; CloudFront has not"), "{}", seen(None));
        assert_eq!(said(InvalidationStatus::Owed, 0, 0), "9 paths not refreshed yet; run `publish` to retry");
        let because = Some("404.html changed".to_owned());
        let all = InvalidationReport { because, evicted_unchanged: 0, ..published().invalidation.unwrap() };
        assert!(own(Some(&all), &environment()).ends_with("($0.01, or free); all, because 404.html changed"));
    }

    /// Each distribution's own paths, tags and price.
    #[test]
    fn what_other_distributions_are_asked_is_said() {
        let planned = PlannedRefresh {
            distribution: "E456DEF".to_owned(),
            paths: vec!["#publish-0123456789abcdef".to_owned(), "/live/a".to_owned()],
            price_usd: "0.010".to_owned(),
            evicted_unchanged: 1,
            evicted_bytes: 1_200_000,
            because: None,
        };
        let expected =
            "distribution E456DEF: 1 cache tag and 1 path ($0.01, or free); also evicts 1 unchanged file (1.20 MB)";
        assert_eq!(planned_elsewhere(&planned, &environment()), expected);
        let said = |status, paths_paid| {
            let PlannedRefresh { distribution, paths, price_usd, .. } = planned.clone();
            let (release, ids) = (ReleaseNumber::new(8), Vec::new());
            let other = OtherDistribution {
                distribution,
                release,
                status,
                ids,
                paths,
                paths_paid,
                price_usd,
                evicted_unchanged: 0,
                evicted_bytes: 0,
                because: None,
            };
            elsewhere(&other, &environment())
        };
        let done = said(InvalidationStatus::Completed, 2);
        assert_eq!(done, "distribution E456DEF: 1 cache tag and 1 path refreshed ($0.01, or free)");
        let owed = said(InvalidationStatus::Owed, 0);
        assert_eq!(
            owed,
            "distribution E456DEF: 1 cache tag and 1 path not refreshed yet; a publish with access retries"
        );
    }
}
