//! The report of a run as a page of Markdown, for pipelines that show one.
//!
//! Names, messages and addresses come from a build, from AWS and from publish.toml: none of them may add markup, notify
//! anybody or lead elsewhere. All of them pass through `escapes`.

mod escapes;

use crate::content::path::UrlPath;
use crate::report::changes::{Changed, ChangedPath};
use crate::report::{ErrorReport, InvalidationReport, InvalidationStatus, OtherDistribution, Outcome, Report};
use crate::types::text::{asked, count};

use escapes::{code, destination, prose};

/// Room kept for the frame of each list that does not fit: its heading, how many more there are, and its end.
const FRAME: usize = 256;

/// How many lists there are at most.
const LISTS: usize = 4;

/// Longer lists are folded.
const SHOWN: usize = 20;

/// How many causes of a failure are told.
const CAUSES: usize = 5;

/// `report` as Markdown of at most `max_bytes`, which must be 64,000 or more: what is live, what changed with a link to each
/// page, sizes, the CDN's paths and their price, warnings, and how to go back. What does not fit is counted. `worded`
/// gives texts the commands as they are typed here.
pub fn summary(report: &Report, worded: &dyn Fn(&str) -> String, max_bytes: usize) -> String {
    let mut page = Page { text: String::new(), max_bytes, lists: LISTS };
    page.line(&format!("### {}", title(report)));
    page.line("");
    facts(report, worded).iter().for_each(|(name, fact)| page.line(&format!("- **{name}:** {fact}")));
    if let Some(error) = &report.error {
        failure(error, worded).iter().for_each(|line| page.line(line));
    }
    let warnings = report.warnings.iter().map(|warning| prose(&worded(warning)));
    page.list("warning", warnings.collect());
    if is_told(report) {
        let (pages, files): (Vec<_>, Vec<_>) = report.changes.paths.iter().partition(|changed| changed.path.is_page());
        page.list("page", pages.into_iter().map(|changed| change(changed, report)).collect());
        page.list("other file", files.into_iter().map(|changed| change(changed, report)).collect());
    }
    let paths = report.invalidation.iter().flat_map(|invalidation| &invalidation.paths);
    page.folded("CDN path", paths.map(|path| code(path)).collect());
    page.text
}

/// What is written so far, and what may follow.
struct Page {
    text: String,
    max_bytes: usize,
    /// How many lists may follow, the one that is written included.
    lists: usize,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The list of all `items` that fit, folded where it is long.
    fn list(&mut self, noun: &str, items: Vec<String>) {
        if items.len() > SHOWN {
            return self.folded(noun, items);
        }
        if !items.is_empty() {
            self.line(&format!("\n**{}**\n", count(items.len(), noun)));
            self.items(items);
        }
        self.lists -= 1;
    }

    /// The folded list of all `items` that fit.
    fn folded(&mut self, noun: &str, items: Vec<String>) {
        if !items.is_empty() {
            self.line(&format!("\n<details><summary>{}</summary>\n", count(items.len(), noun)));
            self.items(items);
            self.line("\n</details>");
        }
        self.lists -= 1;
    }

    fn items(&mut self, items: Vec<String>) {
        let room = self.max_bytes.saturating_sub(self.lists * FRAME);
        let all = items.len();
        for (at, item) in items.into_iter().enumerate() {
            if self.text.len() + item.len() > room {
                return self.line(&format!("- and {} more", all - at));
            }
            self.line(&format!("- {item}"));
        }
    }
}

/// Whether what changes is what became of the site, or will.
fn is_told(report: &Report) -> bool {
    report.error.is_none() || report.exit_code == crate::report::error::ExitCode::NotRefreshed.number()
}

fn title(report: &Report) -> String {
    let environment = code(&report.environment);
    let release = report.release.map_or_else(|| "nothing".to_owned(), |release| format!("release {release}"));
    let command = code(&report.command);
    if report.error.is_some() {
        let of = if report.environment.is_empty() { String::new() } else { format!(" to {environment}") };
        return format!("{command}{of} ended with exit code {}", report.exit_code);
    }
    let what = match report.outcome {
        Outcome::Published | Outcome::Activated | Outcome::Promoted => format!("R{} is live", &release[1..]),
        Outcome::RolledBack => format!("R{} is live again", &release[1..]),
        Outcome::Staged => format!("R{} is staged and not live yet", &release[1..]),
        Outcome::Unchanged if report.command == "plan" => format!("Nothing would change: {release} is live"),
        Outcome::Unchanged => format!("Nothing changed: {release} is live"),
        Outcome::Repaired => format!("Nothing changed: {release} is live; something unfinished was finished"),
        Outcome::Pruned => "What no release needs was removed".to_owned(),
        Outcome::Held => format!("Publishing is held: {release} is live"),
        Outcome::Invalidated => "The CDN was refreshed".to_owned(),
        Outcome::Verified if report.command == "plan" => "A publish would change the site".to_owned(),
        Outcome::Verified | Outcome::Superseded | Outcome::Failed => format!("{command} is done"),
    };
    format!("{what} in {environment}")
}

/// What is said of every run in a line each.
fn facts(report: &Report, worded: &dyn Fn(&str) -> String) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(url) = &report.url {
        let url = format!("{}/", url.trim_end_matches('/'));
        facts.push(("Site", format!("[{}]({})", code(&url), destination(&url))));
    }
    if report.error.is_none()
        && report.outcome != Outcome::Verified
        && let Some(previous) = report.previous_release.filter(|previous| Some(*previous) != report.release)
    {
        facts.push(("Before", format!("release {previous}")));
    }
    let numbers = report.files.to_string();
    if is_told(report) && !numbers.is_empty() {
        facts.push(("Files", numbers));
    }
    let changes = &report.changes;
    if is_told(report) && !changes.paths.is_empty() {
        facts.push(("Size", format!("{} before, {} after", size(changes.bytes_before), size(changes.bytes_after))));
    }
    if report.uploaded.objects > 0 {
        let at_most = if report.command == "plan" { "up to " } else { "" };
        let (objects, bytes) = (count(report.uploaded.objects, "object"), size(report.uploaded.bytes));
        facts.push(("Sent", format!("{at_most}{objects} ({bytes})")));
    }
    facts.extend(report.invalidation.as_ref().map(|invalidation| ("CDN", refresh(invalidation))));
    facts.extend(report.other_distributions.iter().map(|other| ("Also at", elsewhere(other))));
    if let Some(way) = report.way_back() {
        let command = worded(&format!("`{}`", way.command()));
        facts.push(("Go back", code(command.trim_matches('`'))));
    }
    facts
}

fn refresh(invalidation: &InvalidationReport) -> String {
    let paths = asked(&invalidation.paths);
    let done = match invalidation.status {
        InvalidationStatus::Planned => format!("{paths} to refresh"),
        InvalidationStatus::Requested => format!("refresh of {paths} requested, not waited for"),
        InvalidationStatus::Effective | InvalidationStatus::Completed => format!("{paths} refreshed"),
        InvalidationStatus::Owed => format!("{paths} not refreshed yet"),
    };
    let price = match invalidation.paths_paid {
        0 => String::new(),
        paid => format!(
            "; {} to pay: ${}, or nothing within the account's free paths of the month",
            count(paid, "path"),
            invalidation.price_usd
        ),
    };
    let evicted = match invalidation.evicted_unchanged {
        0 => String::new(),
        files => {
            format!("; also evicts {} ({})", count(files, "unchanged file"), size(invalidation.evicted_bytes))
        }
    };
    format!("{done}{price}{evicted}")
}

/// What became of a refresh at another distribution.
fn elsewhere(other: &OtherDistribution) -> String {
    let paths = asked(&other.paths);
    let done = match other.status {
        InvalidationStatus::Owed => format!("{paths} not refreshed yet"),
        InvalidationStatus::Completed => format!("{paths} refreshed"),
        _ => format!("refresh of {paths} requested"),
    };
    format!("distribution {}: {done}", code(&other.distribution))
}

fn failure(error: &ErrorReport, worded: &dyn Fn(&str) -> String) -> Vec<String> {
    let said = |text: &str| prose(&worded(text));
    let mut lines = vec![String::new(), format!("> **{}**", said(&error.message))];
    let mut more = |text: String| lines.extend([">".to_owned(), format!("> {text}")]);
    error.causes.iter().take(CAUSES).for_each(|cause| more(format!("caused by: {}", said(cause))));
    [&error.visitors_see, &error.hint].into_iter().filter(|text| !text.is_empty()).for_each(|text| more(said(text)));
    lines
}

/// A path that changes, with a link where it answers now.
fn change(changed: &ChangedPath, report: &Report) -> String {
    let ChangedPath { path, what, bytes_before, bytes_after } = changed;
    let name = code(path.as_str());
    let answers = if report.command == "plan" { bytes_before } else { bytes_after };
    let named = match &report.url {
        Some(url) if answers.is_some() => {
            let address = format!("{}{}", url.trim_end_matches('/'), UrlPath::encode(path.as_str()).as_str());
            format!("[{name}]({})", destination(&address))
        }
        _ => name,
    };
    let verb = match what {
        Changed::Added => "added",
        Changed::Replaced => "changed",
        Changed::Reheadered => "new headers",
        Changed::Removed => "removed",
    };
    let sizes = match (bytes_before, bytes_after) {
        (Some(before), Some(after)) if before != after => {
            format!(" ({} before, {} after)", size(*before), size(*after))
        }
        (_, Some(bytes)) | (Some(bytes), None) => format!(" ({})", size(*bytes)),
        (None, None) => String::new(),
    };
    format!("{verb} {named}{sizes}")
}

/// `900 B`, `1.20 MB`: as a terminal shows it.
fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    match UNITS.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{:.2} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests;
