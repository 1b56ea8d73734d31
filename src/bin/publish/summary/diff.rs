//! How two releases differ, for people.

use indicatif::DecimalBytes;
use publish::plan::diff::{Changed, Diff, Difference};
use publish::release::manifest::ReleaseNumber;
use publish::types::text::printable;

use super::text::{Align, padded, width_of};
use crate::terminal::layout::filled;
use crate::terminal::style::Style;

/// The groups, in the order in which they are shown.
const GROUPS: [(Changed, &str); 4] = [
    (Changed::Added, "added"),
    (Changed::Replaced, "replaced"),
    (Changed::Reheadered, "with different headers"),
    (Changed::Removed, "removed"),
];

/// What differs: the numbers, then every path, group by group.
pub(crate) fn render_diff(first: ReleaseNumber, second: &str, diff: &Diff, style: Style) -> String {
    let between = style.bold(&format!("From release {first} to {}", printable(second)));
    if diff.differences.is_empty() {
        return filled("", &format!("{between}: no differences"), style);
    }
    let (changes, growth) = (super::changes(&diff.counts), growth(diff.growth_bytes()));
    let mut text = filled("", &format!("{between}: {changes}; {growth}"), style);
    let sizes: Vec<String> = diff.differences.iter().map(size).collect();
    let width = width_of(sizes.iter().map(String::as_str));
    for (wanted, name) in GROUPS {
        let files: Vec<_> = diff.differences.iter().zip(&sizes).filter(|(file, _)| file.change == wanted).collect();
        if !files.is_empty() {
            text.push_str(&format!("{}\n", style.dim(name)));
        }
        for (file, size) in files {
            text.push_str(&format!("  {}  {}\n", padded(size, width, Align::Right), printable(file.path.as_str())));
        }
    }
    text
}

/// `1.20 kB`, and where a file is replaced `1.20 kB -> 1.30 kB`.
fn size(file: &Difference) -> String {
    let bytes = |size: u64| DecimalBytes(size).to_string();
    match (file.before_bytes, file.after_bytes) {
        (Some(before), Some(after)) if before != after => format!("{} -> {}", bytes(before), bytes(after)),
        (before, after) => after.or(before).map_or_else(String::new, bytes),
    }
}

/// `1.20 kB more`
fn growth(bytes: i128) -> String {
    let size = DecimalBytes(u64::try_from(bytes.unsigned_abs()).unwrap_or(u64::MAX));
    match bytes {
        0 => "same size".to_owned(),
        1.. => format!("{size} larger"),
        _ => format!("{size} smaller"),
    }
}

#[cfg(test)]
mod tests {
    use publish::content::path::SitePath;
    use publish::release::counts::FileCounts;

    use super::*;

    #[test]
    fn differences_stand_in_groups_with_their_sizes() {
        let file = |path: &str, change, before_bytes, after_bytes| Difference {
            path: SitePath::new(path).unwrap(),
            change,
            before_bytes,
            after_bytes,
        };
        let diff = Diff {
            differences: vec![
                file("a.css", Changed::Reheadered, Some(7), Some(7)),
                file("index.html", Changed::Replaced, Some(1_200), Some(1_300)),
                file("new.html", Changed::Added, None, Some(10)),
                file("old.html", Changed::Removed, Some(500), None),
            ],
            counts: FileCounts { added: 1, replaced: 1, reheadered: 1, removed: 1, ..FileCounts::default() },
        };
        let expected = "\
From release 7 to ./dist: files: 1 added, 1 replaced, 1 with new headers, 1 removed; 390 B smaller
added
                10 B  new.html
replaced
  1.20 kB -> 1.30 kB  index.html
with different headers
                 7 B  a.css
removed
               500 B  old.html
";
        assert_eq!(render_diff(ReleaseNumber::new(7), "./dist", &diff, Style::plain()), expected);
    }

    #[test]
    fn where_nothing_differs_one_line_says_so() {
        let text = render_diff(ReleaseNumber::new(7), "release 8", &Diff::default(), Style::plain());
        assert_eq!(text, "From release 7 to release 8: no differences\n");
        assert_eq!([growth(0), growth(2_000), growth(-1)], ["same size", "2.00 kB larger", "1 B smaller"]);
    }
}
