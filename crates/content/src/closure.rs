//! Checks whether the files that a site refers to are there: resolves every reference to a path of the site, as browsers and
//! the CDN do. Pure: a function of names and [`References`].
//!
//! Only what is at the site's own address counts. The configuration may give that address and folder (`url`); otherwise they
//! are learned from the references that do lead to files (`learned`).

mod address;
mod learned;
mod lookup;
mod resolve;
mod source;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::path::SitePath;
use crate::references::{Form, Reference, References, Role};

use self::learned::Learned;
use self::lookup::Lookup;
use self::resolve::{Resolved, fits_any_name};
use self::source::{Imports, Source, is_bare, is_import};

/// The known addresses of the site, and the paths there that something else serves.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Where visitors see the site, as `https://www.example.com/docs`.
    pub url: Option<&'a str>,
    /// Whether something else serves a path at the site's address.
    pub is_external: &'a dyn Fn(&SitePath) -> bool,
}

/// What the files of a site refer to, resolved.
#[derive(Clone, Debug, Default)]
pub struct Closure {
    /// References to missing files, in the order of files and lines.
    pub broken: Vec<Broken>,
    /// Links with a bare `+` to files that have one in their names, in the order of files and lines.
    pub bare_pluses: Vec<BarePlus>,
    /// References to files that exist, but not where a browser looks for them at the site's address, in the order of files
    /// and lines.
    pub outside: Vec<Broken>,
    /// The folder, with a final slash, below which references look for the files although the site's address does not name
    /// it: they find none unless something else removes the folder from the path.
    pub unnamed_folder: Option<String>,
    /// All files, in their order. The other fields refer to them by their index here.
    files: Vec<SitePath>,
    /// For each file, those it refers to and how, sorted.
    uses: Vec<Vec<NumberedUse>>,
}

/// A file that another one refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use<'a> {
    /// The file that is referred to.
    pub file: &'a SitePath,
    /// Its place among [`Closure::files`].
    pub place: usize,
    /// What it is needed for.
    pub role: Role,
    /// How the reference is written.
    pub form: Form,
    /// Whether it is written as a bare name, which an import map leads to the file.
    pub by_name: bool,
}

/// A [`Use`], with the place of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct NumberedUse {
    file: u32,
    role: Role,
    form: Form,
    by_name: bool,
}

/// A reference that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Broken {
    /// The file that refers.
    pub file: SitePath,
    /// The line in it, from 1.
    pub line: u32,
    /// The reference as it is written.
    pub written: Arc<str>,
    /// The path in the site to which it leads.
    pub resolved: String,
    /// What is missing.
    pub role: Role,
    /// Whether a page that visitors may open is broken without it.
    pub essential: bool,
}

impl Broken {
    fn new(source: &Source<'_>, reference: &Reference, resolved: String, essential: bool) -> Broken {
        Broken {
            file: source.path.clone(),
            line: reference.line,
            written: Arc::clone(&reference.written),
            resolved,
            role: reference.role,
            essential,
        }
    }
}

/// A reference that a browser sends with a bare `+`, which S3 reads as a space: there it does not lead to the file that it
/// means. The first of those that are the same on every page stands for all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BarePlus {
    /// The file that refers.
    pub file: SitePath,
    /// The line in it, from 1.
    pub line: u32,
    /// The reference as it is written.
    pub written: Arc<str>,
}

impl Closure {
    /// Resolves `references` among `files`, which may be in any order.
    pub fn of(
        mut files: Vec<SitePath>,
        references: &BTreeMap<SitePath, References>,
        surroundings: Surroundings<'_>,
    ) -> Closure {
        files.sort();
        let lookup = Lookup::new(&files);
        let imports = Imports::of(references);
        let sources: Vec<Source<'_>> =
            references.iter().filter_map(|(path, references)| Source::new(&lookup, path, references)).collect();
        let learned = Learned::from(&sources, &lookup, &imports, surroundings.url);
        // Links that are the same on every page are resolved once.
        let mut known: BTreeMap<(usize, Role), u32> = BTreeMap::new();
        let mut uses = vec![Vec::new(); lookup.len()];
        let (mut missing, mut elsewhere, mut bare_pluses) = (Vec::new(), Vec::new(), Vec::new());
        for source in &sources {
            let found = &mut uses[source.number as usize];
            for reference in &source.references.list {
                let Reference { role, .. } = *reference;
                // What any name fits shows nothing about who gave it.
                let form = if fits_any_name(reference) { Form::Text } else { reference.form };
                let by_name = is_import(form) && is_bare(&reference.written);
                let used = |file| NumberedUse { file, role, form, by_name };
                let same_everywhere = source.means_the_same_everywhere(reference);
                let key = (Arc::as_ptr(&reference.written).addr(), role);
                if same_everywhere && let Some(file) = known.get(&key) {
                    found.push(used(*file));
                    continue;
                }
                match source.resolve(reference, &lookup, &imports, &learned) {
                    Resolved::Files(files) => found.extend(files.into_iter().map(used)),
                    Resolved::File(file) => {
                        if same_everywhere {
                            known.insert(key, file);
                        }
                        if form != Form::Text && has_bare_plus(&reference.written, &files[file as usize]) {
                            let (file, written) = (source.path.clone(), Arc::clone(&reference.written));
                            bare_pluses.push(BarePlus { file, line: reference.line, written });
                        }
                        found.push(used(file));
                    }
                    Resolved::Outside(file) => {
                        elsewhere.push((source, reference, files[file as usize].to_string()));
                        found.push(used(file));
                    }
                    Resolved::Missing(path) => missing.push((source, reference, path)),
                    Resolved::NotOfTheSite => {}
                }
            }
            found.sort_unstable();
            found.dedup();
        }
        let reached = reached(&files, &uses);
        let mut broken = Vec::new();
        for (source, reference, resolved) in missing {
            if is_external(&resolved, surroundings) {
                continue;
            }
            let essential = reference.role.is_essential()
                && reference.form.is_load()
                && reached[source.number as usize]
                && !is_optional(reference, &resolved, &lookup)
                && !source.has_another_choice(reference, &lookup, &imports, &learned);
            broken.push(Broken::new(source, reference, resolved, essential));
        }
        let mut outside = Vec::new();
        for (source, reference, resolved) in elsewhere {
            if !is_external(&resolved, surroundings) {
                let essential = is_of_a_page_itself(reference) && reached[source.number as usize];
                outside.push(Broken::new(source, reference, resolved, essential));
            }
        }
        outside.sort();
        broken.sort();
        bare_pluses.sort();
        bare_pluses.dedup();
        let unnamed_folder = learned.contradicts_url.then(|| learned.base().to_owned());
        Closure { broken, outside, bare_pluses, unnamed_folder, files, uses }
    }

    /// All files of the site, in their order.
    pub fn files(&self) -> &[SitePath] {
        &self.files
    }

    /// The files that the file at `path` refers to, and how: each of them once for each role and form.
    pub fn uses(&self, path: &SitePath) -> impl Iterator<Item = Use<'_>> {
        let uses = self.files.binary_search(path).ok().map(|number| &self.uses[number]);
        uses.into_iter().flatten().map(|&NumberedUse { file, role, form, by_name }| Use {
            file: &self.files[file as usize],
            place: file as usize,
            role,
            form,
            by_name,
        })
    }
}

/// The files that a page leads to, in any number of steps. All pages count as reached, because visitors may open any of
/// them.
///
/// Whatever else lies in the folder (examples to download, the sources of a library) may import what is not there,
/// and no visitor notices.
fn reached(files: &[SitePath], uses: &[Vec<NumberedUse>]) -> Vec<bool> {
    let mut reached: Vec<bool> = files.iter().map(is_entry).collect();
    let mut next: Vec<usize> = (0..reached.len()).filter(|number| reached[*number]).collect();
    while let Some(user) = next.pop() {
        for used in &uses[user] {
            let number = used.file as usize;
            if !reached[number] {
                reached[number] = true;
                next.push(number);
            }
        }
    }
    reached
}

/// Pages, and what pages of other sites load (the entry of a module federation).
fn is_entry(path: &SitePath) -> bool {
    path.is_page() || path.file_name() == "remoteEntry.js"
}

/// Whether a reference to `file` holds a bare plus in its path that is one of the file's name.
fn has_bare_plus(written: &str, file: &SitePath) -> bool {
    file.as_str().contains('+') && lookup::without_query(written).contains('+')
}

fn is_external(resolved: &str, surroundings: Surroundings<'_>) -> bool {
    SitePath::new(resolved.trim_end_matches('/')).is_ok_and(|path| (surroundings.is_external)(&path))
}

/// Whether a page is blank or without its looks where a browser does not find this: a script, module or style sheet, in a
/// form that says for certain where the browser looks.
fn is_of_a_page_itself(reference: &Reference) -> bool {
    let is_certain =
        matches!(reference.form, Form::Tag(_) | Form::Style | Form::Import | Form::DynamicImport | Form::Worker);
    is_certain && matches!(reference.role, Role::Script | Role::Module | Role::Style)
}

/// Whether a script imports something that was never built: an optional library, which is imported only if the build
/// contains it.
/// Then nothing of it is there, not even its folder.
fn is_optional(reference: &Reference, resolved: &str, lookup: &Lookup<'_>) -> bool {
    reference.form == Form::DynamicImport && !lookup.has_folder(learned::folder_of(resolved))
}

#[cfg(test)]
mod tests;
