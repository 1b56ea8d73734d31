//! Who owns the sandbox of a folder, and where it listens: a lock that lasts as long as its process, and a file.
#![expect(clippy::disallowed_methods, reason = "the sandbox keeps its state on disk")]

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use publish::report::error::{Code, Problem};
use publish::sandbox::Keys;
use serde::{Deserialize, Serialize};

use super::place::{self, Lookup};

/// Where a running sandbox listens and which keys it takes, as `running.json` says it, which its user alone may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// `http://127.0.0.1:<port>` of the S3 API.
    pub(crate) s3: String,
    /// `http://127.0.0.1:<port>` of the CloudFront API.
    pub(crate) cloudfront: String,
    /// `http://127.0.0.1:<port>` of the site.
    pub(crate) site: String,
    /// What its requests are signed with.
    pub(crate) keys: Keys,
    /// Its process.
    pub(crate) pid: u32,
    /// What it runs for.
    pub(crate) purpose: Purpose,
}

/// What a sandbox runs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// For clients: other processes may publish to it.
    Serve,
    /// For one run, which stops it at its end.
    Publish,
}

/// The folder in which a sandbox keeps everything.
#[derive(Clone, Debug)]
pub(crate) struct SandboxFolder(PathBuf);

/// The right to run the sandbox of a folder, as long as this value exists.
#[derive(Debug)]
pub(crate) struct Ownership {
    place: SandboxFolder,
    /// Unlocked by the system when this is closed, however the process ends.
    lock: File,
}

impl SandboxFolder {
    /// That of the project in `folder`.
    pub(crate) fn of(folder: &Path, lookup: Lookup<'_>) -> Result<SandboxFolder, Problem> {
        place::of(folder, lookup).map(SandboxFolder)
    }

    /// Whether the project has a sandbox, running or not.
    pub(crate) fn exists(&self) -> bool {
        self.0.exists()
    }

    /// Where buckets and invalidations are stored.
    pub(crate) fn storage(&self) -> PathBuf {
        self.0.join("storage")
    }

    /// Takes the sandbox, unless another process has it.
    pub(crate) fn take(&self) -> Result<Option<Ownership>, Problem> {
        create_private(&self.0).map_err(|error| self.problem(error))?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(self.0.join("lock"));
        let lock = lock.map_err(|error| self.problem(error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(self.problem(error)),
        }
        let ownership = Ownership { place: self.clone(), lock };
        // What a killed owner left there is out of date.
        ownership.retract();
        Ok(Some(ownership))
    }

    /// The running sandbox, if its owner has announced where it listens, and answers there.
    pub(crate) fn running(&self) -> Option<Running> {
        let running: Running = serde_json::from_slice(&std::fs::read(self.file()).ok()?).ok()?;
        let address = running.s3.strip_prefix("http://")?;
        TcpStream::connect(address).is_ok().then_some(running)
    }

    /// Asks the owner to stop, by removing its announcement.
    pub(crate) fn ask_to_stop(&self) -> Result<(), Problem> {
        match std::fs::remove_file(self.file()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.problem(error)),
            _ => Ok(()),
        }
    }

    /// What [`Ownership::announce`] writes.
    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("running.json")
    }

    fn problem(&self, error: io::Error) -> Problem {
        let message = format!("the sandbox cannot use {}", self.0.display());
        Problem::new(Code::Sandbox, message)
            .hint("It keeps its buckets there. Make the folder writable, or set XDG_STATE_HOME to another folder.")
            .source(error)
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        // A process that was started meanwhile has the same file open for a moment, and so holds the lock.
        let _ = self.lock.unlock();
    }
}

impl Ownership {
    /// Says where the sandbox listens. Written whole: a reader finds all of it or nothing.
    pub(crate) fn announce(&self, running: &Running) -> Result<(), Problem> {
        let write = || -> io::Result<()> {
            // A temporary file of this crate is new, and its user's alone.
            let mut partial = tempfile::NamedTempFile::new_in(&self.place.0)?;
            partial.write_all(&serde_json::to_vec_pretty(running)?)?;
            partial.persist(self.place.file())?;
            Ok(())
        };
        write().map_err(|error| self.place.problem(error))
    }

    /// Removes all that was published to it.
    pub(crate) fn reset(&self) -> Result<(), Problem> {
        match std::fs::remove_dir_all(self.storage()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.place.problem(error)),
            _ => Ok(()),
        }
    }

    /// Whether the announcement is still there: removing it asks the owner to stop.
    pub(crate) fn is_announced(&self) -> bool {
        self.place.file().exists()
    }

    /// Removes the announcement.
    pub(crate) fn retract(&self) {
        // Where it cannot be removed, readers still find that nothing answers there.
        let _ = std::fs::remove_file(self.place.file());
    }

    /// The file of the announcement, which has the keys.
    pub(crate) fn file(&self) -> PathBuf {
        self.place.file()
    }

    /// Where the sandbox stores.
    pub(crate) fn storage(&self) -> PathBuf {
        self.place.storage()
    }
}

/// Makes a folder and those around it, which only their owner may look into.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(folder: &Path) -> SandboxFolder {
        SandboxFolder(folder.join("sandbox"))
    }

    fn running(port: u16) -> Running {
        let address = format!("http://127.0.0.1:{port}");
        Running {
            s3: address.clone(),
            cloudfront: address.clone(),
            site: address,
            keys: Keys { access_key_id: "id".to_owned(), secret_access_key: "secret".to_owned() },
            pid: std::process::id(),
            purpose: Purpose::Serve,
        }
    }

    #[test]
    fn one_owner_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        let owner = place.take().unwrap().unwrap();
        assert!(place.take().unwrap().is_none());
        drop(owner);
        assert!(place.take().unwrap().is_some());
    }

    #[test]
    fn a_sandbox_is_running_only_while_it_answers() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
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
        let place = place(folder.path());
        let owner = place.take().unwrap().unwrap();
        owner.announce(&running(1)).unwrap();
        assert!(owner.is_announced());
        place.ask_to_stop().unwrap();
        assert!(!owner.is_announced());
        place.ask_to_stop().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn its_user_alone_may_read_the_keys() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        place.take().unwrap().unwrap().announce(&running(1)).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place.0), mode(&place.file())), (0o700, 0o600));
    }

    #[test]
    fn a_reset_leaves_nothing_that_was_published() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        let owner = place.take().unwrap().unwrap();
        owner.reset().unwrap();
        std::fs::create_dir_all(owner.storage().join("data")).unwrap();
        std::fs::write(owner.storage().join("data").join("1"), "bytes").unwrap();
        owner.reset().unwrap();
        assert!(!owner.storage().exists());
        drop(owner);
        assert!(place.take().unwrap().is_some());
    }
}
