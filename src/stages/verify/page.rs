//! The entry page as a browser loads it: the page, and the scripts and style sheets that it references.

use futures_util::{StreamExt, stream};
use percent_encoding::percent_decode_str;
use url::Url;

use super::{AT_ONCE, Instead, MAX_FETCHED_BYTES, Mismatch, Variant, Visitor};
use crate::bucket::aws::{Encoding, NoAnswer, SiteAnswer};
use crate::content::path::SitePath;
use crate::content::references::{self, Form, Role};
use crate::release::manifest::{Entry, Files};

/// The entry page: what visitors see first.
const ENTRY_PAGE: &str = "index.html";

/// Most scripts and style sheets of the page that are fetched.
pub const MAX_LOADED: usize = 20;

/// The files that the entry page and its references should match.
#[derive(Clone, Copy)]
pub struct Page<'a> {
    /// All files of the release.
    pub files: &'a Files,
    /// Whether something else serves a path, or the path is known to be missing.
    pub is_external: &'a (dyn Fn(&SitePath) -> bool + Sync),
}

/// What a browser that opens the entry page does not get as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blank {
    /// The page's URL.
    pub page: String,
    /// What is wrong with the page and what it loads; never empty.
    pub wrong: Vec<Mismatch>,
}

/// The site's address.
struct Place {
    site: Url,
}

impl Visitor<'_> {
    /// Opens the entry page as a browser would at the site's address, from the bytes of the answer. `None`: page, scripts and
    /// style sheets are those of the release, or it has no entry page that could be checked. Costs at most
    /// 2 + [`MAX_LOADED`] requests.
    pub async fn open_entry_page(&self, page: Page<'_>) -> Option<Blank> {
        let Some(place) = Place::of(self.url) else {
            let instead = Instead::NoAnswer(NoAnswer::NotAUrl);
            let wrong = vec![Mismatch { url: self.url.to_owned(), variant: Variant::Compressed, instead }];
            return Some(Blank { page: self.url.to_owned(), wrong });
        };
        let (path, entry) = page.files.iter().find(|(path, _)| path.as_str() == ENTRY_PAGE)?;
        if entry.size_bytes > MAX_FETCHED_BYTES || (page.is_external)(path) {
            return None;
        }
        let url = place.site.join(ENTRY_PAGE).ok()?;
        let blank = |wrong| Some(Blank { page: url.to_string(), wrong });
        let mut fetched = self.fetcher.fetch(url.as_str(), Encoding::Compressed, MAX_FETCHED_BYTES).await;
        // Many sites have only one address for it: without its file name.
        if fetched.as_ref().is_ok_and(|answer| leads_to(answer, &url, &place.site)) {
            fetched = self.fetcher.fetch(place.site.as_str(), Encoding::Compressed, MAX_FETCHED_BYTES).await;
        }
        let answer = match fetched {
            Ok(answer) if answer.status == 200 && answer.carries(entry.digest) => answer,
            Ok(answer) => return blank(vec![mismatch(&url, Instead::of(url.as_str(), &answer))]),
            Err(error) => return blank(vec![mismatch(&url, Instead::of_error(&error))]),
        };
        let loaded = loaded_by(path, &url, answer.content());
        let wrong: Vec<Option<Mismatch>> =
            stream::iter(&loaded).map(|loaded| self.load(&place, page, loaded)).buffered(AT_ONCE).collect().await;
        let wrong: Vec<Mismatch> = wrong.into_iter().flatten().collect();
        if wrong.is_empty() { None } else { blank(wrong) }
    }

    async fn load(&self, place: &Place, page: Page<'_>, url: &Url) -> Option<Mismatch> {
        let entry = match place.path_of(url) {
            Some(path) if (page.is_external)(&path) => return None,
            Some(path) if place.holds(url) => page.files.get(&path),
            _ => None,
        };
        if entry.is_some_and(|entry| entry.size_bytes > MAX_FETCHED_BYTES) {
            return None;
        }
        let fetched = self.fetcher.fetch(url.as_str(), Encoding::Compressed, MAX_FETCHED_BYTES).await;
        let instead = match fetched {
            Ok(answer) if is_what_it_should_be(&answer, entry) => return None,
            Ok(_) if self.is_there_encoded(url, entry).await => Instead::BarePlus,
            Ok(answer) if answer.status == 200 && answer.is_html() => Instead::PageInstead,
            Ok(answer) => Instead::of(url.as_str(), &answer),
            Err(error) => Instead::of_error(&error),
        };
        Some(mismatch(url, instead))
    }

    /// Whether a URL with a bare `+` leads to a file if each is written `%2B`: S3 reads a bare one as a space.
    async fn is_there_encoded(&self, url: &Url, entry: Option<&Entry>) -> bool {
        let mut encoded = url.clone();
        encoded.set_path(&url.path().replace('+', "%2B"));
        if entry.is_none() || encoded == *url {
            return false;
        }
        let fetched = self.fetcher.fetch(encoded.as_str(), Encoding::Compressed, MAX_FETCHED_BYTES).await;
        fetched.is_ok_and(|answer| is_what_it_should_be(&answer, entry))
    }

    /// Whether a URL is below the site's address and has no file in `files`.
    pub fn is_missing(&self, url: &str, files: &Files) -> bool {
        let (place, url) = (Place::of(self.url), Url::parse(url));
        place.zip(url.ok()).is_some_and(|(place, url)| {
            place.holds(&url) && place.path_of(&url).is_some_and(|path| !files.contains_key(&path))
        })
    }

    /// Whether a URL is outside the site's address.
    pub fn is_outside(&self, url: &str) -> bool {
        let (place, url) = (Place::of(self.url), Url::parse(url));
        place.zip(url.ok()).is_some_and(|(place, url)| !place.holds(&url))
    }
}

impl Place {
    /// `None`: the configured value is not a URL.
    fn of(url: &str) -> Option<Place> {
        Url::parse(&format!("{}/", url.trim_end_matches('/'))).ok().map(|site| Place { site })
    }

    fn holds(&self, url: &Url) -> bool {
        url.origin() == self.site.origin() && url.path().starts_with(self.site.path())
    }

    /// For a URL in the site, the path there; for any other, the path at its host.
    fn path_of(&self, url: &Url) -> Option<SitePath> {
        let path = url.path();
        let path = path.strip_prefix(self.site.path()).or_else(|| path.strip_prefix('/')).unwrap_or(path);
        SitePath::new(percent_decode_str(path).decode_utf8().ok()?).ok()
    }
}

/// Whether the answer of `url` is a redirect to `site`.
fn leads_to(answer: &SiteAnswer, url: &Url, site: &Url) -> bool {
    let location = answer.headers.get("location").filter(|_| (300..400).contains(&answer.status));
    location.and_then(|location| url.join(location).ok()).is_some_and(|to| to == *site)
}

fn mismatch(url: &Url, instead: Instead) -> Mismatch {
    Mismatch { url: url.to_string(), variant: Variant::Compressed, instead }
}

/// For a file of the release, its bytes are known; for any other, only that a browser accepts no page as a script.
fn is_what_it_should_be(answer: &SiteAnswer, entry: Option<&Entry>) -> bool {
    let is_there = answer.status == 200;
    match entry {
        Some(entry) => is_there && answer.carries(entry.digest),
        None => is_there && !answer.is_html(),
    }
}

/// The scripts and style sheets that a page loads from its own host, as a browser resolves them, each once.
fn loaded_by(path: &SitePath, page: &Url, bytes: &[u8]) -> Vec<Url> {
    let found = references::read(path, bytes);
    let base = found.base.as_ref().and_then(|base| page.join(base).ok()).unwrap_or_else(|| page.clone());
    let mut loaded: Vec<Url> = Vec::new();
    for reference in &found.list {
        let is_loaded = matches!(reference.form, Form::Tag(_))
            && matches!(reference.role, Role::Script | Role::Module | Role::Style);
        let Some(mut url) = base.join(&reference.written).ok().filter(|_| is_loaded) else { continue };
        url.set_fragment(None);
        if url.origin() == page.origin() && !loaded.contains(&url) && loaded.len() < MAX_LOADED {
            loaded.push(url);
        }
    }
    loaded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(page: &str, html: &str) -> Vec<String> {
        let urls = loaded_by(&SitePath::new(ENTRY_PAGE).unwrap(), &Url::parse(page).unwrap(), html.as_bytes());
        urls.into_iter().map(|url| url.to_string()).collect()
    }

    #[test]
    fn a_page_loads_what_a_browser_would() {
        let html = r#"<link rel=stylesheet href="look.css?v=1"><script type=module src="/a/app.js#x"></script>
<script src="./b.js"></script><script src="b.js"></script><script src="https://cdn.example.com/c.js"></script>
<link rel=modulepreload href="/a/part.js"><img src="d.png"><a href="e.html"></a><script src="//www.example.com/f.js"></script>"#;
        let expected = [
            "https://www.example.com/shop/look.css?v=1",
            "https://www.example.com/a/app.js",
            "https://www.example.com/shop/b.js",
            "https://www.example.com/f.js",
        ];
        assert_eq!(loaded("https://www.example.com/shop/index.html", html), expected);
        let based = r#"<base href="/other/"><script src="b.js"></script>"#;
        assert_eq!(loaded("https://www.example.com/shop/index.html", based), ["https://www.example.com/other/b.js"]);
        let many: String = (0..50).map(|number| format!("<script src={number}.js></script>")).collect();
        assert_eq!(loaded("https://www.example.com/index.html", &many).len(), MAX_LOADED);
    }

    #[test]
    fn what_lies_outside_the_sites_address_is_told_apart() {
        let place = Place::of("https://www.example.com/shop/").unwrap();
        for (url, inside, path) in [
            ("https://www.example.com/shop/a/b%20c.js", true, "a/b c.js"),
            ("https://www.example.com/a.js", false, "a.js"),
            ("https://www.example.com/shopping/a.js", false, "shopping/a.js"),
            ("https://example.com/shop/a.js", false, "a.js"),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!((place.holds(&url), place.path_of(&url).unwrap().as_str()), (inside, path), "{url}");
        }
    }
}
