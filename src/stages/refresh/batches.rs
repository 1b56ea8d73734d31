//! How a refresh is sent: in batches that are always formed in the same way, no faster than CloudFront accepts them.

use std::collections::VecDeque;
use std::time::Duration;

use crate::content::path::UrlPath;
use crate::release::head::Items;
use crate::types::digest::Digest;

/// Most exact paths and tags in one batch: CloudFront accepts 150 paths a second (AWS.md 1.2); whether one request may have more
/// is unknown.
const MOST_PATHS: usize = 100;

/// How many paths CloudFront accepts in a second, including wildcards (AWS.md 1.2).
const PATHS_PER_SECOND: usize = 150;

/// How many of them may be wildcards (AWS.md 1.2).
const WILDCARDS_PER_SECOND: usize = 1;

const SECOND: Duration = Duration::from_secs(1);

/// How many digits of a batch's digest its reference contains: 96 bits.
const DIGEST_DIGITS: usize = 24;

/// The content of one invalidation: paths, and tags as `#tag`, sorted, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    items: Vec<String>,
    wildcards: usize,
    is_raw: bool,
}

impl Batch {
    fn of(items: Vec<String>) -> Batch {
        Batch { items, wildcards: 0, is_raw: false }
    }

    fn wildcard(path: &UrlPath) -> Batch {
        Batch { wildcards: 1, ..Batch::of(vec![path.to_string()]) }
    }

    /// Everything.
    pub(super) fn everything() -> Batch {
        Batch::wildcard(&UrlPath::everything())
    }

    /// Its paths and tags.
    pub(super) fn items(&self) -> &[String] {
        &self.items
    }

    /// Whether it holds only spellings that CloudFront may refuse.
    pub(super) fn is_raw(&self) -> bool {
        self.is_raw
    }

    /// Its caller reference. The same refresh with the same paths is the same invalidation, whichever run requests it; with
    /// other paths it is a different one (AWS.md 1.5).
    pub(super) fn reference(&self, refresh: &str) -> String {
        let digest = Digest::of(self.items.join("\n").as_bytes()).to_string();
        format!("publish-{refresh}-{}", &digest[..DIGEST_DIGITS])
    }
}

/// The batches of a refresh: its tags and exact paths in order, as many as a batch may hold, then each wildcard alone.
/// Spellings that CloudFront may refuse are in separate batches at the end, so that no other path is refused with them.
pub(super) fn batches(items: Items<'_>) -> Vec<Batch> {
    let mut sorted = items.paths.to_vec();
    sorted.sort();
    sorted.dedup();
    let mut tags: Vec<String> = items.tags.iter().map(ToString::to_string).collect();
    tags.sort();
    tags.dedup();
    let (raw, others): (Vec<UrlPath>, Vec<UrlPath>) = sorted.into_iter().partition(UrlPath::is_raw);
    let raw = within_limits(Vec::new(), &raw).into_iter().map(|batch| Batch { is_raw: true, ..batch });
    within_limits(tags, &others).into_iter().chain(raw).collect()
}

fn within_limits(tags: Vec<String>, paths: &[UrlPath]) -> Vec<Batch> {
    let (wide, exact): (Vec<&UrlPath>, Vec<&UrlPath>) = paths.iter().partition(|path| path.is_wildcard());
    let exact: Vec<String> = tags.into_iter().chain(exact.into_iter().map(ToString::to_string)).collect();
    let exact = exact.chunks(MOST_PATHS).map(|items| Batch::of(items.to_vec()));
    exact.chain(wide.into_iter().map(Batch::wildcard)).collect()
}

/// When the next batch may be sent: in no second more than CloudFront accepts in one, for all distributions together. Times
/// are of one monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// What was sent in the second before the last turn: the time, and the number of paths and wildcards.
    sent: VecDeque<(Duration, usize, usize)>,
}

impl Turns {
    /// How long a batch must wait at `now`; it then counts as sent.
    pub(super) fn wait(&mut self, batch: &Batch, now: Duration) -> Duration {
        let (paths, wildcards) = (batch.items.len(), batch.wildcards);
        let mut turn = now;
        while let Some((sent, ..)) = self.sent.front() {
            let fits = self.sent.iter().map(|(_, paths, _)| paths).sum::<usize>() + paths <= PATHS_PER_SECOND
                && self.sent.iter().map(|(.., wildcards)| wildcards).sum::<usize>() + wildcards <= WILDCARDS_PER_SECOND;
            let over = *sent + SECOND;
            if over > turn && fits {
                break;
            }
            turn = turn.max(over);
            self.sent.pop_front();
        }
        self.sent.push_back((turn, paths, wildcards));
        turn - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::cache_tags::CacheTag;
    use crate::release::manifest::Identity;
    use proptest::prelude::*;

    fn path(text: &str) -> UrlPath {
        UrlPath::try_from(text.to_owned()).unwrap()
    }

    fn shown(batches: &[Batch]) -> Vec<Vec<&str>> {
        batches.iter().map(|batch| batch.items().iter().map(String::as_str).collect()).collect()
    }

    #[test]
    fn exact_paths_are_together_and_wildcards_and_raw_spellings_apart() {
        let paths = ["/z", "/b/*", "/[a]", "/%5Ba%5D", "/a*", "/[b]/*", "/c+", "/d^", "/z"].map(path);
        let expected: [&[&str]; 5] = [&["/%5Ba%5D", "/c+", "/z"], &["/a*"], &["/b/*"], &["/[a]", "/d^"], &["/[b]/*"]];
        assert_eq!(shown(&batches(paths[..].into())), expected);
        assert_eq!(batches(Items::default()), []);
        let many: Vec<UrlPath> = (0..201).map(|number| UrlPath::encode(&format!("{number}.html"))).collect();
        assert_eq!(batches(many[..].into()).iter().map(|batch| batch.items().len()).collect::<Vec<_>>(), [100, 100, 1]);
    }

    #[test]
    fn tags_are_asked_for_with_exact_paths() {
        let site = Identity { site: "shop".to_owned(), bucket: "b".to_owned(), prefix: String::new() };
        let tags = [CacheTag::of_site(&site), CacheTag::of_folder(&site, "blog")];
        let paths = ["/new", "/b/*", "/[a]"].map(path);
        let batches = batches(Items { paths: &paths, tags: &tags });
        let mut together: Vec<String> = tags.iter().map(ToString::to_string).collect();
        together.sort();
        together.push("/new".to_owned());
        assert_eq!(shown(&batches), [together.iter().map(String::as_str).collect(), vec!["/b/*"], vec!["/[a]"]]);
    }

    #[test]
    fn a_reference_is_of_one_refresh_and_one_batch() {
        let of = |refresh: &str, paths: &[&str]| {
            let paths: Vec<UrlPath> = paths.iter().map(|text| path(text)).collect();
            batches(paths[..].into())[0].reference(refresh)
        };
        assert_eq!(of("r1", &["/a", "/b"]), of("r1", &["/b", "/a", "/a"]));
        assert_ne!(of("r1", &["/a", "/b"]), of("r1", &["/a"]));
        assert_ne!(of("r1", &["/a"]), of("r2", &["/a"]));
        // The SHA-256 of `/a`, as sha256sum prints it.
        assert_eq!(of("r1", &["/a"]), "publish-r1-6a50dc8584134c7de537c005");
    }

    proptest! {
        /// In no second are more paths or wildcards sent than CloudFront accepts, and no batch waits longer than it must.
        #[test]
        fn the_limits_hold_in_every_second(
            sizes in prop::collection::vec(prop_oneof![Just(0_usize), 1..=MOST_PATHS], 1..40),
            pauses in prop::collection::vec(prop_oneof![Just(0), 0_u64..2_000], 40),
        ) {
            let batch = |size: usize| match size {
                0 => Batch::wildcard(&path("/a/*")),
                size => Batch::of((0..size).map(|number| format!("/{number}")).collect()),
            };
            let (mut turns, mut now) = (Turns::default(), Duration::ZERO);
            let mut sent: Vec<(Duration, usize, usize)> = Vec::new();
            for (size, pause) in sizes.iter().zip(&pauses) {
                let batch = batch(*size);
                let fits = |at: Duration| {
                    let within = sent.iter().filter(|(sent, ..)| *sent + SECOND > at);
                    let all = within.fold((batch.items().len(), batch.wildcards), |all, (_, paths, wildcards)| {
                        (all.0 + paths, all.1 + wildcards)
                    });
                    all.0 <= 150 && all.1 <= 1
                };
                let wait = turns.wait(&batch, now);
                prop_assert!(fits(now + wait));
                prop_assert!(wait.is_zero() || !fits(now + wait - Duration::from_nanos(1)));
                now += wait;
                sent.push((now, batch.items().len(), batch.wildcards));
                now += Duration::from_millis(*pause);
            }
        }
    }
}
