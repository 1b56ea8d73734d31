//! Evidence against a file that is named and referenced like the bundler's files.

use super::super::name::without;
use super::Bundler;
use super::reading::Reading;
use crate::content::path::SitePath;

/// Whether there is evidence against a reading.
pub(in super::super) type Objection = fn(&Bundler<'_>, &Reading<'_, '_>) -> bool;

/// Whether pages load it with tags of a different form than the bundler's files.
pub(in super::super) fn is_loaded_otherwise(bundler: &Bundler<'_>, reading: &Reading<'_, '_>) -> bool {
    !bundler.tags.may_be_of_bundler(reading.candidate)
}

/// Whether the hash may be from a library's file, after which the bundler named a chunk: other chunks beside it have none. A
/// file that a page loads is named by the site, and for one that a webpack runtime names, the hash is from a table of hashes.
pub(in super::super) fn may_inherit_its_hash(bundler: &Bundler<'_>, reading: &Reading<'_, '_>) -> bool {
    let candidate = reading.candidate;
    let is_chunk = !candidate.is_loaded_by_page && !candidate.is_in_chunk_table && candidate.proof.is_none();
    is_chunk && !belongs_to_unhashed_script(bundler, reading) && bundler.unhashed_chunks.contains(candidate.name.folder)
}

/// Whether it is the style sheet of a script of the same name without a hash: the hash is the bundler's then.
fn belongs_to_unhashed_script(bundler: &Bundler<'_>, reading: &Reading<'_, '_>) -> bool {
    let path = without(reading.candidate.path, reading.token);
    let script = path.and_then(|path| SitePath::new(format!("{}.js", path.as_str().strip_suffix(".css")?)).ok());
    script.is_some_and(|script| bundler.files.contains_key(&script))
}

/// Whether there is a file beside it with the same name without the hash.
pub(in super::super) fn has_unhashed_twin(bundler: &Bundler<'_>, reading: &Reading<'_, '_>) -> bool {
    without(reading.candidate.path, reading.token).is_some_and(|twin| bundler.files.contains_key(&twin))
}
