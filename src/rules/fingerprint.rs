//! Which names vouch for their bytes.
//!
//! A name is believed only where a build tool puts such names, and only if what should be a hash cannot be read as a
//! word, a date, a version or an identifier. Calling a mutable file immutable leaves browsers with it for a year; the
//! other mistake costs a question to the CDN. So doubt always means mutable.

use crate::path::SitePath;

/// Folders that nothing but a build tool writes to: Astro, Nuxt, Next and SvelteKit.
const TOOLS_OWN: [&str; 4] = ["_astro/", "_nuxt/", "_next/static/", "_app/immutable/"];

/// Folders that build tools share with files that people put there: Vite, create-react-app, Laravel and others.
const SHARED: [&str; 13] = [
    "assets/",
    "assets/chunks/",
    "assets/css/",
    "assets/fonts/",
    "assets/js/",
    "_assets/",
    "build/",
    "build/assets/",
    "build/_assets/",
    "build/_shared/",
    "static/css/",
    "static/js/",
    "static/media/",
];

/// What people fetch by a name that stays, or what must be asked for anew each time, whatever is in the name.
const NEVER_BY_EXTENSION: [&str; 13] =
    ["html", "htm", "xhtml", "webmanifest", "xml", "rss", "atom", "txt", "ics", "appcache", "gz", "br", "zst"];

/// Beginnings of file names that browsers or other sites ask for by name: service workers and module federation.
const NEVER_BY_NAME: [&str; 8] =
    ["sw.", "sw-", "service-worker", "serviceworker", "firebase-messaging-sw", "ngsw", "registersw", "remoteentry"];

/// What bundlers emit with a short hash into folders that they share.
const CODE_AND_FONTS: [&str; 9] = ["js", "mjs", "css", "map", "wasm", "woff", "woff2", "ttf", "otf"];
const MEDIA: [&str; 13] =
    ["svg", "png", "jpg", "jpeg", "webp", "avif", "gif", "ico", "mp4", "webm", "mp3", "ogg", "m4a"];

/// Whether `path` is fingerprinted, judged by its name alone and conservatively.
pub(super) fn is_fingerprinted(path: &SitePath) -> bool {
    let Some(name) = Name::of(path) else { return false };
    let folder = path.as_str().strip_suffix(path.file_name()).unwrap_or_default();
    let own = TOOLS_OWN.iter().any(|own| holds_folder(folder, own));
    let shared = SHARED.iter().any(|shared| ends_with_folder(folder, shared));
    if own && (name.segments().any(is_long_hex) || name.is_believed(name.endings().chain([name.stem]))) {
        return true;
    }
    if shared && (name.is_code_or_font() || name.is_media()) {
        let base32 = name.is_code_or_font() && name.endings().any(is_base32_hash);
        if base32 || name.is_believed(name.endings()) {
            return true;
        }
    }
    name.extension != "json" && name.endings().any(|token| is_long_hex(token) && !is_identifier(token))
}

/// The parts of a file name that could be fingerprinted at all.
struct Name<'a> {
    /// Without its extension, and without `.min` and the like before it.
    stem: &'a str,
    /// In lower case; of a source map: `map`.
    extension: String,
}

impl Name<'_> {
    fn of(path: &SitePath) -> Option<Name<'_>> {
        let extension = path.extension()?;
        let lower = path.file_name().to_ascii_lowercase();
        let never = NEVER_BY_EXTENSION.contains(&extension.as_str())
            || NEVER_BY_NAME.iter().any(|never| lower.starts_with(never))
            || path.as_str().split('/').any(|segment| segment.starts_with('.') || has_uuid(segment));
        if never {
            return None;
        }
        let mut stem = path.file_name().strip_suffix(&format!(".{extension}"))?;
        if extension == "map" {
            stem = [".js", ".mjs", ".css"].iter().find_map(|inner| stem.strip_suffix(inner))?;
        }
        for ending in [".min", ".chunk", ".bundle", ".module", ".worker", ".p"] {
            stem = stem.strip_suffix(ending).unwrap_or(stem);
        }
        Some(Name { stem, extension })
    }

    fn is_code_or_font(&self) -> bool {
        CODE_AND_FONTS.contains(&self.extension.as_str())
    }

    fn is_media(&self) -> bool {
        MEDIA.contains(&self.extension.as_str())
    }

    /// Whether one of `tokens` is a short hash. Also in a tool's own folder a name may lack one, where the build is
    /// configured so: fewer runs there would call `v10Photo.js` and `facade12.js` immutable. People give pictures names
    /// of their own, as `phone-iOS17Pro.png`: whatever is no code needs one more.
    ///
    /// Of 8 random characters of base64, 86 in 100 have four runs and 65 have five; of the 15 that Astro gives a picture,
    /// 85 have the eight it takes. What is not believed is asked for again each time, and no more.
    fn is_believed<'t>(&self, mut tokens: impl Iterator<Item = &'t str>) -> bool {
        let (hex_runs, base64_runs) = if self.is_code_or_font() { (3, 4) } else { (4, 5) };
        tokens.any(|token| is_short_hex(token, hex_runs) || is_base64_hash(token, base64_runs))
    }

    /// What follows each `-` and each `.`, up to the end: where tools put the hash.
    fn endings(&self) -> impl Iterator<Item = &str> {
        self.stem.match_indices(['-', '.']).map(|(at, _)| &self.stem[at + 1..])
    }

    /// What lies between `-` and `.`.
    fn segments(&self) -> impl Iterator<Item = &str> {
        self.stem.split(['-', '.'])
    }
}

fn ends_with_folder(folder: &str, shared: &str) -> bool {
    folder.strip_suffix(shared).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

fn holds_folder(folder: &str, own: &str) -> bool {
    folder.starts_with(own) || folder.match_indices(own).any(|(at, _)| folder[..at].ends_with('/'))
}

/// 8 hexadecimal digits or more, as webpack writes them, in at least `runs` runs of digits and letters.
fn is_short_hex(token: &str, runs: usize) -> bool {
    token.len() >= 8
        && is_lower_hex(token)
        && has_digit_and_letter(token)
        && count_runs(token) >= runs
        && !has_date(token)
}

/// 16 hexadecimal digits or more.
fn is_long_hex(token: &str) -> bool {
    token.len() >= 16 && is_lower_hex(token) && has_digit_and_letter(token) && count_runs(token) >= 5
}

/// Whether hexadecimal digits are as long as something that names a thing and not its bytes: a document of MongoDB
/// (24), a commit of git (40), or a UUID without its hyphens (32, with version and variant in their places).
fn is_identifier(token: &str) -> bool {
    let digit = |at: usize| token.as_bytes().get(at).copied().unwrap_or_default();
    matches!(token.len(), 24 | 40)
        || (token.len() == 32 && (b'1'..=b'8').contains(&digit(12)) && b"89ab".contains(&digit(16)))
}

/// The 8 characters of URL-safe base64 that Rollup and Vite write (also more, as Astro does for pictures), which may
/// hold `-` and `_`. Read as words and numbers it must fall apart into at least `runs` of them, or hold what no word
/// holds.
fn is_base64_hash(token: &str, runs: usize) -> bool {
    let length_fits = token.len() == 8 || ((9..=22).contains(&token.len()) && !token.contains('-'));
    let is_base64 = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !length_fits || !is_base64 || !is_mixed(token) || has_date(token) {
        return false;
    }
    // A longer one falls apart into more: `iPhone15Pro` has four runs too.
    let runs = runs.max(token.len().div_ceil(2));
    let parts: Vec<usize> = token.split(['-', '_']).map(count_runs).collect();
    let falls_apart = parts.iter().sum::<usize>() >= runs && parts.iter().any(|&part| part >= 3);
    falls_apart || consonants_in_a_row(token) >= 5 || (token.contains('-') && token.contains('_'))
}

/// The 8 characters of base32 that esbuild writes.
fn is_base32_hash(token: &str) -> bool {
    token.len() == 8
        && token.bytes().all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte))
        && has_digit_and_letter(token)
        && count_runs(token) >= 4
        && !has_date(token)
}

fn is_lower_hex(token: &str) -> bool {
    token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn has_digit_and_letter(token: &str) -> bool {
    token.bytes().any(|byte| byte.is_ascii_digit()) && token.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Lower case, and upper case or digits with it.
fn is_mixed(token: &str) -> bool {
    let has = |class: fn(&u8) -> bool| token.as_bytes().iter().any(class);
    has(u8::is_ascii_uppercase) && (has(u8::is_ascii_lowercase) || has(u8::is_ascii_digit))
        || has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
}

/// How many words and numbers a text falls apart into: `iPhone15` into three, `BxYz12Ab` into four.
fn count_runs(text: &str) -> usize {
    let mut runs = 0;
    let mut before = None;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let class = Class::of(*byte);
        let next = bytes.get(at + 1).map(|byte| Class::of(*byte));
        let continues = match (before, class) {
            // A capital goes on a row of capitals, unless it begins a word.
            (Some(Class::Upper), Class::Upper) => next != Some(Class::Lower),
            (Some(Class::Upper), Class::Lower) => true,
            (Some(before), class) => before == class,
            (None, _) => false,
        };
        runs += usize::from(!continues);
        before = Some(class);
    }
    runs
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Upper,
    Lower,
    Digit,
    Other,
}

impl Class {
    fn of(byte: u8) -> Class {
        match byte {
            b'A'..=b'Z' => Class::Upper,
            b'a'..=b'z' => Class::Lower,
            b'0'..=b'9' => Class::Digit,
            _ => Class::Other,
        }
    }
}

/// A year, or more digits in a row than a short hash is likely to have.
fn has_date(token: &str) -> bool {
    token.split(|char: char| !char.is_ascii_digit()).any(|digits| {
        digits.len() >= 5 || (digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20")))
    })
}

fn consonants_in_a_row(token: &str) -> usize {
    let is_consonant = |char: char| char.is_ascii_alphabetic() && !"aeiouyAEIOUY".contains(char);
    token.split(|char| !is_consonant(char)).map(str::len).max().unwrap_or(0)
}

/// Whether a UUID with its hyphens is in the text: those name things, not bytes.
fn has_uuid(text: &str) -> bool {
    const LENGTHS: [usize; 5] = [8, 4, 4, 4, 12];
    text.as_bytes().windows(36).any(|window| {
        let mut groups = window.split(|byte| *byte == b'-');
        LENGTHS.iter().all(|length| {
            groups.next().is_some_and(|group| group.len() == *length && group.iter().all(u8::is_ascii_hexdigit))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judged(path: &str) -> bool {
        is_fingerprinted(&SitePath::new(path).unwrap())
    }

    #[test]
    fn names_that_build_tools_write_are_believed() {
        for path in [
            // Vite
            "assets/index-BJsxdCdh.js",
            "assets/index-FDJGFNiQ.js",
            "assets/index-D-_9G6Wi.js",
            "assets/index-B--_3AJ1.js",
            "assets/care-Bmp_sY-6.js",
            "assets/care-Bmp_sY-6.js.map",
            "assets/mending-Bmtkf_CM.js",
            "assets/notice-Cy2_ybK6.css",
            "assets/lamp-a14G13HB.woff2",
            "assets/grotesque-DLoelf7F.woff2",
            "assets/lamp-a14G13HB.png",
            "docs/assets/index-Db898uvC.js",
            "assets/js/index.4f3a9b1c.js",
            "build/assets/app-DF8e6DNE.css",
            // create-react-app
            "static/js/main.8d7f6a5b.js",
            "static/js/2.8d7f6a5b.chunk.js",
            "static/media/logo.6ce24c58023cc2f8fd88fe9d219db6c6.svg",
            // Astro, SvelteKit, Nuxt, Next
            "_astro/hoisted.BxYz12Ab.js",
            "_astro/hero.BxYz12Ab_Z1kQzP.webp",
            "_app/immutable/nodes/0.DiZ7aB_c.js",
            "_app/immutable/chunks/DiZ7aB_c.js",
            "_nuxt/entry.3f2a1b9c.css",
            "_next/static/chunks/app/layout-0a1b2c3d4e5f6789.js",
            "_next/static/css/3f2a1b9c8d7e6f50.css",
            "_next/static/media/4cf2300e9c8272f7-s.p.woff2",
            // esbuild
            "build/_shared/chunk-7QVYU63E.js",
            // Hugo, and anything with a long hash
            "main.min.7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069.css",
            "app-3f2a1b9c8d7e6f50.js",
        ] {
            assert!(judged(path), "{path}");
        }
    }

    #[test]
    fn all_other_names_are_not() {
        for path in [
            // Pages, and what is fetched by a name that stays
            "index.html",
            "assets/index-BJsxdCdh.html",
            "page.3f2a1b9c8d7e6f50.html",
            "sw.js",
            "assets/sw-BJsxdCdh.js",
            "sw.3f2a1b9c8d7e6f50.js",
            "service-worker-3f2a1b9c8d7e6f50.js",
            "firebase-messaging-sw.js",
            "registerSW.js",
            "manifest.webmanifest",
            "manifest.3f2a1b9c8d7e6f50.webmanifest",
            "robots.txt",
            "version.json",
            "_app/version.json",
            "_nuxt/builds/latest.json",
            "assets/remoteEntry.js",
            "assets/remoteEntry-BJsxdCdh.js",
            "_next/static/k3Jx9/_buildManifest.js",
            ".well-known/3f2a1b9c8d7e6f50.json",
            "assets/.cache/index-BJsxdCdh.js",
            // Source maps without a hash, compressed copies
            "assets/app.js.map",
            "assets/index-BJsxdCdh.js.gz",
            "static/js/main.3f2a1b9c8d7e6f50.js.LICENSE.txt",
            // Dates, versions, numbers
            "report-20240115.pdf",
            "assets/report-20240115.pdf",
            "assets/photo-20240115.jpg",
            "assets/photo-2024Q1v2.png",
            "assets/photo-12dec2024.png",
            "assets/app-1feb2024.js",
            "backup-20240115123000.js",
            "20240115123000aa-20240115123000aa.js",
            "assets/jquery-3.7.1.min.js",
            "jquery-3.7.1.min.js",
            "assets/foo-v2-Beta1.js",
            "assets/app-version2.js",
            // Words
            "brochure-DOWNLOAD.pdf",
            "assets/brochure-DOWNLOAD.png",
            "assets/vendor-MyWidget.js",
            "assets/banner-Summer24.jpg",
            "assets/phone-iPhone15.png",
            "assets/phone-iOS17Pro.png",
            "assets/photo-IMG_1234.jpg",
            "assets/photo-facade12.jpg",
            "assets/building-facade12.js",
            "assets/logo-deadbeef.svg",
            "assets/polyfills-modernized.js",
            "_astro/components-Summer24.js",
            // Names without a hash in a tool's own folder
            "_astro/v00Photo.js",
            "_astro/v12Berlin.css",
            "_astro/facade12.js",
            "_astro/phone-iOS17Pro.png",
            "_nuxt/iPhone15Pro.js",
            "_nuxt/decade90.css",
            "assets/phone-iPhone15Pro.js",
            // Identifiers
            "uploads/3f2a1b9c-8d7e-4f50-9234-567890abcdef.jpg",
            "_nuxt/builds/meta/3f2a1b9c-8d7e-4f50-9234-567890abcdef.json",
            "uploads/3f2a1b9c8d7e4f509234567890abcdef.jpg",
            "uploads/file-3f2a1b9c8d7e4f509234567890abcdef.jpg",
            "uploads/file-507f1f77bcf86cd799439011.jpg",
            "build-da39a3ee5e6b4b0d3255bfef95601890afd80709.js",
            // Hashes outside the folders of build tools, and of files that people name
            "index-BJsxdCdh.js",
            "downloads/app.8d7f6a5b.js",
            "assets/price-list-BJsxdCdh.pdf",
            "assets/photos/index-BJsxdCdh.jpg",
            "myassets/index-BJsxdCdh.js",
            "data-3f2a1b9c8d7e6f50.json",
        ] {
            assert!(!judged(path), "{path}");
        }
    }

    #[test]
    fn runs_are_words_and_numbers() {
        for (text, runs) in
            [("", 0), ("DOWNLOAD", 1), ("iPhone15", 3), ("BxYz12Ab", 4), ("DZVxBAit", 4), ("GitHubV2", 4)]
        {
            assert_eq!(count_runs(text), runs, "{text}");
        }
    }

    proptest! {
        /// Whatever is made of words, years and short numbers is mutable, wherever it lies.
        #[test]
        fn words_and_numbers_are_never_a_hash(
            folder in proptest::sample::select(vec!["", "assets/", "static/js/", "_astro/", "build/"]),
            words in proptest::collection::vec("(team|Photo|menu|facade|v[0-9]{1,2}|[0-9]{1,3}|20[0-9]{2}|20[0-9]{6}|Berlin|LOGO|final)", 1..6),
            separator in proptest::sample::select(vec!["-", ".", "_", ""]),
            extension in proptest::sample::select(vec!["js", "css", "png", "jpg", "pdf", "woff2", "js.map"]),
        ) {
            // Without anything between them, words of any kind make something that reads as a hash.
            let most = if separator.is_empty() { 2 } else { words.len() };
            let path = format!("{folder}{}.{extension}", words[..words.len().min(most)].join(separator));
            prop_assert!(!judged(&path), "{}", path);
        }

        /// Pages are asked for by their names, whatever else is in those.
        #[test]
        fn pages_are_never_fingerprinted(path in "(assets/|_astro/|)[a-zA-Z0-9._-]{1,40}\\.(html|HTM|xhtml|txt|xml)") {
            prop_assume!(SitePath::new(path.as_str()).is_ok());
            prop_assert!(!judged(&path));
        }
    }
}
