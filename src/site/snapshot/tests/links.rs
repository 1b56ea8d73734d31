//! Symbolic links.

use std::os::unix::fs::symlink;

use super::super::walk::{LIMITS, Limits, walk};
use super::*;

#[test]
fn links_inside_the_folder_are_followed() {
    let folder = site(&["real/page.html", "real/deep/x.js"]);
    symlink("page.html", folder.path().join("real/alias.html")).unwrap();
    symlink(folder.path().join("real"), folder.path().join("again")).unwrap();
    let snapshot = take(folder.path()).unwrap();
    assert_eq!(
        names(&snapshot),
        [
            "again/alias.html",
            "again/deep/x.js",
            "again/page.html",
            "real/alias.html",
            "real/deep/x.js",
            "real/page.html"
        ]
    );
    let alias = &snapshot.files[&SitePath::new("again/alias.html").unwrap()];
    assert_eq!(alias.digest, Digest::of(b"real/page.html"));
    assert!(fs::symlink_metadata(alias.place.path()).unwrap().is_file(), "links are resolved");
}

#[test]
fn the_folder_itself_may_be_a_link() {
    let folder = site(&["build/index.html"]);
    symlink("build", folder.path().join("dist")).unwrap();
    assert_eq!(names(&take(&folder.path().join("dist")).unwrap()), ["index.html"]);
}

#[test]
fn links_out_of_the_folder_are_refused() {
    let outside = site(&["secret.txt"]);
    let folder = site(&["index.html"]);
    symlink(outside.path().join("secret.txt"), folder.path().join("a.txt")).unwrap();
    symlink(outside.path(), folder.path().join("b")).unwrap();
    refused(folder.path(), Code::BadLink, &["`a.txt` is a symbolic link that leads out of the folder", "`b` is"]);
}

#[test]
fn a_neighbour_with_the_same_beginning_is_outside() {
    let parent = site(&["dist/index.html", "dist-old/a.txt"]);
    symlink("../dist-old/a.txt", parent.path().join("dist/a.txt")).unwrap();
    refused(&parent.path().join("dist"), Code::BadLink, &["`a.txt`"]);
}

#[test]
fn links_to_nothing_are_refused() {
    let folder = site(&["index.html"]);
    symlink("gone.txt", folder.path().join("a.txt")).unwrap();
    refused(folder.path(), Code::BadLink, &["`a.txt` is a symbolic link to something that does not exist"]);
}

#[test]
fn circles_are_found() {
    let folder = site(&["a/index.html", "b/index.html"]);
    symlink("self", folder.path().join("self")).unwrap();
    refused(folder.path(), Code::BadLink, &["`self`", "in a circle"]);
    fs::remove_file(folder.path().join("self")).unwrap();
    symlink("..", folder.path().join("a/up")).unwrap();
    refused(folder.path(), Code::BadLink, &["`a/up`", "in a circle"]);
    fs::remove_file(folder.path().join("a/up")).unwrap();
    symlink("../b", folder.path().join("a/to-b")).unwrap();
    symlink("../a", folder.path().join("b/to-a")).unwrap();
    refused(folder.path(), Code::BadLink, &["`a/to-b/to-a`", "`b/to-a/to-b`", "in a circle"]);
}

#[test]
fn a_private_file_is_private_under_any_name() {
    let folder = site(&["index.html", ".env", ".git/config"]);
    symlink(".env", folder.path().join("settings.txt")).unwrap();
    symlink(".git", folder.path().join("source")).unwrap();
    refused(folder.path(), Code::Private, &["`settings.txt`", "`source/config`"]);
}

#[test]
fn what_is_no_file_is_refused_and_never_opened() {
    let folder = site(&["index.html"]);
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("a.sock")).unwrap();
    symlink("a.sock", folder.path().join("b")).unwrap();
    refused(folder.path(), Code::NotAFile, &["`a.sock` is not a file", "`b` is not a file"]);
}

#[test]
fn hidden_oddities_stay_out_like_all_else_hidden() {
    let folder = site(&["index.html"]);
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join(".sock")).unwrap();
    symlink("gone", folder.path().join(".link")).unwrap();
    assert_eq!(take(folder.path()).unwrap().left_out.hidden, [".link", ".sock"]);
}

#[test]
fn a_folder_may_have_many_names_and_is_read_once() {
    let folder = site(&["v2/index.html", "v2/sub/app.js"]);
    for name in ["latest", "stable", "v2.0"] {
        symlink("v2", folder.path().join(name)).unwrap();
    }
    let snapshot = take(folder.path()).unwrap();
    assert_eq!(snapshot.files.len(), 8);
    let places: Vec<&SeenFile> = snapshot.files.values().map(|file| &file.place).collect();
    let differ = places.iter().enumerate().filter(|(index, place)| !places[..*index].contains(place)).count();
    assert_eq!(differ, 2, "each name leads to the one file");
}

/// `levels` folders, each with two links to the next; the last has a file.
fn doubling(levels: usize) -> TempDir {
    let folder = site(&[&format!("{levels}/index.html"), "0/index.html"]);
    for level in 0..levels {
        fs::create_dir_all(folder.path().join(level.to_string())).unwrap();
        for link in ["a", "b"] {
            symlink(format!("../{}", level + 1), folder.path().join(format!("{level}/{link}"))).unwrap();
        }
    }
    folder
}

#[test]
fn links_are_followed_eight_deep() {
    assert_eq!(take(doubling(8).path()).unwrap().files.len(), (1 << 9) - 1 + 1);
    let problem =
        refused(doubling(22).path(), Code::BadLink, &["`0/a/a/a/a/a/a/a/a/a` is a symbolic link", "8 others"]);
    assert_eq!(problem.while_visitors_see(VisitorsSee::Untouched).exit_code(), ExitCode::Usage);
}

#[test]
fn the_link_that_makes_too_many_names_is_named() {
    let folder = site(&["index.html", "few/a", "many/1", "many/2", "many/3", "many/4"]);
    symlink("few", folder.path().join("other")).unwrap();
    symlink("many", folder.path().join("again")).unwrap();
    let selection = Selection::new(&PublishSettings::default()).unwrap();
    let root = open_root(folder.path()).unwrap();
    let refused = |names| {
        let limits = Limits { names, ..LIMITS };
        let walk = walk(&root, &selection, None, &layout(), limits, &Stop::default()).unwrap();
        refuse(walk.refusals).map(|problem| (problem.code, problem.message))
    };
    // Five names at the top, and 1 + 4 + 1 + 4 below.
    assert_eq!(refused(15), None);
    let (code, message) = refused(14).unwrap();
    assert!(code == Code::BadLink && message.starts_with("`again` is a symbolic link"), "{message}");
    assert!(message.contains("more than 14"), "{message}");
    let (code, message) = refused(4).unwrap();
    assert_eq!((code, &*message), (Code::TooLarge, "`.` contains more than 4 files and folders"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_link_whose_name_is_not_utf8_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let folder = site(&["index.html"]);
    symlink("index.html", folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9.html"))).unwrap();
    refused(folder.path(), Code::BadName, &["caf\u{fffd}.html", "UTF-8"]);
}
