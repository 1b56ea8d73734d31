//! `publish diff`: how a release differs from another one or from a folder.

use publish::report::Report;
use publish::run::{self, Comparison, DiffRequest, Side};

use super::{Manner, Session, Shown, Target};
use crate::args::DiffArgs;
use crate::json;
use crate::summary::diff::render_diff;

impl Session<'_> {
    pub(super) async fn diff(&self, args: &DiffArgs) -> Report {
        let DiffArgs { from, to } = args;
        let work = async |target: Target<'_>| {
            let Target { environment, caller, events, .. } = target;
            let to = to.clone().unwrap_or(Side::Active);
            run::diff(DiffRequest { environment, caller, from: *from, to }, events).await
        };
        let show = |_: Shown<'_>, comparison: Option<Comparison>| {
            let Some(comparison) = comparison else { return };
            if self.terminal.is_for_people() {
                let folder = match to {
                    Some(Side::Folder(folder)) => folder.display().to_string(),
                    _ => String::new(),
                };
                let second = comparison.to.map_or(folder, |release| format!("release {release}"));
                let text = render_diff(*from, &second, &comparison.diff, self.terminal.results());
                self.terminal.result(&text);
            } else {
                comparison.diff.differences.iter().for_each(json::line);
            }
        };
        self.on_target("diff", Manner::Shows, work, show).await
    }
}
