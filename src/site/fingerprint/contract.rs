//! Frameworks' contracts about names that nothing else proves: pictures with a hash of the source and of the
//! transformation, and folders named by the build. A framework is recognised by its traces, not by the name of a folder.

use std::collections::{BTreeMap, BTreeSet};

use super::alphabet::Alphabet;
use super::facts::Facts;
use super::name::Name;
use super::tokens;
use crate::content::path::SitePath;
use crate::content::references::Role;

/// Finds the token of a framework in a path of its form.
pub(super) type Token = fn(&SitePath) -> Option<&str>;

/// The trace of a framework, besides the path.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    /// A page, or a file that it loads, shows or loads it.
    Used,
    /// There is a file of this name.
    File(&'static str),
    /// There is a folder of this name.
    Folder(&'static str),
    /// There is a file whose path contains a token of this form.
    Kin(Token),
    /// As `Used`, and such a file is in the same folder.
    Beside(Token),
    /// The path is sufficient.
    Path,
}

/// The traces of the frameworks that built a site.
pub(super) struct Marks<'s> {
    files: &'s BTreeMap<SitePath, Facts>,
    /// The files that pages, and what they load, show or load.
    used: BTreeSet<&'s SitePath>,
}

impl<'s> Marks<'s> {
    pub(super) fn of(files: &'s BTreeMap<SitePath, Facts>) -> Marks<'s> {
        let ties = files.values().flat_map(|facts| &facts.ties);
        Marks { files, used: ties.filter(|tie| tie.role != Role::Page).map(|tie| &tie.to).collect() }
    }

    /// Where in the site a trace is; `None`: nowhere.
    pub(super) fn find(&self, mark: Mark) -> Option<Extent<'s>> {
        let is_somewhere = |is_it: &dyn Fn(&SitePath) -> bool| self.files.keys().any(is_it).then_some(Extent::Site);
        match mark {
            Mark::Path => Some(Extent::Site),
            Mark::Used => Some(Extent::Used),
            Mark::File(name) => is_somewhere(&|path| ends_with_path(path.as_str(), name)),
            Mark::Folder(name) => is_somewhere(&|path| holds_folder(path.as_str(), name)),
            Mark::Kin(token) => is_somewhere(&|path| token(path).is_some()),
            Mark::Beside(token) => {
                let folders: BTreeSet<&str> =
                    self.files.keys().filter(|path| token(path).is_some()).map(folder).collect();
                (!folders.is_empty()).then_some(Extent::UsedIn(folders))
            }
        }
    }

    /// Whether a file is where a trace was found.
    pub(super) fn cover(&self, extent: &Extent<'s>, path: &SitePath) -> bool {
        match extent {
            Extent::Site => true,
            Extent::Used => self.used.contains(path),
            Extent::UsedIn(folders) => self.used.contains(path) && folders.contains(folder(path)),
        }
    }
}

/// The files of a site to which a trace applies.
pub(super) enum Extent<'s> {
    /// All of them.
    Site,
    /// Those that are shown or loaded.
    Used,
    /// Those in one of these folders.
    UsedIn(BTreeSet<&'s str>),
}

fn folder(path: &SitePath) -> &str {
    path.as_str().strip_suffix(path.file_name()).unwrap_or_default()
}

fn ends_with_path(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

fn holds_folder(path: &str, folder: &str) -> bool {
    path.match_indices(folder).any(|(at, _)| at == 0 || path[..at].ends_with('/'))
}

/// `_astro/name.<8 of base64>_<up to 7 of base 62>.webp`, and in versions before 4 8 hexadecimal digits.
pub(super) fn astro_picture(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| name.folder.ends_with("_astro/") && is_picture(&name.extension))?;
    let (_, token) = name.stem.rsplit_once('.')?;
    let (source, transformation) = (token.get(..8)?, token.get(8..)?.strip_prefix('_')?);
    let is_base64 = Alphabet::Base64Url.has_all_of(source) && tokens::is_likely(Alphabet::Base64Url, source);
    let fits = (is_base64 || is_hex(source, 8))
        && (3..=7).contains(&transformation.len())
        && transformation.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then_some(token)
}

/// `static/<32 hexadecimal digits>/<5 of them>/name.webp`.
pub(super) fn gatsby_picture(path: &SitePath) -> Option<&str> {
    let segments: Vec<&str> = path.as_str().rsplit('/').collect();
    match segments.as_slice() {
        [_, arguments, source, "static", ..] if source.len() == 32 && arguments.len() == 5 => {
            (Alphabet::Hex.has_all_of(source) && Alphabet::Hex.has_all_of(arguments)).then_some(*source)
        }
        _ => None,
    }
}

/// `<10 of base64>-<width>.webp`.
pub(super) fn eleventy_picture(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| is_picture(&name.extension))?;
    let (token, width) = name.stem.rsplit_once('-')?;
    let is_width = (1..=5).contains(&width.len()) && width.bytes().all(|byte| byte.is_ascii_digit());
    (is_width && token.len() == 10 && tokens::falls_apart(token)).then_some(token)
}

/// `name_hu_<16 hexadecimal digits>.webp`, `name_hu<32 of them>_<size>_….webp`.
pub(super) fn hugo_picture(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| is_picture(&name.extension))?;
    let (_, rest) = name.stem.rsplit_once("_hu")?;
    let token = rest.strip_prefix('_').unwrap_or(rest).split('_').next()?;
    (is_hex(token, 16) || is_hex(token, 32)).then_some(token)
}

/// `_next/static/<21 of base64>/_buildManifest.js`: random, unless it reads as a person's choice.
pub(super) fn next_build(path: &SitePath) -> Option<&str> {
    let (before, name) = path.as_str().rsplit_once('/')?;
    let (folder, id) = before.rsplit_once('/')?;
    let is_manifest = name.starts_with('_') && name.ends_with("Manifest.js");
    let in_place = ends_with_path(folder, "_next/static");
    let random = Alphabet::Base64Url.has_all_of(id) && tokens::is_random(id);
    (is_manifest && in_place && random).then_some(id)
}

/// `_next/static/chunks/…name-<16 hexadecimal digits>.js`.
pub(super) fn next_chunk(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| holds_folder(name.folder, "_next/static/chunks/") && name.is_code())?;
    let (_, token) = name.stem.rsplit_once(['-', '.'])?;
    let is_number = tokens::is_digits(token);
    (is_hex(token, 16) && !is_number).then_some(token)
}

/// `_astro/ec.<5 of base 36>.js`.
pub(super) fn expressive_code(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| name.folder.ends_with("_astro/") && name.is_code())?;
    let token = name.stem.strip_prefix("ec.")?;
    let is_base36 = token.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    (token.len() == 5 && is_base36).then_some(token)
}

/// `assets/…/name.<32 hexadecimal digits>@2x.png`.
pub(super) fn expo_asset(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| holds_folder(name.folder, "assets/") && is_picture(&name.extension))?;
    let (_, token) = name.stem.rsplit_once('.')?;
    let token = token.split_once('@').map_or(token, |(token, _)| token);
    (token.len() == 32 && Alphabet::Hex.has_all_of(token)).then_some(token)
}

/// `pagefind/fragment/en_<7 hexadecimal digits or more>.pf_fragment`.
pub(super) fn pagefind_part(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| name.extension.starts_with("pf_"))?;
    let (_, token) = name.stem.rsplit_once('_')?;
    (token.len() >= 7 && Alphabet::Hex.has_all_of(token)).then_some(token)
}

/// `styles-<8 of base32>.css` and the like, even if it could be a word, as 6% can; `chunk-<8 of base32>.js` only if not.
pub(super) fn angular_bundle(path: &SitePath) -> Option<&str> {
    let name = Name::of(path)?;
    let (kind, token) = name.stem.split_once('-')?;
    let fits = match (kind, name.extension.as_str()) {
        ("styles", "css") | ("main" | "polyfills" | "scripts", "js") => true,
        ("chunk" | "worker", "js") => tokens::is_likely(Alphabet::Base32, token),
        _ => false,
    };
    (fits && is_of_angular(token)).then_some(token)
}

/// `main-<8 of base32>.js`
pub(super) fn angular_main(path: &SitePath) -> Option<&str> {
    let token = path.file_name().strip_prefix("main-")?.strip_suffix(".js")?;
    (is_of_angular(token) && tokens::is_likely(Alphabet::Base32, token)).then_some(token)
}

/// `scripts.<16 or 20 hexadecimal digits>.js`
pub(super) fn angular_scripts(path: &SitePath) -> Option<&str> {
    of_webpack(path, &["scripts"])
}

/// `polyfills.<16 or 20 hexadecimal digits>.js`
pub(super) fn angular_polyfills(path: &SitePath) -> Option<&str> {
    of_webpack(path, &["polyfills", "polyfills-es2015"])
}

fn of_webpack<'p>(path: &'p SitePath, names: &[&str]) -> Option<&'p str> {
    let (name, token) = path.file_name().strip_suffix(".js")?.rsplit_once('.')?;
    (names.contains(&name) && (is_hex(token, 16) || is_hex(token, 20))).then_some(token)
}

fn is_of_angular(token: &str) -> bool {
    token.len() == 8 && Alphabet::Base32.has_all_of(token) && !tokens::is_patterned(token)
}

/// `assets/javascripts/extra/bundle.<8 hexadecimal digits>.min.js`
pub(super) fn material_extra(path: &SitePath) -> Option<&str> {
    let token = path.as_str().strip_suffix(".min.js")?.rsplit_once("assets/javascripts/extra/bundle.")?.1;
    is_hex(token, 8).then_some(token)
}

/// `assets/javascripts/bundle.<8 hexadecimal digits>.min.js`, `assets/stylesheets/main.….min.css`.
pub(super) fn material_asset(path: &SitePath) -> Option<&str> {
    let (start, token) =
        path.as_str().strip_suffix(".min.js").or(path.as_str().strip_suffix(".min.css"))?.rsplit_once('.')?;
    let own = [
        "assets/javascripts/bundle",
        "assets/javascripts/workers/search",
        "assets/stylesheets/main",
        "assets/stylesheets/palette",
    ];
    (own.iter().any(|own| ends_with_path(start, own)) && is_hex(token, 8)).then_some(token)
}

/// `p-<8 hexadecimal digits>.entry.js`.
pub(super) fn stencil_entry(path: &SitePath) -> Option<&str> {
    let token = path.file_name().strip_prefix("p-")?.strip_suffix(".entry.js")?;
    (token.len() == 8 && Alphabet::Hex.has_all_of(token)).then_some(token)
}

/// `search.index/desc/<12 hexadecimal digits>.js`.
pub(super) fn rustdoc_part(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| holds_folder(name.folder, "search.index/") && name.extension == "js")?;
    (name.stem.len() == 12 && Alphabet::Hex.has_all_of(name.stem)).then_some(name.stem)
}

/// `static.files/search-<8 hexadecimal digits>.js`, and its other scripts.
pub(super) fn rustdoc_script(path: &SitePath) -> Option<&str> {
    const OWN: [&str; 7] = ["main", "search", "stringdex", "settings", "src-script", "scrape-examples", "storage"];
    let (own, token) = of_rustdoc(path, "js")?;
    OWN.contains(&own).then_some(token)
}

/// `static.files/rustdoc-<8 hexadecimal digits>.css`, and its other styles.
pub(super) fn rustdoc_style(path: &SitePath) -> Option<&str> {
    let (own, token) = of_rustdoc(path, "css")?;
    ["rustdoc", "normalize", "noscript"].contains(&own).then_some(token)
}

fn of_rustdoc<'p>(path: &'p SitePath, extension: &str) -> Option<(&'p str, &'p str)> {
    let name = Name::of(path).filter(|name| name.extension == extension)?;
    let (own, token) = name.stem.rsplit_once('-')?;
    (ends_with_path(name.folder, "static.files/") && is_hex(token, 8)).then_some((own, token))
}

/// `favicon_32_cb_<8 hexadecimal digits>.png`, and its other files.
pub(super) fn coverage_asset(path: &SitePath) -> Option<&str> {
    const OWN: [(&str, &str); 5] = [
        ("coverage_html", "js"),
        ("style", "css"),
        ("favicon_32", "png"),
        ("keybd_closed", "png"),
        ("keybd_open", "png"),
    ];
    let name = Name::of(path)?;
    let (own, token) = name.stem.rsplit_once("_cb_")?;
    (OWN.contains(&(own, &name.extension)) && is_hex(token, 8)).then_some(token)
}

/// `coverage_html_cb_<8 hexadecimal digits>.js`.
pub(super) fn coverage_script(path: &SitePath) -> Option<&str> {
    coverage_asset(path).filter(|_| path.file_name().starts_with("coverage_html_"))
}

/// `…name-<32 hexadecimal digits>.js`.
pub(super) fn ember_script(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| name.extension == "js")?;
    let (_, token) = name.stem.rsplit_once('-')?;
    (is_hex(token, 32) && tokens::is_long_hex(token) && !tokens::is_identifier(token)).then_some(token)
}

/// `assets/vendor-<32 hexadecimal digits>.css`, which every such site has, even if empty.
pub(super) fn ember_vendor(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| name.extension == "css" && ends_with_path(name.folder, "assets/"))?;
    name.stem.strip_prefix("vendor-").filter(|token| is_hex(token, 32))
}

/// This many hexadecimal digits without a pattern that a person would type.
fn is_hex(token: &str, length: usize) -> bool {
    token.len() == length && Alphabet::Hex.has_all_of(token) && !tokens::is_patterned(token)
}

fn is_picture(extension: &str) -> bool {
    matches!(extension, "png" | "jpg" | "jpeg" | "webp" | "avif" | "gif" | "svg" | "tiff")
}
