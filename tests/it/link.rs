//! A link between a program and a server on this machine: as slow, as far and as full as is asked for. It counts what
//! goes up. All connections share one queue, as at a router, so that who comes last waits for all that is in it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

/// How late this machine may be without a link losing time: what it could have carried meanwhile follows at once.
const LATE: Duration = Duration::from_millis(100);

/// What a link is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// What goes up, in bytes a second.
    pub(crate) up: u32,
    /// How long it takes there and back.
    pub(crate) latency: Duration,
    /// How many bytes wait at most at the way up.
    pub(crate) queue: usize,
    /// The connection that sends the byte of this number is never heard of again.
    pub(crate) stalls_at: Option<u64>,
}

impl Shape {
    /// A link that carries so many bytes a second, over a short way.
    pub(crate) fn of(up: u32) -> Shape {
        Shape { up, latency: Duration::from_millis(2), queue: 64 * 1024, stalls_at: None }
    }
}

/// A link that is up until it is dropped.
#[derive(Debug)]
pub(crate) struct Link {
    /// `http://127.0.0.1:<port>` at this end.
    pub(crate) endpoint: String,
    seen: Arc<Seen>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Seen {
    sent: AtomicU64,
    stalled: AtomicUsize,
}

/// Bytes in the queue, and where they go.
struct Piece {
    bytes: Vec<u8>,
    to: mpsc::UnboundedSender<(Instant, Vec<u8>)>,
    _room: OwnedSemaphorePermit,
}

impl Link {
    /// A link to the server at `endpoint`, an `http://` address of this machine.
    pub(crate) async fn to(endpoint: &str, shape: Shape) -> Link {
        let server: SocketAddr = endpoint.trim_start_matches("http://").parse().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        // What lies in a buffer of this machine is on no link.
        socket.set_recv_buffer_size(128 * 1024).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1024).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Seen::default());
        let task = tokio::spawn(carry(listener, server, shape, Arc::clone(&seen))).abort_handle();
        Link { endpoint, seen, task }
    }

    /// Bytes that went up so far.
    pub(crate) fn sent(&self) -> u64 {
        self.seen.sent.load(Ordering::SeqCst)
    }

    /// Connections that stalled so far.
    pub(crate) fn stalled(&self) -> usize {
        self.seen.stalled.load(Ordering::SeqCst)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(listener: TcpListener, server: SocketAddr, shape: Shape, seen: Arc<Seen>) {
    let room = Arc::new(Semaphore::new(shape.queue));
    let (queue, queued) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(send_up(queued, shape));
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let Ok(server) = TcpStream::connect(server).await else { continue };
        server.set_nodelay(true).unwrap();
        client.set_nodelay(true).unwrap();
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let (up, arriving) = mpsc::unbounded_channel();
        let (down, coming_back) = mpsc::unbounded_channel();
        tasks.spawn(deliver(arriving, to_server));
        tasks.spawn(deliver(coming_back, to_client));
        tasks.spawn(enqueue(from_client, up, queue.clone(), Arc::clone(&room), shape, Arc::clone(&seen)));
        tasks.spawn(come_back(from_server, down, shape.latency / 2));
    }
}

/// Takes what a connection sends into the queue, as far as there is room.
async fn enqueue(
    mut from: OwnedReadHalf,
    to: mpsc::UnboundedSender<(Instant, Vec<u8>)>,
    queue: mpsc::UnboundedSender<Piece>,
    room: Arc<Semaphore>,
    shape: Shape,
    seen: Arc<Seen>,
) {
    let mut buffer = vec![0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let before = seen.sent.fetch_add(count as u64, Ordering::SeqCst);
        if shape.stalls_at.is_some_and(|at| (before..before + count as u64).contains(&at)) {
            seen.stalled.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        let room = Arc::clone(&room).acquire_many_owned(count as u32).await.unwrap();
        let piece = Piece { bytes: buffer[..count].to_vec(), to: to.clone(), _room: room };
        if queue.send(piece).is_err() {
            return;
        }
    }
}

/// Sends the queue up, one piece after the other.
async fn send_up(mut queued: mpsc::UnboundedReceiver<Piece>, shape: Shape) {
    let mut free = Instant::now();
    while let Some(Piece { bytes, to, _room }) = queued.recv().await {
        // A late wake-up is made up for: otherwise a busy machine would make every link slower than it is.
        free = free.max(Instant::now() - LATE) + Duration::from_secs_f64(bytes.len() as f64 / f64::from(shape.up));
        sleep_until(free).await;
        // A connection that is gone takes nothing.
        let _ = to.send((free + shape.latency / 2, bytes));
    }
}

async fn come_back(mut from: OwnedReadHalf, to: mpsc::UnboundedSender<(Instant, Vec<u8>)>, takes: Duration) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if to.send((Instant::now() + takes, buffer[..count].to_vec())).is_err() {
            return;
        }
    }
}

async fn deliver(mut arriving: mpsc::UnboundedReceiver<(Instant, Vec<u8>)>, mut to: OwnedWriteHalf) {
    while let Some((at, bytes)) = arriving.recv().await {
        sleep_until(at).await;
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
    // The other end is gone: that is all there is to say to this one.
    let _ = to.shutdown().await;
}
