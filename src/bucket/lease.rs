//! A lease: one run owns an activation or a prune for as long as it renews the lease in the head.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use crate::bucket::aws::Term;
use crate::bucket::state::{NotReplaced, Pointer, State};
use crate::config::environment::LeaseSettings;
use crate::release::head::{Head, Refusal};
use crate::report::error::{Code, Problem};
use crate::types::clock::Deadline;

/// A lease that this run has written into the head.
pub struct Lease<'a> {
    state: &'a State,
    settings: LeaseSettings,
    /// The head as this run last wrote or read it.
    pub pointer: Pointer,
    /// By this machine's clocks, and a margin before the lease ends by S3's.
    term: Term,
    /// The same, as it would be if the last write of the head that was sent has come to S3.
    asked: Deadline,
    /// Whether a head still names this run as the owner.
    is_ours: &'a (dyn Fn(&Head) -> bool + Sync),
}

/// Why what was done under a lease did not come to its end.
#[derive(Debug)]
pub enum Ended {
    /// The head names another owner, or none.
    TakenOver(Box<Pointer>),
    /// It failed, or the lease ended first ([`Code::LeaseLost`]).
    Failed(Problem),
}

impl<'a> Lease<'a> {
    /// When a lease that is written from now on ends. Taken before the head is written: S3 counts from when it was.
    pub fn deadline(settings: &LeaseSettings) -> Deadline {
        Deadline::after(settings.lasts.saturating_sub(settings.margin))
    }

    /// The lease that `pointer`, just written, begins.
    pub fn begun(
        state: &'a State,
        settings: LeaseSettings,
        pointer: Pointer,
        deadline: Deadline,
        is_ours: &'a (dyn Fn(&Head) -> bool + Sync),
    ) -> Lease<'a> {
        Lease { state, settings, pointer, term: Term::until(deadline), asked: deadline, is_ours }
    }

    /// Until when it lasts, as it is renewed: for what is changed under it.
    pub fn term(&self) -> &Term {
        &self.term
    }

    /// Does `work`, renewing the lease meanwhile; stops it when another run has taken over, and when the lease ends.
    pub async fn during<T>(&mut self, work: impl Future<Output = Result<T, Problem>>) -> Result<T, Ended> {
        // A panic fails the work and no more: the lease is given back.
        let mut work = pin!(Problem::unless_panic(work));
        loop {
            let deadline = self.term.deadline();
            let renewing = async {
                tokio::time::sleep(self.next_renewal()).await;
                let state = self.state.in_time_for(&self.term);
                self.replace_in(&state, |head| Ok(head.clone())).await
            };
            tokio::select! {
                biased;
                result = before(deadline, work.as_mut()) => return result.map_err(Ended::Failed),
                renewed = renewing => match renewed {
                    // A renewal that failed is tried again for as long as the lease lasts.
                    Ok(()) | Err(Ended::Failed(_)) => {}
                    Err(lost) => return Err(lost),
                },
            }
        }
    }

    /// How long until the lease is to be renewed: counted from when the head was last sent, whenever that is answered.
    fn next_renewal(&self) -> Duration {
        let LeaseSettings { lasts, renew_every, margin } = self.settings;
        let since = lasts.saturating_sub(margin).saturating_sub(self.asked.remaining());
        renew_every.saturating_sub(since)
    }

    /// Replaces the head. Others may write to it meanwhile, as a run that takes its own refresh out: the lease is lost
    /// only when the head names another owner.
    pub async fn replace(&mut self, change: impl Fn(&Head) -> Result<Head, Refusal>) -> Result<(), Ended> {
        let state = self.state.in_time_for(&self.term);
        self.replace_in(&state, change).await
    }

    async fn replace_in(
        &mut self,
        state: &State,
        change: impl Fn(&Head) -> Result<Head, Refusal>,
    ) -> Result<(), Ended> {
        loop {
            let deadline = Lease::deadline(&self.settings);
            self.asked = deadline;
            let Ok(next) = change(&self.pointer.head) else {
                return Err(Ended::TakenOver(Box::new(self.pointer.clone())));
            };
            match state.replace_head(&self.pointer, next).await {
                Ok(pointer) => {
                    self.pointer = pointer;
                    self.term.renew(deadline);
                    return Ok(());
                }
                Err(NotReplaced::Lost(found)) if (self.is_ours)(&found.head) => self.pointer = *found,
                Err(NotReplaced::Lost(found)) => return Err(Ended::TakenOver(found)),
                Err(NotReplaced::Failed(problem)) => return Err(Ended::Failed(problem)),
            }
        }
    }

    /// Lets the next run begin at once: `given_up` says how the head tells so. Where this fails as well, the next run
    /// waits until the lease is over.
    ///
    /// # Errors
    /// [`Ended::TakenOver`] where the head names another owner by now.
    pub async fn release(&mut self, given_up: impl Fn(&Head) -> Result<Head, Refusal>) -> Result<(), Ended> {
        match self.replace(given_up).await {
            Err(Ended::Failed(_)) => self.look().await,
            released => released,
        }
    }

    /// Which run holds the head now that the lease is over or in doubt: checked before anything is reported. It is read over
    /// a new connection, since those of this run may be dead without notice.
    ///
    /// # Errors
    /// [`Ended::TakenOver`] where it names another owner, or none. Where it cannot be read, it counts as this run's.
    pub async fn look(&self) -> Result<(), Ended> {
        match Box::pin(self.state.afresh().read_head()).await {
            Ok(found) if !(self.is_ours)(&found.head) => Err(Ended::TakenOver(Box::new(found))),
            _ => Ok(()),
        }
    }
}

/// Lets `work` go on for as long as the lease lasts, looking at the clock each time before it does anything: a process
/// that was stopped and comes back sends nothing any more.
async fn before<T>(
    deadline: Deadline,
    mut work: Pin<&mut impl Future<Output = Result<T, Problem>>>,
) -> Result<T, Problem> {
    let mut ends = pin!(tokio::time::sleep(deadline.remaining()));
    poll_fn(|context| {
        let over = deadline.remaining().is_zero() || ends.as_mut().poll(context).is_ready();
        if over { Poll::Ready(Err(lease_lost())) } else { work.as_mut().poll(context) }
    })
    .await
}

fn lease_lost() -> Problem {
    Problem::new(Code::LeaseLost, "the lease ended: S3 accepted no renewal for too long")
}
