//! The tags of an HTML document, as browsers find them (<https://html.spec.whatwg.org/#tokenization>), as far as
//! references need it: start tags, their attributes, and the content of elements whose content is text. Text between
//! tags, which is most of a page, is jumped over.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};

/// A start tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// Its name, in lower case.
    pub(super) name: Cow<'a, [u8]>,
    /// Names, in lower case, and values as written; of several with one name, the first counts.
    pub(super) attributes: Vec<Attribute<'a>>,
    /// Where the content begins and what it is, for elements whose content is text: `script`, `style`, `title`, …
    pub(super) content: Option<(usize, &'a [u8])>,
}

/// An attribute.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Attribute<'a> {
    pub(super) name: Cow<'a, [u8]>,
    /// Without quotes, with its character references.
    pub(super) value: &'a [u8],
    /// Where the name begins.
    pub(super) at: usize,
}

/// Goes through the start tags of a document.
pub(super) struct Tags<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Tags<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Tags<'a> {
        Tags { bytes, at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Goes behind the next `byte`, or to the end.
    fn skip_past(&mut self, byte: u8) {
        self.at = memchr(byte, self.rest()).map_or(self.bytes.len(), |found| self.at + found + 1);
    }

    fn skip_spaces(&mut self) {
        while self.at < self.bytes.len() && class(self.bytes[self.at]) == SPACE {
            self.at += 1;
        }
    }

    /// Takes what is in none of the classes that are named.
    fn take_until(&mut self, classes: u8) -> &'a [u8] {
        let (bytes, start) = (self.bytes, self.at);
        let mut at = start;
        while at < bytes.len() && class(bytes[at]) & classes == 0 {
            at += 1;
        }
        self.at = at;
        &bytes[start..at]
    }

    /// Behind `<!--`: to the end of the comment.
    fn skip_comment(&mut self) {
        let rest = self.rest();
        if rest.starts_with(b">") || rest.starts_with(b"->") {
            return self.skip_past(b'>');
        }
        let mut from = 0;
        while let Some(dashes) = memmem::find(&rest[from..], b"--") {
            let after = from + dashes + 2;
            if rest[after..].starts_with(b">") || rest[after..].starts_with(b"!>") {
                self.at += after;
                return self.skip_past(b'>');
            }
            from += dashes + 1;
        }
        self.at = self.bytes.len();
    }

    /// Behind the name of a tag: its attributes, and over the `>`. `None` where the document ends in the tag.
    fn attributes(&mut self) -> Option<Vec<Attribute<'a>>> {
        let mut attributes: Vec<Attribute<'a>> = Vec::new();
        loop {
            self.skip_spaces();
            match self.peek()? {
                b'>' => {
                    self.at += 1;
                    return Some(attributes);
                }
                b'/' => self.at += 1,
                _ => {
                    attributes.push(self.attribute()?);
                }
            }
        }
    }

    fn attribute(&mut self) -> Option<Attribute<'a>> {
        let at = self.at;
        // A name may begin with `=`, and then has it.
        self.at += 1;
        self.take_until(SPACE | SLASH | CLOSE | EQUALS);
        let name = lower_case(&self.bytes[at..self.at]);
        let after_name = self.at;
        self.skip_spaces();
        if self.peek()? != b'=' {
            self.at = after_name;
            return Some(Attribute { name, value: b"", at });
        }
        self.at += 1;
        self.skip_spaces();
        let value = match self.peek()? {
            quote @ (b'"' | b'\'') => {
                self.at += 1;
                let start = self.at;
                let end = start + memchr(quote, self.rest())?;
                self.at = end + 1;
                &self.bytes[start..end]
            }
            b'>' => b"",
            _ => self.take_until(SPACE | CLOSE),
        };
        Some(Attribute { name, value, at })
    }

    /// The content of an element whose content is text, which only its own end tag ends.
    fn text_content(&self, name: &[u8]) -> &'a [u8] {
        let rest = self.rest();
        let mut from = 0;
        while let Some(found) = memchr(b'<', &rest[from..]) {
            let start = from + found;
            let after = &rest[start + 1..];
            if let Some(end_tag) = after.strip_prefix(b"/")
                && end_tag.len() >= name.len()
                && end_tag[..name.len()].eq_ignore_ascii_case(name)
                && end_tag.get(name.len()).is_some_and(|&byte| class(byte) & (SPACE | SLASH | CLOSE) != 0)
            {
                return &rest[..start];
            }
            from = start + 1;
        }
        rest
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        loop {
            self.skip_past(b'<');
            match self.peek()? {
                b'!' if self.rest().starts_with(b"!--") => {
                    self.at += 3;
                    self.skip_comment();
                }
                b'!' | b'?' => self.skip_past(b'>'),
                b'/' => {
                    self.at += 1;
                    match self.peek()? {
                        first if first.is_ascii_alphabetic() => {
                            self.take_until(SPACE | SLASH | CLOSE);
                            self.attributes()?;
                        }
                        _ => self.skip_past(b'>'),
                    }
                }
                first if first.is_ascii_alphabetic() => {
                    let name = lower_case(self.take_until(SPACE | SLASH | CLOSE));
                    let attributes = self.attributes()?;
                    let content = holds_text(&name).then(|| {
                        let content = (self.at, self.text_content(&name));
                        self.at += content.1.len();
                        content
                    });
                    return Some(Tag { name, attributes, content });
                }
                _ => {}
            }
        }
    }
}

/// What is in `noscript` is read as markup: it is what visitors without scripts get.
fn holds_text(name: &[u8]) -> bool {
    matches!(name, b"script" | b"style" | b"title" | b"textarea" | b"xmp" | b"iframe" | b"noembed" | b"noframes")
}

/// What ends names and values. A table and loops over places, because a page has many tags, and a build without
/// optimisation pays for every call.
const SPACE: u8 = 1;
const SLASH: u8 = 2;
const CLOSE: u8 = 4;
const EQUALS: u8 = 8;
const UPPER: u8 = 16;

static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = b'A';
    while byte <= b'Z' {
        classes[byte as usize] = UPPER;
        byte += 1;
    }
    classes[b' ' as usize] = SPACE;
    classes[b'\t' as usize] = SPACE;
    classes[b'\n' as usize] = SPACE;
    classes[b'\r' as usize] = SPACE;
    classes[b'\x0c' as usize] = SPACE;
    classes[b'/' as usize] = SLASH;
    classes[b'>' as usize] = CLOSE;
    classes[b'=' as usize] = EQUALS;
    classes
};

fn class(byte: u8) -> u8 {
    CLASSES[byte as usize]
}

fn lower_case(name: &[u8]) -> Cow<'_, [u8]> {
    let mut at = 0;
    while at < name.len() {
        if class(name[at]) == UPPER {
            return Cow::Owned(name.to_ascii_lowercase());
        }
        at += 1;
    }
    Cow::Borrowed(name)
}

/// The text of an attribute's value: its character references replaced, as far as addresses have them. Others stay as
/// they are written.
pub(super) fn decode(value: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(value);
    if memchr(b'&', text.as_bytes()).is_none() {
        return text;
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(start) = memchr(b'&', rest.as_bytes()) {
        decoded.push_str(&rest[..start]);
        rest = &rest[start..];
        let end =
            memchr2(b';', b' ', &rest.as_bytes()[..rest.len().min(11)]).filter(|&end| rest.as_bytes()[end] == b';');
        match end.and_then(|end| Some((end, character(&rest[1..end])?))) {
            Some((end, character)) => {
                decoded.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                decoded.push('&');
                rest = &rest[1..];
            }
        }
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests;
