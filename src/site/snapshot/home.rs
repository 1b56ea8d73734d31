//! Keys and credentials of the user: they stay private, whatever publish.toml allows.

use std::path::{Component, Path, PathBuf};

use super::private;

/// Folders of a home folder in which programs keep keys, tokens and passwords.
const FOLDERS: [&str; 22] = [
    ".ssh",
    ".aws",
    ".gnupg",
    ".azure",
    ".kube",
    ".docker",
    ".oci",
    ".config/gcloud",
    ".config/gh",
    ".config/glab-cli",
    ".config/hub",
    ".config/op",
    ".config/rclone",
    ".config/containers",
    ".local/share/keyrings",
    ".password-store",
    ".terraform.d",
    ".mozilla",
    ".config/google-chrome",
    "library/keychains",
    "library/application support/google",
    "appdata",
];

/// Files of a home folder that hold tokens or passwords, besides those that are private anywhere.
const FILES: [&str; 12] = [
    "_netrc",
    ".my.cnf",
    ".s3cfg",
    ".boto",
    ".vault-token",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".composer/auth.json",
    ".m2/settings.xml",
    ".gradle/gradle.properties",
    ".config/git/credentials",
];

/// The home folder, seen from the folder that is published.
#[derive(Clone, Debug)]
pub(super) struct Home {
    path: PathBuf,
}

impl Home {
    /// `None` if it does not exist.
    pub(super) fn new(home: &Path) -> Option<Home> {
        Some(Home { path: std::fs::canonicalize(home).ok()? })
    }

    /// Whether it is in the folder `root`, whose links are resolved, or is that folder.
    pub(super) fn is_in(&self, root: &Path) -> bool {
        self.path.starts_with(root)
    }

    /// Why the file at `real` is the user's own secret, as the end of a sentence that begins with its path. Case does
    /// not matter.
    pub(super) fn secret(&self, real: &Path) -> Option<&'static str> {
        let below = real.strip_prefix(&self.path).ok()?;
        let segments: Vec<String> = below
            .components()
            .filter_map(|component| match component {
                Component::Normal(segment) => Some(segment.to_string_lossy().to_lowercase()),
                _ => None,
            })
            .collect();
        let path = segments.join("/");
        let is_below = |folder: &&str| path.strip_prefix(*folder).is_some_and(|rest| rest.starts_with('/'));
        if FOLDERS.iter().any(is_below) || FILES.contains(&path.as_str()) {
            return Some("is among the keys and credentials in your home folder");
        }
        // Directly in the home folder; in a project, an example of such a file may be published if that is allowed.
        (segments.len() == 1).then(|| private::name(&path)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_keep_in_a_home_folder_is_secret() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let home = Home::new(folder.path()).unwrap();
        let secret = |path: &str| home.secret(&root.join(path)).is_some();
        for path in
            [".ssh/config", ".SSH/known_hosts", ".aws/credentials", ".config/gcloud/a/b", ".netrc", "id_rsa", ".env"]
        {
            assert!(secret(path), "{path}");
        }
        for path in
            ["work/dist/id_rsa", "work/.ssh/a", ".sshx/a", ".cache/site/dist/index.html", "index.html", ".nvm/a"]
        {
            assert!(!secret(path), "{path}");
        }
        assert!(home.is_in(&root) && home.is_in(root.parent().unwrap()));
        assert!(!home.is_in(&root.join("work")));
    }
}
