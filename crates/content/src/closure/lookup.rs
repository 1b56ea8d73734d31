//! Finds files by the paths that references lead to.

use crate::path::SitePath;
use crate::references::Role;

use super::address::Folder;

/// The files of a site, in their order; each is known by its place.
pub(super) struct Lookup<'a>(Vec<&'a str>);

impl<'a> Lookup<'a> {
    /// `files` are sorted.
    pub(super) fn new(files: &'a [SitePath]) -> Lookup<'a> {
        Lookup(files.iter().map(SitePath::as_str).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The file at exactly this path.
    pub(super) fn find(&self, path: &str) -> Option<u32> {
        self.0.binary_search(&path).ok().and_then(|place| u32::try_from(place).ok())
    }

    /// The file that an address is answered with. A link to a page may leave out what S3 websites and the usual
    /// functions at the edge add: `/a/` is `a/index.html`, `/a` also `a.html`.
    pub(super) fn find_for(&self, path: &str, role: Role) -> Option<u32> {
        let exact = self.find(path);
        if exact.is_some() || !matches!(role, Role::Page | Role::Other) {
            return exact;
        }
        if path.is_empty() || path.ends_with('/') {
            return self.find(&format!("{path}index.html"));
        }
        self.find(&format!("{path}.html")).or_else(|| self.find(&format!("{path}/index.html")))
    }

    /// The file at `path` in `folder`, or else in a folder around it; and that folder.
    pub(super) fn find_around<'f>(&self, folder: &'f Folder, path: &str, role: Role) -> Option<(u32, &'f str)> {
        let path = relative(path);
        folder.and_above().find_map(|place| Some((self.find_for(&format!("{place}{path}"), role)?, place)))
    }

    /// The files whose paths begin and end so, with the rest of one name between.
    pub(super) fn matching(&self, start: &str, end: &str) -> Vec<u32> {
        let candidates = self.0.iter().enumerate().skip(self.first(start));
        let candidates = candidates.take_while(|(_, path)| path.starts_with(start));
        let matching = candidates
            .filter(|(_, path)| path[start.len()..].strip_suffix(end).is_some_and(|between| !between.contains('/')));
        matching.filter_map(|(place, _)| u32::try_from(place).ok()).collect()
    }

    /// Where a file at `path` would lie, in `folder` or around it: where its folder is, or at least the first of them.
    pub(super) fn likely_folder(&self, folder: &Folder, path: &str) -> Option<String> {
        let path = relative(path);
        let whole = path.rfind('/').map_or("", |end| &path[..=end]);
        let first = path.find('/').map_or("", |end| &path[..=end]);
        let find = |inner: &str| folder.and_above().find(|place| self.has_folder(&format!("{place}{inner}")));
        let place = find(whole).or_else(|| find(first))?;
        Some(format!("{place}{path}"))
    }

    /// Whether an address leads to a folder of the site, and is not that of a file that a page loads.
    pub(super) fn is_folder(&self, path: &str, role: Role) -> bool {
        if path.is_empty() || path.ends_with('/') {
            return self.has_folder(path);
        }
        !role.is_essential() && self.has_folder(&format!("{path}/"))
    }

    /// Whether files lie in a folder, whose path ends in a slash or is empty.
    pub(super) fn has_folder(&self, folder: &str) -> bool {
        self.0.get(self.first(folder)).is_some_and(|path| path.starts_with(folder))
    }

    /// Where the files begin that are not before `start`: if any begin with it, the first of them is there.
    fn first(&self, start: &str) -> usize {
        self.0.partition_point(|path| *path < start)
    }
}

/// The path alone, as a runtime puts it behind a folder.
pub(super) fn relative(written: &str) -> &str {
    let path = without_query(written).trim_start_matches('/');
    path.strip_prefix("./").unwrap_or(path)
}

/// What is before the query and the fragment.
pub(super) fn without_query(written: &str) -> &str {
    let end = memchr::memchr2(b'?', b'#', written.as_bytes()).unwrap_or(written.len());
    &written[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sites(paths: &[&str]) -> Vec<SitePath> {
        paths.iter().map(|path| SitePath::new(*path).unwrap()).collect()
    }

    #[test]
    fn names_with_a_hole_match_within_one_folder() {
        let files = sites(&["a.js", "c/1.js", "c/2.css", "c/2.js", "c/d/3.js", "e.js"]);
        let matching = |start, end| Lookup::new(&files).matching(start, end);
        assert_eq!(matching("c/", ".js"), [1, 3]);
        assert_eq!(matching("c/2", ""), [2, 3]);
        assert_eq!(matching("e.js", ""), [5], "the hole may be empty");
        assert_eq!(matching("f/", ".js"), [0_u32; 0]);
    }

    #[test]
    fn a_file_would_lie_where_its_folder_is_or_the_first_of_its_folders() {
        let files = sites(&["_next/chunks/1.js", "_next/static/runtime.js", "index.html"]);
        let of_runtime = Folder::of(&files[1]);
        let likely = |path| Lookup::new(&files).likely_folder(&of_runtime, path);
        assert_eq!(likely("chunks/2.js").as_deref(), Some("_next/chunks/2.js"));
        assert_eq!(likely("./chunks/pages/2.js").as_deref(), Some("_next/chunks/pages/2.js"));
        assert_eq!(likely("2.js").as_deref(), Some("_next/static/2.js"));
        assert_eq!(likely("other/2.js"), None);
    }
}
