//! `publish forget-distribution`.

use publish::report::Report;
use publish::run::{self, ForgetRequest};

use super::{Manner, Session, Shown, Target};
use crate::args::ForgetArgs;

impl Session<'_> {
    pub(super) async fn forget_distribution(&self, args: &ForgetArgs) -> Report {
        let ask = |question: &str| self.ask(question);
        let work = async |target: Target<'_>| {
            let Target { environment, caller, events, .. } = target;
            let request = ForgetRequest { environment, caller, distribution: args.id.clone() };
            (run::forget_distribution(request, &ask, events).await, ())
        };
        let show = |_: Shown<'_>, ()| {
            self.terminal.result("Distribution forgotten: publish will no longer refresh it.\n");
        };
        self.on_target("forget-distribution", Manner::Shows, work, show).await
    }
}
