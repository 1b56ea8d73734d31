//! Whether the files that pages load are the bundler's: by the form of the tags, and by the array that webpack's scripts
//! share.

use std::collections::BTreeSet;

use super::candidates::{Candidate, Strength};
use crate::content::references::Manner;

/// The tags that count as the bundler's: a script or style that only pages refer to may have been copied beside the bundler's
/// output by people who write their tags in another form.
pub(super) struct Tags<'s> {
    scripts: Accepted,
    styles: Accepted,
    /// Whether any script that the bundler certainly wrote is loaded as a classic one.
    has_classics: bool,
    /// The arrays of chunks of webpack's scripts, if webpack wrote all scripts that load others.
    chunk_arrays: BTreeSet<&'s str>,
}

enum Accepted {
    /// Nothing distinguishes the bundler's tags from others.
    All,
    /// Tags of the same form as those that load files which the bundler certainly wrote.
    Known(BTreeSet<Manner>),
    /// Those that no person writes.
    Unusual,
    /// Those with `crossorigin`.
    CrossOrigin,
}

impl<'s> Tags<'s> {
    pub(super) fn of(candidates: &[Candidate<'s>]) -> Tags<'s> {
        let (scripts, styles) = (Accepted::of(candidates, false), Accepted::of(candidates, true));
        let are_cross_origin = match &scripts {
            Accepted::Known(known) => known.iter().all(|manner| manner.is_cross_origin()),
            scripts => matches!(scripts, Accepted::CrossOrigin),
        };
        let styles = match styles {
            Accepted::All | Accepted::Unusual if are_cross_origin => Accepted::CrossOrigin,
            styles => styles,
        };
        let has_classics = candidates.iter().any(|candidate| candidate.is_sure() && candidate.is_classic);
        Tags { scripts, styles, has_classics, chunk_arrays: chunk_arrays(candidates) }
    }

    /// Whether the tags that load it, if any, may be the bundler's.
    pub(super) fn may_be_of_bundler(&self, candidate: &Candidate<'_>) -> bool {
        // Modules say nothing about how a bundler's classic scripts are loaded.
        self.may_teach(candidate) || candidate.is_classic && !self.has_classics
    }

    /// Whether the files that the tags load may show how the bundler names its files.
    pub(super) fn may_teach(&self, candidate: &Candidate<'_>) -> bool {
        let admitted = if candidate.is_style() { &self.styles } else { &self.scripts };
        let manners = &candidate.manners;
        let is_loaded_so = manners.is_empty() || manners.iter().any(|manner| admitted.has(*manner));
        match self.is_of_webpack(candidate) {
            Some(is_of_webpack) => is_of_webpack,
            None => candidate.is_sure() || is_loaded_so,
        }
    }

    /// Whether a script that pages load belongs to those of webpack, if webpack wrote all that load others; `None`: unknown.
    /// A name in its lists may be from people's lists, which it puts into its scripts. An entry may load no other script,
    /// and so have no array: then its tag must have the form of the others', and a form that only a tool writes.
    fn is_of_webpack(&self, candidate: &Candidate<'_>) -> Option<bool> {
        let is_exempt = !is_loaded_script(candidate)
            || candidate.proof.is_some()
            || candidate.referred.is_some_and(|(strength, _)| strength == Strength::Sure);
        if self.chunk_arrays.is_empty() || is_exempt {
            return None;
        }
        match candidate.chunk_array {
            Some(array) => Some(self.chunk_arrays.contains(array)),
            None => {
                let says_more = |manner: &&Manner| manner.says_more() && self.scripts.has(**manner);
                Some(!candidate.is_sure() && candidate.manners.iter().any(|manner| says_more(&manner)))
            }
        }
    }
}

/// The arrays of the scripts that pages load and that load others, if each has one.
fn chunk_arrays<'s>(candidates: &[Candidate<'s>]) -> BTreeSet<&'s str> {
    let loading = candidates.iter().filter(|candidate| candidate.bundles && is_loaded_script(candidate));
    let arrays: Option<BTreeSet<&str>> = loading.map(|candidate| candidate.chunk_array).collect();
    arrays.unwrap_or_default()
}

fn is_loaded_script(candidate: &Candidate<'_>) -> bool {
    !candidate.is_style() && !candidate.manners.is_empty()
}

impl Accepted {
    /// The forms for scripts or for styles. A name with a hash is better evidence than one without: a tool writes it.
    fn of(candidates: &[Candidate<'_>], is_style: bool) -> Accepted {
        let loaded = || candidates.iter().filter(move |candidate| candidate.is_style() == is_style);
        let hashed = || loaded().filter(|candidate| candidate.clear_hash.is_some());
        let known = [manners(hashed().filter(|one| one.is_sure())), manners(loaded().filter(|one| one.is_sure()))];
        if let Some(known) = known.into_iter().find(|known| !known.is_empty()) {
            return Accepted::Known(known);
        }
        if manners(loaded()).iter().any(|manner| manner.is_vites()) {
            return Accepted::CrossOrigin;
        }
        let may_be_hashed = || loaded().filter(|candidate| candidate.name.may_hold_a_hash());
        let has = |candidate: &Candidate<'_>, is_plain| candidate.manners.iter().any(|one| one.is_plain() == is_plain);
        // If one file is loaded in both ways, a tool writes both.
        let are_apart = !may_be_hashed().any(|candidate| has(candidate, true) && has(candidate, false));
        let is_unusual = may_be_hashed().any(|candidate| has(candidate, false));
        if is_unusual && are_apart { Accepted::Unusual } else { Accepted::All }
    }

    fn has(&self, manner: Manner) -> bool {
        match self {
            Accepted::All => true,
            Accepted::Known(known) => {
                let cross_origin = manner.is_cross_origin() && known.iter().any(|one| one.is_cross_origin());
                cross_origin || known.contains(&manner)
            }
            Accepted::Unusual => !manner.is_plain(),
            Accepted::CrossOrigin => manner.is_cross_origin(),
        }
    }
}

fn manners<'c, 's: 'c>(candidates: impl Iterator<Item = &'c Candidate<'s>>) -> BTreeSet<Manner> {
    candidates.flat_map(|candidate| candidate.manners.iter().copied()).collect()
}
