//! Retention: which releases are kept, so that a rollback can restore them and open tabs find their files.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::release::head::Head;
use crate::release::manifest::ReleaseNumber;
use crate::types::clock::Timestamp;

/// How long a claim without a manifest counts as one of a run that is still staging.
pub const CLAIMS_LAST: Duration = Duration::from_secs(24 * 3_600);

const DAY_S: u64 = 24 * 3_600;

/// How long superseded releases stay: for as long as either holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionSettings {
    /// It is one of that many releases that were superseded last.
    pub releases: usize,
    /// It was superseded at most that many days ago.
    pub days: u32,
    /// Whether a publish prunes at its end.
    pub prune: bool,
}

impl Default for RetentionSettings {
    fn default() -> RetentionSettings {
        RetentionSettings { releases: 10, days: 30, prune: false }
    }
}

/// Which of the `complete` releases stay. They come with the moment at which their manifests were written; that and
/// `now` are of S3's clock.
///
/// The active and the previous release stay, and those of an activation that is not finished. Of the others stay the
/// latest and the youngest ones, counted from when they were superseded; from when they were staged, if they were never
/// active.
pub fn retained(
    head: &Head,
    complete: &BTreeMap<ReleaseNumber, Timestamp>,
    settings: RetentionSettings,
    now: Timestamp,
) -> BTreeSet<ReleaseNumber> {
    let mut retained = BTreeSet::new();
    if let Some(active) = &head.active {
        retained.insert(active.release);
        retained.extend(active.previous);
    }
    if let Some(activation) = &head.activation {
        retained.insert(activation.to);
        retained.extend(&activation.candidates);
    }
    // Written by the clock of the run that superseded it, which may be slow: it was not before it was staged.
    let left = |release: ReleaseNumber, staged: Timestamp| {
        head.superseded.get(&release).map_or(staged, |superseded| staged.max(*superseded))
    };
    let active = head.active.as_ref().map(|active| active.release);
    let mut others: Vec<(Timestamp, ReleaseNumber)> = complete
        .iter()
        .filter(|(release, _)| Some(**release) != active)
        .map(|(release, staged)| (left(*release, *staged), *release))
        .collect();
    others.sort_unstable_by(|one, other| other.cmp(one));
    let longest = Duration::from_secs(u64::from(settings.days) * DAY_S);
    for (rank, (left, release)) in others.into_iter().enumerate() {
        if rank < settings.releases || now.since(left) <= longest {
            retained.insert(release);
        }
    }
    retained
}

/// Whether a claim that was written then, and was not followed by a manifest, is one of a run that is dead.
pub fn is_dead(claimed: Timestamp, now: Timestamp) -> bool {
    now.since(claimed) > CLAIMS_LAST
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::release::format::Unknown;
    use crate::release::head::{Activation, Active};
    use crate::release::manifest::{Identity, Publisher, RunId};
    use crate::types::digest::Digest;

    fn head(active: u64, previous: Option<u64>) -> Head {
        let identity = Identity { site: String::new(), bucket: String::new(), prefix: String::new() };
        let active = Active {
            release: ReleaseNumber::new(active),
            content: Digest::of(b""),
            since: day(0),
            previous: previous.map(ReleaseNumber::new),
            unknown: Unknown::default(),
        };
        Head::new(identity, RunId(String::new())).with(|head| head.active = Some(active))
    }

    fn superseded(head: Head, on: &[(u64, i64)]) -> Head {
        head.with(|head| {
            head.superseded = on.iter().map(|(number, at)| (ReleaseNumber::new(*number), day(*at))).collect()
        })
    }

    fn day(day: i64) -> Timestamp {
        Timestamp::from_unix_seconds(day * 86_400)
    }

    fn numbers(numbers: impl IntoIterator<Item = u64>) -> BTreeSet<ReleaseNumber> {
        numbers.into_iter().map(ReleaseNumber::new).collect()
    }

    fn settings(releases: usize, days: u32) -> RetentionSettings {
        RetentionSettings { releases, days, prune: false }
    }

    #[test]
    fn the_days_count_from_when_a_release_was_superseded() {
        // Release 1 was live again until yesterday, long after release 2 had been.
        let head = superseded(head(3, Some(1)), &[(1, 99), (2, 10)]);
        let complete = (1..=3).map(|number| (ReleaseNumber::new(number), day(1))).collect();
        assert_eq!(retained(&head, &complete, settings(1, 0), day(100)), numbers([1, 3]));
        assert_eq!(retained(&head, &complete, settings(1, 89), day(100)), numbers([1, 3]));
        assert_eq!(retained(&head, &complete, settings(1, 90), day(100)), numbers([1, 2, 3]));
        assert_eq!(retained(&head, &complete, settings(2, 0), day(100)), numbers([1, 2, 3]));
    }

    #[test]
    fn a_staged_release_counts_from_when_it_was_staged() {
        let head = head(1, None);
        let complete = BTreeMap::from([(ReleaseNumber::new(1), day(0)), (ReleaseNumber::new(2), day(90))]);
        assert_eq!(retained(&head, &complete, settings(0, 10), day(100)), numbers([1, 2]));
        assert_eq!(retained(&head, &complete, settings(0, 9), day(100)), numbers([1]));
    }

    #[test]
    fn a_slow_clock_shortens_nothing() {
        let head = superseded(head(2, None), &[(1, -9_000)]);
        let complete = BTreeMap::from([(ReleaseNumber::new(1), day(95)), (ReleaseNumber::new(2), day(96))]);
        assert_eq!(retained(&head, &complete, settings(0, 10), day(100)), numbers([1, 2]));
    }

    #[test]
    fn a_claim_is_dead_when_it_is_older_than_a_day() {
        let day_later = |seconds| Timestamp::from_unix_seconds(day(1).unix_seconds() + seconds);
        assert!(!is_dead(day(0), day(0)));
        assert!(!is_dead(day(0), day(1)));
        assert!(is_dead(day(0), day_later(1)));
        assert!(is_dead(day(0), day(9)));
        assert!(!is_dead(day(9), day(0)), "a clock that was wrong says nothing");
    }

    proptest! {
        #[test]
        fn more_is_kept_by_a_longer_retention_and_never_the_active_or_an_unfinished_one_lost(
            staged in prop::collection::btree_map(1_u64..40, 0_i64..100, 1..30),
            left in prop::collection::vec((1_u64..40, 0_i64..100), 0..30),
            active in 1_u64..40,
            previous in 1_u64..40,
            to in 1_u64..40,
            releases in 0_usize..20,
            days in 0_u32..60,
        ) {
            let activation = Activation {
                to: ReleaseNumber::new(to),
                candidates: BTreeSet::new(),
                owner: RunId(String::new()),
                publisher: Publisher::default(),
                since: day(0),
                lease_s: 0,
                unknown: Unknown::default(),
            };
            let head = superseded(head(active, Some(previous)), &left).with(|head| head.activation = Some(activation));
            let complete: BTreeMap<_, _> =
                staged.into_iter().map(|(number, at)| (ReleaseNumber::new(number), day(at))).collect();
            let kept = retained(&head, &complete, settings(releases, days), day(100));
            prop_assert!(kept.is_superset(&numbers([active, previous, to])));
            prop_assert!(retained(&head, &complete, settings(releases + 1, days), day(100)).is_superset(&kept));
            prop_assert!(retained(&head, &complete, settings(releases, days + 1), day(100)).is_superset(&kept));
            let others = complete.keys().filter(|release| u64::from(**release) != active).count();
            prop_assert!(kept.len() >= releases.min(others));
        }
    }
}
