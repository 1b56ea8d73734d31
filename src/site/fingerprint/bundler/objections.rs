//! What speaks against a file that is named and referred to as the bundler's files are.

use super::super::name::without;
use super::Bundler;
use super::reading::Reading;

/// Whether something speaks against a reading.
pub(in super::super) type Objection = fn(&Bundler<'_>, &Reading<'_, '_>) -> bool;

/// Whether pages load it by tags that are written in another manner than those of the bundler's files.
pub(in super::super) fn is_loaded_otherwise(bundler: &Bundler<'_>, reading: &Reading<'_, '_>) -> bool {
    !bundler.tags.may_be_of_bundler(reading.candidate)
}

/// Whether the same name without the hash lies beside it.
pub(in super::super) fn has_unhashed_twin(bundler: &Bundler<'_>, reading: &Reading<'_, '_>) -> bool {
    without(reading.candidate.path, reading.token).is_some_and(|twin| bundler.files.contains_key(&twin))
}
