//! Words and tables for terminals.

use publish::release::manifest::{Publisher, UNCOMMITTED};
use publish::types::text::printable;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::terminal::style::Style;

/// Most columns of a table where no terminal says how many it has.
const WIDTH: usize = 100;

/// How many columns there are for a table.
pub(super) fn width(style: Style) -> usize {
    style.columns().unwrap_or(WIDTH)
}

/// As much of `text` as fits into `width` columns, with a mark if it was cut.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |char: &char| {
        let rest = left.checked_sub(char.width().unwrap_or(0));
        left = rest.unwrap_or(left);
        rest.is_some()
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{}…", kept.trim_end())
}

/// The person or the pipeline's actor; if neither is known, the machine or the job.
pub(super) fn who(publisher: &Publisher) -> String {
    printable(publisher.who.as_deref().or(publisher.place.as_deref()).unwrap_or("someone"))
}

/// The machine, or the address of the pipeline's job, where [`who`] says who it was.
pub(super) fn place(publisher: &Publisher) -> Option<String> {
    publisher.place.as_deref().filter(|_| publisher.who.is_some()).map(printable)
}

/// What follows a commit if the build had uncommitted changes.
pub(super) fn uncommitted(publisher: &Publisher) -> &'static str {
    if publisher.uncommitted_changes { UNCOMMITTED } else { "" }
}

/// As [`Publisher::build`].
pub(super) fn build(publisher: &Publisher) -> Option<String> {
    publisher.build().map(|build| printable(&build))
}

/// How the cells of a column are aligned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// The width of a column: that of its widest cell.
pub(super) fn width_of<'a>(cells: impl IntoIterator<Item = &'a str>) -> usize {
    cells.into_iter().map(UnicodeWidthStr::width).max().unwrap_or(0)
}

/// `text` filled up to `width` columns.
pub(super) fn padded(text: &str, width: usize, align: Align) -> String {
    let filling = " ".repeat(width.saturating_sub(text.width()));
    match align {
        Align::Left => format!("{text}{filling}"),
        Align::Right => format!("{filling}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(cut("ärgerlich", 9), "ärgerlich");
        assert_eq!(cut("ärgerlich", 4), "ärg…");
    }

    /// A terminal gives a Chinese character two columns, and a combining mark none.
    #[test]
    fn widths_are_columns() {
        assert_eq!(cut("上海的价格", 10), "上海的价格");
        assert_eq!(cut("上海的价格", 6), "上海…");
        assert_eq!(cut("e\u{301}tage", 5), "e\u{301}tage");
        assert_eq!(width_of(["abc", "上海"]), 4);
        assert_eq!(padded("上海", 6, Align::Left), "上海  ");
        assert_eq!(padded("上海", 6, Align::Right), "  上海");
    }

    #[test]
    fn a_build_is_told_by_commit_branch_and_message() {
        let mut publisher = Publisher::default();
        assert_eq!(build(&publisher), None);
        publisher.message = Some("Raise the prices".to_owned());
        assert_eq!(build(&publisher).as_deref(), Some("Raise the prices"));
        publisher.commit = Some("c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00".to_owned());
        publisher.branch = Some("main".to_owned());
        assert_eq!(build(&publisher).as_deref(), Some("c0ffee00c0 main: Raise the prices"));
        publisher.uncommitted_changes = true;
        let said = "c0ffee00c0 main, with uncommitted changes: Raise the prices";
        assert_eq!(build(&publisher).as_deref(), Some(said));
    }
}
