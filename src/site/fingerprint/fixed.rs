//! Names that stay the same whatever the files contain, and names for which only a digest of the bytes counts.

use crate::content::path::SitePath;

/// Prefixes of the file names of service workers, which browsers request by name.
const SERVICE_WORKERS: [&str; 6] = ["sw.", "sw-", "service-worker", "serviceworker", "firebase-messaging-sw", "ngsw"];

/// Regions in language tags for Swahili (Unicode CLDR).
const SWAHILI: [&str; 8] = ["KE", "TZ", "UG", "CD", "RW", "BI", "MZ", "Latn"];

/// File names of lists of the newest files.
const NEWEST: [&str; 5] = ["version.json", "latest.json", "manifest.json", "feed.json", "env.js"];

/// Whether it is hidden, such as `.well-known/security.txt`.
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

/// Whether it is a web app manifest or a similar file for browsers.
pub(super) fn is_web_manifest(path: &SitePath) -> bool {
    has_extension(path, &["webmanifest", "appcache"])
}

/// Whether it is a service worker by its name. Any tool's service worker lists all files to cache.
pub(super) fn is_service_worker(path: &SitePath) -> bool {
    let name = lower_name(path);
    if is_swahili(path) {
        return false;
    }
    SERVICE_WORKERS.iter().any(|beginning| name.starts_with(beginning)) || name.ends_with("-sw.js")
}

/// Whether it contains texts in a regional form of Swahili, `sw-KE-BJsxdCdh.js`, and is not a service worker.
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

/// Whether its name is that of a list of the newest files.
pub(super) fn names_the_newest(path: &SitePath) -> bool {
    NEWEST.contains(&lower_name(path).as_str())
}

/// Whether it is a source map: often named by the hash of its script.
pub(super) fn is_source_map(path: &SitePath) -> bool {
    has_extension(path, &["map"])
}

/// Whether it is a text beside loaded files: licences, and files for crawlers.
pub(super) fn is_text(path: &SitePath) -> bool {
    has_extension(path, &["txt", "md"])
}

/// Whether it is the Workbox runtime, named by the hash of its version's content: `workbox-1d305bb8.js`. With another
/// name (`workbox-window.prod.es5-BqEJf4Xk.js`), a bundler made it from the library.
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
