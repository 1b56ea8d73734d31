//! Describes a failed run to a person: what failed and why, what visitors see now, and what to do.

use publish::report::ErrorReport;
use publish::types::text::printable;

use crate::terminal::layout::filled;
use crate::terminal::style::Style;

/// The text, several lines, with a final newline. What visitors see is said where the command `could_change` it.
pub(crate) fn render(error: &ErrorReport, could_change: bool, style: Style) -> String {
    let mut text = filled(&format!("{} ", style.red("error:")), &printable(&error.message), style);
    for cause in &error.causes {
        text.push_str(&filled("  caused by: ", &printable(cause), style));
    }
    if could_change && !error.visitors_see.is_empty() {
        text.push_str(&filled("  ", &printable(&error.visitors_see), style));
    }
    if !error.hint.is_empty() {
        text.push_str(&filled(&format!("{} ", style.bold("hint:")), &printable(&error.hint), style));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_it_fakes_a_line_or_shows_a_password() {
        let evil = "a\nhint: b\u{1b}[2J\u{202e}http://user:pw@host";
        let error = ErrorReport {
            code: "aws".to_owned(),
            message: evil.to_owned(),
            visitors_see: evil.to_owned(),
            hint: evil.to_owned(),
            location: None,
            causes: vec![evil.to_owned()],
        };
        let text = render(&error, true, Style::plain());
        assert_eq!(text.lines().filter(|line| line.trim_start().starts_with("hint:")).count(), 1, "{text}");
        assert_eq!(text.lines().count(), 4, "each of them is one line: {text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']) && !text.contains("pw"), "{text}");
    }

    #[test]
    fn says_what_failed_why_what_visitors_see_and_what_to_do() {
        let error = ErrorReport {
            code: "access_denied".to_owned(),
            message: "s3:PutObject on s3://example-site/live/index.html was refused".to_owned(),
            visitors_see: "Visitors see release 7, as before.".to_owned(),
            hint: "Allow s3:PutObject there.".to_owned(),
            location: None,
            causes: vec!["AccessDenied".to_owned()],
        };
        let expected = "error: s3:PutObject on s3://example-site/live/index.html was refused\n  \
                        caused by: AccessDenied\n  Visitors see release 7, as before.\nhint: Allow s3:PutObject there.\n";
        assert_eq!(render(&error, true, Style::plain()), expected);
        let of_what_only_shows = render(&error, false, Style::plain());
        assert!(
            !of_what_only_shows.contains("Visitors") && of_what_only_shows.contains("hint:"),
            "{of_what_only_shows}"
        );
    }
}
