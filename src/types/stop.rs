//! The wish to stop, as a signal brings it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Whether a run was asked to stop. Clones share the wish. Only what must not be left half done looks at it: a switch
/// begins nothing more, waits for what is under way, and frees its lease. All else may simply be dropped.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    requested: AtomicBool,
    winding_down: AtomicUsize,
}

/// For as long as it lives, the run is not to be dropped: it ends by itself.
#[derive(Debug)]
pub struct WindingDown(Arc<Shared>);

impl Stop {
    /// Asks the run to stop. Says whether it ends by itself soon, with a report of its own; else it may be dropped.
    pub fn request(&self) -> bool {
        self.0.requested.store(true, Ordering::SeqCst);
        self.0.winding_down.load(Ordering::SeqCst) > 0
    }

    /// Whether it was asked.
    pub fn is_requested(&self) -> bool {
        self.0.requested.load(Ordering::SeqCst)
    }

    /// Begins what must not be dropped.
    #[must_use]
    pub fn wind_down(&self) -> WindingDown {
        self.0.winding_down.fetch_add(1, Ordering::SeqCst);
        WindingDown(Arc::clone(&self.0))
    }
}

impl Drop for WindingDown {
    fn drop(&mut self) {
        self.0.winding_down.fetch_sub(1, Ordering::SeqCst);
    }
}
