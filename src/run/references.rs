//! Reports broken references, before anything is sent.

use std::collections::BTreeMap;

use super::near_misses::NearMisses;
use crate::content::closure::{BarePlus, Broken, Closure};
use crate::report::error::{Code, Problem};
use crate::report::event::Events;

/// How many missing files a refusal lists.
const NAMED: usize = 10;

/// How many missing files a warning lists.
const WARNED: usize = 3;

/// Refuses a site with a broken page, unless that is allowed; warns of every other broken reference.
pub(super) fn check(
    closure: &Closure,
    url: Option<&str>,
    allow_broken: bool,
    events: Events<'_>,
) -> Result<(), Problem> {
    let outside: Vec<&Broken> = closure.outside.iter().filter(|broken| broken.essential).collect();
    if let Some(url) = url.filter(|_| !outside.is_empty()) {
        let problem = outside_of(&outside, closure.unnamed_folder.as_deref(), url);
        stop_unless(allow_broken, located(problem, &outside), events)?;
    } else if let (Some(folder), Some(url)) = (&closure.unnamed_folder, url) {
        let (url, named) = (url.trim_end_matches('/'), folder.trim_end_matches('/'));
        events.warn(format!(
            "The pages look for their files below `/{folder}`, but the site's address is {url}. If visitors reach the site at \
             {url}/{named}, set `url` to that; otherwise rebuild it for its address."
        ));
    }
    warn_of_pluses(&closure.bare_pluses, events);
    if closure.broken.is_empty() {
        return Ok(());
    }
    let near = NearMisses::among(closure.files());
    let (essential, others): (Vec<_>, Vec<_>) = closure.broken.iter().partition(|broken| broken.essential);
    if !others.is_empty() {
        events.warn(format!(
            "{}: {}.",
            count(others.len(), "leads nowhere", "lead nowhere"),
            name(&others, &near, WARNED)
        ));
    }
    if essential.is_empty() {
        return Ok(());
    }
    let needed = count(essential.len(), "that a page needs leads nowhere", "that pages need lead nowhere");
    let problem = Problem::new(Code::BrokenReference, format!("{needed}: {}", name(&essential, &near, NAMED))).hint(
        "Did the build succeed, and is this its complete output? If something else serves these addresses, list them under \
         `external` in publish.toml; `--allow-broken` publishes anyway.",
    );
    stop_unless(allow_broken, located(problem, &essential), events)
}

/// `problem`, with the place of the first of `broken`.
fn located(problem: Problem, broken: &[&Broken]) -> Problem {
    let Some(first) = broken.first() else { return problem };
    problem.at(first.file.as_str(), usize::try_from(first.line).unwrap_or_default())
}

fn stop_unless(allowed: bool, problem: Problem, events: Events<'_>) -> Result<(), Problem> {
    if allowed {
        events.warn(format!("{}.", problem.message));
        return Ok(());
    }
    Err(problem)
}

/// The refusal of a site whose pages look for their own files in the wrong place: at `url` they would be blank.
fn outside_of(outside: &[&Broken], unnamed_folder: Option<&str>, url: &str) -> Problem {
    let url = url.trim_end_matches('/');
    let host_begins = url.find("://").map_or(0, |end| end + 3);
    let host_ends = url[host_begins..].find('/').map_or(url.len(), |end| host_begins + end);
    let (host, base) = (&url[..host_ends], &url[host_ends..]);
    let reached_at = unnamed_folder.map_or(host.to_owned(), |folder| format!("{url}/{}", folder.trim_end_matches('/')));
    let needed = count(outside.len(), "that a page needs", "that pages need");
    let lead = if outside.len() == 1 { "points" } else { "point" };
    Problem::new(
        Code::BrokenReference,
        format!("{needed} {lead} outside the site at {url}: {}", name(outside, &NearMisses::default(), NAMED)),
    )
    .hint(format!(
        "Visitors would get blank pages. Build the site for its address (in Vite `base: '{base}/'`), or set `url` to \
         {reached_at} if that is where visitors reach it. If something else serves these addresses, list them under `external` \
         in publish.toml; `--allow-broken` publishes anyway."
    ))
}

/// Warns of links that have a bare `+` instead of `%2B`.
fn warn_of_pluses(links: &[BarePlus], events: Events<'_>) {
    let mut first: BTreeMap<&str, &BarePlus> = BTreeMap::new();
    for link in links {
        first.entry(&link.written).or_insert(link);
    }
    if first.is_empty() {
        return;
    }
    let number = first.len();
    let named = first.into_values().take(WARNED);
    let named: Vec<String> =
        named.map(|BarePlus { file, line, written }| format!("`{written}` (in `{file}`, line {line})")).collect();
    let more = if number > WARNED { format!("; and so on, {number} in all") } else { String::new() };
    events.warn(format!(
        "S3 reads a `+` in a URL as a space, so these links do not work: {}{more}. Write `%2B` instead of `+`.",
        named.join("; ")
    ));
}

fn count(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 reference {one}"),
        _ => format!("{count} references {many}"),
    }
}

/// The first missing files, sorted by path, each with the first place that refers to it, and with the file that nearly
/// matches it.
fn name(broken: &[&Broken], near: &NearMisses<'_>, most: usize) -> String {
    let mut missing: BTreeMap<&str, Vec<&Broken>> = BTreeMap::new();
    for reference in broken {
        missing.entry(&reference.resolved).or_default().push(reference);
    }
    let files = missing.len();
    let named = missing.into_values().take(most).filter_map(|places| {
        let first = places.first()?;
        let Broken { file, line, written, role, .. } = first;
        let more = match places.len() - 1 {
            0 => String::new(),
            1 => " and 1 other place".to_owned(),
            more => format!(" and {more} other places"),
        };
        let near = near.of(&first.resolved).map(|near| format!("; {near}")).unwrap_or_default();
        Some(format!("the {} `{written}` (in `{file}`, line {line}{more}{near})", role.noun()))
    });
    let named = named.collect::<Vec<_>>().join("; ");
    if files > most { format!("{named}; and so on, {files} files in all") } else { named }
}
