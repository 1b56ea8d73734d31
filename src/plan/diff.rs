//! How the files of two releases differ.
//!
//! Pure and synchronous: no clock, no disk, no network.

use serde::{Deserialize, Serialize};

use crate::content::path::SitePath;
use crate::release::counts::FileCounts;
use crate::release::manifest::{Entry, Files};
use crate::types::headers::Kind;

/// How a file differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// Only the second has it.
    Added,
    /// The second has it with other bytes.
    Replaced,
    /// The second has it with the same bytes and other headers.
    Reheadered,
    /// Only the first has it.
    Removed,
}

/// One file that differs. In JSON a line of its own with `"type":"difference"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "difference")]
pub struct Difference {
    /// The path in the site.
    #[cfg_attr(test, schemars(with = "String"))]
    pub path: SitePath,
    /// How it differs.
    pub change: Changed,
    /// Its size in the first; `null` where that does not have it.
    pub before_bytes: Option<u64>,
    /// Its size in the second; `null` where that does not have it.
    pub after_bytes: Option<u64>,
}

/// How the second of two releases differs from the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// The files that differ, sorted by path.
    pub differences: Vec<Difference>,
    /// Their numbers, and how many files the second has.
    pub counts: FileCounts,
}

impl Diff {
    /// From `first` to `second`.
    pub fn between(first: &Files, second: &Files) -> Diff {
        let removed = first.iter().filter(|(path, _)| !second.contains_key(*path));
        let removed = removed.map(|(path, entry)| difference(path, Changed::Removed, Some(entry), None));
        let others = second.iter().filter_map(|(path, entry)| {
            let before = first.get(path);
            Some(difference(path, change(before, entry)?, before, Some(entry)))
        });
        let mut differences: Vec<Difference> = removed.chain(others).collect();
        differences.sort_by(|one, other| one.path.cmp(&other.path));
        let counts = count(&differences, second);
        Diff { differences, counts }
    }

    /// How many bytes more the second has than the first.
    pub fn growth_bytes(&self) -> i128 {
        let bytes = |size: Option<u64>| i128::from(size.unwrap_or(0));
        self.differences.iter().map(|file| bytes(file.after_bytes) - bytes(file.before_bytes)).sum()
    }
}

fn change(before: Option<&Entry>, after: &Entry) -> Option<Changed> {
    match before {
        None => Some(Changed::Added),
        Some(before) if !before.same_bytes(after) => Some(Changed::Replaced),
        Some(before) if before.headers != after.headers => Some(Changed::Reheadered),
        Some(_) => None,
    }
}

fn difference(path: &SitePath, change: Changed, before: Option<&Entry>, after: Option<&Entry>) -> Difference {
    let size = |entry: Option<&Entry>| entry.map(|entry| entry.size_bytes);
    Difference { path: path.clone(), change, before_bytes: size(before), after_bytes: size(after) }
}

fn count(differences: &[Difference], second: &Files) -> FileCounts {
    let with = |wanted: Changed| differences.iter().filter(|file| file.change == wanted).count();
    let (added, replaced, reheadered) = (with(Changed::Added), with(Changed::Replaced), with(Changed::Reheadered));
    FileCounts {
        total: second.len(),
        fingerprinted: second.values().filter(|entry| entry.kind == Kind::Fingerprinted).count(),
        added,
        replaced,
        reheadered,
        removed: with(Changed::Removed),
        unchanged: second.len() - added - replaced - reheadered,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_map;
    use proptest::prelude::*;

    use super::*;
    use crate::release::manifest::Kept;
    use crate::types::digest::Digest;
    use crate::types::headers::Headers;

    fn entry(bytes: &str, cache_control: &str) -> Entry {
        let headers = Headers {
            cache_control: cache_control.to_owned(),
            content_type: "text/plain; charset=utf-8".to_owned(),
            content_encoding: None,
            content_disposition: None,
            content_language: None,
            metadata: Default::default(),
        };
        let (digest, size_bytes) = (Digest::of(bytes.as_bytes()), bytes.len() as u64);
        Entry { digest, size_bytes, headers, kind: Kind::Mutable, kept: Kept::Blob, crc64: None, md5: None }
    }

    fn files() -> impl Strategy<Value = Files> {
        let content = ("[ab]{0,3}", "[xy]").prop_map(|(bytes, headers)| entry(&bytes, &headers));
        let path = "[a-e]".prop_map(|name| SitePath::new(name).unwrap());
        btree_map(path, content, 0..5)
    }

    /// The same difference in the other direction.
    fn inverted(difference: Difference) -> Difference {
        let change = match difference.change {
            Changed::Added => Changed::Removed,
            Changed::Removed => Changed::Added,
            change @ (Changed::Replaced | Changed::Reheadered) => change,
        };
        let Difference { path, before_bytes, after_bytes, .. } = difference;
        Difference { path, change, before_bytes: after_bytes, after_bytes: before_bytes }
    }

    /// `files` with the changes of `diff` applied; new files are taken from `second`.
    fn patched(mut files: Files, diff: &Diff, second: &Files) -> Files {
        for Difference { path, change, .. } in &diff.differences {
            match change {
                Changed::Removed => drop(files.remove(path)),
                _ => drop(files.insert(path.clone(), second[path].clone())),
            }
        }
        files
    }

    proptest! {
        #[test]
        fn nothing_differs_from_itself(files in files()) {
            let diff = Diff::between(&files, &files);
            prop_assert_eq!(&diff.differences, &[]);
            prop_assert_eq!(diff.counts.unchanged, files.len());
        }

        #[test]
        fn the_way_back_is_the_way_there_inverted(first in files(), second in files()) {
            let (there, back) = (Diff::between(&first, &second), Diff::between(&second, &first));
            let inverted: Vec<Difference> = there.differences.iter().cloned().map(inverted).collect();
            prop_assert_eq!(inverted, back.differences.clone());
            prop_assert_eq!(there.growth_bytes(), -back.growth_bytes());
        }

        #[test]
        fn every_difference_is_said_and_no_other(first in files(), second in files()) {
            let diff = Diff::between(&first, &second);
            prop_assert_eq!(patched(first.clone(), &diff, &second), second.clone());
            let size = |files: &Files| files.values().map(|entry| i128::from(entry.size_bytes)).sum::<i128>();
            prop_assert_eq!(diff.growth_bytes(), size(&second) - size(&first));
            for difference in &diff.differences {
                prop_assert_ne!(first.get(&difference.path), second.get(&difference.path));
            }
        }
    }

    #[test]
    fn other_bytes_are_replaced_and_other_headers_are_not() {
        let path = |name: &str| SitePath::new(name).unwrap();
        let first =
            Files::from([(path("a"), entry("1", "x")), (path("b"), entry("22", "x")), (path("c"), entry("", "x"))]);
        let second =
            Files::from([(path("a"), entry("1", "y")), (path("b"), entry("333", "y")), (path("d"), entry("4", "x"))]);
        let diff = Diff::between(&first, &second);
        let changes: Vec<(&str, Changed)> =
            diff.differences.iter().map(|file| (file.path.as_str(), file.change)).collect();
        assert_eq!(
            changes,
            [("a", Changed::Reheadered), ("b", Changed::Replaced), ("c", Changed::Removed), ("d", Changed::Added)]
        );
        let expected =
            FileCounts { total: 3, added: 1, replaced: 1, reheadered: 1, removed: 1, ..FileCounts::default() };
        assert_eq!((diff.counts, diff.growth_bytes()), (expected, 2));
    }
}
