//! Text in the columns of a terminal: broken between words, with continuation lines indented like the first.

use publish::types::text::printable;
use unicode_width::UnicodeWidthStr;

use super::style::{Style, without_colours};

/// The largest indent of continuation lines: a narrow terminal keeps some columns for the text itself.
const MOST_INDENT: usize = 20;

/// `  name     value`, with `width` columns for names.
pub(crate) fn labelled(name: &str, width: usize, value: &str, style: Style) -> String {
    let filling = " ".repeat(width.saturating_sub(name.width()));
    filled(&format!("  {}{filling} ", style.dim(name)), value, style)
}

/// `beginning` and then `text`, whose commands get what they need here, in as many lines as it takes, each with its end.
/// One line where the number of columns is not known: then it goes to a pipe or a file.
pub(crate) fn filled(beginning: &str, text: &str, style: Style) -> String {
    let text = style.here().in_text(text);
    match style.columns() {
        Some(columns) => broken(beginning, &text, columns),
        None => format!("{beginning}{text}\n"),
    }
}

/// As [`filled`], in lines of at most `columns`.
pub(crate) fn broken(beginning: &str, text: &str, columns: usize) -> String {
    let first = columns_of(beginning);
    if first + columns_of(text) <= columns {
        return format!("{beginning}{text}\n");
    }
    let indent = " ".repeat(first.min(MOST_INDENT).min(columns / 3));
    let mut filled = String::new();
    let mut line = beginning.to_owned();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        if !is_empty && columns_of(&line) + 1 + columns_of(word) > columns {
            filled.push_str(&format!("{line}\n"));
            line.clone_from(&indent);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    filled.push_str(&format!("{line}\n"));
    filled
}

/// A question with room for its answer, and without an end of its line.
pub(crate) fn question(question: &str, style: Style) -> String {
    format!("{} ", filled("", &format!("{} [y/N]", printable(question)), style).trim_end())
}

/// How many columns a text takes; colours take none.
fn columns_of(text: &str) -> usize {
    without_colours(text).width()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_broken_and_what_goes_on_begins_below_its_beginning() {
        let style = Style::of_columns(24);
        assert_eq!(
            labelled("where", 5, "https://www.example.com/ (here)", style),
            "  where https://www.example.com/\n        (here)\n"
        );
        assert_eq!(
            filled("hint: ", "Run the same command again.", style),
            "hint: Run the same\n      command again.\n"
        );
        assert_eq!(
            filled("hint: ", "Run the same command again.", Style::plain()),
            "hint: Run the same command again.\n"
        );
        assert_eq!(filled("", "one", style), "one\n");
        assert_eq!(filled("", "two  spaces.html", style), "two  spaces.html\n", "as long as it fits");
    }

    #[test]
    fn colours_take_no_columns() {
        let style = Style::choose(crate::args::Color::Always, true, false).in_columns(Some(12));
        let text = filled("", &format!("{} four five", style.green("one two")), style);
        let lines: Vec<String> = text.lines().map(without_colours).collect();
        assert_eq!(lines, ["one two four", "five"]);
    }

    #[test]
    fn a_question_ends_where_its_answer_begins() {
        assert_eq!(question("Continue?", Style::plain()), "Continue? [y/N] ");
        assert_eq!(
            question("Release 2 would replace it. Continue?", Style::of_columns(20)),
            "Release 2 would\nreplace it.\nContinue? [y/N] "
        );
    }
}
