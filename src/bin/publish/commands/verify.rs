//! `publish verify`.

use publish::report::Report;
use publish::run::{self, VerifyRequest};
use publish::stages::audit::Finding;

use super::{Manner, Session, Shown, Target};
use crate::args::VerifyArgs;
use crate::{json, summary};

impl Session<'_> {
    pub(super) async fn verify(&self, args: &VerifyArgs) -> Report {
        let ask = |question: &str| self.ask(question);
        let work = async |target: Target<'_>| {
            let VerifyArgs { deep, repair } = *args;
            let Target { environment, caller, events, .. } = target;
            run::verify(VerifyRequest { environment, caller, deep, repair }, &ask, events).await
        };
        let show = |shown: Shown<'_>, findings: Vec<Finding>| {
            if self.terminal.is_for_people() {
                let (style, verbose) = (self.terminal.results(), self.global.verbose);
                let text = summary::render_findings(&findings, shown.report, shown.environment, verbose, style);
                self.terminal.result(&text);
            } else {
                findings.iter().for_each(json::line);
            }
        };
        self.on_target("verify", Manner::Shows, work, show).await
    }
}
