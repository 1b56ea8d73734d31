//! What people install from: an archive of the binary with its manual pages and the completions of shells.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// The names of the files in an archive, below its only folder, and their bytes.
fn unpacked(archive: &Path, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let out = tempfile::tempdir().unwrap();
    let tar = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(out.path()).status().unwrap();
    assert!(tar.success());
    let files =
        walkdir::WalkDir::new(out.path()).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    let read = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(out.path().join(folder)).unwrap();
        (path.to_str().unwrap().to_owned(), std::fs::read(entry.path()).unwrap())
    };
    files.map(read).collect()
}

#[test]
fn the_archive_has_all_that_is_installed() {
    let out = tempfile::tempdir().unwrap();
    // It stands for the built binary, which takes half a minute to compress in builds for tests.
    let binary = out.path().join("publish");
    std::fs::write(&binary, format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_publish"))).unwrap();
    std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/tarball.sh");
    let made = Command::new("sh").arg(script).arg(&binary).arg("some-target").arg(out.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let name = format!("publish-{}-some-target", env!("CARGO_PKG_VERSION"));
    let archive = out.path().canonicalize().unwrap().join(format!("{name}.tar.gz"));
    assert_eq!(String::from_utf8(made.stdout).unwrap().trim_end(), archive.to_str().unwrap());

    let files = unpacked(&archive, &name);
    assert_eq!(files["publish"], std::fs::read(&binary).unwrap());
    for copied in ["README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        let own = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(copied)).unwrap();
        assert_eq!(files[copied], own, "{copied}");
    }
    let text = |path: &str| String::from_utf8(files[path].clone()).unwrap();
    assert!(text("man/publish.1").contains(".TH publish 1"));
    for command in ["rollback", "forget-distribution", "verify"] {
        assert!(text(&format!("man/publish-{command}.1")).contains(&format!(".TH publish-{command} 1")), "{command}");
        for script in ["publish.bash", "_publish", "publish.fish", "_publish.ps1"] {
            assert!(text(&format!("completions/{script}")).contains(command), "{script}: {command}");
        }
    }
    assert!(files.values().all(|bytes| !bytes.is_empty()));
    let pages = files.keys().filter(|path| path.starts_with("man/")).count();
    let named =
        text("man/publish.1").lines().filter(|line| line.starts_with("publish\\-") && line.ends_with("(1)")).count();
    assert_eq!((pages, files.len()), (named + 1, 4 + pages + 4), "{:?}", files.keys());
}

#[test]
fn who_calls_it_wrongly_is_told_how() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/tarball.sh");
    let called = Command::new("sh").arg(script).output().unwrap();
    assert_eq!(called.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&called.stderr).starts_with("usage: "));
}
