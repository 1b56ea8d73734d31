//! A `_headers` file in the format of Netlify and Cloudflare Pages: which headers it sets for which addresses.
//!
//! ```text
//! # A comment
//! /assets/*
//!   Cache-Control: public, max-age=3600
//! /embed/*
//!   ! X-Frame-Options
//! ```
//!
//! The two services agree on all of it except if several rules set the same header for one address: Cloudflare joins
//! the values, Netlify's own tools let the later rule win. Here the later rule wins, because two lifetimes in one
//! Cache-Control mean nothing (RFC 9111 section 4.2.1). Within one rule, values of the same header are joined by both,
//! and here. [`crate::site::response_policy`] handles headers that S3 cannot store.

mod index;
mod pattern;

#[cfg(test)]
mod tests;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::content::path::SitePath;
use crate::report::error::{Code, Problem};
use crate::types::headers::{MAX_VALUE_BYTES, SetHeaders, check_metadata, is_field_value};

pub(in crate::site) use index::{End, Index};
pub use pattern::UrlPattern;
use pattern::{Addresses, Piece};

/// The file's name, at the root of the site's folder.
pub const FILE_NAME: &str = "_headers";

/// Prefix of headers that S3 keeps as user metadata.
const METADATA: &str = "x-amz-meta-";

/// The checked content of a `_headers` file.
#[derive(Clone, Debug)]
pub struct HeadersFile {
    rules: Vec<Rule>,
    /// Those of its rules that decide headers which S3 stores with a file.
    deciding: Index,
    warnings: Vec<String>,
}

impl Default for HeadersFile {
    fn default() -> HeadersFile {
        Reading::default().finish()
    }
}

/// The headers for everything that a pattern matches.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The line of the pattern, from 1.
    line: usize,
    /// The addresses that it applies to.
    pub pattern: UrlPattern,
    /// The headers it sets, each name once.
    pub headers: Vec<Header>,
    /// The headers of earlier rules that it removes first; names in lower case.
    pub detached: Vec<String>,
}

/// A header as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value: printable ASCII, not empty, no blank at either end.
    pub value: String,
}

impl Header {
    /// Its name in lower case: header names are case-insensitive.
    pub fn key(&self) -> String {
        self.name.to_ascii_lowercase()
    }
}

/// Whether S3 stores such a header with an object, and publish allows it; `name` in lower case.
pub fn is_stored(name: &str) -> bool {
    const STORED: [&str; 5] =
        ["cache-control", "content-type", "content-encoding", "content-disposition", "content-language"];
    STORED.contains(&name) || name.starts_with(METADATA)
}

/// What is wrong with a line; the text follows its number.
#[derive(Debug)]
enum Wrong {
    /// Neither a path nor a header.
    Unclear,
    /// A header before the first path.
    NoPath,
    /// An invalid name.
    Name,
    /// No value.
    NoValue,
    /// A value that no header can have.
    Value(String),
    /// A value that, joined with the rule's others of the same name, S3 does not accept.
    TooLong,
    /// A path on another scheme, or with a port.
    Address,
}

impl fmt::Display for Wrong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Unclear => formatter.write_str("is neither a path that begins with `/` nor a `Name: value` pair"),
            Wrong::NoPath => formatter.write_str("belongs to no path: put a line such as `/*` before it"),
            Wrong::Name => formatter.write_str("has a name before the colon that is not a valid header name"),
            Wrong::NoValue => formatter.write_str("has no value after the colon"),
            Wrong::Value(name) => write!(formatter, "gives `{name}` an invalid value"),
            Wrong::TooLong => {
                write!(formatter, "makes a value longer than {MAX_VALUE_BYTES} bytes, which S3 does not accept")
            }
            Wrong::Address => {
                formatter.write_str("has an address that is not `https://` followed by a host name without a port")
            }
        }
    }
}

impl HeadersFile {
    /// Parses a `_headers` file. `site` is the site's own address; rules for another host are skipped.
    ///
    /// # Errors
    /// [`Code::Configuration`] with the number of a line that no service understands: a rule that is silently skipped
    /// may be one that protects visitors. [`Code::Private`] for `Basic-Auth`: its addresses would be open to everybody.
    pub fn parse(text: &str, site: Option<&str>) -> Result<HeadersFile, Problem> {
        let host = site.and_then(|site| Some(site.split_once("://")?.1.split(['/', ':']).next()?.to_owned()));
        let mut reading = Reading { host, ..Reading::default() };
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                reading.line(index + 1, line).map_err(|problem| problem.at(FILE_NAME, index + 1))?;
            }
        }
        Ok(reading.finish())
    }

    /// The result of the rules for the headers that S3 stores with the file at `path`.
    pub fn of(&self, path: &SitePath) -> SetHeaders {
        let mut set = SetHeaders::default();
        if self.rules.is_empty() {
            return set;
        }
        let (ends, _) = self.deciding.search(&Addresses::of(path));
        let mut rules: Vec<usize> = ends.into_iter().flat_map(|end| self.deciding.rules(end)).copied().collect();
        rules.sort_unstable();
        for rule in rules.into_iter().map(|rule| &self.rules[rule]) {
            for name in &rule.detached {
                put(&mut set, name, None);
            }
            for header in &rule.headers {
                put(&mut set, &header.key(), Some(&header.value));
            }
        }
        set
    }

    /// Whether any rule sets metadata.
    pub fn has_metadata(&self) -> bool {
        self.rules.iter().flat_map(|rule| &rule.headers).any(|header| header.key().starts_with(METADATA))
    }

    /// The rules, in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Warnings, one sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// One sentence for each rule that matches none of `paths`.
    pub fn unused<'a>(&self, paths: impl IntoIterator<Item = &'a SitePath>) -> Vec<String> {
        let all = Index::of(self.rules.iter().map(|rule| &rule.pattern).enumerate());
        let mut unused: BTreeSet<_> = all.ends().collect();
        for path in paths {
            if unused.is_empty() {
                break;
            }
            for end in all.search(&Addresses::of(path)).0 {
                unused.remove(&end);
            }
        }
        let mut unused: Vec<usize> = unused.into_iter().flat_map(|end| all.rules(end)).copied().collect();
        unused.sort_unstable();
        let sentence =
            |rule: &Rule| format!("no file matches `{}` ({FILE_NAME}, line {})", rule.pattern.text(), rule.line);
        unused.into_iter().map(|rule| sentence(&self.rules[rule])).collect()
    }
}

impl Rule {
    /// The names, in lower case, of the headers that S3 stores and that the file decides.
    fn decides(&self) -> impl Iterator<Item = String> {
        let given = self.headers.iter().map(Header::key);
        given.chain(self.detached.iter().cloned()).filter(|name| is_stored(name))
    }
}

/// The numbers of the rules that still matter: the others are fully overridden by later ones for the same addresses.
fn deciding(rules: &[Rule]) -> Vec<usize> {
    let mut decided: BTreeMap<&[Piece], BTreeSet<String>> = BTreeMap::new();
    let mut deciding = Vec::new();
    for (number, rule) in rules.iter().enumerate().rev() {
        let decided = decided.entry(rule.pattern.parts()).or_default();
        let before = decided.len();
        decided.extend(rule.decides());
        if decided.len() > before {
            deciding.push(number);
        }
    }
    deciding.reverse();
    deciding
}

/// Sets or removes the header `name`, in lower case, if S3 stores it.
fn put(set: &mut SetHeaders, name: &str, value: Option<&String>) {
    let field = match name {
        "cache-control" => &mut set.cache_control,
        "content-type" => &mut set.content_type,
        "content-encoding" => &mut set.content_encoding,
        "content-disposition" => &mut set.content_disposition,
        "content-language" => &mut set.content_language,
        _ => {
            if let Some(name) = name.strip_prefix(METADATA) {
                match value {
                    Some(value) => drop(set.metadata.insert(name.to_owned(), value.clone())),
                    None => drop(set.metadata.remove(name)),
                }
            }
            return;
        }
    };
    *field = value.cloned();
}

/// A file during parsing.
#[derive(Default)]
struct Reading {
    host: Option<String>,
    rules: Vec<Rule>,
    /// The rule that the next headers belong to; `None` if they belong to another host.
    current: Option<Rule>,
    /// The positions of its headers, by their names in lower case.
    places: BTreeMap<String, usize>,
    began: bool,
    warnings: Vec<String>,
}

impl Reading {
    fn line(&mut self, number: usize, line: &str) -> Result<(), Problem> {
        if line.starts_with('/') {
            self.begin(number, line);
            return Ok(());
        }
        if line.split_once("://").is_some_and(|(scheme, _)| !scheme.contains([' ', ':'])) {
            return self.address(number, line);
        }
        if !self.began {
            return Err(refused(number, line, &Wrong::NoPath));
        }
        if let Some(name) = line.strip_prefix('!').map(str::trim).filter(|name| !name.contains(':')) {
            return match (is_token(name), &mut self.current) {
                (false, _) => Err(refused(number, line, &Wrong::Name)),
                (true, Some(rule)) => {
                    rule.detached.push(name.to_ascii_lowercase());
                    Ok(())
                }
                (true, None) => Ok(()),
            };
        }
        let (name, value) = line.split_once(':').ok_or_else(|| refused(number, line, &Wrong::Unclear))?;
        let header = Header { name: name.trim().to_owned(), value: value.trim().replace('\t', " ") };
        check(&header, number, line)?;
        let is_too_long = |header: &Header| is_stored(&header.key()) && header.value.len() > MAX_VALUE_BYTES;
        match self.header(number, header) {
            Some(joined) if is_too_long(joined) => Err(refused(number, line, &Wrong::TooLong)),
            _ => Ok(()),
        }
    }

    /// A rule for `https://host/path`, as in Cloudflare's format.
    fn address(&mut self, number: usize, line: &str) -> Result<(), Problem> {
        let wrong = || refused(number, line, &Wrong::Address);
        let rest = line.strip_prefix("https://").ok_or_else(wrong)?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.is_empty() || host.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())) {
            return Err(wrong());
        }
        if self.host.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(host)) {
            self.begin(number, &format!("/{path}"));
        } else {
            self.end();
            self.began = true;
            let message = match &self.host {
                Some(own) => format!("{FILE_NAME}, line {number}: the rule is for {host}, but this site is {own}"),
                None => {
                    format!("{FILE_NAME}, line {number}: the rule is for {host}; is that this site? `url` is not set")
                }
            };
            self.warnings.push(message);
        }
        Ok(())
    }

    fn begin(&mut self, number: usize, path: &str) {
        self.end();
        self.began = true;
        let pattern = UrlPattern::new(path);
        self.current = Some(Rule { line: number, pattern, headers: Vec::new(), detached: Vec::new() });
    }

    /// Adds a header, joined to the rule's value of the same name, unless it is skipped.
    fn header(&mut self, number: usize, header: Header) -> Option<&Header> {
        let rule = self.current.as_mut()?;
        let place = format!("{FILE_NAME}, line {number}");
        if rule.pattern.is_named_in(&header.value) {
            let name = &header.name;
            self.warnings.push(format!(
                "{place}: `{name}` inserts a part of the URL, which publish does not support; the header is ignored"
            ));
            return None;
        }
        if header.key() == "expires" {
            self.warnings.push(format!(
                "{place}: `Expires` is ignored, because every file has a Cache-Control header, which takes precedence \
                 (RFC 9111)"
            ));
            return None;
        }
        match self.places.entry(header.key()) {
            Entry::Occupied(known) => {
                let earlier = &mut rule.headers[*known.get()];
                earlier.value.push_str(", ");
                earlier.value.push_str(&header.value);
                Some(earlier)
            }
            Entry::Vacant(new) => {
                new.insert(rule.headers.len());
                rule.headers.push(header);
                rule.headers.last()
            }
        }
    }

    fn end(&mut self) {
        self.places.clear();
        let Some(rule) = self.current.take() else { return };
        if rule.headers.is_empty() && rule.detached.is_empty() {
            let (line, path) = (rule.line, rule.pattern.text());
            self.warnings.push(format!("{FILE_NAME}, line {line}: `{path}` has no headers"));
        } else {
            self.rules.push(rule);
        }
    }

    fn finish(mut self) -> HeadersFile {
        self.end();
        let deciding = deciding(&self.rules).into_iter().map(|rule| (rule, &self.rules[rule].pattern));
        HeadersFile { deciding: Index::of(deciding), rules: self.rules, warnings: self.warnings }
    }
}

fn check(header: &Header, number: usize, line: &str) -> Result<(), Problem> {
    let Header { name, value } = header;
    if !is_token(name) {
        return Err(refused(number, line, &Wrong::Name));
    }
    if value.is_empty() {
        return Err(refused(number, line, &Wrong::NoValue));
    }
    let key = header.key();
    if key == "basic-auth" {
        // The line contains a password: it is not shown.
        let message = format!(
            "{FILE_NAME}, line {number}: `Basic-Auth` requires a password, but S3 and CloudFront cannot ask for one"
        );
        return Err(Problem::new(Code::Private, message).hint(
            "These pages would be public. Leave them out with `exclude`, or protect them with a CloudFront Function; \
             then remove the line.",
        ));
    }
    let is_type = || value.split_once('/').is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty());
    if !is_field_value(value) || (key == "content-type" && !is_type()) {
        return Err(refused(number, line, &Wrong::Value(name.clone())));
    }
    if let Some(metadata) = key.strip_prefix(METADATA) {
        check_metadata(metadata, value).map_err(|what| {
            let message = format!("{FILE_NAME}, line {number}: the metadata `{metadata}` {what}");
            Problem::new(Code::Configuration, message)
        })?;
    }
    Ok(())
}

/// RFC 9110 section 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Whether a line, however it is written, begins with a header that may contain a password: such a line is never shown.
fn may_hold_a_password(line: &str) -> bool {
    let line = line.trim_start_matches(|letter: char| letter == '!' || letter.is_whitespace()).to_ascii_lowercase();
    ["basic-auth", "basic_auth", "authorization", "proxy-authorization"].iter().any(|name| line.starts_with(name))
}

fn refused(number: usize, line: &str, wrong: &Wrong) -> Problem {
    const SHOWN: usize = 60;
    if may_hold_a_password(line) {
        return Problem::new(Code::Private, format!("{FILE_NAME}, line {number} {wrong}, and may contain a password"))
            .hint("Remove the line; S3 and CloudFront cannot ask for a password.");
    }
    let cut = if line.chars().count() > SHOWN { "…" } else { "" };
    let shown: String = line.chars().take(SHOWN).collect();
    let message = format!("{FILE_NAME}, line {number} {wrong}: `{}{cut}`", shown.escape_debug());
    Problem::new(Code::Configuration, message).hint(format!(
        "Correct the line, or leave the whole file out with `exclude = [\"{FILE_NAME}\"]` in publish.toml."
    ))
}
