//! The list of releases and the list of activations, for people.

use indicatif::DecimalBytes;
use publish::release::manifest::Publisher;
use publish::types::clock::Timestamp;
use publish::types::text::printable;
use publish::views::releases::{ActivationView, ReleaseFilter, ReleaseState, ReleaseView};

use super::table::{Row, Table};
use super::text::{Align, build, place, who};
use crate::terminal::style::Style;

/// All releases, newest first; below each what it was built from, and where.
pub(crate) fn render_releases(releases: &[ReleaseView], filter: &ReleaseFilter, style: Style) -> String {
    if releases.is_empty() {
        let is_whole = *filter == ReleaseFilter::default();
        return if is_whole { "There are no releases yet\n" } else { "No matching releases\n" }.to_owned();
    }
    let rows = releases.iter().map(|release| {
        let content = release.content.as_ref();
        let cells = [
            release.release.to_string(),
            release.created_at.map_or_else(unknown, Timestamp::to_the_minute),
            release.publisher.as_ref().map_or_else(unknown, who),
            content.map_or_else(unknown, |content| content.total.files.to_string()),
            content.map_or_else(unknown, |content| DecimalBytes(content.total.bytes).to_string()),
            state(release),
        ];
        Row { cells, below: release.publisher.as_ref().map_or_else(Vec::new, below), paint: paint(release.state) }
    });
    let table = Table {
        header: ["release", "begun", "by", "files", "size", "state"],
        align: [Align::Right, Align::Left, Align::Left, Align::Right, Align::Right, Align::Left],
        gives_way: 2,
        rows: rows.collect(),
    };
    table.render(style)
}

/// All recorded activations, newest first; below each its reason, what was built, and from where.
pub(crate) fn render_history(history: &[ActivationView], filter: &ReleaseFilter, style: Style) -> String {
    if history.is_empty() {
        let is_whole = *filter == ReleaseFilter::default();
        return if is_whole { "Nothing has been made live yet\n" } else { "No matching activations\n" }.to_owned();
    }
    let rows = history.iter().map(|activation| {
        let reason = activation.reason.as_deref().map(printable);
        let files = activation.files.as_ref();
        let cells = [
            activation.release.to_string(),
            activation.from.map_or_else(unknown, |from| from.to_string()),
            activation.at.to_the_minute(),
            who(&activation.publisher),
            files.map_or_else(unknown, |files| files.to_string()),
        ];
        let below = reason.into_iter().chain(below(&activation.publisher)).collect();
        Row { cells, below, paint: |_, text| text.to_owned() }
    });
    let table = Table {
        header: ["release", "after", "activated", "by", "changed"],
        align: [Align::Right, Align::Right, Align::Left, Align::Left, Align::Left],
        gives_way: 3,
        rows: rows.collect(),
    };
    table.render(style)
}

/// What a release was built from, and the machine or the job. An address is never cut.
fn below(publisher: &Publisher) -> Vec<String> {
    build(publisher).into_iter().chain(place(publisher)).collect()
}

fn unknown() -> String {
    "-".to_owned()
}

/// `was active until 2026-11-21 14:03 UTC`
pub(super) fn state(release: &ReleaseView) -> String {
    let until = release.active_until.map(|until| format!("was active until {}", until.to_the_minute()));
    match release.state {
        ReleaseState::Active => "active".to_owned(),
        ReleaseState::Staged => "staged".to_owned(),
        ReleaseState::WasActive => until.unwrap_or_else(|| "was active".to_owned()),
        ReleaseState::Incomplete => "incomplete".to_owned(),
        ReleaseState::Damaged if release.active_since.is_some() => "active, damaged".to_owned(),
        ReleaseState::Damaged => "damaged".to_owned(),
        ReleaseState::Closed => "closed by a prune".to_owned(),
    }
}

fn paint(state: ReleaseState) -> fn(Style, &str) -> String {
    match state {
        ReleaseState::Active => Style::green,
        ReleaseState::Staged => Style::bold,
        ReleaseState::WasActive => |_, text| text.to_owned(),
        ReleaseState::Incomplete | ReleaseState::Closed => Style::yellow,
        ReleaseState::Damaged => Style::red,
    }
}

#[cfg(test)]
mod tests {
    use publish::release::counts::FileCounts;
    use publish::release::manifest::ReleaseNumber;
    use publish::types::digest::Digest;
    use publish::views::releases::{ContentView, FileTotals};

    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_795_269_823 + minutes * 60)
    }

    fn publisher(who: &str, place: &str) -> Publisher {
        Publisher {
            who: Some(who.to_owned()),
            place: Some(place.to_owned()),
            commit: Some("c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00".to_owned()),
            branch: Some("main".to_owned()),
            message: Some("Raise the prices".to_owned()),
            ..Publisher::default()
        }
    }

    fn release(number: u64, state: ReleaseState) -> ReleaseView {
        let total = FileTotals { files: 29, bytes: 1_200_000 };
        let digest = Digest::of(b"");
        ReleaseView {
            release: ReleaseNumber::new(number),
            state,
            active_since: None,
            active_until: None,
            created_at: Some(at(0)),
            publisher: Some(publisher("octocat", "https://ci.example.com/jobs/8")),
            content: Some(ContentView { digest, total, fingerprinted: total, mutable: FileTotals::default() }),
        }
    }

    #[test]
    fn the_list_is_a_table_with_what_was_built_below_each_release() {
        let mut earlier = release(7, ReleaseState::WasActive);
        earlier.active_until = Some(at(-60));
        earlier.publisher = Some(Publisher { who: Some("dev".to_owned()), ..Publisher::default() });
        let mut damaged = release(6, ReleaseState::Damaged);
        (damaged.created_at, damaged.publisher, damaged.content) = (None, None, None);
        let text = render_releases(
            &[release(10, ReleaseState::Active), earlier, damaged],
            &ReleaseFilter::default(),
            Style::plain(),
        );
        let expected = "\
release  begun                 by       files     size  state
     10  2026-11-21 14:03 UTC  octocat     29  1.20 MB  active
         c0ffee00c0 main: Raise the prices
         https://ci.example.com/jobs/8
      7  2026-11-21 14:03 UTC  dev         29  1.20 MB  was active until 2026-11-21 13:03 UTC
      6  -                     -            -        -  damaged
";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_long_or_steers_a_terminal_does_not_leave_the_table() {
        let mut long = release(8, ReleaseState::WasActive);
        long.active_until = Some(at(0));
        let mut publisher = publisher(&"o\u{1b}".repeat(60), &"machine ".repeat(8));
        publisher.message = Some("word ".repeat(60));
        long.publisher = Some(publisher.clone());
        let text = render_releases(&[long], &ReleaseFilter::default(), Style::plain());
        let activation = ActivationView {
            release: ReleaseNumber::new(8),
            from: None,
            at: at(0),
            publisher,
            reason: Some("because ".repeat(60)),
            files: Some(FileCounts { added: 1_000_000, replaced: 1_000_000, ..FileCounts::default() }),
        };
        let history = render_history(&[activation], &ReleaseFilter::default(), Style::plain());
        for line in text.lines().chain(history.lines()) {
            assert!(line.chars().count() <= 100, "{line}");
            assert!(!line.chars().any(char::is_control), "{line}");
        }
    }

    /// `publish status` says no other name of the same publisher.
    #[test]
    fn who_is_not_named_is_told_by_the_machine() {
        let mut unnamed = release(1, ReleaseState::Active);
        unnamed.publisher = Some(Publisher { place: Some("vm".to_owned()), ..Publisher::default() });
        let text = render_releases(&[unnamed], &ReleaseFilter::default(), Style::plain());
        assert!(text.contains("  vm  ") && !text.contains("someone"), "{text}");
        assert_eq!(text.lines().count(), 2, "it is not told twice: {text}");
    }

    #[test]
    fn the_history_says_what_when_who_where_and_why() {
        let activation = ActivationView {
            release: ReleaseNumber::new(7),
            from: Some(ReleaseNumber::new(8)),
            at: at(0),
            publisher: publisher("dev", "laptop"),
            reason: Some("the prices are wrong".to_owned()),
            files: Some(FileCounts { replaced: 2, unchanged: 27, ..FileCounts::default() }),
        };
        let expected = "\
release  after  activated             by   changed
      7      8  2026-11-21 14:03 UTC  dev  2 replaced, 27 unchanged
         the prices are wrong
         c0ffee00c0 main: Raise the prices
         laptop
";
        assert_eq!(render_history(&[activation], &ReleaseFilter::default(), Style::plain()), expected);
        assert_eq!(render_history(&[], &ReleaseFilter::default(), Style::plain()), "Nothing has been made live yet\n");
    }
}
