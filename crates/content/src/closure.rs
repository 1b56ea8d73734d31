//! Whether what the files of a site refer to is there: every reference made a path of the site, as browsers and the CDN
//! would. Pure: a function of names and [`References`].
//!
//! Only what lies at the site's own address counts. Under which address and folder that is, the configuration may say
//! (`url`); otherwise it is learned from the references that do lead to files (`learned`).

mod address;
mod learned;
mod lookup;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::path::SitePath;
use crate::references::{ANY, Form, Reference, References, Role, looks_hashed};

use self::address::{Address, Folder};
use self::learned::Learned;
use self::lookup::Lookup;

/// Under which addresses the site is known to lie, and what of them is none of its business.
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
    /// What is referred to and not there, in the order of files and lines.
    pub broken: Vec<Broken>,
    /// The folder, with a final slash, below which references look for the files although the site's address does not name
    /// it: they find none unless something else takes the folder away.
    pub unnamed_folder: Option<String>,
    /// All files, in their order. What follows names them by their place here.
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
        let mut missing = Vec::new();
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
                && reached[source.number as usize]
                && !is_optional(reference, &resolved, &lookup);
            broken.push(Broken {
                file: source.path.clone(),
                line: reference.line,
                written: Arc::clone(&reference.written),
                resolved,
                role: reference.role,
                essential,
            });
        }
        broken.sort();
        let unnamed_folder = learned.contradicts_url.then(|| learned.base().to_owned());
        Closure { broken, unnamed_folder, files, uses }
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

/// Which files a page leads to, by any number of steps. Pages are all reached: anybody may open them.
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

fn is_external(resolved: &str, surroundings: Surroundings<'_>) -> bool {
    SitePath::new(resolved.trim_end_matches('/')).is_ok_and(|path| (surroundings.is_external)(&path))
}

/// Whether a script asks for what was never built: a library that a build may hold, and that is imported where it does.
/// Then nothing of it is there, not even its folder.
fn is_optional(reference: &Reference, resolved: &str, lookup: &Lookup<'_>) -> bool {
    reference.form == Form::DynamicImport && !lookup.has_folder(learned::folder_of(resolved))
}

/// Whether files lie in the folder of `path`, which is not the top.
fn is_in_a_known_folder(path: &str, lookup: &Lookup<'_>) -> bool {
    let folder = learned::folder_of(path);
    !folder.is_empty() && lookup.has_folder(folder)
}

/// What bare names stand for, by the import maps of all pages: the name, and the address with the page that gives it.
struct Imports<'a>(BTreeMap<&'a str, (&'a str, &'a SitePath, &'a References)>);

impl<'a> Imports<'a> {
    fn of(references: &'a BTreeMap<SitePath, References>) -> Imports<'a> {
        let mut imports = BTreeMap::new();
        for (page, references) in references {
            for (name, address) in &references.imports {
                imports.entry(&**name).or_insert((&**address, page, references));
            }
        }
        Imports(imports)
    }

    /// What a bare name leads to: itself, or a folder that it begins with; and whether that begins at the top of its host.
    fn address(&self, name: &str) -> Option<(Address, bool)> {
        let (address, page, references, rest) = match self.0.get(name) {
            Some((address, page, references)) => (address, page, references, ""),
            None => {
                let end = name.rfind('/')? + 1;
                let (address, page, references) = self.0.get(&name[..end])?;
                (address, page, references, &name[end..])
            }
        };
        let base = Folder::of_page(page, references.base.as_deref());
        let is_rooted = address.starts_with('/') || references.base.is_some();
        Some((Address::parse(&format!("{address}{rest}"), &base)?, is_rooted))
    }
}

/// A file that refers to something.
struct Source<'a> {
    path: &'a SitePath,
    /// Its place among all files.
    number: u32,
    references: &'a References,
    /// The folder that its own address lies in.
    folder: Folder,
    /// What its attributes are relative to: the folder, unless it says otherwise.
    base: Folder,
}

/// What a reference leads to.
enum Resolved {
    /// A file of the site, by its place.
    File(u32),
    /// Any of several.
    Files(Vec<u32>),
    /// A path of the site where no file is.
    Missing(String),
    /// Anything else.
    NotOfTheSite,
}

impl<'a> Source<'a> {
    /// `None`: it is not among the files.
    fn new(lookup: &Lookup<'_>, path: &'a SitePath, references: &'a References) -> Option<Source<'a>> {
        let number = lookup.find(path.as_str())?;
        let (folder, base) = (Folder::of(path), Folder::of_page(path, references.base.as_deref()));
        Some(Source { path, number, references, folder, base })
    }

    /// Whether it leads to the same place in whatever page it stands.
    fn means_the_same_everywhere(&self, reference: &Reference) -> bool {
        matches!(reference.form, Form::Attribute | Form::Tag(_)) && is_rooted(&reference.written) && self.base.is_here()
    }

    /// Where a reference leads that is written as an address, and whether that begins at the top of the host, whatever
    /// file it stands in; `None`: nowhere in a site.
    fn address(&self, reference: &Reference, imports: &Imports<'_>) -> Option<(Address, bool)> {
        let written = &reference.written;
        let folder = match reference.form {
            form if is_import(form) && is_bare(written) => return imports.address(written),
            Form::List | Form::ChunkName | Form::Text => &self.folder,
            _ => &self.base,
        };
        let is_rooted = written.starts_with('/') || self.references.base.is_some();
        Some((Address::parse(written, folder)?, is_rooted))
    }

    fn resolve(
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
        let found = likely.into_iter().chain(other).find_map(|path| lookup.find_for(path, reference.role));
        match (found, likely, reference.form) {
            (Some(number), ..) => Resolved::File(number),
            (None, None, _) | (None, _, Form::Text) => Resolved::NotOfTheSite,
            // Another site may hold files of the same names.
            (None, ..) if learned.is_guessed(&address) => Resolved::NotOfTheSite,
            (None, _, Form::List) if is_rooted(&reference.written) && !learned.is_chunk(reference) => {
                Resolved::NotOfTheSite
            }
            // What only looks like the list of a bundler, where nothing lies.
            (None, Some(path), Form::List)
                if matches!(address, Address::At { .. }) && !is_in_a_known_folder(path, lookup) =>
            {
                Resolved::NotOfTheSite
            }
            (None, Some(missing), _) => Resolved::Missing(missing.to_owned()),
        }
    }

    /// A path that a runtime puts behind wherever the build is served: behind the script's folder or one above it, or
    /// where others that are written so lie.
    fn resolve_loose(&self, reference: &Reference, lookup: &Lookup<'_>, learned: &Learned) -> Resolved {
        let around = lookup.find_around(&self.folder, &reference.written, reference.role).map(|(number, _)| number);
        let path = lookup::relative(&reference.written);
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
        let path = lookup::relative(&reference.written);
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
        let (start, end) = (lookup::relative(start), lookup::without_query(end));
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
fn fits_any_name(reference: &Reference) -> bool {
    reference.form == Form::ChunkName
        && reference.written.contains(ANY)
        && !looks_hashed(lookup::without_query(&reference.written))
}

/// Whether it is not known what such a reference is relative to.
fn is_loose(form: Form) -> bool {
    matches!(form, Form::List | Form::ChunkName | Form::Text)
}

/// Whether an address begins at the top of the host, without naming it.
fn is_rooted(written: &str) -> bool {
    written.starts_with('/') && !written.starts_with("//")
}

fn is_import(form: Form) -> bool {
    matches!(form, Form::Import | Form::DynamicImport)
}

/// Whether a module is named and not addressed
/// (<https://html.spec.whatwg.org/#resolve-a-url-like-module-specifier>).
fn is_bare(written: &str) -> bool {
    !(written.starts_with('/') || written.starts_with("./") || written.starts_with("../"))
        && crate::references::scheme(written).is_none()
}

#[cfg(test)]
mod tests;
