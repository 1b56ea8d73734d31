//! Explains the decisions about single files of a folder that is about to be published.

use std::collections::BTreeSet;

use super::goal::Folder;
use super::session::Session;
use crate::content::path::SitePath;
use crate::plan::Plan;
use crate::release::head::Head;
use crate::site::rules::RuleContext;
use crate::views::explanation::Explanation;

impl Session<'_> {
    /// Explains `paths` of `folder` from the head and this run's readings. `plan` is the result of [`Session::plan_only`].
    pub(super) fn explain(
        &self,
        folder: &Folder,
        paths: BTreeSet<SitePath>,
        head: &Head,
        plan: Option<&Plan>,
    ) -> Vec<Explanation> {
        let mutable_paths = head.mutable_paths.union(&self.mutable_paths).cloned().collect();
        // If the head alone decided, the distribution was not read: the settings in the head have decided.
        let distributions = if !self.configurations.is_empty() { &self.distributions } else { &head.distributions };
        let context = RuleContext { mutable_paths: &mutable_paths, distributions, layout: &self.environment.layout };
        let explanation = |path: SitePath| {
            let (verdict, decided) = folder.explained(&path, &context);
            let change = plan.and_then(|plan| plan.changes.get(&path).copied());
            Explanation::new(path, verdict, &decided, change)
        };
        paths.into_iter().map(explanation).collect()
    }
}
