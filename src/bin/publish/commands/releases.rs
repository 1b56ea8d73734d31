//! `publish releases`: what there is to go back to, and what was live when.

use publish::report::Report;
use publish::run;
use publish::views::releases::ReleaseFilter;

use super::{Manner, Session, Shown, Target};
use crate::args::ReleasesArgs;
use crate::json;
use crate::summary::releases::{render_history, render_releases};

impl Session<'_> {
    pub(super) async fn releases(&self, args: &ReleasesArgs) -> Report {
        let filter = args.filter(self.clock.now());
        if args.history { self.history(&filter).await } else { self.list(&filter).await }
    }

    async fn list(&self, filter: &ReleaseFilter) -> Report {
        let work =
            async |target: Target<'_>| run::releases(target.environment, target.caller, filter, target.events).await;
        let show = |_: Shown<'_>, releases: Vec<_>| {
            if self.terminal.is_for_people() {
                self.terminal.result(&render_releases(&releases, filter, self.terminal.results()));
            } else {
                releases.iter().for_each(json::line);
            }
        };
        self.on_target("releases", Manner::Shows, work, show).await
    }

    async fn history(&self, filter: &ReleaseFilter) -> Report {
        let work =
            async |target: Target<'_>| run::history(target.environment, target.caller, filter, target.events).await;
        let show = |_: Shown<'_>, history: Vec<_>| {
            if self.terminal.is_for_people() {
                self.terminal.result(&render_history(&history, filter, self.terminal.results()));
            } else {
                history.iter().for_each(json::line);
            }
        };
        self.on_target("releases", Manner::Shows, work, show).await
    }
}
