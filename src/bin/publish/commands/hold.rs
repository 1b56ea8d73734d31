//! `publish hold` and `publish resume`: whether anything may be published.

use publish::report::{Outcome, Report};
use publish::run;

use super::{Manner, Session, Shown, Target};
use crate::args::HoldArgs;

impl Session<'_> {
    pub(super) async fn hold(&self, args: &HoldArgs) -> Report {
        let work = async |target: Target<'_>| {
            let Target { environment, caller, events, .. } = target;
            (run::hold(environment, caller, args.reason.clone(), events).await, ())
        };
        let show = |shown: Shown<'_>, ()| {
            let text = match shown.report.outcome {
                Outcome::Unchanged => "Publishing is already on hold.\n",
                _ => "Publishing is on hold: every publish is refused until `publish resume`.\n",
            };
            self.terminal.result(text);
        };
        self.on_target("hold", Manner::Shows, work, show).await
    }

    pub(super) async fn resume(&self) -> Report {
        let work = async |target: Target<'_>| (run::resume(target.environment, target.caller, target.events).await, ());
        let show = |shown: Shown<'_>, ()| {
            let text = match shown.report.outcome {
                Outcome::Unchanged => "Publishing was not on hold.\n",
                _ => "Hold lifted; pipelines can publish again.\n",
            };
            self.terminal.result(text);
        };
        self.on_target("resume", Manner::Shows, work, show).await
    }
}
