//! Names that stay, whatever is in the files.

use crate::content::path::SitePath;

/// What people, browsers, crawlers and readers of feeds ask for by a name that stays.
const NEVER_BY_EXTENSION: [&str; 9] = ["html", "htm", "xhtml", "webmanifest", "xml", "rss", "atom", "ics", "appcache"];

/// Beginnings of the file names of service workers, which browsers ask for by name.
const SERVICE_WORKERS: [&str; 6] = ["sw.", "sw-", "service-worker", "serviceworker", "firebase-messaging-sw", "ngsw"];

/// Beginnings of file names that pages, or other sites, ask for by name: what registers a service worker, and module
/// federation.
const NEVER_BY_BEGINNING: [&str; 2] = ["registersw", "remoteentry"];

/// File names that name what is the newest.
const NEVER_BY_NAME: [&str; 5] = ["version.json", "latest.json", "manifest.json", "feed.json", "env.js"];

/// What is believed only if a token of the name is a digest of the bytes: Workbox writes its own runtime with the hash
/// of its version's content, and source maps are often named by the hash of their script.
const ONLY_IF_PROVEN_BY_BEGINNING: &str = "workbox-";

/// Source maps, and texts that lie beside what is loaded: licences, and what crawlers ask for.
const ONLY_IF_PROVEN_BY_EXTENSION: [&str; 3] = ["map", "txt", "md"];

/// How far a name can vouch for its bytes at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is asked for by this name, whatever it holds.
    Fixed,
    /// Only a digest in it vouches.
    OnlyIfProven,
    /// Any evidence counts.
    Open,
}

impl Standing {
    pub(super) fn of(path: &SitePath) -> Standing {
        let name = path.file_name().to_ascii_lowercase();
        let extension = path.extension();
        let never = extension.as_deref().is_some_and(|extension| NEVER_BY_EXTENSION.contains(&extension))
            || NEVER_BY_BEGINNING.iter().any(|never| name.starts_with(never))
            || is_service_worker(path)
            || NEVER_BY_NAME.contains(&name.as_str())
            || path.as_str().split('/').any(|segment| segment.starts_with('.'));
        if never {
            Standing::Fixed
        } else if name.starts_with(ONLY_IF_PROVEN_BY_BEGINNING)
            || extension.as_deref().is_some_and(|extension| ONLY_IF_PROVEN_BY_EXTENSION.contains(&extension))
        {
            Standing::OnlyIfProven
        } else {
            Standing::Open
        }
    }
}

/// Whether it is a service worker by its name. They list all that they are to keep, whoever wrote it.
pub(super) fn is_service_worker(path: &SitePath) -> bool {
    let name = path.file_name().to_ascii_lowercase();
    SERVICE_WORKERS.iter().any(|beginning| name.starts_with(beginning)) || name.ends_with("-sw.js")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(path: &str) -> Standing {
        Standing::of(&SitePath::new(path).unwrap())
    }

    #[test]
    fn what_is_asked_for_by_name_is_fixed() {
        for path in [
            "index.html",
            "page.3f2a1b9c8d7e6f50.html",
            "sw.js",
            "assets/sw-BJsxdCdh.js",
            "service-worker-3f2a1b9c8d7e6f50.js",
            "firebase-messaging-sw.js",
            "pwa-sw.js",
            "registerSW.js",
            "ngsw-worker.js",
            "manifest.webmanifest",
            "manifest.3f2a1b9c8d7e6f50.webmanifest",
            "sitemap.xml",
            "_app/version.json",
            "_app/env.js",
            "_nuxt/builds/latest.json",
            "assets/remoteEntry.js",
            "assets/remoteEntry-BJsxdCdh.js",
            ".well-known/3f2a1b9c8d7e6f50.json",
            "assets/.cache/index-BJsxdCdh.js",
        ] {
            assert_eq!(standing(path), Standing::Fixed, "{path}");
        }
    }

    #[test]
    fn runtimes_and_source_maps_want_proof() {
        for path in [
            "workbox-1d305bb8.js",
            "a/workbox-1d305bb8.js",
            "assets/index-BJsxdCdh.js.map",
            "robots.txt",
            "a.js.LICENSE.txt",
        ] {
            assert_eq!(standing(path), Standing::OnlyIfProven, "{path}");
        }
        for path in ["assets/index-BJsxdCdh.js", "swiper-BJsxdCdh.js", "photo.png", "assets/a.wasm"] {
            assert_eq!(standing(path), Standing::Open, "{path}");
        }
    }
}
