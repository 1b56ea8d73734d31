//! `publish plan`.

use publish::report::Report;
use publish::run::{self, Explained};

use super::{Manner, Session, Shown, Target, publish_request, refused};
use crate::args::PlanArgs;
use crate::{json, summary};

impl Session<'_> {
    pub(super) async fn plan(&self, args: &PlanArgs) -> Report {
        let work = async |target: Target<'_>| match publish_request(&target, &args.site) {
            Ok(request) => run::plan_explained(request, &args.explain, target.events).await,
            Err(problem) => (refused("plan", &target.environment.name, problem), Explained::default()),
        };
        let show = |shown: Shown<'_>, explained: Explained| {
            if self.terminal.is_for_people() {
                self.terminal.result(&self.planned(&shown, &explained));
            } else {
                explained.plan.iter().for_each(|plan| json::line(&plan.view()));
                explained.explanations.iter().for_each(json::line);
            }
            if args.explain_headers {
                self.explain_headers(&explained.response_policies, shown.environment);
            }
        };
        self.on_target("plan", Manner::Shows, work, show).await
    }

    /// The plan for people; where files are explained, those and the outcome in one line.
    fn planned(&self, shown: &Shown<'_>, explained: &Explained) -> String {
        let style = self.terminal.results();
        let Shown { report, environment } = shown;
        if explained.explanations.is_empty() {
            let plan = explained.plan.as_ref().map(|plan| plan.view());
            return summary::render_plan(report, plan.as_ref(), environment, style);
        }
        let explanations = summary::render_explanations(&explained.explanations, self.global.verbose, style);
        format!("{explanations}\n{}", summary::render_plan_in_short(report, environment, style))
    }
}
