//! Reads every file once: for its digest, for secrets in it, for what proves its name, and for what it refers to.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crc_fast::CrcAlgorithm;
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::refusal::{Reason, Refusal};
use super::walk::Found;
use super::{MAX_READ_BYTES, MULTIPART_BYTES, SourceFile};
use crate::content::path::SitePath;
use crate::content::proof::{self, Proof, Prover};
use crate::content::references::{self, References, SharedTexts};
use crate::content::secrets::{Evidence, Scanner, Secret};
use crate::report::event::{Event, Events};
use crate::site::fingerprint::Traces;
use crate::types::digest::{self, Crc64, Digest};

/// How much of a file is in memory at once, for each core.
const BUFFER_BYTES: usize = 256 << 10;

/// What became of the files.
pub(super) struct Hashed {
    pub(super) files: BTreeMap<SitePath, SourceFile>,
    pub(super) references: BTreeMap<SitePath, References>,
    pub(super) refusals: Vec<Refusal>,
}

/// What all cores write to.
#[derive(Default)]
struct Progress {
    files: BTreeMap<SitePath, SourceFile>,
    references: BTreeMap<SitePath, References>,
    refusals: Vec<Refusal>,
    done: usize,
    bytes: u64,
}

/// Hashes `files` on all cores. Goes on after a refusal, so that all of them are told, whichever core met the first.
pub(super) fn hash(files: BTreeMap<SitePath, Found>, events: Events<'_>) -> Hashed {
    let mut queue: Vec<(SitePath, Found)> = files.into_iter().collect();
    // Largest first, so that no core is left alone with a large file at the end.
    queue.sort_by(|(a_path, a), (b_path, b)| b.size_bytes.cmp(&a.size_bytes).then(a_path.cmp(b_path)));
    let next = AtomicUsize::new(0);
    let progress = Mutex::new(Progress::default());
    let cores = thread::available_parallelism().map_or(1, NonZero::get).min(queue.len());
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let (mut buffer, mut texts) = (vec![0; BUFFER_BYTES], SharedTexts::default());
                while let Some((path, found)) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut result = hash_file(path, found, &mut buffer);
                    if let Ok((_, references)) = &mut result {
                        texts.share(references);
                    }
                    record(&progress, path, found.size_bytes, result, events);
                }
            });
        }
    });
    let Progress { files, references, refusals, .. } = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    Hashed { files, references, refusals }
}

/// Counts and reports under one lock, so that the numbers in the events only grow.
fn record(
    progress: &Mutex<Progress>,
    path: &SitePath,
    size_bytes: u64,
    result: Result<(SourceFile, References), Refusal>,
    events: Events<'_>,
) {
    let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
    match result {
        Ok((file, references)) => {
            progress.files.insert(path.clone(), file);
            if !references.is_empty() {
                progress.references.insert(path.clone(), references);
            }
        }
        Err(refusal) => progress.refusals.push(refusal),
    }
    progress.done += 1;
    progress.bytes += size_bytes;
    events.send(Event::HashingAdvanced { files: progress.done, bytes: progress.bytes });
}

fn hash_file(path: &SitePath, found: &Found, buffer: &mut [u8]) -> Result<(SourceFile, References), Refusal> {
    let refusal = |reason, what: String, cause: Option<&io::Error>| Refusal {
        path: path.to_string(),
        what,
        reason,
        cause: cause.map(ToString::to_string),
    };
    let unreadable = |error: io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            refusal(Reason::Changed, "vanished while it was read".to_owned(), None)
        }
        _ => refusal(Reason::Unreadable, "cannot be read".to_owned(), Some(&error)),
    };
    let file = File::open(&found.path).map_err(unreadable)?;
    let scanner = (!found.may_be_private).then(|| Scanner::new(Evidence::wanted_in(path)));
    let wanted = Wanted {
        scanner,
        prover: Prover::for_path(path, found.size_bytes),
        whole: (references::is_read(path) && found.size_bytes <= MAX_READ_BYTES).then(Vec::new),
    };
    let pass = read(file, found.size_bytes, wanted, buffer).map_err(unreadable)?;
    if let Some(secret) = pass.secret {
        let line = line_of(&found.path, secret.offset, buffer).map_err(unreadable)?;
        return Err(refusal(Reason::Private, format!("holds {} in line {line}", secret.what), None));
    }
    if pass.size_bytes != found.size_bytes {
        let change = if pass.size_bytes > found.size_bytes { "grew" } else { "shrank" };
        return Err(refusal(Reason::Changed, format!("{change} while it was read"), None));
    }
    let Pass { size_bytes, digest, crc64, md5, proof, is_dated, whole, .. } = pass;
    let proof = proof.or_else(|| proof::without_map_comment(path, whole.as_deref()?));
    let chunk_array = whole.as_deref().and_then(|bytes| references::chunk_array(path, bytes));
    let references = whole.map(|bytes| references::read(path, &bytes)).unwrap_or_default();
    let traces = Traces { proof, is_dated, chunk_array };
    Ok((SourceFile { path: found.path.clone(), size_bytes, digest, crc64, md5, traces }, references))
}

/// What one pass over the bytes tells.
#[derive(Debug)]
struct Pass {
    /// Bytes read: never more than one beyond those expected.
    size_bytes: u64,
    digest: Digest,
    crc64: Option<Crc64>,
    md5: Option<digest::Md5>,
    secret: Option<Secret>,
    proof: Option<Proof>,
    /// Whether gzip wrote down when.
    is_dated: bool,
    /// All bytes, where they are wanted.
    whole: Option<Vec<u8>>,
}

/// What is looked for in the bytes, besides their digest.
struct Wanted {
    scanner: Option<Scanner>,
    prover: Option<Prover>,
    whole: Option<Vec<u8>>,
}

fn read(reader: impl Read, expected_bytes: u64, wanted: Wanted, buffer: &mut [u8]) -> io::Result<Pass> {
    let Wanted { mut scanner, mut prover, mut whole } = wanted;
    // A file that grows as fast as it is read must not keep us for ever.
    let mut reader = reader.take(expected_bytes.saturating_add(1));
    let mut sha256 = Sha256::new();
    let in_parts = expected_bytes >= MULTIPART_BYTES;
    let mut crc64 = in_parts.then(|| crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme));
    let mut md5 = (!in_parts || prover.as_ref().is_some_and(Prover::wants_md5)).then(Md5::new);
    let (mut size_bytes, mut is_dated) = (0, false);
    loop {
        let count = match reader.read(buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let piece = &buffer[..count];
        is_dated |= size_bytes == 0 && is_dated_gzip(piece);
        size_bytes += count as u64;
        sha256.update(piece);
        if let Some(crc64) = &mut crc64 {
            crc64.update(piece);
        }
        if let Some(md5) = &mut md5 {
            md5.update(piece);
        }
        if let Some(scanner) = &mut scanner {
            scanner.feed(piece);
        }
        if let Some(prover) = &mut prover {
            prover.update(piece);
        }
        if let Some(whole) = &mut whole {
            whole.extend_from_slice(piece);
        }
    }
    let sha256 = sha256.finalize().into();
    let md5 = md5.map(|md5| md5.finalize().into());
    Ok(Pass {
        size_bytes,
        digest: Digest::from_bytes(sha256),
        crc64: crc64.map(|crc64| Crc64::new(crc64.finalize())),
        // Of what goes up in parts, no ETag is the MD5.
        md5: md5.filter(|_| !in_parts).map(digest::Md5::from_bytes),
        secret: scanner.and_then(Scanner::finish),
        proof: prover.and_then(|prover| prover.finish(&sha256, md5.as_ref())),
        is_dated,
        whole,
    })
}

/// Whether a file that begins so is compressed with gzip and holds the time of that (RFC 1952 section 2.3: MTIME).
fn is_dated_gzip(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b]) && start.get(4..8).is_some_and(|time| time != [0; 4])
}

/// The line, from 1, that holds the byte at `offset`. A second reading, which only files with a secret cost.
fn line_of(path: &Path, offset: u64, buffer: &mut [u8]) -> io::Result<u64> {
    let mut reader = File::open(path)?.take(offset);
    let mut line = 1;
    loop {
        match reader.read(buffer) {
            Ok(0) => return Ok(line),
            Ok(count) => line += buffer[..count].iter().filter(|&&byte| byte == b'\n').count() as u64,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(reader: impl Read, expected_bytes: u64) -> io::Result<Pass> {
        let wanted = Wanted { scanner: Some(Scanner::new(Evidence::FirstLine)), prover: None, whole: None };
        read(reader, expected_bytes, wanted, &mut [0; 1_000])
    }

    fn found(path: &Path, size_bytes: u64) -> Found {
        Found { path: path.to_owned(), size_bytes, may_be_private: false }
    }

    fn hash_one(path: &Path, size_bytes: u64) -> Result<SourceFile, Refusal> {
        hash_file(&SitePath::new("a.txt").unwrap(), &found(path, size_bytes), &mut [0; 64]).map(|(file, _)| file)
    }

    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(ErrorKind::PermissionDenied.into())
        }
    }

    #[test]
    fn digests_are_those_of_the_whole() {
        let bytes: Vec<u8> = (0..10_000_u32).map(|number| number as u8).collect();
        let pass = pass(&bytes[..], 10_000).unwrap();
        assert_eq!(pass.digest, Digest::of(&bytes));
        assert_eq!(pass.crc64, None);
        assert_eq!(pass.md5, Some(digest::Md5::from_bytes(md5::Md5::digest(&bytes).into())));
    }

    #[test]
    fn what_goes_up_in_parts_has_a_crc64_from_the_same_pass() {
        let pass = pass(io::repeat(0).take(MULTIPART_BYTES), MULTIPART_BYTES).unwrap();
        let zeros = vec![0; 1 << 20];
        let mut crc64 = crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme);
        (0..64).for_each(|_| crc64.update(&zeros));
        assert_eq!(pass.crc64, Some(Crc64::new(crc64.finalize())));
        assert_eq!(pass.md5, None, "its ETag is none of the whole");
        // The catalogue's check value of CRC-64/NVME, as S3 computes it.
        assert_eq!(crc_fast::checksum(CrcAlgorithm::Crc64Nvme, b"123456789"), 0xae8b_1486_0a79_9888);
    }

    #[test]
    fn an_error_while_reading_is_told() {
        assert_eq!(pass((&b"abc"[..]).chain(Broken), 10).unwrap_err().kind(), ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_folder_in_the_place_of_a_file_is_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        let refusal = hash_one(folder.path(), 3).unwrap_err();
        assert_eq!((refusal.reason, refusal.what.as_str()), (Reason::Unreadable, "cannot be read"));
        assert!(refusal.cause.is_some());
    }

    #[test]
    fn a_file_that_changes_is_told_from_one_that_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let what = |size_bytes| hash_one(&path, size_bytes).map_err(|refusal| (refusal.reason, refusal.what));
        let changed = |text: &str| Err((Reason::Changed, format!("{text} while it was read")));
        assert_eq!(what(3), changed("vanished"));
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(what(2), changed("grew"));
        assert_eq!(what(4), changed("shrank"));
        assert_eq!(what(3).unwrap().digest, Digest::of(b"abc"));
    }

    #[test]
    fn names_are_proven_by_the_length_and_by_what_comes_before_a_comment() {
        let folder = tempfile::tempdir().unwrap();
        let proof = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let (file, _) =
                hash_file(&SitePath::new(name).unwrap(), &found(&path, text.len() as u64), &mut [0; 7]).unwrap();
            file.traces.proof.map(|proof| proof.token)
        };
        // As Bun 1.4 names this file.
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"><path d=\"M0 0h9v9z\"/></svg>\n";
        assert_eq!(proof("logo-vwtn118n.svg", svg), Some("vwtn118n".to_owned()));
        let token = &Digest::of(b"let a").to_string()[..8];
        let name = format!("index.{token}.js");
        assert_eq!(proof(&name, &format!("let a\n//# sourceMappingURL={name}.map")), Some(token.to_owned()));
        assert_eq!(proof(&name, &format!("let b\n//# sourceMappingURL={name}.map")), None);
    }

    #[test]
    fn a_file_that_never_ends_does_not_keep_us() {
        assert_eq!(pass(io::repeat(7), 5_000).unwrap().size_bytes, 5_001);
    }

    #[test]
    fn all_refusals_are_told_and_progress_only_grows() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = BTreeMap::new();
        for number in 0..50 {
            let path = folder.path().join(format!("{number}.txt"));
            std::fs::write(&path, "abc").unwrap();
            let expected = if number % 10 == 0 { 4 } else { 3 };
            files.insert(SitePath::new(format!("{number}.txt")).unwrap(), found(&path, expected));
        }
        let seen = Mutex::new(Vec::new());
        let listener = |event| seen.lock().unwrap().push(event);
        let hashed = hash(files, Events::new(&listener));
        assert_eq!((hashed.files.len(), hashed.refusals.len()), (45, 5));
        let seen = seen.into_inner().unwrap();
        let counts: Vec<usize> = seen
            .iter()
            .filter_map(|event| if let Event::HashingAdvanced { files, .. } = event { Some(*files) } else { None })
            .collect();
        assert_eq!(counts, (1..=50).collect::<Vec<_>>());
    }
}
