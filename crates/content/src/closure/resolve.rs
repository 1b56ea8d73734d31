//! Where references lead.

use std::sync::Arc;

use crate::references::{ANY, Form, Reference, Role, looks_hashed};

use super::address::Address;
use super::learned::{Learned, folder_of};
use super::lookup::{Lookup, relative, without_query};
use super::source::{Imports, Source, is_bare, is_loose, is_rooted};

/// What a reference leads to.
pub(super) enum Resolved {
    /// A file of the site, by its place.
    File(u32),
    /// A file of the site, by its place, for which a browser looks elsewhere: as `url` says, the address does not lead to it.
    Outside(u32),
    /// Any of several.
    Files(Vec<u32>),
    /// A path of the site where no file is.
    Missing(String),
    /// Anything else.
    NotOfTheSite,
}

impl Source<'_> {
    pub(super) fn resolve(
        &self,
        reference: &Reference,
        lookup: &Lookup<'_>,
        imports: &Imports<'_>,
        learned: &Learned,
    ) -> Resolved {
        let has_hole = matches!(reference.form, Form::ChunkName | Form::DynamicImport);
        if let Some((start, end)) = reference.written.split_once(ANY).filter(|_| has_hole) {
            return self.resolve_pattern(reference, start, end, lookup, learned);
        }
        let Some((address, begins_at_top)) = self.address(reference, imports) else { return Resolved::NotOfTheSite };
        if is_loose(reference.form) && is_bare(&reference.written) {
            return self.resolve_loose(reference, lookup, learned);
        }
        let (other, likely) = learned.paths(&address, begins_at_top);
        let mut paths = likely.into_iter().chain(other);
        let find = |path: Option<&str>| path.and_then(|path| lookup.find_for(path, reference.role));
        if let Some(number) = find(likely).or_else(|| find(other)) {
            let by_url = if learned.contradicts_url { find(other) } else { find(likely) };
            let is_outside = learned.knows_place_of(&address) && other.is_some() && by_url.is_none();
            return if is_outside { Resolved::Outside(number) } else { Resolved::File(number) };
        }
        // A link for visitors must lead to a page; any other reference may name a folder.
        if reference.role != Role::Page && paths.any(|path| lookup.is_folder(path, reference.role)) {
            return Resolved::NotOfTheSite;
        }
        match (likely, reference.form) {
            (None, _) | (_, Form::Text) => Resolved::NotOfTheSite,
            // Another site may hold files of the same names.
            _ if learned.is_guessed(&address) => Resolved::NotOfTheSite,
            (_, Form::List) if is_rooted(&reference.written) && !learned.is_chunk(reference) => Resolved::NotOfTheSite,
            // It only looks like the list of a bundler: there are no files.
            (Some(path), Form::List)
                if matches!(address, Address::At { .. }) && !is_in_a_known_folder(path, lookup) =>
            {
                Resolved::NotOfTheSite
            }
            (Some(missing), _) => Resolved::Missing(missing.to_owned()),
        }
    }

    /// Whether an alternative is there for a missing file, in every list that begins with it.
    pub(super) fn has_another_choice(
        &self,
        reference: &Reference,
        lookup: &Lookup<'_>,
        imports: &Imports<'_>,
        learned: &Learned,
    ) -> bool {
        let is_there = |written: &Arc<str>| {
            let other = Reference { written: Arc::clone(written), ..reference.clone() };
            !matches!(self.resolve(&other, lookup, imports, learned), Resolved::Missing(_))
        };
        let begins_with_it = |list: &&Vec<Arc<str>>| list.first() == Some(&reference.written);
        let mut lists = self.references.choices.iter().filter(begins_with_it).peekable();
        reference.form == Form::Style && lists.peek().is_some() && lists.all(|list| list[1..].iter().any(is_there))
    }

    /// A path that a runtime puts behind wherever the build is served: behind the script's folder or one above it, or
    /// where others that are written so lie.
    fn resolve_loose(&self, reference: &Reference, lookup: &Lookup<'_>, learned: &Learned) -> Resolved {
        let around = lookup.find_around(&self.folder, &reference.written, reference.role).map(|(number, _)| number);
        let path = relative(&reference.written);
        let mut places = learned.places(reference);
        let found = around.or_else(|| places.find_map(|place| lookup.find(&format!("{place}{path}"))));
        if let Some(number) = found {
            return Resolved::File(number);
        }
        let is_known = match reference.form {
            Form::ChunkName => true,
            Form::List => learned.is_chunk(reference),
            _ => false,
        };
        match self.place(reference, lookup, learned).filter(|_| is_known) {
            Some(missing) => Resolved::Missing(missing),
            None => Resolved::NotOfTheSite,
        }
    }

    /// Where what a runtime loads would lie, if it were there: where others that are written so do, or else where its
    /// folder is.
    fn place(&self, reference: &Reference, lookup: &Lookup<'_>, learned: &Learned) -> Option<String> {
        let path = relative(&reference.written);
        let around = |place: &&str| self.folder.and_above().any(|folder| folder == *place);
        let place = learned.places(reference).find(around).or_else(|| learned.places(reference).next());
        match place {
            Some(place) => Some(format!("{place}{path}")),
            None => lookup.likely_folder(&self.folder, path),
        }
    }

    /// A name of which a part is put in when the script runs: all that it may mean. Only one that holds a fingerprint
    /// can be found missing.
    fn resolve_pattern(
        &self,
        reference: &Reference,
        start: &str,
        end: &str,
        lookup: &Lookup<'_>,
        learned: &Learned,
    ) -> Resolved {
        let (start, end) = (relative(start), without_query(end));
        let places = self.folder.and_above().map(|place| lookup.matching(&format!("{place}{start}"), end));
        match places.into_iter().find(|matching| !matching.is_empty()) {
            Some(matching) => Resolved::Files(matching),
            None if reference.form == Form::ChunkName && looks_hashed(&reference.written) => {
                self.place(reference, lookup, learned).map_or(Resolved::NotOfTheSite, Resolved::Missing)
            }
            None => Resolved::NotOfTheSite,
        }
    }
}

/// Whether a runtime puts together a name of which nothing in the path is a fingerprint: it is in the query.
pub(super) fn fits_any_name(reference: &Reference) -> bool {
    reference.form == Form::ChunkName
        && reference.written.contains(ANY)
        && !looks_hashed(without_query(&reference.written))
}

/// Whether files lie in the folder of `path`, which is not the top.
fn is_in_a_known_folder(path: &str, lookup: &Lookup<'_>) -> bool {
    let folder = folder_of(path);
    !folder.is_empty() && lookup.has_folder(folder)
}
