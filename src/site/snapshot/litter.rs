//! Files that editors and operating systems leave behind.
//!
//! Only names that no page has are here. `*.bak`, `*.orig`, `*.old` and `*.tmp` may be intentional, and so may a
//! `*.swp` that does not begin with a dot: `exclude` leaves them out.

/// Folders, in lower case: what macOS puts into archives and what it and Windows put on disks.
const FOLDERS: [&str; 6] = ["__macosx", "$recycle.bin", ".appledouble", ".spotlight-v100", ".trashes", ".fseventsd"];

/// Files, in lower case: what Finder and Explorer write into folders that they show.
const FILES: [&str; 5] = [".ds_store", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"];

/// Whether `path` is in such a folder, is one (`is_folder`), or is such a file. Case does not matter.
pub(super) fn is_litter(path: &str, is_folder: bool) -> bool {
    let path = path.to_ascii_lowercase();
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let is_file = !is_folder && (FILES.contains(&name) || is_of_an_editor(name) || name.starts_with("._"));
    let in_folder = folders.split('/').any(|folder| FOLDERS.contains(&folder));
    is_file || in_folder || is_folder && FOLDERS.contains(&name)
}

/// Backups (`page.html~`), locks (`.#page.html`) and unsaved text (`#page.html#`, `.page.html.swp`) of Emacs, Vim and
/// similar editors.
fn is_of_an_editor(name: &str) -> bool {
    let swapped = name.starts_with('.') && [".swp", ".swo", ".swn"].iter().any(|ending| name.ends_with(ending));
    let unsaved = name.len() > 2 && name.starts_with('#') && name.ends_with('#');
    (name.len() > 1 && name.ends_with('~')) || name.starts_with(".#") || unsaved || swapped
}

#[cfg(test)]
mod tests {
    use super::is_litter;

    #[test]
    fn litter_is_known_in_any_case_and_folder() {
        for litter in [
            ".DS_Store",
            "a/b/.DS_Store",
            "a/Thumbs.db",
            "THUMBS.DB",
            "Desktop.ini",
            "ehthumbs.db",
            "a/index.html~",
            ".index.html.swp",
            "a/.index.html.swo",
            ".#index.html",
            "#index.html#",
            "._index.html",
            "__MACOSX/a/b.html",
        ] {
            assert!(is_litter(litter, false), "{litter}");
        }
        assert!(is_litter("a/__MACOSX", true));
    }

    #[test]
    fn names_that_may_be_meant_are_no_litter() {
        for meant in [
            "index.html",
            "a.bak",
            "a.orig",
            "a.tmp",
            "a.swp",
            "~",
            "users/~/index.html",
            "a~b.html",
            "thumbs.db.html",
            "#",
            "##",
            "c#/index.html",
            ".well-known/security.txt",
            ".nojekyll",
            "_underline.css",
            "macosx/a.html",
        ] {
            assert!(!is_litter(meant, false), "{meant}");
        }
        assert!(!is_litter("a~", true) && !is_litter("._a", true), "a folder that a person named");
    }
}
