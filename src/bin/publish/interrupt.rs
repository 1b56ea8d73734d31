//! Ctrl-C and SIGTERM. The run itself decides how it ends when they stop it.

use tokio::sync::watch;

/// The signals that ask this process to stop, counted.
#[derive(Clone, Debug)]
pub(crate) struct Signals(watch::Receiver<usize>);

impl Signals {
    /// Listens from now on, and counts in a task of the current runtime.
    pub(crate) fn listen() -> Signals {
        let (count, arrived) = watch::channel(0);
        let mut listener = Listener::new();
        tokio::spawn(async move {
            loop {
                listener.next().await;
                count.send_modify(|count| *count += 1);
            }
        });
        Signals(arrived)
    }

    /// Waits until so many have arrived since the process began.
    pub(crate) async fn arrived(&self, times: usize) {
        if self.0.clone().wait_for(|count| *count >= times).await.is_err() {
            // The sender is gone: the runtime ends.
            std::future::pending().await
        }
    }
}

/// Keeps every signal from its creation on until it is asked for, so that none ends the process or is lost between two calls.
#[cfg(unix)]
struct Listener(Option<[tokio::signal::unix::Signal; 2]>);

#[cfg(unix)]
impl Listener {
    fn new() -> Listener {
        use tokio::signal::unix::{SignalKind, signal};
        let listened = signal(SignalKind::interrupt()).and_then(|first| Ok([first, signal(SignalKind::terminate())?]));
        Listener(listened.ok())
    }

    async fn next(&mut self) {
        let Some([interrupt, terminate]) = &mut self.0 else {
            // Without a listener the signals end the process by themselves.
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Listener;

#[cfg(not(unix))]
impl Listener {
    fn new() -> Listener {
        Listener
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
