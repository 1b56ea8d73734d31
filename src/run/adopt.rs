//! Adopts what was in the live prefix before anything was published there.

use super::session::Session;
use crate::bucket::state::Pointer;
use crate::release::manifest::ReleaseNumber;
use crate::report::error::Problem;
use crate::stages::adopt::Adopting;

impl Session<'_> {
    /// Turns the objects in the live prefix into release 0 if nothing was ever activated. Otherwise there is nothing to
    /// adopt: the run says so and treats foreign objects as usual.
    pub(super) async fn adopt(&self, pointer: Pointer) -> Result<Pointer, Problem> {
        let pointer = self.when_free_to_write(pointer).await?;
        let head = &pointer.head;
        match (&head.active, &head.activation) {
            (Some(active), _) if active.release == ReleaseNumber::ADOPTED => return Ok(pointer),
            (Some(active), _) => {
                self.events.warn(format!("Nothing was adopted: release {} is already live.", active.release));
                return Ok(pointer);
            }
            (None, Some(activation)) => {
                let to = activation.to;
                self.events.warn(format!("Nothing was adopted: the activation of release {to} has already started."));
                return Ok(pointer);
            }
            (None, None) => {}
        }
        let adopting = Adopting {
            store: &self.aws.store,
            state: &self.state,
            layout: &self.environment.layout,
            run: &self.caller.run,
            publisher: &self.caller.publisher,
            clock: self.caller.clock,
            tally: self.tally,
            events: self.events,
        };
        adopting.adopt(pointer).await
    }
}
