//! The `Content-Type` of a file, from its name alone; for a compressed copy, from the original's name.
//!
//! The table below takes precedence over the `mime_guess` crate. A type that neither has is `application/octet-stream`:
//! browsers save it instead of guessing. So are files without an extension, except a few names that are known
//! to be text or JSON. Text and the types that browsers read as text have `charset=utf-8`, because every tool that
//! builds a site writes UTF-8; JSON does not, because it is UTF-8 by definition (RFC 8259 section 8.1).

use crate::content::path::SitePath;

/// Types that `mime_guess` does not have, or that differ on today's web: program sources (`.ts`, `.mod`, `.org`) share
/// their extensions with rare videos and documents. Sorted by extension.
const BY_EXTENSION: &[(&str, &str)] = &[
    ("apk", "application/vnd.android.package-archive"),
    ("apng", "image/apng"),
    ("appcache", "text/cache-manifest"),
    ("atom", "application/atom+xml"),
    ("avif", "image/avif"),
    ("bat", "text/plain"),
    ("br", "application/octet-stream"),
    ("cjs", "text/javascript"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("cts", "text/plain"),
    ("cu", "text/plain"),
    ("cur", "image/x-icon"),
    ("dart", "text/plain"),
    ("dot", "text/plain"),
    ("eot", "application/vnd.ms-fontobject"),
    ("flac", "audio/flac"),
    ("fsscript", "text/plain"),
    ("fsx", "text/plain"),
    ("geojson", "application/geo+json"),
    ("glb", "model/gltf-binary"),
    ("gltf", "model/gltf+json"),
    ("gz", "application/gzip"),
    ("heic", "image/heic"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("ico", "image/x-icon"),
    ("ics", "text/calendar"),
    ("java", "text/plain"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("json5", "application/json5"),
    ("jsonld", "application/ld+json"),
    ("jxl", "image/jxl"),
    ("ktx2", "image/ktx2"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("m4a", "audio/mp4"),
    ("m4s", "video/iso.segment"),
    ("m4v", "video/mp4"),
    ("map", "application/json"),
    ("markdown", "text/markdown"),
    ("md", "text/markdown"),
    ("mdx", "text/markdown"),
    ("mjs", "text/javascript"),
    ("mmd", "text/plain"),
    ("mod", "text/plain"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpd", "application/dash+xml"),
    ("mts", "text/plain"),
    ("ndjson", "application/x-ndjson"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("opus", "audio/ogg"),
    ("org", "text/plain"),
    ("otf", "font/otf"),
    ("pdf", "application/pdf"),
    ("pf_fragment", "application/octet-stream"),
    ("pf_index", "application/octet-stream"),
    ("pf_meta", "application/octet-stream"),
    ("php", "text/plain"),
    ("pl", "text/plain"),
    ("pm", "text/plain"),
    ("pmtiles", "application/vnd.pmtiles"),
    ("png", "image/png"),
    ("pot", "text/plain"),
    ("rnc", "text/plain"),
    ("rss", "application/rss+xml"),
    ("scm", "text/plain"),
    ("sh", "text/plain"),
    ("sql", "text/plain"),
    ("st", "text/plain"),
    ("svg", "image/svg+xml"),
    ("svgz", "image/svg+xml"),
    ("tcl", "text/plain"),
    ("tex", "text/plain"),
    ("toml", "application/toml"),
    ("tpl", "text/plain"),
    ("ts", "text/plain"),
    ("tsx", "text/plain"),
    ("ttf", "font/ttf"),
    ("txt", "text/plain"),
    ("usdz", "model/vnd.usdz+zip"),
    ("vcf", "text/vcard"),
    ("vtt", "text/vtt"),
    ("wasm", "application/wasm"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xhtml", "application/xhtml+xml"),
    ("xm", "text/plain"),
    ("xml", "application/xml"),
    ("xsl", "application/xslt+xml"),
    ("xslt", "application/xslt+xml"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("zip", "application/zip"),
    ("zst", "application/zstd"),
];

/// Names without an extension whose content is known. The first one is JSON by Apple's rules, for universal links
/// (<https://developer.apple.com/documentation/xcode/supporting-associated-domains>).
const BY_NAME: &[(&str, &str)] = &[
    ("apple-app-site-association", "application/json"),
    ("AUTHORS", "text/plain"),
    ("CHANGELOG", "text/plain"),
    ("CNAME", "text/plain"),
    ("CODEOWNERS", "text/plain"),
    ("CONTRIBUTORS", "text/plain"),
    ("COPYING", "text/plain"),
    ("LICENCE", "text/plain"),
    ("LICENSE", "text/plain"),
    ("NOTICE", "text/plain"),
    ("README", "text/plain"),
    ("VERSION", "text/plain"),
    ("_headers", "text/plain"),
    ("_redirects", "text/plain"),
    ("version", "text/plain"),
];

/// Files without an extension in a folder `.well-known`, with the type that the specification requires. Files below such a
/// name have the same type, such as the metadata of one of several issuers (RFC 8414 section 3.1).
const WELL_KNOWN: &[(&str, &str)] = &[
    // RFC 9727 section 2.
    ("api-catalog", "application/linkset+json"),
    // AT Protocol, Handle, HTTPS well-known method.
    ("atproto-did", "text/plain"),
    // RFC 6415 section 2.
    ("host-meta", "application/xrd+xml"),
    // LNURL LUD-16.
    ("lnurlp", "application/json"),
    // Matrix Client-Server API, Well-known URI.
    ("matrix/client", "application/json"),
    // Matrix Server-Server API, Resolving server names.
    ("matrix/server", "application/json"),
    // Matrix Client-Server API, Server discovery (MSC1929).
    ("matrix/support", "application/json"),
    // Microsoft identity platform, How to configure an application's publisher domain.
    ("microsoft-identity-association", "application/json"),
    // NodeInfo protocol, Discovery.
    ("nodeinfo", "application/json"),
    // RFC 8414 section 3.2.
    ("oauth-authorization-server", "application/json"),
    // RFC 9728 section 3.2.
    ("oauth-protected-resource", "application/json"),
    // OpenID Connect Discovery 1.0 section 4.2.
    ("openid-configuration", "application/json"),
    // OpenID for Verifiable Credential Issuance 1.0, Credential Issuer Metadata.
    ("openid-credential-issuer", "application/json"),
    // W3C, A Well-Known URL for Relying Party Passkey Endpoints.
    ("passkey-endpoints", "application/json"),
    // HL7 SMART App Launch 2.2, Conformance.
    ("smart-configuration", "application/json"),
    // OpenID Shared Signals Framework 1.0, Transmitter Configuration Metadata.
    ("ssf-configuration", "application/json"),
    // UMA 2.0 Grant for OAuth 2.0 Authorization, section 2.
    ("uma2-configuration", "application/json"),
    // W3C FedCM, The Well-Known File.
    ("web-identity", "application/json"),
    // W3C Web Authentication Level 3, section 5.11.1.
    ("webauthn", "application/json"),
    // RFC 7033 section 10.2.
    ("webfinger", "application/jrd+json"),
];

/// Extensions of files that programs in a page load unchanged: data, and the parts of a .NET runtime, which its build compresses
/// (<https://learn.microsoft.com/aspnet/core/blazor/host-and-deploy/webassembly>).
const LOADED_DATA: [&str; 6] = ["blat", "dat", "data", "dll", "pdb", "webcil"];

/// Usual names of a stream's playlists.
const PLAYLISTS: [&str; 8] = ["index", "playlist", "master", "main", "prog_index", "stream", "output", "video"];

/// The `Content-Type` of `path`, with its charset if it is text.
pub(super) fn content_type(path: &SitePath, is_there: impl Fn(&SitePath) -> bool) -> String {
    if is_segment(path, is_there) {
        return "video/mp2t".to_owned();
    }
    let essence = essence(path);
    if is_text(&essence) { format!("{essence}; charset=utf-8") } else { essence }
}

/// Whether a `.ts` file is a part of a video and not TypeScript: there is a playlist beside it or in a parent folder, under a
/// usual name or that of the part without its number: `talk.m3u8` for `talk-042.ts`, and for `talk.ts`, which contains all parts
/// (ffmpeg, `-hls_flags single_file`).
fn is_segment(path: &SitePath, is_there: impl Fn(&SitePath) -> bool) -> bool {
    let Some((stem, _)) = path.as_str().rsplit_once('.').filter(|_| path.extension().as_deref() == Some("ts")) else {
        return false;
    };
    // A TypeScript declaration file.
    if stem.ends_with(".d") {
        return false;
    }
    let folder = stem.rfind('/').map_or("", |end| &stem[..=end]);
    let around = folder.trim_end_matches('/').rfind('/').map_or("", |end| &folder[..=end]);
    let own = stem.trim_end_matches(|letter: char| letter.is_ascii_digit()).trim_end_matches(['-', '_', '.']);
    let usual = PLAYLISTS.iter().flat_map(|name| [folder, around].map(|folder| format!("{folder}{name}")));
    let mut playlists = usual.chain([own.to_owned()]);
    playlists.any(|playlist| SitePath::new(format!("{playlist}.m3u8")).is_ok_and(|playlist| is_there(&playlist)))
}

/// The `Content-Encoding` of a file that is unusable without one: a compressed SVG has no type of its own.
/// Files such as `app.js.gz` may be downloads, unless they are compressed copies ([`original_of`]).
pub(super) fn content_encoding(path: &SitePath) -> Option<&'static str> {
    (path.extension().as_deref() == Some("svgz")).then_some("gzip")
}

/// The file of which `path` is the compressed copy, such as `app.js` for `app.js.br`, and the copy's `Content-Encoding`.
///
/// Only files that browsers load as parts of a page have compressed copies: `data.csv.gz` beside `data.csv`, or
/// `src.tar.gz` beside `src.tar`, is a download, which browsers would unpack if it had an encoding. A `.br` is never a download.
pub(super) fn original_of(path: &SitePath, is_there: impl Fn(&SitePath) -> bool) -> Option<(SitePath, &'static str)> {
    // RFC 9110 section 8.4.1, RFC 7932 and RFC 8878.
    let encoding = match path.extension()?.as_str() {
        "br" => "br",
        "gz" => "gzip",
        "zst" => "zstd",
        _ => return None,
    };
    let (original, _) = path.as_str().rsplit_once('.')?;
    let original = SitePath::new(original).ok()?;
    let is_data = original.extension().is_some_and(|ending| LOADED_DATA.contains(&ending.as_str()));
    let is_loaded = encoding == "br" || is_data || is_part_of_a_page(&essence(&original));
    (is_loaded && is_there(&original)).then_some((original, encoding))
}

fn is_part_of_a_page(essence: &str) -> bool {
    let is_binary = |essence: &str| {
        matches!(
            essence,
            "application/wasm"
                | "font/ttf"
                | "font/otf"
                | "application/vnd.ms-fontobject"
                | "image/x-icon"
                | "image/bmp"
        )
    };
    let is_json = essence == "application/json" || essence.ends_with("+json");
    (is_text(essence) && essence != "text/csv") || is_json || is_binary(essence)
}

fn essence(path: &SitePath) -> String {
    let Some(extension) = path.extension() else {
        if let Some(known) = well_known(path.as_str()) {
            return known.to_owned();
        }
        return look_up(BY_NAME, path.file_name()).unwrap_or("application/octet-stream").to_owned();
    };
    match look_up(BY_EXTENSION, &extension) {
        Some(known) => known.to_owned(),
        None => mime_guess::from_ext(&extension).first_or_octet_stream().essence_str().to_owned(),
    }
}

/// The type of a file in a folder `.well-known`, which need not be the site's: an issuer may have its own path.
fn well_known(path: &str) -> Option<&'static str> {
    let (before, name) = path.rsplit_once(".well-known/")?;
    let is_folder = before.is_empty() || before.ends_with('/');
    let is_of = |known: &str| name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    WELL_KNOWN.iter().find(|(known, _)| is_folder && is_of(known)).map(|(_, essence)| *essence)
}

fn look_up(table: &[(&'static str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
}

/// Whether the bytes are text whose encoding must be declared.
fn is_text(essence: &str) -> bool {
    essence.starts_with("text/")
        || matches!(essence, "image/svg+xml" | "application/xml" | "application/xhtml+xml" | "application/yaml")
        || essence.ends_with("+xml")
        || matches!(essence, "application/javascript" | "application/toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> String {
        content_type(&SitePath::new(path).unwrap(), |_| false)
    }

    #[test]
    fn types_are_those_of_the_web_of_today() {
        for (path, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("INDEX.HTM", "text/html; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"),
            ("a.js", "text/javascript; charset=utf-8"),
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("a.cjs", "text/javascript; charset=utf-8"),
            ("a.js.map", "application/json"),
            ("a.json", "application/json"),
            ("a.jsonld", "application/ld+json"),
            ("site.webmanifest", "application/manifest+json"),
            ("a.wasm", "application/wasm"),
            ("a.avif", "image/avif"),
            ("a.webp", "image/webp"),
            ("a.svg", "image/svg+xml; charset=utf-8"),
            ("favicon.ico", "image/x-icon"),
            ("a.png", "image/png"),
            ("a.jpeg", "image/jpeg"),
            ("a.gif", "image/gif"),
            ("a.woff", "font/woff"),
            ("a.woff2", "font/woff2"),
            ("a.ttf", "font/ttf"),
            ("a.otf", "font/otf"),
            ("sitemap.xml", "application/xml; charset=utf-8"),
            ("feed.rss", "application/rss+xml; charset=utf-8"),
            ("feed.atom", "application/atom+xml; charset=utf-8"),
            ("robots.txt", "text/plain; charset=utf-8"),
            ("a.md", "text/markdown; charset=utf-8"),
            ("a.csv", "text/csv; charset=utf-8"),
            ("a.vtt", "text/vtt; charset=utf-8"),
            ("a.ics", "text/calendar; charset=utf-8"),
            ("a.glb", "model/gltf-binary"),
            ("a.m3u8", "application/vnd.apple.mpegurl"),
            ("a.mp4", "video/mp4"),
            ("a.webm", "video/webm"),
            ("a.mp3", "audio/mpeg"),
            ("a.pdf", "application/pdf"),
            ("a.zip", "application/zip"),
            ("a.js.gz", "application/gzip"),
            ("a.js.br", "application/octet-stream"),
            ("LICENSE", "text/plain; charset=utf-8"),
            ("CNAME", "text/plain; charset=utf-8"),
            (".well-known/apple-app-site-association", "application/json"),
            (".well-known/security.txt", "text/plain; charset=utf-8"),
            (".well-known/assetlinks.json", "application/json"),
            (".well-known/webauthn", "application/json"),
            (".well-known/matrix/server", "application/json"),
            (".well-known/matrix/client", "application/json"),
            (".well-known/nodeinfo", "application/json"),
            (".well-known/openid-configuration", "application/json"),
            ("tenant/.well-known/openid-configuration", "application/json"),
            (".well-known/oauth-authorization-server/tenant", "application/json"),
            (".well-known/webfinger", "application/jrd+json"),
            (".well-known/host-meta", "application/xrd+xml; charset=utf-8"),
            (".well-known/atproto-did", "text/plain; charset=utf-8"),
            (".well-known/acme-challenge/token", "application/octet-stream"),
            (".well-known/webauthn2", "application/octet-stream"),
            ("x.well-known/webauthn", "application/octet-stream"),
            ("webauthn", "application/octet-stream"),
            ("about", "application/octet-stream"),
            (".nojekyll", "application/octet-stream"),
            ("a.unheard-of", "application/octet-stream"),
        ] {
            assert_eq!(of(path), expected, "{path}");
        }
    }

    #[test]
    fn sources_of_programs_are_text_and_no_videos() {
        let sources = "ts mts cts d.ts d.mts d.cts tsx jsx mjs cjs mod xm mmd org pot dot st tpl scm cu dart fsx java php pl pm \
                       sh bat sql tcl tex rs py c h cpp cs lua less scss s f90";
        for extension in sources.split_ascii_whitespace() {
            let found = of(&format!("src/a.{extension}"));
            assert!(found.starts_with("text/") && found.ends_with("; charset=utf-8"), "{extension}: {found}");
        }
        assert_eq!(of("types/a.d.ts"), "text/plain; charset=utf-8");
    }

    #[test]
    fn parts_of_a_video_lie_by_their_playlist() {
        let of = |path: &str, playlist: &str| {
            content_type(&SitePath::new(path).unwrap(), |there| there.as_str() == playlist)
        };
        for (path, playlist) in [
            ("video/seg-1.ts", "video/index.m3u8"),
            ("video/720p/seg-1.ts", "video/master.m3u8"),
            ("seg.ts", "playlist.m3u8"),
            ("talks/talk-042.ts", "talks/talk.m3u8"),
            ("talks/talk042.TS", "talks/talk.m3u8"),
            ("talks/talk.ts", "talks/talk.m3u8"),
        ] {
            assert_eq!(of(path, playlist), "video/mp2t", "{path}");
        }
        for (path, playlist) in [
            ("src/a.ts", "video/index.m3u8"),
            ("src/md5.ts", "src/sha.m3u8"),
            ("src/talk.d.ts", "src/talk.m3u8"),
            ("src/a.d.ts", "src/index.m3u8"),
            ("src/a.mts", "src/index.m3u8"),
        ] {
            assert_eq!(of(path, playlist), "text/plain; charset=utf-8", "{path}");
        }
    }

    #[test]
    fn only_compressed_svg_has_an_encoding() {
        let encoding = |path: &str| content_encoding(&SitePath::new(path).unwrap());
        assert_eq!(encoding("a.svgz"), Some("gzip"));
        assert_eq!(encoding("a.js.gz"), None);
    }

    #[test]
    fn only_parts_of_a_page_have_twins() {
        let twin = |path: &str, beside: &str| {
            let found = original_of(&SitePath::new(path).unwrap(), |original| original.as_str() == beside);
            found.map(|(original, encoding)| (original.to_string(), encoding))
        };
        for (path, beside, encoding) in [
            ("assets/app.js.br", "assets/app.js", "br"),
            ("index.html.gz", "index.html", "gzip"),
            ("a.svg.zst", "a.svg", "zstd"),
            ("data.json.gz", "data.json", "gzip"),
            ("site.webmanifest.gz", "site.webmanifest", "gzip"),
            ("a.wasm.GZ", "a.wasm", "gzip"),
            ("site.webmanifest.br", "site.webmanifest", "br"),
            ("app.js.map.br", "app.js.map", "br"),
            ("_framework/icudt_CJK.dat.br", "_framework/icudt_CJK.dat", "br"),
            ("_framework/icudt_CJK.dat.gz", "_framework/icudt_CJK.dat", "gzip"),
            ("_framework/app.dll.gz", "_framework/app.dll", "gzip"),
            ("data.csv.br", "data.csv", "br"),
        ] {
            assert_eq!(twin(path, beside), Some((beside.to_owned(), encoding)), "{path}");
        }
        for (path, beside) in [
            ("app.js.gz", "other.js"),
            ("data.csv.gz", "data.csv"),
            ("src.tar.gz", "src.tar"),
            ("photo.jpg.gz", "photo.jpg"),
            ("app.js", "app"),
            (".br", ""),
            ("a/.gz", "a"),
        ] {
            assert_eq!(twin(path, beside), None, "{path}");
        }
    }

    #[test]
    fn each_extension_is_listed_once_and_in_order() {
        assert!(BY_EXTENSION.is_sorted_by(|(a, _), (b, _)| a < b));
        assert!(WELL_KNOWN.is_sorted_by(|(a, _), (b, _)| a < b));
    }
}
