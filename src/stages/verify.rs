//! Verification: fetching the site's URLs as a visitor would, and comparing what they answer with what was published.

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

/// Most URLs fetched for one activation, each in four variants. Beyond it, the first ones in the order of [`chosen`] stand
/// for all, and the run says so.
pub const MAX_URLS: usize = 200;

/// URLs fetched at once.
const AT_ONCE: usize = 8;

/// Largest file that is fetched to be compared, in bytes. What is larger is left to CloudFront's own word.
const MAX_FETCHED_BYTES: u64 = 8 << 20;

/// The least that one round of looks may take.
const LEAST_ROUND: Duration = Duration::from_secs(10);

/// How an address is asked for: a CDN keeps a copy for each, as far as its cache key tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// As browsers ask.
    Compressed,
    /// As browsers ask after a visitor followed a link with a tracking parameter. Each publish uses another query string, so
    /// that it never gets an earlier publish's copy where the query string is in the cache key.
    WithQuery,
    /// As many programs ask.
    Identity,
    /// As those programs ask which come by such a link: what previews and search engines show.
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

/// An address in one variant, and what it should answer.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    answer: &'a UrlChange,
    variant: Variant,
}

impl Look<'_> {
    /// Whether nothing but a file of the release is right.
    pub fn must_be_there(&self) -> bool {
        self.answer.own && self.answer.after.is_some()
    }
}

/// What an address answered instead of what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The URL, without the query of the variant.
    pub url: String,
    /// How it was asked for.
    pub variant: Variant,
    /// What it answered.
    pub instead: Instead,
}

impl Mismatch {
    /// What visitors get there, without a final stop.
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

/// What one round of looks showed.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// What did not answer as it should.
    pub wrong: Vec<Mismatch>,
    /// The location of CloudFront that gave the first right answer, where it said so.
    pub edge: Option<String>,
}

/// The answers to fetch: files' own URLs before aliases, shortest first, at most [`MAX_URLS`].
pub fn chosen(answers: &BTreeMap<UrlPath, UrlChange>) -> Vec<&UrlChange> {
    // An alias can only be caught answering with the old bytes.
    let telling = |answer: &&UrlChange| answer.own || answer.before.is_some();
    let small = |answer: &&UrlChange| answer.size_bytes <= MAX_FETCHED_BYTES;
    let mut chosen: Vec<&UrlChange> = answers.values().filter(telling).filter(small).collect();
    chosen.sort_by_key(|answer| (!answer.own, answer.below_site.as_str().len(), &answer.below_site));
    chosen.dedup_by_key(|answer| &answer.below_site);
    chosen.truncate(MAX_URLS);
    chosen
}

/// Whether fetching can show that the CDN has forgotten `paths`: each covers a URL whose answer is known, and in each
/// answer the bytes change. Other headers on the same bytes may come from the CDN's own policies; and of what an
/// earlier run removed, the old bytes are not known.
pub fn is_provable(answers: &BTreeMap<UrlPath, UrlChange>, items: Items<'_>) -> bool {
    let bytes_change = answers.values().all(|answer| answer.before != answer.after);
    let small = answers.values().all(|answer| answer.size_bytes <= MAX_FETCHED_BYTES);
    let each_path_tells = items.paths.iter().all(|path| answers.keys().any(|url| path.covers(url)));
    // An answer that a path covers as well says nothing of the tag.
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

/// Who fetches the site's addresses as its visitors do.
pub struct Visitor<'a> {
    /// The connections.
    pub fetcher: &'a Fetcher,
    /// The site's address, as `https://www.example.com`.
    pub url: &'a str,
    /// What no other run asks with.
    pub query: String,
}

impl Visitor<'_> {
    /// Fetches each once, and says which do not answer as they should, and which edge gave a right answer. What has not
    /// answered `within` this time, or
    /// [`LEAST_ROUND`] where that is longer, is late: hundreds of addresses of a host that drops packets would take an hour.
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

    /// Looks once. A right answer gives the edge that it came from.
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

    /// Leaves of `looks` those that were not right.
    pub fn retain(&self, looks: &mut Vec<Look<'_>>, wrong: &[Mismatch]) {
        let mut wrong = wrong.iter().map(|mismatch| (mismatch.url.as_str(), mismatch.variant)).collect::<Vec<_>>();
        wrong.sort_unstable();
        looks.retain(|look| wrong.binary_search(&(self.address(look).as_str(), look.variant)).is_ok());
    }

    /// Where visitors get an answer.
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

/// The first of the headers that change which is not what was published. What the CDN compresses says so itself.
fn other_header(found: &SiteAnswer, look: &Look<'_>) -> Option<Instead> {
    let is_telling = |name: &str| look.variant.encoding() == Encoding::Identity || name != "content-encoding";
    let mut headers = look.answer.headers.iter().filter(|(name, _)| is_telling(name));
    headers.find_map(|(name, wanted)| {
        let came = found.headers.get(name);
        let differs = came != wanted.as_ref();
        differs.then(|| Instead::header(name, wanted.as_deref(), came.map(String::as_str)))
    })
}
