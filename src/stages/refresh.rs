//! Refreshing: invalidates what changed at the CDN, and removes it from the head.

mod ask;
mod batches;
mod sent;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::bucket::aws::{Cdn, Fetcher};
use crate::bucket::state::{NotReplaced, Pointer, State};
use crate::config::environment::{InvalidationSettings, Wait};
use crate::content::path::UrlPath;
use crate::plan::UrlChange;
use crate::release::cache_tags::CacheTag;
use crate::release::head::{Head, Items, Refresh};
use crate::release::manifest::ReleaseNumber;
use crate::report::InvalidationStatus;
use crate::report::error::{Code, Problem};
use crate::report::event::{Event, Events};
use crate::stages::verify::{self, Blank, Instead, Mismatch, Page, PageForScript, Prospect, Round, Visitor};
use crate::types::clock::Clock;

use ask::{Asking, Taken};
use sent::{Invalidations, UnderWay, ids_sent_to};

pub use sent::is_completed;

/// First pause between two looks at CloudFront or the site; it grows by half up to [`LONGEST_PAUSE`]. An invalidation
/// takes effect within 5 s at the 95th percentile and is reported within 25 s (AWS.md 1.4).
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// How long what a page loads may be missing: CloudFront keeps errors for 10 s, unless it is told otherwise (AWS.md 2.2).
const ERRORS_KEPT: Duration = Duration::from_secs(12);

/// How often an invalidation is asked for anew when it is completed and the site still answers with old bytes: an
/// origin fetch may have been under way when it was made.
const MAX_REPEATS: u32 = 2;

/// What refreshing works with.
pub struct Refreshing<'a> {
    /// The distribution, if there is one.
    pub cdn: Option<&'a Cdn>,
    /// Further distributions that the environment names: each is to take what it is asked, and is only waited for where
    /// CloudFront's own word is.
    pub further: &'a [String],
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
    /// What its entry page loads; `None`: that is not looked at.
    pub page: Option<Page<'a>>,
    /// Whether a page may lack what it loads.
    pub allow_broken: bool,
    /// Whether a page in place of a script that is not there is a failure, and not a warning.
    pub strict: bool,
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
    /// Their cache tags.
    pub tags: Vec<CacheTag>,
    /// How many paths and tags CloudFront took: those that were asked for anew count again.
    pub paid: usize,
    /// Where it stands; `None`: nothing was owed.
    pub status: Option<InvalidationStatus>,
    /// Whether CloudFront says that it has completed all of it.
    pub is_completed: bool,
    /// The location of CloudFront that was seen to answer with what was published, where it said so.
    pub edge: Option<String>,
    /// What came of the refreshes that distributions of other environments are owed.
    pub elsewhere: Vec<Elsewhere>,
    /// Whether the site's address was seen to answer with something that no refresh mends.
    pub answers_otherwise: bool,
}

impl Refreshed {
    /// All that was owed.
    pub fn items(&self) -> Items<'_> {
        Items { paths: &self.paths, tags: &self.tags }
    }
}

/// What came of a refresh that another distribution than the environment's first one is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// What is owed.
    pub refresh: Refresh,
    /// CloudFront's ids; `None`: it stays owed.
    pub ids: Option<Vec<String>>,
    /// How many paths and tags CloudFront took.
    pub paid: usize,
    /// Whether it was waited for until CloudFront said that it has completed all of it.
    pub is_completed: bool,
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
    /// credentials may. Of those, only the environment's own ones are waited for, and only until CloudFront has completed them,
    /// where that is what is waited for: it finishes what it has taken.
    pub async fn refresh(
        &self,
        pointer: Pointer,
        answers: &BTreeMap<UrlPath, UrlChange>,
    ) -> Result<Refreshed, NotRefreshed> {
        let mut refreshed = Refreshed::default();
        match Box::pin(self.try_refresh(pointer, answers, &mut refreshed)).await {
            Ok(()) => Ok(refreshed),
            Err(problem) => Err(NotRefreshed { problem, so_far: refreshed }),
        }
    }

    async fn try_refresh(
        &self,
        pointer: Pointer,
        answers: &BTreeMap<UrlPath, UrlChange>,
        refreshed: &mut Refreshed,
    ) -> Result<(), Problem> {
        let sent_before = self.sent(&pointer.head);
        let (owed, others) = self.owed(&pointer.head);
        if !owed.is_empty() {
            refreshed.status = Some(InvalidationStatus::Owed);
            refreshed.paths.extend(owed.iter().flat_map(|refresh| refresh.paths.iter().cloned()));
            refreshed.tags.extend(owed.iter().flat_map(|refresh| refresh.tags.iter().cloned()));
        }
        let mut asking = Asking::new(self.clock, self.events);
        let asked = self.ask(&mut asking, &owed, refreshed).await;
        let pointer = self.ask_elsewhere(&mut asking, pointer, others, refreshed).await;
        let mut under_way = UnderWay { taken: asked?, pointer: pointer?, owed };
        let mut waited = Ok(());
        let reached = match self.settings.wait {
            Wait::Effect if self.url.is_some() => {
                if !self.until_seen(&mut asking, &mut under_way, answers, refreshed).await? {
                    return Ok(());
                }
                InvalidationStatus::Effective
            }
            Wait::None => InvalidationStatus::Requested,
            Wait::Effect | Wait::Completed => {
                self.until_own_completed(&under_way.ids(), refreshed).await?;
                waited = self.until_further_ones_completed(refreshed).await;
                InvalidationStatus::Completed
            }
        };
        let stays = reached == InvalidationStatus::Effective && !refreshed.is_completed;
        let UnderWay { pointer, taken, .. } = under_way;
        let (sent, done): (Vec<_>, Vec<_>) = taken.into_iter().partition(|(_, ids)| stays && !ids.is_empty());
        let mut done: Vec<String> = done.into_iter().map(|(id, _)| id).collect();
        done.extend(refreshed.elsewhere.iter().filter(|one| one.is_completed).map(|one| one.refresh.id.clone()));
        done.extend(match self.settings.wait {
            // Nothing waits for it, so the permission to ask is not needed.
            Wait::None => sent_before.into_iter().map(|refresh| refresh.id).collect(),
            Wait::Effect | Wait::Completed => self.completed(sent_before).await,
        });
        self.record(pointer, &done, &sent).await?;
        refreshed.status = refreshed.status.map(|_| reached);
        self.further_ones_took_theirs(refreshed)?;
        waited?;
        let edge = refreshed.edge.clone();
        self.events.send(if sent.is_empty() { Event::Refreshed } else { Event::RefreshSeen { edge } });
        Ok(())
    }

    /// Looks at the site's URLs until they answer as they should; asks anew for what they do not show although CloudFront has
    /// completed it. `false`: another release was activated meanwhile, and what is owed stays recorded.
    async fn until_seen(
        &self,
        asking: &mut Asking<'_>,
        under_way: &mut UnderWay,
        answers: &BTreeMap<UrlPath, UrlChange>,
        refreshed: &mut Refreshed,
    ) -> Result<bool, Problem> {
        let (seen, for_script) = tokio::join!(
            self.until_right(asking, under_way, answers, refreshed),
            self.page_for_a_missing_script(answers)
        );
        let Some(seen) = seen? else { return Ok(false) };
        (refreshed.is_completed, refreshed.edge) = (seen.is_completed, seen.edge);
        if !verify::is_provable(answers, refreshed.items()) {
            self.until_own_completed(&under_way.ids(), refreshed).await?;
        }
        let checked = self.until_page_is_whole(answers).await;
        if let Err(problem) = checked.and_then(|()| self.tell_of_a_page_for_a_script(for_script)) {
            refreshed.answers_otherwise = true;
            return Err(problem);
        }
        Ok(true)
    }

    /// As [`Refreshing::until_seen`], of the addresses that changed; `None`: another release was activated meanwhile.
    async fn until_right(
        &self,
        asking: &mut Asking<'_>,
        under_way: &mut UnderWay,
        answers: &BTreeMap<UrlPath, UrlChange>,
        refreshed: &mut Refreshed,
    ) -> Result<Option<Seen>, Problem> {
        let mut repeats = 0;
        loop {
            let may_ask_anew = !under_way.owed.is_empty() && repeats < MAX_REPEATS;
            match self.until_effective(&under_way.ids(), answers, may_ask_anew).await? {
                Looked::Right(seen) => return Ok(Some(seen)),
                Looked::StillOld => {}
                Looked::Wrong(wrong) => {
                    refreshed.answers_otherwise = wrong.iter().any(|mismatch| !mismatch.instead.is_older());
                    return Err(not_verified(&wrong));
                }
                // The newer release's run does what is owed with its own.
                Looked::Overtaken => {
                    refreshed.status = refreshed.status.map(|_| InvalidationStatus::Requested);
                    self.events.warn("Another release was activated while this one was being checked.");
                    return Ok(None);
                }
            }
            repeats += 1;
            (under_way.pointer, under_way.owed) =
                self.renamed(under_way.pointer.clone(), &under_way.owed, repeats).await?;
            under_way.taken = self.ask(asking, &under_way.owed, refreshed).await?;
        }
    }

    /// Asks once for a script that is not there, where anything has changed and the entry page is looked at.
    async fn page_for_a_missing_script(&self, answers: &BTreeMap<UrlPath, UrlChange>) -> Option<PageForScript> {
        let (Some(url), Some(page), false) = (self.url, self.page, answers.is_empty()) else { return None };
        self.visitor(url).page_for_a_missing_script(page).await
    }

    /// The release is right, and tabs that are open since an older one may break: a warning, and a failure where that is
    /// asked for.
    fn tell_of_a_page_for_a_script(&self, found: Option<PageForScript>) -> Result<(), Problem> {
        let Some(problem) = found.map(|found| found.problem()) else { return Ok(()) };
        if self.strict {
            return Err(problem);
        }
        self.events.warn(problem.in_one_line());
        Ok(())
    }

    /// What a distribution of the environment itself did not take is a failure of this run.
    fn further_ones_took_theirs(&self, refreshed: &Refreshed) -> Result<(), Problem> {
        let mut refused = refreshed.elsewhere.iter().filter(|one| one.ids.is_none());
        let refused = refused.find(|one| self.further.contains(&one.refresh.distribution));
        refused.map_or(Ok(()), |one| {
            let message = format!("distribution {} was not refreshed", one.refresh.distribution);
            Err(Problem::new(Code::RefreshFailed, message)
                .hint("The paths stay recorded; the warning says why. Then run the same command again."))
        })
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
        head.refreshes_to_send().cloned().partition(|refresh| own == Some(refresh.distribution.as_str()))
    }

    /// Asks for what other distributions are owed, as far as these credentials may, and takes that out of the head. What a
    /// further distribution of the environment has taken stays there as sent, unless nothing is to be waited for. An environment
    /// without a distribution knows no way to CloudFront.
    async fn ask_elsewhere(
        &self,
        asking: &mut Asking<'_>,
        pointer: Pointer,
        others: Vec<Refresh>,
        refreshed: &mut Refreshed,
    ) -> Result<Pointer, Problem> {
        let (mut done, mut sent) = (Vec::new(), Vec::new());
        // What failed once for a distribution fails for all that it is owed.
        let mut failed = BTreeSet::new();
        for refresh in others {
            let distribution = &refresh.distribution;
            let mut taken = Taken::default();
            let asked = match self.cdn.filter(|_| !failed.contains(distribution)) {
                Some(cdn) => asking.ask(&cdn.other(distribution), &refresh, &mut taken).await.map_err(Some),
                None => Err(None),
            };
            let paid = taken.paths.len();
            let ids = match asked {
                Ok(()) => {
                    let is_further = self.further.contains(distribution);
                    match is_further && self.settings.wait != Wait::None && !taken.ids.is_empty() {
                        true => sent.push((refresh.id.clone(), taken.ids.clone())),
                        false => done.push(refresh.id.clone()),
                    }
                    if !is_further {
                        // This run does not ask about refreshes that its own environment sent: CloudFront accepted those too.
                        done.extend(ids_sent_to(&pointer.head, distribution));
                    }
                    Some(taken.ids)
                }
                Err(problem) => {
                    if failed.insert(distribution.clone()) {
                        self.events.warn(stays_owed(distribution, problem.as_ref()));
                    }
                    None
                }
            };
            refreshed.elsewhere.push(Elsewhere { refresh, ids, paid, is_completed: false });
        }
        self.record(pointer, &done, &sent).await
    }

    /// Asks for what the environment's distribution is owed. Gives what CloudFront took of each refresh.
    async fn ask(
        &self,
        asking: &mut Asking<'_>,
        owed: &[Refresh],
        refreshed: &mut Refreshed,
    ) -> Result<Vec<Invalidations>, Problem> {
        let Some(cdn) = self.cdn else { return Ok(Vec::new()) };
        let (mut all, mut ids, mut paths) = (Vec::new(), Vec::new(), Vec::new());
        for refresh in owed {
            let mut taken = Taken::default();
            let asked = asking.ask(cdn, refresh, &mut taken).await;
            refreshed.ids.extend(taken.ids.iter().cloned());
            refreshed.paid += taken.paths.len();
            asked?;
            ids.extend(taken.ids.iter().cloned());
            paths.append(&mut taken.paths);
            all.push((refresh.id.clone(), taken.ids));
        }
        if !ids.is_empty() {
            self.events.send(Event::RefreshRequested { ids, paths });
        }
        Ok(all)
    }

    /// Fetches the site's URLs until they answer as they should, something else than the CDN is what is wrong, or the time is
    /// up. Gives up early, to ask anew, when CloudFront has completed and the site still answers with what it had to forget.
    async fn until_effective(
        &self,
        ids: &[String],
        answers: &BTreeMap<UrlPath, UrlChange>,
        may_ask_anew: bool,
    ) -> Result<Looked, Problem> {
        let (Some(url), false) = (self.url, answers.is_empty()) else { return Ok(Looked::Right(Seen::default())) };
        let chosen = verify::chosen(answers);
        let urls = chosen.len();
        self.events.send(Event::VerificationStarted { urls });
        if urls < answers.len() && urls == verify::MAX_URLS {
            self.events.warn(format!("Checked {urls} of the {} URLs that changed.", answers.len()));
        }
        let visitor = self.visitor(url);
        let mut looks = verify::looks(&chosen);
        let must_be_there = looks.iter().filter(|look| look.must_be_there()).count();
        let mut pace = Pace::start(self);
        let mut is_any_right = false;
        loop {
            let has_forgotten = self.has_forgotten(ids).await?;
            let keeps_nothing_old = has_forgotten || ids.is_empty();
            let Round { wrong, edge } = visitor.round(&looks, pace.left()).await;
            let is_header = |mismatch: &Mismatch| matches!(mismatch.instead, Instead::Header { .. });
            if wrong.is_empty() || keeps_nothing_old && wrong.iter().all(is_header) {
                self.warn_of_other_headers(&wrong);
                self.events.send(Event::Verified { urls });
                return Ok(Looked::Right(Seen { is_completed: has_forgotten, edge }));
            }
            // Looked at first: who is overtaken asks for nothing anew.
            if self.is_overtaken().await? {
                return Ok(Looked::Overtaken);
            }
            let any = |prospect| wrong.iter().any(|mismatch: &Mismatch| mismatch.instead.prospect() == prospect);
            is_any_right |= wrong.len() < looks.len();
            // An answer may be an old one that the CDN keeps. A host that answered once has a name and a certificate.
            let is_final = |mismatch: &Mismatch| match mismatch.instead {
                Instead::NoAnswer(_) => !is_any_right,
                _ => keeps_nothing_old,
            };
            let hopeless = |mismatch: &&Mismatch| mismatch.instead.prospect() == Prospect::Never;
            if wrong.iter().filter(hopeless).any(is_final) {
                return Ok(Looked::Wrong(wrong));
            }
            // Errors that the CDN kept are gone too: where nothing at all is right, nothing of the site is there.
            let is_none_right = wrong.len() == must_be_there;
            let is_of_origin = |mismatch: &Mismatch| mismatch.instead.prospect() == Prospect::Forgotten;
            if has_forgotten && is_none_right && wrong.iter().all(is_of_origin) {
                return Ok(Looked::Wrong(wrong));
            }
            let is_kept = any(Prospect::Forgotten) || any(Prospect::Refresh);
            if has_forgotten && may_ask_anew && is_kept {
                return Ok(Looked::StillOld);
            }
            visitor.retain(&mut looks, &wrong);
            if !pace.pause().await {
                return Ok(Looked::Wrong(wrong));
            }
        }
    }

    fn visitor<'v>(&'v self, url: &'v str) -> Visitor<'v> {
        Visitor { fetcher: self.fetcher, url, query: format!("publish={}", self.state.run()) }
    }

    /// Opens the site's entry page until it and what it loads are as they should be, where anything has changed.
    async fn until_page_is_whole(&self, answers: &BTreeMap<UrlPath, UrlChange>) -> Result<(), Problem> {
        let (Some(url), Some(page), false) = (self.url, self.page, answers.is_empty()) else { return Ok(()) };
        let visitor = self.visitor(url);
        let mut pace = Pace { lasts: self.settings.timeout.min(ERRORS_KEPT), ..Pace::start(self) };
        while let Some(blank) = visitor.open_entry_page(page).await {
            // Only another page mends that: to fail would ask for runs that change nothing.
            let is_of_the_page = |mismatch: &Mismatch| mismatch.instead == Instead::BarePlus;
            let is_warning = self.allow_broken || blank.wrong.iter().all(is_of_the_page);
            let mut others = blank.wrong.iter().filter(|mismatch| !is_of_the_page(mismatch)).peekable();
            let is_final =
                others.peek().is_none() || others.any(|mismatch| mismatch.instead.prospect() == Prospect::Never);
            if is_final || !pace.pause().await {
                let problem = is_blank(&blank, &visitor);
                if !is_warning {
                    return Err(problem);
                }
                self.events.warn(problem.in_one_line());
                break;
            }
        }
        Ok(())
    }

    /// Says which headers are not what was published although the CDN has forgotten what they were.
    fn warn_of_other_headers(&self, wrong: &[Mismatch]) {
        let Some(first) = wrong.first() else { return };
        let urls: BTreeSet<&str> = wrong.iter().map(|mismatch| mismatch.url.as_str()).collect();
        let more = if urls.len() > 1 { format!("; and so on, {} URLs in all", urls.len()) } else { String::new() };
        self.events.warn(format!("{}{more}. {}", first.sentence(), first.instead.next_step()));
    }

    /// Whether another release is active by now, or about to be.
    async fn is_overtaken(&self) -> Result<bool, Problem> {
        let head = self.state.read_head().await?.head;
        let active = head.active.as_ref().map(|active| active.release);
        Ok(head.activation.is_some() || (self.release.is_some() && active != self.release))
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
        let ids: Vec<_> = owed.iter().enumerate().map(|(number, old)| (old.id.clone(), id(number))).collect();
        let pointer = self.update(pointer, |head| head.rename_refreshes(&ids)).await?;
        let is_renamed = |refresh: &&Refresh| ids.iter().any(|(_, new)| *new == refresh.id);
        let renamed = pointer.head.pending_refreshes.iter().filter(is_renamed).cloned().collect();
        Ok((pointer, renamed))
    }

    /// Takes the refreshes that are done out of the head and notes which are sent, whatever else happened to it meanwhile.
    async fn record(&self, pointer: Pointer, done: &[String], sent: &[Invalidations]) -> Result<Pointer, Problem> {
        if done.is_empty() && sent.is_empty() {
            return Ok(pointer);
        }
        self.update(pointer, |head| head.settle_refreshes(done).note_sent(sent)).await
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

/// What is said of a distribution, not the run's own, that goes on being owed a refresh, with why, where it was asked.
pub fn stays_owed(distribution: &str, problem: Option<&Problem>) -> String {
    let because = problem.map(|problem| format!(": {}", problem.message)).unwrap_or_default();
    let what_to_do = match problem.map(|problem| problem.code) {
        Some(Code::NoSuchDistribution) => {
            format!("If it was deleted, run `publish forget-distribution {distribution}`")
        }
        _ => format!(
            "The next publish that is allowed to does it; if the distribution no longer serves this site, run \
             `publish forget-distribution {distribution}`"
        ),
    };
    format!(
        "Distribution {distribution} may still serve older pages{because}. Its refresh stays recorded. {what_to_do}."
    )
}

/// What a look at the site's URLs showed.
enum Looked {
    Right(Seen),
    /// What CloudFront had to forget, although it says that it has.
    StillOld,
    /// What is not to be waited for any longer.
    Wrong(Vec<Mismatch>),
    Overtaken,
}

/// How what is right was seen.
#[derive(Default)]
struct Seen {
    /// Whether CloudFront had completed all of it.
    is_completed: bool,
    /// The edge, where it is known.
    edge: Option<String>,
}

/// Says what visitors get, as of the URL with the least hope, and how many others are not right.
fn not_verified(wrong: &[Mismatch]) -> Problem {
    let Some(worst) = wrong.iter().min_by_key(|mismatch| mismatch.instead.prospect()) else {
        return Problem::new(Code::VerificationFailed, "the site does not answer with what was published");
    };
    let others: BTreeSet<&str> =
        wrong.iter().map(|mismatch| mismatch.url.as_str()).filter(|url| *url != worst.url).collect();
    let more = match others.len() {
        0 => String::new(),
        1 => ", and 1 more URL is not right either".to_owned(),
        more => format!(", and {more} more URLs are not right either"),
    };
    Problem::new(Code::VerificationFailed, format!("{}{more}", worst.sentence())).hint(worst.instead.next_step())
}

/// Says that a browser cannot show the entry page, and why.
fn is_blank(blank: &Blank, visitor: &Visitor<'_>) -> Problem {
    let problem = not_verified(&blank.wrong);
    let Some(outside) = blank.wrong.iter().find(|mismatch| visitor.is_outside(&mismatch.url)) else {
        return Problem { message: format!("{} cannot be shown: {}", blank.page, problem.message), ..problem };
    };
    let site = visitor.url.trim_end_matches('/');
    let base = url::Url::parse(&format!("{site}/")).map_or_else(|_| "/".to_owned(), |site| site.path().to_owned());
    let message =
        format!("{} cannot be shown: it loads from outside the site's address, and {}", blank.page, outside.sentence());
    Problem::new(Code::VerificationFailed, message).hint(format!(
        "Build the site for its address (in Vite `base: '{base}'`), or set `url` to where visitors reach it; then publish again."
    ))
}

/// Growing pauses until the time is up.
struct Pace<'a> {
    refreshing: &'a Refreshing<'a>,
    began: Duration,
    lasts: Duration,
    next: Duration,
}

impl<'a> Pace<'a> {
    fn start(refreshing: &'a Refreshing<'a>) -> Pace<'a> {
        Pace { refreshing, began: refreshing.clock.elapsed(), lasts: refreshing.settings.timeout, next: FIRST_PAUSE }
    }

    /// What is left of the time.
    fn left(&self) -> Duration {
        self.lasts.saturating_sub(self.refreshing.clock.elapsed().saturating_sub(self.began))
    }

    /// Pauses; `false` when the time is up.
    async fn pause(&mut self) -> bool {
        let left = self.left();
        if left.is_zero() {
            return false;
        }
        let waited = self.lasts.saturating_sub(left);
        tokio::time::sleep(self.next.min(left)).await;
        self.next = (self.next * 3 / 2).min(LONGEST_PAUSE);
        self.refreshing.events.send(Event::RefreshWaiting { waited_s: waited.as_secs() });
        true
    }
}
