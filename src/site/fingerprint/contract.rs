//! What frameworks promise about names that nothing else shows: pictures whose hash is that of the source and of what was
//! done to it, and folders named by the build. A framework is known by what it leaves, not by the name of a folder.

use std::collections::{BTreeMap, BTreeSet};

use super::name::Alphabet;
use super::{Facts, Name, shape};
use crate::content::path::SitePath;
use crate::content::references::Role;

/// One promise of one framework.
struct Contract {
    framework: &'static str,
    /// The token that the framework put into a path of its kind.
    token: fn(&SitePath) -> Option<&str>,
    /// What else must be so.
    mark: Mark,
}

/// By what a framework is known, besides the path.
#[derive(Clone, Copy)]
enum Mark {
    /// A page, or what it loads, shows or loads it.
    Used,
    /// There is a file of this name.
    File(&'static str),
    /// There is a folder of this name.
    Folder(&'static str),
    /// There is a file whose path holds the token of this kind.
    Kin(fn(&SitePath) -> Option<&str>),
    /// As `Used`, and such a file is in the same folder.
    Beside(fn(&SitePath) -> Option<&str>),
    /// The path says it all.
    Path,
}

const CONTRACTS: &[Contract] = &[
    // docs.astro.build, "Images": the source's hash, and that of the transformation.
    Contract { framework: "Astro", token: astro_picture, mark: Mark::Used },
    // gatsby-plugin-image: static/<digest of the source>/<digest of the arguments>/<name>.
    Contract { framework: "Gatsby", token: gatsby_picture, mark: Mark::File("page-data/app-data.json") },
    // 11ty.dev/docs/plugins/image: <hash of source and options>-<width>.<format>.
    Contract { framework: "Eleventy Image", token: eleventy_picture, mark: Mark::Used },
    // gohugo.io, "Image processing": <name>_hu_<hash> and before 0.140 <name>_hu<hash>_<size>_….
    Contract { framework: "Hugo", token: hugo_picture, mark: Mark::Path },
    // nextjs.org, "generateBuildId": a random name (nanoid, 21 characters) unless the user pins one.
    Contract { framework: "Next.js", token: next_build, mark: Mark::Path },
    // Its chunks of webpack (16 hexadecimal digits), also those that no page of this site loads.
    Contract { framework: "Next.js", token: next_chunk, mark: Mark::File("_buildManifest.js") },
    // expressive-code.com, Astro's usual highlighter: ec.<5 of base 36>.css.
    Contract { framework: "Expressive Code", token: expressive_code, mark: Mark::Path },
    // docs.expo.dev: pictures of several scales share the MD5 of all of them.
    Contract { framework: "Expo", token: expo_asset, mark: Mark::Folder("_expo/static/") },
    // pagefind.app: parts of the search index by the digest of what is in them.
    Contract { framework: "Pagefind", token: pagefind_part, mark: Mark::File("pagefind-entry.json") },
    // angular.dev, `outputHashing`: what it loads beside its main script.
    Contract { framework: "Angular", token: angular_bundle, mark: Mark::Beside(angular_main) },
    // Its builder of before version 17: what `scripts` in angular.json put together, without webpack.
    Contract { framework: "Angular before version 17", token: angular_scripts, mark: Mark::Beside(angular_polyfills) },
    // squidfunk.github.io/mkdocs-material: a part of version 8 that few sites load, beside the stemmers of its search.
    Contract {
        framework: "Material for MkDocs",
        token: material_extra,
        mark: Mark::Folder("assets/javascripts/lunr/min/"),
    },
    // squidfunk.github.io/mkdocs-material: its own scripts and styles come with the theme.
    Contract { framework: "Material for MkDocs", token: material_asset, mark: Mark::Used },
    // stenciljs.com: p-<hash>.entry.js beside its loader.
    Contract { framework: "Stencil", token: stencil_entry, mark: Mark::Path },
    // doc.rust-lang.org/rustdoc: parts of the search index by the digest of what is in them.
    Contract { framework: "rustdoc", token: rustdoc_part, mark: Mark::File("search.index/root.js") },
    // Its own scripts, whose names its pages put together, and styles (rust-lang/rust: src/librustdoc/html/static_files.rs).
    Contract { framework: "rustdoc", token: rustdoc_script, mark: Mark::Kin(rustdoc_style) },
    Contract { framework: "rustdoc", token: rustdoc_style, mark: Mark::Kin(rustdoc_script) },
    // coverage.py's report in HTML: its own files by the SHA3-256 of the type and the bytes (coverage/html.py,
    // copy_with_cache_bust).
    Contract { framework: "coverage.py", token: coverage_asset, mark: Mark::Beside(coverage_script) },
    // Ember CLI (broccoli-asset-rev) renames all scripts and styles, copies too, by the MD5 they have before they are
    // minified.
    Contract { framework: "Ember", token: ember_script, mark: Mark::Kin(ember_vendor) },
];

/// Whether a path is of a form that a framework promises something about.
pub(super) fn is_of_a_form(path: &SitePath) -> bool {
    CONTRACTS.iter().any(|contract| (contract.token)(path).is_some())
}

/// The promises of the frameworks that built a site.
pub(super) struct Contracts<'s> {
    /// Those whose framework left its mark.
    marked: Vec<&'static Contract>,
    /// What pages, and what they load, show or load.
    used: BTreeSet<&'s SitePath>,
    /// The folders where there is such a file as a contract wants beside its own.
    beside: BTreeSet<(&'static str, &'s str)>,
}

impl<'s> Contracts<'s> {
    pub(super) fn of(files: &'s BTreeMap<SitePath, Facts>) -> Contracts<'s> {
        let ties = files.values().flat_map(|facts| &facts.ties);
        let used = ties.filter(|tie| tie.role != Role::Page).map(|tie| &tie.to).collect();
        let is_marked = |contract: &&Contract| match contract.mark {
            Mark::File(name) => files.keys().any(|path| ends_with_path(path.as_str(), name)),
            Mark::Folder(name) => files.keys().any(|path| holds_folder(path.as_str(), name)),
            Mark::Kin(token) => files.keys().any(|path| token(path).is_some()),
            Mark::Beside(_) | Mark::Used | Mark::Path => true,
        };
        let beside = CONTRACTS.iter().flat_map(|contract| {
            let mark = match contract.mark {
                Mark::Beside(token) => Some(token),
                _ => None,
            };
            let folders = mark.into_iter().flat_map(|token| files.keys().filter(move |path| token(path).is_some()));
            folders.map(|path| (contract.framework, folder(path)))
        });
        Contracts { marked: CONTRACTS.iter().filter(is_marked).collect(), used, beside: beside.collect() }
    }

    /// The token of a path, and whose contract it is.
    pub(super) fn token(&self, path: &SitePath) -> Option<(String, String)> {
        let promise = |contract: &&Contract| {
            let token = (contract.token)(path)?;
            let holds = match contract.mark {
                Mark::Used => self.used.contains(path),
                Mark::Beside(_) => {
                    self.used.contains(path) && self.beside.contains(&(contract.framework, folder(path)))
                }
                Mark::File(_) | Mark::Folder(_) | Mark::Kin(_) | Mark::Path => true,
            };
            holds.then(|| (token.to_owned(), contract.framework.to_owned()))
        };
        self.marked.iter().find_map(promise)
    }
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
fn astro_picture(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| name.folder.ends_with("_astro/") && is_picture(&name.extension))?;
    let (_, token) = name.stem.rsplit_once('.')?;
    let (source, transformation) = (token.get(..8)?, token.get(8..)?.strip_prefix('_')?);
    let is_base64 = Alphabet::Base64Url.has_all_of(source) && Alphabet::Base64Url.is_likely(source);
    let fits = (is_base64 || is_hex(source, 8))
        && (3..=7).contains(&transformation.len())
        && transformation.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then_some(token)
}

/// `static/<32 hexadecimal digits>/<5 of them>/name.webp`.
fn gatsby_picture(path: &SitePath) -> Option<&str> {
    let segments: Vec<&str> = path.as_str().rsplit('/').collect();
    match segments.as_slice() {
        [_, arguments, source, "static", ..] if source.len() == 32 && arguments.len() == 5 => {
            (Alphabet::Hex.has_all_of(source) && Alphabet::Hex.has_all_of(arguments)).then_some(*source)
        }
        _ => None,
    }
}

/// `<10 of base64>-<width>.webp`.
fn eleventy_picture(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| is_picture(&name.extension))?;
    let (token, width) = name.stem.rsplit_once('-')?;
    let is_width = (1..=5).contains(&width.len()) && width.bytes().all(|byte| byte.is_ascii_digit());
    (is_width && token.len() == 10 && shape::falls_apart(token)).then_some(token)
}

/// `name_hu_<16 hexadecimal digits>.webp`, `name_hu<32 of them>_<size>_….webp`.
fn hugo_picture(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| is_picture(&name.extension))?;
    let (_, rest) = name.stem.rsplit_once("_hu")?;
    let token = rest.strip_prefix('_').unwrap_or(rest).split('_').next()?;
    (matches!(token.len(), 16 | 32) && Alphabet::Hex.has_all_of(token) && !shape::is_patterned(token)).then_some(token)
}

/// `_next/static/<21 of base64>/_buildManifest.js`: random, unless it reads as something that a person chose.
fn next_build(path: &SitePath) -> Option<&str> {
    let (before, name) = path.as_str().rsplit_once('/')?;
    let (folder, id) = before.rsplit_once('/')?;
    let is_manifest = name.starts_with('_') && name.ends_with("Manifest.js");
    let in_place = ends_with_path(folder, "_next/static");
    let random = Alphabet::Base64Url.has_all_of(id) && shape::is_random(id);
    (is_manifest && in_place && random).then_some(id)
}

/// `_next/static/chunks/…name-<16 hexadecimal digits>.js`.
fn next_chunk(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| holds_folder(name.folder, "_next/static/chunks/") && name.is_code())?;
    let (_, token) = name.stem.rsplit_once(['-', '.'])?;
    let is_number = token.bytes().all(|byte| byte.is_ascii_digit());
    (token.len() == 16 && Alphabet::Hex.has_all_of(token) && !is_number && !shape::is_patterned(token)).then_some(token)
}

/// `_astro/ec.<5 of base 36>.js`.
fn expressive_code(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| name.folder.ends_with("_astro/") && name.is_code())?;
    let token = name.stem.strip_prefix("ec.")?;
    let is_base36 = token.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    (token.len() == 5 && is_base36).then_some(token)
}

/// `assets/…/name@2x.<32 hexadecimal digits>.png`.
fn expo_asset(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| holds_folder(name.folder, "assets/") && is_picture(&name.extension))?;
    let (_, token) = name.stem.rsplit_once('.')?;
    let token = token.split_once('@').map_or(token, |(token, _)| token);
    (token.len() == 32 && Alphabet::Hex.has_all_of(token)).then_some(token)
}

/// `pagefind/fragment/en_<7 hexadecimal digits or more>.pf_fragment`.
fn pagefind_part(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| name.extension.starts_with("pf_"))?;
    let (_, token) = name.stem.rsplit_once('_')?;
    (token.len() >= 7 && Alphabet::Hex.has_all_of(token)).then_some(token)
}

/// `styles-<8 of base32>.css` and the like, also what could be a word, as 6% can; `chunk-<8 of base32>.js`, which cannot.
fn angular_bundle(path: &SitePath) -> Option<&str> {
    let name = Name::of(path)?;
    let (kind, token) = name.stem.split_once('-')?;
    let fits = match (kind, name.extension.as_str()) {
        ("styles", "css") | ("main" | "polyfills" | "scripts", "js") => true,
        ("chunk" | "worker", "js") => Alphabet::Base32.is_likely(token),
        _ => false,
    };
    (fits && is_of_angular(token)).then_some(token)
}

/// `main-<8 of base32>.js`
fn angular_main(path: &SitePath) -> Option<&str> {
    let token = path.file_name().strip_prefix("main-")?.strip_suffix(".js")?;
    (is_of_angular(token) && Alphabet::Base32.is_likely(token)).then_some(token)
}

/// `scripts.<16 or 20 hexadecimal digits>.js`
fn angular_scripts(path: &SitePath) -> Option<&str> {
    of_webpack(path, &["scripts"])
}

/// `polyfills.<16 or 20 hexadecimal digits>.js`
fn angular_polyfills(path: &SitePath) -> Option<&str> {
    of_webpack(path, &["polyfills", "polyfills-es2015"])
}

fn of_webpack<'p>(path: &'p SitePath, names: &[&str]) -> Option<&'p str> {
    let (name, token) = path.file_name().strip_suffix(".js")?.rsplit_once('.')?;
    (names.contains(&name) && (is_hex(token, 16) || is_hex(token, 20))).then_some(token)
}

fn is_of_angular(token: &str) -> bool {
    token.len() == 8 && Alphabet::Base32.has_all_of(token) && !shape::is_patterned(token)
}

/// `assets/javascripts/extra/bundle.<8 hexadecimal digits>.min.js`
fn material_extra(path: &SitePath) -> Option<&str> {
    let token = path.as_str().strip_suffix(".min.js")?.rsplit_once("assets/javascripts/extra/bundle.")?.1;
    (token.len() == 8 && Alphabet::Hex.has_all_of(token) && !shape::is_patterned(token)).then_some(token)
}

/// `assets/javascripts/bundle.<8 hexadecimal digits>.min.js`, `assets/stylesheets/main.….min.css`.
fn material_asset(path: &SitePath) -> Option<&str> {
    let (start, token) =
        path.as_str().strip_suffix(".min.js").or(path.as_str().strip_suffix(".min.css"))?.rsplit_once('.')?;
    let own = [
        "assets/javascripts/bundle",
        "assets/javascripts/workers/search",
        "assets/stylesheets/main",
        "assets/stylesheets/palette",
    ];
    let fits = own.iter().any(|own| ends_with_path(start, own)) && token.len() == 8 && Alphabet::Hex.has_all_of(token);
    (fits && !shape::is_patterned(token)).then_some(token)
}

/// `p-<8 of base 36>.entry.js`.
fn stencil_entry(path: &SitePath) -> Option<&str> {
    let token = path.file_name().strip_prefix("p-")?.strip_suffix(".entry.js")?;
    (token.len() == 8 && Alphabet::Hex.has_all_of(token)).then_some(token)
}

/// `search.index/desc/<12 hexadecimal digits>.js`.
fn rustdoc_part(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| holds_folder(name.folder, "search.index/") && name.extension == "js")?;
    (name.stem.len() == 12 && Alphabet::Hex.has_all_of(name.stem)).then_some(name.stem)
}

/// `static.files/search-<8 hexadecimal digits>.js`, and its other scripts.
fn rustdoc_script(path: &SitePath) -> Option<&str> {
    const OWN: [&str; 7] = ["main", "search", "stringdex", "settings", "src-script", "scrape-examples", "storage"];
    let (own, token) = of_rustdoc(path, "js")?;
    OWN.contains(&own).then_some(token)
}

/// `static.files/rustdoc-<8 hexadecimal digits>.css`, and its other styles.
fn rustdoc_style(path: &SitePath) -> Option<&str> {
    let (own, token) = of_rustdoc(path, "css")?;
    ["rustdoc", "normalize", "noscript"].contains(&own).then_some(token)
}

fn of_rustdoc<'p>(path: &'p SitePath, extension: &str) -> Option<(&'p str, &'p str)> {
    let name = Name::of(path).filter(|name| name.extension == extension)?;
    let (own, token) = name.stem.rsplit_once('-')?;
    (ends_with_path(name.folder, "static.files/") && is_hex(token, 8)).then_some((own, token))
}

/// `favicon_32_cb_<8 hexadecimal digits>.png`, and its other files.
fn coverage_asset(path: &SitePath) -> Option<&str> {
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
fn coverage_script(path: &SitePath) -> Option<&str> {
    coverage_asset(path).filter(|_| path.file_name().starts_with("coverage_html_"))
}

/// `…name-<32 hexadecimal digits>.js`.
fn ember_script(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| name.extension == "js")?;
    let (_, token) = name.stem.rsplit_once('-')?;
    (is_hex(token, 32) && shape::is_long_hex(token) && !shape::is_identifier(token)).then_some(token)
}

/// `assets/vendor-<32 hexadecimal digits>.css`, which every such site has, empty or not.
fn ember_vendor(path: &SitePath) -> Option<&str> {
    let name = Name::of(path).filter(|name| name.extension == "css" && ends_with_path(name.folder, "assets/"))?;
    name.stem.strip_prefix("vendor-").filter(|token| is_hex(token, 32))
}

fn is_hex(token: &str, length: usize) -> bool {
    token.len() == length && Alphabet::Hex.has_all_of(token) && !shape::is_patterned(token)
}

fn is_picture(extension: &str) -> bool {
    matches!(extension, "png" | "jpg" | "jpeg" | "webp" | "avif" | "gif" | "svg" | "tiff")
}
