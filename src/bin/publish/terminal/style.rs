//! Colours, where they are wanted, and the columns of a terminal.

use publish::types::text::printable_lines;

use super::here::Here;
use crate::args::Color;

/// Around the number of a colour, until it is written: no text of others that passed through [`publish::types::text`] holds
/// these characters, which have no other meaning (Unicode's noncharacters).
const BEGIN: char = '\u{fdd0}';
const END: char = '\u{fdd1}';

/// What goes to the terminal for `text`, which may contain our colours. Everything else that a terminal would interpret is
/// escaped, wherever it came from.
pub(crate) fn for_terminal(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut parts = text.split(BEGIN);
    shown.extend(parts.next().map(printable_lines));
    for part in parts {
        match part.split_once(END) {
            Some((code, rest)) if code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';') => {
                shown.push_str(&format!("\u{1b}[{code}m{}", printable_lines(rest)));
            }
            _ => shown.push_str(&printable_lines(part)),
        }
    }
    shown
}

/// What a person sees of `text`, which may hold colours of ours.
pub(super) fn without_colours(text: &str) -> String {
    let mut parts = text.split(BEGIN);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |seen, part| seen + part.split_once(END).map_or(part, |(_, rest)| rest))
}

/// How one stream is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    coloured: bool,
    /// How many columns the terminal has; `None`: it is none, or does not say.
    columns: Option<usize>,
    /// What the commands that are named need.
    here: Here,
}

impl Style {
    /// For a stream that `is_terminal` or not; `NO_COLOR` wins over `auto` (no-color.org), and a flag over both.
    pub(crate) fn choose(color: Color, is_terminal: bool, no_color: bool) -> Style {
        let coloured = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !no_color,
        };
        Style { coloured, columns: None, here: Here::default() }
    }

    /// The same on a terminal of so many columns.
    pub(crate) fn in_columns(self, columns: Option<usize>) -> Style {
        Style { columns, ..self }
    }

    /// The same where commands need this.
    pub(crate) fn with_commands_for(self, here: Here) -> Style {
        Style { here, ..self }
    }

    /// What commands need here.
    pub(crate) fn here(self) -> Here {
        self.here
    }

    /// How many columns there are, where that is known.
    pub(crate) fn columns(self) -> Option<usize> {
        self.columns
    }

    /// Without colours.
    #[cfg(test)]
    pub(crate) fn plain() -> Style {
        Style { coloured: false, columns: None, here: Here::default() }
    }

    /// Without colours, on a terminal of so many columns.
    #[cfg(test)]
    pub(crate) fn of_columns(columns: usize) -> Style {
        Style::plain().in_columns(Some(columns))
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.paint("1;32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.coloured { format!("{BEGIN}{code}{END}{text}{BEGIN}0{END}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_of_ours_reach_the_terminal() {
        let style = Style::choose(Color::Always, false, false);
        let text = format!("{} b\u{1b}[31m\n", style.bold("a\u{202e}"));
        assert_eq!(for_terminal("a\u{fdd0}2J\u{fdd1}b\u{fdd0}c"), "a2J\\u{fdd1}bc", "no code but a colour's");
        assert_eq!(for_terminal(&text), "\u{1b}[1ma\\u{202e}\u{1b}[0m b\\u{1b}[31m\n");
    }

    /// Readable on a light and on a dark background: of the eight basic colours those that are neither black nor white, bold and
    /// dim, and no background. A terminal may show yellow on white: bold makes it darker in most schemes, and the word stands
    /// there too.
    #[test]
    fn colours_are_readable_on_light_and_on_dark_backgrounds() {
        let style = Style::choose(Color::Always, true, false);
        let readable = ["0", "1", "2", "31", "32", "33", "34", "35", "36"];
        let all = [Style::bold, Style::dim, Style::red, Style::green, Style::yellow];
        for shown in all.map(|paint| for_terminal(&paint(style, "word"))) {
            let codes: Vec<&str> = shown
                .split("\u{1b}[")
                .skip(1)
                .filter_map(|part| part.split_once('m'))
                .map(|(codes, _)| codes)
                .collect();
            assert!(codes.len() == 2 && codes[1] == "0", "begins and ends: {shown:?}");
            assert!(codes.iter().flat_map(|codes| codes.split(';')).all(|code| readable.contains(&code)), "{codes:?}");
        }
    }

    #[test]
    fn no_color_wins_over_auto_and_a_flag_over_both() {
        assert!(Style::choose(Color::Auto, true, false).coloured);
        assert!(!Style::choose(Color::Auto, true, true).coloured);
        assert!(!Style::choose(Color::Auto, false, false).coloured);
        assert!(Style::choose(Color::Always, false, true).coloured);
        assert!(!Style::choose(Color::Never, true, false).coloured);
    }
}
