//! What the loaders of particular tools load, each in its own notation.

use std::collections::BTreeMap;

use super::super::reference::{Form, Role};
use super::super::written::looks_hashed;
use super::paths::{chunk_role, is_id, is_whole_address, looks_like_path};
use super::reader::Reader;
use super::token::TokenKind;

impl Reader<'_, '_> {
    /// The hashes of VitePress's pages, as JSON in a text: its router loads `assets/guide_start.md.<hash>.js` when a visitor
    /// goes to a page.
    pub(super) fn hashes_of_pages(&mut self, at: usize) -> usize {
        let Some((place, json)) = (at..at + 7).find_map(|next| Some((next, self.text(next)?))) else { return at };
        let Ok(hashes) = serde_json::from_str::<BTreeMap<String, String>>(&json) else { return at };
        for (page, hash) in hashes {
            self.add(place, &format!("assets/{page}.{hash}.js"), Role::Module, Form::List);
        }
        place
    }

    /// What Farm's runtime loads for a dynamic import: `{path:"About_8c8a.22a73333.js",type:0}`.
    pub(super) fn resource(&mut self, at: usize) -> usize {
        let is_resource = self.is_sign(at + 1, b':')
            && self.is_sign(at + 3, b',')
            && self.is_word(at + 4, b"type")
            && self.is_sign(at + 5, b':')
            && self.kind(at + 6) == Some(TokenKind::Number);
        if let Some(path) = self.text(at + 2).filter(|_| is_resource)
            && let Some(role) = chunk_role(&path)
        {
            self.add(at + 2, &path, role, Form::List);
            return at + 3;
        }
        at
    }

    /// An object in a text that gives the files of ids, of which most are named by a hash: `{"2bwVA":"about.9a4772a1.js"}`, as
    /// Parcel registered them until version 2.10.
    pub(super) fn manifest(&mut self, at: usize) -> usize {
        let mut end = at + 1;
        let mut files = Vec::new();
        while !self.is_sign(end, b'}') {
            let id = self.text(end).filter(|id| is_id(id) && self.is_sign(end + 1, b':'));
            let Some((_, file)) = id.zip(self.text(end + 2).filter(|file| looks_like_path(file))) else { return at };
            files.push(file);
            end += if self.is_sign(end + 3, b',') { 4 } else { 3 };
        }
        if files.iter().filter(|file| looks_hashed(file)).count() * 2 <= files.len() {
            return at;
        }
        for file in &files {
            match chunk_role(file) {
                Some(role) => self.add(at, file, role, Form::List),
                None => self.add(at, file, Role::of_name(file), Form::Text),
            }
        }
        end
    }

    /// What Stencil's loader imports when an element of the page needs it: `["p-6c712035",[[513,"app-root",…]]]`.
    pub(super) fn bundle(&self, at: usize) -> Option<String> {
        let is_list = self.is_sign(at + 2, b',') && self.is_sign(at + 3, b'[') && self.is_sign(at + 4, b'[');
        let has_flags = is_list && self.kind(at + 5) == Some(TokenKind::Number) && self.is_sign(at + 6, b',');
        // The name of a custom element holds a hyphen.
        let is_of_elements = has_flags && self.text(at + 7).is_some_and(|element| element.contains('-'));
        self.text(at + 1).filter(|bundle| is_of_elements && is_id(bundle) && looks_hashed(bundle))
    }

    /// What the pages of an mdBook load when a visitor searches: `window.path_to_searchindex_js = "searchindex-d84a9304.js"`.
    pub(super) fn search_index(&mut self, at: usize) -> usize {
        if let Some(written) = self.text(at + 2).filter(|written| self.is_sign(at + 1, b'=') && looks_hashed(written)) {
            self.add(at + 2, &written, Role::Script, Form::ChunkName);
        }
        at
    }

    /// Whether a text that stands alone is the address of what a loader loads: one with a hash, unless people have it as the
    /// `src` of a tag in their components; and what a route of Remix or React Router loads
    /// (`"module":"/assets/about-CkQxNlLp.js"`).
    pub(super) fn is_loaded(&self, at: usize, text: &str) -> bool {
        let path = text.strip_prefix("https://").map_or(Some(text), |rest| rest.split_once('/').map(|(_, path)| path));
        let is_hashed = path.is_some_and(looks_hashed) && !self.is_value_of(at, "src");
        is_whole_address(text) && (is_hashed || self.is_value_of(at, "module"))
    }

    fn is_value_of(&self, at: usize, key: &str) -> bool {
        let is_key = |at: usize| self.is_word(at, key.as_bytes()) || self.text(at).is_some_and(|text| text == key);
        at >= 2 && self.is_sign(at - 1, b':') && is_key(at - 2)
    }
}
