//! Files whose names nearly match a reference. Listed with the missing files, because a disk that ignores the
//! difference does not show it.

use std::collections::BTreeMap;

use icu_normalizer::ComposingNormalizer;
use percent_encoding::percent_decode_str;

use crate::content::path::SitePath;

/// All files of a site, by normalized names.
#[derive(Default)]
pub(super) struct NearMisses<'a>(BTreeMap<String, Vec<&'a SitePath>>);

impl<'a> NearMisses<'a> {
    pub(super) fn among(files: &'a [SitePath]) -> NearMisses<'a> {
        let mut named: BTreeMap<String, Vec<&SitePath>> = BTreeMap::new();
        for path in files {
            named.entry(taken_for(path.as_str())).or_default().push(path);
        }
        NearMisses(named)
    }

    /// The file whose path nearly matches `missing`, and how the paths differ, as the end of a sentence.
    pub(super) fn of(&self, missing: &str) -> Option<String> {
        let file = self.0.get(&taken_for(missing))?.first()?.as_str();
        let differs = if composed(file) == composed(missing) {
            "whose accented letters are encoded differently (Unicode NFC and NFD)"
        } else if composed(file).to_lowercase() == composed(missing).to_lowercase() {
            "which differs in upper and lower case"
        } else if decoded(missing) == file {
            "which is percent-encoded twice in the reference"
        } else {
            "which differs in case or in how it is encoded"
        };
        Some(format!("there is `{file}`, {differs}"))
    }
}

/// The same for paths that look alike: NFC, in lower case, and without percent-encoding.
fn taken_for(path: &str) -> String {
    composed(&decoded(path)).to_lowercase()
}

/// In Unicode normalization form C.
fn composed(text: &str) -> String {
    ComposingNormalizer::new_nfc().normalize(text).into_owned()
}

fn decoded(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_is_named_with_the_difference() {
        let files: Vec<SitePath> = ["Assets/App.js", "caf\u{e9}.html", "my file.css", "100%25.txt", "a.js"]
            .map(|path| SitePath::new(path).unwrap())
            .into();
        let near = NearMisses::among(&files);
        for (missing, file, part) in [
            ("assets/app.js", "Assets/App.js", "upper and lower case"),
            ("cafe\u{301}.html", "caf\u{e9}.html", "NFC and NFD"),
            ("my%20file.css", "my file.css", "encoded twice"),
            ("100%.txt", "100%25.txt", "how it is encoded"),
        ] {
            let said = near.of(missing).unwrap();
            assert!(said.contains(&format!("`{file}`")) && said.contains(part), "{missing}: {said}");
        }
        assert_eq!(near.of("b.js"), None);
        assert_eq!(near.of("assets/a.js"), None);
    }
}
