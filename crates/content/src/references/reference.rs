//! The references of a file, as values.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::written::extension;

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
    /// Lists of which any one is enough, such as the sources of a font. Only the first is essential in `list`, and counts as missing
    /// only if no entry of some list is there.
    pub choices: Vec<Vec<Arc<str>>>,
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
    pub(super) fn of_name(written: &str) -> Role {
        match extension(written).as_deref() {
            Some("js" | "cjs") => Role::Script,
            Some("mjs") => Role::Module,
            Some("css") => Role::Style,
            // Only Internet Explorer loads `eot`; style sheets still name it, although the files are often left out.
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
    /// `new URL("…", import.meta.url)`: relative to the script. It is an address: nothing shows that it is loaded.
    ScriptUrl,
    /// `importScripts("…")`, and `new Worker(new URL("…", import.meta.url))` of a file that a bundler named: loaded, and
    /// relative to the script.
    Worker,
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

impl Form {
    /// Whether what is written in this way is loaded, and not only named.
    pub fn is_load(self) -> bool {
        !matches!(self, Form::ScriptUrl)
    }
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
                // The server writes it into every tag (Content-Security-Policy), whatever the tag's author wrote.
                "media" | "nonce" => 0,
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

    /// Whether it says more than what the file is and where it is.
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
