//! Cache tags from one head to the next: when they count, and what follows once they do not.

use super::activation::ended;
use super::*;

const TAGGED_UNDER: &str = "A";

fn tag(head: &HeadFields) -> CacheTag {
    CacheTag::of_site(&head.identity)
}

/// Every file is live with its tags, and both `E1` and `E2` know by them what they keep.
fn tagged() -> Head {
    head().with(|head| {
        let under = Some(TAGGED_UNDER.to_owned());
        let known =
            Distribution { tagged_under: under, seen: Some(release(3)), facts: reads_tags(), ..Default::default() };
        head.distributions = ["E1", "E2"].map(|id| (id.to_owned(), known.clone())).into();
        head.tagged = true;
    })
}

/// The ETags under which tags count for `E1` and for `E2`.
fn counted(head: &Head) -> [Option<&str>; 2] {
    ["E1", "E2"].map(|id| head.distributions[id].tagged_under.as_deref())
}

fn owe_tag(head: &mut HeadFields, distribution: &str) {
    owe(head, distribution);
    let tag = tag(head);
    let owed = head.pending_refreshes.last_mut().unwrap();
    (owed.paths, owed.tags) = (Vec::new(), vec![tag]);
}

/// `Some` where a program needs to know of tags to write this head.
fn minor_to_write(head: &Head) -> Option<u64> {
    let document: serde_json::Value = serde_json::from_slice(&head.encode().unwrap()).unwrap();
    document["minor"]["write"].as_u64().filter(|write| *write >= 3)
}

#[test]
fn a_head_that_rests_on_tags_is_for_programs_that_write_them() {
    assert_eq!(minor_to_write(&head()), None);
    assert_eq!(minor_to_write(&head().with(|head| owe(head, "E1"))), None, "a refresh of paths");
    assert_eq!(minor_to_write(&head().with(|head| head.tagged = true)), Some(3));
    assert_eq!(minor_to_write(&head().with(|head| owe_tag(head, "E1"))), Some(3));
    let counts = |head: &mut HeadFields| {
        head.distributions.get_mut("E1").unwrap().tagged_under = Some(TAGGED_UNDER.to_owned());
    };
    assert_eq!(minor_to_write(&head().with(counts)), Some(3));
}

#[test]
fn tags_count_under_the_configuration_that_they_were_recorded_with() {
    let (all, none) = (tagged(), tagged().with(|head| head.tagged = false));
    assert!(all.count_under("E1", Some("A")));
    assert!(!all.count_under("E1", Some("B")));
    assert!(!all.count_under("E1", None));
    assert!(!all.count_under("E3", None), "one that nothing is known of");
    assert!(!none.count_under("E1", Some("A")), "some file is live without");
}

#[test]
fn another_configuration_counts_no_tags_and_forgets_everything_in_place_of_those_to_be_sent() {
    let run = RunId("reads".to_owned());
    let facts = reads_tags();
    let owing = tagged().with(|head| {
        owe_tag(head, "E1");
        owe_tag(head, "E2");
        owe_tag(head, "E1");
        head.pending_refreshes[2].invalidations = vec!["I1".to_owned()];
    });
    let read = |learnt: Learnt<'_>| owing.record_facts(&[learnt], lookout(&run));
    let tags_owed = |head: &Head| -> Vec<usize> { head.pending_refreshes.iter().map(|owed| owed.tags.len()).collect() };

    let same = read(tag_reader(&facts, "A", true, true));
    assert_eq!((counted(&same), tags_owed(&same)), ([Some("A"), Some("A")], vec![1, 1, 1]));
    let not_read = read(tag_reader(&facts, "B", false, true));
    assert_eq!((counted(&not_read), tags_owed(&not_read)), ([Some("A"), Some("A")], vec![1, 1, 1]));

    let without = DistributionFacts { readable: true, ..DistributionFacts::default() };
    for learnt in [tag_reader(&facts, "B", true, true), tag_reader(&without, "A", true, true)] {
        let other = read(learnt);
        assert_eq!(counted(&other), [None, Some("A")]);
        assert_eq!(tags_owed(&other), [0, 1, 1], "another distribution's, and what is sent already, stay");
        assert_eq!(other.pending_refreshes[0].paths, [UrlPath::everything()]);
        assert_ne!(other.pending_refreshes[0].id, owing.pending_refreshes[0].id, "it is another request");
    }
}

/// The head of an activation of release 4 by `run`, for which every distribution is to forget everything.
fn begun(head: &Head, run: &RunId, tags: bool, learnt: &[Learnt<'_>]) -> Result<Head, Refusal> {
    super::activation::begun(head, run, tags, learnt, &Covers::new())
}

#[test]
fn tags_count_for_as_long_as_activations_write_them() {
    let run = RunId("activates".to_owned());
    let with = begun(&tagged(), &run, true, &[]).unwrap();
    assert_eq!((with.tagged, counted(&with)), (true, [Some("A"), Some("A")]));
    let without = begun(&tagged(), &run, false, &[]).unwrap();
    assert_eq!((without.tagged, counted(&without)), (false, [None, None]));

    assert_eq!(counted(&ended(&with, &run, true)), [Some("A"), Some("A")]);
    let some_without = ended(&with, &run, false);
    assert_eq!((some_without.tagged, counted(&some_without)), (false, [None, None]));
}

/// Whether to write them was decided by a head that says so.
#[test]
fn an_activation_that_writes_tags_begins_from_a_head_that_wants_them() {
    let run = RunId("activates".to_owned());
    assert_eq!(begun(&head(), &run, true, &[]).unwrap_err(), Refusal::TakenOver);
    assert!(begun(&tagged(), &run, true, &[]).is_ok());
}

#[test]
fn tags_count_again_as_before_once_an_activation_is_withdrawn() {
    let run = RunId("activates".to_owned());
    let withdrawn = |before: &Head, begun: &Head| begun.withdraw_activation(&run, before, &BTreeSet::new()).unwrap();
    let facts = reads_tags();
    let before = tagged().with(|head| head.distributions.get_mut("E1").unwrap().tagged_under = None);
    let began = begun(&before, &run, true, &[tag_reader(&facts, "B", true, true)]).unwrap();
    assert_eq!(counted(&began), [Some("B"), Some("A")]);
    assert_eq!(counted(&withdrawn(&before, &began)), [None, Some("A")], "those that were to count do not");
    let went_on = begun(&tagged(), &run, true, &[]).unwrap();
    assert_eq!(counted(&withdrawn(&tagged(), &went_on)), [Some("A"), Some("A")]);
}

/// It is owed everything because of what is live, and has not seen it.
#[test]
fn a_distribution_that_has_not_seen_what_is_live_has_not_seen_it_after_a_withdrawal_either() {
    let run = RunId("activates".to_owned());
    let before = tagged().with(|head| head.distributions.get_mut("E2").unwrap().seen = Some(release(2)));
    let begun = begun(&before, &run, true, &[]).unwrap();
    let withdrawn = begun.withdraw_activation(&run, &before, &BTreeSet::new()).unwrap();
    let seen = ["E1", "E2"].map(|id| withdrawn.distributions[id].seen);
    assert_eq!(seen, [Some(release(3)), Some(release(2))]);
    assert_eq!(withdrawn.owed_to("E2").count(), 1);
}

/// A tag stands for files whose addresses are not listed: a path does not stand for it, but all paths do.
#[test]
fn a_refresh_with_tags_is_covered_by_the_same_tags_or_by_everything() {
    let owed = head().with(|head| {
        owe_tag(head, "E1");
        head.pending_refreshes[0].paths = vec![UrlPath::encode("/a")];
    });
    let refresh = &owed.pending_refreshes[0];
    let (a, all, tags) = ([UrlPath::encode("/a")], [UrlPath::everything()], [tag(&owed)]);
    let covered = |paths: &[UrlPath], tags: &[CacheTag]| refresh.is_covered_by(Items { paths, tags });
    assert!(covered(&a, &tags));
    assert!(covered(&all, &[]));
    assert!(!covered(&a, &[]));
    assert!(!covered(&[], &tags));
}
