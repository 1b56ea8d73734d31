//! Scripts whose bytes change under their names, because something is written into them after their hash was taken.

use super::alphabet::Alphabet;
use super::facts::{Facts, Tie};
use crate::content::path::SitePath;
use crate::content::references::Form;

/// Whether a script lists files by the hashes in their names, but imports them by names that stay: `#entry` in an import
/// map, as Nuxt 4 does so that a change of the entry does not rename all.
pub(super) fn imports_by_name(_: &SitePath, facts: &Facts) -> bool {
    facts.ties.iter().any(|tie| tie.by_name) && listed(facts).next().is_some()
}

/// Whether it is a script of Vite 2 or 3 that names the style sheets which a dynamic import needs.
pub(super) fn is_of_old_vite(path: &SitePath, facts: &Facts) -> bool {
    let imports_late = facts.ties.iter().any(|tie| tie.form == Form::DynamicImport);
    let lists_styles = || listed(facts).any(|tie| tie.to.extension().as_deref() == Some("css"));
    is_named_by_old_vite(path, facts) && imports_late && lists_styles()
}

fn listed(facts: &Facts) -> impl Iterator<Item = &Tie> {
    facts.ties.iter().filter(|tie| tie.form == Form::List)
}

/// `name.<8 hexadecimal digits>.js`, where it is not webpack's.
fn is_named_by_old_vite(path: &SitePath, facts: &Facts) -> bool {
    let token = path.file_name().strip_suffix(".js").and_then(|stem| stem.rsplit_once('.')).map(|(_, token)| token);
    facts.traces.chunk_array.is_none() && token.is_some_and(|token| token.len() == 8 && Alphabet::Hex.has_all_of(token))
}
