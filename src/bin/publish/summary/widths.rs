//! A test: everything that people read, in narrow, usual and wide terminals.

use std::collections::BTreeSet;

use publish::content::path::SitePath;
use publish::plan::diff::{Changed, Diff, Difference};
use publish::plan::sweep::PruneView;
use publish::plan::{Change, PathChange, PlanView};
use publish::release::counts::FileCounts;
use publish::release::manifest::{Publisher, ReleaseNumber};
use publish::report::error::{Code, Problem, VisitorsSee};
use publish::report::event::Event;
use publish::report::{InvalidationReport, InvalidationStatus, Outcome, Report, Uploaded};
use publish::stages::audit::{Finding, FindingKind};
use publish::types::clock::Timestamp;
use publish::types::digest::Digest;
use publish::types::headers::Kind;
use publish::views::releases::{
    ActivationView, ContentView, FileTotals, FileView, ReleaseFilter, ReleaseState, ReleaseView,
};
use publish::views::status::{HoldStatus, Status};
use unicode_width::UnicodeWidthStr;

use super::diff::render_diff;
use super::environments::{Row, render_environments};
use super::prune::render as render_pruned;
use super::releases::{render_history, render_releases};
use super::show::{render_files, render_release};
use super::tests::environment;
use super::{render, render_findings, render_plan, render_status};
use crate::failure;
use crate::terminal::here::Here;
use crate::terminal::layout;
use crate::terminal::lines::plan;
use crate::terminal::style::Style;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_795_269_823 + minutes * 60)
}

fn number(release: u64) -> ReleaseNumber {
    ReleaseNumber::new(release)
}

fn publisher() -> Publisher {
    Publisher {
        who: Some("octocat".to_owned()),
        place: Some("https://github.com/octocat/shop/actions/runs/42".to_owned()),
        commit: Some("c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00".to_owned()),
        branch: Some("main".to_owned()),
        message: Some("Raise the prices of everything that is made of wood or of paper".to_owned()),
        ..Publisher::default()
    }
}

fn counts() -> FileCounts {
    FileCounts {
        total: 1_243,
        added: 3,
        replaced: 142,
        reheadered: 7,
        removed: 1,
        unchanged: 1_098,
        ..FileCounts::default()
    }
}

fn report(outcome: Outcome) -> Report {
    Report {
        outcome,
        release: Some(number(8)),
        previous_release: Some(number(if outcome == Outcome::RolledBack { 9 } else { 7 })),
        files: counts(),
        uploaded: Uploaded { objects: 145, bytes: 12_000_000 },
        copied: 152,
        deleted: 1,
        invalidation: Some(InvalidationReport {
            completed: true,
            edge: None,
            ids: vec!["I1".to_owned()],
            paths: vec!["/".to_owned(), "/index.html".to_owned()],
            paths_paid: 2,
            price_usd: "0.010".to_owned(),
            status: InvalidationStatus::Effective,
            evicted_unchanged: 3,
            evicted_bytes: 1_200,
            because: None,
        }),
        duration_ms: 3_400,
        ..Report::new("publish", "production")
    }
}

fn changes() -> PlanView {
    let change = |path: &str, change| PathChange { path: path.to_owned(), change, size_bytes: None, kind: None };
    PlanView {
        from: Some(number(7)),
        files: counts(),
        changes: vec![
            change("about/index.html", Change::Remove),
            change("assets/a-very-long-name-of-a-chunk-BYf2qJoX.js", Change::Retire),
            change("index.html", Change::Replace),
        ],
        uploaded: Uploaded::default(),
        copied: 0,
        deleted: 1,
        paths: Vec::new(),
        price_usd: "0.000".to_owned(),
        evicted_unchanged: 0,
        evicted_bytes: 0,
        because: None,
        other_distributions: Vec::new(),
    }
}

fn status() -> Status {
    let paths = |count: usize| (0..count).map(|number| format!("news/page-{number}.html")).collect();
    Status {
        environment: None,
        release: Some(number(8)),
        since: Some(at(0)),
        publisher: Some(publisher()),
        files: Some(counts()),
        previous_release: Some(number(7)),
        activation: None,
        distributions: Vec::new(),
        pending_refreshes: Vec::new(),
        sent_refreshes: Vec::new(),
        leftovers: paths(2),
        suspects: paths(40),
        hold: Some(HoldStatus {
            publisher: publisher(),
            since: at(1),
            reason: Some("the prices are wrong".to_owned()),
        }),
        pruning: false,
    }
}

fn release() -> ReleaseView {
    let total = FileTotals { files: 1_243, bytes: 1_200_000 };
    ReleaseView {
        release: number(8),
        state: ReleaseState::WasActive,
        active_since: None,
        active_until: Some(at(60)),
        created_at: Some(at(0)),
        publisher: Some(publisher()),
        content: Some(ContentView {
            digest: Digest::of(b""),
            total,
            fingerprinted: total,
            mutable: FileTotals::default(),
        }),
    }
}

fn file(path: &str, cache_control: &str) -> FileView {
    FileView {
        path: SitePath::new(path).unwrap(),
        size_bytes: 12_300,
        kind: Kind::Mutable,
        cache_control: cache_control.to_owned(),
        content_type: "text/html; charset=utf-8".to_owned(),
        sha256: Digest::of(b""),
    }
}

fn difference(path: &str, change: Changed) -> Difference {
    Difference { path: SitePath::new(path).unwrap(), change, before_bytes: Some(1_200), after_bytes: Some(1_300) }
}

fn finding(path: &str) -> Finding {
    Finding {
        path: path.to_owned(),
        what: FindingKind::Headers,
        expected: Some("Cache-Control \"public, max-age=0, s-maxage=86400, must-revalidate\"".to_owned()),
        found: Some("Cache-Control \"no-cache\"".to_owned()),
        releases: vec![number(8)],
        repaired: false,
    }
}

/// Every question, as the library and the commands ask them.
const QUESTIONS: [(&str, &str); 7] = [
    (
        "rollback",
        "Release 7 (2026-11-21 14:03 UTC, octocat, c0ffee00c0 main: Raise the prices) would replace release 8 \
         (2026-11-21 15:03 UTC, dev on laptop). Publishing will be held until `publish resume`. Continue?",
    ),
    ("publish that removes much", "143 of 200 live files would leave the site. Continue?"),
    (
        "publish without a home page",
        "`dist/assets` has no home page (index.html). `dist` has one: `publish dist`. Publish it without one?",
    ),
    (
        "publish.toml from above",
        "This is the site `shop` of ../shop/publish.toml (production, s3://example-site/live/). Is this the right site?",
    ),
    ("prune", "29 releases and 1243 objects would be permanently removed. Continue?"),
    (
        "prune --now",
        "news/2026/an-interview-that-nobody-was-to-read.html and 2 more files would be permanently removed from every \
         release. Continue?",
    ),
    (
        "forget-distribution",
        "Distribution E456DEF would no longer be refreshed; 3 paths have not been refreshed there yet. Continue?",
    ),
];

/// What names commands, where they need flags.
fn named_for_an_environment(style: Style) -> Vec<(&'static str, String)> {
    let style = style.with_commands_for(Here::with(" --env production".to_owned()));
    let warning = "The site is one page with React Router, but distribution E123ABC answers all other addresses, such as \
                   /about, with an error: visitors get it when they reload the page there or follow a link.";
    let beginning = format!("{} ", style.yellow("warning:"));
    vec![
        ("publish, of several environments", render(&report(Outcome::Published), &environment(), false, style)),
        ("publish, staged, of several environments", render(&report(Outcome::Staged), &environment(), false, style)),
        ("rollback, of several environments", render(&report(Outcome::RolledBack), &environment(), false, style)),
        (
            "status, of several environments",
            render_status(&status(), &report(Outcome::Verified), &environment(), style),
        ),
        ("a warning", layout::filled(&beginning, warning, style)),
    ]
}

/// Environments in one table.
fn environments() -> Vec<Row> {
    let row = |name: &str, status: Option<Status>| Row {
        environment: name.to_owned(),
        failure: "The credentials may not read s3://example-next/_publish/live/head.json".to_owned(),
        status,
    };
    vec![row("production", Some(status())), row("next", None)]
}

/// All that is shown, each with what shows it.
fn all(style: Style) -> Vec<(&'static str, String)> {
    let environment = environment();
    let changed = Report { exit_code: 10, ..report(Outcome::Verified) };
    let activation = ActivationView {
        release: number(7),
        from: Some(number(8)),
        at: at(0),
        publisher: publisher(),
        reason: Some("the prices are wrong, and nobody knows yet since when they have been".to_owned()),
        files: Some(counts()),
    };
    let diff = Diff {
        differences: vec![difference("index.html", Changed::Replaced), difference("news/index.html", Changed::Removed)],
        counts: counts(),
    };
    let planned = Event::Planned { files: counts(), copied: 152, deleted: 1, paths: 7 };
    let pruning =
        Event::PrunePlanned { closes: (1..30).map(number).collect(), objects: 1_243, bytes: 12_000_000, paths: 2 };
    let pruned = PruneView {
        closes: (1..30).map(number).collect(),
        objects: Vec::new(),
        bytes: 12_000_000,
        paths: vec!["/config.json".to_owned()],
    };
    let not_published = Finding {
        path: "https://www.example.com/js/app.js".to_owned(),
        what: FindingKind::NotPublished,
        expected: Some("a script or style sheet that the entry page loads".to_owned()),
        found: None,
        ..finding("")
    };
    let problem = Problem::new(Code::AccessDenied, "The credentials may not copy to s3://example-site/live/index.html")
        .hint("Allow s3:PutObject on arn:aws:s3:::example-site/live/index.html, and s3:GetObject on what is copied.");
    let failed = Report::new("publish", "production")
        .failed(&problem.while_visitors_see(VisitorsSee::SomeOfBoth(Some(number(7)), number(8))));
    let mut shown = vec![
        ("publish", render(&report(Outcome::Published), &environment, false, style)),
        ("publish, staged", render(&report(Outcome::Staged), &environment, false, style)),
        ("publish, unchanged", render(&report(Outcome::Unchanged), &environment, false, style)),
        ("publish, failed", failure::render(&failed.error.unwrap(), true, style)),
        ("plan", render_plan(&changed, Some(&changes()), &environment, style)),
        ("status", render_status(&status(), &report(Outcome::Verified), &environment, style)),
        ("releases", render_releases(&[release()], &ReleaseFilter::default(), style)),
        ("releases --history", render_history(&[activation], &ReleaseFilter::default(), style)),
        ("show", render_release(&release(), style)),
        (
            "show --files",
            render_files(&[file("index.html", "public, max-age=0, s-maxage=86400, must-revalidate")], style),
        ),
        ("diff", render_diff(number(7), "release 8", &diff, style)),
        ("rollback, before", plan(&planned, style).unwrap()),
        ("rollback", render(&report(Outcome::RolledBack), &environment, false, style)),
        (
            "verify",
            render_findings(
                &[finding("news/index.html"), not_published],
                &report(Outcome::Verified),
                &environment,
                false,
                style,
            ),
        ),
        ("verify, nothing", render_findings(&[], &report(Outcome::Verified), &environment, false, style)),
        ("status --all", render_environments(&environments(), style)),
        ("prune, before", plan(&pruning, style).unwrap()),
        ("prune", render_pruned(&report(Outcome::Pruned), Some(&pruned), false, style)),
    ];
    shown.extend(named_for_an_environment(style));
    shown.extend(QUESTIONS.map(|(of, question)| (of, layout::question(question, style).trim_end().to_owned() + "\n")));
    shown
}

/// At 60, 80 and 120 columns; `UPDATE=1` writes them anew. Read them: they are what people see.
#[test]
fn what_is_shown_is_as_it_was_read_last() {
    for columns in [60, 80, 120] {
        let shown: Vec<String> =
            all(Style::of_columns(columns)).into_iter().map(|(what, text)| format!("--- {what}\n{text}")).collect();
        let file = format!("{}/src/bin/publish/summary/widths/{columns}.txt", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, shown.concat()).unwrap();
        }
        assert_eq!(shown.concat(), std::fs::read_to_string(&file).unwrap(), "{file}");
    }
}

/// Where what goes on may begin: a word that does not fit behind it, as a digest, is whole all the same.
const MOST_INDENT: usize = 20;

#[test]
fn no_word_is_broken_and_no_line_is_longer_than_the_terminal_is_wide() {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for columns in 40..=140 {
        for ((what, text), (_, whole)) in all(Style::of_columns(columns)).into_iter().zip(all(Style::of_columns(1_000)))
        {
            for line in text.lines().filter(|line| line.width() > columns) {
                let longest = line.split_whitespace().map(UnicodeWidthStr::width).max().unwrap_or_default();
                assert!(columns < 60 || longest + MOST_INDENT > columns, "{what} {columns}: {line}");
            }
            let whole: BTreeSet<String> = words(&whole).into_iter().collect();
            // A cell that was cut is marked.
            let is_broken = |word: &String| !whole.contains(word) && !word.ends_with('…');
            let broken: Vec<String> = words(&text).into_iter().filter(is_broken).collect();
            assert!(columns < 60 || broken.is_empty(), "{what} {columns}: {broken:?}");
        }
    }
}
