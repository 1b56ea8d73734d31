//! Whole folders, read as a run reads them.

use std::fs;
use std::sync::Mutex;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::config::environment::SourceMaps;
use crate::report::error::ExitCode;
use crate::report::error::VisitorsSee;
use crate::types::stop::Stop;

/// A folder with `files`, each containing its own name.
fn site(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        write(&folder, file, file);
    }
    folder
}

fn write(folder: &TempDir, file: &str, text: &str) {
    let path = folder.path().join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn layout() -> Layout {
    Layout::new("shop", "bucket", "live", None, None)
}

fn take(root: &Path) -> Result<Snapshot, Problem> {
    take_with(root, &PublishSettings::default())
}

fn take_with(root: &Path, settings: &PublishSettings) -> Result<Snapshot, Problem> {
    Snapshot::take(root, settings, &layout(), &Stop::default(), Events::new(&|_| {}))
}

fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.files.keys().map(SitePath::as_str).collect()
}

fn globs(globs: &[&str]) -> Vec<String> {
    globs.iter().map(|&glob| glob.to_owned()).collect()
}

/// The problem with `folder`, which must be of `code`, have a hint, and name each of `parts`.
fn refused(folder: &Path, code: Code, parts: &[&str]) -> Problem {
    let problem = take(folder).expect_err("it should be refused");
    assert_eq!(problem.code, code, "{problem}");
    assert!(!problem.hint.is_empty(), "{problem}");
    for part in parts {
        assert!(problem.message.contains(part), "{part:?} is not in: {problem}");
    }
    problem
}

#[test]
fn a_site_is_its_files_with_their_digests() {
    let folder = site(&["index.html", "assets/app.js", "empty/../a b/ü.txt"]);
    fs::create_dir_all(folder.path().join("hollow")).unwrap();
    let events = Mutex::new(Vec::new());
    let listener = |event| events.lock().unwrap().push(event);
    let snapshot =
        Snapshot::take(folder.path(), &PublishSettings::default(), &layout(), &Stop::default(), Events::new(&listener))
            .unwrap();
    assert_eq!(names(&snapshot), ["a b/ü.txt", "assets/app.js", "index.html"]);
    let page = &snapshot.files[&SitePath::new("index.html").unwrap()];
    assert_eq!((page.digest, page.size_bytes, &page.crc64), (Digest::of(b"index.html"), 10, &None));
    assert!(snapshot.warnings.is_empty() && snapshot.left_out.is_empty());
    let events = events.into_inner().unwrap();
    let bytes = snapshot.size_bytes();
    assert_eq!(events.first(), Some(&Event::HashingStarted { files: 3, bytes }));
    assert_eq!(events[events.len() - 2], Event::HashingAdvanced { files: 3, bytes });
    assert_eq!(events.last(), Some(&Event::HashingFinished { files: 3, bytes }));
}

#[test]
fn there_must_be_a_folder_with_files() {
    let folder = site(&["file", ".hidden", "out/a"]);
    refused(&folder.path().join("nowhere"), Code::NoSite, &["there is no folder", "nowhere"]);
    refused(&folder.path().join("file"), Code::NoSite, &["is a file, not a folder"]);
    refused(&folder.path().join("file/dist"), Code::NoSite, &["file"]);
    let empty = site(&[]);
    let problem = refused(empty.path(), Code::NoSite, &["has no files"]);
    assert_eq!(problem.while_visitors_see(VisitorsSee::Untouched).exit_code(), ExitCode::Usage);
    let settings = PublishSettings { exclude: globs(&["file", "out"]), ..PublishSettings::default() };
    let problem = take_with(folder.path(), &settings).unwrap_err();
    assert_eq!(problem.code, Code::NoSite);
    assert!(problem.message.contains("hidden or excluded"), "{problem}");
}

#[test]
fn hidden_files_stay_out_and_are_listed() {
    let folder = site(&["a.html", ".DS_Store", ".vitepress/cache/x", ".well-known/security.txt", "sub/.hidden/.deep"]);
    let snapshot = take(folder.path()).unwrap();
    assert_eq!(names(&snapshot), [".well-known/security.txt", "a.html"]);
    assert_eq!(snapshot.left_out.hidden, [".vitepress/", "sub/.hidden/"]);
    assert_eq!(snapshot.left_out.litter, [".DS_Store"]);
    let settings = PublishSettings { include_hidden: globs(&["sub/.hidden"]), ..PublishSettings::default() };
    let snapshot = take_with(folder.path(), &settings).unwrap();
    assert_eq!(names(&snapshot), [".well-known/security.txt", "a.html", "sub/.hidden/.deep"]);
    assert_eq!(snapshot.left_out.hidden, [".vitepress/"]);
}

#[test]
fn a_folder_is_read_up_to_the_limit_and_until_it_is_stopped() {
    let files: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let folder = site(&files.iter().map(String::as_str).collect::<Vec<_>>());
    let root = place::Root::open(folder.path().to_owned()).unwrap();
    let seen = root.identity().unwrap();
    let stop = Stop::default();
    let listed = |most| root.list(Path::new(""), seen, most, &stop).unwrap().len();
    assert_eq!([9, 19, 20, usize::MAX].map(listed), [10, 20, 20, 20], "one more tells that there are too many");
    stop.request();
    assert_eq!(listed(usize::MAX), 0);
    // A folder that was not read does not count as empty.
    for folder in [&folder, &site(&[])] {
        let settings = PublishSettings::default();
        let stopped = Snapshot::take(folder.path(), &settings, &layout(), &stop, Events::new(&|_| {}));
        assert_eq!(stopped.unwrap_err().code, Code::Interrupted);
    }
}

#[test]
fn excluded_files_are_nobodys_business() {
    let folder = site(&["a.html", "a.map", "drafts/id_rsa", "drafts/b.html"]);
    let settings = PublishSettings { exclude: globs(&["**/*.map", "drafts/"]), ..PublishSettings::default() };
    let snapshot = take_with(folder.path(), &settings).unwrap();
    assert_eq!(names(&snapshot), ["a.html"]);
    assert!(snapshot.left_out.is_empty());
    let settings = PublishSettings { exclude: globs(&["a["]), ..PublishSettings::default() };
    assert_eq!(take_with(folder.path(), &settings).unwrap_err().code, Code::Configuration);
}

#[test]
fn private_names_are_refused_unless_they_stay_out_or_are_allowed() {
    let folder = site(&["index.html", ".env", ".git/config", "keys/id_rsa", "publish.toml"]);
    let problem = refused(folder.path(), Code::Private, &["`keys/id_rsa`", "`publish.toml`"]);
    assert!(!problem.message.contains(".env"), "it stays out: {problem}");
    assert!(problem.hint.contains("allow_private = [\"keys/id_rsa\", \"publish.toml\"]"), "{}", problem.hint);
    let settings = PublishSettings { include_hidden: globs(&["**"]), ..PublishSettings::default() };
    let problem = take_with(folder.path(), &settings).unwrap_err();
    assert!(problem.message.starts_with("`.env` contains"), "{problem}");
    assert!(problem.message.contains("`.git/config`"), "{problem}");
    let settings = PublishSettings { allow_private: globs(&["keys", "publish.toml"]), ..PublishSettings::default() };
    let snapshot = take_with(folder.path(), &settings).unwrap();
    assert_eq!(names(&snapshot), ["index.html", "keys/id_rsa", "publish.toml"]);
    assert_eq!(snapshot.left_out.hidden, [".env", ".git/"]);
    assert!(snapshot.warnings[0].contains("`.git/`"), "{:?}", snapshot.warnings);
}

#[test]
fn settings_that_name_nothing_are_told_and_a_leading_dot_is_understood() {
    let folder = site(&["index.html", "drafts/a.html", ".cache/x", "keys/id_rsa"]);
    let settings = |exclude: &[&str], hidden: &[&str], private: &[&str]| PublishSettings {
        exclude: globs(exclude),
        include_hidden: globs(hidden),
        allow_private: globs(private),
        ..PublishSettings::default()
    };
    let right = settings(&["./drafts/**"], &["./.cache"], &["./keys/id_rsa"]);
    let snapshot = take_with(folder.path(), &right).unwrap();
    assert_eq!(names(&snapshot), [".cache/x", "index.html", "keys/id_rsa"]);
    assert!(snapshot.warnings.is_empty(), "{:?}", snapshot.warnings);
    let wrong = settings(&["dist/drafts/**", "keys"], &["dist/.cache"], &["dist/index.html", "keys/other"]);
    let warnings = take_with(folder.path(), &wrong).unwrap().warnings;
    let expected = [("exclude", "`drafts/a.html`"), ("include_hidden", "`.cache`"), ("allow_private", "`index.html`")];
    assert_eq!(warnings.len(), expected.len(), "what lies in a folder that stays out is not known: {warnings:?}");
    for (warning, (setting, nearest)) in warnings.iter().zip(expected) {
        assert!(warning.contains(&format!("`{setting}`")) && warning.contains(nearest), "{warning}");
    }
}

#[test]
fn keys_of_the_home_folder_stay_private_whatever_is_allowed() {
    let home =
        site(&[".ssh/id_ed25519", ".ssh/config", ".bash_history", "work/dist/keys/id_rsa", "work/dist/index.html"]);
    let settings = PublishSettings {
        include_hidden: globs(&["**"]),
        allow_private: globs(&["**"]),
        home: Some(home.path().to_owned()),
        ..PublishSettings::default()
    };
    let message = |folder: &str| {
        let problem = take_with(&home.path().join(folder), &settings).unwrap_err();
        assert_eq!(problem.code, Code::Private);
        problem.message
    };
    let keys = message(".ssh");
    assert!(keys.starts_with("`config` is among the keys") && keys.contains("`id_ed25519`"), "{keys}");
    let site = take_with(&home.path().join("work/dist"), &settings).unwrap();
    assert_eq!(names(&site), ["index.html", "keys/id_rsa"]);
}

#[test]
fn all_files_of_a_person_or_a_machine_are_refused_before_they_are_walked() {
    let home = site(&["work/dist/index.html"]);
    // What is walked would be refused for this.
    fs::write(home.path().join(if cfg!(unix) { "\u{1}" } else { "CON" }), "").unwrap_or_default();
    let settings = PublishSettings { home: Some(home.path().to_owned()), ..PublishSettings::default() };
    for (folder, what) in [
        (home.path(), "is or contains your home folder"),
        (home.path().parent().unwrap(), "is or contains your home folder"),
        (Path::new("/"), "contains all files of this machine"),
        (&home.path().join("work/.."), "is or contains your home folder"),
    ] {
        let problem = take_with(folder, &settings).unwrap_err();
        assert_eq!(problem.code, Code::Private);
        assert!(problem.message.contains(what), "{}", problem.message);
    }
    assert!(take_with(&home.path().join("work"), &settings).is_ok());
}

#[test]
fn litter_stays_out_wherever_it_lies() {
    let folder = site(&[
        "a.html",
        "a.html~",
        "a.bak",
        "sub/.DS_Store",
        "Thumbs.db",
        "__MACOSX/._a.html",
        "sub/.a.html.swp",
        ".env~",
    ]);
    let snapshot = take(folder.path()).unwrap();
    assert_eq!(names(&snapshot), ["a.bak", "a.html"]);
    assert!(snapshot.left_out.hidden.is_empty(), "{:?}", snapshot.left_out);
    assert_eq!(
        snapshot.left_out.litter,
        [".env~", "Thumbs.db", "__MACOSX/", "a.html~", "sub/.DS_Store", "sub/.a.html.swp"]
    );
    let settings =
        PublishSettings { include_hidden: globs(&["Thumbs.db", "__MACOSX/*"]), ..PublishSettings::default() };
    let snapshot = take_with(folder.path(), &settings).unwrap();
    assert_eq!(names(&snapshot), ["Thumbs.db", "__MACOSX/._a.html", "a.bak", "a.html"]);
}

#[test]
fn source_maps_are_published_left_out_or_refused() {
    let folder = site(&["a.js", "a.js.map", "b/a.css.map", "level.map"]);
    write(&folder, "a.js", "f()\n//# sourceMappingURL=a.js.map");
    let with = |source_maps, allowed: &[&str]| {
        let settings = PublishSettings { source_maps, allow_private: globs(allowed), ..PublishSettings::default() };
        take_with(folder.path(), &settings)
    };
    let all = with(SourceMaps::Publish, &[]).unwrap();
    assert_eq!(names(&all), ["a.js", "a.js.map", "b/a.css.map", "level.map"]);
    assert!(all.left_out.is_empty());
    let skipped = with(SourceMaps::Skip, &[]).unwrap();
    assert_eq!(names(&skipped), ["a.js", "level.map"]);
    assert_eq!(skipped.left_out, LeftOut { source_maps: 2, ..LeftOut::default() });
    let script = SitePath::new("a.js").unwrap();
    assert_eq!(skipped.files[&script].digest, Digest::of(b"f()\n//# sourceMappingURL=a.js.map"));
    let problem = with(SourceMaps::Refuse, &[]).unwrap_err();
    assert_eq!(problem.code, Code::Private);
    assert!(
        problem.message.contains("`a.js.map` is a source map") && problem.message.contains("`b/a.css.map`"),
        "{problem}"
    );
    assert!(problem.hint.contains("allow_private = [\"a.js.map\", \"b/a.css.map\"]"), "{}", problem.hint);
    assert_eq!(problem.while_visitors_see(VisitorsSee::Untouched).exit_code(), ExitCode::Usage);
    let problem = with(SourceMaps::Refuse, &["b"]).unwrap_err();
    assert!(!problem.message.contains("a.css.map"), "{problem}");
    assert_eq!(names(&with(SourceMaps::Refuse, &["**/*.map"]).unwrap()).len(), 4);
}

#[test]
fn private_contents_are_refused_with_their_line() {
    let folder = site(&["index.html"]);
    // Far enough to cross the border of two buffers.
    let before = "x".repeat((256 << 10) - 20 - 2);
    write(
        &folder,
        "notes.txt",
        &format!("a\n{before}\n-----BEGIN RSA PRIVATE KEY-----\n{}\n", "MIIEn0tAkey".repeat(6)),
    );
    refused(folder.path(), Code::Private, &["`notes.txt` contains a private key in line 3"]);
    let settings = PublishSettings { allow_private: globs(&["notes.txt"]), ..PublishSettings::default() };
    assert_eq!(take_with(folder.path(), &settings).unwrap().files.len(), 2);
}

#[test]
fn at_most_ten_offenders_are_named() {
    let files: Vec<String> = (10..40).map(|number| format!("{number}/id_rsa")).collect();
    let folder = site(&files.iter().map(String::as_str).collect::<Vec<_>>());
    let problem = refused(folder.path(), Code::Private, &["`10/id_rsa`", "`19/id_rsa`", "30 in all"]);
    assert!(!problem.message.contains("20/id_rsa"), "{problem}");
}

#[test]
fn names_that_make_no_key_are_refused() {
    for (name, part) in [("a\nb", "control character"), ("a\\b", "backslash"), ("_publish/x", "")] {
        let folder = site(&["index.html", name]);
        if part.is_empty() {
            let everywhere = Layout::new("shop", "bucket", "", None, None);
            let problem = Snapshot::take(
                folder.path(),
                &PublishSettings::default(),
                &everywhere,
                &Stop::default(),
                Events::new(&|_| {}),
            );
            let problem = problem.unwrap_err();
            assert_eq!(problem.code, Code::BadName);
            assert!(problem.message.contains("own files"), "{problem}");
            assert!(take(folder.path()).is_ok(), "with a prefix it is a name like any other");
        } else {
            let problem = refused(folder.path(), Code::BadName, &[part]);
            assert!(!problem.message.contains('\n'), "{problem}");
        }
    }
}

#[test]
fn keys_are_measured_with_the_prefix() {
    // Each segment is as long as disks allow.
    let long = format!("{0}/{0}/{0}/{0}", "ä".repeat(126));
    let folder = site(&[&format!("{long}/1234567")]);
    assert_eq!(take(folder.path()).unwrap().files.len(), 1);
    let folder = site(&[&format!("{long}/12345678")]);
    refused(folder.path(), Code::BadName, &["1025 bytes", "1024"]);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_are_refused() {
    use std::os::unix::ffi::OsStrExt;
    let folder = site(&["index.html"]);
    fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9.txt")), "x").unwrap();
    refused(folder.path(), Code::BadName, &["caf\u{fffd}.txt", "UTF-8"]);
    let settings = PublishSettings { exclude: globs(&["*.txt"]), ..PublishSettings::default() };
    assert_eq!(names(&take_with(folder.path(), &settings).unwrap()), ["index.html"]);
}

#[test]
fn a_file_over_5_gib_is_refused_by_its_size() {
    let folder = site(&["index.html", "film.mp4"]);
    let file = fs::File::options().write(true).open(folder.path().join("film.mp4")).unwrap();
    file.set_len(MAX_FILE_BYTES + 1).unwrap();
    let events = Mutex::new(0);
    let listener = |_| *events.lock().unwrap() += 1;
    let problem =
        Snapshot::take(folder.path(), &PublishSettings::default(), &layout(), &Stop::default(), Events::new(&listener));
    assert_eq!(problem.unwrap_err().code, Code::TooLarge);
    assert_eq!(events.into_inner().unwrap(), 0, "it must not be read");
}

#[cfg(target_os = "linux")] // Elsewhere disks may ignore case, and hold one of the two.
#[test]
fn names_worth_a_word_are_warned_about() {
    let folder = site(&["A.html", "a.html", "b/c~d.txt", "e.txt"]);
    let warnings = take(folder.path()).unwrap().warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("`A.html`, `a.html` differ only in case"), "{warnings:?}");
    assert!(warnings[1].contains("`b/c~d.txt`") && !warnings[1].contains("e.txt"), "{warnings:?}");
}

#[cfg(unix)]
mod links;
#[cfg(unix)]
mod swaps;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The order in which files were created, and thus that in which a disk lists them, makes no difference: neither to
    /// the result nor to the messages.
    #[test]
    fn order_does_not_matter(
        files in Just(vec![
            "index.html", "A.html", "a.html", "b~.txt", "c~.txt", "x/1", "x/2", "y/1", ".z", ".well-known/a", ".q/1", "X/1",
        ]).prop_shuffle(),
        bad in proptest::sample::subsequence(vec!["id_rsa", "k/id_rsa", "m\\n", "o\\p", "key.txt", "key2.txt"], 0..=3).prop_shuffle(),
    ) {
        let words = |mut files: Vec<&str>, sort: bool| {
            if sort {
                files.sort_unstable();
            }
            let folder = site(&files);
            for key in files.iter().filter(|name| name.starts_with("key")) {
                write(&folder, key, "\n-----BEGIN PRIVATE KEY-----\n");
            }
            take(folder.path())
                .map(|taken| {
                    let files: Vec<_> = taken.files.into_iter().map(|(path, file)| (path, file.digest)).collect();
                    (files, taken.left_out, taken.warnings)
                })
                .map_err(|problem| (problem.code.as_str(), problem.message, problem.hint))
        };
        let all: Vec<&str> = files.iter().chain(&bad).copied().collect();
        prop_assert_eq!(words(all.clone(), false), words(all, true));
    }
}

#[test]
fn files_for_the_host_are_read_and_not_published() {
    let folder = site(&["index.html", "_headers", "_redirects", "docs/_headers"]);
    let snapshot = take(folder.path()).unwrap();
    assert_eq!(names(&snapshot), ["docs/_headers", "index.html"], "only those at the root are for the host");
    assert_eq!(snapshot.hosting.headers.as_deref(), Some("_headers"));
    assert_eq!(snapshot.hosting.redirects.as_deref(), Some("_redirects"));
    let settings = PublishSettings { exclude: globs(&["_headers"]), ..PublishSettings::default() };
    let snapshot = take_with(folder.path(), &settings).unwrap();
    assert_eq!((names(&snapshot), snapshot.hosting.headers.clone()), (vec!["docs/_headers", "index.html"], None));
    let alone = site(&["_headers"]);
    refused(alone.path(), Code::NoSite, &[]);
}

#[test]
fn files_for_the_host_that_are_no_text_are_refused() {
    let folder = site(&["index.html"]);
    fs::write(folder.path().join("_headers"), b"/\xff\n").unwrap();
    refused(folder.path(), Code::Configuration, &["_headers", "UTF-8"]);
    fs::write(folder.path().join("_headers"), vec![b'#'; (1 << 20) + 1]).unwrap();
    refused(folder.path(), Code::Configuration, &["_headers", "1 MiB"]);
}
