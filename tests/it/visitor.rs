//! A visitor: gets every page that the site answers with, and everything that those pages name.

use std::collections::{BTreeMap, BTreeSet};

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::world::World;

/// The files of a release, by their paths.
pub(crate) type Site = BTreeMap<String, Vec<u8>>;

/// Reads the site as it is, and knows the releases that it may be of.
pub(crate) struct Visitor<'a> {
    world: &'a World,
    releases: &'a [Site],
    client: Client<HttpConnector, Empty<Bytes>>,
}

impl<'a> Visitor<'a> {
    pub(crate) fn new(world: &'a World, releases: &'a [Site]) -> Visitor<'a> {
        Visitor { world, releases, client: Client::builder(TokioExecutor::new()).build_http() }
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
                    to_read.extend(named(page, &bytes).into_iter().map(|name| (page.clone(), name)));
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
            to_read.extend(named(&path, &bytes).into_iter().map(|name| (path.clone(), name)));
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

/// The fingerprinted files that a page, a script or a style sheet names.
fn named(path: &str, bytes: &[u8]) -> BTreeSet<String> {
    let Ok(text) = std::str::from_utf8(bytes) else { return BTreeSet::new() };
    let beside = path.starts_with("assets/").then_some("./");
    let starts = ["assets/"].into_iter().chain(beside);
    let names = starts.flat_map(|start| text.split(start).skip(1)).filter_map(|rest| {
        let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let name = rest.split(|letter| !is_of_name(letter)).next().unwrap_or_default();
        name.contains('.').then(|| format!("assets/{name}"))
    });
    names.collect()
}

#[test]
fn what_a_page_and_what_it_loads_name_is_found() {
    let found = |path, text: &str| named(path, text.as_bytes()).into_iter().collect::<Vec<_>>();
    assert_eq!(found("index.html", r#"<script src="/assets/a-1.js"></script><a href="./about">"#), ["assets/a-1.js"]);
    assert_eq!(
        found("assets/a-1.js", r#"import("./b-2.js");f(["assets/c-3.css"])"#),
        ["assets/b-2.js", "assets/c-3.css"]
    );
}
