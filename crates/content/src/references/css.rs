//! References in style sheets, `<style>` and `style="…"`: `url()`, `@import`, `image-set()` and the sources of
//! `@font-face` (<https://drafts.csswg.org/css-values-4/#urls>).

mod font_face;

use cssparser::{ParseError, Parser, ParserInput, Token};

use super::found::Found;
use super::reference::{Form, Role};

/// How deep blocks are followed: style sheets nest less, and no input may exhaust the stack.
const MAX_DEPTH: usize = 64;

/// Where the CSS stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CssContext {
    /// Rules.
    Sheet,
    /// The declarations of a `style` attribute.
    Attribute,
}

/// Reads CSS whose first line is `line`.
pub(super) fn read(text: &str, place: CssContext, line: u32, found: &mut Found) {
    if place == CssContext::Attribute && memchr::memchr(b'(', text.as_bytes()).is_none() {
        return;
    }
    let mut input = ParserInput::new(text);
    let mut reader = Reader { line, may_import: true, found };
    reader.block(&mut Parser::new(&mut input), Inside::Other, 0);
}

/// The context of an address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Import,
    /// Its block is [`font_face`]'s.
    FontFace,
    /// The string itself is an address.
    ImageSet,
    /// What is named there is not a file.
    Namespace,
    Other,
}

struct Reader<'f> {
    line: u32,
    /// Whether no rule was read yet: browsers import nothing behind one
    /// (<https://drafts.csswg.org/css-cascade-5/#at-import>).
    may_import: bool,
    found: &'f mut Found,
}

impl Reader<'_> {
    /// Reads to the end of a block. `around` is what the block belongs to.
    fn block(&mut self, parser: &mut Parser<'_, '_>, around: Inside, depth: usize) {
        let mut inside = around;
        loop {
            parser.skip_whitespace();
            let line = self.line.saturating_add(parser.current_source_location().line);
            let Ok(token) = parser.next() else { return };
            let opened = match token {
                Token::UnquotedUrl(url) => {
                    let url = url.clone();
                    self.add(&url, inside, line);
                    continue;
                }
                Token::QuotedString(text) if matches!(inside, Inside::Import | Inside::ImageSet) => {
                    let text = text.clone();
                    self.add(&text, inside, line);
                    if inside == Inside::Import {
                        // What follows are conditions.
                        inside = Inside::Namespace;
                    }
                    continue;
                }
                Token::AtKeyword(name) => {
                    inside = self.at_rule(name);
                    continue;
                }
                Token::Semicolon => {
                    inside = around;
                    continue;
                }
                Token::Function(name) => function(name, inside),
                Token::CurlyBracketBlock if inside == Inside::FontFace => Opened::FontFace,
                Token::CurlyBracketBlock => Opened::Block(inside),
                Token::ParenthesisBlock | Token::SquareBracketBlock => Opened::Block(inside),
                _ => continue,
            };
            if depth == MAX_DEPTH {
                continue;
            }
            let is_rule = matches!(token, Token::CurlyBracketBlock);
            if is_rule {
                self.may_import = false;
            }
            let _: Result<(), ParseError<'_, ()>> = parser.parse_nested_block(|parser| {
                match opened {
                    Opened::Url => {
                        parser.skip_whitespace();
                        let line = self.line.saturating_add(parser.current_source_location().line);
                        if let Ok(text) = parser.expect_string_cloned() {
                            self.add(&text, inside, line);
                        }
                        while parser.next().is_ok() {}
                    }
                    Opened::FontFace => font_face::read(parser, self.line, self.found),
                    Opened::Block(inside) => self.block(parser, inside, depth + 1),
                }
                Ok(())
            });
            if is_rule {
                inside = around;
            }
        }
    }

    fn at_rule(&self, name: &str) -> Inside {
        if name.eq_ignore_ascii_case("import") {
            if self.may_import { Inside::Import } else { Inside::Namespace }
        } else if name.eq_ignore_ascii_case("font-face") {
            Inside::FontFace
        } else if name.eq_ignore_ascii_case("namespace") || name.eq_ignore_ascii_case("-moz-document") {
            Inside::Namespace
        } else {
            Inside::Other
        }
    }

    fn add(&mut self, written: &str, inside: Inside, line: u32) {
        let role = match inside {
            Inside::Namespace => return,
            Inside::Import => Role::Style,
            // No browser loads a font for anything but a face.
            Inside::FontFace | Inside::ImageSet | Inside::Other => match Role::of_name(written) {
                Role::Font => Role::Other,
                _ => Role::Image,
            },
        };
        self.found.add(written, role, Form::Style, line);
    }
}

enum Opened {
    /// `url("…")`.
    Url,
    /// The declarations of `@font-face`.
    FontFace,
    Block(Inside),
}

fn function(name: &str, inside: Inside) -> Opened {
    if font_face::is_url(name) {
        Opened::Url
    } else if name.eq_ignore_ascii_case("image-set") || name.eq_ignore_ascii_case("-webkit-image-set") {
        Opened::Block(Inside::ImageSet)
    } else if ["type", "format", "tech"].iter().any(|other| name.eq_ignore_ascii_case(other)) {
        Opened::Block(Inside::Namespace)
    } else {
        Opened::Block(inside)
    }
}
