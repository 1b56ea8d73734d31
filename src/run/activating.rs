//! The inputs of the switch, and the bytes that are preserved before it.

use std::collections::{BTreeMap, BTreeSet};

use super::intention::Intention;
use super::order::Order;
use super::session::Session;
use crate::content::path::SitePath;
use crate::release::layout::Address;
use crate::report::error::Problem;
use crate::stages::activate::Activating;

impl Session<'_> {
    /// The inputs of the switch.
    pub(super) fn activating<'s>(&'s self, order: &'s Order, intention: &'s Intention) -> Activating<'s> {
        let Order { goal, terms } = order;
        Activating {
            store: &self.aws.store,
            state: &self.state,
            layout: &self.environment.layout,
            source: goal.source(),
            run: &self.caller.run,
            publisher: goal.publisher(&self.caller.publisher),
            clock: self.caller.clock,
            distribution: self.environment.distribution.as_deref(),
            learnt: self.learnt(),
            mutable_paths: &self.mutable_paths,
            suspects: &intention.suspects,
            at_risk: &intention.at_risk,
            lease: self.environment.lease,
            stop: &self.caller.stop,
            force: terms.force,
            closes_all: terms.rollback.is_some(),
            claimed: intention.claimed,
            reason: terms.reason.as_deref(),
            tally: self.tally,
            events: self.events,
        }
    }

    /// Preserves live bytes that the plan puts at risk, except those that are already `stored` or will be before the switch.
    /// Returns the ETags of the objects it has read meanwhile.
    pub(super) async fn preserve(
        &self,
        order: &Order,
        intention: &Intention,
        stored: &BTreeSet<Address>,
    ) -> Result<BTreeMap<SitePath, String>, Problem> {
        if !intention.plan.preserves.is_empty() {
            self.state.prove().await?;
        }
        self.activating(order, intention).preserve(&intention.plan, stored).await
    }
}
