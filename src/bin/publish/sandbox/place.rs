//! Where the sandbox of a project is: in the user's own state folder, never in the project.
//!
//! Anything in a project may come from its author: after a clone, the owner and mode of every file are those of the person
//! who cloned it. So the sandbox keeps nothing there, not even a hint of where it is.

use std::path::{Path, PathBuf};

use publish::config::project_root;
use publish::report::error::{Code, Problem};
use sha2::{Digest as _, Sha256};

/// How variables of the environment are read.
pub(crate) type Lookup<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// The folder of the sandbox that belongs to the project in `folder`, which need not exist.
pub(super) fn of(folder: &Path, lookup: Lookup<'_>) -> Result<PathBuf, Problem> {
    let project = folder
        .canonicalize()
        .map_err(|error| Problem::new(Code::Sandbox, "cannot find the current folder").source(error))?;
    let state = state_folder(lookup, std::env::home_dir())?;
    // In a pipeline, what is checked out may lie in the home folder itself.
    let is_of_person = lookup("CI").is_none_or(|value| matches!(value.as_str(), "" | "0" | "false"));
    let home = std::env::home_dir().filter(|_| is_of_person).and_then(|home| home.canonicalize().ok());
    if brought_along(&project, home.as_deref()).is_some_and(|root| canonical(&state).starts_with(root)) {
        let message = format!("the sandbox would be stored inside the project, at {}", state.display());
        return Err(Problem::new(Code::Sandbox, message).hint("Set XDG_STATE_HOME to a folder outside this project."));
    }
    Ok(state.join(hex::encode(Sha256::digest(project.as_os_str().as_encoded_bytes()))))
}

/// Where the sandboxes of all projects lie: in `XDG_STATE_HOME`, on Windows in `LOCALAPPDATA`, else in `.local/state` of
/// the home folder, as the XDG base directory specification has it. Only absolute paths count. Where `HOME` is not set, or
/// empty, the system's own record of the user counts.
fn state_folder(lookup: Lookup<'_>, home: Option<PathBuf>) -> Result<PathBuf, Problem> {
    let named = |name: &str| lookup(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let local = || if cfg!(windows) { named("LOCALAPPDATA") } else { None };
    let home = || home.filter(|home| home.is_absolute()).map(|home| home.join(".local").join("state"));
    let base = named("XDG_STATE_HOME").or_else(local).or_else(home);
    let base = base.ok_or_else(|| {
        Problem::new(Code::Sandbox, "there is nowhere to store the sandbox: this user has no home folder")
            .hint("Set HOME, or set XDG_STATE_HOME to a folder where the sandbox can keep its buckets.")
    })?;
    Ok(base.join("publish").join("sandbox"))
}

/// The root of everything that came with the project; `None` where that is the `home` folder or contains it.
fn brought_along<'p>(project: &'p Path, home: Option<&Path>) -> Option<&'p Path> {
    let root = project_root(project, home);
    (!home.is_some_and(|home| home.starts_with(root))).then_some(root)
}

/// A path without links, also where its end does not exist yet.
fn canonical(path: &Path) -> PathBuf {
    let existing = path.ancestors().find_map(|ancestor| {
        let rest = path.strip_prefix(ancestor).ok()?;
        Some(ancestor.canonicalize().ok()?.join(rest))
    });
    existing.unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &Path)], home: Option<&Path>) -> Result<PathBuf, Problem> {
        let lookup = |name: &str| {
            let found = pairs.iter().find(|(own, _)| *own == name)?;
            Some(found.1.to_str().unwrap().to_owned())
        };
        state_folder(&lookup, home.map(Path::to_owned))
    }

    #[test]
    fn the_state_folder_is_the_users_own() {
        let root = std::env::temp_dir();
        let (home, state) = (root.join("home"), root.join("state"));
        let below = |path: &Path| path.join("publish").join("sandbox");
        assert_eq!(with(&[], Some(&home)).unwrap(), below(&home.join(".local").join("state")));
        assert_eq!(with(&[("XDG_STATE_HOME", &state)], Some(&home)).unwrap(), below(&state));
        assert_eq!(with(&[("XDG_STATE_HOME", &state)], None).unwrap(), below(&state));
        // As the specification says: relative paths are ignored. So is a home that is none.
        for relative in ["", "state", "./state"] {
            let relative = Path::new(relative);
            assert_eq!(
                with(&[("XDG_STATE_HOME", relative)], Some(&home)).unwrap(),
                below(&home.join(".local").join("state"))
            );
            assert!(with(&[], Some(relative)).is_err());
        }
        assert!(with(&[], None).unwrap_err().hint.contains("XDG_STATE_HOME"));
        let local = with(&[("LOCALAPPDATA", &state)], Some(&home)).unwrap();
        assert_eq!(local.starts_with(&state), cfg!(windows));
    }

    fn place(project: &Path, state: &Path) -> Result<PathBuf, Problem> {
        of(project, &|name| (name == "XDG_STATE_HOME").then(|| state.to_str().unwrap().to_owned()))
    }

    #[test]
    fn each_project_has_a_place_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other, state) = (folder.path().join("one"), folder.path().join("other"), folder.path().join("state"));
        std::fs::create_dir(&one).unwrap();
        std::fs::create_dir(&other).unwrap();
        let first = place(&one, &state).unwrap();
        assert!(first.starts_with(&state));
        assert_ne!(first, place(&other, &state).unwrap());
        assert_eq!(first, place(&one.join("..").join("one"), &state).unwrap());
        // A project that has moved is another one.
        std::fs::rename(&one, folder.path().join("moved")).unwrap();
        assert_ne!(first, place(&folder.path().join("moved"), &state).unwrap());
    }

    /// Settings of a person are often a repository in the home folder.
    #[test]
    fn a_repository_around_the_home_folder_is_no_project() {
        let folder = tempfile::tempdir().unwrap();
        let (home, project) = (folder.path().join("home"), folder.path().join("home/site"));
        std::fs::create_dir_all(&project).unwrap();
        for dotfiles in [&home, folder.path()] {
            std::fs::create_dir(dotfiles.join(".git")).unwrap();
            assert_eq!(brought_along(&project, Some(&home)), Some(&*project));
            assert_eq!(brought_along(&home, Some(&home)), None);
            std::fs::remove_dir(dotfiles.join(".git")).unwrap();
        }
        std::fs::create_dir(project.join(".git")).unwrap();
        assert_eq!(brought_along(&project.join("web"), Some(&home)), Some(&*project));
    }

    #[test]
    fn what_came_with_the_project_is_no_place() {
        let folder = tempfile::tempdir().unwrap();
        let (repository, project) = (folder.path().join("clone"), folder.path().join("clone").join("site"));
        std::fs::create_dir_all(&project).unwrap();
        assert!(place(&project, &repository.join("state")).is_ok());
        for state in [project.clone(), project.join("home").join("state"), project.join("..").join("site")] {
            assert!(place(&project, &state).unwrap_err().message.contains("inside the project"), "{state:?}");
        }
        std::fs::create_dir(repository.join(".git")).unwrap();
        assert!(place(&project, &repository.join("state")).is_err());
        assert!(place(&project, &folder.path().join("state")).is_ok());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&project, folder.path().join("link")).unwrap();
            assert!(place(&project, &folder.path().join("link").join("state")).is_err());
        }
    }
}
