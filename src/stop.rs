//! The wish to stop, as a signal brings it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a run was asked to stop. Clones share the wish. Only what must not be left half done looks at it: a switch
/// begins nothing more, waits for what is under way, and frees its lease. All else may simply be dropped.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks the run to stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it was asked.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
