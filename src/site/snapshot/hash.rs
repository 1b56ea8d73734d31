//! Reads every file once: for its digest, for secrets in it, for proof of its name, and for its references.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crc_fast::CrcAlgorithm;
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::place::SeenFile;
use super::refusal::{Reason, Refusal};
use super::walk::Found;
use super::{MAX_READ_BYTES, MULTIPART_BYTES, SourceFile, stopped};
use crate::content::path::SitePath;
use crate::content::proof::{self, Proof, Prover};
use crate::content::references::{self, References, SharedTexts};
use crate::content::routing::Routing;
use crate::content::secrets::{Evidence, Scanner, Secret};
use crate::content::stamp;
use crate::report::error::Problem;
use crate::report::event::{Event, Events};
use crate::site::fingerprint::Traces;
use crate::types::digest::{self, Crc64, Digest};
use crate::types::stop::Stop;

/// How much of a file is in memory at once, for each core.
const BUFFER_BYTES: usize = 256 << 10;

/// The result for the files.
pub(super) struct Hashed {
    pub(super) files: BTreeMap<SitePath, SourceFile>,
    pub(super) references: BTreeMap<SitePath, References>,
    pub(super) routing: Routing,
    pub(super) refusals: Vec<Refusal>,
}

/// The shared results of all cores.
#[derive(Default)]
struct Progress {
    files: BTreeMap<SitePath, SourceFile>,
    references: BTreeMap<SitePath, References>,
    routing: Routing,
    refusals: Vec<Refusal>,
    done: usize,
    bytes: u64,
}

/// One file on disk, and the names it is published under: links may give it several.
struct Queued {
    found: Found,
    names: Vec<SitePath>,
}

/// A file under each of its names.
struct Named {
    files: Vec<(SitePath, SourceFile, References)>,
    routing: Routing,
}

/// Hashes `files` on all cores, each file on disk once. Continues after a refusal, so that all of them are reported,
/// whichever core found the first.
///
/// # Errors
/// If it is stopped.
pub(super) fn hash(files: BTreeMap<SitePath, Found>, stop: &Stop, events: Events<'_>) -> Result<Hashed, Problem> {
    let queue = queue(files);
    let next = AtomicUsize::new(0);
    let progress = Mutex::new(Progress::default());
    let cores = thread::available_parallelism().map_or(1, NonZero::get).min(queue.len());
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let (mut buffer, mut texts) = (vec![0; BUFFER_BYTES], SharedTexts::default());
                while let Some(queued) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if stop.is_requested() {
                        break;
                    }
                    let mut result = hash_file(queued, &mut buffer, stop);
                    for (_, _, references) in result.iter_mut().flat_map(|named| &mut named.files) {
                        texts.share(references);
                    }
                    record(&progress, queued, result, events);
                }
            });
        }
    });
    if stop.is_requested() {
        return Err(stopped());
    }
    let Progress { files, references, routing, refusals, .. } =
        progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Hashed { files, references, routing, refusals })
}

/// Groups the names of the same file; a name that may be private stays apart from others. Largest first, so
/// that no core is left with a large file at the end.
fn queue(files: BTreeMap<SitePath, Found>) -> Vec<Queued> {
    let mut grouped: BTreeMap<(PathBuf, bool), Queued> = BTreeMap::new();
    for (name, found) in files {
        let key = (found.place.below().to_owned(), found.may_be_private);
        grouped.entry(key).or_insert_with(|| Queued { found, names: Vec::new() }).names.push(name);
    }
    let mut queue: Vec<Queued> = grouped.into_values().collect();
    queue.sort_by(|a, b| b.found.size_bytes.cmp(&a.found.size_bytes).then_with(|| a.names.cmp(&b.names)));
    queue
}

/// Counts and reports under one lock, so that the numbers in the events only grow.
fn record(progress: &Mutex<Progress>, queued: &Queued, result: Result<Named, Refused>, events: Events<'_>) {
    let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
    match result {
        Ok(named) => {
            progress.routing |= named.routing;
            for (path, file, references) in named.files {
                if !references.is_empty() {
                    progress.references.insert(path.clone(), references);
                }
                progress.files.insert(path, file);
            }
        }
        Err(refused) => progress.refusals.extend(queued.names.iter().map(|path| refused.of(path))),
    }
    progress.done += queued.names.len();
    progress.bytes += queued.found.size_bytes * queued.names.len() as u64;
    events.send(Event::HashingAdvanced { files: progress.done, bytes: progress.bytes });
}

/// Why a file cannot be published under any of its names.
struct Refused {
    reason: Reason,
    what: String,
    cause: Option<String>,
}

impl Refused {
    fn new(reason: Reason, what: impl Into<String>) -> Refused {
        Refused { reason, what: what.into(), cause: None }
    }

    fn of(&self, path: &SitePath) -> Refusal {
        let Refused { reason, what, cause } = self;
        Refusal { path: path.to_string(), what: what.clone(), reason: *reason, cause: cause.clone() }
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Refused {
        match SeenFile::is_gone(&error) {
            Some(what) => Refused::new(Reason::Changed, what),
            None => Refused { cause: Some(error.to_string()), ..Refused::new(Reason::Unreadable, "cannot be read") },
        }
    }
}

/// Reads a file once for all of its names.
fn hash_file(queued: &Queued, buffer: &mut [u8], stop: &Stop) -> Result<Named, Refused> {
    let Queued { found, names } = queued;
    let file = found.place.open()?;
    let pass = read(file, found.size_bytes, Wanted::of(queued), buffer, stop)?;
    if let Some(secret) = pass.secret {
        let line = line_of(&found.place, secret.offset, buffer, stop)?;
        return Err(Refused::new(Reason::Private, format!("contains {} in line {line}", secret.what)));
    }
    if pass.size_bytes != found.size_bytes {
        let change = if pass.size_bytes > found.size_bytes { "grew" } else { "shrank" };
        return Err(Refused::new(Reason::Changed, format!("{change} while it was being read")));
    }
    let Pass { size_bytes, digest, crc64, md5, proofs, is_dated, whole, .. } = pass;
    // A file's references, and how it is read, depend on its last name and not on its folders.
    let mut read: BTreeMap<&str, References> = BTreeMap::new();
    let mut routing = Routing::default();
    let files = names.iter().zip(proofs).map(|(path, proof)| {
        let text = whole.as_deref().filter(|_| references::is_read(path));
        let proof = proof.or_else(|| proof::without_map_comment(path, text?));
        let chunk_array = text.and_then(|bytes| references::chunk_array(path, bytes));
        let references = match text {
            Some(bytes) => read.entry(path.file_name()).or_insert_with(|| references::read(path, bytes)).clone(),
            None => References::default(),
        };
        let stamp = text.and_then(|bytes| stamp::stamp(path, bytes));
        text.into_iter().for_each(|bytes| routing |= Routing::of(path, bytes));
        let traces = Traces { proof, is_dated, chunk_array, stamp };
        let place = found.place.clone();
        let file = SourceFile { place, size_bytes, digest, crc64: crc64.clone(), md5, traces };
        (path.clone(), file, references)
    });
    let files = files.collect();
    Ok(Named { files, routing })
}

/// The result of one pass over the bytes.
#[derive(Debug)]
struct Pass {
    /// Bytes read: never more than one beyond those expected.
    size_bytes: u64,
    digest: Digest,
    crc64: Option<Crc64>,
    md5: Option<digest::Md5>,
    secret: Option<Secret>,
    /// For each name.
    proofs: Vec<Option<Proof>>,
    /// Whether gzip stored the time.
    is_dated: bool,
    /// All bytes, if they are needed.
    whole: Option<Vec<u8>>,
}

/// What to look for in the bytes, besides their digest.
struct Wanted {
    scanners: Vec<Scanner>,
    /// For each name.
    provers: Vec<Option<Prover>>,
    whole: Option<Vec<u8>>,
}

impl Wanted {
    fn of(queued: &Queued) -> Wanted {
        let Queued { found, names } = queued;
        let mut evidence: Vec<Evidence> = Vec::new();
        for wanted in names.iter().map(Evidence::wanted_in).filter(|_| !found.may_be_private) {
            if !evidence.contains(&wanted) {
                evidence.push(wanted);
            }
        }
        Wanted {
            scanners: evidence.into_iter().map(Scanner::new).collect(),
            provers: names.iter().map(|path| Prover::for_path(path, found.size_bytes)).collect(),
            whole: (names.iter().any(references::is_read) && found.size_bytes <= MAX_READ_BYTES).then(Vec::new),
        }
    }
}

fn read(reader: impl Read, expected_bytes: u64, wanted: Wanted, buffer: &mut [u8], stop: &Stop) -> io::Result<Pass> {
    let Wanted { mut scanners, mut provers, mut whole } = wanted;
    // A file that grows as fast as it is read must not keep us here without end.
    let mut reader = reader.take(expected_bytes.saturating_add(1));
    let mut sha256 = Sha256::new();
    let in_parts = expected_bytes >= MULTIPART_BYTES;
    let mut crc64 = in_parts.then(|| crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme));
    let mut md5 = (!in_parts || provers.iter().flatten().any(Prover::wants_md5)).then(Md5::new);
    let (mut size_bytes, mut is_dated) = (0, false);
    loop {
        if stop.is_requested() {
            return Err(ErrorKind::Interrupted.into());
        }
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
        scanners.iter_mut().for_each(|scanner| scanner.feed(piece));
        provers.iter_mut().flatten().for_each(|prover| prover.update(piece));
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
        // The ETag of a multipart upload is not the MD5.
        md5: md5.filter(|_| !in_parts).map(digest::Md5::from_bytes),
        secret: scanners.into_iter().find_map(Scanner::finish),
        proofs: provers.into_iter().map(|prover| prover?.finish(&sha256, md5.as_ref())).collect(),
        is_dated,
        whole,
    })
}

/// Whether a file with this beginning is compressed with gzip and contains the time (RFC 1952 section 2.3: MTIME).
fn is_dated_gzip(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b]) && start.get(4..8).is_some_and(|time| time != [0; 4])
}

/// The line, from 1, of the byte at `offset`. Reads the file again, which only files with a secret need.
fn line_of(place: &SeenFile, offset: u64, buffer: &mut [u8], stop: &Stop) -> io::Result<u64> {
    let mut reader = place.open()?.take(offset);
    let mut line = 1;
    while !stop.is_requested() {
        match reader.read(buffer) {
            Ok(0) => break,
            Ok(count) => line += buffer[..count].iter().filter(|&&byte| byte == b'\n').count() as u64,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(reader: impl Read, expected_bytes: u64) -> io::Result<Pass> {
        let wanted = Wanted { scanners: vec![Scanner::new(Evidence::FirstLine)], provers: Vec::new(), whole: None };
        read(reader, expected_bytes, wanted, &mut [0; 1_000], &Stop::default())
    }

    fn found(place: SeenFile, size_bytes: u64) -> Found {
        Found { place, size_bytes, may_be_private: false }
    }

    fn queued(name: &str, place: SeenFile, size_bytes: u64) -> Queued {
        Queued { found: found(place, size_bytes), names: vec![SitePath::new(name).unwrap()] }
    }

    fn hash_one(queued: &Queued) -> Result<SourceFile, Refusal> {
        let mut hashed =
            hash_file(queued, &mut [0; 64], &Stop::default()).map_err(|refused| refused.of(&queued.names[0]))?;
        Ok(hashed.files.remove(0).1)
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
    fn a_file_that_changes_is_told_from_one_that_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "abc").unwrap();
        let place = SeenFile::of(&path).unwrap();
        let what = |size_bytes| {
            hash_one(&queued("a.txt", place.clone(), size_bytes)).map_err(|refusal| (refusal.reason, refusal.what))
        };
        let changed = |text: &str| Err((Reason::Changed, format!("{text} while it was being read")));
        assert_eq!(what(2), changed("grew"));
        assert_eq!(what(4), changed("shrank"));
        assert_eq!(what(3).unwrap().digest, Digest::of(b"abc"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(what(3), changed("vanished"));
        std::fs::create_dir(&path).unwrap();
        assert_eq!(what(3), changed("was replaced"));
    }

    #[test]
    fn a_file_is_read_once_for_all_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.css");
        std::fs::write(&path, "a{background:url(b.png)}").unwrap();
        let place = SeenFile::of(&path).unwrap();
        let token = &Digest::of(b"a{background:url(b.png)}").to_string()[..8];
        let names = ["a.css".to_owned(), format!("sub/a.{token}.css"), "a.txt".to_owned()];
        let files = names.iter().map(|name| (SitePath::new(name).unwrap(), found(place.clone(), 24))).collect();
        let queue = queue(files);
        assert_eq!(queue.len(), 1);
        let hashed = hash_file(&queue[0], &mut [0; 64], &Stop::default()).map_err(|refused| refused.what);
        let hashed = hashed.ok().unwrap().files;
        let seen: Vec<_> = hashed
            .iter()
            .map(|(path, file, references)| (path.as_str(), file.traces.proof.is_some(), references.list.len()))
            .collect();
        assert_eq!(seen, [("a.css", false, 1), ("a.txt", false, 0), (&names[1], true, 1)]);
        assert!(hashed.iter().all(|(_, file, _)| file.digest == hashed[0].1.digest));
    }

    #[test]
    fn who_is_told_to_stop_reads_no_further() {
        let stop = Stop::default();
        stop.request();
        let wanted = Wanted { scanners: Vec::new(), provers: Vec::new(), whole: None };
        let stopped = read(io::repeat(0), u64::MAX, wanted, &mut [0; 64], &stop);
        assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Interrupted);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "abc").unwrap();
        let files = BTreeMap::from([(SitePath::new("a.txt").unwrap(), found(SeenFile::of(&path).unwrap(), 3))]);
        let problem = hash(files, &stop, Events::new(&|_| {})).err().unwrap();
        assert_eq!(problem.code, crate::report::error::Code::Interrupted);
    }

    #[test]
    fn names_are_proven_by_the_length_and_by_what_comes_before_a_comment() {
        let folder = tempfile::tempdir().unwrap();
        let proof = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let file = hash_one(&queued(name, SeenFile::of(&path).unwrap(), text.len() as u64)).unwrap();
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
            files
                .insert(SitePath::new(format!("{number}.txt")).unwrap(), found(SeenFile::of(&path).unwrap(), expected));
        }
        let seen = Mutex::new(Vec::new());
        let listener = |event| seen.lock().unwrap().push(event);
        let hashed = hash(files, &Stop::default(), Events::new(&listener)).unwrap();
        assert_eq!((hashed.files.len(), hashed.refusals.len()), (45, 5));
        let seen = seen.into_inner().unwrap();
        let counts: Vec<usize> = seen
            .iter()
            .filter_map(|event| if let Event::HashingAdvanced { files, .. } = event { Some(*files) } else { None })
            .collect();
        assert_eq!(counts, (1..=50).collect::<Vec<_>>());
    }
}
