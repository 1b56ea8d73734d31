//! Who owns the sandbox of a folder, and where it listens: a lock that lasts as long as its process, and a file.
#![expect(clippy::disallowed_methods, reason = "the sandbox keeps its state on disk")]

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use publish::report::error::{Code, Problem};
use serde::{Deserialize, Serialize};

/// Where a running sandbox listens, as `running.json` says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// `http://127.0.0.1:<port>` of the S3 API.
    pub(crate) s3: String,
    /// `http://127.0.0.1:<port>` of the CloudFront API.
    pub(crate) cloudfront: String,
    /// `http://127.0.0.1:<port>` of the site.
    pub(crate) site: String,
    /// Its process.
    pub(crate) pid: u32,
    /// What it runs for.
    pub(crate) purpose: Purpose,
}

/// What a sandbox runs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// For whoever asks: others may publish to it.
    Serve,
    /// For one run, which stops it at its end.
    Publish,
}

/// The folder in which a sandbox keeps everything.
#[derive(Clone, Debug)]
pub(crate) struct Place(PathBuf);

/// The right to run the sandbox of a folder, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Ownership {
    place: Place,
    /// Unlocked by the system when this is closed, however the process ends.
    _lock: File,
}

impl Place {
    /// `.publish/sandbox` in `folder`.
    pub(crate) fn inside(folder: &Path) -> Place {
        Place(folder.join(".publish").join("sandbox"))
    }

    /// Where buckets and invalidations are stored.
    pub(crate) fn storage(&self) -> PathBuf {
        self.0.join("storage")
    }

    /// Takes the sandbox, unless another process has it.
    pub(crate) fn take(&self) -> Result<Option<Ownership>, Problem> {
        self.prepare().map_err(|error| self.problem(error))?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(self.0.join("lock"));
        let lock = lock.map_err(|error| self.problem(error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(self.problem(error)),
        }
        let ownership = Ownership { place: self.clone(), _lock: lock };
        // What a killed owner left there is true no more.
        ownership.retract();
        Ok(Some(ownership))
    }

    /// The sandbox that runs, if its owner has said where, and answers there.
    pub(crate) fn running(&self) -> Option<Running> {
        let running: Running = serde_json::from_slice(&std::fs::read(self.file()).ok()?).ok()?;
        let address = running.s3.strip_prefix("http://")?;
        TcpStream::connect(address).is_ok().then_some(running)
    }

    /// Asks the owner to stop, by taking away what it announced.
    pub(crate) fn ask_to_stop(&self) -> Result<(), Problem> {
        match std::fs::remove_file(self.file()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.problem(error)),
            _ => Ok(()),
        }
    }

    fn file(&self) -> PathBuf {
        self.0.join("running.json")
    }

    /// The folder keeps itself out of version control.
    fn prepare(&self) -> io::Result<()> {
        std::fs::create_dir_all(&self.0)?;
        let ignore = self.0.join(".gitignore");
        if ignore.exists() { Ok(()) } else { std::fs::write(ignore, "*\n") }
    }

    fn problem(&self, error: io::Error) -> Problem {
        let message = format!("the sandbox cannot use {}", self.0.display());
        Problem::new(Code::Sandbox, message).hint("It keeps its buckets there; make the folder writable.").source(error)
    }
}

impl Ownership {
    /// Says where the sandbox listens. Written whole: a reader finds all of it or nothing.
    pub(crate) fn announce(&self, running: &Running) -> Result<(), Problem> {
        let partial = self.place.0.join("running.json.new");
        let text = serde_json::to_vec_pretty(running).map_err(io::Error::from);
        text.and_then(|text| std::fs::write(&partial, text))
            .and_then(|()| std::fs::rename(&partial, self.place.file()))
            .map_err(|error| self.place.problem(error))
    }

    /// Whether what was announced is still there: who takes it away asks the owner to stop.
    pub(crate) fn is_announced(&self) -> bool {
        self.place.file().exists()
    }

    /// Takes back what was announced.
    pub(crate) fn retract(&self) {
        // Where it cannot be removed, readers still find that nobody answers there.
        let _ = std::fs::remove_file(self.place.file());
    }

    /// Where the sandbox stores.
    pub(crate) fn storage(&self) -> PathBuf {
        self.place.storage()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(port: u16) -> Running {
        let address = format!("http://127.0.0.1:{port}");
        Running {
            s3: address.clone(),
            cloudfront: address.clone(),
            site: address,
            pid: std::process::id(),
            purpose: Purpose::Serve,
        }
    }

    #[test]
    fn one_owner_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::inside(folder.path());
        let owner = place.take().unwrap().unwrap();
        assert!(place.take().unwrap().is_none());
        drop(owner);
        assert!(place.take().unwrap().is_some());
    }

    #[test]
    fn a_sandbox_is_running_only_while_it_answers() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::inside(folder.path());
        let owner = place.take().unwrap().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let announced = running(listener.local_addr().unwrap().port());
        owner.announce(&announced).unwrap();
        assert_eq!(place.running(), Some(announced));
        drop(listener);
        assert_eq!(place.running(), None);
    }

    #[test]
    fn asking_to_stop_is_seen_by_the_owner() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::inside(folder.path());
        let owner = place.take().unwrap().unwrap();
        owner.announce(&running(1)).unwrap();
        assert!(owner.is_announced());
        place.ask_to_stop().unwrap();
        assert!(!owner.is_announced());
        place.ask_to_stop().unwrap();
    }
}
