//! Files beside the sources of a site that package managers need and visitors do not.

/// A project's package lists: of npm, Yarn, pnpm, Bun and Deno, in lower case.
pub(super) const PACKAGES: [&str; 8] = [
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "deno.lock",
];

/// The folders of installed packages.
pub(super) const INSTALLED: &str = "node_modules";

/// Whether `path` is, or is in, something that only package managers need: it is left out of a project's folder.
pub(super) fn is_of_tools(path: &str) -> bool {
    let mut segments = path.split('/');
    let name = segments.next_back().unwrap_or_default();
    name == INSTALLED || PACKAGES.contains(&name) || segments.any(|folder| folder == INSTALLED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_need_is_known_by_its_name() {
        for name in
            ["node_modules", "node_modules/a/b.js", "packages/a/node_modules/c.js", "package.json", "a/yarn.lock"]
        {
            assert!(is_of_tools(name), "{name}");
        }
        for name in ["index.html", "packages.json", "node_modules.html", "docs/package.json.html", "lock"] {
            assert!(!is_of_tools(name), "{name}");
        }
    }
}
