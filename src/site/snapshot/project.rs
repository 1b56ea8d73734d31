//! Recognises a project that a site is built from, and guesses where the built site is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::place::{FileType, Root};
use super::selection::{Fate, Selection};
use super::tools::{INSTALLED, PACKAGES};
use super::walk::LIMITS;
use crate::report::error::{Code, Problem};
use crate::types::stop::Stop;

/// Names of a framework's or a bundler's configuration, without a script's extension.
const CONFIGURATIONS: [&str; 21] = [
    "vite.config",
    "vue.config",
    "svelte.config",
    "astro.config",
    "next.config",
    "nuxt.config",
    "gatsby-config",
    "remix.config",
    "react-router.config",
    "solid.config",
    "app.config",
    "webpack.config",
    "rspack.config",
    "rsbuild.config",
    "rollup.config",
    "craco.config",
    "quasar.config",
    "eleventy.config",
    ".eleventy",
    "docusaurus.config",
    "ember-cli-build",
];

/// The extensions of such a configuration.
const SCRIPTS: [&str; 6] = ["js", "mjs", "cjs", "ts", "mts", "cts"];

/// Configurations that are not scripts.
const OTHER_CONFIGURATIONS: [&str; 10] = [
    "angular.json",
    ".parcelrc",
    "hugo.toml",
    "hugo.yaml",
    "hugo.json",
    "_config.yml",
    "mkdocs.yml",
    "book.toml",
    "antora-playbook.yml",
    "gridsome.server.js",
];

/// Where builds put the site, the most specific name first. `public` is also where projects keep files that a build copies.
const BUILT: [&str; 5] = ["dist", "build", "out", "_site", "public"];

/// Refuses a folder that is a project by its names: a package list beside the installed packages, or beside a
/// framework's configuration. Names that `selection` excludes do not count.
pub(super) fn refuse(named: &Path, folder: &Root, selection: &Selection, stop: &Stop) -> Result<(), Problem> {
    // The walk of the folder reports read errors, too many names and a stop.
    let list = |identity| folder.list(Path::new(""), identity, LIMITS.names, stop);
    let listed = folder.identity().and_then(list).unwrap_or_default();
    let mut names: Vec<(String, bool)> = listed
        .into_iter()
        .filter_map(|(name, kind)| Some((name.into_string().ok()?, matches!(kind, Ok(FileType::Folder(_))))))
        .filter(|(name, is_folder)| selection.fate(name, *is_folder) != Fate::Excluded)
        .collect();
    names.sort();
    let first = |is_meant: fn(&str) -> bool, folders: bool| {
        names.iter().find(|(name, is_folder)| *is_folder == folders && is_meant(name)).map(|(name, _)| name)
    };
    let packages = PACKAGES.iter().find(|package| names.iter().any(|(name, _)| name == *package));
    let beside = first(|name| name == INSTALLED, true).or_else(|| first(is_configuration, false));
    match (packages, beside) {
        (Some(packages), Some(beside)) => Err(is_project(named, &format!("it contains {packages} and {beside}"))),
        _ => Ok(()),
    }
}

/// The folder is a project, `because` it contains something that no site has.
pub(crate) fn is_project(folder: &Path, because: &str) -> Problem {
    let message = format!("`{}` looks like a project, not a built site: {because}", folder.display());
    let built = match built_site(folder) {
        Some(built) => format!("The built site is likely `{0}`: `publish {0}`.", built.display()),
        None => "Build the site first, and publish the folder that the build writes.".to_owned(),
    };
    Problem::new(Code::ProjectFolder, message).hint(format!(
        "{built} If this folder is the site: `--project-folder`, or `project_folder = true` under [publish] in \
         publish.toml; node_modules, package.json and lock files stay out even then."
    ))
}

/// The folder that probably contains the built site, if `folder` does not: in it, around it or beside it, with a home
/// page.
pub(crate) fn built_site(folder: &Path) -> Option<PathBuf> {
    let parent = folder.parent().filter(|_| folder.file_name().is_some());
    let around = parent.filter(|parent| {
        let name = parent.file_name().and_then(OsStr::to_str);
        name.is_some_and(|name| BUILT.contains(&name))
    });
    let below =
        |base: &Path| BUILT.map(|name| if base == Path::new(".") { PathBuf::from(name) } else { base.join(name) });
    let candidates =
        around.map(Path::to_owned).into_iter().chain(below(folder)).chain(parent.into_iter().flat_map(below));
    candidates.into_iter().find(|candidate| candidate != folder && candidate.join("index.html").is_file())
}

fn is_configuration(name: &str) -> bool {
    let is_script = |(stem, ending): (&str, &str)| CONFIGURATIONS.contains(&stem) && SCRIPTS.contains(&ending);
    OTHER_CONFIGURATIONS.contains(&name) || name.rsplit_once('.').is_some_and(is_script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_are_known_by_stem_and_ending() {
        for name in ["vite.config.ts", "next.config.mjs", ".eleventy.js", "angular.json", "gatsby-config.js"] {
            assert!(is_configuration(name), "{name}");
        }
        for name in ["vite.config.html", "config.js", "vite.config", "app.js", "site.config.js"] {
            assert!(!is_configuration(name), "{name}");
        }
    }
}
