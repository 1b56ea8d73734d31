//! Refreshing: invalidates the changed paths at the CDN, and removes the finished refreshes from the head.

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

/// First pause between two checks of CloudFront or the site; it grows by half up to [`LONGEST_PAUSE`]. An invalidation
/// takes effect within 5 s at the 95th percentile and is reported within 25 s (AWS.md 1.4).
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// How long files that a page loads may be missing: CloudFront caches errors for 10 s by default (AWS.md 2.2).
const ERRORS_KEPT: Duration = Duration::from_secs(12);

/// How often an invalidation is requested again when it is completed and the site still answers with old bytes: an
/// origin fetch may have been under way when it was created.
const MAX_REPEATS: u32 = 2;

/// The inputs of a refresh.
pub struct Refreshing<'a> {
    /// The distribution, if there is one.
    pub cdn: Option<&'a Cdn>,
    /// Further distributions that the environment names: each gets its invalidations, and is waited for only if the run waits
    /// for CloudFront's report of completion.
    pub further: &'a [String],
    /// Fetches the site's URLs.
    pub fetcher: &'a Fetcher,
    /// Reads and writes the head.
    pub state: &'a State,
    /// When a refresh counts as done.
    pub settings: &'a InvalidationSettings,
    /// The site's address, if it is known.
    pub url: Option<&'a str>,
    /// The release to look for; once a newer one is active, looking is pointless.
    pub release: Option<ReleaseNumber>,
    /// What the release's entry page loads; `None`: not checked.
    pub page: Option<Page<'a>>,
    /// Whether a page may lack files that it loads.
    pub allow_broken: bool,
    /// Whether a page in place of a missing script is a failure rather than a warning.
    pub strict: bool,
    /// How long the refresh may take.
    pub clock: Clock,
    /// Receives events.
    pub events: Events<'a>,
}

/// The result of a refresh.
#[derive(Clone, Debug, Default)]
pub struct Refreshed {
    /// CloudFront's invalidation ids.
    pub ids: Vec<String>,
    /// The paths of all refreshes that were pending.
    pub paths: Vec<UrlPath>,
    /// Their cache tags.
    pub tags: Vec<CacheTag>,
    /// How many paths and tags CloudFront accepted; a repeated request counts again.
    pub paid: usize,
    /// Its state; `None`: nothing was pending.
    pub status: Option<InvalidationStatus>,
    /// Whether CloudFront reports that all of it is completed.
    pub is_completed: bool,
    /// The CloudFront location that was seen to answer with the published files, if the answer named it.
    pub edge: Option<String>,
    /// The results of the pending refreshes at other environments' distributions.
    pub elsewhere: Vec<Elsewhere>,
    /// Whether the site's address answers with something that no refresh can fix.
    pub answers_otherwise: bool,
}

impl Refreshed {
    /// All pending paths and tags.
    pub fn items(&self) -> Items<'_> {
        Items { paths: &self.paths, tags: &self.tags }
    }
}

/// The result of a pending refresh at a distribution other than the environment's first one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The refresh.
    pub refresh: Refresh,
    /// CloudFront's invalidation ids; `None`: it stays pending.
    pub ids: Option<Vec<String>>,
    /// How many paths and tags CloudFront accepted.
    pub paid: usize,
    /// Whether the run waited until CloudFront reported that all of it is completed.
    pub is_completed: bool,
}

/// A refresh that failed. It stays recorded as pending.
#[derive(Debug)]
pub struct NotRefreshed {
    /// The reason.
    pub problem: Problem,
    /// What was sent before the failure.
    pub so_far: Refreshed,
}

impl Refreshing<'_> {
    /// Does all pending refreshes of `pointer` at the environment's distribution, waits as configured, and removes them from
    /// the head. `answers` are the URLs to compare if the site's address is known. Requests refreshes at other distributions
    /// as far as these credentials allow. Of those, it waits only for the environment's own ones, only until CloudFront has
    /// completed them, and only if the run waits for completion: CloudFront finishes what it has accepted.
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
            // The run does not wait for them, so it needs no permission to read their state.
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

    /// Checks the site's URLs until they answer as they should; requests again the paths that still answer with old bytes
    /// although CloudFront reports completion. `false`: another release was activated meanwhile, and the refresh stays pending.
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

    /// As [`Refreshing::until_seen`], for the changed addresses; `None`: another release was activated meanwhile.
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
                // The newer release's run does these pending refreshes with its own.
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

    /// Requests a script that does not exist, once, if anything has changed and the entry page is checked.
    async fn page_for_a_missing_script(&self, answers: &BTreeMap<UrlPath, UrlChange>) -> Option<PageForScript> {
        let (Some(url), Some(page), false) = (self.url, self.page, answers.is_empty()) else { return None };
        self.visitor(url).page_for_a_missing_script(page).await
    }

    /// The release is right, but tabs that are open since an older one may break: a warning, or a failure if the user asked
    /// for that.
    fn tell_of_a_page_for_a_script(&self, found: Option<PageForScript>) -> Result<(), Problem> {
        let Some(problem) = found.map(|found| found.problem()) else { return Ok(()) };
        if self.strict {
            return Err(problem);
        }
        self.events.warn(problem.in_one_line());
        Ok(())
    }

    /// If one of the environment's own distributions did not accept its refresh, this run fails.
    fn further_ones_took_theirs(&self, refreshed: &Refreshed) -> Result<(), Problem> {
        let mut refused = refreshed.elsewhere.iter().filter(|one| one.ids.is_none());
        let refused = refused.find(|one| self.further.contains(&one.refresh.distribution));
        refused.map_or(Ok(()), |one| {
            let message = format!("distribution {} was not refreshed", one.refresh.distribution);
            Err(Problem::new(Code::RefreshFailed, message)
                .hint("The paths stay recorded; the warning says why. Then run the same command again."))
        })
    }

    /// The pending refreshes of the environment's distribution, and those of others.
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

    /// Requests the pending refreshes of other distributions, as far as these credentials allow, and removes them from the
    /// head. A refresh that a further distribution of the environment has accepted stays there as sent, unless the run does
    /// not wait. An environment without a distribution has no access to CloudFront.
    async fn ask_elsewhere(
        &self,
        asking: &mut Asking<'_>,
        pointer: Pointer,
        others: Vec<Refresh>,
        refreshed: &mut Refreshed,
    ) -> Result<Pointer, Problem> {
        let (mut done, mut sent) = (Vec::new(), Vec::new());
        // If one request to a distribution fails, all its pending refreshes fail.
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
                        // This run does not check refreshes that its own environment sent: CloudFront accepted those too.
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

    /// Requests the pending refreshes of the environment's distribution. Returns what CloudFront accepted of each.
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

    /// Fetches the site's URLs until they answer as they should, the fault turns out to be elsewhere than the CDN, or the time
    /// is up. Returns early, to request again, if CloudFront reports completion and the site still answers with old bytes.
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
            // This comes first: a run that was superseded requests nothing again.
            if self.is_overtaken().await? {
                return Ok(Looked::Overtaken);
            }
            let any = |prospect| wrong.iter().any(|mismatch: &Mismatch| mismatch.instead.prospect() == prospect);
            is_any_right |= wrong.len() < looks.len();
            // An answer may be an old copy at the CDN. A host that answered once has a name and a certificate.
            let is_final = |mismatch: &Mismatch| match mismatch.instead {
                Instead::NoAnswer(_) => !is_any_right,
                _ => keeps_nothing_old,
            };
            let hopeless = |mismatch: &&Mismatch| mismatch.instead.prospect() == Prospect::Never;
            if wrong.iter().filter(hopeless).any(is_final) {
                return Ok(Looked::Wrong(wrong));
            }
            // Cached errors are gone too: if no answer at all is right, the address does not lead to the site.
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

    /// Opens the site's entry page until it and what it loads are as they should be, if anything has changed.
    async fn until_page_is_whole(&self, answers: &BTreeMap<UrlPath, UrlChange>) -> Result<(), Problem> {
        let (Some(url), Some(page), false) = (self.url, self.page, answers.is_empty()) else { return Ok(()) };
        let visitor = self.visitor(url);
        let mut pace = Pace { lasts: self.settings.timeout.min(ERRORS_KEPT), ..Pace::start(self) };
        while let Some(blank) = visitor.open_entry_page(page).await {
            // Only a different page fixes that: a failure would lead to repeated runs that change nothing.
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

    /// Reports headers that still differ from the published ones although the CDN has dropped the old copies.
    fn warn_of_other_headers(&self, wrong: &[Mismatch]) {
        let Some(first) = wrong.first() else { return };
        let urls: BTreeSet<&str> = wrong.iter().map(|mismatch| mismatch.url.as_str()).collect();
        let more = if urls.len() > 1 { format!("; and so on, {} URLs in all", urls.len()) } else { String::new() };
        self.events.warn(format!("{}{more}. {}", first.sentence(), first.instead.next_step()));
    }

    /// Whether another release is active, or about to be.
    async fn is_overtaken(&self) -> Result<bool, Problem> {
        let head = self.state.read_head().await?.head;
        let active = head.active.as_ref().map(|active| active.release);
        Ok(head.activation.is_some() || (self.release.is_some() && active != self.release))
    }

    /// Records the pending refreshes under new ids, so that CloudFront treats them as new. Run and revision make the ids unique,
    /// and as short as the first ones, however often this happens.
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

    /// Removes the finished refreshes from the head and marks those that were sent, whatever else has changed in it meanwhile.
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

/// The message about another environment's distribution whose refresh stays pending, with the reason if it was requested.
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

/// The result of checking the site's URLs.
enum Looked {
    Right(Seen),
    /// URLs that still answer with old bytes although CloudFront reports completion.
    StillOld,
    /// Answers that waiting cannot change.
    Wrong(Vec<Mismatch>),
    Overtaken,
}

/// How the right answers were seen.
#[derive(Default)]
struct Seen {
    /// Whether CloudFront had completed all of it.
    is_completed: bool,
    /// The edge location, if known.
    edge: Option<String>,
}

/// Describes what visitors get at the URL that is least likely to recover, and how many other URLs are wrong.
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

/// Reports that a browser cannot show the entry page, and why.
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

    /// The remaining time.
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
