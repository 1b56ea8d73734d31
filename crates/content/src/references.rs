//! What the files of a site refer to, as the files themselves write it: no disk, no network, no judgement about what is
//! missing (that is `closure`'s).
//!
//! Nothing in a file stops reading it: what cannot be understood is not a reference.

mod css;
mod html;
mod qwik;
mod script;
mod web_manifest;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::path::SitePath;

/// In a [`Form::ChunkName`] or [`Form::DynamicImport`]: any part of the name of a file, put in when the script runs.
pub const ANY: char = '*';

/// What one file refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// What a page says its addresses are relative to (`<base href>`), as written.
    pub base: Option<Arc<str>>,
    /// What bare module names stand for (`<script type=importmap>`): name and address, as written.
    pub imports: Vec<(Arc<str>, Arc<str>)>,
    /// The references, in the order of the file. The same text in the same role and form is there once.
    pub list: Vec<Reference>,
}

impl References {
    /// Whether the file refers to nothing.
    pub fn is_empty(&self) -> bool {
        self.base.is_none() && self.imports.is_empty() && self.list.is_empty()
    }
}

/// One reference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The address as written, without the escapes of HTML, CSS or JavaScript; not yet percent-decoded.
    pub written: Arc<str>,
    /// What it is needed for.
    pub role: Role,
    /// How it is written, which decides what it is relative to.
    pub form: Form,
    /// The line it begins in, from 1.
    pub line: u32,
}

/// What a reference is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A classic script.
    Script,
    /// An ECMAScript module, or a chunk that a bundler's runtime loads.
    Module,
    /// A style sheet.
    Style,
    /// A font that today's browsers load.
    Font,
    /// A web app manifest.
    WebManifest,
    /// An image or an icon.
    Image,
    /// Video, audio, subtitles, embedded objects.
    Media,
    /// A link to another page or a download, or a frame.
    Page,
    /// Anything else.
    Other,
}

impl Role {
    /// Whether a page is broken without it.
    pub fn is_essential(self) -> bool {
        match self {
            Role::Script | Role::Module | Role::Style | Role::Font | Role::WebManifest => true,
            Role::Image | Role::Media | Role::Page | Role::Other => false,
        }
    }

    /// The noun for people.
    pub fn noun(self) -> &'static str {
        match self {
            Role::Script => "script",
            Role::Module => "module",
            Role::Style => "style sheet",
            Role::Font => "font",
            Role::WebManifest => "web manifest",
            Role::Image => "image",
            Role::Media => "media file",
            Role::Page => "page",
            Role::Other => "file",
        }
    }

    /// What a file with such a name is usually needed for.
    fn of_name(written: &str) -> Role {
        match extension(written).as_deref() {
            Some("js" | "cjs") => Role::Script,
            Some("mjs") => Role::Module,
            Some("css") => Role::Style,
            // Only Internet Explorer loads `eot`; style sheets go on naming it beside files that are left out.
            Some("woff2" | "woff" | "ttf" | "otf") => Role::Font,
            Some("webmanifest") => Role::WebManifest,
            Some("png" | "jpg" | "jpeg" | "gif" | "webp" | "avif" | "svg" | "ico" | "bmp" | "jxl") => Role::Image,
            Some("mp4" | "webm" | "ogg" | "ogv" | "mp3" | "wav" | "m4a" | "flac" | "mov" | "vtt" | "pdf") => {
                Role::Media
            }
            Some("html" | "htm" | "xhtml") => Role::Page,
            _ => Role::Other,
        }
    }
}

/// How a reference is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// In an attribute of HTML, or in an import map: relative to the page's base.
    Attribute,
    /// As [`Form::Attribute`], of a tag that loads a script, module or style sheet, and not only has it fetched ahead.
    Tag(Manner),
    /// In CSS (`url()`, `@import`, `image-set()`): relative to the style sheet, or to the base of the page that holds it.
    Style,
    /// A static import, or an export from elsewhere: relative to the script, or a bare name of an import map.
    Import,
    /// A dynamic import with a literal text, as [`Form::Import`].
    DynamicImport,
    /// `new URL("…", import.meta.url)` and `importScripts("…")`: relative to the script.
    ScriptUrl,
    /// In a list of files that a bundler's runtime loads, or a text alone that has a hash and says from the top of the host
    /// where it leads: relative to the script or to wherever the build is served.
    List,
    /// Put together by webpack's or Rspack's runtime out of a table of chunks: relative as [`Form::List`].
    ChunkName,
    /// A member of a web manifest: relative to the manifest.
    WebManifest,
    /// A text in a script or in data that looks like the path of a file: it may be a reference, or only look like one.
    Text,
}

/// How a tag that loads a script or style is written: which attributes it has, and whether its address comes first.
///
/// A tool writes all its tags in one manner, and people write theirs in another: Vite adds `crossorigin`, and webpack's
/// plugin for HTML begins a link with its `href`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Manner(u8);

impl Manner {
    const CROSS_ORIGIN: u8 = 1;
    const ADDRESS_FIRST: u8 = 1 << 1;
    const TYPED: u8 = 1 << 2;
    const DEFER: u8 = 1 << 3;
    const ASYNC: u8 = 1 << 4;
    const NO_MODULE: u8 = 1 << 5;
    const OTHER: u8 = 1 << 6;

    /// That of a tag with attributes of these names, in this order.
    pub fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Manner {
        let address_first = |has_address| if has_address { Manner::ADDRESS_FIRST } else { 0 };
        let (mut manner, mut has_address) = (0, false);
        for name in names {
            manner |= match name {
                "src" | "href" => {
                    has_address = true;
                    0
                }
                "rel" => address_first(has_address),
                "type" => Manner::TYPED | address_first(has_address),
                "crossorigin" => Manner::CROSS_ORIGIN,
                "defer" => Manner::DEFER,
                "async" => Manner::ASYNC,
                "nomodule" => Manner::NO_MODULE,
                "media" => 0,
                _ => Manner::OTHER,
            };
        }
        Manner(manner)
    }

    /// Whether it says that the file may come from elsewhere (`crossorigin`).
    pub fn is_cross_origin(self) -> bool {
        self.0 & Manner::CROSS_ORIGIN != 0
    }

    /// Whether it is as Vite writes it: `crossorigin`, and nothing that comes with it where people copy a tag of a CDN
    /// (`integrity`).
    pub fn is_vites(self) -> bool {
        self.is_cross_origin() && self.0 & Manner::OTHER == 0
    }

    /// Whether it says more than what the file is and where it lies.
    pub fn says_more(self) -> bool {
        self.0 & !(Manner::TYPED | Manner::ADDRESS_FIRST) != 0
    }

    /// Whether people write such tags: with no more than what every book says, and `rel` before `href`. As to `type`, some
    /// put it before the address, and some behind.
    pub fn is_plain(self) -> bool {
        let usual = Manner::TYPED | Manner::DEFER | Manner::ASYNC;
        let usual = if self.0 & Manner::TYPED == 0 { usual } else { usual | Manner::ADDRESS_FIRST };
        self.0 & !usual == 0
    }
}

/// What a file of the site refers to, read as its name says it is to be read.
pub fn read(path: &SitePath, bytes: &[u8]) -> References {
    let mut found = Found::default();
    match kind(path) {
        Some(Kind::Html) => html::read(bytes, &mut found),
        Some(Kind::Css) => css::read(&String::from_utf8_lossy(bytes), css::Place::Sheet, 1, &mut found),
        Some(Kind::Script) => script::read(bytes, 1, &mut found),
        Some(Kind::WebManifest) => web_manifest::read(bytes, &mut found),
        Some(Kind::Json) => script::read(bytes, 1, &mut found),
        Some(Kind::QwikGraph) => qwik::read(bytes, &mut found),
        None => {}
    }
    found.references
}

/// The array in the window by which webpack's or Rspack's runtime, and the chunks that it loads, find each other
/// (`output.chunkLoadingGlobal`; before version 5 `output.jsonpFunction`), if a script is one of them.
pub fn chunk_array(path: &SitePath, bytes: &[u8]) -> Option<String> {
    const BEGINNINGS: [&[u8]; 3] = [b"webpackChunk", b"rspackChunk", b"webpackJsonp"];
    if !matches!(kind(path), Some(Kind::Script)) {
        return None;
    }
    let start = BEGINNINGS.iter().filter_map(|beginning| memchr::memmem::find(bytes, beginning)).min()?;
    let is_of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'-');
    let length = bytes[start..].iter().take(MAX_ARRAY_NAME).take_while(is_of_name).count();
    Some(String::from_utf8_lossy(&bytes[start..start + length]).into_owned())
}

/// Most characters of the name of an array of chunks that are looked at.
const MAX_ARRAY_NAME: usize = 100;

/// Whether [`read`] looks into a file of that name.
pub fn is_read(path: &SitePath) -> bool {
    kind(path).is_some()
}

enum Kind {
    Html,
    Css,
    Script,
    WebManifest,
    /// Lists of chunks that a runtime loads.
    Json,
    /// What Qwik's loader fetches ahead.
    QwikGraph,
}

fn kind(path: &SitePath) -> Option<Kind> {
    match path.extension()?.as_str() {
        "html" | "htm" | "xhtml" | "svg" => Some(Kind::Html),
        "css" => Some(Kind::Css),
        "js" | "mjs" | "cjs" => Some(Kind::Script),
        "webmanifest" => Some(Kind::WebManifest),
        "json" if path.file_name() == "manifest.json" => Some(Kind::WebManifest),
        "json" if path.file_name() == "chunk-map.json" => Some(Kind::Json),
        "json" if path.file_name().contains("bundle-graph") => Some(Kind::QwikGraph),
        _ => None,
    }
}

/// What was found in a file so far.
#[derive(Default)]
struct Found {
    references: References,
    seen: BTreeMap<Arc<str>, Vec<(Role, Form)>>,
}

impl Found {
    fn add(&mut self, written: &str, role: Role, form: Form, line: u32) {
        let written = trim(written);
        // A name that a package or an import map defines may begin as the place in a page does.
        let is_import = matches!(form, Form::Import | Form::DynamicImport);
        if !(may_be_of_a_site(&written) || is_import && written.starts_with('#')) {
            return;
        }
        let written = match self.seen.get_key_value(&*written) {
            Some((_, uses)) if uses.contains(&(role, form)) => return,
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(&*written),
        };
        self.seen.entry(Arc::clone(&written)).or_default().push((role, form));
        self.references.list.push(Reference { written, role, form, line });
    }
}

/// As browsers do before they parse an address: spaces around it, and line ends and tabs in it, go
/// (<https://url.spec.whatwg.org/#concept-basic-url-parser>).
fn trim(written: &str) -> Cow<'_, str> {
    let bytes = written.as_bytes();
    let has_edge = matches!(bytes.first(), Some(0..=b' ')) || matches!(bytes.last(), Some(0..=b' '));
    if !has_edge && memchr::memchr3(b'\n', b'\r', b'\t', bytes).is_none() {
        return Cow::Borrowed(written);
    }
    let trimmed = written.trim_matches(|letter: char| letter <= ' ');
    Cow::Owned(trimmed.replace(['\n', '\r', '\t'], ""))
}

/// Whether an address can lead to a file of a site: not the place in a page, `mailto:` and the like, nor the unfilled
/// hole of a template.
fn may_be_of_a_site(written: &str) -> bool {
    // A name that is not written in UTF-8 is not understood.
    if written.is_empty() || written.starts_with('#') || written.contains(char::REPLACEMENT_CHARACTER) {
        return false;
    }
    let may_have_hole = memchr::memchr2(b'{', b'<', written.as_bytes()).is_some();
    if may_have_hole && ["{{", "${", "<%"].iter().any(|hole| written.contains(hole)) {
        return false;
    }
    match scheme(written) {
        Some(scheme) => scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"),
        None => true,
    }
}

/// What stands before the first colon, where that is the scheme of an address
/// (<https://datatracker.ietf.org/doc/html/rfc3986#section-3.1>).
pub(crate) fn scheme(written: &str) -> Option<&str> {
    let end = written.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)))?;
    let scheme = &written[..end];
    (written.as_bytes()[end] == b':' && scheme.starts_with(|first: char| first.is_ascii_alphabetic())).then_some(scheme)
}

/// The extension of the file that an address names, in lower case, without query and fragment.
fn extension(written: &str) -> Option<String> {
    let path = written.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty() && !extension.is_empty()).then(|| extension.to_ascii_lowercase())
}

/// Whether some part of a name may be a digest: at least six letters and digits, both of them.
pub(crate) fn looks_hashed(text: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|part| {
        part.len() >= 6
            && part.bytes().any(|byte| byte.is_ascii_digit())
            && part.bytes().any(|byte| byte.is_ascii_alphabetic())
    })
}

/// Texts that many files share, kept once.
#[derive(Debug, Default)]
pub struct SharedTexts(BTreeSet<Arc<str>>);

impl SharedTexts {
    /// Lets `references` share their texts with those given before.
    pub fn share(&mut self, references: &mut References) {
        for reference in &mut references.list {
            match self.0.get(&reference.written) {
                Some(known) => reference.written = Arc::clone(known),
                None => {
                    self.0.insert(Arc::clone(&reference.written));
                }
            }
        }
        references.list.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests;
