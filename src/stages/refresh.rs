//! Refreshing: the CDN forgets what changed, and the head forgets that it was owed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::bucket::aws::{Cdn, CdnError, Fetcher};
use crate::bucket::state::{NotReplaced, Pointer, State};
use crate::config::environment::{InvalidationSettings, Wait};
use crate::content::path::UrlPath;
use crate::plan::{MAX_WILDCARDS, UrlChange};
use crate::release::head::{Head, Refresh};
use crate::release::manifest::ReleaseNumber;
use crate::report::InvalidationStatus;
use crate::report::error::{Code, Problem};
use crate::report::event::{Event, Events};
use crate::stages::verify::{self, Mismatch};
use crate::types::clock::Clock;

/// Most paths in one invalidation (AWS.md 1.2).
const MAX_PATHS_PER_BATCH: usize = 3_000;

/// First pause between two looks at CloudFront or the site; it grows by half up to [`LONGEST_PAUSE`]. An invalidation
/// takes effect within 5 s at the 95th percentile and is reported within 25 s (AWS.md 1.4).
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// How often an invalidation is asked for anew when it is completed and the site still answers with old bytes: an
/// origin fetch may have been under way when it was made.
const MAX_REPEATS: u32 = 2;

/// What refreshing works with.
pub struct Refreshing<'a> {
    /// The distribution, if there is one.
    pub cdn: Option<&'a Cdn>,
    /// Who fetches the site's URLs.
    pub fetcher: &'a Fetcher,
    /// Where the head is.
    pub state: &'a State,
    /// What "refreshed" means.
    pub settings: &'a InvalidationSettings,
    /// Where visitors see the site, if that is known.
    pub url: Option<&'a str>,
    /// The release that is to be seen; a newer one makes looking pointless.
    pub release: Option<ReleaseNumber>,
    /// How long it may take.
    pub clock: Clock,
    /// Who listens.
    pub events: Events<'a>,
}

/// What was refreshed.
#[derive(Clone, Debug, Default)]
pub struct Refreshed {
    /// CloudFront's ids.
    pub ids: Vec<String>,
    /// The paths of all refreshes that were owed.
    pub paths: Vec<UrlPath>,
    /// How many paths CloudFront took: those that were asked for anew count again.
    pub paid: usize,
    /// Where it stands; `None`: nothing was owed.
    pub status: Option<InvalidationStatus>,
    /// What came of the refreshes that distributions of other environments are owed.
    pub elsewhere: Vec<Elsewhere>,
}

/// What came of a refresh that a distribution of another environment is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// What is owed.
    pub refresh: Refresh,
    /// CloudFront's ids; `None`: it stays owed.
    pub ids: Option<Vec<String>>,
}

/// What CloudFront took of what it was asked for.
#[derive(Default)]
struct Taken {
    ids: Vec<String>,
    paths: Vec<String>,
}

/// A refresh that did not come off. What is owed stays recorded.
#[derive(Debug)]
pub struct NotRefreshed {
    /// Why.
    pub problem: Problem,
    /// What was sent so far.
    pub so_far: Refreshed,
}

impl Refreshing<'_> {
    /// Does all refreshes that `pointer` owes to the environment's distribution, waits as configured, and takes them out of
    /// the head. `answers` are the URLs to compare where the site's address is known. Others are asked for as far as these
    /// credentials may, and not waited for: CloudFront finishes what it has taken.
    pub async fn refresh(
        &self,
        pointer: Pointer,
        answers: &BTreeMap<UrlPath, UrlChange>,
    ) -> Result<Refreshed, NotRefreshed> {
        let mut refreshed = Refreshed::default();
        match self.try_refresh(pointer, answers, &mut refreshed).await {
            Ok(()) => Ok(refreshed),
            Err(problem) => Err(NotRefreshed { problem, so_far: refreshed }),
        }
    }

    async fn try_refresh(
        &self,
        mut pointer: Pointer,
        answers: &BTreeMap<UrlPath, UrlChange>,
        refreshed: &mut Refreshed,
    ) -> Result<(), Problem> {
        let (mut owed, others) = self.owed(&pointer.head);
        if !owed.is_empty() {
            refreshed.status = Some(InvalidationStatus::Owed);
            refreshed.paths.extend(owed.iter().flat_map(|refresh| refresh.paths.iter().cloned()));
        }
        let asked = self.ask(&owed, refreshed).await;
        let settled = self.ask_elsewhere(pointer, others, refreshed).await;
        let mut ids = asked?;
        pointer = settled?;
        let reached = if self.settings.wait == Wait::Effect && self.url.is_some() {
            let mut repeats = 0;
            loop {
                let stale = match self.until_effective(&ids, answers, repeats < MAX_REPEATS).await? {
                    Looked::Right => break,
                    Looked::StillOld(stale) => stale,
                    // What is owed stays recorded: the newer release's run does it with its own.
                    Looked::Overtaken => {
                        refreshed.status = refreshed.status.map(|_| InvalidationStatus::Requested);
                        self.events.warn("Another release was activated while this one was being checked.");
                        return Ok(());
                    }
                };
                if owed.is_empty() {
                    return Err(not_verified(&stale));
                }
                repeats += 1;
                (pointer, owed) = self.renamed(pointer, &owed, repeats).await?;
                ids = self.ask(&owed, refreshed).await?;
            }
            if !verify::is_provable(answers, &refreshed.paths) {
                self.until_completed(&ids).await?;
            }
            InvalidationStatus::Effective
        } else if self.settings.wait == Wait::None {
            InvalidationStatus::Requested
        } else {
            self.until_completed(&ids).await?;
            InvalidationStatus::Completed
        };
        let done: Vec<String> = owed.into_iter().map(|refresh| refresh.id).collect();
        self.forget(pointer, &done).await?;
        refreshed.status = refreshed.status.map(|_| reached);
        self.events.send(Event::Refreshed);
        Ok(())
    }

    /// The refreshes that are owed to the environment's distribution, and those that are owed to others.
    fn owed(&self, head: &Head) -> (Vec<Refresh>, Vec<Refresh>) {
        let newer = head.pending_refreshes.iter().filter(|refresh| !refresh.is_understood()).count();
        if newer > 0 {
            self.events.warn(format!(
                "Refreshes that only the newer version of publish that recorded them can do: {newer}. Update publish."
            ));
        }
        let own = self.cdn.map(Cdn::distribution);
        head.understood_refreshes().cloned().partition(|refresh| own == Some(refresh.distribution.as_str()))
    }

    /// Asks for what distributions of other environments are owed, as far as these credentials may, and takes that out of the
    /// head. An environment without a distribution knows no way to CloudFront.
    async fn ask_elsewhere(
        &self,
        pointer: Pointer,
        others: Vec<Refresh>,
        refreshed: &mut Refreshed,
    ) -> Result<Pointer, Problem> {
        let mut done = Vec::new();
        // What failed once for a distribution fails for all that it is owed.
        let mut failed = BTreeSet::new();
        for refresh in others {
            let distribution = &refresh.distribution;
            let mut taken = Taken::default();
            let asked = match self.cdn.filter(|_| !failed.contains(distribution)) {
                Some(cdn) => self.ask_of(&cdn.other(distribution), &refresh, &mut taken).await.map_err(Some),
                None => Err(None),
            };
            let ids = match asked {
                Ok(()) => {
                    done.push(refresh.id.clone());
                    Some(taken.ids)
                }
                Err(problem) => {
                    if failed.insert(distribution.clone()) {
                        self.events.warn(stays_owed(distribution, problem.as_ref()));
                    }
                    None
                }
            };
            refreshed.elsewhere.push(Elsewhere { refresh, ids });
        }
        self.forget(pointer, &done).await
    }

    /// Asks for what the environment's distribution is owed. Gives the ids of what CloudFront took.
    async fn ask(&self, owed: &[Refresh], refreshed: &mut Refreshed) -> Result<Vec<String>, Problem> {
        let Some(cdn) = self.cdn else { return Ok(Vec::new()) };
        let mut all = Taken::default();
        for refresh in owed {
            let mut taken = Taken::default();
            let asked = self.ask_of(cdn, refresh, &mut taken).await;
            refreshed.ids.extend(taken.ids.iter().cloned());
            refreshed.paid += taken.paths.len();
            asked?;
            all.ids.append(&mut taken.ids);
            all.paths.append(&mut taken.paths);
        }
        if !all.ids.is_empty() {
            self.events.send(Event::RefreshRequested { ids: all.ids.clone(), paths: all.paths });
        }
        Ok(all.ids)
    }

    /// Asks one distribution to forget. What it is asked with derives from the entry's id, so that asking again for the same
    /// entry neither repeats nor costs anything (AWS.md 1.5).
    async fn ask_of(&self, cdn: &Cdn, refresh: &Refresh, taken: &mut Taken) -> Result<(), Problem> {
        for (number, batch) in batches(&refresh.paths).iter().enumerate() {
            let reference = format!("publish-{}-{number}", refresh.id);
            match cdn.create_invalidation(&reference, batch).await {
                Ok(id) => {
                    taken.ids.push(id);
                    taken.paths.extend(batch.iter().map(UrlPath::to_string));
                }
                Err(refused) if is_of_raw_spellings(batch, &refused) => {
                    self.events.warn(raw_spellings_refused(&refresh.distribution, batch));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits until CloudFront says that all of `ids` are completed.
    async fn until_completed(&self, ids: &[String]) -> Result<(), Problem> {
        let Some(cdn) = self.cdn else { return Ok(()) };
        let mut pace = Pace::start(self);
        for id in ids {
            while !cdn.is_completed(id).await.map_err(Problem::from)? {
                if !pace.pause().await {
                    let waited = self.settings.timeout.as_secs();
                    let message = format!("CloudFront did not complete invalidation {id} within {waited} s");
                    return Err(Problem::new(Code::RefreshFailed, message).hint(
                        "CloudFront still works on it. Run the same command again to check, or raise `timeout_s` under \
                         [invalidation].",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Fetches the site's URLs until they answer as they should. Gives up early, to ask anew, when CloudFront has
    /// completed and the site still answers wrongly.
    async fn until_effective(
        &self,
        ids: &[String],
        answers: &BTreeMap<UrlPath, UrlChange>,
        may_ask_anew: bool,
    ) -> Result<Looked, Problem> {
        let (Some(url), false) = (self.url, answers.is_empty()) else { return Ok(Looked::Right) };
        let mut remaining = verify::chosen(answers);
        let urls = remaining.len();
        self.events.send(Event::VerificationStarted { urls });
        if urls < answers.len() && urls == verify::MAX_URLS {
            self.events.warn(format!("Checked {urls} of the {} URLs that changed.", answers.len()));
        }
        let mut pace = Pace::start(self);
        loop {
            let completed_before = may_ask_anew && self.all_completed(ids).await?;
            let stale = verify::mismatches(self.fetcher, url, &remaining).await;
            if stale.is_empty() {
                self.events.send(Event::Verified { urls });
                return Ok(Looked::Right);
            }
            // Looked at first: who is overtaken asks for nothing anew.
            if self.is_overtaken().await? {
                return Ok(Looked::Overtaken);
            }
            if completed_before {
                return Ok(Looked::StillOld(stale));
            }
            remaining.retain(|answer| stale.iter().any(|mismatch| mismatch.url == verify::url(url, answer)));
            if !pace.pause().await {
                return Err(not_verified(&stale));
            }
        }
    }

    /// Whether another release is active by now, or about to be.
    async fn is_overtaken(&self) -> Result<bool, Problem> {
        let head = self.state.read_head().await?.head;
        let active = head.active.as_ref().map(|active| active.release);
        Ok(head.activation.is_some() || (self.release.is_some() && active != self.release))
    }

    async fn all_completed(&self, ids: &[String]) -> Result<bool, Problem> {
        let Some(cdn) = self.cdn else { return Ok(false) };
        for id in ids {
            if !cdn.is_completed(id).await.map_err(Problem::from)? {
                return Ok(false);
            }
        }
        Ok(!ids.is_empty())
    }

    /// Records the owed refreshes under new ids, so that CloudFront takes them for new ones. Run and revision make them
    /// unlike any other, and as short as the first ones, however often this happens.
    async fn renamed(
        &self,
        pointer: Pointer,
        owed: &[Refresh],
        repeat: u32,
    ) -> Result<(Pointer, Vec<Refresh>), Problem> {
        let revision = pointer.head.revision.saturating_add(1);
        let id = |number: usize| format!("{}-{revision}-r{repeat}-{number}", self.state.run());
        let renamed: Vec<Refresh> =
            owed.iter().enumerate().map(|(number, refresh)| Refresh { id: id(number), ..refresh.clone() }).collect();
        let ids: Vec<_> = owed.iter().zip(&renamed).map(|(old, new)| (old.id.clone(), new.id.clone())).collect();
        let pointer = self.update(pointer, |head| head.rename_refreshes(&ids)).await?;
        Ok((pointer, renamed))
    }

    /// Takes the refreshes with these ids out of the head, whatever else happened to it meanwhile.
    async fn forget(&self, pointer: Pointer, done: &[String]) -> Result<Pointer, Problem> {
        if done.is_empty() { Ok(pointer) } else { self.update(pointer, |head| head.settle_refreshes(done)).await }
    }

    async fn update(&self, mut pointer: Pointer, change: impl Fn(&Head) -> Head) -> Result<Pointer, Problem> {
        loop {
            match self.state.replace_head(&pointer, change(&pointer.head)).await {
                Ok(pointer) => return Ok(pointer),
                Err(NotReplaced::Lost(found)) => pointer = *found,
                Err(NotReplaced::Failed(problem)) => return Err(problem),
            }
        }
    }
}

/// What is said of a distribution of another environment that goes on being owed a refresh, with why, where it was asked.
pub fn stays_owed(distribution: &str, problem: Option<&Problem>) -> String {
    let because = problem.map(|problem| format!(": {}", problem.message)).unwrap_or_default();
    let what_to_do = match problem.map(|problem| problem.code) {
        Some(Code::NoSuchDistribution) => {
            format!("If it was deleted, run `publish forget-distribution {distribution}`")
        }
        _ => format!(
            "The next publish to its own environment does it; if the distribution no longer serves this site, run \
             `publish forget-distribution {distribution}`"
        ),
    };
    format!(
        "Distribution {distribution} of another environment may still serve older pages{because}. Its refresh stays \
         recorded. {what_to_do}."
    )
}

/// What a look at the site's URLs showed.
enum Looked {
    Right,
    StillOld(Vec<Mismatch>),
    Overtaken,
}

fn not_verified(stale: &[Mismatch]) -> Problem {
    let message = match stale {
        [] => "the site does not answer with what was published".to_owned(),
        [one] => format!("{} answers with {}", one.url, one.found),
        [first, rest @ ..] => {
            format!("{} answers with {}, and {} more URLs are not right either", first.url, first.found, rest.len())
        }
    };
    Problem::new(Code::VerificationFailed, message).hint(
        "Run the same command again to refresh and look once more. If the site is not public, or a function changes its \
         pages on the way, set `wait = \"completed\"` under [invalidation].",
    )
}

/// Whether CloudFront refused spellings that its documents do not allow, and nothing else.
fn is_of_raw_spellings(batch: &[UrlPath], refused: &CdnError) -> bool {
    batch.iter().all(UrlPath::is_raw) && refused.code.as_deref() == Some("InvalidArgument")
}

fn raw_spellings_refused(distribution: &str, batch: &[UrlPath]) -> String {
    let first = batch.first().map(ToString::to_string).unwrap_or_default();
    format!(
        "CloudFront does not accept invalidations of paths with unencoded brackets, `^` or `|`: {} of distribution \
         {distribution}, such as {first}. The encoded spellings are refreshed. If CloudFront caches the others \
         separately, those copies stay until they expire.",
        batch.len()
    )
}

/// Splits a cover into batches within CloudFront's limits. Spellings that it may refuse are in batches of their own, the
/// last ones, so that they take no other path with them.
fn batches(paths: &[UrlPath]) -> Vec<Vec<UrlPath>> {
    let (raw, others): (Vec<&UrlPath>, Vec<&UrlPath>) = paths.iter().partition(|path| path.is_raw());
    [others, raw].iter().flat_map(|paths| within_limits(paths)).collect()
}

fn within_limits(paths: &[&UrlPath]) -> Vec<Vec<UrlPath>> {
    let mut batches: Vec<Vec<UrlPath>> = Vec::new();
    let mut wildcards = 0;
    for &path in paths {
        let wildcard = usize::from(path.is_wildcard());
        match batches.last_mut() {
            Some(batch) if batch.len() < MAX_PATHS_PER_BATCH && wildcards + wildcard <= MAX_WILDCARDS => {
                batch.push(path.clone());
                wildcards += wildcard;
            }
            _ => {
                batches.push(vec![path.clone()]);
                wildcards = wildcard;
            }
        }
    }
    batches
}

/// Growing pauses until the time is up.
struct Pace<'a> {
    refreshing: &'a Refreshing<'a>,
    began: Duration,
    next: Duration,
}

impl<'a> Pace<'a> {
    fn start(refreshing: &'a Refreshing<'a>) -> Pace<'a> {
        Pace { refreshing, began: refreshing.clock.elapsed(), next: FIRST_PAUSE }
    }

    /// Pauses; `false` when the time is up.
    async fn pause(&mut self) -> bool {
        let waited = self.refreshing.clock.elapsed().saturating_sub(self.began);
        let Some(left) = self.refreshing.settings.timeout.checked_sub(waited).filter(|left| !left.is_zero()) else {
            return false;
        };
        tokio::time::sleep(self.next.min(left)).await;
        self.next = (self.next * 3 / 2).min(LONGEST_PAUSE);
        self.refreshing.events.send(Event::RefreshWaiting { waited_s: waited.as_secs() });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_stay_within_cloudfronts_limits() {
        let exact: Vec<UrlPath> = (0..3_001).map(|number| UrlPath::encode(&format!("{number}.html"))).collect();
        assert_eq!(batches(&exact).iter().map(Vec::len).collect::<Vec<_>>(), [3_000, 1]);
        let wide: Vec<UrlPath> = (0..31).map(|number| UrlPath::encode(&format!("{number}/*"))).collect();
        assert_eq!(batches(&wide).iter().map(Vec::len).collect::<Vec<_>>(), [15, 15, 1]);
        assert_eq!(batches(&[]), Vec::<Vec<UrlPath>>::new());
    }

    #[test]
    fn spellings_that_cloudfront_may_refuse_are_apart() {
        let path = |text: &str| UrlPath::try_from(text.to_owned()).unwrap();
        let paths = ["/%5Ba%5D", "/[a]", "/[b]/*", "/c%2B", "/c+", "/d^"].map(path);
        let apart = [vec!["/%5Ba%5D", "/c%2B", "/c+"], vec!["/[a]", "/[b]/*", "/d^"]];
        assert_eq!(batches(&paths), apart.map(|batch| batch.into_iter().map(path).collect::<Vec<_>>()));
    }
}
