//! A link between a program and a server on this machine: as slow, as far and as full as is asked for. It counts what
//! goes up. All connections share one queue, as at a router, so that who comes last waits for all that is in it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

/// What a link is like.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// What goes up, in bytes a second.
    pub(crate) up: u32,
    /// How long it takes there and back.
    pub(crate) latency: Duration,
    /// How many bytes wait at most at the way up.
    pub(crate) queue: usize,
    /// What becomes of the connection that sends the byte of this number, of all that go up.
    pub(crate) breaks: BTreeMap<u64, Break>,
    /// How late this machine may be without the link losing time: what it could have carried meanwhile follows at once.
    pub(crate) late: Duration,
    /// Of requests whose first line contains this, it is noted how long they wait.
    pub(crate) noted: Option<&'static str>,
}

/// How a connection ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// Nothing that is sent over it arrives any more, and nobody is told.
    Stalls,
    /// Both ends are told.
    Resets,
}

impl Shape {
    /// A link that carries so many bytes a second, over a short way.
    pub(crate) fn of(up: u32) -> Shape {
        let [latency, late] = [2, 100].map(Duration::from_millis);
        Shape { up, latency, queue: 64 * 1024, breaks: BTreeMap::new(), late, noted: None }
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
    broken: AtomicUsize,
    /// How long requests wait that are noted.
    waits: Mutex<Vec<Duration>>,
    /// Tells the connections that there are to swallow everything.
    swallows: watch::Sender<()>,
}

/// Bytes in the queue, and where they go.
struct Piece {
    bytes: Vec<u8>,
    to: mpsc::UnboundedSender<(Instant, Vec<u8>)>,
    _room: OwnedSemaphorePermit,
}

/// This end of a link that is not up yet: connections are refused.
pub(crate) fn this_end() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    // What lies in a buffer of this machine is on no link.
    socket.set_recv_buffer_size(128 * 1024).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let endpoint = format!("http://{}", socket.local_addr().unwrap());
    (socket, endpoint)
}

impl Link {
    /// A link to the server at `endpoint`, an `http://` address of this machine.
    pub(crate) async fn to(endpoint: &str, shape: Shape) -> Link {
        Link::from(this_end().0, endpoint, shape)
    }

    /// As [`Link::to`], with this end of it.
    pub(crate) fn from(this_end: TcpSocket, endpoint: &str, shape: Shape) -> Link {
        let server: SocketAddr = endpoint.trim_start_matches("http://").parse().unwrap();
        let endpoint = format!("http://{}", this_end.local_addr().unwrap());
        let seen = Arc::new(Seen::default());
        let task = tokio::spawn(carry(this_end, server, shape, Arc::clone(&seen))).abort_handle();
        Link { endpoint, seen, task }
    }

    /// Bytes that went up so far.
    pub(crate) fn sent(&self) -> u64 {
        self.seen.sent.load(Ordering::SeqCst)
    }

    /// Connections that broke so far, as the shape says.
    pub(crate) fn broken(&self) -> usize {
        self.seen.broken.load(Ordering::SeqCst)
    }

    /// How long each request that is noted waits at the way up, until all is carried that came before it.
    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.seen.waits.lock().unwrap().clone()
    }

    /// From now on the connections that there are swallow everything, and nobody is told. New ones are as ever.
    pub(crate) fn swallow(&self) {
        self.seen.swallows.send_replace(());
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(this_end: TcpSocket, server: SocketAddr, shape: Shape, seen: Arc<Seen>) {
    let listener = this_end.listen(1024).unwrap();
    let room = Arc::new(Semaphore::new(shape.queue));
    let (queue, queued) = mpsc::unbounded_channel();
    let shape = Arc::new(shape);
    let mut tasks = JoinSet::new();
    tasks.spawn(send_up(queued, Arc::clone(&shape)));
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let Ok(server) = TcpStream::connect(server).await else { continue };
        server.set_nodelay(true).unwrap();
        client.set_nodelay(true).unwrap();
        let (shape, seen) = (Arc::clone(&shape), Arc::clone(&seen));
        let connection = Connection { queue: queue.clone(), room: Arc::clone(&room), shape, seen };
        tasks.spawn(async move { connection.carry(client, server).await });
    }
}

/// One connection over a link.
struct Connection {
    queue: mpsc::UnboundedSender<Piece>,
    room: Arc<Semaphore>,
    shape: Arc<Shape>,
    seen: Arc<Seen>,
}

impl Connection {
    async fn carry(&self, client: TcpStream, server: TcpStream) {
        let mut swallows = self.seen.swallows.subscribe();
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let (up, arriving) = mpsc::unbounded_channel();
        let (down, coming_back) = mpsc::unbounded_channel();
        let (deliver_up, deliver_down) = (deliver(arriving, to_server), deliver(coming_back, to_client));
        let mut carried = pin!(async {
            tokio::select! {
                () = self.go_up(from_client, up) => {}
                _ = async { tokio::join!(deliver_up, deliver_down, self.come_back(from_server, down)) } => {}
            }
        });
        tokio::select! {
            () = carried.as_mut() => {}
            _ = swallows.changed() => std::future::pending().await,
        }
    }

    /// Takes what the client sends into the queue. Comes to an end only where the connection is reset.
    async fn go_up(&self, mut from: OwnedReadHalf, to: mpsc::UnboundedSender<(Instant, Vec<u8>)>) {
        match self.enqueue(&mut from, &to).await {
            Some(Break::Resets) => from.as_ref().set_zero_linger().unwrap(),
            Some(Break::Stalls) => std::future::pending().await,
            None => {
                // The server is told that no more comes.
                drop(to);
                std::future::pending().await
            }
        }
    }

    /// Takes what a connection sends into the queue, as far as there is room, and up to the byte at which it breaks.
    async fn enqueue(&self, from: &mut OwnedReadHalf, to: &mpsc::UnboundedSender<(Instant, Vec<u8>)>) -> Option<Break> {
        let mut buffer = vec![0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            self.note(&buffer[..count]);
            let before = self.seen.sent.fetch_add(count as u64, Ordering::SeqCst);
            let breaks = self.shape.breaks.range(before..before + count as u64).next();
            let length = breaks.map_or(count, |(at, _)| (at - before) as usize);
            let room = Arc::clone(&self.room).acquire_many_owned(length as u32).await.unwrap();
            let piece = Piece { bytes: buffer[..length].to_vec(), to: to.clone(), _room: room };
            if self.queue.send(piece).is_err() {
                return None;
            }
            if let Some((_, breaks)) = breaks {
                self.seen.broken.fetch_add(1, Ordering::SeqCst);
                return Some(*breaks);
            }
        }
        None
    }

    fn note(&self, bytes: &[u8]) {
        let line = String::from_utf8_lossy(bytes.split(|byte| *byte == b'\r').next().unwrap_or_default());
        if self.shape.noted.is_some_and(|noted| line.ends_with("HTTP/1.1") && line.contains(noted)) {
            let before = self.shape.queue - self.room.available_permits();
            let wait = Duration::from_secs_f64(before as f64 / f64::from(self.shape.up));
            self.seen.waits.lock().unwrap().push(wait);
        }
    }

    async fn come_back(&self, mut from: OwnedReadHalf, to: mpsc::UnboundedSender<(Instant, Vec<u8>)>) {
        let (mut buffer, takes) = (vec![0; 16 * 1024], self.shape.latency / 2);
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let arrives = Instant::now() + takes;
            if to.send((arrives, buffer[..count].to_vec())).is_err() {
                return;
            }
        }
    }
}

/// Sends the queue up, one piece after the other.
async fn send_up(mut queued: mpsc::UnboundedReceiver<Piece>, shape: Arc<Shape>) {
    let mut free = Instant::now();
    while let Some(Piece { bytes, to, _room }) = queued.recv().await {
        // A late wake-up is made up for: otherwise a busy machine would make every link slower than it is.
        free =
            free.max(Instant::now() - shape.late) + Duration::from_secs_f64(bytes.len() as f64 / f64::from(shape.up));
        sleep_until(free).await;
        // A connection that is gone takes nothing.
        let _ = to.send((free + shape.latency / 2, bytes));
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
