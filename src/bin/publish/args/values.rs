//! How values on the command line are read.

use publish::content::path::SitePath;
use publish::release::manifest::InvalidRelease;
use publish::run::Side;

/// A number is a release, all else a folder.
pub(super) fn side(word: &str) -> Result<Side, InvalidRelease> {
    if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
        word.parse().map(Side::Release)
    } else {
        Ok(Side::Folder(word.into()))
    }
}

/// The path of a file in the site, also as a URL writes it (`/a.pdf`) or a shell (`./a.pdf`).
pub(super) fn site_path(text: &str) -> Result<SitePath, String> {
    let path = text.strip_prefix("./").or(text.strip_prefix('/')).unwrap_or(text);
    let whole_site = "name a file: the whole site cannot be removed";
    SitePath::new(path).map_err(|error| if path.is_empty() { whole_site.to_owned() } else { error.to_string() })
}
