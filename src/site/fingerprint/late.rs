//! Scripts whose bytes change under their names, because a tool writes into them after their hash was computed.

use super::alphabet::Alphabet;
use super::facts::{Facts, Tie};
use super::name::Name;
use super::tokens;
use crate::content::path::SitePath;
use crate::content::references::Form;

/// Whether a script lists files by their hashed names, but imports them by stable names: `#entry` in an import
/// map, as in Nuxt 4, so that a change of the entry does not rename all of them.
pub(super) fn imports_by_name(_: &SitePath, facts: &Facts) -> bool {
    facts.ties.iter().any(|tie| tie.by_name) && listed(facts).next().is_some()
}

/// Whether it is a script of Vite 2 or 3 that names the style sheets which a dynamic import needs.
pub(super) fn is_of_old_vite(path: &SitePath, facts: &Facts) -> bool {
    let imports_late = facts.ties.iter().any(|tie| tie.form == Form::DynamicImport);
    let lists_styles = || listed(facts).any(|tie| tie.to.extension().as_deref() == Some("css"));
    is_named_by_old_vite(path, facts) && imports_late && lists_styles()
}

/// Whether it is a script of Vite that lists the dependencies of an import (`__vite__mapDeps`), and one of those scripts
/// has no hash in its name. The list is filled in after the script's hash is computed, which covers the names of its
/// imports. If such a name stays the same, so does the hash, even if the rest of the list changes.
pub(super) fn lists_for_unhashed(_: &SitePath, facts: &Facts) -> bool {
    let imports = |tie: &Tie| facts.ties.iter().any(|one| one.form == Form::DynamicImport && one.to == tie.to);
    listed(facts).any(imports) && listed(facts).any(|tie| is_unhashed_script(&tie.to))
}

/// Whether no part of a script's name is a hash of Rollup's or Vite's form.
fn is_unhashed_script(path: &SitePath) -> bool {
    let is_hash = |token: &str| {
        let is_drawn = match token.len() {
            8 => tokens::may_be_random(token),
            9..=22 => tokens::falls_apart(token),
            _ => false,
        };
        is_drawn && Alphabet::Base64Url.has_all_of(token)
    };
    Name::of(path).is_some_and(|name| {
        let is_script = name.is_code() && name.extension != "css";
        is_script && name.clear_hash().is_none() && !name.positions().any(|(_, token)| is_hash(token))
    })
}

/// Whether a tool that does not know the hash wrote an id into it.
pub(super) fn is_stamped(_: &SitePath, facts: &Facts) -> bool {
    facts.traces.stamp.is_some()
}

fn listed(facts: &Facts) -> impl Iterator<Item = &Tie> {
    facts.ties.iter().filter(|tie| tie.form == Form::List)
}

/// `name.<8 hexadecimal digits>.js`, if it is not webpack's.
fn is_named_by_old_vite(path: &SitePath, facts: &Facts) -> bool {
    let token = path.file_name().strip_suffix(".js").and_then(|stem| stem.rsplit_once('.')).map(|(_, token)| token);
    facts.traces.chunk_array.is_none() && token.is_some_and(|token| token.len() == 8 && Alphabet::Hex.has_all_of(token))
}
