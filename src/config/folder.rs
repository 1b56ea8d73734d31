//! Which folder is published, and how far publish.toml may decide that: it may have come with a repository, and may name any
//! path on this machine.

use std::path::{Component, Path, PathBuf};

use super::{Config, DEFAULT_FOLDER, FILE_NAME};
use crate::report::error::{Code, Problem};

/// The folder to publish: `argument`, else `dir` of publish.toml (relative to it), else `dist`.
///
/// What a person named on the command line is taken as it is. What a file names, or a link leads to, must lie in the
/// project: below the root of the repository that publish.toml lies in, or beside publish.toml where there is none, or where
/// that root is the person's `home` folder or lies above it.
///
/// # Errors
/// [`Code::Usage`] for a folder out of the project.
pub fn site_folder(argument: Option<&Path>, config: Option<&Config>, home: Option<&Path>) -> Result<PathBuf, Problem> {
    if let Some(folder) = argument {
        return Ok(folder.to_path_buf());
    }
    let named = config.and_then(|config| config.dir.as_deref()).unwrap_or(Path::new(DEFAULT_FOLDER));
    let beside = config.map_or(Path::new(""), |config| config.folder.as_path());
    let folder = beside.join(named);
    let here = if beside.as_os_str().is_empty() { Path::new(".") } else { beside };
    // A folder that does not exist is reported when it is opened.
    let (Ok(real), Ok(project)) = (std::fs::canonicalize(&folder), std::fs::canonicalize(here)) else {
        return Ok(folder);
    };
    let home = home.and_then(|home| std::fs::canonicalize(home).ok());
    let home = home.as_deref();
    let root = project_root(&project, home);
    let what = if !real.starts_with(root) {
        "is outside the project"
    } else if home.is_some_and(|home| home.starts_with(&real)) {
        "is or contains your home folder"
    } else if is_personal(&project, home) && hidden_folder(&real, home).is_some() {
        "is in a hidden folder of your home folder"
    } else {
        return Ok(folder);
    };
    let (shown, lies_at) = (folder.display(), real.display());
    Err(Problem::new(Code::Usage, format!("`{shown}` ({lies_at}) {what}; {FILE_NAME} alone cannot get it published"))
        .hint(format!(
            "If it is the site, run `publish {lies_at}`. Only a folder given on the command line may be anywhere."
        )))
}

/// Whether private files may be published because publish.toml says so: not where it lies in the person's `home` folder itself,
/// or in a hidden folder there, where programs keep private files that cannot all be listed.
///
/// # Errors
/// [`Code::Usage`] where it `allows` some all the same.
pub fn check_private(allows: &[String], config: Option<&Config>, home: Option<&Path>) -> Result<(), Problem> {
    let beside =
        config.map(|config| if config.folder.as_os_str().is_empty() { Path::new(".") } else { &config.folder });
    let project = beside.and_then(|folder| std::fs::canonicalize(folder).ok());
    let home = home.and_then(|home| std::fs::canonicalize(home).ok());
    if allows.is_empty() || !project.is_some_and(|project| is_personal(&project, home.as_deref())) {
        return Ok(());
    }
    let message =
        format!("`allow_private` has no effect in a {FILE_NAME} in your home folder or in a hidden folder there");
    Err(Problem::new(Code::Usage, message)
        .hint("Move the site's project into a folder of its own, or remove the setting."))
}

/// The whole of what a project came with: the repository around it, unless that is the `home` folder or holds it; else the folder.
pub fn project_root<'p>(project: &'p Path, home: Option<&Path>) -> &'p Path {
    let repository = project.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok());
    repository.filter(|root| !home.is_some_and(|home| home.starts_with(root))).unwrap_or(project)
}

/// Whether a project is the `home` folder, or lies among what programs keep there for the person and is no repository of its own
/// below that.
fn is_personal(project: &Path, home: Option<&Path>) -> bool {
    let root = project_root(project, home);
    let hidden = hidden_folder(root, home);
    let is_of_programs =
        hidden.as_deref().and_then(Path::file_name).is_some_and(|name| name == ".config" || name == ".local");
    let has_own_root = || hidden.as_deref() != Some(root) && root.join(".git").symlink_metadata().is_ok();
    home == Some(root) || is_of_programs && !has_own_root()
}

/// The hidden folder of the `home` folder that `folder` is, or lies in.
fn hidden_folder(folder: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let home = home?;
    let first = folder.strip_prefix(home).ok()?.components().next()?.as_os_str();
    first.as_encoded_bytes().starts_with(b".").then(|| home.join(first))
}

/// Whether the folder that `config` publishes contains the `current` folder, or lies below it: a publish from there is meant for it.
pub fn is_about(config: &Config, current: &Path) -> bool {
    let project = if config.folder.as_os_str().is_empty() { Path::new(".") } else { &config.folder };
    let (Ok(project), Ok(current)) = (std::fs::canonicalize(project), std::fs::canonicalize(current)) else {
        return false;
    };
    let dir = project.join(config.dir.as_deref().unwrap_or(Path::new(DEFAULT_FOLDER)));
    // What is not built yet has no real path.
    let dir = std::fs::canonicalize(&dir).unwrap_or(dir);
    let is_plain = !dir.components().any(|part| part == Component::ParentDir);
    is_plain && (current.starts_with(&dir) || dir.starts_with(&current))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    /// A home folder with keys, and in it a repository with a project, whose publish.toml names `dir`.
    fn home(dir: &str) -> (TempDir, Config) {
        let home = tempfile::tempdir().unwrap();
        for folder in [".ssh", "work/repo/.git", "work/repo/apps/shop/dist", "work/repo/out", "work/other"] {
            fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        let project = home.path().join("work/repo/apps/shop");
        fs::write(project.join(FILE_NAME), format!("site = \"shop\"\ndir = {dir:?}\n")).unwrap();
        (home, Config::read(&project.join(FILE_NAME), &|_| None).unwrap())
    }

    fn taken(dir: &str, prepare: impl Fn(&Path)) -> Result<PathBuf, Problem> {
        let (home, config) = home(dir);
        prepare(home.path());
        site_folder(None, Some(&config), Some(home.path()))
    }

    #[test]
    fn a_file_names_folders_of_its_repository_alone() {
        let nothing = |_: &Path| {};
        for inside in ["dist", "./dist", "../../out", "../..", "nowhere", "../../../../nowhere"] {
            assert!(taken(inside, nothing).is_ok(), "{inside}");
        }
        for outside in ["../../../other", "../../../../.ssh", "../../../..", "../../..", "/", "/etc"] {
            let problem = taken(outside, nothing).unwrap_err();
            assert_eq!(problem.code, Code::Usage, "{outside}");
            assert!(problem.hint.contains("publish /"), "{problem:?}");
        }
    }

    #[test]
    fn a_file_is_about_the_folders_above_and_in_what_it_publishes() {
        for (dir, folder, expected) in [
            ("dist", "work/repo/apps/shop/dist", true),
            ("dist", "work/repo/apps", true),
            ("dist", "work/repo/apps/shop", true),
            ("dist", "work/repo/out", false),
            (".", "work/repo/apps/shop/dist", true),
            ("../../out", "work/repo/out", true),
            ("../../out", "work/repo/apps/shop", false),
            ("unbuilt", "work/repo/apps/shop", true),
            ("../unbuilt", "work/repo/apps", false),
        ] {
            let (home, config) = home(dir);
            assert_eq!(is_about(&config, &home.path().join(folder)), expected, "{dir} {folder}");
        }
    }

    #[test]
    fn a_person_names_any_folder() {
        let (home, config) = home("../../../other");
        let folder = home.path().join("work/other");
        assert_eq!(site_folder(Some(&folder), Some(&config), Some(home.path())).unwrap(), folder);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_before_it_is_judged() {
        let link = |home: &Path| {
            let dist = home.join("work/repo/apps/shop/dist");
            fs::remove_dir(&dist).unwrap();
            std::os::unix::fs::symlink("../../../../.ssh", dist).unwrap();
        };
        assert_eq!(taken("dist", link).unwrap_err().code, Code::Usage);
    }

    #[test]
    fn a_repository_that_is_the_home_folder_is_no_root() {
        let without_repository = |home: &Path| fs::remove_dir(home.join("work/repo/.git")).unwrap();
        assert!(taken("dist", without_repository).is_ok());
        assert!(taken("../../out", without_repository).is_err());
        let dotfiles = |home: &Path| {
            without_repository(home);
            fs::create_dir(home.join(".git")).unwrap();
        };
        assert!(taken("dist", dotfiles).is_ok());
        assert!(taken("../../out", dotfiles).is_err());
        assert!(taken("../../../../.ssh", dotfiles).is_err());
    }

    /// As those do whose home folder, or `~/.config`, is a repository of settings.
    #[test]
    fn where_programs_keep_what_is_private_no_file_has_it_published() {
        let home = tempfile::tempdir().unwrap();
        let project = |folder: &str, dir: &str| {
            let folder = home.path().join(folder);
            fs::create_dir_all(folder.join(dir)).unwrap();
            fs::write(folder.join(FILE_NAME), format!("site = \"shop\"\ndir = {dir:?}\n")).unwrap();
            Config::read(&folder.join(FILE_NAME), &|_| None).unwrap()
        };
        let allows = ["**".to_owned()];
        for (folder, dir, is_published, may_allow) in [
            ("", "site", true, false),
            ("", ".config/app", false, false),
            (".config", "sops", false, false),
            (".config/app", "out", false, false),
            (".cache/clone/.git/..", "dist", true, true),
            (".blog", "dist", true, true),
            ("work", "dist", true, true),
        ] {
            for is_repository in [false, true] {
                let config = project(folder, dir);
                if is_repository && !folder.contains(".git") && folder != ".config/app" {
                    fs::create_dir_all(home.path().join(folder).join(".git")).unwrap();
                }
                let told = format!("{folder:?} {dir} {is_repository}");
                assert_eq!(site_folder(None, Some(&config), Some(home.path())).is_ok(), is_published, "{told}");
                assert_eq!(check_private(&allows, Some(&config), Some(home.path())).is_ok(), may_allow, "{told}");
                assert!(check_private(&[], Some(&config), Some(home.path())).is_ok(), "{told}");
            }
        }
    }

    #[test]
    fn a_project_in_the_home_folder_itself_does_not_publish_it() {
        let (home, _) = home("dist");
        let at = |dir: &str| {
            fs::create_dir_all(home.path().join("dist")).unwrap();
            fs::write(home.path().join(FILE_NAME), format!("site = \"shop\"\ndir = {dir:?}\n")).unwrap();
            let config = Config::read(&home.path().join(FILE_NAME), &|_| None).unwrap();
            site_folder(None, Some(&config), Some(home.path()))
        };
        assert!(at("dist").is_ok());
        assert!(at(".").unwrap_err().message.contains("home folder"));
    }
}
