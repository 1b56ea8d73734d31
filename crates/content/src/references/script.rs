//! References in JavaScript: imports, `new URL(…, import.meta.url)`, `importScripts`, the lists of files and the
//! tables of chunks that bundlers leave for their runtimes, and texts that look like the path of a file.
//!
//! JSON is read the same way.

mod chunk_names;
mod loaders;
mod paths;
mod reader;
mod token;

use super::found::Found;
use super::reference::{ANY, Form, Role};
use super::written::looks_hashed;

use self::paths::{chunk_role, is_id, looks_like_path, may_be_built, module};
use self::reader::Reader;
use self::token::{TokenKind, decode};

/// How far texts in texts are read: data is often kept as JSON in a string, in a script in a page.
const MAX_DEPTH: usize = 2;

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
    while reader.kind(at).is_some() {
        at = reader.at(at).max(at + 1);
    }
}

impl Reader<'_, '_> {
    /// Reads what begins at a token; says where to go on, if not at the next one.
    fn at(&mut self, at: usize) -> usize {
        match self.kind(at) {
            // The content of a text is data, whatever it looks like.
            Some(TokenKind::Word) if self.depth == 0 => self.word(at),
            Some(TokenKind::Text | TokenKind::Template) => self.any_text(at),
            Some(TokenKind::Sign(b'[')) => self.list_or_bundle(at),
            Some(TokenKind::Sign(b'{')) if self.depth > 0 => self.manifest(at),
            Some(TokenKind::Arrow) if self.depth == 0 => self.chunk_names(at + 1),
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
            b"export" => self.from(at),
            b"new" if self.is_word(at + 1, b"URL") => self.location(at),
            b"new" => self.worker(at),
            b"importScripts" => self.import_scripts(at),
            b"return" => self.chunk_names(at + 1),
            b"var" | b"let" | b"const" if self.is_sign(at + 2, b'=') => self.style_names(at + 3),
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
        let end = (at + 1..at + 8).find(|&next| self.kind(next) == Some(TokenKind::TemplatePart))?;
        let before = (self.kind(at) == Some(TokenKind::TemplatePart)).then(|| decode(self.written(at)))?;
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
                Some(TokenKind::Sign(b'{')) if !in_braces => in_braces = true,
                Some(TokenKind::Sign(b'}')) => in_braces = false,
                // The next statement, where no semicolon ends this one.
                Some(TokenKind::Word) if !in_braces && matches!(self.written(next), b"import" | b"export") => {
                    return at;
                }
                Some(TokenKind::Word | TokenKind::Text | TokenKind::Sign(b',' | b'*')) => {}
                _ => return at,
            }
            next += 1;
        }
    }

    /// `new URL("…", import.meta.url)`, of which only a worker is known to be loaded. One that has no hash may be for builds of
    /// another kind: scripts that were not built hold such addresses.
    fn location(&mut self, at: usize) -> usize {
        let is_url = self.is_sign(at + 2, b'(')
            && self.is_sign(at + 4, b',')
            && self.is_word(at + 5, b"import")
            && self.is_word(at + 7, b"meta")
            && self.is_word(at + 9, b"url");
        match self.text(at + 3).filter(|_| is_url) {
            Some(written) => {
                let form = if self.is_of_worker(at) && may_be_built(&written) { Form::Worker } else { Form::ScriptUrl };
                self.add(at + 3, &written, Role::of_name(&written), form);
                at + 9
            }
            None => at,
        }
    }

    /// Whether what begins here is the first argument of `new Worker(…)` or `new SharedWorker(…)`, also where Vite makes a text of
    /// it first: `new Worker(new URL(""+new URL("…",import.meta.url).href,import.meta.url))`.
    fn is_of_worker(&self, at: usize) -> bool {
        let mut start = at;
        if start >= 2 && self.is_sign(start - 1, b'+') && self.text(start - 2).is_some_and(|text| text.is_empty()) {
            start -= 2;
        }
        if start >= 3 && self.is_sign(start - 1, b'(') && self.is_word(start - 2, b"URL") {
            start -= 3;
        }
        let named = start >= 2 && self.is_sign(start - 1, b'(');
        named && [&b"Worker"[..], b"SharedWorker"].iter().any(|name| self.is_word(start - 2, name))
    }

    /// `new Worker(r.p+"<hash>.worker.js")`, as worker-loader and others for webpack write it: below the public path.
    fn worker(&mut self, at: usize) -> usize {
        let is_worker = (self.is_word(at + 1, b"Worker") || self.is_word(at + 1, b"SharedWorker"))
            && self.is_sign(at + 2, b'(')
            && self.kind(at + 3) == Some(TokenKind::Word)
            && self.is_sign(at + 4, b'.')
            && self.is_word(at + 5, b"p")
            && self.is_sign(at + 6, b'+');
        match self.text(at + 7).filter(|written| is_worker && looks_hashed(written)) {
            Some(written) if chunk_role(&written).is_some() => {
                self.add(at + 7, &written, Role::Module, Form::List);
                at + 8
            }
            _ => at,
        }
    }

    fn import_scripts(&mut self, at: usize) -> usize {
        let mut next = at + 1;
        while self.is_sign(next, b'(') || self.is_sign(next, b',') {
            let Some(written) = self.text(next + 1) else { return at };
            self.add(next + 1, &written, Role::Script, Form::Worker);
            next += 2;
        }
        next
    }

    fn list_or_bundle(&mut self, at: usize) -> usize {
        match self.bundle(at) {
            Some(bundle) => {
                self.add(at + 1, &format!("{bundle}.entry.js"), Role::Module, Form::ChunkName);
                at
            }
            None => self.list(at),
        }
    }

    /// A list of nothing but texts, of which some are scripts or style sheets and the others their ids, or other files that
    /// were built (pictures, in Parcel's).
    fn list(&mut self, at: usize) -> usize {
        // `files["a.css"]` is no list.
        if at > 0
            && matches!(self.kind(at - 1), Some(TokenKind::Word | TokenKind::Sign(b')' | b']')))
            && !self.is_word(at - 1, b"return")
        {
            return at;
        }
        let mut end = at + 1;
        let mut texts = Vec::new();
        loop {
            match (self.kind(end), self.text(end)) {
                (_, Some(text)) => texts.push((end, text)),
                (Some(TokenKind::Number | TokenKind::Sign(b',')), _) => {}
                (Some(TokenKind::Sign(b']')), _) => break,
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
        let form = if self.may_list_files(at, &texts) { Form::List } else { Form::Text };
        for (place, text) in &texts {
            if let Some(role) = chunk_role(text) {
                self.add(*place, text, role, form);
            } else if looks_like_path(text) {
                self.add(*place, text, Role::of_name(text), Form::Text);
            }
        }
        end
    }

    /// Whether what the list at `at` names are files: in a folder, with a hash, or in Vite's table (`m.f=["late.js"]`).
    /// `["Node.js","Animate.css"]` are names of things, not files.
    fn may_list_files(&self, at: usize, texts: &[(usize, String)]) -> bool {
        let is_table =
            at >= 3 && self.is_sign(at - 1, b'=') && self.is_word(at - 2, b"f") && self.is_sign(at - 3, b'.');
        is_table || self.only_lists || texts.iter().any(|(_, text)| text.contains('/') || looks_hashed(text))
    }

    fn chunk_names(&mut self, at: usize) -> usize {
        let tokens = self.tokens.get(at..).unwrap_or_default();
        let names = chunk_names::chunk_names(self.bytes, tokens, self.build_hash.as_deref());
        let form = if self.may_name_chunks(at, &names) { Form::ChunkName } else { Form::Text };
        for (id, name) in names {
            let Some(role) = chunk_role(&name.replace(ANY, "x")) else { continue };
            if role == Role::Style || !self.without_script().has(&id) {
                self.add(at, &name, role, form);
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

    /// The style sheets that webpack 4's runtime loads: `{3:1}[e]&&…var n="static/css/"+{3:"8b1afb40"}[e]+".css"`, also
    /// where their names begin with that of the chunk, its id or its hash.
    fn style_names(&mut self, at: usize) -> usize {
        let begins_a_name = match self.kind(at) {
            Some(TokenKind::Text | TokenKind::Word) => self.is_sign(at + 1, b'+'),
            Some(TokenKind::Sign(sign)) => matches!(sign, b'{' | b'('),
            _ => false,
        };
        if !begins_a_name {
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

    /// Whether what is put together here are names of chunks: it begins with the public path (`r.p+`), is of the runtime, or
    /// some of it has a hash. `id => ({1: "Node", 2: "Vue"}[id] + ".js")` are names of things.
    fn may_name_chunks(&self, value: usize, names: &[(String, String)]) -> bool {
        let is_public = self.is_sign(value + 1, b'.') && self.is_word(value + 2, b"p") && self.is_sign(value + 3, b'+');
        is_public || self.is_of_runtime(value) || names.iter().any(|(_, name)| looks_hashed(name))
    }

    /// Whether the function whose value begins here is the runtime's, and its value one text.
    fn names_chunks(&self, value: usize) -> bool {
        let ends = self.is_sign(value + 1, b',') || self.is_sign(value + 1, b';') || self.is_sign(value + 1, b'}');
        ends && self.is_of_runtime(value)
    }

    /// Whether the function whose value begins here is the runtime's `u`, `k` or `miniCssF`.
    fn is_of_runtime(&self, value: usize) -> bool {
        let before = value.saturating_sub(9)..value;
        before.into_iter().any(|at| {
            self.is_sign(at, b'.')
                && [&b"u"[..], b"k", b"miniCssF"].iter().any(|name| self.is_word(at + 1, name))
                && self.is_sign(at + 2, b'=')
        })
    }

    fn any_text(&mut self, at: usize) -> usize {
        let written = self.written(at);
        if memchr::memchr(b'.', written).is_none() {
            return at;
        }
        let holds_texts = self.depth < MAX_DEPTH && memchr::memchr2(b'"', b'\\', written).is_some();
        let text = decode(written);
        if holds_texts && [".js\"", ".css\"", ".mjs\""].iter().any(|end| text.contains(end)) {
            let line = self.line_of(at);
            read_at_depth(text.as_bytes(), line, self.found, self.depth + 1);
        } else if let Some(role) = chunk_role(&text).filter(|_| self.only_lists || self.is_loaded(at, &text)) {
            self.add(at, &text, role, Form::List);
        } else if looks_like_path(&text) {
            self.add(at, &text, Role::of_name(&text), Form::Text);
        }
        at
    }
}

#[cfg(test)]
mod tests;
