//! The sources of a face of `@font-face`, of which browsers take the first that they can
//! (<https://drafts.csswg.org/css-fonts-4/#font-face-src-parsing>).

use cssparser::{ParseError, Parser, Token};

use super::super::found::Found;
use super::super::reference::{Form, Role};
use super::super::written::extension;

/// A source.
struct Source {
    written: String,
    line: u32,
    /// What `format()` says.
    format: Option<String>,
}

/// How certain it is that browsers use a source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// Today's do.
    Yes,
    /// It is a font, but its format has a name that none knows.
    Maybe,
    /// It is for old browsers, or no font at all.
    No,
}

impl Source {
    fn taken(&self) -> Taken {
        if self.is_inline() {
            return Taken::Yes;
        }
        let is_font = Role::of_name(&self.written) == Role::Font;
        match self.format.as_deref() {
            // Only the name shows a format, and it may have none.
            None if is_font || extension(&self.written).is_none() => Taken::Yes,
            Some(format) if is_known(format) => Taken::Yes,
            Some("embedded-opentype" | "svg") => Taken::No,
            Some(_) if is_font => Taken::Maybe,
            None | Some(_) => Taken::No,
        }
    }

    /// Whether the font is in the style sheet itself.
    fn is_inline(&self) -> bool {
        self.written.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
    }
}

/// The formats that today's browsers load (<https://drafts.csswg.org/css-fonts-4/#font-format-definitions>).
fn is_known(format: &str) -> bool {
    let format = format.strip_suffix("-variations").unwrap_or(format);
    matches!(format, "woff2" | "woff" | "truetype" | "opentype" | "collection")
}

/// Reads the declarations of a face, which stand in a sheet that begins in `line`.
///
/// One source is enough: a missing one does no harm if another is there. Style sheets still name some, for old browsers,
/// that are often left out.
pub(super) fn read(parser: &mut Parser<'_, '_>, line: u32, found: &mut Found) {
    let mut lists: Vec<Vec<Source>> = vec![Vec::new()];
    loop {
        parser.skip_whitespace();
        let line = line.saturating_add(parser.current_source_location().line);
        let Ok(token) = parser.next() else { break };
        let mut add = |written: &str| {
            if let Some(list) = lists.last_mut() {
                list.push(Source { written: written.to_owned(), line, format: None });
            }
        };
        match token {
            Token::UnquotedUrl(url) => add(url),
            // Each declaration of `src` takes the place of the one before it.
            Token::Semicolon => lists.push(Vec::new()),
            Token::Function(name) if is_url(name) => {
                if let Some(url) = first_text(parser) {
                    add(&url);
                }
            }
            Token::Function(name) if name.eq_ignore_ascii_case("format") => {
                let format = first_text(parser).map(|format| format.to_ascii_lowercase());
                if let Some(source) = lists.last_mut().and_then(|list| list.last_mut()) {
                    source.format = format;
                }
            }
            _ => {}
        }
    }
    // A list without anything that a browser knows is passed over as a whole.
    let has = |taken: Taken| lists.iter().rposition(|list| list.iter().any(|source| source.taken() == taken));
    let (which, taken) = match (has(Taken::Yes), has(Taken::Maybe)) {
        (Some(which), _) => (Some(which), Taken::Yes),
        (None, which) => (which, Taken::Maybe),
    };
    let choices: Vec<&Source> =
        which.into_iter().flat_map(|which| &lists[which]).filter(|source| source.taken() == taken).collect();
    let needs_a_file = !choices.iter().any(|source| source.is_inline());
    let needed = choices.iter().find(|source| Role::of_name(&source.written) == Role::Font).filter(|_| needs_a_file);
    for source in lists.iter().flatten() {
        let is_needed = needed.is_some_and(|needed| std::ptr::eq(*needed, source));
        let role = if is_needed { Role::Font } else { Role::Other };
        found.add(&source.written, role, Form::Style, source.line);
    }
    if let Some(needed) = needed {
        let others = choices.iter().filter(|source| !std::ptr::eq(*needed, **source));
        found.add_choices(&needed.written, others.map(|source| source.written.as_str()));
    }
}

/// `url("…")`, and `src("…")`, which is the same.
pub(super) fn is_url(name: &str) -> bool {
    name.eq_ignore_ascii_case("url") || name.eq_ignore_ascii_case("src")
}

/// The text or word that a function begins with; the rest of it is passed over.
fn first_text(parser: &mut Parser<'_, '_>) -> Option<String> {
    let text: Result<Option<String>, ParseError<'_, ()>> = parser.parse_nested_block(|parser| {
        let text = parser.expect_ident_or_string().ok().map(|text| text.to_string());
        while parser.next().is_ok() {}
        Ok(text)
    });
    text.ok().flatten()
}
