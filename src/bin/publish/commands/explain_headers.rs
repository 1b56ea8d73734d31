//! `publish plan --explain-headers`.

use publish::config::environment::Environment;
use publish::site::response_policy::ResponsePolicy;

use super::Session;
use crate::{json, summary};

impl Session<'_> {
    /// Shows what CloudFront is to add to answers, and how it comes to do so.
    pub(super) fn explain_headers(&self, policies: &[ResponsePolicy], environment: &Environment) {
        if self.terminal.is_for_people() {
            self.terminal.result(&summary::render_policies(policies, environment, self.terminal.results()));
        } else {
            policies.iter().for_each(json::line);
        }
    }
}
