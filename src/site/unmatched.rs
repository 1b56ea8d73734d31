//! Settings that match nothing: they do not exclude or include what their author expects.

use std::collections::BTreeSet;

use crate::report::error::Problem;
use crate::types::globs::{PathGlobs, plain};

/// How similar a name must be to the setting to be suggested (Jaro-Winkler).
const NEAR: f64 = 0.8;

/// A sentence for each of `globs`, from the setting called `setting`, that matches none of `names`: the names of files
/// and folders. `unseen` are folders that were not read.
///
/// # Errors
/// For an invalid glob.
pub(crate) fn warnings(
    setting: &str,
    globs: &[String],
    names: &BTreeSet<&str>,
    unseen: &BTreeSet<&str>,
) -> Result<Vec<String>, Problem> {
    let unmatched = PathGlobs::new(setting, globs)?.unmatched(names.iter().copied());
    let may_be_unseen = |glob: &&String| {
        let glob = plain(glob);
        let reaches = |folder: &&str| {
            glob.starts_with("**") || glob.strip_prefix(*folder).is_some_and(|rest| rest.starts_with('/'))
        };
        unseen.iter().any(reaches)
    };
    let named = unmatched.into_iter().map(|glob| &globs[glob]).filter(|glob| !may_be_unseen(glob));
    let setting = setting.rsplit('.').next().unwrap_or(setting);
    Ok(named.map(|glob| sentence(setting, glob, names)).collect())
}

/// The names of files, and of their folders.
pub(crate) fn with_folders<'n>(files: impl Iterator<Item = &'n str>) -> BTreeSet<&'n str> {
    let folders = |file: &'n str| file.match_indices('/').map(move |(end, _)| &file[..end]);
    files.flat_map(|file| folders(file).chain([file])).collect()
}

/// As [`warnings`], for files that are removed at once when they leave the site: they may have left already.
pub(crate) fn absent<'n>(
    setting: &str,
    globs: &[String],
    files: impl Iterator<Item = &'n str>,
) -> Result<Vec<String>, Problem> {
    if globs.is_empty() {
        return Ok(Vec::new());
    }
    warnings(setting, globs, &with_folders(files), &BTreeSet::new())
}

/// A sentence for each of `globs` that is not in use, by their positions in the list: no broken reference
/// matches it. `missing` are the targets of broken references.
pub(crate) fn unused(setting: &str, globs: &[String], used: &BTreeSet<usize>, missing: &BTreeSet<&str>) -> Vec<String> {
    let unused = globs.iter().enumerate().filter(|(glob, _)| !used.contains(glob));
    let sentences = unused.map(|(_, glob)| {
        let nearest = nearest(glob, missing).map(|name| format!("{NEAREST}`{name}`")).unwrap_or_default();
        format!("`{setting}` in publish.toml lists `{glob}`, but no reference matches it{nearest}")
    });
    sentences.collect()
}

/// Introduces the name that was probably meant.
const NEAREST: &str = "; the nearest match is ";

fn sentence(setting: &str, glob: &str, names: &BTreeSet<&str>) -> String {
    let nearest = match nearest(glob, names) {
        Some(name) => format!("{NEAREST}`{name}`"),
        None => String::new(),
    };
    format!("`{setting}` in publish.toml lists `{glob}`, but nothing in the folder matches it{nearest}")
}

/// The name that `glob` probably means: with a folder too many or too few, or a similar spelling.
pub(crate) fn nearest(glob: &str, names: &BTreeSet<&str>) -> Option<String> {
    let glob = &collapsed(plain(glob)).to_lowercase();
    let without_folders = glob.match_indices('/').map(|(at, _)| glob[at + 1..].to_owned());
    let below_any = format!("**/{}", glob.trim_start_matches("**/"));
    let matched =
        without_folders.chain([below_any]).filter(|glob| !matches!(glob.as_str(), "" | "*" | "**")).find_map(|glob| {
            let globs = PathGlobs::new("", &[glob]).ok()?;
            names.iter().find(|name| globs.cover_text(&name.to_lowercase()))
        });
    matched.or_else(|| alike(glob, names)).map(|name| (*name).to_owned())
}

/// The name that is most similar to the folders and the name that `glob` begins with, ignoring case.
fn alike<'n>(glob: &str, names: &'n BTreeSet<&'n str>) -> Option<&'n &'n str> {
    let is_plain = |segment: &&str| !segment.contains(['*', '?', '[', '{']);
    let named: Vec<&str> = glob.split('/').take_while(is_plain).collect();
    let named = named.join("/");
    let likeness = |name: &str| strsim::jaro_winkler(&named, &name.to_lowercase());
    let best = names.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    best.filter(|name| !named.is_empty() && likeness(name) > NEAR)
}

/// With repeated `/` collapsed.
fn collapsed(glob: &str) -> String {
    let segments: Vec<&str> = glob.split('/').filter(|segment| !segment.is_empty()).collect();
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(globs: &[&str], unseen: &[&str]) -> Vec<String> {
        let globs: Vec<String> = globs.iter().map(|&glob| glob.to_owned()).collect();
        let names = ["drafts", "drafts/a.html", "index.html", "assets", "assets/app.js", "docs", "docs/b.pdf"];
        let unseen = unseen.iter().copied().collect();
        warnings("publish.exclude", &globs, &names.into_iter().collect(), &unseen).unwrap()
    }

    #[test]
    fn what_names_something_is_not_told() {
        assert!(said(&["./drafts/**", "drafts/", "**/*.pdf", "index.html"], &[]).is_empty());
        assert!(said(&["old/a.html", "**/*.map"], &["old"]).is_empty(), "what was not looked into may hold them");
    }

    #[test]
    fn what_was_meant_is_told() {
        for (glob, nearest) in [
            ("dist/drafts/**", "`drafts/a.html`"),
            ("dist/drafts", "`drafts`"),
            ("app.js", "`assets/app.js`"),
            ("draft/**", "`drafts"),
            ("Drafts/**", "`drafts/a.html`"),
            ("drafts//a.htm", "`drafts/a.html`"),
            ("DIST/DOCS/B.PDF", "`docs/b.pdf`"),
            ("indx.html", "`index.html`"),
        ] {
            let sentences = said(&[glob], &[]);
            assert_eq!(sentences.len(), 1, "{glob}");
            let expected = format!("`exclude` in publish.toml lists `{glob}`");
            assert!(sentences[0].starts_with(&expected) && sentences[0].contains(nearest), "{sentences:?}");
        }
        assert!(said(&["zzz"], &[])[0].ends_with("nothing in the folder matches it"));
    }

    #[test]
    fn what_is_to_be_removed_at_once_and_is_nowhere_is_told() {
        let globs = ["offers/**".to_owned(), "dist/data.json".to_owned(), "data.json".to_owned()];
        let told = absent("publish.remove_now", &globs, ["index.html", "data.json"].into_iter()).unwrap();
        assert_eq!(told.len(), 2);
        assert!(told[0].contains("`offers/**`") && !told[0].contains(NEAREST), "{told:?}");
        assert!(told[1].contains("`remove_now`") && told[1].contains("`data.json`"), "{told:?}");
    }

    #[test]
    fn what_no_reference_needs_is_told() {
        let globs = ["api/**".to_owned(), "legacy/**".to_owned()];
        let missing = ["old/legacy/app.js"].into_iter().collect();
        let told = unused("external", &globs, &[0].into_iter().collect(), &missing);
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("`legacy/**`") && told[0].contains("`old/legacy/app.js`"), "{told:?}");
    }
}
