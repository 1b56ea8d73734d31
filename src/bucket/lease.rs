//! A lease: one run owns an activation or a prune for as long as it renews the lease in the head.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

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
    /// How long it lasts after the last write of the head: longer than configured if the store is slow.
    lasts: Duration,
    /// The longest write of the head under this lease, including the first one.
    slowest: Duration,
    /// The head as this run last wrote or read it.
    pub pointer: Pointer,
    /// By this machine's clocks, with a margin before the lease ends by S3's.
    term: Term,
    /// When it is to be renewed: counted from the last time the head was sent, whenever the answer comes.
    due: Deadline,
    /// Whether a head still names this run as the owner.
    is_ours: &'a (dyn Fn(&Head) -> bool + Sync),
}

/// Why the work under a lease was not finished.
#[derive(Debug)]
pub enum Ended {
    /// The head names another owner, or none.
    TakenOver(Box<Pointer>),
    /// It failed, or the lease ended first ([`Code::LeaseLost`]).
    Failed(Problem),
}

impl<'a> Lease<'a> {
    /// Replaces the head with `next`, which begins a lease.
    ///
    /// # Errors
    /// As of [`State::replace_head`].
    pub async fn begin(
        state: &'a State,
        settings: LeaseSettings,
        pointer: &Pointer,
        next: Head,
        is_ours: &'a (dyn Fn(&Head) -> bool + Sync),
    ) -> Result<Lease<'a>, NotReplaced> {
        // Taken before the head is written: S3 counts from the write.
        let LeaseSettings { lasts, renew_every, margin } = settings;
        let (sent, due, term) = (Instant::now(), Deadline::after(renew_every), Term::until(ends(lasts, margin)));
        let pointer = state.replace_head(pointer, next).await?;
        Ok(Lease { state, settings, lasts, slowest: sent.elapsed(), pointer, term, due, is_ours })
    }

    /// The lease's end, extended by each renewal: the limit for changes under it.
    pub fn term(&self) -> &Term {
        &self.term
    }

    /// Does `work` and renews the lease meanwhile; stops it when another run has taken over, and when the lease ends.
    pub async fn during<T>(&mut self, work: impl Future<Output = Result<T, Problem>>) -> Result<T, Ended> {
        self.lengthen().await?;
        // A panic fails only the work: the lease is returned.
        let mut work = pin!(Problem::unless_panic(work));
        loop {
            let deadline = self.term.deadline();
            let renewing = async {
                tokio::time::sleep(self.due.remaining()).await;
                self.renew(&self.in_time()).await
            };
            tokio::select! {
                biased;
                result = before(deadline, work.as_mut()) => return result.map_err(Ended::Failed),
                renewed = renewing => match renewed {
                    // A failed renewal is repeated for as long as the lease lasts.
                    Ok(()) | Err(Ended::Failed(_)) => {}
                    Err(lost) => return Err(lost),
                },
            }
        }
    }

    /// Extends a lease that is too short for a store as slow as this one, before anything is done under
    /// it. No work is under way, so this may take longer than the lease lasts: if another run took over meanwhile, the head
    /// shows it. If this fails, the lease stays as it is.
    async fn lengthen(&mut self) -> Result<(), Ended> {
        while self.lasts < self.needed() {
            match self.renew(self.state).await {
                Ok(()) => {}
                Err(Ended::Failed(_)) => return Ok(()),
                Err(lost) => return Err(lost),
            }
        }
        Ok(())
    }

    /// How long the lease must last. A renewal is sent when the one before it is answered, at the earliest; its own answer
    /// may take as long again, and half as long more. Other runs wait for a dead run as long as its lease lasts: so it never
    /// lasts more than twice the configured time plus the margin. That is enough for answers that take two thirds of
    /// the configured time.
    fn needed(&self) -> Duration {
        let LeaseSettings { lasts, margin, .. } = self.settings;
        (self.slowest * 3 + margin).clamp(lasts, lasts * 2 + margin)
    }

    /// The state; an answer may take as long as the lease lasts, and at least twice as long as the slowest one took.
    fn in_time(&self) -> State {
        self.state.in_time_for(&self.term, self.slowest * 2)
    }

    /// Writes the head once more, with a lease of the necessary length.
    async fn renew(&mut self, state: &State) -> Result<(), Ended> {
        // The head records it in whole seconds, and the run must not count on less time than others wait for.
        let lasts = Duration::from_secs(self.needed().as_secs_f64().ceil() as u64);
        let (run, lease_s) = (state.run().clone(), lasts.as_secs());
        self.replace_in(state, lasts, |head| head.renew_lease(&run, lease_s)).await?;
        self.lasts = lasts;
        Ok(())
    }

    /// Replaces the head. Other runs may write it meanwhile, such as one that removes its own refresh: the lease is lost
    /// only when the head names another owner.
    pub async fn replace(&mut self, change: impl Fn(&Head) -> Result<Head, Refusal>) -> Result<(), Ended> {
        self.replace_in(&self.in_time(), self.lasts, change).await
    }

    async fn replace_in(
        &mut self,
        state: &State,
        lasts: Duration,
        change: impl Fn(&Head) -> Result<Head, Refusal>,
    ) -> Result<(), Ended> {
        loop {
            let (sent, deadline) = (Instant::now(), ends(lasts, self.settings.margin));
            self.due = Deadline::after(self.settings.renew_every);
            let Ok(next) = change(&self.pointer.head) else {
                return Err(Ended::TakenOver(Box::new(self.pointer.clone())));
            };
            match state.replace_head(&self.pointer, next).await {
                Ok(pointer) => {
                    self.pointer = pointer;
                    self.slowest = self.slowest.max(sent.elapsed());
                    self.term.renew(deadline);
                    return Ok(());
                }
                Err(NotReplaced::Lost(found)) if (self.is_ours)(&found.head) => self.pointer = *found,
                Err(NotReplaced::Lost(found)) => return Err(Ended::TakenOver(found)),
                Err(NotReplaced::Failed(problem)) => return Err(Ended::Failed(problem)),
            }
        }
    }

    /// Lets the next run begin at once: `given_up` records that in the head. If this fails too, the next run
    /// waits until the lease has expired.
    ///
    /// # Errors
    /// [`Ended::TakenOver`] if the head names another owner by now.
    pub async fn release(&mut self, given_up: impl Fn(&Head) -> Result<Head, Refusal>) -> Result<(), Ended> {
        match self.replace(given_up).await {
            Err(Ended::Failed(_)) => self.look().await,
            released => released,
        }
    }

    /// Which run owns the lease, now that it has expired or is in doubt: checked before anything is reported. Reads the head over
    /// a new connection, since those of this run may be dead without notice.
    ///
    /// # Errors
    /// [`Ended::TakenOver`] if it names another owner, or none. If it cannot be read, it counts as this run's.
    pub async fn look(&self) -> Result<(), Ended> {
        match Box::pin(self.state.afresh().read_head()).await {
            Ok(found) if !(self.is_ours)(&found.head) => Err(Ended::TakenOver(Box::new(found))),
            _ => Ok(()),
        }
    }
}

/// Runs `work` for as long as the lease lasts, and checks the clock each time before it does anything: a process
/// that was suspended and resumes sends nothing any more.
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

/// The end of a lease that is written from now on.
fn ends(lasts: Duration, margin: Duration) -> Deadline {
    Deadline::after(lasts.saturating_sub(margin))
}

fn lease_lost() -> Problem {
    Problem::new(Code::LeaseLost, "the lease ended: S3 accepted no renewal for too long")
}
