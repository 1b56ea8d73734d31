//! Names that stay the same whatever the files contain, and names that count only with a digest of the bytes.

use crate::content::path::SitePath;

/// Beginnings of the file names of service workers, which browsers ask for by name.
const SERVICE_WORKERS: [&str; 6] = ["sw.", "sw-", "service-worker", "serviceworker", "firebase-messaging-sw", "ngsw"];

/// Where Swahili is spoken, as tags of languages say it (Unicode CLDR).
const SWAHILI: [&str; 8] = ["KE", "TZ", "UG", "CD", "RW", "BI", "MZ", "Latn"];

/// File names that name what is the newest.
const NEWEST: [&str; 5] = ["version.json", "latest.json", "manifest.json", "feed.json", "env.js"];

/// Whether it is hidden, as `.well-known/security.txt`.
pub(super) fn is_hidden(path: &SitePath) -> bool {
    path.as_str().split('/').any(|segment| segment.starts_with('.'))
}

/// Whether it is a page.
pub(super) fn is_page(path: &SitePath) -> bool {
    has_extension(path, &["html", "htm", "xhtml"])
}

/// Whether it is a feed, a sitemap or a calendar.
pub(super) fn is_feed(path: &SitePath) -> bool {
    has_extension(path, &["xml", "rss", "atom", "ics"])
}

/// Whether browsers read from it what the site is as an app.
pub(super) fn is_web_manifest(path: &SitePath) -> bool {
    has_extension(path, &["webmanifest", "appcache"])
}

/// Whether it is a service worker by its name. They list all that they are to keep, no matter which tool wrote them.
pub(super) fn is_service_worker(path: &SitePath) -> bool {
    let name = lower_name(path);
    if is_swahili(path) {
        return false;
    }
    SERVICE_WORKERS.iter().any(|beginning| name.starts_with(beginning)) || name.ends_with("-sw.js")
}

/// Whether it is made of texts in Swahili as they are spoken somewhere, `sw-KE-BJsxdCdh.js`, and no service worker.
fn is_swahili(path: &SitePath) -> bool {
    let name = path.file_name();
    let region =
        name.strip_prefix("sw-").or(name.strip_prefix("sw_")).and_then(|rest| rest.split(['-', '.', '_']).next());
    region.is_some_and(|region| SWAHILI.iter().any(|one| region == *one || region == one.to_ascii_lowercase()))
}

/// Whether pages load it by this name to register a service worker.
pub(super) fn is_registration(path: &SitePath) -> bool {
    lower_name(path).starts_with("registersw")
}

/// Whether other sites load it by this name (module federation).
pub(super) fn is_federation_entry(path: &SitePath) -> bool {
    lower_name(path).starts_with("remoteentry")
}

/// Whether its name is that of a list of what is the newest.
pub(super) fn names_the_newest(path: &SitePath) -> bool {
    NEWEST.contains(&lower_name(path).as_str())
}

/// Whether it is a source map: often named by the hash of its script.
pub(super) fn is_source_map(path: &SitePath) -> bool {
    has_extension(path, &["map"])
}

/// Whether it is a text that lies beside what is loaded: licences, and what crawlers ask for.
pub(super) fn is_text(path: &SitePath) -> bool {
    has_extension(path, &["txt", "md"])
}

/// Whether it is the runtime of Workbox, which names it by the hash of its version's content: `workbox-1d305bb8.js`. What
/// is named otherwise (`workbox-window.prod.es5-BqEJf4Xk.js`) a bundler made of the library.
pub(super) fn is_workbox_runtime(path: &SitePath) -> bool {
    let name = lower_name(path);
    let version = name.strip_prefix("workbox-").and_then(|rest| rest.split('.').next());
    version.is_some_and(|version| version.len() == 8 && version.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn lower_name(path: &SitePath) -> String {
    path.file_name().to_ascii_lowercase()
}

fn has_extension(path: &SitePath, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|extension| extensions.contains(&extension.as_str()))
}
