//! The files that refer to something, and what their references are relative to.

use std::collections::BTreeMap;

use crate::path::SitePath;
use crate::references::{Form, Reference, References, scheme};

use super::address::{Address, Folder};
use super::lookup::Lookup;

/// What bare names stand for, by the import maps of all pages: the name, and the address with the page that gives it.
pub(super) struct Imports<'a>(BTreeMap<&'a str, (&'a str, &'a SitePath, &'a References)>);

impl<'a> Imports<'a> {
    pub(super) fn of(references: &'a BTreeMap<SitePath, References>) -> Imports<'a> {
        let mut imports = BTreeMap::new();
        for (page, references) in references {
            for (name, address) in &references.imports {
                imports.entry(&**name).or_insert((&**address, page, references));
            }
        }
        Imports(imports)
    }

    /// What a bare name leads to: itself, or a folder that it begins with; and whether that begins at the top of its host.
    pub(super) fn address(&self, name: &str) -> Option<(Address, bool)> {
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
pub(super) struct Source<'a> {
    pub(super) path: &'a SitePath,
    /// Its place among all files.
    pub(super) number: u32,
    pub(super) references: &'a References,
    /// The folder that its own address lies in.
    pub(super) folder: Folder,
    /// What its attributes are relative to: the folder, unless it says otherwise.
    pub(super) base: Folder,
}

impl<'a> Source<'a> {
    /// `None`: it is not among the files.
    pub(super) fn new(lookup: &Lookup<'_>, path: &'a SitePath, references: &'a References) -> Option<Source<'a>> {
        let number = lookup.find(path.as_str())?;
        let (folder, base) = (Folder::of(path), Folder::of_page(path, references.base.as_deref()));
        Some(Source { path, number, references, folder, base })
    }

    /// Whether it leads to the same place in whatever page it stands.
    pub(super) fn means_the_same_everywhere(&self, reference: &Reference) -> bool {
        matches!(reference.form, Form::Attribute | Form::Tag(_)) && is_rooted(&reference.written) && self.base.is_here()
    }

    /// Where a reference leads that is written as an address, and whether that begins at the top of the host, whatever
    /// file it stands in; `None`: nowhere in a site.
    pub(super) fn address(&self, reference: &Reference, imports: &Imports<'_>) -> Option<(Address, bool)> {
        let written = &reference.written;
        let folder = match reference.form {
            form if is_import(form) && is_bare(written) => return imports.address(written),
            Form::List | Form::ChunkName | Form::Text => &self.folder,
            _ => &self.base,
        };
        let is_rooted = written.starts_with('/') || self.references.base.is_some();
        Some((Address::parse(written, folder)?, is_rooted))
    }
}

/// Whether it is not known what such a reference is relative to.
pub(super) fn is_loose(form: Form) -> bool {
    matches!(form, Form::List | Form::ChunkName | Form::Text)
}

/// Whether an address begins at the top of the host, without naming it.
pub(super) fn is_rooted(written: &str) -> bool {
    written.starts_with('/') && !written.starts_with("//")
}

pub(super) fn is_import(form: Form) -> bool {
    matches!(form, Form::Import | Form::DynamicImport)
}

/// Whether a module is named and not addressed
/// (<https://html.spec.whatwg.org/#resolve-a-url-like-module-specifier>).
pub(super) fn is_bare(written: &str) -> bool {
    !(written.starts_with('/') || written.starts_with("./") || written.starts_with("../")) && scheme(written).is_none()
}
