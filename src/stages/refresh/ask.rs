//! Requests the invalidations of a refresh from CloudFront.

use super::batches::{Batch, Turns, batches};
use crate::bucket::aws::{Cdn, CdnError};
use crate::release::head::Refresh;
use crate::report::error::Problem;
use crate::report::event::Events;
use crate::types::clock::Clock;

/// How many references are tried for one batch. If all of them are used, that is no accident.
const MOST_REFERENCES: usize = 9;

/// What CloudFront accepted.
#[derive(Default)]
pub(super) struct Taken {
    /// Its ids.
    pub(super) ids: Vec<String>,
    /// The paths, and the tags as `#tag`.
    pub(super) paths: Vec<String>,
}

/// Requests the refreshes of one run, one batch after the other.
pub(super) struct Asking<'a> {
    clock: Clock,
    events: Events<'a>,
    turns: Turns,
}

impl<'a> Asking<'a> {
    pub(super) fn new(clock: Clock, events: Events<'a>) -> Asking<'a> {
        Asking { clock, events, turns: Turns::default() }
    }

    /// Requests the invalidations of `refresh` from one distribution. Each request derives from the refresh alone, so
    /// a repeated one neither invalidates again nor costs anything (AWS.md 1.5). If CloudFront can never accept
    /// some of the paths, everything is invalidated instead.
    pub(super) async fn ask(&mut self, cdn: &Cdn, refresh: &Refresh, taken: &mut Taken) -> Result<(), Problem> {
        let mut refused = Vec::new();
        for batch in batches(refresh.items()) {
            match self.send(cdn, &refresh.id, &batch, taken).await {
                Ok(()) => {}
                Err(error) if batch.is_raw() && is_invalid(&error) => refused.extend_from_slice(batch.items()),
                Err(error) if is_never_taken(&error) && batch != Batch::everything() => {
                    self.send(cdn, &refresh.id, &Batch::everything(), taken).await?;
                    self.events.warn(refused_for_good(&refresh.distribution, &batch));
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(first) = refused.first() {
            self.events.warn(raw_spellings_refused(&refresh.distribution, first, refused.len()));
        }
        Ok(())
    }

    async fn send(&mut self, cdn: &Cdn, refresh: &str, batch: &Batch, taken: &mut Taken) -> Result<(), CdnError> {
        let wait = self.turns.wait(batch, self.clock.elapsed());
        tokio::time::sleep(wait).await;
        let reference = batch.reference(refresh);
        let mut asked = cdn.create_invalidation(&reference, batch.items()).await;
        for number in 2..=MOST_REFERENCES {
            // The reference was used for something else, so these paths were not requested.
            if !asked.as_ref().is_err_and(is_taken) {
                break;
            }
            asked = cdn.create_invalidation(&format!("{reference}-{number}"), batch.items()).await;
        }
        taken.ids.push(asked?);
        taken.paths.extend_from_slice(batch.items());
        Ok(())
    }
}

/// Whether the reference belongs to another batch.
fn is_taken(error: &CdnError) -> bool {
    error.code.as_deref() == Some("InvalidationBatchAlreadyExists")
}

/// Whether CloudFront refuses a path because of its spelling.
fn is_invalid(error: &CdnError) -> bool {
    error.code.as_deref() == Some("InvalidArgument")
}

/// Whether repeating the same batch can never help, but a smaller one may.
fn is_never_taken(error: &CdnError) -> bool {
    is_invalid(error) || error.code.as_deref() == Some("BatchTooLarge")
}

fn refused_for_good(distribution: &str, batch: &Batch) -> String {
    let first = batch.items().first().map(String::as_str).unwrap_or_default();
    let what = match batch.items().len() {
        1 => first.to_owned(),
        others => format!("{first} or one of the {} other paths of its request", others - 1),
    };
    format!("CloudFront does not accept {what}. All of distribution {distribution} is refreshed instead (`/*`).")
}

fn raw_spellings_refused(distribution: &str, first: &str, number: usize) -> String {
    format!(
        "CloudFront does not accept paths with unencoded brackets, `^` or `|`: {number} of distribution {distribution}, such \
         as {first}. The encoded paths are refreshed. If CloudFront caches the unencoded ones separately, those copies stay \
         until they expire."
    )
}
