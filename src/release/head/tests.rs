//! The questions that a head answers.

mod activation;
mod limits;
mod tags;

use super::*;
use crate::release::cache_tags::CacheTag;
use crate::release::format::MINOR;
use crate::release::manifest::{Entry, Kept, Publisher};
use crate::types::headers::{Headers, Kind};

type Change = fn(&mut HeadFields);

fn release(number: u64) -> ReleaseNumber {
    ReleaseNumber::new(number)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

fn path(path: &str) -> SitePath {
    SitePath::new(path).unwrap()
}

fn active(number: u64) -> Option<Active> {
    let (content, since) = (Digest::of(b""), at(0));
    Some(Active { release: release(number), content, since, previous: None, unknown: Unknown::default() })
}

fn activation(to: u64, candidates: &[u64]) -> Option<Activation> {
    Some(Activation {
        to: release(to),
        candidates: candidates.iter().copied().map(release).collect(),
        owner: RunId("run".to_owned()),
        publisher: Publisher::default(),
        since: at(0),
        lease_s: 90,
        unknown: Unknown::default(),
    })
}

fn owe(head: &mut HeadFields, distribution: &str) {
    let paths = vec![UrlPath::everything()];
    let id = format!("{distribution}-{}", head.pending_refreshes.len());
    let (distribution, release) = (distribution.to_owned(), release(3));
    let unknown = Unknown::default();
    head.pending_refreshes.push(Refresh {
        id,
        distribution,
        release,
        since: at(0),
        paths,
        tags: Vec::new(),
        invalidations: Vec::new(),
        unknown,
    });
}

/// As a newer program owes it.
fn owe_more(head: &mut HeadFields, distribution: &str) {
    owe(head, distribution);
    let refresh = head.pending_refreshes.last_mut().unwrap();
    refresh.unknown.keep(&["until".to_owned()], serde_json::json!(1));
}

/// Release 3 is active, after 1 and 2, and the distribution `E1` has seen it.
fn head() -> Head {
    let identity = Identity { site: "shop".to_owned(), bucket: "b".to_owned(), prefix: String::new() };
    Head::new(identity, RunId("run".to_owned())).with(|head| {
        head.active = active(3);
        head.highest_activated = release(3);
        head.history = vec![item(1, None), item(2, Some(1)), item(3, Some(2))];
        head.distributions.insert("E1".to_owned(), Distribution { seen: Some(release(3)), ..Default::default() });
    })
}

fn item(to: u64, from: Option<u64>) -> HistoryItem {
    let (release, from, publisher) = (release(to), from.map(release), Publisher::default());
    HistoryItem { release, from, at: at(0), publisher, reason: None, files: None, unknown: Unknown::default() }
}

/// Whether all is done, as far as this program can do it, and as far as a run with `E1` and one without any answers for it.
#[test]
fn a_head_is_settled_when_nothing_is_under_way_and_nothing_owed() {
    let cases: [(&str, Change, [bool; 3]); 9] = [
        ("nothing else", |_| {}, [true, true, true]),
        ("an activation", |head| head.activation = activation(4, &[]), [false, false, false]),
        (
            "a prune",
            |head| {
                let (owner, closes) = (RunId("run".to_owned()), BTreeSet::new());
                let unknown = Unknown::default();
                head.pruning = Some(Pruning { owner, since: at(0), lease_s: 90, closes, unknown });
            },
            [false, false, false],
        ),
        ("E1 is owed", |head| owe(head, "E1"), [false, false, true]),
        ("E1 is owed what a newer program does", |head| owe_more(head, "E1"), [true, true, true]),
        (
            "E1 is owed both",
            |head| {
                owe_more(head, "E1");
                owe(head, "E1");
            },
            [false, false, true],
        ),
        ("another one is owed", |head| owe(head, "E2"), [false, true, true]),
        ("E1 was not told", |head| head.distributions.values_mut().for_each(|it| it.seen = None), [true, false, true]),
        ("E1 is new", |head| head.distributions.clear(), [true, false, true]),
    ];
    for (what, change, expected) in cases {
        let head = head().with(change);
        let settled = [head.is_settled(), head.is_settled_for(["E1"]), head.is_settled_for([])];
        assert_eq!(settled, expected, "{what}");
    }
}

#[test]
fn a_head_of_a_newer_program_is_only_to_read_from_the_first_minor_that_is_not_known() {
    for (write, expected) in [(0, false), (MINOR, false), (MINOR + 1, true)] {
        let head = head().with(|head| head.needs = Minors { read: 0, write });
        assert_eq!(head.is_only_to_read(), expected, "{write}");
    }
}

#[test]
fn a_repair_is_an_activation_of_the_active_release_and_of_nothing_else() {
    let cases: [(&str, Change, bool); 5] = [
        ("no activation", |_| {}, false),
        ("of the active release", |head| head.activation = activation(3, &[]), true),
        ("of another one", |head| head.activation = activation(4, &[]), false),
        ("with what was cut short before", |head| head.activation = activation(3, &[4]), false),
        ("where nothing is active", |head| (head.active, head.activation) = (None, activation(3, &[])), false),
    ];
    for (what, change, expected) in cases {
        assert_eq!(head().with(change).is_being_repaired(), expected, "{what}");
    }
}

#[test]
fn suspects_are_due_when_nothing_that_was_signed_can_still_arrive() {
    let suspects = |until, name| {
        let run = RunId("run".to_owned());
        Suspects::new(run, at(until), BTreeSet::from([path(name)]))
    };
    let head = head().with(|head| head.suspects = vec![suspects(100, "a.html"), suspects(200, "b.html")]);
    let due = |now: Option<i64>| {
        let due = head.due_suspects(now.map(at));
        due.iter().map(|path| path.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert!(due(None).is_empty(), "without S3's clock nothing is");
    assert!(due(Some(99)).is_empty());
    assert_eq!(due(Some(100)), ["a.html"]);
    assert_eq!(due(Some(300)), ["a.html", "b.html"]);
}

fn entry(bytes: &str) -> Entry {
    let headers = Headers::of_a_page();
    let (digest, size_bytes, kind) = (Digest::of(bytes.as_bytes()), bytes.len() as u64, Kind::Mutable);
    Entry { digest, size_bytes, headers, kind, kept: Kept::Blob, crc64: None, md5: None }
}

#[test]
fn what_was_taken_out_of_every_release_is_out_with_those_bytes_and_at_that_path_alone() {
    let (sha256, publisher) = (BTreeSet::from([Digest::of(b"secret")]), Publisher::default());
    let withdrawn = Withdrawn { sha256, since: at(0), publisher, unknown: Unknown::default() };
    let head = head().with(|head| drop(head.withdrawn.insert(path("a.html"), withdrawn)));
    let files = [("a.html", "secret"), ("b.html", "secret")].map(|(name, bytes)| (path(name), entry(bytes)));
    let kept = head.without_withdrawn(Files::from(files));
    assert_eq!(kept, Files::from([(path("b.html"), entry("secret"))]));
    let mended = Files::from([(path("a.html"), entry("mended"))]);
    assert_eq!(head.without_withdrawn(mended.clone()), mended);
    for (name, bytes, expected) in
        [("a.html", "secret", true), ("a.html", "mended", false), ("b.html", "secret", false)]
    {
        assert_eq!(head.is_withdrawn(&path(name), &Digest::of(bytes.as_bytes())), expected, "{name} {bytes}");
    }
}

#[test]
fn only_the_newest_release_becomes_active_by_itself() {
    for (number, floor, newest) in [(2, 0, false), (3, 0, false), (4, 0, true), (4, 4, false), (5, 4, true)] {
        let head = head().with(|head| head.floor = release(floor));
        assert_eq!(head.is_newest(release(number)), newest, "{number}, up to {floor} are closed");
        assert_eq!(head.may_activate(release(number), false), newest || number == 3, "{number}");
        assert!(head.may_activate(release(number), true), "{number} is meant");
    }
}

#[test]
fn a_release_made_active_below_the_highest_or_more_than_once_was_gone_back_to() {
    let cases: [(&str, u64, Vec<HistoryItem>, bool); 6] = [
        ("the newest", 3, vec![item(2, Some(1)), item(3, Some(2))], false),
        ("one below", 2, vec![item(2, Some(1)), item(3, Some(2)), item(2, Some(3))], true),
        ("one below, long ago", 2, Vec::new(), true),
        ("the newest again", 3, vec![item(3, Some(2)), item(2, Some(3)), item(3, Some(2))], true),
        ("the newest, long ago", 3, Vec::new(), false),
        (
            "what another run began was undone, twice",
            3,
            vec![item(3, Some(2)), item(3, Some(3)), item(3, Some(3))],
            false,
        ),
    ];
    for (what, number, history, expected) in cases {
        let head = head().with(|head| (head.active, head.history) = (active(number), history));
        assert_eq!(head.is_back(release(number)), expected, "{what}");
    }
}

/// It was tried on the first day, by a clock that may have been ahead.
#[test]
fn what_a_store_was_seen_to_do_counts_for_thirty_days() {
    const DAY: i64 = 24 * 60 * 60;
    let store = ProvenStore::new(Digest::of(b"https://store.example"), at(0));
    for (now, expected) in [
        (0, true),
        (1, true),
        (30 * DAY - 1, true),
        (30 * DAY, false),
        (31 * DAY, false),
        (-1, true),
        (1 - DAY, true),
        (-DAY, false),
        (-2 * DAY, false),
    ] {
        assert_eq!(store.holds_at(at(now)), expected, "{now}");
    }
}

fn lookout(run: &RunId) -> Lookout<'_> {
    Lookout { run, now: at(0), read_at: None, age: std::time::Duration::ZERO }
}

/// What a person asks for is owed to the distributions that are known, and once: for the same release, and in the same words.
#[test]
fn what_is_asked_for_is_owed_once() {
    let run = RunId("asks".to_owned());
    let (about, all) = ([UrlPath::encode("about")], [UrlPath::everything()]);
    let ask = |head: &Head, distribution: &str, paths: &[UrlPath]| {
        head.owe_asked(&[(distribution, paths.into())].into_iter().collect(), lookout(&run)).unwrap()
    };
    let owed = |head: &Head| -> Vec<Vec<String>> {
        let texts = |refresh: &Refresh| refresh.paths.iter().map(ToString::to_string).collect();
        head.pending_refreshes.iter().map(texts).collect()
    };
    let once = ask(&head(), "E1", &about);
    assert_eq!(owed(&once), [["/about"]]);
    assert_eq!(ask(&once, "E1", &about), once, "the same again");
    assert_eq!(ask(&head(), "E2", &about), head(), "that one is not known");
    assert_eq!(ask(&head(), "E1", &[]), head(), "nothing is asked");
    assert_eq!(owed(&ask(&once, "E1", &all)), [["/*"]], "the narrower one is covered");
    let next = once.with(|head| head.active = active(4));
    let again = ask(&next, "E1", &about);
    assert_eq!(again.pending_refreshes.last().unwrap().release, release(4), "another release is live since");
    let sent = ask(&head(), "E1", &about).with(|head| head.pending_refreshes[0].invalidations = vec!["I1".to_owned()]);
    assert_ne!(ask(&sent, "E1", &about), sent, "what was sent may be over");
}

#[test]
fn resuming_lifts_a_hold() {
    let hold = Hold::new(Publisher::default(), at(1), None);
    let held = head().held(hold.clone());
    assert_eq!(held.hold, Some(hold));
    assert_eq!(held.resumed(), Some(head()));
    assert_eq!(head().resumed(), None);
}

#[test]
fn numbers_that_are_closed_stay_so() {
    let closed = |head: &Head, up_to: Option<u64>| head.close_up_to(up_to.map(release));
    let five = closed(&head(), Some(5));
    assert_eq!(five.floor, release(5));
    assert_eq!(closed(&five, Some(4)).floor, release(5));
    assert_eq!(closed(&five, None).floor, release(5));
    assert_eq!(closed(&five, Some(6)).floor, release(6));
}

#[test]
fn of_a_single_distribution_no_more_is_said_than_format_1_says() {
    let run = RunId("reads".to_owned());
    let facts = DistributionFacts { readable: true, ..DistributionFacts::default() };
    let learnt =
        [Learnt { distribution: "E1", facts: &facts, config_etag: Some("\"1\""), is_new: true, is_deployed: false }];
    let etag = |head: &Head| head.distributions["E1"].config_etag.clone();
    let alone = head().record_facts(&learnt, lookout(&run));
    assert_eq!(etag(&alone), None, "it has seen what is live");
    let two = head().with(|head| {
        head.distributions.insert("E2".to_owned(), Distribution::default());
    });
    assert_eq!(etag(&two.record_facts(&learnt, lookout(&run))).as_deref(), Some("\"1\""));
}

/// What a newer program says more of is neither sent by this one nor asked about.
#[test]
fn only_what_is_understood_and_sent_waits_for_cloudfront() {
    let number_sent = |sent: bool, more: bool| {
        let head = head().with(|head| {
            if more {
                owe_more(head, "E1")
            } else {
                owe(head, "E1")
            }
            if sent {
                head.pending_refreshes[0].invalidations = vec!["I1".to_owned()];
            }
        });
        (head.sent_refreshes().count(), head.refreshes_to_send().count())
    };
    assert_eq!(number_sent(true, false), (1, 0));
    assert_eq!(number_sent(false, false), (0, 1));
    assert_eq!(number_sent(true, true), (0, 0));
    assert_eq!(number_sent(false, true), (0, 0));
}

/// A distribution that reads cache tags, as a run found it: the ETag, whether it was read just now, and whether it is deployed.
fn tag_reader<'l>(facts: &'l DistributionFacts, etag: &'l str, is_new: bool, is_deployed: bool) -> Learnt<'l> {
    Learnt { distribution: "E1", facts, config_etag: Some(etag), is_new, is_deployed }
}

fn reads_tags() -> DistributionFacts {
    let caching = Caching { has_tags: true, ..Caching::USUAL };
    DistributionFacts { readable: true, caching, ..DistributionFacts::default() }
}

#[test]
fn tags_count_only_where_nothing_may_be_without_them() {
    let facts = reads_tags();
    let tagged = head().with(|head| {
        let known = Distribution { tagged_under: Some("A".to_owned()), facts: facts.clone(), ..Default::default() };
        head.distributions.insert("E1".to_owned(), known);
        head.tagged = true;
    });
    let uses = |head: &Head, learnt: Learnt<'_>| head.tagging(&[learnt]).uses.get("E1").copied();
    assert_eq!(uses(&tagged, tag_reader(&facts, "A", true, false)), Some(TagUse::Counts));
    assert_eq!(uses(&tagged, tag_reader(&facts, "A", false, false)), None, "not read by this run");
    assert_eq!(uses(&tagged, tag_reader(&facts, "B", true, false)), None, "another one, not deployed");
    assert_eq!(uses(&tagged, tag_reader(&facts, "B", true, true)), Some(TagUse::Begins));
    let other = DistributionFacts { readable: true, ..DistributionFacts::default() };
    assert_eq!(
        tagged.tagging(&[tag_reader(&other, "A", true, true)]),
        Tagging::default(),
        "no distribution reads them"
    );
    assert!(tagged.tagging(&[]).writes && tagged.tagging(&[]).uses.is_empty(), "another one does");
    let learnt = || tag_reader(&facts, "A", true, true);
    let suspects = Suspects::new(RunId("dead".to_owned()), at(0), [path("a.html")].into());
    for unclean in [
        tagged.clone().with(|head| head.suspects.push(suspects.clone())),
        tagged.clone().with(|head| head.activation = activation(4, &[])),
    ] {
        assert_eq!((uses(&unclean, learnt()), unclean.tagging(&[learnt()]).writes), (None, true));
        let untagged = unclean.with(|head| head.tagged = false);
        assert_eq!(untagged.tagging(&[learnt()]), Tagging::default(), "they do not begin there either");
    }
    let untagged = tagged.with(|head| head.tagged = false);
    let begins = untagged.tagging(&[learnt()]);
    assert_eq!((begins.writes, begins.begins, begins.uses.len()), (true, true, 0), "all get theirs first");
    let first = untagged.with(|head| head.active = None).tagging(&[learnt()]);
    assert_eq!((first.writes, first.begins, first.uses["E1"]), (true, true, TagUse::Begins));
}

/// The names that it found to be reused are live as they were; what others found stays. The numbers that it closed are not
/// closed.
#[test]
fn a_withdrawn_activation_takes_back_what_it_said_of_names() {
    let before = head().with(|head| {
        head.mutable_paths = [path("a.js")].into();
        head.floor = release(2);
    });
    let begun = before.clone().with(|head| {
        head.activation = activation(4, &[]);
        head.floor = release(9);
        head.mutable_paths = ["a.js", "b.js", "c.js"].map(path).into();
    });
    let found = ["a.js", "b.js"].map(path).into();
    let withdrawn = begun.withdraw_activation(&RunId("run".to_owned()), &before, &found).unwrap();
    assert_eq!(withdrawn.mutable_paths, ["a.js", "c.js"].map(path).into());
    assert_eq!((&withdrawn.activation, &withdrawn.active), (&None, &before.active));
    assert_eq!(withdrawn.floor, release(2));
}

#[test]
fn only_its_owner_makes_a_lease_longer() {
    let lasting =
        |head: &Head| (head.activation.as_ref().map(|one| one.lease_s), head.pruning.as_ref().map(|one| one.lease_s));
    let activating = head().with(|head| head.activation = activation(4, &[]));
    let (run, other) = (RunId("run".to_owned()), RunId("other".to_owned()));
    assert_eq!(lasting(&activating.renew_lease(&run, 185).unwrap()), (Some(185), None));
    assert_eq!(activating.renew_lease(&other, 185), Err(Refusal::TakenOver));
    assert_eq!(head().renew_lease(&run, 185), Err(Refusal::TakenOver));
    let pruning = |owner: &RunId| Pruning {
        owner: owner.clone(),
        since: at(0),
        lease_s: 90,
        closes: BTreeSet::new(),
        unknown: Unknown::default(),
    };
    let prunes = head().with(|head| head.pruning = Some(pruning(&run)));
    assert_eq!(lasting(&prunes.renew_lease(&run, 185).unwrap()), (None, Some(185)));
    let both = activating.with(|head| head.pruning = Some(pruning(&other)));
    assert_eq!(lasting(&both.renew_lease(&run, 185).unwrap()), (Some(185), Some(90)));
}

/// What CloudFront has completed and the site does not show is asked for as a whole.
#[test]
fn tags_that_did_not_do_are_not_asked_for_again() {
    let head = head().with(|head| {
        owe(head, "E1");
        let tag = CacheTag::of_site(&head.identity);
        (head.pending_refreshes[0].paths, head.pending_refreshes[0].tags) = (vec![UrlPath::encode("/a")], vec![tag]);
        let known = Distribution { tagged_under: Some("A".to_owned()), ..Default::default() };
        head.distributions.insert("E1".to_owned(), known);
    });
    let id = head.pending_refreshes[0].id.clone();
    let renamed = head.rename_refreshes(&[(id, "again".to_owned())]);
    let refresh = &renamed.pending_refreshes[0];
    assert_eq!((refresh.paths.as_slice(), refresh.tags.len()), (&[UrlPath::everything()][..], 0));
    assert_eq!(renamed.distributions["E1"].tagged_under, None);
}
