//! One release and its files, for people.

use indicatif::DecimalBytes;
use publish::types::headers::Kind;
use publish::views::releases::{FileTotals, FileView, ReleaseView};

use super::releases::state;
use publish::types::text::{count, printable};

use super::text::{Align, padded, place, uncommitted, who, width_of};
use crate::terminal::layout::{filled, labelled};
use crate::terminal::style::Style;

/// One release: who, when, from what, how large, and its state.
pub(crate) fn render_release(release: &ReleaseView, style: Style) -> String {
    let state = match release.active_since {
        Some(since) => format!("{} since {}", state(release), since.to_the_minute()),
        None => state(release),
    };
    let mut text = filled("", &format!("{}: {state}", style.bold(&format!("Release {}", release.release))), style);
    let mut line = |name: &str, value: &str| {
        text.push_str(&labelled(name, 13, value, style));
    };
    if let Some(created_at) = release.created_at {
        line("begun", &created_at.to_the_minute());
    }
    if let Some(publisher) = &release.publisher {
        line("by", &who(publisher));
        let built = [
            ("from", place(publisher)),
            ("commit", publisher.commit.as_deref().map(|commit| printable(commit) + uncommitted(publisher))),
            ("branch", publisher.branch.as_deref().map(printable)),
            ("message", publisher.message.as_deref().map(printable)),
        ];
        for (name, value) in built {
            value.into_iter().for_each(|value| line(name, &value));
        }
    }
    if let Some(content) = &release.content {
        line("files", &totals(content.total));
        line("fingerprinted", &totals(content.fingerprinted));
        line("mutable", &totals(content.mutable));
        line("digest", &content.digest.to_string());
    }
    text
}

/// Every file of a release, a line each; the path last, whatever its length.
pub(crate) fn render_files(files: &[FileView], style: Style) -> String {
    let rows: Vec<[String; 4]> = files
        .iter()
        .map(|file| {
            let size = DecimalBytes(file.size_bytes).to_string();
            [size, kind(file.kind).to_owned(), printable(&file.cache_control), printable(file.path.as_str())]
        })
        .collect();
    let widths: [usize; 3] = std::array::from_fn(|column| width_of(rows.iter().map(|row| row[column].as_str())));
    let widest = width_of(rows.iter().map(|row| row[3].as_str()));
    let fits = style.columns().is_none_or(|columns| widths.iter().sum::<usize>() + 6 + widest <= columns);
    let lines = rows.iter().map(|[size, kind, cache_control, path]| {
        let size = padded(size, widths[0], Align::Right);
        let kind = padded(kind, widths[1], Align::Left);
        if !fits {
            let below = " ".repeat(widths[0] + 2);
            return format!("{size}  {kind}  {path}\n{}", filled(&below, &style.dim(cache_control), style));
        }
        let cache_control = padded(cache_control, widths[2], Align::Left);
        format!("{size}  {kind}  {}  {path}\n", style.dim(&cache_control))
    });
    lines.collect()
}

/// `29 (1.20 MB)`
fn totals(totals: FileTotals) -> String {
    format!("{} ({})", count(totals.files, "file"), DecimalBytes(totals.bytes))
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Fingerprinted => "fingerprinted",
        Kind::Mutable => "mutable",
    }
}

#[cfg(test)]
mod tests {
    use publish::content::path::SitePath;
    use publish::release::manifest::{Publisher, ReleaseNumber};
    use publish::types::clock::Timestamp;
    use publish::types::digest::Digest;
    use publish::views::releases::{ContentView, ReleaseState};

    use super::*;

    #[test]
    fn a_release_says_who_when_what_and_how_much() {
        let since = Timestamp::from_unix_seconds(1_795_269_823);
        let release = ReleaseView {
            release: ReleaseNumber::new(8),
            state: ReleaseState::Active,
            active_since: Some(since),
            active_until: None,
            created_at: Some(since),
            publisher: Some(Publisher {
                who: Some("octocat".to_owned()),
                place: Some("https://ci.example.com/jobs/8".to_owned()),
                commit: Some("c0ffee0".to_owned()),
                branch: Some("main".to_owned()),
                message: Some("Raise\u{1b} the prices".to_owned()),
                uncommitted_changes: true,
                ..Publisher::default()
            }),
            content: Some(ContentView {
                digest: Digest::of(b""),
                total: FileTotals { files: 3, bytes: 1_300 },
                fingerprinted: FileTotals { files: 1, bytes: 1_000 },
                mutable: FileTotals { files: 2, bytes: 300 },
            }),
        };
        let expected = "\
Release 8: active since 2026-11-21 14:03 UTC
  begun         2026-11-21 14:03 UTC
  by            octocat
  from          https://ci.example.com/jobs/8
  commit        c0ffee0, with uncommitted changes
  branch        main
  message       Raise\\u{1b} the prices
  files         3 files (1.30 kB)
  fingerprinted 1 file (1.00 kB)
  mutable       2 files (300 B)
  digest        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
";
        assert_eq!(render_release(&release, Style::plain()), expected);
    }

    #[test]
    fn every_file_has_a_line_with_its_path_last() {
        let file = |path: &str, size_bytes, kind, cache_control: &str| FileView {
            path: SitePath::new(path).unwrap(),
            size_bytes,
            kind,
            cache_control: cache_control.to_owned(),
            content_type: "text/html; charset=utf-8".to_owned(),
            sha256: Digest::of(b""),
        };
        let files = [
            file("assets/a-1a2b3c4d.js", 12_300, Kind::Fingerprinted, "immutable"),
            file("index.html", 5, Kind::Mutable, "no-cache"),
        ];
        let expected = "12.30 kB  fingerprinted  immutable  assets/a-1a2b3c4d.js\n     5 B  mutable        no-cache   index.html\n";
        assert_eq!(render_files(&files, Style::plain()), expected);
    }
}
