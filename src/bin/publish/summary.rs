//! Results for people: what a run did, would do or found, in a few lines.

pub(crate) mod diff;
pub(crate) mod environments;
mod explanations;
mod policies;
pub(crate) mod prune;
mod refresh;
pub(crate) mod releases;
pub(crate) mod show;
mod table;
mod text;
mod verify;
#[cfg(test)]
mod widths;

use std::time::Duration;

use indicatif::DecimalBytes;
use publish::config::environment::Environment;
use publish::plan::{Change, PlanView};
use publish::release::counts::FileCounts;
use publish::release::manifest::Publisher;
use publish::report::{Outcome, Report, WayBack};
use publish::types::text::{asked, count, first_few, printable};
use publish::views::status::{ActivationStatus, HoldStatus, Status};

use crate::terminal::layout::{filled, labelled};
use crate::terminal::style::Style;

pub(crate) use explanations::render_explanations;
pub(crate) use policies::render_policies;
pub(crate) use verify::render_findings;

/// What became live.
pub(crate) fn render(report: &Report, environment: &Environment, verbose: bool, style: Style) -> String {
    let release = report.release.map_or_else(|| "nothing".to_owned(), |release| format!("release {release}"));
    let place = place(report, environment);
    let mut text = match report.outcome {
        Outcome::Unchanged if report.command == "rollback" => {
            let title = style.bold("Nothing to roll back:");
            filled("", &format!("{title} {release} is live already at {place}"), style)
        }
        Outcome::Unchanged | Outcome::Held => {
            filled("", &format!("{} {release} is live at {place}", style.bold("Nothing changed:")), style)
        }
        Outcome::Repaired => {
            let title = style.bold("Nothing changed:");
            let done = "finished what an earlier run had left to do";
            filled("", &format!("{title} {release} is live at {place}; {done}"), style)
        }
        Outcome::Staged => {
            let number = report.release.map_or_else(String::new, |release| release.to_string());
            filled("", &format!("{} {release}; not live yet", style.green("Staged:")), style)
                + &labelled("make it live with", 0, &style.here().command(&format!("publish activate {number}")), style)
        }
        outcome => {
            let again = if outcome == Outcome::RolledBack { " again" } else { "" };
            let title = format!("R{} is live{again}", &release[1..]);
            let mut text = format!("{}\n", style.green(&title));
            let mut line = |name: &str, value: &str| {
                text.push_str(&labelled(name, 8, value, style));
            };
            line("where", &place);
            line("changed", &format!("{}; {}", changes(&report.files), sent(report)));
            line("CDN", &refresh::own(report.invalidation.as_ref(), environment));
            report
                .other_distributions
                .iter()
                .for_each(|other| line("also at", &refresh::elsewhere(other, environment)));
            if let Some(way) = report.way_back() {
                let name = if way == WayBack::Back { "go back" } else { "undo" };
                line(name, &style.here().command(&way.command()));
            }
            line("took", &duration(Duration::from_millis(report.duration_ms)));
            text
        }
    };
    if verbose {
        text.push_str(&details(report, style));
    }
    text
}

/// What was taken out of the CDN.
pub(crate) fn render_invalidated(report: &Report, environment: &Environment) -> String {
    let mut text = format!("CDN: {}\n", refresh::own(report.invalidation.as_ref(), environment));
    for other in &report.other_distributions {
        text.push_str(&format!("{}\n", refresh::elsewhere(other, environment)));
    }
    text
}

/// What a publish would do: the numbers, then every path, then every path of the CDN.
pub(crate) fn render_plan(report: &Report, plan: Option<&PlanView>, environment: &Environment, style: Style) -> String {
    if report.exit_code == 0 {
        return render_plan_in_short(report, environment, style);
    }
    let place = printable(&environment.layout.live_prefix().to_string());
    let mut text = filled("", &style.bold(&format!("A publish to {place} would")), style);
    let mut line = |name: &str, value: &str| {
        text.push_str(&labelled(name, 8, value, style));
    };
    let uploaded = &report.uploaded;
    line("change", &changes(&report.files));
    line("send", &format!("up to {} ({})", count(uploaded.objects, "object"), DecimalBytes(uploaded.bytes)));
    line("copy", &count(report.copied, "object"));
    line("remove", &count(report.deleted, "object"));
    line("CDN", &refresh::own(report.invalidation.as_ref(), environment));
    for other in plan.into_iter().flat_map(|plan| &plan.other_distributions) {
        line("also at", &refresh::planned_elsewhere(other, environment));
    }
    let marks = plan.into_iter().flat_map(|plan| &plan.changes).map(|change| {
        let path = printable(change.path.as_str());
        match change.change {
            Change::Add => format!("+ {path}"),
            Change::Replace => format!("~ {path}"),
            Change::Reheader => format!("~ {path} (headers)"),
            Change::Remove => format!("- {path}"),
            Change::Retire => format!("- {path} (kept for open tabs until its retention ends)"),
        }
    });
    for mark in marks {
        let (sign, path) = mark.split_at(2);
        text.push_str(&filled(sign, path, style));
    }
    text.push_str(&paths(report, style));
    for other in plan.into_iter().flat_map(|plan| &plan.other_distributions) {
        let name = style.dim(&printable(&other.distribution)).to_string();
        other.paths.iter().for_each(|path| text.push_str(&format!("{name} {}\n", printable(path))));
    }
    text
}

/// What a publish would do, in one line.
pub(crate) fn render_plan_in_short(report: &Report, environment: &Environment, style: Style) -> String {
    if report.exit_code == 0 {
        let release = report.release.map_or_else(String::new, |release| format!("; release {release} is live"));
        return filled("", &format!("{}{release}", style.bold("Nothing to do")), style);
    }
    let place = printable(&environment.layout.live_prefix().to_string());
    filled("", &format!("{} at {}; {}", style.bold("Something to do"), place, changes(&report.files)), style)
}

/// What is live, and anything unfinished, held, pending or owed.
pub(crate) fn render_status(status: &Status, report: &Report, environment: &Environment, style: Style) -> String {
    let mut text = match status.release {
        Some(release) => {
            let since = status.since.map(|since| since.to_the_minute());
            let (is_live, since) = match since {
                Some(since) => ("has been live", format!(" since {since}")),
                None => ("is live", String::new()),
            };
            let title = style.bold(&format!("Release {release} {is_live}"));
            filled("", &format!("{title}{since} at {}", place(report, environment)), style)
        }
        None => {
            let place = printable(&environment.layout.live_prefix().to_string());
            filled("", &format!("{} at {place}", style.bold("Nothing is published")), style)
        }
    };
    let mut line = |name: &str, value: &str| {
        text.push_str(&labelled(name, 10, value, style));
    };
    if let Some(publisher) = &status.publisher {
        line("by", &who(publisher));
        if let Some(build) = text::build(publisher) {
            line("built from", &build);
        }
    }
    if let Some(files) = &status.files {
        line("changed", &changes(files));
    }
    if let Some(previous) = status.previous_release {
        line("before it", &format!("release {previous}"));
    }
    if let Some(ActivationStatus { to, publisher, since, lease_remaining_s }) = &status.activation {
        let what = match lease_remaining_s {
            0 => "which was interrupted; the next publish finishes it".to_owned(),
            seconds => format!("which is in progress ({seconds} s left)"),
        };
        line(
            "unfinished",
            &format!("activation of release {to}, started {} by {}, {what}", since.to_the_minute(), who(publisher)),
        );
    }
    if status.pruning {
        line("unfinished", "a prune; if no other run is working on it, `publish prune` finishes it");
    }
    let own = environment.distribution.as_deref();
    for refresh in &status.pending_refreshes {
        let (paths, since) = (asked(&refresh.paths), refresh.since.to_the_minute());
        let (of, who) = match own == Some(refresh.distribution.as_str()) {
            true => (String::new(), "run `publish` to retry"),
            false => {
                (format!(" at distribution {}", printable(&refresh.distribution)), "a publish with access retries")
            }
        };
        line("CDN", &format!("{paths} not refreshed yet{of}, since {since}; {who}"));
    }
    sent_refreshes(status, own).iter().for_each(|text| line("sent", text));
    other_distributions(status, own).iter().for_each(|text| line("also at", text));
    if let Some(HoldStatus { publisher, since, reason }) = &status.hold {
        let reason = reason.as_ref().map_or_else(String::new, |reason| format!(": {}", printable(reason)));
        line("held", &format!("since {} by {}{reason}", since.to_the_minute(), who(publisher)));
    }
    if !status.leftovers.is_empty() {
        let (number, named) = (count(status.leftovers.len(), "file"), named(&status.leftovers));
        line(
            "left over",
            &format!("{number} that left the site, still reachable: {named}; `publish prune` removes them"),
        );
    }
    if !status.suspects.is_empty() {
        let (number, named) = (count(status.suspects.len(), "path"), named(&status.suspects));
        line(
            "at risk",
            &format!(
                "an interrupted run may still overwrite {number}: {named}; publish again after 15 minutes to check and repair \
                 them; `publish verify` shows their state now"
            ),
        );
    }
    text
}

/// How each refresh stands that CloudFront has taken.
fn sent_refreshes(status: &Status, own: Option<&str>) -> Vec<String> {
    let said = status.sent_refreshes.iter().map(|refresh| {
        let (paths, since) = (asked(&refresh.paths), refresh.since.to_the_minute());
        let of = match own == Some(refresh.distribution.as_str()) {
            true => "the CDN".to_owned(),
            false => format!("distribution {}", printable(&refresh.distribution)),
        };
        let stands = match refresh.completed {
            Some(true) => "CloudFront has completed it",
            Some(false) => "CloudFront has not completed it yet",
            None => "whether CloudFront has completed it is not known",
        };
        format!("refresh of {paths} of {of} for release {}, since {since}; {stands}", refresh.release)
    });
    said.collect()
}

/// The distributions beside the environment's own, and what each has seen.
fn other_distributions(status: &Status, own: Option<&str>) -> Vec<String> {
    let others = status.distributions.iter().filter(|known| own != Some(known.distribution.as_str()));
    let said = others.map(|known| {
        let is_sent = status.sent_refreshes.iter().any(|sent| sent.distribution == known.distribution);
        let seen = match known.seen {
            Some(release) => format!("was last refreshed for release {release}"),
            None if is_sent => "has not completed a refresh yet".to_owned(),
            None => "has not been refreshed for the live release".to_owned(),
        };
        format!("distribution {}, which {seen}", printable(&known.distribution))
    });
    said.collect()
}

/// The first few paths.
fn named(paths: &[String]) -> String {
    printable(&first_few(paths.iter()))
}

/// `octocat, https://github.com/octocat/hello/actions/runs/42`
fn who(publisher: &Publisher) -> String {
    let parts: Vec<&str> = publisher.who.iter().chain(&publisher.place).map(String::as_str).collect();
    if parts.is_empty() { "someone".to_owned() } else { printable(&parts.join(", ")) }
}

/// `https://www.example.com (s3://example-site/live/)`
fn place(report: &Report, environment: &Environment) -> String {
    let live = environment.layout.live_prefix();
    match report.url.as_ref().or(environment.url.as_ref()) {
        Some(url) => printable(&format!("{url}/ ({live})")),
        None => printable(&live.to_string()),
    }
}

fn changes(files: &FileCounts) -> String {
    let numbers = files.to_string();
    if numbers.is_empty() { "no files".to_owned() } else { format!("files: {numbers}") }
}

fn sent(report: &Report) -> String {
    let uploaded = &report.uploaded;
    format!("sent {} ({})", count(uploaded.objects, "object"), DecimalBytes(uploaded.bytes))
}

fn details(report: &Report, style: Style) -> String {
    let mut text = paths(report, style);
    let requests: Vec<String> =
        report.requests.iter().map(|(operation, number)| format!("{operation} {number}")).collect();
    if !requests.is_empty() {
        text.push_str(&filled(&format!("{} ", style.dim("requests")), &requests.join(", "), style));
    }
    text
}

fn paths(report: &Report, style: Style) -> String {
    let paths = report.invalidation.iter().flat_map(|invalidation| &invalidation.paths);
    paths.map(|path| format!("{} {}\n", style.dim("CDN"), printable(path))).collect()
}

/// `340 ms`, `3.4 s`, `2 min 5 s`.
fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match duration.as_millis() {
        0..1_000 => format!("{} ms", duration.as_millis()),
        1_000..60_000 => format!("{:.1} s", duration.as_secs_f64()),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use publish::config::environment::{Access, InvalidationSettings, LeaseSettings, PublishSettings};
    use publish::plan::PathChange;
    use publish::release::layout::Layout;
    use publish::release::manifest::ReleaseNumber;
    use publish::release::retention::RetentionSettings;
    use publish::report::{InvalidationReport, InvalidationStatus, Uploaded};
    use publish::types::clock::Timestamp;
    use publish::views::status::{DistributionStatus, PendingRefresh, SentRefresh};

    use super::*;

    pub(super) fn environment() -> Environment {
        Environment {
            name: "production".to_owned(),
            layout: Layout::new("shop", "example-site", "live", None, None),
            access: Access::default(),
            distribution: Some("E123ABC".to_owned()),
            further_distributions: Vec::new(),
            url: Some("https://www.example.com".to_owned()),
            headers: Vec::new(),
            publish: PublishSettings::default(),
            invalidation: InvalidationSettings::default(),
            retention: RetentionSettings::default(),
            lease: LeaseSettings::default(),
        }
    }

    pub(super) fn published() -> Report {
        let mut report = Report::new("publish", "production");
        report.outcome = Outcome::Published;
        report.release = Some(ReleaseNumber::new(8));
        report.files =
            FileCounts { total: 43, added: 3, replaced: 2, removed: 1, unchanged: 38, ..FileCounts::default() };
        report.uploaded = Uploaded { objects: 5, bytes: 1_200_000 };
        report.invalidation = Some(InvalidationReport {
            ids: vec!["I1".to_owned()],
            paths: vec!["/".to_owned(), "/index.html".to_owned()],
            paths_paid: 2,
            price_usd: "0.010".to_owned(),
            status: InvalidationStatus::Effective,
            completed: true,
            edge: None,
            evicted_unchanged: 0,
            evicted_bytes: 0,
            because: None,
        });
        report.duration_ms = 3_400;
        report
    }

    #[test]
    fn a_publish_is_five_lines() {
        let expected = "Release 8 is live\n  \
            where    https://www.example.com/ (s3://example-site/live/)\n  \
            changed  files: 3 added, 2 replaced, 1 removed, 38 unchanged; sent 5 objects (1.20 MB)\n  \
            CDN      2 paths refreshed and checked at the site's URLs ($0.01, or free)\n  \
            took     3.4 s\n";
        assert_eq!(render(&published(), &environment(), false, Style::plain()), expected);
    }

    #[test]
    fn an_unchanged_publish_is_one_line() {
        let report = Report { outcome: Outcome::Unchanged, ..published() };
        let expected = "Nothing changed: release 8 is live at https://www.example.com/ (s3://example-site/live/)\n";
        assert_eq!(render(&report, &environment(), false, Style::plain()), expected);
    }

    #[test]
    fn verbose_adds_paths_and_requests() {
        let mut report = published();
        report.requests.insert("PutObject".to_owned(), 5);
        let text = render(&report, &environment(), true, Style::plain());
        assert!(text.ends_with("CDN /\nCDN /index.html\nrequests PutObject 5\n"), "{text}");
    }

    #[test]
    fn a_plan_without_changes_is_one_line() {
        let report = Report { exit_code: 0, ..published() };
        assert_eq!(render_plan(&report, None, &environment(), Style::plain()), "Nothing to do; release 8 is live\n");
    }

    #[test]
    fn a_plan_names_every_path() {
        let change = |path: &str, change| PathChange { path: path.to_owned(), change, size_bytes: None, kind: None };
        let plan = PlanView {
            from: Some(ReleaseNumber::new(8)),
            files: FileCounts::default(),
            changes: vec![change("about.html", Change::Remove), change("index.html", Change::Replace)],
            uploaded: Uploaded::default(),
            copied: 0,
            deleted: 1,
            paths: Vec::new(),
            price_usd: "0.000".to_owned(),
            evicted_unchanged: 0,
            evicted_bytes: 0,
            because: None,
            other_distributions: Vec::new(),
        };
        let text = render_plan(&Report { exit_code: 10, ..published() }, Some(&plan), &environment(), Style::plain());
        assert!(text.contains("up to 5 objects (1.20 MB)"), "{text}");
        assert!(text.ends_with("- about.html\n~ index.html\nCDN /\nCDN /index.html\n"), "{text}");
    }

    #[test]
    fn a_status_tells_what_is_live_and_what_is_unfinished() {
        let publisher = Publisher { who: Some("octocat".to_owned()), ..Publisher::default() };
        let built = Publisher {
            commit: Some("c0ffee0".to_owned()),
            branch: Some("main".to_owned()),
            message: Some("Raise the prices".to_owned()),
            ..publisher.clone()
        };
        let since = Timestamp::from_unix_seconds(0);
        let owed = |distribution: &str| PendingRefresh {
            release: ReleaseNumber::new(8),
            distribution: distribution.to_owned(),
            since,
            paths: vec!["/".to_owned()],
        };
        let sent = |distribution: &str, completed| SentRefresh {
            release: ReleaseNumber::new(7),
            distribution: distribution.to_owned(),
            since,
            paths: vec!["/".to_owned(); 2],
            ids: vec!["I1".to_owned()],
            completed,
        };
        let of = |distribution: &str, seen: Option<u64>| DistributionStatus {
            distribution: distribution.to_owned(),
            seen: seen.map(ReleaseNumber::new),
            owed: vec!["/".to_owned()],
        };
        let status = Status {
            environment: None,
            release: Some(ReleaseNumber::new(8)),
            since: Some(since),
            publisher: Some(built),
            files: Some(FileCounts { replaced: 2, unchanged: 27, ..FileCounts::default() }),
            previous_release: Some(ReleaseNumber::new(7)),
            activation: Some(ActivationStatus {
                to: ReleaseNumber::new(9),
                publisher: publisher.clone(),
                since,
                lease_remaining_s: 0,
            }),
            distributions: vec![of("E123ABC", None), of("E456DEF", Some(7))],
            pending_refreshes: vec![owed("E123ABC"), owed("E456DEF")],
            sent_refreshes: vec![sent("E123ABC", Some(false)), sent("E123ABC", Some(true)), sent("E456DEF", None)],
            leftovers: vec!["old.html".to_owned()],
            suspects: Vec::new(),
            hold: Some(HoldStatus { publisher, since, reason: Some("incident".to_owned()) }),
            pruning: false,
        };
        let text = render_status(&status, &Report::new("status", "production"), &environment(), Style::plain());
        let expected = "Release 8 has been live since 1970-01-01 00:00 UTC at https://www.example.com/ (s3://example-site/live/)\n  \
            by         octocat\n  \
            built from c0ffee0 main: Raise the prices\n  \
            changed    files: 2 replaced, 27 unchanged\n  \
            before it  release 7\n  \
            unfinished activation of release 9, started 1970-01-01 00:00 UTC by octocat, which was interrupted; the \
            next publish finishes it\n  \
            CDN        1 path not refreshed yet, since 1970-01-01 00:00 UTC; run `publish` to retry\n  \
            CDN        1 path not refreshed yet at distribution E456DEF, since 1970-01-01 00:00 UTC; a publish with \
            access retries\n  \
            sent       refresh of 2 paths of the CDN for release 7, since 1970-01-01 00:00 UTC; CloudFront has not completed it yet\n  \
            sent       refresh of 2 paths of the CDN for release 7, since 1970-01-01 00:00 UTC; CloudFront has completed it\n  \
            sent       refresh of 2 paths of distribution E456DEF for release 7, since 1970-01-01 00:00 UTC; whether CloudFront \
            has completed it is not known\n  \
            also at    distribution E456DEF, which was last refreshed for release 7\n  \
            held       since 1970-01-01 00:00 UTC by octocat: incident\n  \
            left over  1 file that left the site, still reachable: `old.html`; `publish prune` removes them\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn durations() {
        let texts = [340, 3_400, 59_999, 125_000].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(texts, ["340 ms", "3.4 s", "60.0 s", "2 min 5 s"]);
    }
}
