//! What every part of the script reader shares: the tokens and their texts, and where to put what is found.

use super::super::found::{Found, newlines};
use super::super::reference::{Form, Role};
use super::chunk_names::WithoutScript;
use super::token::{Token, TokenKind, decode};

/// Reads through the tokens of a script.
pub(super) struct Reader<'a, 'f> {
    pub(super) bytes: &'a [u8],
    pub(super) tokens: &'a [Token],
    pub(super) counted: usize,
    pub(super) line: u32,
    pub(super) found: &'f mut Found,
    pub(super) depth: usize,
    /// Whether every path in it is part of a list of files.
    pub(super) only_lists: bool,
    /// Whether it is a module of SystemJS, whose context imports others: `context.import("./late.js")`.
    pub(super) is_system: bool,
    /// The hash of the whole build, where the runtime has it.
    pub(super) build_hash: Option<String>,
    /// Computed at the first use.
    pub(super) without_script: Option<WithoutScript>,
}

impl Reader<'_, '_> {
    pub(super) fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    pub(super) fn written(&self, at: usize) -> &[u8] {
        self.tokens.get(at).map(|token| &self.bytes[token.start as usize..token.end as usize]).unwrap_or_default()
    }

    pub(super) fn is_word(&self, at: usize, word: &[u8]) -> bool {
        self.kind(at) == Some(TokenKind::Word) && self.written(at) == word
    }

    pub(super) fn is_sign(&self, at: usize, sign: u8) -> bool {
        self.kind(at) == Some(TokenKind::Sign(sign))
    }

    /// The text of a string, or of a template without holes.
    pub(super) fn text(&self, at: usize) -> Option<String> {
        matches!(self.kind(at), Some(TokenKind::Text | TokenKind::Template)).then(|| decode(self.written(at)))
    }

    pub(super) fn add(&mut self, at: usize, written: &str, role: Role, form: Form) {
        let line = self.line_of(at);
        self.found.add(written, role, form, line);
    }

    /// The line of the file in which a token begins; what a text holds is in the line in which that begins.
    pub(super) fn line_of(&mut self, at: usize) -> u32 {
        let start = self.tokens.get(at).map_or(0, |token| token.start as usize);
        if self.depth == 0
            && let Some(between) = self.bytes.get(self.counted..start)
        {
            self.line = self.line.saturating_add(newlines(between));
            self.counted = start;
        }
        self.line
    }

    pub(super) fn without_script(&mut self) -> &WithoutScript {
        let (bytes, tokens) = (self.bytes, self.tokens);
        self.without_script.get_or_insert_with(|| WithoutScript::find(bytes, tokens))
    }
}
