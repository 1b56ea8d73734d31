//! Names that stay the same, and names that need a digest.

use super::*;

#[test]
fn what_is_asked_for_by_name_is_fixed() {
    for name in [
        "index.html",
        "page.3f2a1b9c8d7e6f50.html",
        "sw.js",
        "sw-cache.js",
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
        assert!(judge::is_fixed(&path(name)) && !judge::is_open(&path(name)), "{name}");
    }
}

#[test]
fn runtimes_and_source_maps_want_a_digest() {
    for name in [
        "workbox-1d305bb8.js",
        "a/workbox-1d305bb8.js",
        "assets/index-BJsxdCdh.js.map",
        "robots.txt",
        "a.js.LICENSE.txt",
    ] {
        assert!(!judge::is_fixed(&path(name)) && !judge::is_open(&path(name)), "{name}");
    }
    for name in [
        "assets/index-BJsxdCdh.js",
        "swiper-BJsxdCdh.js",
        "photo.png",
        "assets/a.wasm",
        // A part of Workbox that a bundler made, and no version of eight digits.
        "workbox-precache.js",
        "workbox-1d305bb.js",
        // Texts in Swahili.
        "sw-KE-BJsxdCdh.js",
        "sw-tz.BJsxdCdh.js",
        "sw_Latn.js",
    ] {
        assert!(judge::is_open(&path(name)), "{name}");
    }
}
