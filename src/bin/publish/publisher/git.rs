//! What git knows of a folder. Where there is no git, no repository or no such commit, nothing is known, and nothing
//! is said about that.

use std::path::Path;
use std::process::{Command, Stdio};

use publish::release::manifest::MAX_MESSAGE_CHARS;

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Its full id.
    pub(crate) id: String,
    /// The branch that is checked out; `None`: none is.
    pub(crate) branch: Option<String>,
    /// The first line of its message, at most [`MAX_MESSAGE_CHARS`] characters of it; `None`: it has none.
    pub(crate) message: Option<String>,
}

/// The commit with that id in the repository that holds `folder`, or without an id the one that is checked out.
pub(crate) fn commit(folder: &Path, id: Option<&str>) -> Option<Commit> {
    // Whatever is no id might be an option of git's.
    if id.is_some_and(|id| id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return None;
    }
    let revision = id.unwrap_or("HEAD");
    let log = ["log", "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%H%n%B", revision, "--"];
    let said = git(folder, &log)?;
    let mut lines = said.lines();
    let id = lines.next()?.to_owned();
    let message: String = lines.next().unwrap_or_default().trim().chars().take(MAX_MESSAGE_CHARS).collect();
    let branch = git(folder, &["symbolic-ref", "--quiet", "--short", "HEAD"]);
    let branch = branch.map(|branch| branch.trim().to_owned()).filter(|branch| !branch.is_empty());
    Some(Commit { id, branch, message: Some(message).filter(|message| !message.is_empty()) })
}

/// What git writes, if it succeeds.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
    // Reading takes no lock, and fetches nothing that a partial clone left out.
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_NO_LAZY_FETCH", "1");
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository on the branch `main` that nobody's settings reach.
    struct Repository(tempfile::TempDir);

    impl Repository {
        fn new() -> Repository {
            let repository = Repository(tempfile::tempdir().unwrap());
            repository.git(&["init", "--quiet", "--initial-branch=main"]);
            repository
        }

        fn git(&self, arguments: &[&str]) {
            let author = ["AUTHOR", "COMMITTER"].into_iter().flat_map(|role| {
                [(format!("GIT_{role}_NAME"), "dev"), (format!("GIT_{role}_EMAIL"), "dev@example.com")]
            });
            let nowhere = self.0.path().join("no-such-file");
            let mut command = Command::new("git");
            command.current_dir(self.0.path()).args(arguments).envs(author);
            let done = command.env("GIT_CONFIG_GLOBAL", &nowhere).env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }

        fn commit(&self, message: &str) {
            self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        }

        fn ask(&self, id: Option<&str>) -> Option<Commit> {
            commit(self.0.path(), id)
        }
    }

    #[test]
    fn what_is_checked_out_has_an_id_a_branch_and_the_first_line_of_its_message() {
        let repository = Repository::new();
        repository.commit("Raise the prices\n\nThey were too low.");
        let found = repository.ask(None).unwrap();
        assert_eq!(found.id.len(), 40);
        assert_eq!(found.branch.as_deref(), Some("main"));
        assert_eq!(found.message.as_deref(), Some("Raise the prices"));
    }

    #[test]
    fn an_id_names_an_earlier_commit() {
        let repository = Repository::new();
        repository.commit("first");
        let first = repository.ask(None).unwrap();
        repository.commit("second");
        assert_eq!(repository.ask(Some(&first.id)), Some(first.clone()));
        assert_eq!(repository.ask(Some(&first.id[..10])), Some(first));
    }

    #[test]
    fn a_detached_head_is_no_branch() {
        let repository = Repository::new();
        repository.commit("first");
        repository.git(&["checkout", "--quiet", "--detach"]);
        let found = repository.ask(None).unwrap();
        assert_eq!((found.branch, found.message.as_deref()), (None, Some("first")));
    }

    #[test]
    fn where_nothing_is_known_nothing_is_said() {
        let repository = Repository::new();
        assert_eq!(repository.ask(None), None, "nothing is committed yet");
        repository.commit("first");
        for id in ["", "HEAD", "--all", "c0ffee0"] {
            assert_eq!(repository.ask(Some(id)), None, "{id}");
        }
        let elsewhere = tempfile::tempdir().unwrap();
        assert_eq!(commit(elsewhere.path(), None), None, "there is no repository");
        assert_eq!(commit(&elsewhere.path().join("nowhere"), None), None);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let repository = Repository::new();
        repository.commit(&"ä".repeat(MAX_MESSAGE_CHARS + 1));
        assert_eq!(repository.ask(None).unwrap().message, Some("ä".repeat(MAX_MESSAGE_CHARS)));
    }
}
