//! How long browsers and the CDN may keep a file that no rule covers (docs/configuration.md, "Headers").

use super::RuleContext;
use crate::content::path::SitePath;
use crate::release::head::{CdnView, Distribution};
use crate::types::headers::Kind;

/// For a fingerprinted name: a year, and no request even on reload.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// For all other files: browsers revalidate every time, and so does the CDN.
const REVALIDATE: &str = "public, max-age=0, must-revalidate";

/// For all other files behind a CDN that we refresh: the CDN keeps the file until then; browsers ask the CDN every time.
/// Other shared caches obey `s-maxage` too, but are not refreshed: one day limits how long they serve old content.
const REVALIDATE_AT_CDN: &str = "public, max-age=0, s-maxage=86400, must-revalidate";

/// The `Cache-Control` of a file that no rule covers.
pub(super) fn default(path: &SitePath, kind: Kind, context: &RuleContext<'_>) -> &'static str {
    let mut views = context.distributions.values().map(Distribution::view);
    match kind {
        Kind::Fingerprinted => IMMUTABLE,
        Kind::Mutable if context.distributions.is_empty() => REVALIDATE,
        // If one of them must not keep the file, that decides for all: there is one object, with one header.
        Kind::Mutable if views.all(|view| may_keep(path, context, view)) => REVALIDATE_AT_CDN,
        Kind::Mutable => REVALIDATE,
    }
}

/// Whether a refresh reaches the file at a distribution. An error page is cached under the URLs that failed, which cannot
/// be listed; and a file whose URL is unknown might be one.
fn may_keep(path: &SitePath, context: &RuleContext<'_>, view: CdnView<'_>) -> bool {
    match view {
        CdnView::None | CdnView::Unreadable => false,
        CdnView::Known(facts) => {
            let key = context.layout.served_key(path);
            let urls = facts.places(&key);
            !urls.is_empty() && !urls.iter().any(|url| facts.is_error_page(&format!("/{url}")))
        }
    }
}

/// Whether a rule's value tells browsers never to ask again.
pub(super) fn is_immutable(cache_control: &str) -> bool {
    cache_control.split(',').any(|directive| directive.trim().eq_ignore_ascii_case("immutable"))
}
