//! Recognises the files of a bundler by how they refer to each other.
//!
//! Bundlers give their scripts and styles names of one kind, and refer to them in ways that people do not write: a
//! relative import of `./shared-BYf2qJoX.js`, a list of chunks, the table of a runtime. Where such names are found, all
//! that match and are referenced count as the bundler's, even those that could be read as words. Pictures, fonts and
//! data are not judged here: bundlers name them by a digest of their bytes, which is proof.

mod candidates;
mod inherited;
pub(super) mod kin;
mod naming;
pub(super) mod objections;
pub(super) mod reading;
pub(super) mod siblings;
mod tags;
pub(super) mod unloaded;

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use crate::content::path::SitePath;

use self::candidates::{Candidate, candidates};
use self::naming::{Namings, namings};
use self::reading::Reading;
use self::tags::Tags;

/// The scripts and styles of a site, and how its bundler names and loads its files.
pub(super) struct Bundler<'s> {
    files: &'s BTreeMap<SitePath, Facts>,
    candidates: Vec<Candidate<'s>>,
    tags: Tags<'s>,
    namings: Namings<'s>,
    /// Folders with chunks whose names have no hash.
    unhashed_chunks: BTreeSet<&'s str>,
}

/// A script or style that the bundler wrote.
#[derive(Clone, Copy)]
pub(super) struct Hit<'s> {
    pub(super) path: &'s SitePath,
    /// The hash in its name.
    pub(super) token: &'s str,
    /// The file that is the evidence for it.
    pub(super) by: By<'s>,
}

/// How the other file is evidence.
#[derive(Clone, Copy)]
pub(super) enum By<'s> {
    /// It refers to it.
    Reference(&'s SitePath),
    /// It is named after it.
    Sibling(&'s SitePath),
    /// It is referred to by it.
    Referred(&'s SitePath),
}

/// The recognised files, by path.
pub(super) type Hits<'s> = BTreeMap<&'s SitePath, Hit<'s>>;

impl<'s> Bundler<'s> {
    /// Learns from the files of a site how its bundler works. Names that are not `is_open` are not the bundler's.
    pub(super) fn of(files: &'s BTreeMap<SitePath, Facts>, is_open: fn(&SitePath) -> bool) -> Bundler<'s> {
        let candidates = candidates(files, is_open);
        let tags = Tags::of(&candidates);
        let teaching: Vec<&Candidate<'s>> = candidates.iter().filter(|candidate| tags.may_teach(candidate)).collect();
        let namings = namings(&teaching);
        let unhashed_chunks = inherited::folders_with_unhashed_chunks(files, &candidates, &namings);
        Bundler { files, candidates, tags, namings, unhashed_chunks }
    }

    /// The readings of each referenced script and style: first with the bundler's naming, then on its own.
    pub(super) fn readings(&self) -> impl Iterator<Item = (&'s SitePath, Vec<Reading<'_, 's>>)> {
        self.candidates.iter().map(|candidate| {
            let by_naming = self.namings.iter().filter_map(|((position, length, _), naming)| {
                Reading::by_naming(candidate, position.token(&candidate.name, *length)?, naming)
            });
            (candidate.path, by_naming.chain(Reading::by_itself(candidate)).collect())
        })
    }
}

impl<'s> From<Reading<'_, 's>> for Hit<'s> {
    fn from(reading: Reading<'_, 's>) -> Hit<'s> {
        Hit { path: reading.candidate.path, token: reading.token, by: By::Reference(reading.by) }
    }
}
