//! Taking over what lay in the live prefix before anything was published there.

use std::sync::atomic::AtomicUsize;

use super::session::Session;
use crate::bucket::state::Pointer;
use crate::release::manifest::ReleaseNumber;
use crate::report::error::Problem;
use crate::stages::adopt::Adopting;

impl Session<'_> {
    /// Makes what lies in the live prefix release 0, where nothing was ever activated. Elsewhere there is nothing to
    /// adopt: that is said, and what is in the way is met as always. Also says how many copies that took.
    pub(super) async fn adopt(&self, pointer: Pointer) -> Result<(Pointer, usize), Problem> {
        let pointer = self.when_free(pointer).await?;
        let head = &pointer.head;
        match (&head.active, &head.activation) {
            (Some(active), _) if active.release == ReleaseNumber::ADOPTED => return Ok((pointer, 0)),
            (Some(active), _) => {
                self.events.warn(format!("Nothing is adopted: release {} is live already.", active.release));
                return Ok((pointer, 0));
            }
            (None, Some(activation)) => {
                let to = activation.to;
                self.events.warn(format!("Nothing is adopted: the activation of release {to} was begun already."));
                return Ok((pointer, 0));
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
            events: self.events,
            copied: AtomicUsize::new(0),
        };
        let pointer = adopting.adopt(pointer).await?;
        Ok((pointer, adopting.copied.into_inner()))
    }
}
