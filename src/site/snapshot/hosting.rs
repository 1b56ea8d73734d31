//! Files at the root of the folder that are instructions for its host, not part of the site. They are read and
//! not published; files in `exclude` are neither.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Read};

use super::place::SeenFile;
use super::walk::Found;
use crate::content::path::SitePath;
use crate::report::error::{Code, Problem};
use crate::site::headers_file;
use crate::site::redirects_file;

/// The largest such file that is read, in bytes. The services that defined them accept far less.
const MAX_BYTES: u64 = 1 << 20;

/// The texts of the folder's files for its host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostingFiles {
    /// Of `_headers`.
    pub headers: Option<String>,
    /// Of `_redirects`.
    pub redirects: Option<String>,
}

impl HostingFiles {
    /// Removes them from the published files.
    pub(super) fn take(files: &mut BTreeMap<SitePath, Found>) -> Result<HostingFiles, Problem> {
        let mut take = |name: &str| match SitePath::new(name).ok().and_then(|path| files.remove(&path)) {
            Some(found) => read(name, &found).map(Some),
            None => Ok(None),
        };
        Ok(HostingFiles { headers: take(headers_file::FILE_NAME)?, redirects: take(redirects_file::FILE_NAME)? })
    }
}

fn read(name: &str, found: &Found) -> Result<String, Problem> {
    let text = found.place.open().and_then(|file| {
        let mut text = String::new();
        let read = file.take(MAX_BYTES + 1).read_to_string(&mut text)?;
        if read as u64 > MAX_BYTES {
            return Err(Error::new(ErrorKind::InvalidData, format!("it has {} bytes", found.size_bytes)));
        }
        Ok(text)
    });
    text.map_err(|error| {
        if let Some(what) = SeenFile::is_gone(&error) {
            return Problem::new(Code::FileChanged, format!("{name} {what}"))
                .hint("Something is still writing to the folder: wait for the build to finish, then run this again.");
        }
        let (code, message) = match error.kind() {
            ErrorKind::InvalidData => (Code::Configuration, format!("{name} is not UTF-8 text of at most 1 MiB")),
            _ => (Code::Unreadable, format!("{name} cannot be read")),
        };
        Problem::new(code, message)
            .hint(format!("Save it as UTF-8, or leave it out with `exclude = [\"{name}\"]` in publish.toml."))
            .source(error)
    })
}
