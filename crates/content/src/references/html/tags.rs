//! The start tags of an HTML document, as browsers find them (<https://html.spec.whatwg.org/#tokenization>).

use std::cell::Cell;
use std::convert::Infallible;

use html5gum::emitters::callback::{Callback, CallbackEmitter, CallbackEvent};
use html5gum::{Emitter, ForwardingEmitter, Readable, Reader, Span, State, StringReader, Tokenizer, naive_next_state};

/// A start tag.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tag {
    /// Its name, in lower case.
    pub(super) name: String,
    /// As they are written; of several with one name, the first counts.
    pub(super) attributes: Vec<Attribute>,
    /// Where the content begins and what it is, for elements whose content is text: `script`, `style`, `title`, …
    pub(super) content: Option<(usize, Vec<u8>)>,
}

/// An attribute.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    /// In lower case.
    pub(super) name: String,
    /// Without quotes, with character references replaced.
    pub(super) value: String,
    /// Where the name begins in the document.
    pub(super) at: usize,
}

/// Gives each start tag of `document` to `visit`; an element whose content is text when its content is known.
pub(super) fn read(document: &[u8], visit: impl FnMut(&Tag)) {
    let place = Cell::new(0);
    let reader = Placed { reader: document.to_reader(), place: &place };
    let tags = StartTags { tag: None, next_state: None, foreign: 0, attribute: 0, place: &place, visit };
    let mut tokens = Tokenizer::new_with_emitter(reader, Quiet(CallbackEmitter::new(tags)));
    // It returns nothing: the visitor is called meanwhile.
    while tokens.next().is_some() {}
}

/// Tracks how far the document is read. The tokenizer's own positions are wrong after character references.
struct Placed<'a> {
    reader: StringReader<'a>,
    place: &'a Cell<usize>,
}

impl Reader for Placed<'_> {
    type Error = Infallible;

    #[inline]
    fn read_byte(&mut self) -> Result<Option<u8>, Infallible> {
        let byte = self.reader.read_byte()?;
        self.place.set(self.place.get() + usize::from(byte.is_some()));
        Ok(byte)
    }

    #[inline]
    fn try_read_string(&mut self, text: &[u8], case_sensitive: bool) -> Result<bool, Infallible> {
        let found = self.reader.try_read_string(text, case_sensitive)?;
        self.place.set(self.place.get() + if found { text.len() } else { 0 });
        Ok(found)
    }

    #[inline]
    fn read_until<'b>(&'b mut self, ends: &[u8], one: &'b mut [u8; 4]) -> Result<Option<&'b [u8]>, Infallible> {
        let read = self.reader.read_until(ends, one)?;
        self.place.set(self.place.get() + read.map_or(0, <[u8]>::len));
        Ok(read)
    }
}

/// Assembles tags.
struct StartTags<'a, V> {
    /// The tag that is being read, or whose content is.
    tag: Option<Tag>,
    /// How the content of the tag just read is to be read, if not as markup.
    next_state: Option<State>,
    /// How many elements of SVG and MathML are open, in which `/>` ends an element of any name.
    foreign: usize,
    /// Where the attribute that is being read begins.
    attribute: usize,
    place: &'a Cell<usize>,
    visit: V,
}

impl<V: FnMut(&Tag)> StartTags<'_, V> {
    fn visit(&mut self) {
        if let Some(tag) = self.tag.take() {
            (self.visit)(&tag);
        }
    }
}

impl<V: FnMut(&Tag)> Callback<Infallible, ()> for StartTags<'_, V> {
    fn handle_event(&mut self, event: CallbackEvent<'_>, _span: Span<()>) -> Option<Infallible> {
        match event {
            CallbackEvent::OpenStartTag { name } => self.tag = Some(Tag { name: text(name), ..Tag::default() }),
            CallbackEvent::AttributeName { name } => {
                let attribute = Attribute { name: text(name), value: String::new(), at: self.attribute };
                self.tag.as_mut()?.attributes.push(attribute);
            }
            CallbackEvent::AttributeValue { value } => {
                self.tag.as_mut()?.attributes.last_mut()?.value = text(value);
            }
            CallbackEvent::CloseStartTag { self_closing } => {
                let tag = self.tag.as_mut()?;
                let is_empty = self_closing && self.foreign > 0;
                self.foreign += usize::from(!self_closing && is_foreign(tag.name.as_bytes()));
                self.next_state = content_state(tag).filter(|_| !is_empty);
                match self.next_state {
                    Some(_) => tag.content = Some((self.place.get(), Vec::new())),
                    None => self.visit(),
                }
            }
            CallbackEvent::String { value } => {
                self.tag.as_mut()?.content.as_mut()?.1.extend_from_slice(value);
                self.visit();
            }
            CallbackEvent::EndTag { name } => {
                self.foreign = self.foreign.saturating_sub(usize::from(is_foreign(name)));
                self.visit();
            }
            CallbackEvent::Comment { .. } | CallbackEvent::Doctype { .. } | CallbackEvent::Error(_) => {}
        }
        None
    }
}

fn is_foreign(name: &[u8]) -> bool {
    matches!(name, b"svg" | b"math")
}

/// What is in `noscript` is read as markup: it is what visitors without scripts get.
fn content_state(tag: &Tag) -> Option<State> {
    naive_next_state(tag.name.as_bytes()).filter(|_| tag.name != "noscript")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Leaves out what is not needed, which is most of a page: text between tags, comments and parse errors.
struct Quiet<'a, V: FnMut(&Tag)>(CallbackEmitter<StartTags<'a, V>, Infallible>);

impl<V: FnMut(&Tag)> ForwardingEmitter for Quiet<'_, V> {
    type Token = Infallible;

    #[inline]
    fn inner(&mut self) -> &mut impl Emitter<Token = Infallible> {
        &mut self.0
    }

    #[inline]
    fn should_emit_errors(&mut self) -> bool {
        false
    }

    #[inline]
    fn push_comment(&mut self, _text: &[u8]) {}

    #[inline]
    fn emit_string(&mut self, text: &[u8]) {
        if self.0.callback_mut().tag.is_some() {
            self.0.emit_string(text);
        }
    }

    fn emit_eof(&mut self) {
        self.0.emit_eof();
        self.0.callback_mut().visit();
    }

    #[inline]
    fn init_attribute(&mut self) {
        // Gives away the attribute before.
        self.0.init_attribute();
        let tags = self.0.callback_mut();
        tags.attribute = tags.place.get() - 1;
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        // Does not switch by itself: it was not told to.
        let _ = self.0.emit_current_tag();
        self.0.callback_mut().next_state.take()
    }
}

#[cfg(test)]
mod tests;
