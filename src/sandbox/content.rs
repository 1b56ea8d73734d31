//! The bytes of objects: received piece by piece, stored in memory or in files, sent in ranges.
#![expect(clippy::disallowed_methods, reason = "the sandbox keeps its state on the disk")]

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use hyper::body::{Body as HttpBody, Bytes, Frame};
use s3s::Body;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use serde::{Deserialize, Serialize};

use super::checksum::{Algorithm, Checksum};

/// How much of a file is read at a time, in bytes.
const CHUNK: usize = 256 * 1024;

/// Immutable bytes; a multipart object is the sequence of its parts, and a copy shares its source's.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) pieces: Vec<Piece>,
    pub(super) len: u64,
}

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Memory(Bytes),
    File(Arc<DataFile>),
}

/// The name of a data file: the number of the sandbox's start, and a counter. A record with such a
/// name cannot name any other file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct DataName(pub(super) u64, pub(super) u64);

impl fmt::Display for DataName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DataName(session, number) = self;
        write!(formatter, "{session:06}-{number:09}")
    }
}

/// A file under `data/`. It exists as long as a stored record names it or a request reads it.
#[derive(Debug)]
pub(super) struct DataFile {
    pub(super) path: PathBuf,
    pub(super) name: DataName,
    pub(super) len: u64,
    /// How many stored objects and parts name this file.
    records: AtomicUsize,
}

impl DataFile {
    pub(super) fn new(path: PathBuf, name: DataName, len: u64) -> DataFile {
        DataFile { path, name, len, records: AtomicUsize::new(0) }
    }
}

impl Drop for DataFile {
    fn drop(&mut self) {
        if *self.records.get_mut() == 0 {
            // A remaining file is deleted when the sandbox next starts.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Piece::Memory(bytes) => bytes.len() as u64,
            Piece::File(file) => file.len,
        }
    }
}

impl Content {
    /// Bytes in memory.
    pub(super) fn of(bytes: Bytes) -> Content {
        Content { len: bytes.len() as u64, pieces: vec![Piece::Memory(bytes)] }
    }

    pub(super) fn join(contents: impl IntoIterator<Item = Content>) -> Content {
        let mut whole = Content::default();
        for content in contents {
            whole.len += content.len;
            whole.pieces.extend(content.pieces);
        }
        whole
    }

    /// Counts one more stored record with these bytes.
    pub(super) fn retain(&self) {
        self.count(|records| records.fetch_add(1, Ordering::SeqCst));
    }

    /// Counts one stored record with these bytes less.
    pub(super) fn release(&self) {
        self.count(|records| records.fetch_sub(1, Ordering::SeqCst));
    }

    fn count(&self, change: impl Fn(&AtomicUsize) -> usize) {
        for piece in &self.pieces {
            if let Piece::File(file) = piece {
                change(&file.records);
            }
        }
    }

    /// Opens a range of the bytes. The open range stays readable when the object is replaced or removed.
    pub(super) fn open(&self, range: Range<u64>) -> io::Result<Reader> {
        let mut reader = Reader { left: Vec::new() };
        let mut start = 0;
        for piece in &self.pieces {
            let end = start + piece.len();
            let from = range.start.clamp(start, end) - start;
            let to = range.end.clamp(start, end) - start;
            if from < to {
                reader.left.push(OpenPiece::new(piece, from..to)?);
            }
            start = end;
        }
        reader.left.reverse();
        Ok(reader)
    }

    /// All bytes at once.
    pub(super) fn read(&self) -> io::Result<Bytes> {
        if let [Piece::Memory(bytes)] = self.pieces.as_slice() {
            return Ok(bytes.clone());
        }
        let mut reader = self.open(0..self.len)?;
        let mut all = Vec::new();
        while let Some(chunk) = reader.next_chunk()? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.into())
    }

    /// Reads all bytes for their checksum and their MD5.
    pub(super) fn hash(&self, algorithm: Algorithm) -> io::Result<(Checksum, String)> {
        let (mut hasher, mut md5) = (algorithm.hasher(), Md5::new());
        let mut reader = self.open(0..self.len)?;
        while let Some(chunk) = reader.next_chunk()? {
            hasher.update(&chunk);
            md5.update(&chunk);
        }
        Ok((Checksum::from_hasher(algorithm, hasher), hex::encode(md5.finalize())))
    }
}

/// Reads a range chunk by chunk.
#[derive(Debug)]
pub(super) struct Reader {
    /// The remaining pieces, the next one last.
    left: Vec<OpenPiece>,
}

#[derive(Debug)]
enum OpenPiece {
    Memory(Bytes),
    File { file: File, left: u64 },
}

impl OpenPiece {
    fn new(piece: &Piece, range: Range<u64>) -> io::Result<OpenPiece> {
        match piece {
            Piece::Memory(bytes) => {
                let index = |at: u64| usize::try_from(at).map_err(io::Error::other);
                Ok(OpenPiece::Memory(bytes.slice(index(range.start)?..index(range.end)?)))
            }
            Piece::File(data) => {
                let mut file = File::open(&data.path)?;
                file.seek(SeekFrom::Start(range.start))?;
                Ok(OpenPiece::File { file, left: range.end - range.start })
            }
        }
    }
}

impl Reader {
    pub(super) fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        match self.left.pop() {
            None => Ok(None),
            Some(OpenPiece::Memory(bytes)) => Ok(Some(bytes)),
            Some(OpenPiece::File { mut file, left }) => {
                let size = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
                let mut chunk = vec![0; size];
                file.read_exact(&mut chunk)?;
                let left = left - size as u64;
                if left > 0 {
                    self.left.push(OpenPiece::File { file, left });
                }
                Ok(Some(chunk.into()))
            }
        }
    }

    /// A body that sends the rest.
    pub(super) fn into_body(self) -> Body {
        Body::http_body_unsync(self)
    }
}

impl HttpBody for Reader {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.next_chunk().transpose().map(|chunk| chunk.map(Frame::data)))
    }
}

/// Receives the bytes of one upload, and hashes them on the way.
pub(super) struct Spool {
    sink: Sink,
    algorithm: Algorithm,
    hasher: ChecksumHasher,
    md5: Md5,
    len: u64,
}

enum Sink {
    Memory(Vec<Bytes>),
    File(File, DataFile),
}

/// Bytes that were received completely but are not stored yet; dropping them leaves nothing behind.
pub(super) struct Received {
    pub(super) content: Content,
    pub(super) checksum: Checksum,
    /// Lower-case hex.
    pub(super) md5: String,
}

impl Spool {
    /// Into `data`, which does not exist yet; without it, into memory.
    pub(super) fn new(data: Option<DataFile>, algorithm: Algorithm) -> io::Result<Spool> {
        let sink = match data {
            None => Sink::Memory(Vec::new()),
            Some(data) => Sink::File(File::create_new(&data.path)?, data),
        };
        Ok(Spool { sink, algorithm, hasher: algorithm.hasher(), md5: Md5::new(), len: 0 })
    }

    pub(super) fn write(&mut self, chunk: Bytes) -> io::Result<()> {
        self.hasher.update(&chunk);
        self.md5.update(&chunk);
        self.len += chunk.len() as u64;
        match &mut self.sink {
            Sink::Memory(chunks) => chunks.push(chunk),
            Sink::File(file, _) => file.write_all(&chunk)?,
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Received {
        let pieces = match self.sink {
            // One chunk is copied out of the connection's read buffer, which is larger than its content.
            Sink::Memory(chunks) => vec![Piece::Memory(chunks.concat().into())],
            Sink::File(_, mut data) => {
                data.len = self.len;
                vec![Piece::File(Arc::new(data))]
            }
        };
        Received {
            content: Content { pieces, len: self.len },
            checksum: Checksum::from_hasher(self.algorithm, self.hasher),
            md5: hex::encode(self.md5.finalize()),
        }
    }
}
