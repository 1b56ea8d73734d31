//! References in HTML (and SVG): attributes, `style`, `<style>`, inline scripts, import maps.

mod tags;

use serde_json::Value;

use super::found::{Found, newlines};
use super::reference::{Form, Manner, Role};
use super::{css, script};

use self::tags::{Attribute, Tag};

/// Words of `rel` that say that a link is to an image.
const IMAGES: [&str; 6] =
    ["icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon", "apple-touch-startup-image", "image_src"];

/// Reads a page.
///
/// What is commented out is not read, nor is what only old browsers took for more than a comment. What is in
/// `<template>` and `<noscript>` is: scripts, and visitors without scripts, get it.
pub(super) fn read(bytes: &[u8], found: &mut Found) {
    let mut page = Page { lines: Lines { bytes, counted: 0, line: 1 }, qwik_folder: String::new(), found };
    tags::read(bytes, |tag| page.tag(tag));
}

struct Page<'a, 'f> {
    lines: Lines<'a>,
    /// Where Qwik says its modules are; empty: it is not a page of Qwik's.
    qwik_folder: String,
    found: &'f mut Found,
}

impl Page<'_, '_> {
    fn tag(&mut self, tag: &Tag) {
        match tag.name.as_str() {
            "a" | "area" => self.address(tag, "href", Role::Page),
            "img" => {
                self.address(tag, "src", Role::Image);
                self.candidates(tag, "srcset");
            }
            "link" => self.link(tag),
            "script" => self.script(tag),
            "style" => {
                if let Some((at, content)) = &tag.content {
                    let line = self.lines.of(*at);
                    css::read(&String::from_utf8_lossy(content), css::CssContext::Sheet, line, self.found);
                }
            }
            "meta" => self.meta(tag),
            "base" => {
                if let Some(href) = attribute(tag, "href") {
                    self.found.set_base(&href.value);
                }
            }
            "source" => {
                self.address(tag, "src", Role::Media);
                self.candidates(tag, "srcset");
            }
            "video" => {
                self.address(tag, "src", Role::Media);
                self.address(tag, "poster", Role::Image);
            }
            "audio" | "track" | "embed" => self.address(tag, "src", Role::Media),
            "object" => self.address(tag, "data", Role::Media),
            "iframe" | "frame" => self.address(tag, "src", Role::Page),
            "input" => self.address(tag, "src", Role::Image),
            "image" | "use" | "feimage" => {
                self.address(tag, "href", Role::Image);
                self.address(tag, "xlink:href", Role::Image);
            }
            "body" | "table" | "td" | "th" => self.address(tag, "background", Role::Image),
            // Astro's islands: their scripts are loaded when a visitor gets to see them.
            "astro-island" => {
                for name in ["component-url", "renderer-url", "before-hydration-url"] {
                    self.address(tag, name, Role::Module);
                }
            }
            _ => {}
        }
        for attribute in &tag.attributes {
            match attribute.name.as_str() {
                "style" => {
                    let line = self.lines.of(attribute.at);
                    css::read(&attribute.value, css::CssContext::Attribute, line, self.found);
                }
                "q:base" => self.qwik_folder = attribute.value.clone(),
                _ if self.qwik_folder.is_empty() => {}
                _ => self.qwik_listener(attribute),
            }
        }
    }

    /// Qwik's listeners, which are loaded when their event happens: `on:click="q-1.js#name"`, in the folder `q:base`.
    fn qwik_listener(&mut self, attribute: &Attribute) {
        if !attribute.name.starts_with("on") {
            return;
        }
        for symbol in attribute.value.split_ascii_whitespace() {
            if let Some((file, _)) = symbol.split_once('#').filter(|(file, _)| file.ends_with(".js")) {
                let line = self.lines.of(attribute.at);
                self.found.add(&format!("{}{file}", self.qwik_folder), Role::Module, Form::Attribute, line);
            }
        }
    }

    fn address(&mut self, tag: &Tag, name: &str, role: Role) {
        self.written(tag, name, role, Form::Attribute);
    }

    /// The address of a tag that loads a script or style.
    fn loaded(&mut self, tag: &Tag, name: &str, role: Role) {
        let names = tag.attributes.iter().map(|attribute| attribute.name.as_str());
        self.written(tag, name, role, Form::Tag(Manner::of(names)));
    }

    fn written(&mut self, tag: &Tag, name: &str, role: Role, form: Form) {
        if let Some(attribute) = attribute(tag, name) {
            let line = self.lines.of(attribute.at);
            self.found.add(&attribute.value, role, form, line);
        }
    }

    /// The addresses of a `srcset`.
    fn candidates(&mut self, tag: &Tag, name: &str) {
        if let Some(attribute) = attribute(tag, name) {
            let line = self.lines.of(attribute.at);
            for written in srcset(&attribute.value) {
                self.found.add(written, Role::Image, Form::Attribute, line);
            }
        }
    }

    fn link(&mut self, tag: &Tag) {
        let Some(rel) = attribute(tag, "rel") else { return };
        let rel = rel.value.to_ascii_lowercase();
        let is = |word: &str| rel.split_ascii_whitespace().any(|rel| rel == word);
        let href = attribute(tag, "href").map_or("", |href| &href.value);
        let destination = attribute(tag, "as").map(|destination| destination.value.to_ascii_lowercase());
        let role = if is("stylesheet") && is("alternate") {
            // It applies only if the visitor chooses it.
            Role::Other
        } else if is("stylesheet") {
            Role::Style
        } else if is("modulepreload") {
            Role::Module
        } else if is("manifest") {
            Role::WebManifest
        } else if is("preload") {
            self.candidates(tag, "imagesrcset");
            preloaded(destination.as_deref(), href)
        } else if is("prefetch") {
            // For the page that a visitor may open next: a page that needs it refers to it too.
            Role::Other
        } else if IMAGES.iter().any(|word| is(word)) {
            Role::Image
        } else if is("alternate") || is("prev") || is("next") {
            Role::Page
        } else {
            return;
        };
        match role {
            Role::Style if is("stylesheet") => self.loaded(tag, "href", role),
            _ => self.address(tag, "href", role),
        }
    }

    fn script(&mut self, tag: &Tag) {
        let kind = attribute(tag, "type").map(|kind| kind.value.trim().to_ascii_lowercase());
        let kind = kind.as_deref().unwrap_or_default();
        if attribute(tag, "src").is_some() {
            let role = match kind {
                "module" => Role::Module,
                _ if is_script(kind) => Role::Script,
                _ => Role::Other,
            };
            return match role {
                Role::Other => self.address(tag, "src", role),
                _ => self.loaded(tag, "src", role),
            };
        }
        // A script of SVG.
        for name in ["href", "xlink:href"] {
            self.loaded(tag, name, Role::Script);
        }
        // Vite's build for old browsers: a script reads this attribute and imports what it names.
        if attribute(tag, "id").is_some_and(|id| id.value == "vite-legacy-entry") {
            self.loaded(tag, "data-src", Role::Script);
        }
        let Some((at, content)) = &tag.content else { return };
        let line = self.lines.of(*at);
        if kind == "importmap" {
            self.import_map(content, line);
        } else if kind == "module" || is_script(kind) || kind.ends_with("json") {
            script::read(content, line, self.found);
        }
    }

    /// <https://html.spec.whatwg.org/#import-maps>; an address that ends in a slash stands for a folder.
    fn import_map(&mut self, content: &[u8], line: u32) {
        let Ok(map) = serde_json::from_slice::<Value>(content) else { return };
        let scopes = map.get("scopes").and_then(Value::as_object).into_iter().flat_map(|scopes| scopes.values());
        for imports in map.get("imports").into_iter().chain(scopes).filter_map(Value::as_object) {
            for (name, address) in imports {
                let Some(address) = address.as_str() else { continue };
                self.found.add_import(name, address);
                if !address.ends_with('/') {
                    self.found.add(address, Role::Module, Form::Attribute, line);
                }
            }
        }
    }

    fn meta(&mut self, tag: &Tag) {
        let name = attribute(tag, "property").or_else(|| attribute(tag, "name"));
        let Some(content) = attribute(tag, "content") else { return };
        if let Some(name) = name {
            let role = match name.value.to_ascii_lowercase().as_str() {
                "og:image"
                | "og:image:url"
                | "og:image:secure_url"
                | "twitter:image"
                | "twitter:image:src"
                | "msapplication-tileimage" => Role::Image,
                "og:video" | "og:video:url" | "og:video:secure_url" | "og:audio" | "og:audio:url" => Role::Media,
                _ => return,
            };
            return self.address(tag, "content", role);
        }
        let refreshes =
            attribute(tag, "http-equiv").is_some_and(|directive| directive.value.eq_ignore_ascii_case("refresh"));
        if let Some(written) = refresh_target(&content.value).filter(|_| refreshes) {
            let line = self.lines.of(content.at);
            self.found.add(written, Role::Page, Form::Attribute, line);
        }
    }
}

fn attribute<'t>(tag: &'t Tag, name: &str) -> Option<&'t Attribute> {
    tag.attributes.iter().find(|attribute| attribute.name == name)
}

/// What a preload is needed for: as it says, or else as its name says.
fn preloaded(destination: Option<&str>, href: &str) -> Role {
    match destination {
        Some("script" | "worker") => Role::Script,
        Some("style") => Role::Style,
        Some("font") => Role::Font,
        Some("image") => Role::Image,
        Some("audio" | "video" | "track") => Role::Media,
        Some("document") => Role::Page,
        Some(_) => Role::Other,
        None => Role::of_name(href),
    }
}

/// <https://mimesniff.spec.whatwg.org/#javascript-mime-type>; and Partytown's, which runs it elsewhere.
fn is_script(kind: &str) -> bool {
    matches!(
        kind,
        "" | "text/javascript"
            | "application/javascript"
            | "application/x-javascript"
            | "text/ecmascript"
            | "application/ecmascript"
            | "text/partytown"
    )
}

/// The addresses of the candidates (<https://html.spec.whatwg.org/#parse-a-srcset-attribute>).
fn srcset(value: &str) -> Vec<&str> {
    let mut written = Vec::new();
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_ascii_whitespace() || letter == ',');
        if rest.is_empty() {
            return written;
        }
        let end = rest.find(|letter: char| letter.is_ascii_whitespace()).unwrap_or(rest.len());
        let address = &rest[..end];
        rest = &rest[end..];
        let without_commas = address.trim_end_matches(',');
        written.push(without_commas);
        if without_commas.len() == address.len() {
            rest = after_descriptors(rest);
        }
    }
}

/// What follows the descriptors of a candidate, from the comma that ends them; commas in parentheses do not.
fn after_descriptors(descriptors: &str) -> &str {
    let mut in_parentheses = false;
    let end = descriptors.find(|letter: char| {
        in_parentheses = letter == '(' || in_parentheses && letter != ')';
        letter == ',' && !in_parentheses
    });
    end.map_or("", |comma| &descriptors[comma..])
}

/// The address in `5; url=/there` (<https://html.spec.whatwg.org/#shared-declarative-refresh-steps>).
fn refresh_target(content: &str) -> Option<&str> {
    let (_, after) = content.split_once([';', ','])?;
    let after = after.trim();
    let start = after.get(..3).filter(|start| start.eq_ignore_ascii_case("url"))?.len();
    let address = after[start..].trim_start().strip_prefix('=')?.trim();
    Some(address.trim_matches(['"', '\'']))
}

/// Counts lines from one place of the document to the next.
struct Lines<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: u32,
}

impl Lines<'_> {
    /// The line, from 1, of the byte at `at`. A place before the one asked for last is counted to the same line.
    fn of(&mut self, at: usize) -> u32 {
        if let Some(between) = self.bytes.get(self.counted..at) {
            self.line = self.line.saturating_add(newlines(between));
            self.counted = at;
        }
        self.line
    }
}
