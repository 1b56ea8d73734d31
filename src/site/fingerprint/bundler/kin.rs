//! Files that are recognised because they belong with others.

use std::collections::BTreeSet;

use super::super::facts::Facts;
use super::candidates::Strength;
use super::{Bundler, Hit, Hits};
use crate::content::path::SitePath;

/// Those of `unsure` that refer to a `known` file as a bundler does, or that are referenced in this way by a script that is
/// known or refers in this way to a known file; and so on.
pub(in super::super) fn of_kin<'s>(bundler: &Bundler<'s>, unsure: Vec<Hit<'s>>, known: &Hits<'s>) -> Vec<Hit<'s>> {
    let mut unsure: Hits<'s> = unsure.into_iter().map(|hit| (hit.path, hit)).collect();
    let mut found = Vec::new();
    let mut known: BTreeSet<&SitePath> = known.keys().copied().collect();
    let strong = |from: &'s SitePath, facts: &'s Facts| {
        facts.ties.iter().filter(move |tie| Strength::of(tie, from) > Strength::Loose).map(|tie| &tie.to)
    };
    while !unsure.is_empty() {
        let bundled = bundler.files.iter().filter(|(from, facts)| {
            !from.is_page() && (known.contains(from) || strong(from, facts).any(|to| known.contains(to)))
        });
        let next: BTreeSet<&SitePath> = bundled
            .flat_map(|(from, facts)| strong(from, facts).chain([from]))
            .filter(|path| unsure.contains_key(path))
            .collect();
        if next.is_empty() {
            break;
        }
        found.extend(next.iter().filter_map(|path| unsure.remove(path)));
        known.extend(next);
    }
    found
}
