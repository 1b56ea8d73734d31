//! A file of the site, or a part of one, as the body of a request.
//!
//! Each attempt opens the file again, as the walk found it: never by its path, where another file may be by now.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use crc_fast::CrcAlgorithm;
use http_body::{Body, Frame, SizeHint};
use sha2::{Digest as _, Sha256};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::site::snapshot::{SeenFile, SourceFile};
use crate::types::digest::{Crc64, Digest};

/// How much of a file is in memory at a time.
const BUFFER_BYTES: u64 = 256 * 1024;

/// `size_bytes` of the file at `place` from `offset` on, as a body that each retry reads again.
///
/// # Errors
/// If the file cannot be opened, was replaced, or is shorter.
pub(super) async fn body(place: &SeenFile, offset: u64, size_bytes: u64) -> io::Result<ByteStream> {
    let opened = place.clone();
    blocking(spawn_blocking(move || open(&opened, offset, size_bytes))).await?;
    let place = place.clone();
    let again =
        move || SdkBody::from_body_1_x(FileBody { state: State::Closed(place.clone()), offset, left: size_bytes });
    Ok(ByteStream::new(SdkBody::retryable(again)))
}

struct FileBody {
    state: State,
    offset: u64,
    left: u64,
}

enum State {
    Closed(SeenFile),
    Open(File),
    Reading(JoinHandle<io::Result<(File, Bytes)>>),
    Done,
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            let (offset, left) = (self.offset, self.left);
            match &mut self.state {
                _ if left == 0 => return Poll::Ready(None),
                State::Done => return Poll::Ready(None),
                State::Closed(place) => {
                    let place = place.clone();
                    self.state = State::Reading(spawn_blocking(move || read(open(&place, offset, left)?, left)));
                }
                State::Open(_) => {
                    let State::Open(file) = std::mem::replace(&mut self.state, State::Done) else { continue };
                    self.state = State::Reading(spawn_blocking(move || read(file, left)));
                }
                State::Reading(reading) => {
                    let read =
                        ready!(Pin::new(reading).poll(context)).unwrap_or_else(|error| Err(io::Error::other(error)));
                    let (state, frame) = match read {
                        Ok((file, bytes)) => {
                            self.left -= bytes.len() as u64;
                            (State::Open(file), Ok(Frame::data(bytes)))
                        }
                        Err(error) => (State::Done, Err(error)),
                    };
                    self.state = state;
                    return Poll::Ready(Some(frame));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

fn open(place: &SeenFile, offset: u64, size_bytes: u64) -> io::Result<File> {
    let mut file = place.open()?;
    if file.metadata()?.len() < offset + size_bytes {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    file.seek(SeekFrom::Start(offset))?;
    Ok(file)
}

/// The next bytes, at most `left`, and at least one.
fn read(mut file: File, left: u64) -> io::Result<(File, Bytes)> {
    let mut bytes = Vec::new();
    file.by_ref().take(left.min(BUFFER_BYTES)).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok((file, bytes.into()))
}

/// Whether the file still has the bytes that it had when it was hashed. Reads all of it.
pub(super) async fn is_as_hashed(file: &SourceFile) -> bool {
    let (place, size_bytes, digest, crc64) = (file.place.clone(), file.size_bytes, file.digest, file.crc64.clone());
    let hashed = blocking(spawn_blocking(move || {
        let (mut file, mut left, mut hash) = (open(&place, 0, size_bytes)?, size_bytes, Sha256::new());
        let mut crc = crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme);
        while left > 0 {
            let bytes;
            (file, bytes) = read(file, left)?;
            hash.update(&bytes);
            crc.update(&bytes);
            left -= bytes.len() as u64;
        }
        let is_same = crc64.is_none_or(|crc64| crc64 == Crc64::new(crc.finalize()));
        Ok(is_same && Digest::from_bytes(hash.finalize().into()) == digest)
    }));
    hashed.await.unwrap_or(false)
}

async fn blocking<T>(work: JoinHandle<io::Result<T>>) -> io::Result<T> {
    work.await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
