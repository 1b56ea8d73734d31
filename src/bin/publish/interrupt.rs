//! Ctrl-C and SIGTERM. What becomes of a run that they stop is for the run to say.

use tokio::sync::watch;

/// The signals that ask this process to stop, counted.
#[derive(Clone, Debug)]
pub(crate) struct Signals(watch::Receiver<usize>);

impl Signals {
    /// Begins to listen, in a task of the current runtime.
    pub(crate) fn listen() -> Signals {
        let (count, arrived) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                next_signal().await;
                count.send_modify(|count| *count += 1);
            }
        });
        Signals(arrived)
    }

    /// Waits until so many have arrived since the process began.
    pub(crate) async fn arrived(&self, times: usize) {
        if self.0.clone().wait_for(|count| *count >= times).await.is_err() {
            // Nobody listens any more: the runtime ends.
            std::future::pending().await
        }
    }
}

#[cfg(unix)]
async fn next_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without a listener the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn next_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
