//! The request to stop, from a signal.

use tokio::sync::watch;

/// Whether a run was asked to stop. Clones share this. Work that must not be left half done checks it: a switch starts
/// nothing more, waits for what is under way, and releases its lease. Everything else is simply dropped.
#[derive(Clone, Debug, Default)]
pub struct Stop(watch::Sender<Wish>);

#[derive(Debug, Default)]
struct Wish {
    /// How often it was asked.
    requests: usize,
    /// How much is under way that must not be dropped.
    winding_down: usize,
}

/// While this exists, a run that was asked once to stop must not be dropped: it ends by itself.
#[derive(Debug)]
pub struct WindingDown<'a>(&'a Stop);

impl Stop {
    /// Asks the run to stop; a second request does not wait for what is in progress. Says whether the run is to end by
    /// itself first.
    pub fn request(&self) -> bool {
        self.0.send_modify(|wish| wish.requests += 1);
        !self.0.borrow().is_due()
    }

    /// Whether it was asked.
    pub fn is_requested(&self) -> bool {
        self.0.borrow().requests > 0
    }

    /// Begins what must not be dropped. A run that was asked to stop earlier is dropped here ([`Stop::unless_due`]), before
    /// it begins.
    pub async fn wind_down(&self) -> WindingDown<'_> {
        tokio::task::yield_now().await;
        self.0.send_modify(|wish| wish.winding_down += 1);
        WindingDown(self)
    }

    /// The value of `work`; `None` if the run is to be dropped first.
    pub async fn unless_due<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut wish = self.0.subscribe();
        if wish.borrow().is_due() {
            return None;
        }
        // What this gives locks the wish, which `work` changes when it is dropped: it must be gone by then.
        let due = async { wish.wait_for(Wish::is_due).await.is_ok() };
        tokio::select! {
            biased;
            value = work => Some(value),
            _ = due => None,
        }
    }
}

impl Wish {
    fn is_due(&self) -> bool {
        self.requests > 1 || (self.requests == 1 && self.winding_down == 0)
    }
}

impl Drop for WindingDown<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|wish| wish.winding_down -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_winds_down_is_dropped_only_when_asked_again() {
        let stop = Stop::default();
        assert_eq!(stop.unless_due(async { 1 }).await, Some(1));
        let winding_down = stop.wind_down().await;
        assert!(stop.request() && stop.is_requested());
        let ended = stop.unless_due(async {
            tokio::task::yield_now().await;
            drop(winding_down);
            2
        });
        assert_eq!(ended.await, Some(2), "it ends by itself");
        assert_eq!(stop.unless_due(std::future::pending::<()>()).await, None, "nothing is under way");
        let stop = Stop::default();
        let begins = async {
            stop.request();
            let _winding_down = stop.wind_down().await;
        };
        assert_eq!(stop.unless_due(begins).await, None, "it was asked before it began");
        let stop = Stop::default();
        let winding_down = async {
            let _winding_down = stop.wind_down().await;
            assert!(stop.request() && !stop.request(), "it was asked again");
            std::future::pending::<()>().await;
        };
        assert_eq!(stop.unless_due(winding_down).await, None, "dropped although it winds down");
    }
}
