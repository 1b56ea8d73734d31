//! References in JavaScript: imports, `new URL(…, import.meta.url)`, `importScripts`, the lists of files and the
//! tables of chunks that bundlers leave for their runtimes, and texts that look like the path of a file.
//!
//! JSON is read the same way.

mod chunk_names;
mod loaders;
mod token;

use super::html::newlines;
use super::{ANY, Form, Found, Role, extension, looks_hashed};

use self::chunk_names::WithoutScript;
use self::token::{Kind, Token, decode};

/// How far texts in texts are read: data is often kept as JSON in a string, in a script in a page.
const MAX_DEPTH: usize = 2;

/// Most characters of a path that a script names.
const MAX_PATH: usize = 500;

/// Reads a script, a module or JSON whose first line is `line`.
pub(super) fn read(bytes: &[u8], line: u32, found: &mut Found) {
    read_at_depth(bytes, line, found, 0);
}

fn read_at_depth(bytes: &[u8], line: u32, found: &mut Found, depth: usize) {
    let tokens = token::tokens(bytes);
    let mut reader = Reader {
        bytes,
        tokens: &tokens,
        counted: 0,
        line,
        found,
        depth,
        only_lists: false,
        is_system: memchr::memmem::find(bytes, b"System.register(").is_some(),
        build_hash: memchr::memmem::find(bytes, b".h=").and_then(|_| chunk_names::build_hash(bytes, &tokens)),
        without_script: None,
    };
    // Next.js's manifest of its build passes some of its paths as arguments.
    reader.only_lists = (0..tokens.len()).any(|at| reader.is_word(at, b"__BUILD_MANIFEST"));
    let mut at = 0;
    while at < tokens.len() {
        at = reader.at(at).max(at + 1);
    }
}

struct Reader<'a, 'f> {
    bytes: &'a [u8],
    tokens: &'a [Token],
    counted: usize,
    line: u32,
    found: &'f mut Found,
    depth: usize,
    /// Whether every path in it is part of a list of files.
    only_lists: bool,
    /// Whether it is a module of SystemJS, whose context imports others: `context.import("./late.js")`.
    is_system: bool,
    /// The hash of the whole build, where the runtime has it.
    build_hash: Option<String>,
    /// Found when it is first asked for.
    without_script: Option<WithoutScript>,
}

impl Reader<'_, '_> {
    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn written(&self, at: usize) -> &[u8] {
        self.tokens.get(at).map(|token| &self.bytes[token.start as usize..token.end as usize]).unwrap_or_default()
    }

    fn is_word(&self, at: usize, word: &[u8]) -> bool {
        self.kind(at) == Some(Kind::Word) && self.written(at) == word
    }

    fn is_sign(&self, at: usize, sign: u8) -> bool {
        self.kind(at) == Some(Kind::Sign(sign))
    }

    /// The text of a string, or of a template without holes.
    fn text(&self, at: usize) -> Option<String> {
        matches!(self.kind(at), Some(Kind::Text | Kind::Template)).then(|| decode(self.written(at)))
    }

    fn add(&mut self, at: usize, written: &str, role: Role, form: Form) {
        let start = self.tokens.get(at).map_or(0, |token| token.start as usize);
        if let Some(between) = self.bytes.get(self.counted..start) {
            self.line = self.line.saturating_add(newlines(between));
            self.counted = start;
        }
        self.found.add(written, role, form, self.line);
    }

    /// Reads what begins at a token; says where to go on, if not at the next one.
    fn at(&mut self, at: usize) -> usize {
        match self.kind(at) {
            // What a text holds is data, whatever it looks like.
            Some(Kind::Word) if self.depth == 0 => self.word(at),
            Some(Kind::Text | Kind::Template) => self.any_text(at),
            Some(Kind::Sign(b'[')) => self.list_or_bundle(at),
            Some(Kind::Sign(b'{')) if self.depth > 0 => self.manifest(at),
            Some(Kind::Arrow) if self.depth == 0 => self.chunk_names(at + 1),
            _ => at,
        }
    }

    fn word(&mut self, at: usize) -> usize {
        match self.written(at) {
            b"__VP_HASH_MAP__" => return self.hashes_of_pages(at),
            b"path_to_searchindex_js" => return self.search_index(at),
            _ => {}
        }
        if at > 0 && self.is_sign(at - 1, b'.') {
            let imports = self.is_system && self.is_word(at, b"import") && self.is_sign(at + 1, b'(');
            let is_relative = self.text(at + 2).is_some_and(|written| written.starts_with(['.', '/']));
            return if imports && is_relative { self.import(at) } else { at };
        }
        match self.written(at) {
            b"import" => self.import(at),
            b"export" if self.is_sign(at + 1, b'{') || self.is_sign(at + 1, b'*') => self.from(at),
            b"new" => self.location(at),
            b"importScripts" => self.import_scripts(at),
            b"return" => self.chunk_names(at + 1),
            b"var" if self.is_sign(at + 2, b'=') => self.style_names(at + 3),
            b"path" => self.resource(at),
            _ => at,
        }
    }

    fn import(&mut self, at: usize) -> usize {
        if let Some(written) = self.text(at + 1) {
            self.add(at + 1, &written, module(&written), Form::Import);
            return at + 2;
        }
        if !self.is_sign(at + 1, b'(') {
            return self.from(at);
        }
        if let Some(pattern) = self.pattern(at + 2) {
            self.add(at + 2, &pattern, Role::Module, Form::DynamicImport);
            return at;
        }
        let ends = self.is_sign(at + 3, b')') || self.is_sign(at + 3, b',');
        match self.text(at + 2).filter(|_| ends) {
            Some(written) => {
                self.add(at + 2, &written, module(&written), Form::DynamicImport);
                at + 3
            }
            None => at,
        }
    }

    /// A template with one hole, which may stand for the name of any file: `./${name}.entry.js`.
    fn pattern(&self, at: usize) -> Option<String> {
        let end = (at + 1..at + 8).find(|&next| self.kind(next) == Some(Kind::TemplatePart))?;
        let before = (self.kind(at) == Some(Kind::TemplatePart)).then(|| decode(self.written(at)))?;
        let after = decode(self.written(end));
        let is_whole = before.starts_with("./") && after.ends_with(".js") && self.is_sign(end + 1, b')');
        is_whole.then(|| format!("{before}{ANY}{after}"))
    }

    /// The module after `from`, of an import or export that begins at `at`: names, some of them in braces, stand before it.
    fn from(&mut self, at: usize) -> usize {
        let mut in_braces = false;
        let mut next = at + 1;
        loop {
            if self.is_word(next, b"from")
                && let Some(written) = self.text(next + 1)
            {
                self.add(next + 1, &written, module(&written), Form::Import);
                return next + 2;
            }
            match self.kind(next) {
                Some(Kind::Sign(b'{')) if !in_braces => in_braces = true,
                Some(Kind::Sign(b'}')) => in_braces = false,
                // The next statement, where no semicolon ends this one.
                Some(Kind::Word) if !in_braces && matches!(self.written(next), b"import" | b"export") => return at,
                Some(Kind::Word | Kind::Text | Kind::Sign(b',' | b'*')) => {}
                _ => return at,
            }
            next += 1;
        }
    }

    /// `new URL("…", import.meta.url)`
    fn location(&mut self, at: usize) -> usize {
        let is_url = self.is_word(at + 1, b"URL")
            && self.is_sign(at + 2, b'(')
            && self.is_sign(at + 4, b',')
            && self.is_word(at + 5, b"import")
            && self.is_word(at + 7, b"meta")
            && self.is_word(at + 9, b"url");
        match self.text(at + 3).filter(|_| is_url) {
            Some(written) => {
                self.add(at + 3, &written, Role::of_name(&written), Form::ScriptUrl);
                at + 9
            }
            None => at,
        }
    }

    fn import_scripts(&mut self, at: usize) -> usize {
        let mut next = at + 1;
        while self.is_sign(next, b'(') || self.is_sign(next, b',') {
            let Some(written) = self.text(next + 1) else { return at };
            self.add(next + 1, &written, Role::Script, Form::ScriptUrl);
            next += 2;
        }
        next
    }

    fn list_or_bundle(&mut self, at: usize) -> usize {
        match self.bundle(at) {
            Some(bundle) => {
                self.add(at + 1, &format!("{bundle}.entry.js"), Role::Module, Form::ChunkName);
                at + 1
            }
            None => self.list(at),
        }
    }

    /// A list of nothing but texts, of which some are scripts or style sheets and the others their ids, or other files that
    /// were built (pictures, in Parcel's).
    fn list(&mut self, at: usize) -> usize {
        // `files["a.css"]` is no list.
        if at > 0
            && matches!(self.kind(at - 1), Some(Kind::Word | Kind::Sign(b')' | b']')))
            && !self.is_word(at - 1, b"return")
        {
            return at;
        }
        let mut end = at + 1;
        let mut texts = Vec::new();
        loop {
            match (self.kind(end), self.text(end)) {
                (_, Some(text)) => texts.push((end, text)),
                (Some(Kind::Number | Kind::Sign(b',')), _) => {}
                (Some(Kind::Sign(b']')), _) => break,
                _ => return at,
            }
            end += 1;
        }
        let is_chunk = |text: &str| chunk_role(text).is_some();
        let all = texts.iter().all(|(_, text)| is_chunk(text));
        let rest_are_ids = texts.iter().all(|(_, text)| is_id(text) || looks_like_path(text) && looks_hashed(text));
        if !(all || rest_are_ids) {
            return at;
        }
        for (place, text) in &texts {
            if let Some(role) = chunk_role(text) {
                self.add(*place, text, role, Form::List);
            } else if looks_like_path(text) {
                self.add(*place, text, Role::of_name(text), Form::Text);
            }
        }
        end
    }

    fn chunk_names(&mut self, at: usize) -> usize {
        let tokens = self.tokens.get(at..).unwrap_or_default();
        for (id, name) in chunk_names::chunk_names(self.bytes, tokens, self.build_hash.as_deref()) {
            let Some(role) = chunk_role(&name.replace(ANY, "x")) else { continue };
            if role == Role::Style || !self.without_script().has(&id) {
                self.add(at, &name, role, Form::ChunkName);
            }
        }
        // A function that always gives the same name: there is but one style sheet to load.
        if let Some(name) = self.text(at).filter(|_| self.names_chunks(at))
            && let Some(role) = chunk_role(&name)
        {
            self.add(at, &name, role, Form::ChunkName);
        }
        at
    }

    /// The style sheets that webpack 4's runtime loads: `{3:1}[e]&&…var n="static/css/"+{3:"8b1afb40"}[e]+".css"`.
    fn style_names(&mut self, at: usize) -> usize {
        if self.kind(at) != Some(Kind::Text) || !self.is_sign(at + 1, b'+') {
            return at;
        }
        let (before, tokens) = self.tokens.split_at(at);
        let with_style = chunk_names::with_style(self.bytes, before);
        if with_style.is_empty() {
            return at;
        }
        for (id, name) in chunk_names::chunk_names(self.bytes, tokens, self.build_hash.as_deref()) {
            if with_style.contains(&id) && chunk_role(&name) == Some(Role::Style) {
                self.add(at, &name, Role::Style, Form::ChunkName);
            }
        }
        at
    }

    /// Whether the function whose value begins here is the runtime's `u`, `k` or `miniCssF`.
    fn names_chunks(&self, value: usize) -> bool {
        let before = value.saturating_sub(9)..value;
        let ends = self.is_sign(value + 1, b',') || self.is_sign(value + 1, b';') || self.is_sign(value + 1, b'}');
        ends && before.into_iter().any(|at| {
            self.is_sign(at, b'.')
                && [&b"u"[..], b"k", b"miniCssF"].iter().any(|name| self.is_word(at + 1, name))
                && self.is_sign(at + 2, b'=')
        })
    }

    fn without_script(&mut self) -> &WithoutScript {
        let (bytes, tokens) = (self.bytes, self.tokens);
        self.without_script.get_or_insert_with(|| WithoutScript::find(bytes, tokens))
    }

    fn any_text(&mut self, at: usize) -> usize {
        let written = self.written(at);
        if memchr::memchr(b'.', written).is_none() {
            return at;
        }
        let holds_texts = self.depth < MAX_DEPTH && memchr::memchr2(b'"', b'\\', written).is_some();
        let text = decode(written);
        if holds_texts && [".js\"", ".css\"", ".mjs\""].iter().any(|end| text.contains(end)) {
            let line = self.line;
            read_at_depth(text.as_bytes(), line, self.found, self.depth + 1);
        } else if let Some(role) = chunk_role(&text).filter(|_| self.only_lists || self.is_loaded(at, &text)) {
            self.add(at, &text, role, Form::List);
        } else if looks_like_path(&text) {
            self.add(at, &text, Role::of_name(&text), Form::Text);
        }
        at
    }
}

/// What an imported file is: those that no browser takes for a module are data, or source that nobody runs.
fn module(written: &str) -> Role {
    match extension(written).as_deref() {
        Some("js" | "mjs" | "cjs") => Role::Module,
        Some("css") => Role::Style,
        // Names in an import map have none, or anything after a dot.
        _ if !written.starts_with(['.', '/']) => Role::Module,
        _ => Role::Other,
    }
}

/// What a file in a list of chunks is, if it is one.
fn chunk_role(text: &str) -> Option<Role> {
    match extension(text).as_deref() {
        _ if !looks_like_path(text) => None,
        Some("js" | "mjs") => Some(Role::Module),
        Some("css") => Some(Role::Style),
        _ => None,
    }
}

/// Whether a text may be the path of a file: one word, with an extension of letters and digits.
fn looks_like_path(text: &str) -> bool {
    let is_of_path =
        |letter: char| !letter.is_whitespace() && !letter.is_control() && !"<>\"'`{}|\\^*,;".contains(letter);
    text.len() <= MAX_PATH
        && extension(text).is_some_and(|extension| {
            (2..=11).contains(&extension.len()) && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
        && text.chars().all(is_of_path)
}

/// Whether a text says alone where it leads, as far as the host: `/assets/a.js`, `https://cdn.example.com/assets/a.js`.
fn is_whole_address(text: &str) -> bool {
    text.starts_with('/') || text.starts_with("https://")
}

/// Whether a text may be the id of a chunk.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_@-".contains(&byte))
}

#[cfg(test)]
mod tests;
