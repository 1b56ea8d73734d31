//! An activation from its first head to its last.

use super::*;
use crate::release::counts::FileCounts;

/// The head of an activation of release 4 by `run`, of which nothing is known but what it does about tags and the CDN.
pub(super) fn begun(
    head: &Head,
    run: &RunId,
    tags: bool,
    learnt: &[Learnt<'_>],
    covers: &Covers<'_>,
) -> Result<Head, Refusal> {
    head.begin_activation(ActivationBegins {
        to: release(4),
        by: lookout(run),
        publisher: &Publisher::default(),
        lease_s: 90,
        force: false,
        floor: None,
        suspects: &BTreeSet::new(),
        at_risk: &BTreeSet::new(),
        mutable_paths: &BTreeSet::new(),
        learnt,
        covers,
        tags,
    })
}

/// The head in which it is done.
pub(super) fn ended(head: &Head, run: &RunId, tagged: bool) -> Head {
    let ends = ActivationEnds {
        release: release(4),
        run,
        content: Digest::of(b""),
        now: at(1),
        looked_at: None,
        left: &BTreeMap::new(),
        floor: None,
        publisher: &Publisher::default(),
        reason: None,
        files: FileCounts::default(),
        tagged,
    };
    head.end_activation(ends).unwrap()
}

/// What is owed because of it is not seen before it is settled.
#[test]
fn a_distribution_that_is_owed_nothing_has_seen_what_is_live_once_the_activation_ends() {
    let run = RunId("activates".to_owned());
    let before = head().with(|head| {
        let known = head.distributions["E1"].clone();
        head.distributions.insert("E2".to_owned(), known);
    });
    let about = [UrlPath::encode("/about")];
    let covers = Covers::from([("E1", Items::default()), ("E2", about[..].into())]);
    let ended = ended(&begun(&before, &run, false, &[], &covers).unwrap(), &run, false);
    let seen = ["E1", "E2"].map(|id| (ended.distributions[id].seen, ended.owed_to(id).count()));
    assert_eq!(seen, [(Some(release(4)), 0), (Some(release(3)), 1)]);
}
