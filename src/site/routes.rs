//! A single-page application, whose router handles all other addresses: the host must answer them with its one page.

use std::collections::BTreeSet;

use crate::content::closure::Closure;
use crate::content::path::SitePath;
use crate::content::references::Role;
use crate::content::routing::is_fallback;
use crate::site::snapshot::Snapshot;

/// The needs of such a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routes {
    /// The usual name of its router; empty if unknown.
    pub router: &'static str,
    /// Its home page.
    pub home: SitePath,
    /// The pages that load the application: any of them may answer for an address without a file.
    pub pages: BTreeSet<SitePath>,
}

impl Routes {
    /// `None` for a site that has several pages, no router, or a router that keeps addresses behind a `#`.
    pub fn of(snapshot: &Snapshot, closure: &Closure) -> Option<Routes> {
        let router = snapshot.routing.router(snapshot.files.keys())?;
        let home = SitePath::new("index.html").ok()?;
        let digest = snapshot.files.get(&home)?.digest;
        let scripts = |page: &SitePath| -> BTreeSet<SitePath> {
            let uses = closure.uses(page).filter(|used| matches!(used.role, Role::Script | Role::Module));
            uses.map(|used| used.file.clone()).collect()
        };
        let of_home = scripts(&home);
        let fallbacks = snapshot.files.iter().filter(|(path, file)| {
            is_fallback(path) && (file.digest == digest || !scripts(path).is_disjoint(&of_home))
        });
        let pages = fallbacks.map(|(path, _)| path.clone()).chain([home.clone()]).collect();
        Some(Routes { router, home, pages })
    }
}
