//! Where publish.toml is looked for: in the current folder, then in the folders above it. One from above may have been put
//! there by another user, so it must be the user's own.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Config, FILE_NAME};
use crate::config::variables::Variables;
use crate::report::error::{Code, Problem};

/// A publish.toml that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is: as the current folder was given, or with its whole path where it lies above.
    pub path: PathBuf,
    /// Whether it lies in a folder above the current one.
    pub is_above: bool,
}

/// The publish.toml of the current `folder` (empty: `.`), else the nearest one above it. The search ends with the root of
/// the repository, with the `home` folder and where the file system does.
///
/// # Errors
/// [`Code::Configuration`] when the file system does not tell whether the folder has one.
pub fn find(folder: &Path, home: Option<&Path>) -> Result<Option<Found>, Problem> {
    let path = folder.join(FILE_NAME);
    match fs::symlink_metadata(&path) {
        Ok(_) => return Ok(Some(Found { path, is_above: false })),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            let message = format!("{} cannot be read", path.display());
            return Err(Problem::new(Code::Configuration, message).source(error));
        }
    }
    let current = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(current) = fs::canonicalize(current) else { return Ok(None) };
    let home = home.and_then(|home| fs::canonicalize(home).ok());
    for (below, above) in current.ancestors().zip(current.ancestors().skip(1)) {
        let is_root = below.join(".git").symlink_metadata().is_ok();
        if is_root || home.as_deref() == Some(below) || !on_one_file_system(below, above) {
            break;
        }
        let path = above.join(FILE_NAME);
        match fs::symlink_metadata(&path) {
            Ok(_) => return Ok(Some(Found { path, is_above: true })),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            // What may not be looked into is not the user's project.
            Err(_) => break,
        }
    }
    Ok(None)
}

impl Found {
    /// Reads it.
    ///
    /// # Errors
    /// As [`Config::read`]; and for a file that another user owns, but for the current folder's in a pipeline; and for one from
    /// above that others may write.
    pub fn read(&self, variables: Variables<'_>) -> Result<Config, Problem> {
        // In a pipeline, what is checked out often belongs to another user than the container's.
        let in_pipeline = variables("CI").is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
        let is_checked = self.is_above || !in_pipeline;
        Config::read_if(&self.path, variables, |opened| if is_checked { self.check_own(opened) } else { Ok(()) })
    }
}

#[cfg(unix)]
fn on_one_file_system(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let device = |folder: &Path| fs::metadata(folder).ok().map(|metadata| metadata.dev());
    device(one) == device(other)
}

#[cfg(not(unix))]
fn on_one_file_system(_one: &Path, _other: &Path) -> bool {
    true
}

#[cfg(unix)]
impl Found {
    /// Refuses a file, or a link to it, that another user could have put there.
    fn check_own(&self, opened: &Metadata) -> Result<(), Problem> {
        use std::os::unix::fs::MetadataExt;
        /// The bit of a mode by which all others may write.
        const OTHERS_MAY_WRITE: u32 = 0o002;

        let path = &self.path;
        let refused = |what: &str| {
            Err(Problem::new(Code::Configuration, format!("{} {what}, so it is not used", path.display()))
                .hint(format!("If you trust it, use it with `--config {}`.", path.display())))
        };
        let own = own_user().map_err(|error| {
            Problem::new(Code::Configuration, format!("cannot tell who owns {}", path.display())).source(error)
        })?;
        let link = path.symlink_metadata().map(|link| link.uid());
        if opened.uid() != own || link.is_ok_and(|owner| owner != own) {
            return refused("belongs to another user");
        }
        if self.is_above && opened.mode() & OTHERS_MAY_WRITE != 0 {
            return refused("is writable by other users");
        }
        Ok(())
    }
}

#[cfg(not(unix))]
impl Found {
    fn check_own(&self, _opened: &Metadata) -> Result<(), Problem> {
        Ok(())
    }
}

/// The user of this process: the one who owns what it creates. The standard library has no other way to tell.
#[cfg(unix)]
fn own_user() -> std::io::Result<u32> {
    use std::os::unix::fs::MetadataExt;
    Ok(tempfile::tempfile()?.metadata()?.uid())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const TEXT: &str = "site = \"shop\"\n";

    /// A home folder with a project whose publish.toml lies at `file`, all below a folder that is not a home folder.
    fn home(file: &str) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("home/projects/shop/apps/web")).unwrap();
        fs::write(root.path().join(file), TEXT).unwrap();
        root
    }

    fn found_from(root: &TempDir, folder: &str) -> Option<PathBuf> {
        let root = root.path().canonicalize().unwrap();
        let found = find(&root.join(folder), Some(&root.join("home"))).unwrap()?;
        Some(found.path.strip_prefix(&root).unwrap().to_path_buf())
    }

    #[test]
    fn the_nearest_file_is_found() {
        let root = home("home/projects/shop/publish.toml");
        let shop = Some(PathBuf::from("home/projects/shop/publish.toml"));
        for folder in ["home/projects/shop", "home/projects/shop/apps", "home/projects/shop/apps/web"] {
            assert_eq!(found_from(&root, folder), shop, "{folder}");
        }
        assert_eq!(found_from(&root, "home/projects"), None);
        fs::write(root.path().join("home/projects/shop/apps/publish.toml"), TEXT).unwrap();
        assert_eq!(
            found_from(&root, "home/projects/shop/apps/web"),
            Some("home/projects/shop/apps/publish.toml".into())
        );
        assert_eq!(found_from(&root, "home/projects/shop"), shop);
    }

    #[test]
    fn the_search_ends_with_the_repository_and_the_home_folder() {
        let root = home("home/projects/publish.toml");
        assert!(found_from(&root, "home/projects/shop/apps").is_some());
        fs::create_dir(root.path().join("home/projects/shop/.git")).unwrap();
        assert_eq!(found_from(&root, "home/projects/shop/apps"), None, "a repository below it");
        assert_eq!(found_from(&root, "home/projects/shop"), None);
        fs::remove_dir(root.path().join("home/projects/shop/.git")).unwrap();
        fs::create_dir(root.path().join("home/projects/.git")).unwrap();
        assert!(found_from(&root, "home/projects/shop").is_some(), "the root itself is looked into");
        let root = home("publish.toml");
        assert_eq!(found_from(&root, "home/projects/shop"), None, "a file above the home folder");
        fs::write(root.path().join("home/publish.toml"), TEXT).unwrap();
        assert!(found_from(&root, "home/projects/shop").is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_from_above_must_be_ones_own() {
        use std::os::unix::fs::PermissionsExt;
        let root = home("home/publish.toml");
        let file = root.path().join("home/publish.toml");
        let read = |folder: &str| find(&root.path().join(folder), None).unwrap().unwrap().read(&|_| None);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
        assert!(read("home/projects").is_ok(), "groups share projects");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        let problem = read("home/projects").unwrap_err();
        assert_eq!(problem.code, Code::Configuration);
        assert!(problem.message.contains("home/publish.toml is writable by other users"), "{problem}");
        assert!(problem.hint.contains("--config"), "{}", problem.hint);
        assert!(read("home").is_ok(), "containers and some file systems let everybody write everything");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_of_another_user_is_refused_in_the_current_folder_too() {
        let root = home("home/publish.toml");
        let file = root.path().join("home/publish.toml");
        if std::os::unix::fs::chown(&file, Some(12_345), None).is_err() {
            // Only root may give files away.
            return;
        }
        let read = |folder: &str, ci: Option<&str>| {
            let found = find(&root.path().join(folder), None).unwrap().unwrap();
            found.read(&|name| ci.filter(|_| name == "CI").map(str::to_owned)).map(|_| ())
        };
        for (folder, ci) in
            [("home", None), ("home", Some("false")), ("home/projects", None), ("home/projects", Some("true"))]
        {
            let problem = read(folder, ci).unwrap_err();
            assert_eq!(problem.code, Code::Configuration);
            assert!(
                problem.message.ends_with("home/publish.toml belongs to another user, so it is not used"),
                "{problem}"
            );
            assert!(problem.hint.contains("--config"), "{}", problem.hint);
        }
        assert!(read("home", Some("true")).is_ok(), "the user of a container is often another one");
    }
}
