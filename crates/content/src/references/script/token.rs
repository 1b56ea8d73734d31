//! JavaScript as a row of tokens: as much of its grammar as it takes to know what is a string, what is code and what
//! is neither.
//!
//! A whole parser would know more, but recurses, so that a few thousand brackets would end the process; a bundle is
//! any bytes to us. What is hard about tokens is whether `/` divides or begins a regular expression
//! (<https://tc39.es/ecma262/#sec-ecmascript-language-lexical-grammar>), which is told from what stands before it.

use memchr::{memchr, memchr2, memchr3, memmem};

/// One token: what it is and where. That of a [`TokenKind::Text`] or [`TokenKind::Template`] is what stands between the quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: u32,
    pub(super) end: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name or a keyword.
    Word,
    Number,
    /// A string.
    Text,
    /// A template without holes.
    Template,
    /// What stands before or between the holes of a template.
    TemplatePart,
    RegularExpression,
    /// `=>`
    Arrow,
    /// `==`, `===`
    Equal,
    /// `||`, `??`
    Or,
    /// `++`, `--`
    Step,
    /// Any other sign.
    Sign(u8),
}

/// What an open bracket belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// `(` after `if`, `while`, `for` or `with`: what follows its end is a statement.
    Condition,
    /// `{` of a hole in a template.
    Hole,
    /// `{` of an object.
    Object,
    /// Anything else.
    Other,
}

/// How often a file may be gone through in vain in search of the ends of strings and regular expressions that are none. No
/// script that does anything comes near it; one that is made for it would take hours.
const MAX_VAIN_PASSES: usize = 16;

/// The tokens of `bytes`, of which there are less than 4 GiB. Comments and spaces are none.
pub(super) fn tokens(bytes: &[u8]) -> Vec<Token> {
    let spare = bytes.len().saturating_mul(MAX_VAIN_PASSES);
    let mut tokenizer = Tokenizer { bytes, at: 0, tokens: Vec::new(), open: Vec::new(), ends_operand: false, spare };
    while tokenizer.step() {}
    tokenizer.tokens
}

struct Tokenizer<'a> {
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
    open: Vec<Open>,
    /// Whether the last token ends a value, so that `/` divides it.
    ends_operand: bool,
    /// How many bytes may still be searched in vain.
    spare: usize,
}

impl Tokenizer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, kind: TokenKind, start: usize, end: usize, ends_operand: bool) {
        if let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) {
            self.tokens.push(Token { kind, start, end });
        }
        self.ends_operand = ends_operand;
    }

    /// Goes over one token, comment or space. False at the end.
    fn step(&mut self) -> bool {
        let Some(&byte) = self.bytes.get(self.at) else { return false };
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' | b'\\' | 0x80.. => self.word(),
            b'0'..=b'9' => self.number(),
            b'"' | b'\'' => self.text(byte),
            b'`' => {
                self.at += 1;
                self.template(false);
            }
            b'/' => self.slash(),
            _ => self.sign(byte),
        }
        true
    }

    fn word(&mut self) {
        let start = self.at;
        while matches!(self.peek(0), b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'$' | b'\\' | 0x80..) {
            self.at += 1;
        }
        let expects_operand = !ends_in_dot(&self.tokens) && is_operator(&self.bytes[start..self.at]);
        self.push(TokenKind::Word, start, self.at, !expects_operand);
    }

    fn number(&mut self) {
        let start = self.at;
        while matches!(self.peek(0), b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'.') {
            self.at += 1;
        }
        self.push(TokenKind::Number, start, self.at, true);
    }

    /// A string ends at its quote. One that does not end in its line was none.
    fn text(&mut self, quote: u8) {
        let start = self.at + 1;
        self.at = match self.end_within_line(|tokenizer| tokenizer.end_of_text(start, quote)) {
            Some(end) => {
                self.push(TokenKind::Text, start, end, true);
                end + 1
            }
            None => start,
        };
    }

    /// What `search` finds, or else where the line ends, to which it looked in vain.
    fn end_within_line(&mut self, search: impl Fn(&Self) -> Result<usize, usize>) -> Option<usize> {
        if self.spare == 0 {
            return None;
        }
        search(self).inspect_err(|line_end| self.spare = self.spare.saturating_sub(line_end - self.at)).ok()
    }

    fn end_of_text(&self, start: usize, quote: u8) -> Result<usize, usize> {
        let mut end = start;
        while let Some(found) = memchr3(quote, b'\\', b'\n', self.bytes.get(end..).unwrap_or_default()) {
            end += found;
            match self.bytes[end] {
                b'\\' => end += 2,
                b'\n' => return Err(end),
                _ => return Ok(end),
            }
        }
        Err(self.bytes.len())
    }

    /// Behind a backtick, or behind the `}` of a hole.
    fn template(&mut self, had_hole: bool) {
        let start = self.at;
        while let Some(found) = memchr3(b'`', b'\\', b'$', self.rest()) {
            self.at += found;
            match self.peek(0) {
                b'\\' => self.at += 2,
                b'$' if self.peek(1) == b'{' => {
                    self.push(TokenKind::TemplatePart, start, self.at, false);
                    self.open.push(Open::Hole);
                    self.at += 2;
                    return;
                }
                b'$' => self.at += 1,
                _ => {
                    let kind = if had_hole { TokenKind::TemplatePart } else { TokenKind::Template };
                    self.push(kind, start, self.at, true);
                    self.at += 1;
                    return;
                }
            }
        }
        self.at = self.bytes.len();
    }

    fn slash(&mut self) {
        match self.peek(1) {
            b'/' => self.at = memchr(b'\n', self.rest()).map_or(self.bytes.len(), |end| self.at + end),
            b'*' => {
                self.at += 2;
                self.at = memmem::find(self.rest(), b"*/").map_or(self.bytes.len(), |end| self.at + end + 2);
            }
            _ if self.ends_operand => self.sign(b'/'),
            _ => match self.end_within_line(Self::end_of_regular_expression) {
                Some(end) => {
                    self.push(TokenKind::RegularExpression, self.at, end, true);
                    self.at = end;
                }
                None => self.sign(b'/'),
            },
        }
    }

    /// Where the regular expression that may begin here ends, without its flags.
    fn end_of_regular_expression(&self) -> Result<usize, usize> {
        let mut in_class = false;
        let mut at = self.at + 1;
        loop {
            match self.bytes.get(at) {
                None | Some(b'\n') => return Err(at.min(self.bytes.len())),
                Some(b'\\') => at += 1,
                Some(b'[') => in_class = true,
                Some(b']') => in_class = false,
                Some(b'/') if !in_class => return Ok(at + 1),
                Some(_) => {}
            }
            at += 1;
        }
    }

    fn sign(&mut self, byte: u8) {
        let start = self.at;
        let (kind, length) = match (byte, self.peek(1)) {
            (b'=', b'>') => (TokenKind::Arrow, 2),
            (b'=', b'=') => (TokenKind::Equal, if self.peek(2) == b'=' { 3 } else { 2 }),
            (b'|', b'|') | (b'?', b'?') => (TokenKind::Or, 2),
            (b'+', b'+') | (b'-', b'-') => (TokenKind::Step, 2),
            _ => (TokenKind::Sign(byte), 1),
        };
        let ends_operand = match byte {
            b'(' => {
                self.open.push(if self.follows_condition_word() { Open::Condition } else { Open::Other });
                false
            }
            b'[' => {
                self.open.push(Open::Other);
                false
            }
            b'{' => {
                self.open.push(if self.begins_object() { Open::Object } else { Open::Other });
                false
            }
            b')' => self.open.pop() != Some(Open::Condition),
            b']' => {
                self.open.pop();
                true
            }
            b'}' => match self.open.pop() {
                Some(Open::Hole) => {
                    self.at += 1;
                    return self.template(true);
                }
                opened => opened == Some(Open::Object),
            },
            _ => kind == TokenKind::Step && self.ends_operand,
        };
        self.push(kind, start, start + length, ends_operand);
        self.at += length;
    }

    fn follows_condition_word(&self) -> bool {
        let [before @ .., word] = self.tokens.as_slice() else { return false };
        let word = &self.bytes[word.start as usize..word.end as usize];
        !ends_in_dot(before) && matches!(word, b"if" | b"while" | b"for" | b"with")
    }

    /// Whether a `{` here begins an object and not a block: after what expects a value.
    fn begins_object(&self) -> bool {
        let Some(last) = self.tokens.last() else { return false };
        match last.kind {
            TokenKind::Sign(b';' | b'{' | b'}' | b')') | TokenKind::Arrow => false,
            TokenKind::Sign(_) | TokenKind::Equal | TokenKind::Or | TokenKind::TemplatePart => true,
            TokenKind::Word => {
                let word = &self.bytes[last.start as usize..last.end as usize];
                !self.ends_operand && !matches!(word, b"do" | b"else")
            }
            _ => false,
        }
    }
}

/// Whether a word behind `tokens` is the name of a member, whatever else it would mean.
fn ends_in_dot(tokens: &[Token]) -> bool {
    matches!(tokens.last(), Some(Token { kind: TokenKind::Sign(b'.'), .. }))
}

/// Words after which a value comes.
fn is_operator(word: &[u8]) -> bool {
    matches!(
        word,
        b"return"
            | b"typeof"
            | b"instanceof"
            | b"in"
            | b"of"
            | b"new"
            | b"delete"
            | b"void"
            | b"throw"
            | b"case"
            | b"do"
            | b"else"
            | b"yield"
            | b"await"
    )
}

/// What a string or a template without holes means: its escapes replaced
/// (<https://tc39.es/ecma262/#sec-literals-string-literals>).
pub(super) fn decode(written: &[u8]) -> String {
    let text = String::from_utf8_lossy(written);
    if memchr(b'\\', text.as_bytes()).is_none() {
        return text.into_owned();
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(start) = memchr(b'\\', rest.as_bytes()) {
        decoded.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        let Some(escape) = rest.chars().next() else { break };
        rest = &rest[escape.len_utf8()..];
        match escape {
            'n' => decoded.push('\n'),
            't' => decoded.push('\t'),
            'r' => decoded.push('\r'),
            'b' | 'f' | 'v' | '0' => decoded.push(' '),
            '\n' | '\u{2028}' | '\u{2029}' => {}
            'x' => rest = code_point(&mut decoded, rest, rest.get(..2), 2),
            'u' if rest.starts_with('{') => {
                let end = memchr2(b'}', b'"', &rest.as_bytes()[..rest.len().min(10)]).unwrap_or(0);
                rest = code_point(&mut decoded, rest, rest.get(1..end), end + 1);
            }
            'u' => rest = code_point(&mut decoded, rest, rest.get(..4), 4),
            other => decoded.push(other),
        }
    }
    decoded.push_str(rest);
    decoded
}

/// Adds the character that `digits` name and goes `length` bytes on; halves of pairs become U+FFFD.
fn code_point<'a>(decoded: &mut String, rest: &'a str, digits: Option<&str>, length: usize) -> &'a str {
    match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
        Some(code) => {
            decoded.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            rest.get(length..).unwrap_or_default()
        }
        None => rest,
    }
}

#[cfg(test)]
mod tests;
