//! Names of files that are probably private.

/// Folders whose contents are never meant for visitors.
const FOLDERS: [(&str, &str); 5] = [
    (".git", "belongs to a git repository, with its whole history"),
    (".hg", "belongs to a Mercurial repository, with its whole history"),
    (".svn", "belongs to a Subversion working copy"),
    (".ssh", "is among SSH keys"),
    (".aws", "is among AWS credentials"),
];

/// Files that usually contain passwords, tokens or keys.
const FILES: [(&str, &str); 13] = [
    (".npmrc", "may contain tokens for a package registry"),
    (".yarnrc.yml", "may contain tokens for a package registry"),
    (".pypirc", "may contain tokens for a package registry"),
    (".netrc", "may contain passwords"),
    (".pgpass", "may contain passwords"),
    (".htpasswd", "contains passwords"),
    (".git-credentials", "contains passwords"),
    ("id_rsa", "is a private key, judging by its name"),
    ("id_dsa", "is a private key, judging by its name"),
    ("id_ecdsa", "is a private key, judging by its name"),
    ("id_ed25519", "is a private key, judging by its name"),
    ("id_ed25519_sk", "is a private key, judging by its name"),
    ("publish.toml", "is the configuration of publish"),
];

/// Extensions of files with private keys in a binary form. Text keys are found by their content,
/// whatever their names: `.pem` and `.key` are also names of public files.
const ENDINGS: [&str; 7] = [".p12", ".pfx", ".ppk", ".jks", ".keystore", ".kdbx", ".p8"];

/// Why `path` is private by its name alone, as the end of a sentence that begins with the path. Case does not
/// matter: a disk that ignores it treats `.ENV` as `.env`.
pub(super) fn name(path: &str) -> Option<&'static str> {
    let path = path.to_ascii_lowercase();
    let file_name = path.rsplit('/').next().unwrap_or(&path);
    let folder = path.split('/').find_map(|segment| named(&FOLDERS, segment));
    if folder.is_some() {
        return folder;
    }
    if path.split('/').any(|segment| segment.starts_with(".env")) {
        return Some("contains settings of a build or server, which may be secret");
    }
    if ENDINGS.iter().any(|ending| file_name.ends_with(ending)) {
        return Some("is a store of private keys, judging by its name");
    }
    named(&FILES, file_name)
}

fn named(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(private, _)| *private == name).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn private_names_are_known_in_any_case_and_folder() {
        for private in [
            ".env",
            ".env.local",
            "a/.ENV",
            ".envrc",
            ".env/production",
            ".git/config",
            ".git",
            "a/.git/HEAD",
            ".npmrc",
            "a/.htpasswd",
            "id_rsa",
            "keys/id_ed25519",
            "a.p12",
            "a.PFX",
            "publish.toml",
            "sub/publish.toml",
            ".ssh/config",
            ".aws/credentials",
            ".git-credentials",
        ] {
            assert!(name(private).is_some(), "{private}");
        }
    }

    #[test]
    fn public_names_are_left_alone() {
        for public in [
            "index.html",
            "environment.html",
            "git/index.html",
            ".gitignore",
            ".gitkeep",
            "id_rsa.pub",
            "ca.pem",
            "slides.key",
            "publish.toml.html",
            "docs/publish-toml.html",
            "htpasswd.html",
            "env",
            ".well-known/security.txt",
        ] {
            assert_eq!(name(public), None, "{public}");
        }
    }
}
