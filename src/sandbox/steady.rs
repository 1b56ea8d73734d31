//! Request bodies, with a time limit for each piece.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

/// A body whose pieces must each arrive within a time limit.
pub(super) struct Steady {
    body: Incoming,
    patience: Duration,
    limit: Pin<Box<Sleep>>,
}

/// No piece of a body came in time.
#[derive(Debug)]
pub(super) struct TooSlow;

impl TooSlow {
    /// S3's error for it.
    pub(super) const MESSAGE: &str =
        "Your socket connection to the server was not read from or written to within the timeout period.";
}

impl fmt::Display for TooSlow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(TooSlow::MESSAGE)
    }
}

impl Error for TooSlow {}

impl Steady {
    pub(super) fn new(body: Incoming, patience: Duration) -> Steady {
        Steady { body, patience, limit: Box::pin(sleep(patience)) }
    }
}

impl Body for Steady {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            let due = Instant::now() + self.patience;
            self.limit.as_mut().reset(due);
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        self.limit.as_mut().poll(context).map(|()| Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
