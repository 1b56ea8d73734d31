//! Warns about a site whose client-side routes a distribution answers with errors.

use super::session::Session;
use crate::content::path::{SitePath, UrlPath};
use crate::release::head::DistributionFacts;
use crate::site::routes::Routes;

impl Session<'_> {
    /// Warns if a distribution, as it was read in this run, answers addresses without a file with an error that does not show
    /// the application. Unknown if a function or another origin may answer.
    pub(super) fn warn_of_routes(&self, routes: &Routes) {
        let router = match routes.router {
            "" => "a router in its scripts".to_owned(),
            name => name.to_owned(),
        };
        for (id, read) in self.configurations.iter().filter(|(_, read)| !read.may_answer_missing) {
            let Some(home) = self.address_at(&read.facts, &routes.home) else { continue };
            let shows = |page| self.address_at(&read.facts, page).is_some_and(|page| read.facts.is_error_page(&page));
            if routes.pages.iter().any(shows) {
                continue;
            }
            self.events.warn(format!(
                "The site is one page with {router}, but distribution {id} answers all other addresses, such as /about, with an \
                 error: visitors get it when they reload the page there or follow a link. Let a viewer-request function send \
                 addresses without a file extension to {}: docs/single-page-apps.md in publish's repository has one. Custom \
                 error responses for 403 and 404 do it too, but answer missing scripts with the page as well.",
                UrlPath::encode(&home)
            ));
        }
    }

    /// The path of a file at a distribution, not encoded; `None` if the distribution does not serve it.
    fn address_at(&self, facts: &DistributionFacts, path: &SitePath) -> Option<String> {
        facts.below_root(&self.environment.layout.served_key(path)).map(|own| format!("/{own}"))
    }
}
