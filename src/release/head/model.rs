//! The transitions under several runs at once: compare-and-swap, two kinds of clocks, leases that run out, processes that stop
//! and come back, and answers that get lost. After every write of the head, the invariants of docs/architecture.md that a
//! head can show are compared with what the model knows.

mod invariants;
mod scenarios;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use self::invariants::{Ledger, Means};
use super::*;
use crate::release::counts::FileCounts;
use crate::release::manifest::{Entry, Kept, Publisher};
use crate::types::headers::{Headers, Kind};

const LEASE_S: u64 = 90;
const RUNS: usize = 3;
const DISTRIBUTIONS: [&str; 3] = ["E1", "E2", "E3"];
const FILES: [&str; 4] = ["a.html", "b.html", "c.html", "d.html"];

/// What becomes of a write.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Answered,
    /// It takes effect, but the answer is lost.
    AnswerLost,
    /// It never arrives, and there is no answer.
    RequestLost,
}

/// One thing that a run does, or that happens.
#[derive(Clone, Debug)]
enum Step {
    Passes {
        seconds: i64,
    },
    Looks {
        run: usize,
    },
    /// The process ends where it is, and another one, with another id, takes its place.
    Dies {
        run: usize,
    },
    /// Who waits for an answer that does not come reads back.
    ReadsBack {
        run: usize,
    },
    Writes {
        run: usize,
        what: What,
        fate: Fate,
    },
}

/// What a run writes. The activation of release 0 is that of the active one.
#[derive(Clone, Debug)]
enum What {
    BeginsActivation {
        to: u8,
        newest: bool,
        force: bool,
        closes_all: bool,
        learns: u8,
        paths: u8,
        files: u8,
        tags: bool,
    },
    Renews {
        longer: bool,
    },
    EndsActivation {
        left: u8,
        looked: bool,
    },
    GivesUp {
        under_way: u8,
    },
    Withdraws,
    BeginsPrune {
        closes: u8,
        files: u8,
        withdraws: u8,
        learns: u8,
        paths: u8,
    },
    EndsPrune {
        gone: u8,
        refused: bool,
    },
    LetsGo {
        finished: bool,
        files: u8,
    },
    Sends {
        which: u8,
    },
    Settles {
        which: u8,
    },
    Renames {
        which: u8,
    },
    Asks {
        paths: u8,
    },
    Holds,
    Resumes,
    Records {
        learns: u8,
    },
    Forgets {
        which: u8,
    },
    ClearsSuspects,
    Suspects {
        files: u8,
    },
    Adopts,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![6 => Just(Fate::Answered), 1 => Just(Fate::AnswerLost), 1 => Just(Fate::RequestLost)]
}

fn what() -> impl Strategy<Value = What> {
    let any_u8 = any::<u8>;
    let release = prop_oneof![1 => Just(0_u8), 5 => 1..12_u8];
    prop_oneof![
        6 => (release, any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.2), any_u8(), any_u8(), any_u8(),
            prop::bool::weighted(0.7))
            .prop_map(|(to, newest, force, closes_all, learns, paths, files, tags)| {
                What::BeginsActivation { to, newest, force, closes_all, learns, paths, files, tags }
            }),
        3 => any::<bool>().prop_map(|longer| What::Renews { longer }),
        5 => (any_u8(), any::<bool>()).prop_map(|(left, looked)| What::EndsActivation { left, looked }),
        2 => any_u8().prop_map(|under_way| What::GivesUp { under_way }),
        2 => Just(What::Withdraws),
        3 => (any_u8(), any_u8(), any_u8(), any_u8(), any_u8()).prop_map(|(closes, files, withdraws, learns, paths)| {
            What::BeginsPrune { closes, files, withdraws, learns, paths }
        }),
        3 => (any_u8(), any::<bool>()).prop_map(|(gone, refused)| What::EndsPrune { gone, refused }),
        1 => (any::<bool>(), any_u8()).prop_map(|(finished, files)| What::LetsGo { finished, files }),
        3 => any_u8().prop_map(|which| What::Sends { which }),
        2 => any_u8().prop_map(|which| What::Settles { which }),
        1 => any_u8().prop_map(|which| What::Renames { which }),
        1 => any_u8().prop_map(|paths| What::Asks { paths }),
        1 => Just(What::Holds),
        1 => Just(What::Resumes),
        2 => any_u8().prop_map(|learns| What::Records { learns }),
        1 => any_u8().prop_map(|which| What::Forgets { which }),
        1 => Just(What::ClearsSuspects),
        1 => any_u8().prop_map(|files| What::Suspects { files }),
        1 => Just(What::Adopts),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop_oneof![0..3_i64, 20..120_i64, 900..1_100_i64].prop_map(|seconds| Step::Passes { seconds }),
        6 => (0..RUNS).prop_map(|run| Step::Looks { run }),
        1 => (0..RUNS).prop_map(|run| Step::Dies { run }),
        2 => (0..RUNS).prop_map(|run| Step::ReadsBack { run }),
        14 => (0..RUNS, what(), fate()).prop_map(|(run, what, fate)| Step::Writes { run, what, fate }),
    ]
}

/// The head as a run knows it.
#[derive(Clone)]
struct Seen {
    head: Head,
    etag: u64,
    read_at: Option<Timestamp>,
    age: Duration,
}

struct Run {
    id: RunId,
    /// How far the clock of its machine is off.
    skew_s: i64,
    seen: Option<Seen>,
    /// A write of which it does not know whether it took effect.
    unsure: Option<Head>,
}

/// The bucket, and those who write to it.
struct Model {
    now_s: i64,
    stored: Option<Head>,
    etag: u64,
    written_s: i64,
    runs: Vec<Run>,
    born: u32,
    ledger: Ledger,
}

fn identity() -> Identity {
    Identity { site: "shop".to_owned(), bucket: "b".to_owned(), prefix: String::new() }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_767_323_045 + seconds)
}

/// The files whose bits are set.
fn files(bits: u8) -> BTreeSet<SitePath> {
    let chosen = FILES.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
    chosen.map(|(_, name)| SitePath::new(*name).unwrap()).collect()
}

/// A cover for them: now and then everything, or nothing.
fn paths(bits: u8) -> Vec<UrlPath> {
    match bits {
        0..16 => vec![UrlPath::everything()],
        16..32 => Vec::new(),
        _ => files(bits | 1).iter().map(|path| UrlPath::encode(&format!("/{path}"))).collect(),
    }
}

/// Covers for some of the distributions that there may be.
fn covers(bits: u8) -> BTreeMap<String, Vec<UrlPath>> {
    let cover = |(number, id): (usize, &&str)| ((*id).to_owned(), paths(bits.rotate_left(number as u32 * 3)));
    let named = DISTRIBUTIONS.iter().enumerate().filter(|(number, _)| bits & (2 << number) != 0);
    named.map(cover).collect()
}

/// What a run may read of one of them; of another one, if bits say so, as another run reads it.
fn learnt(bits: u8) -> Option<Distribution> {
    let errors_s = if bits & 64 != 0 { 300 } else { ERRORS_LAST_S };
    let caching = Caching { errors_s, has_tags: bits & 128 != 0, ..Caching::USUAL };
    let facts = DistributionFacts { readable: bits & 4 != 0, caching, ..DistributionFacts::default() };
    let config_etag = (bits & 8 != 0).then(|| format!("E{}CONFIG", bits & 1));
    (bits & 3 != 0).then(|| Distribution { facts, config_etag, ..Distribution::default() })
}

/// Which one it is.
fn named(bits: u8) -> &'static str {
    DISTRIBUTIONS[usize::from(bits >> 4) % DISTRIBUTIONS.len()]
}

fn as_learnt(bits: u8, read: Option<&Distribution>) -> Option<Learnt<'_>> {
    let Distribution { facts, config_etag, .. } = read?;
    let (is_new, is_deployed) = (bits & 4 != 0, bits & 2 != 0);
    Some(Learnt { distribution: named(bits), facts, config_etag: config_etag.as_deref(), is_new, is_deployed })
}

fn borrowed(covers: &BTreeMap<String, Vec<UrlPath>>) -> Covers<'_> {
    covers.iter().map(|(id, paths)| (id.as_str(), paths.as_slice().into())).collect()
}

fn numbers(bits: u8) -> BTreeSet<ReleaseNumber> {
    (0..8).filter(|bit| bits & (1 << bit) != 0).map(|bit| ReleaseNumber::new(bit + 1)).collect()
}

fn page() -> Entry {
    let headers = Headers::of_a_page();
    let (kind, kept) = (Kind::Mutable, Kept::Blob);
    Entry { digest: Digest::of(b"page"), size_bytes: 4, headers, kind, kept, crc64: None, md5: None }
}

impl Model {
    fn new() -> Model {
        let mut model = Model {
            now_s: 0,
            stored: None,
            etag: 0,
            written_s: 0,
            runs: Vec::new(),
            born: 0,
            ledger: Ledger::default(),
        };
        model.runs = (0..RUNS).map(|_| model.born()).collect();
        model
    }

    fn born(&mut self) -> Run {
        self.born += 1;
        let skew_s = [0, -7_200, 5_400][self.born as usize % 3];
        Run { id: RunId(format!("run{}", self.born)), skew_s, seen: None, unsure: None }
    }

    fn look(&self) -> Seen {
        match &self.stored {
            None => {
                let head = Head::new(identity(), RunId("nobody".to_owned()));
                Seen { head, etag: 0, read_at: None, age: Duration::ZERO }
            }
            Some(head) => {
                let age = Duration::from_secs((self.now_s - self.written_s).unsigned_abs());
                Seen { head: head.clone(), etag: self.etag, read_at: Some(at(self.now_s)), age }
            }
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Passes { seconds } => self.now_s += seconds,
            Step::Dies { run } => self.runs[*run] = self.born(),
            Step::Looks { run } if self.runs[*run].unsure.is_none() => self.runs[*run].seen = Some(self.look()),
            Step::ReadsBack { run } => self.read_back(*run),
            Step::Writes { run, what, fate } if self.runs[*run].unsure.is_none() => self.write(*run, what, *fate),
            Step::Looks { .. } | Step::Writes { .. } => {}
        }
    }

    /// A write was this run's if the head is what it wrote, in every field.
    fn read_back(&mut self, run: usize) {
        let Some(written) = self.runs[run].unsure.take() else { return };
        let found = self.look();
        if found.head == written {
            assert!(self.ledger.took_effect(&written), "a write that never arrived is taken for done");
        }
        self.runs[run].seen = Some(found);
    }

    fn write(&mut self, run: usize, what: &What, fate: Fate) {
        let Some(seen) = self.runs[run].seen.clone() else { return };
        let id = self.runs[run].id.clone();
        let now = at(self.now_s + self.runs[run].skew_s);
        let by = Lookout { run: &id, now, read_at: seen.read_at, age: seen.age };
        let Some((next, means)) = self.next(&seen, what, by) else { return };
        let next = next.written_after(&seen.head, &id);
        if seen.etag == self.etag && fate != Fate::RequestLost {
            let before = seen.head.clone();
            let idle_s = (self.stored.is_some()).then_some(self.now_s - self.written_s);
            self.ledger.check(&before, &next, &means, &id, idle_s);
            let stored = Head::decode(&next.encode().unwrap()).unwrap();
            assert_eq!(stored, next, "a head is read as it was written");
            (self.stored, self.etag, self.written_s) = (Some(next.clone()), self.etag + 1, self.now_s);
        }
        self.runs[run].seen = match fate {
            // Written, or refused and told what is there: as `State::replace_head` does.
            Fate::Answered if self.stored.as_ref() == Some(&next) => {
                Some(Seen { head: next, etag: self.etag, age: Duration::ZERO, read_at: seen.read_at })
            }
            Fate::Answered => Some(self.look()),
            Fate::AnswerLost | Fate::RequestLost => {
                self.runs[run].unsure = Some(next);
                None
            }
        };
    }

    /// What a run makes of the head it knows, and what it means by it; `None`: it is told why not.
    fn next(&self, seen: &Seen, what: &What, by: Lookout<'_>) -> Option<(Head, Means)> {
        let head = &seen.head;
        let publisher = &Publisher::default();
        let nothing = Means::Nothing;
        match what {
            What::BeginsActivation { .. } => begun_activation(head, what, by),
            What::Renews { longer } => {
                let lease_s = if *longer { 2 * LEASE_S } else { LEASE_S };
                head.renew_lease(by.run, lease_s).ok().map(|next| (next, Means::Renews { lease_s }))
            }
            What::EndsActivation { left, looked } => {
                let activation = head.activation.as_ref()?;
                let left = files(*left);
                let looked_at = looked.then_some(seen.read_at).flatten();
                let next = head.end_activation(ActivationEnds {
                    release: activation.to,
                    run: by.run,
                    content: Digest::of(&[u64::from(activation.to) as u8]),
                    now: by.now,
                    looked_at,
                    left: &left.iter().map(|path| (path.clone(), Some(page()))).collect(),
                    floor: None,
                    publisher,
                    reason: None,
                    files: FileCounts::default(),
                    tagged: self.ledger.writes_tags(by.run),
                });
                next.ok().map(|next| (next, Means::Ends { left, looked_at }))
            }
            What::GivesUp { under_way } => {
                let paths = files(*under_way);
                let until = by.signatures_end();
                let suspects = Suspects::new(by.run.clone(), until, paths);
                let given_up = head
                    .give_up_activation(by.run, Some(&suspects))
                    .or_else(|_| head.give_up_prune(by.run, Some(&suspects)));
                given_up.ok().map(|next| (next, Means::GivesUp))
            }
            What::Withdraws => {
                let before = self.ledger.before_activation_of(head, by.run)?;
                let next = head.withdraw_activation(by.run, &before, &BTreeSet::new()).ok()?;
                Some((next, Means::Withdraws { before: Box::new(before) }))
            }
            What::BeginsPrune { .. } => begun_prune(head, what, by),
            What::EndsPrune { gone, refused } => {
                let gone = files(*gone);
                let closes = head.pruning.as_ref()?.closes.clone();
                let (finished, incomplete) =
                    if *refused { (BTreeSet::new(), closes) } else { (closes, BTreeSet::new()) };
                let ends = PruneEnds { gone: &gone, finished: &finished, incomplete: &incomplete };
                let next = head.end_prune(by.run, ends).ok()?;
                Some((next, Means::EndsPrune { gone, finished, incomplete }))
            }
            What::LetsGo { finished, files: gone } => {
                let finished = if *finished { head.closed_releases() } else { BTreeSet::new() };
                let at_risk = files(*gone);
                let next = head.let_go_of_prune(head.pruning.as_ref(), &finished, &at_risk, by).ok()?;
                Some((next, Means::LetsGo { finished, at_risk }))
            }
            What::Sends { .. } | What::Settles { .. } | What::Renames { .. } => about_refreshes(head, what, by),
            What::Holds => {
                let hold = Hold::new(publisher.clone(), by.now, None);
                Some((head.held(hold), nothing))
            }
            What::Resumes => head.resumed().map(|next| (next, Means::Resumes)),
            What::Records { .. } | What::Forgets { .. } | What::Asks { .. } => about_distributions(head, what, by),
            What::ClearsSuspects => Some((head.clear_suspects(seen.read_at), Means::Looked(seen.read_at))),
            What::Suspects { files: bits } => {
                let until = by.signatures_end();
                let suspects = Suspects::new(by.run.clone(), until, files(*bits));
                Some((head.add_suspects(suspects), nothing))
            }
            What::Adopts => {
                let adoption = Adoption { release: ReleaseNumber::ADOPTED, content: Digest::of(b""), by, publisher };
                head.adopt(adoption).ok().map(|next| (next, Means::Adopts))
            }
        }
    }
}

/// Some of the refreshes that are owed.
fn chosen(head: &Head, which: u8) -> Vec<String> {
    let owed = head.pending_refreshes.iter().enumerate();
    owed.filter(|(index, _)| which & (1 << (index % 8)) != 0).map(|(_, refresh)| refresh.id.clone()).collect()
}

/// The head in which some refreshes are sent, settled, or asked for anew.
fn about_refreshes(head: &Head, what: &What, by: Lookout<'_>) -> Option<(Head, Means)> {
    match what {
        What::Sends { which } => {
            let ids = chosen(head, *which);
            let sent: Vec<_> = ids.iter().map(|id| (id.clone(), vec![invalidation(id)])).collect();
            Some((head.note_sent(&sent), Means::Sends(ids)))
        }
        What::Settles { which } => {
            let ids = chosen(head, *which);
            Some((head.settle_refreshes(&ids), Means::Settles(ids)))
        }
        What::Renames { which } => {
            let new = |id: &String| (id.clone(), format!("{}-{}-r-{id}", by.run, head.revision + 1));
            let ids: Vec<_> = chosen(head, *which).iter().map(new).collect();
            Some((head.rename_refreshes(&ids), Means::Renames(ids)))
        }
        _ => None,
    }
}

/// What CloudFront calls the invalidation of a refresh: the same for every run that asks for it.
fn invalidation(id: &str) -> String {
    format!("I-{id}")
}

/// The head in which something was learnt of a distribution, or all of it is forgotten, or some of them owe what was asked for.
fn about_distributions(head: &Head, what: &What, by: Lookout<'_>) -> Option<(Head, Means)> {
    match what {
        What::Records { learns } => {
            let read = learnt(*learns);
            let next = head.record_facts(as_learnt(*learns, read.as_ref()).as_slice(), by);
            let learnt = read.map(|_| named(*learns));
            let floor = head.activation.is_none().then(|| ReleaseNumber::new(2));
            Some((next.close_up_to(floor), Means::Records { learnt }))
        }
        What::Forgets { which } => {
            let id = named(*which);
            Some((head.forget_distribution(id)?, Means::Forgets(id)))
        }
        What::Asks { paths } => {
            let covers = covers(*paths);
            let next = head.owe_asked(&borrowed(&covers), by).ok()?;
            Some((next, Means::Asks { covers }))
        }
        _ => None,
    }
}

/// The head that says that an activation is under way.
fn begun_activation(head: &Head, what: &What, by: Lookout<'_>) -> Option<(Head, Means)> {
    let What::BeginsActivation { to, newest, force, closes_all, learns, paths: cover, files: changed, tags } = what
    else {
        return None;
    };
    let publisher = &Publisher::default();
    let active = head.active.as_ref().map(|active| active.release).filter(|_| *to == 0);
    let to = match newest {
        true => head.highest_activated.max(head.floor).next().unwrap(),
        false => active.unwrap_or(ReleaseNumber::new(u64::from((*to).max(1)))),
    };
    let (suspects, at_risk) = (files(*changed), files(changed >> 4));
    let floor = closes_all.then(|| ReleaseNumber::new(u64::from(changed % 12)));
    let (covers, read) = (covers(*cover), learnt(*learns));
    // What a run writes without tags, although it might, is for older objects that it knows to be lost.
    let tags = *tags && head.tagging(as_learnt(*learns, read.as_ref()).as_slice()).writes;
    let next = head.begin_activation(ActivationBegins {
        to,
        by,
        publisher,
        lease_s: LEASE_S,
        force: *force,
        floor,
        suspects: &suspects,
        at_risk: &at_risk,
        mutable_paths: &files(changed >> 6),
        learnt: as_learnt(*learns, read.as_ref()).as_slice(),
        covers: &borrowed(&covers),
        tags,
    });
    let learnt = read.map(|_| named(*learns));
    let means = Means::Begins { to, forced: *force, learnt, covers, suspects, at_risk, tags };
    next.ok().map(|next| (next, means))
}

/// The head that says that a prune is under way.
fn begun_prune(head: &Head, what: &What, by: Lookout<'_>) -> Option<(Head, Means)> {
    let What::BeginsPrune { closes, files: gone, withdraws, learns, paths: cover } = what else { return None };
    let publisher = &Publisher::default();
    // A prune spares what is live or about to be.
    let mut closes = numbers(*closes);
    let needed = head.activation.iter().flat_map(|one| one.candidates.iter().chain([&one.to]));
    let needed: BTreeSet<_> = needed.copied().chain(head.active.iter().map(|one| one.release)).collect();
    closes.retain(|release| !needed.contains(release));
    let (at_risk, covers, read) = (files(*gone), covers(*cover), learnt(*learns));
    let digests = BTreeSet::from([Digest::of(&[*withdraws])]);
    let withdraws = files(*withdraws).into_iter().map(|path| (path, digests.clone())).collect();
    let next = head.begin_prune(PruneBegins {
        by,
        publisher,
        lease_s: LEASE_S,
        closes: &closes,
        at_risk: &at_risk,
        withdraws: &withdraws,
        content: None,
        learnt: as_learnt(*learns, read.as_ref()).as_slice(),
        covers: &borrowed(&covers),
    });
    let learnt = read.map(|_| named(*learns));
    next.ok().map(|next| (next, Means::BeginsPrune { closes, learnt, covers, at_risk }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_write_keeps_what_must_hold(steps in proptest::collection::vec(step(), 1..80)) {
        let mut model = Model::new();
        for step in &steps {
            model.take(step);
        }
    }
}

/// More activations than are remembered, one after the other.
#[test]
fn the_oldest_activations_are_forgotten() {
    let mut model = Model::new();
    let begin = What::BeginsActivation {
        to: 1,
        newest: true,
        force: false,
        closes_all: false,
        learns: 1,
        paths: 0,
        files: 0,
        tags: false,
    };
    for _ in 0..=MAX_HISTORY {
        for what in [begin.clone(), What::EndsActivation { left: 0, looked: true }] {
            model.take(&Step::Looks { run: 0 });
            model.take(&Step::Writes { run: 0, what, fate: Fate::Answered });
        }
    }
    let history = &model.stored.unwrap().into_fields().history;
    assert_eq!((history.len(), history[0].release), (MAX_HISTORY, ReleaseNumber::new(2)));
}
