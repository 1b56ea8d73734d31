//! What the readers of all kinds of files find, put together.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::reference::{Form, Reference, References, Role};
use super::written::scheme;

/// What has been found in a file so far.
#[derive(Default)]
pub(super) struct Found {
    references: References,
    seen: BTreeMap<Arc<str>, Vec<(Role, Form)>>,
    /// For each first choice, the lists of its alternatives.
    choices: BTreeMap<String, Vec<Vec<Arc<str>>>>,
}

impl Found {
    /// Says what addresses in a page are relative to; the first one counts.
    pub(super) fn set_base(&mut self, base: &str) {
        self.references.base.get_or_insert_with(|| Arc::from(base));
    }

    /// Says what a bare name stands for.
    pub(super) fn add_import(&mut self, name: &str, address: &str) {
        self.references.imports.push((Arc::from(name), Arc::from(address)));
    }

    pub(super) fn add(&mut self, written: &str, role: Role, form: Form, line: u32) {
        let written = trim(written);
        // A name that a package or an import map defines may begin as the place in a page does.
        let is_import = matches!(form, Form::Import | Form::DynamicImport);
        if !(may_be_of_a_site(&written) || is_import && written.starts_with('#')) {
            return;
        }
        let written = match self.seen.get_key_value(&*written) {
            Some((_, uses)) if uses.contains(&(role, form)) => return,
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(&*written),
        };
        self.seen.entry(Arc::clone(&written)).or_default().push((role, form));
        self.references.list.push(Reference { written, role, form, line });
    }

    /// Records that any of `others` is enough if `first` is not there.
    pub(super) fn add_choices<'o>(&mut self, first: &str, others: impl Iterator<Item = &'o str>) {
        let others: Vec<Arc<str>> = others.map(|other| Arc::from(&*trim(other))).collect();
        let lists = self.choices.entry(trim(first).into_owned()).or_default();
        if !lists.contains(&others) {
            lists.push(others);
        }
    }

    /// All that the file refers to. What is also needed unconditionally has no alternatives.
    pub(super) fn finish(mut self) -> References {
        for (first, lists) in self.choices {
            if lists.iter().all(|others| !others.is_empty()) {
                let first: Arc<str> = Arc::from(first);
                let lists = lists.into_iter().map(|others| [Arc::clone(&first)].into_iter().chain(others).collect());
                self.references.choices.extend(lists);
            }
        }
        self.references
    }
}

/// As browsers do before they parse an address: spaces around it, and line ends and tabs in it, go
/// (<https://url.spec.whatwg.org/#concept-basic-url-parser>).
fn trim(written: &str) -> Cow<'_, str> {
    let trimmed = written.trim_matches(|letter: char| letter <= ' ');
    match memchr::memchr3(b'\n', b'\r', b'\t', trimmed.as_bytes()) {
        None => Cow::Borrowed(trimmed),
        Some(_) => Cow::Owned(trimmed.replace(['\n', '\r', '\t'], "")),
    }
}

/// Whether an address can lead to a file of a site: not the place in a page, `mailto:` and the like, nor the unfilled
/// hole of a template.
fn may_be_of_a_site(written: &str) -> bool {
    // A name that is not written in UTF-8 is not understood.
    if written.is_empty() || written.starts_with('#') || written.contains(char::REPLACEMENT_CHARACTER) {
        return false;
    }
    let may_have_hole = memchr::memchr2(b'{', b'<', written.as_bytes()).is_some();
    if may_have_hole && ["{{", "${", "<%"].iter().any(|hole| written.contains(hole)) {
        return false;
    }
    match scheme(written) {
        Some(scheme) => scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"),
        None => true,
    }
}

/// How many line ends there are.
pub(super) fn newlines(bytes: &[u8]) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', bytes).count()).unwrap_or(u32::MAX)
}
