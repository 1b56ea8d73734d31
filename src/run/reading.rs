//! Reads a folder on separate threads, so that a run that is asked to stop need not wait for the disk.

use std::path::Path;

use tokio::sync::mpsc;

use super::goal::Folder;
use super::session::Session;
use crate::report::error::{Code, Problem};
use crate::report::event::Events;
use crate::types::stop::Stop;

/// Reads the folder on its own threads, and forwards the events. When the future is dropped, the threads stop.
pub(super) async fn read(folder: &Path, session: &Session<'_>) -> Result<Folder, Problem> {
    let stop = Stop::default();
    let _stopped_with_this = StopWhenDropped(stop.clone());
    let (sender, mut events) = mpsc::unbounded_channel();
    let (named, folder, environment) = (folder, folder.to_owned(), session.environment.clone());
    let reading = tokio::task::spawn_blocking(move || {
        // Once the run no longer waits for the folder, nothing listens.
        let listener = move |event| drop(sender.send(event));
        Folder::read(&folder, &environment, &stop, Events::new(&listener))
    });
    while let Some(event) = events.recv().await {
        session.events.send(event);
    }
    match reading.await {
        Ok(read) => read.map_err(|problem| problem.within(named)),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => Err(Problem::new(Code::Internal, "the folder was not read completely").source(error)),
    }
}

struct StopWhenDropped(Stop);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.request();
    }
}
