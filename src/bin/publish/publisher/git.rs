//! What git knows about a folder. Without git, a repository or such a commit, nothing is known, which is no error. The
//! repository is not trusted: nothing that it configures is run, and git has a time limit.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use publish::release::manifest::MAX_MESSAGE_CHARS;
use publish::run::Descent;
use publish::types::clock::{Clock, Timestamp};

/// How long git may take to answer all of one question: it may wait for a lock, a pipe or a large tree.
const WITHIN: Duration = Duration::from_secs(10);

/// How often to check whether git has ended after its output is complete.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Most bytes that git's answer may have.
const MAX_ANSWER_BYTES: u64 = 16 << 20;

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Its full id.
    pub(crate) id: String,
    /// The branch that is checked out; `None`: none is.
    pub(crate) branch: Option<String>,
    /// The first line of its message, at most [`MAX_MESSAGE_CHARS`] characters of it; `None`: it has none.
    pub(crate) message: Option<String>,
    /// When it was made, by its committer.
    pub(crate) committed_at: Option<Timestamp>,
}

/// The commit with that id in the repository that holds `folder`, or without an id the one that is checked out.
pub(crate) fn commit(folder: &Path, id: Option<&str>) -> Option<Commit> {
    // A text that is not an id might be an option of git.
    if id.is_some_and(|id| !is_id(id)) {
        return None;
    }
    let git = Git::of(folder);
    let revision = id.unwrap_or("HEAD");
    let log = ["log", "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%H%n%ct%n%B", revision, "--"];
    let said = git.says(&log)?;
    let mut lines = said.lines();
    let id = lines.next()?.to_owned();
    let committed_at = lines.next().and_then(|seconds| seconds.parse().ok()).map(Timestamp::from_unix_seconds);
    let message: String = lines.next().unwrap_or_default().trim().chars().take(MAX_MESSAGE_CHARS).collect();
    let branch = git.says(&["symbolic-ref", "--quiet", "--short", "HEAD"]);
    let branch = branch.map(|branch| branch.trim().to_owned()).filter(|branch| !branch.is_empty());
    Some(Commit { id, branch, message: Some(message).filter(|message| !message.is_empty()), committed_at })
}

/// What is in a working tree besides its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    /// Nothing that counts, or another commit is checked out.
    Clean,
    /// Changes that are in no commit.
    Changed,
    /// Git did not say.
    Unknown,
}

impl Tree {
    /// What is known of two parts together.
    fn and(self, other: impl FnOnce() -> Tree) -> Tree {
        match self {
            Tree::Changed => Tree::Changed,
            Tree::Clean => other(),
            Tree::Unknown => {
                if other() == Tree::Changed {
                    Tree::Changed
                } else {
                    Tree::Unknown
                }
            }
        }
    }
}

/// How git ends where it does not know an option.
const USAGE: i32 = 129;

/// How deep submodules are looked for in submodules.
const DEEPEST_SUBMODULE: usize = 4;

/// Whether `commit` is checked out in the repository that holds `folder`, with changes that are in no commit: files of
/// it that differ, and others that it does not ignore, also in submodules. The `site` was built: what lies there and is in no
/// commit is no change, unless the repository as a whole is the site.
pub(crate) fn changes(folder: &Path, commit: &str, site: &Path) -> Tree {
    let git = Git::of(folder);
    let checked_out = git.says(&["rev-parse", "HEAD"]);
    if !checked_out.is_some_and(|id| is_id(commit) && id.trim().starts_with(commit)) {
        return Tree::Clean;
    }
    git.changes(site, DEEPEST_SUBMODULE)
}

/// Whether the commit `built` is older or newer than the commit `live`, as far as the repository that contains `folder` has
/// their history.
pub(crate) fn descent(folder: &Path, live: &str, built: &str) -> Descent {
    if !is_id(live) || !is_id(built) {
        return Descent::Unknown;
    }
    let git = Git::of(folder);
    let is_ancestor = |one: &str, other: &str| match git.ask(&["merge-base", "--is-ancestor", one, other])? {
        (Some(0), _) => Some(true),
        (Some(1), _) => Some(false),
        _ => None,
    };
    match (is_ancestor(built, live), is_ancestor(live, built)) {
        (Some(true), _) => Descent::Older,
        (_, Some(true)) => Descent::Newer,
        // Where history was cut off, that neither was found says nothing.
        (Some(false), Some(false))
            if git.says(&["rev-parse", "--is-shallow-repository"]).as_deref() == Some("false\n") =>
        {
            Descent::Beside
        }
        _ => Descent::Unknown,
    }
}

/// Whether a text can be the id of a commit and nothing else, as an option.
fn is_id(text: &str) -> bool {
    (4..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Git, asked about a folder until its time is up.
struct Git<'f> {
    folder: &'f Path,
    clock: Clock,
    within: Duration,
    /// Settings of the repository that are overridden.
    without: Vec<String>,
}

impl Git<'_> {
    fn of(folder: &Path) -> Git<'_> {
        Git { folder, clock: Clock::start(), within: WITHIN, without: Vec::new() }
    }

    /// What is in the working tree that holds the folder besides its commit.
    fn changes(&self, site: &Path, depth: usize) -> Tree {
        let Some(filters) = self.own_filters() else { return Tree::Unknown };
        let git = Git { without: filters, ..*self };
        let Some(top) = git.says(&["rev-parse", "--show-toplevel"]) else { return Tree::Unknown };
        let Ok(top) = Path::new(top.trim_end_matches(['\r', '\n'])).canonicalize() else { return Tree::Unknown };
        let built = site.canonicalize().ok().and_then(|site| {
            let below = site.strip_prefix(&top).ok()?.to_str()?.replace('\\', "/");
            (!below.is_empty()).then_some(below)
        });
        let tree = match built {
            None => git.status("normal", ":(top)", None),
            // Of the built files, only the committed ones count.
            Some(built) => git
                .status("normal", ":(top)", Some(&format!(":(top,exclude,literal){built}")))
                .and(|| git.status("no", &format!(":(top,literal){built}"), None)),
        };
        tree.and(|| git.changes_of_submodules(&top, site, depth))
    }

    /// Whether anything below `place` differs from what is committed. A look into submodules would be one by their own
    /// configuration.
    fn status(&self, untracked: &str, place: &str, but: Option<&str>) -> Tree {
        let untracked = format!("--untracked-files={untracked}");
        let mut status = vec!["status", "--porcelain", &untracked, "--ignore-submodules=dirty", "--", place];
        status.extend(but);
        match self.says(&status) {
            Some(changes) if changes.is_empty() => Tree::Clean,
            Some(_) => Tree::Changed,
            None => Tree::Unknown,
        }
    }

    /// The same of each submodule of the working tree at `top`: one that was never checked out has no changes.
    fn changes_of_submodules(&self, top: &Path, site: &Path, depth: usize) -> Tree {
        let file = top.join(".gitmodules");
        if depth == 0 || !file.is_file() {
            return Tree::Clean;
        }
        let file = file.to_string_lossy();
        let listed =
            self.asked(&["config", "--file", &file, "--no-includes", "-z", "--get-regexp", r"^submodule\..*\.path$"]);
        let Some(listed) = listed else { return Tree::Unknown };
        // The paths in the file may be anywhere, and may be repeated.
        let paths = listed.split('\0').filter_map(|line| line.split_once('\n'));
        let within =
            |path: &str| top.join(path).canonicalize().ok().filter(|module| module != top && module.starts_with(top));
        let modules: BTreeSet<PathBuf> = paths.filter_map(|(_, path)| within(path)).collect();
        let mut tree = Tree::Clean;
        for module in modules.iter().filter(|module| module.join(".git").exists()) {
            if self.left().is_zero() {
                return tree.and(|| Tree::Unknown);
            }
            tree = tree.and(|| Git { folder: module, without: Vec::new(), ..*self }.changes(site, depth - 1));
        }
        tree
    }

    /// The filters that the repository's own configuration names, and not the person's: they run programs. `None`: git does
    /// not say.
    fn own_filters(&self) -> Option<Vec<String>> {
        let list = ["config", "--show-scope", "--includes", "-z", "--name-only", "--get-regexp", r"^filter\."];
        let said = match self.ask(&list)? {
            (Some(0 | 1), said) => said,
            // Git before 2.26 knows no scopes, and lists each file by itself.
            (Some(USAGE), _) => return self.filters_of_its_files(),
            _ => return None,
        };
        let mut fields = said.split('\0').filter(|field| !field.is_empty());
        let mut own = Vec::new();
        while let (Some(scope), Some(name)) = (fields.next(), fields.next()) {
            if !matches!(scope, "system" | "global" | "command") {
                own.push(name.to_owned());
            }
        }
        Some(own)
    }

    fn filters_of_its_files(&self) -> Option<Vec<String>> {
        let mut own = Vec::new();
        for file in ["--local", "--worktree"] {
            let said =
                self.asked(&["config", file, "--includes", "-z", "--name-only", "--get-regexp", r"^filter\."])?;
            own.extend(said.split('\0').filter(|name| !name.is_empty()).map(str::to_owned));
        }
        Some(own)
    }

    /// What git writes, if it succeeds or finds nothing.
    fn asked(&self, arguments: &[&str]) -> Option<String> {
        self.ask(arguments).and_then(|(code, said)| matches!(code, Some(0 | 1)).then_some(said))
    }

    /// What git writes, if it succeeds.
    fn says(&self, arguments: &[&str]) -> Option<String> {
        self.ask(arguments).and_then(|(code, said)| (code == Some(0)).then_some(said))
    }

    /// How git ends, and what it writes; `None`: it cannot be started, or does not end in time.
    fn ask(&self, arguments: &[&str]) -> Option<(Option<i32>, String)> {
        let mut command = Command::new("git");
        command.current_dir(self.folder).arg("--no-pager").args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Reading takes no lock, asks for no password, and fetches nothing that a partial clone left out.
        command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0").env("GIT_NO_LAZY_FETCH", "1");
        // Git before 2.45 does not know the last one: it may fetch by no protocol either.
        command.env("GIT_ALLOW_PROTOCOL", "none");
        // A folder that looks like a repository's own, as files of another one can, is none.
        let settings =
            [("core.fsmonitor", "false"), ("core.hooksPath", "/dev/null"), ("safe.bareRepository", "explicit")];
        let without =
            self.without.iter().map(|name| (name.as_str(), if name.ends_with(".required") { "false" } else { "" }));
        // After the person's own settings there, such as another user's folder that is safe.
        let mut number = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(0_usize);
        for (name, value) in settings.into_iter().chain(without) {
            command.env(format!("GIT_CONFIG_KEY_{number}"), name).env(format!("GIT_CONFIG_VALUE_{number}"), value);
            number += 1;
        }
        command.env("GIT_CONFIG_COUNT", number.to_string());
        let mut child = command.spawn().ok()?;
        let answered = self.answer(&mut child);
        if answered.is_none() {
            // It may have ended by itself meanwhile.
            let _ = child.kill();
            let _ = child.wait();
        }
        answered
    }

    fn answer(&self, child: &mut Child) -> Option<(Option<i32>, String)> {
        let answer = child.stdout.take()?.take(MAX_ANSWER_BYTES);
        let (sender, receiver) = mpsc::channel();
        // A process that git started may keep the other end open: nothing waits for this thread.
        thread::spawn(move || {
            let (mut answer, mut said) = (answer, Vec::new());
            // Once nothing waits for it, nothing listens.
            let _ = sender.send(answer.read_to_end(&mut said).map(|_| said));
        });
        let said = receiver.recv_timeout(self.left()).ok()?.ok()?;
        while !self.left().is_zero() {
            if let Some(status) = child.try_wait().ok()? {
                return Some((status.code(), String::from_utf8_lossy(&said).into_owned()));
            }
            thread::sleep(LOOK_AGAIN);
        }
        None
    }

    fn left(&self) -> Duration {
        self.within.saturating_sub(self.clock.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository on the branch `main`, out of reach of any user's git settings.
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

    fn dirty(repository: &Repository, site: &str) -> bool {
        let head = repository.ask(None).unwrap().id;
        match changes(repository.0.path(), &head, &repository.0.path().join(site)) {
            Tree::Clean => false,
            Tree::Changed => true,
            Tree::Unknown => panic!("git did not say"),
        }
    }

    #[test]
    fn changes_are_what_no_commit_has_and_nobody_ignores_outside_of_the_site() {
        let repository = Repository::new();
        let write = |path: &str, text: &str| {
            let path = repository.0.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("page.md", "one");
        write(".gitignore", "cache/\n");
        repository.git(&["add", "."]);
        repository.commit("first");
        write("dist/index.html", "built, and not ignored");
        write("cache/file", "ignored");
        assert!(!dirty(&repository, "dist"));
        assert!(dirty(&repository, "other"), "what was built to elsewhere is no part of the site");
        write("web/dist/index.html", "built");
        assert!(!dirty(&repository, "web/dist") || dirty(&repository, "dist"));
        std::fs::remove_dir_all(repository.0.path().join("web")).unwrap();
        write("draft.md", "new");
        assert!(dirty(&repository, "dist"));
        std::fs::remove_file(repository.0.path().join("draft.md")).unwrap();
        write("page.md", "another");
        assert!(dirty(&repository, "dist"));
        repository.git(&["add", "."]);
        assert!(dirty(&repository, "dist"), "what is staged is in no commit either");
        repository.git(&["add", "--force", "dist"]);
        repository.commit("second");
        write("dist/index.html", "built anew");
        assert!(dirty(&repository, "dist"), "what is live then is not what is committed there");
        repository.git(&["add", "dist"]);
        repository.commit("third");
        write("dist/new.html", "built, and in no commit");
        assert!(!dirty(&repository, "dist"));
        assert!(dirty(&repository, "."), "where all of it is the site, its changes are");
        let nowhere = repository.0.path().join("dist");
        assert_eq!(changes(repository.0.path(), "c0ffee0", &nowhere), Tree::Clean, "another commit is checked out");
    }

    #[test]
    fn whose_history_is_known_says_which_commit_comes_after_which() {
        let repository = Repository::new();
        let commit = |message: &str| {
            repository.commit(message);
            repository.ask(None).unwrap().id
        };
        let (first, second) = (commit("first"), commit("second"));
        repository.git(&["checkout", "--quiet", "-b", "other", &first]);
        let other = commit("other");
        let descent = |live: &str, built: &str| descent(repository.0.path(), live, built);
        assert_eq!(descent(&first, &second), Descent::Newer);
        assert_eq!(descent(&second, &first), Descent::Older);
        assert_eq!(descent(&second, &other), Descent::Beside);
        assert_eq!(descent("c0ffee00", &other), Descent::Unknown);
        assert_eq!(descent("--all", &other), Descent::Unknown);
        let clone = tempfile::tempdir().unwrap();
        let from = format!("file://{}", repository.0.path().display());
        repository.git(&["clone", "--quiet", "--depth=1", "--no-single-branch", &from, clone.path().to_str().unwrap()]);
        let descent = |live: &str, built: &str| super::descent(clone.path(), live, built);
        assert_eq!(descent(&second, &other), Descent::Unknown, "both are there, and what was before them is not");
        assert_eq!(descent(&second, &first), Descent::Unknown);
    }

    /// A repository that came from elsewhere names programs that are to be run.
    #[cfg(unix)]
    #[test]
    fn nothing_is_run_that_the_repository_names() {
        let repository = Repository::new();
        let path = |name: &str| repository.0.path().join(name);
        std::fs::write(path("page.md"), "one").unwrap();
        std::fs::write(path(".gitattributes"), "*.md filter=theirs\n").unwrap();
        repository.git(&["add", "."]);
        repository.commit("first");
        let traces = tempfile::tempdir().unwrap();
        let run = |name: &str| format!("touch {}; cat", traces.path().join(name).display());
        for (name, program) in [
            ("core.fsmonitor", "fsmonitor"),
            ("filter.theirs.clean", "clean"),
            ("filter.theirs.process", "process"),
            ("core.pager", "pager"),
        ] {
            repository.git(&["config", name, &run(program)]);
        }
        repository.git(&["config", "filter.theirs.required", "true"]);
        let hook = path(".git/hooks/post-index-change");
        std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
        std::fs::write(&hook, format!("#!/bin/sh\n{}", run("hook"))).unwrap();
        std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        // As large as before, so that only its content tells.
        std::fs::write(path("page.md"), "two").unwrap();
        assert!(dirty(&repository, "dist"));
        let run: Vec<_> = std::fs::read_dir(traces.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(run.is_empty(), "{run:?}");
    }

    /// Also not where its configuration is in a second file, is larger than what is read of it, or belongs to a folder that only
    /// looks like a repository and came as files of another one.
    #[cfg(unix)]
    #[test]
    fn nothing_is_run_that_is_named_out_of_the_way() {
        let traces = tempfile::tempdir().unwrap();
        let run = |name: &str| format!("touch {}; cat", traces.path().join(name).display());
        let prepared = |name: &str| {
            let repository = Repository::new();
            std::fs::write(repository.0.path().join("page.md"), "one").unwrap();
            std::fs::write(repository.0.path().join(".gitattributes"), "*.md filter=theirs\n").unwrap();
            repository.git(&["add", "."]);
            repository.commit("first");
            std::fs::write(repository.0.path().join("page.md"), "two").unwrap();
            (repository, run(name))
        };
        let tree = |repository: &Repository| {
            let head = repository.ask(None).unwrap().id;
            changes(repository.0.path(), &head, &repository.0.path().join("dist"))
        };

        let (repository, program) = prepared("worktree");
        repository.git(&["config", "extensions.worktreeConfig", "true"]);
        repository.git(&["config", "--worktree", "filter.theirs.clean", &program]);
        assert_eq!(tree(&repository), Tree::Changed);

        let (repository, program) = prepared("large");
        repository.git(&["config", "filter.theirs.clean", &program]);
        let config = repository.0.path().join(".git/config");
        let mut text = std::fs::read_to_string(&config).unwrap();
        for number in 0..4_400 {
            text.push_str(&format!("[filter \"{number}{}\"]\n\tclean = cat\n", "x".repeat(4_000)));
        }
        std::fs::write(&config, text).unwrap();
        assert_eq!(tree(&repository), Tree::Unknown);

        let (outer, program) = prepared("bare");
        let site = outer.0.path().join("site");
        std::fs::rename(outer.0.path().join(".git"), &site).unwrap();
        std::fs::write(site.join("page.md"), "three").unwrap();
        let bare = |name: &str, value: &str| {
            assert!(
                Command::new("git")
                    .args(["config", "--file"])
                    .arg(site.join("config"))
                    .args([name, value])
                    .status()
                    .unwrap()
                    .success()
            );
        };
        bare("core.bare", "false");
        bare("core.worktree", ".");
        bare("filter.theirs.clean", &program);
        assert_eq!(commit(&site, None), None, "it is no repository of its own");

        let run: Vec<_> = std::fs::read_dir(traces.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(run.is_empty(), "{run:?}");
    }

    #[test]
    fn a_submodule_with_changes_is_one() {
        let (library, repository) = (Repository::new(), Repository::new());
        std::fs::write(library.0.path().join("theme.css"), "one").unwrap();
        library.git(&["add", "."]);
        library.commit("first");
        let from = library.0.path().to_str().unwrap();
        repository.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", from, "theme"]);
        repository.commit("second");
        assert!(!dirty(&repository, "dist"));
        std::fs::write(repository.0.path().join("theme/theme.css"), "two").unwrap();
        assert!(dirty(&repository, "dist"));
        assert!(dirty(&repository, "."));
        let names = |path: &str| {
            std::fs::write(repository.0.path().join(".gitmodules"), format!("[submodule \"a\"]\npath = {path}\n"))
                .unwrap()
        };
        repository.git(&["rm", "--quiet", "--force", "theme"]);
        std::fs::write(library.0.path().join("theme.css"), "three").unwrap();
        names(from);
        repository.git(&["add", ".gitmodules"]);
        repository.commit("third");
        assert!(!dirty(&repository, "dist"), "a folder out of the repository is none of it");
    }

    #[cfg(unix)]
    #[test]
    fn git_that_does_not_answer_is_not_waited_for() {
        let repository = Repository::new();
        repository.commit("first");
        let head = repository.0.path().join(".git/HEAD");
        std::fs::remove_file(&head).unwrap();
        assert!(Command::new("mkfifo").arg(&head).status().unwrap().success());
        let git = Git { within: Duration::from_millis(200), ..Git::of(repository.0.path()) };
        assert_eq!(git.ask(&["rev-parse", "HEAD"]), None);
        assert_eq!(git.says(&["rev-parse", "HEAD"]), None, "its time is up for all that follows");
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
