//! `publish prune`.

use publish::plan::sweep::PruneView;
use publish::report::Report;
use publish::run::{self, PruneRequest};

use super::{Manner, Session, Shown, Target};
use crate::args::PruneArgs;
use crate::{json, summary};

impl Session<'_> {
    pub(super) async fn prune(&self, args: &PruneArgs) -> Report {
        let ask = |question: &str| self.ask(question);
        let work = async |target: Target<'_>| {
            let Target { environment, caller, events, .. } = target;
            let request = PruneRequest { environment, caller, now: args.now.iter().cloned().collect() };
            run::prune(request, &ask, events).await
        };
        let show = |shown: Shown<'_>, view: Option<PruneView>| {
            if self.terminal.is_for_people() {
                let style = self.terminal.results();
                let text = summary::prune::render(shown.report, view.as_ref(), self.global.verbose, style);
                self.terminal.result(&text);
            } else if let Some(view) = view {
                json::line(&view);
            }
        };
        self.on_target("prune", Manner::Prunes, work, show).await
    }
}
