//! A visitor: gets every page that the site answers with, and everything that those pages name.

use std::collections::{BTreeMap, BTreeSet};

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use publish::content::closure::{Closure, Surroundings};
use publish::content::path::SitePath;
use publish::content::references::{self, References};

use crate::world::World;

/// The files of a release, by their paths.
pub(crate) type Site = BTreeMap<String, Vec<u8>>;

/// Reads the site as it is, and knows the releases that it may be of.
pub(crate) struct Visitor<'a> {
    world: &'a World,
    releases: &'a [Site],
    names: Names,
    client: Client<HttpConnector, Empty<Bytes>>,
}

/// The status that an address is answered with.
pub(crate) async fn status(url: &str) -> u16 {
    let client: Client<HttpConnector, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    client.get(url.parse().unwrap()).await.unwrap().status().as_u16()
}

/// What an address is answered with, whatever the status.
pub(crate) async fn text(url: &str) -> String {
    let client: Client<HttpConnector, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let body = client.get(url.parse().unwrap()).await.unwrap().into_body().collect().await.unwrap();
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

impl<'a> Visitor<'a> {
    pub(crate) fn new(world: &'a World, releases: &'a [Site]) -> Visitor<'a> {
        Visitor {
            world,
            releases,
            names: Names::of(releases),
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Reads every page of every release, as far as it is there. Whatever it finds has the bytes of one of the releases
    /// at that path, and whatever that names is there. `Err` says what is broken.
    pub(crate) async fn read_all(&self) -> Result<(), String> {
        let pages = self.releases.iter().flat_map(|site| site.keys()).filter(|path| path.ends_with(".html"));
        let mut to_read = Vec::new();
        for page in pages.collect::<BTreeSet<_>>() {
            for url in urls_of(page) {
                if let Some(bytes) = self.get(&url).await? {
                    self.check(page, &bytes)?;
                    to_read.extend(self.names.named(page, &bytes).into_iter().map(|name| (page.clone(), name)));
                }
            }
        }
        let mut read = BTreeSet::new();
        while let Some((by, path)) = to_read.pop() {
            if !read.insert(path.clone()) {
                continue;
            }
            let bytes = self.get(&path).await?.ok_or_else(|| format!("{by} names {path}, which is not there"))?;
            self.check(&path, &bytes)?;
            to_read.extend(self.names.named(&path, &bytes).into_iter().map(|name| (path.clone(), name)));
        }
        Ok(())
    }

    fn check(&self, path: &str, bytes: &[u8]) -> Result<(), String> {
        let is_of_a_release = self.releases.iter().any(|site| site.get(path).is_some_and(|expected| expected == bytes));
        if is_of_a_release { Ok(()) } else { Err(format!("{path} has the bytes of no release")) }
    }

    /// What the site answers; `None`: there is nothing.
    async fn get(&self, path: &str) -> Result<Option<Bytes>, String> {
        let url = format!("{}/{path}", self.world.sandbox.site_url());
        let answer = self.client.get(url.parse().unwrap()).await.map_err(|error| format!("{path}: {error}"))?;
        match answer.status().as_u16() {
            200 => {
                let body = answer.into_body().collect().await.map_err(|error| format!("{path}: {error}"))?;
                Ok(Some(body.to_bytes()))
            }
            403 | 404 => Ok(None),
            other => Err(format!("{path} answers with {other}")),
        }
    }
}

/// The URLs of a page, without the leading slash.
fn urls_of(page: &str) -> Vec<String> {
    let folder = page.strip_suffix("index.html").map(str::to_owned);
    folder.into_iter().chain([page.to_owned()]).collect()
}

/// The fingerprinted files that the files of several releases name, by the very list that a publish checks.
pub(crate) struct Names(Vec<(Site, Closure)>);

impl Names {
    pub(crate) fn of(releases: &[Site]) -> Names {
        let closure = |site: &Site| {
            let files = site.iter().map(|(path, bytes)| (SitePath::new(path.as_str()).unwrap(), bytes));
            let references: BTreeMap<SitePath, References> =
                files.map(|(path, bytes)| (path.clone(), references::read(&path, bytes))).collect();
            let surroundings = Surroundings { url: None, is_external: &|_| false };
            Closure::of(references.keys().cloned().collect(), &references, surroundings)
        };
        Names(releases.iter().map(|site| (site.clone(), closure(site))).collect())
    }

    /// What the file at `path` names, if it has those bytes in one of the releases.
    pub(crate) fn named(&self, path: &str, bytes: &[u8]) -> BTreeSet<String> {
        let same = self.0.iter().find(|(site, _)| site.get(path).is_some_and(|expected| expected == bytes));
        let Some((_, closure)) = same else { return BTreeSet::new() };
        let path = SitePath::new(path).unwrap();
        let used = closure.uses(&path).map(|used| used.file.to_string());
        used.filter(|used| used.starts_with("assets/")).collect()
    }
}

#[test]
fn what_a_page_and_what_it_loads_name_is_found() {
    let files = [
        ("index.html", r#"<script src="/assets/a-1.js"></script><a href="./about">"#),
        ("about.html", ""),
        ("assets/a-1.js", r#"import("./b-2.js");f(["assets/c-3.css"])"#),
        ("assets/b-2.js", ""),
        ("assets/c-3.css", ""),
    ];
    let site: Site = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    let names = Names::of(std::slice::from_ref(&site));
    let found = |path: &str| names.named(path, &site[path]).into_iter().collect::<Vec<_>>();
    assert_eq!(found("index.html"), ["assets/a-1.js"]);
    assert_eq!(found("assets/a-1.js"), ["assets/b-2.js", "assets/c-3.css"]);
    assert_eq!(names.named("index.html", b"other"), BTreeSet::new());
}
