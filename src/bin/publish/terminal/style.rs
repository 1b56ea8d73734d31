//! Colours, where they are wanted.

use crate::args::Color;

/// Whether one stream is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    coloured: bool,
}

impl Style {
    /// For a stream that `is_terminal` or not; `NO_COLOR` wins over `auto` (no-color.org), and a flag over both.
    pub(crate) fn choose(color: Color, is_terminal: bool, no_color: bool) -> Style {
        let coloured = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !no_color,
        };
        Style { coloured }
    }

    /// Without colours.
    #[cfg(test)]
    pub(crate) fn plain() -> Style {
        Style { coloured: false }
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
        if self.coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_wins_over_auto_and_a_flag_over_both() {
        assert!(Style::choose(Color::Auto, true, false).coloured);
        assert!(!Style::choose(Color::Auto, true, true).coloured);
        assert!(!Style::choose(Color::Auto, false, false).coloured);
        assert!(Style::choose(Color::Always, false, true).coloured);
        assert!(!Style::choose(Color::Never, true, false).coloured);
    }
}
