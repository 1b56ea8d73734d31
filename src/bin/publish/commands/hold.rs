//! `publish hold` and `publish resume`: whether anything may be published.

use publish::report::{Outcome, Report};
use publish::run;

use super::{Manner, Session, Shown, Target};
use crate::args::HoldArgs;

/// What is said where publishing is held from now on.
const HELD: &str = "Publishing is on hold: every publish is refused until `publish resume`.";

impl Session<'_> {
    pub(super) async fn hold(&self, args: &HoldArgs) -> Report {
        let work = async |target: Target<'_>| {
            let Target { environment, caller, events, .. } = target;
            (run::hold(environment, caller, args.reason.clone(), events).await, ())
        };
        let show = |shown: Shown<'_>, ()| {
            let text = match shown.report.outcome {
                Outcome::Unchanged => "Publishing is already on hold.",
                _ => HELD,
            };
            self.terminal.tell(text);
        };
        self.on_target("hold", Manner::Shows, work, show).await
    }

    pub(super) async fn resume(&self) -> Report {
        let work = async |target: Target<'_>| (run::resume(target.environment, target.caller, target.events).await, ());
        let show = |shown: Shown<'_>, ()| {
            let text = match shown.report.outcome {
                Outcome::Unchanged => "Publishing was not on hold.",
                _ => "Hold lifted; pipelines can publish again.",
            };
            self.terminal.tell(text);
        };
        self.on_target("resume", Manner::Shows, work, show).await
    }

    /// Says that publishing is held from now on.
    pub(super) fn say_held(&self) {
        self.terminal.tell(HELD);
    }
}
