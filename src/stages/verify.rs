//! Verification: fetches the site's URLs as a visitor would, and compares the answers with what was published.

mod instead;
mod missing;
mod page;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::bucket::aws::{Encoding, Fetcher, NoAnswer, SiteAnswer};
use crate::content::path::UrlPath;
use crate::plan::UrlChange;
use crate::release::head::Items;

pub use instead::{Instead, Prospect};
pub use missing::PageForScript;
pub use page::{Blank, MAX_LOADED, Page};

/// Most URLs fetched for one activation, each in four variants. If there are more, the first ones in the order of [`chosen`]
/// represent all, and the run says so.
pub const MAX_URLS: usize = 200;

/// URLs fetched at once.
const AT_ONCE: usize = 8;

/// Largest file that is fetched to be compared, in bytes. For larger ones the run relies on CloudFront's report.
const MAX_FETCHED_BYTES: u64 = 8 << 20;

/// The minimum time for one round of checks.
const LEAST_ROUND: Duration = Duration::from_secs(10);

/// How an address is requested: a CDN keeps a copy for each variant, as far as its cache key distinguishes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// As browsers request it.
    Compressed,
    /// As browsers request it after a visitor followed a link with a tracking parameter. Each publish uses another query
    /// string, so it never gets an earlier publish's copy if the query string is in the cache key.
    WithQuery,
    /// As many programs request it.
    Identity,
    /// As programs request it that follow such a link: what previews and search engines show.
    IdentityWithQuery,
}

impl Variant {
    const ALL: [Variant; 4] = [Variant::Compressed, Variant::WithQuery, Variant::Identity, Variant::IdentityWithQuery];

    fn encoding(self) -> Encoding {
        match self {
            Variant::Compressed | Variant::WithQuery => Encoding::Compressed,
            Variant::Identity | Variant::IdentityWithQuery => Encoding::Identity,
        }
    }

    fn has_query(self) -> bool {
        matches!(self, Variant::WithQuery | Variant::IdentityWithQuery)
    }
}

/// An address in one variant, and the answer it should give.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    answer: &'a UrlChange,
    variant: Variant,
}

impl Look<'_> {
    /// Whether only a file of the release is right.
    pub fn must_be_there(&self) -> bool {
        self.answer.own && self.answer.after.is_some()
    }
}

/// An address and its wrong answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The URL, without the query of the variant.
    pub url: String,
    /// The variant of the request.
    pub variant: Variant,
    /// The answer.
    pub instead: Instead,
}

impl Mismatch {
    /// What visitors get there, without a full stop.
    pub fn sentence(&self) -> String {
        let sentence = self.instead.sentence(&self.url);
        match self.variant {
            Variant::Compressed => sentence,
            Variant::WithQuery => format!("{sentence} when requested with a query string (`?…`)"),
            Variant::Identity => format!("{sentence} when requested without compression"),
            Variant::IdentityWithQuery => {
                format!("{sentence} when requested with a query string (`?…`) and without compression")
            }
        }
    }
}

/// The result of one round of checks.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// The wrong answers.
    pub wrong: Vec<Mismatch>,
    /// The CloudFront location that gave the first right answer, if the answer named it.
    pub edge: Option<String>,
}

/// The answers to fetch: files' own URLs before aliases, shortest first, at most [`MAX_URLS`].
pub fn chosen(answers: &BTreeMap<UrlPath, UrlChange>) -> Vec<&UrlChange> {
    // For an alias, only an answer with the old bytes can be detected.
    let telling = |answer: &&UrlChange| answer.own || answer.before.is_some();
    let small = |answer: &&UrlChange| answer.size_bytes <= MAX_FETCHED_BYTES;
    let mut chosen: Vec<&UrlChange> = answers.values().filter(telling).filter(small).collect();
    chosen.sort_by_key(|answer| (!answer.own, answer.below_site.as_str().len(), &answer.below_site));
    chosen.dedup_by_key(|answer| &answer.below_site);
    chosen.truncate(MAX_URLS);
    chosen
}

/// Whether fetching can show that the CDN has dropped its copies of `paths`: each covers a URL whose answer is known, and in
/// each answer the bytes change. A change of headers alone may come from the CDN's own policies; and of files that an
/// earlier run removed, the old bytes are unknown.
pub fn is_provable(answers: &BTreeMap<UrlPath, UrlChange>, items: Items<'_>) -> bool {
    let bytes_change = answers.values().all(|answer| answer.before != answer.after);
    let small = answers.values().all(|answer| answer.size_bytes <= MAX_FETCHED_BYTES);
    let each_path_tells = items.paths.iter().all(|path| answers.keys().any(|url| path.covers(url)));
    // An answer that a path covers as well proves nothing about the tag.
    let by_tags: Vec<&UrlChange> = answers
        .iter()
        .filter(|(url, _)| !items.paths.iter().any(|path| path.covers(url)))
        .map(|(_, answer)| answer)
        .collect();
    let each_tells =
        each_path_tells && items.tags.iter().all(|tag| by_tags.iter().any(|answer| answer.tags.contains(tag)));
    bytes_change && small && each_tells && !chosen(answers).is_empty()
}

/// Each of `answers` in all variants.
pub fn looks<'a>(answers: &[&'a UrlChange]) -> Vec<Look<'a>> {
    let variants = |answer: &&'a UrlChange| {
        let answer = *answer;
        Variant::ALL.map(|variant| Look { answer, variant })
    };
    answers.iter().flat_map(variants).collect()
}

/// Fetches the site's addresses as its visitors do.
pub struct Visitor<'a> {
    /// The connections.
    pub fetcher: &'a Fetcher,
    /// The site's address, as `https://www.example.com`.
    pub url: &'a str,
    /// The part of the query string that no other run uses.
    pub query: String,
}

impl Visitor<'_> {
    /// Fetches each once. Returns those that do not answer as they should, and the edge that gave a right answer. An answer
    /// that has not arrived `within` this time, or
    /// [`LEAST_ROUND`] if that is longer, is late: hundreds of addresses of a host that drops packets would take an hour.
    pub async fn round(&self, looks: &[Look<'_>], within: Duration) -> Round {
        let until = Instant::now() + within.max(LEAST_ROUND);
        let mut looking = stream::iter(looks).map(|look| self.look(look, until)).buffered(AT_ONCE);
        let mut round = Round::default();
        while let Some(found) = looking.next().await {
            match found {
                Ok(edge) => round.edge = round.edge.or(edge),
                Err(mismatch) => round.wrong.push(mismatch),
            }
        }
        round
    }

    /// Fetches once. A right answer returns the edge that it came from.
    async fn look(&self, look: &Look<'_>, until: Instant) -> Result<Option<String>, Mismatch> {
        let (url, variant) = (self.address(look), look.variant);
        let asked = if variant.has_query() { format!("{url}?{}", self.query) } else { url.clone() };
        let instead = match timeout_at(until, self.fetcher.fetch(&asked, variant.encoding(), MAX_FETCHED_BYTES)).await {
            Ok(Ok(found)) => match compare(&asked, &found, look) {
                Some(instead) => instead,
                None => return Ok(found.edge().map(str::to_owned)),
            },
            Ok(Err(error)) => Instead::of_error(&error),
            Err(_) => Instead::NoAnswer(NoAnswer::Late),
        };
        Err(Mismatch { url, variant, instead })
    }

    /// Keeps only those of `looks` that were wrong.
    pub fn retain(&self, looks: &mut Vec<Look<'_>>, wrong: &[Mismatch]) {
        let mut wrong = wrong.iter().map(|mismatch| (mismatch.url.as_str(), mismatch.variant)).collect::<Vec<_>>();
        wrong.sort_unstable();
        looks.retain(|look| wrong.binary_search(&(self.address(look).as_str(), look.variant)).is_ok());
    }

    /// The URL where visitors get an answer.
    fn address(&self, look: &Look<'_>) -> String {
        format!("{}{}", self.url.trim_end_matches('/'), look.answer.below_site)
    }
}

/// What is wrong with an answer; `None` where it is right.
fn compare(url: &str, found: &SiteAnswer, look: &Look<'_>) -> Option<Instead> {
    let wanted = look.answer;
    let is_old = wanted.before != wanted.after && wanted.before.is_some_and(|before| found.carries(before));
    match wanted.after {
        _ if is_old => Some(Instead::OldBytes),
        Some(after) if wanted.own && !(found.status == 200 && found.carries(after)) => Some(Instead::of(url, found)),
        Some(_) if wanted.own => other_header(found, look),
        Some(_) | None => None,
    }
}

/// The first changed header that differs from the published one. If the CDN compresses an answer, the answer says so itself.
fn other_header(found: &SiteAnswer, look: &Look<'_>) -> Option<Instead> {
    let is_telling = |name: &str| look.variant.encoding() == Encoding::Identity || name != "content-encoding";
    let mut headers = look.answer.headers.iter().filter(|(name, _)| is_telling(name));
    headers.find_map(|(name, wanted)| {
        let came = found.headers.get(name);
        let differs = came != wanted.as_ref();
        differs.then(|| Instead::header(name, wanted.as_deref(), came.map(String::as_str)))
    })
}
