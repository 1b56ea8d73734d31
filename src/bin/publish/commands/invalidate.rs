//! `publish invalidate`.

use publish::report::Report;
use publish::run::{self, InvalidateRequest};

use super::{Manner, Session, Shown, Target};
use crate::args::InvalidateArgs;
use crate::summary;

impl Session<'_> {
    pub(super) async fn invalidate(&self, args: &InvalidateArgs) -> Report {
        let work = async |target: Target<'_>| {
            let Target { environment, caller, events, .. } = target;
            let request = InvalidateRequest { environment, caller, paths: args.paths.clone() };
            (run::invalidate(request, events).await, ())
        };
        let show = |shown: Shown<'_>, ()| {
            if self.terminal.is_for_people() {
                self.terminal.result(&summary::render_invalidated(shown.report, shown.environment));
            }
        };
        self.on_target("invalidate", Manner::Prunes, work, show).await
    }
}
