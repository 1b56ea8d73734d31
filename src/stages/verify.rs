//! Verification: fetching the site's URLs as a visitor would, and comparing what they answer with what was published.

mod instead;

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use crate::bucket::aws::{Encoding, Fetcher, SiteAnswer};
use crate::content::path::UrlPath;
use crate::plan::UrlChange;

pub use instead::{Instead, Prospect};

/// Most URLs fetched for one activation. Beyond it, the first ones in the order of [`chosen`] stand for all, and the
/// run says so.
pub const MAX_URLS: usize = 200;

/// URLs fetched at once.
const AT_ONCE: usize = 8;

/// Largest file that is fetched to be compared, in bytes. What is larger is left to CloudFront's own word.
const MAX_FETCHED_BYTES: u64 = 8 << 20;

/// What a URL answered instead of what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The URL.
    pub url: String,
    /// What it answered.
    pub instead: Instead,
}

impl Mismatch {
    /// What visitors get there, without a final stop.
    pub fn sentence(&self) -> String {
        self.instead.sentence(&self.url)
    }
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
pub fn is_provable(answers: &BTreeMap<UrlPath, UrlChange>, paths: &[UrlPath]) -> bool {
    let bytes_change = answers.values().all(|answer| answer.before != answer.after);
    let small = answers.values().all(|answer| answer.size_bytes <= MAX_FETCHED_BYTES);
    let each_tells = paths.iter().all(|path| answers.keys().any(|url| path.covers(url)));
    bytes_change && small && each_tells && !chosen(answers).is_empty()
}

/// Fetches each URL once, below `site` (`https://www.example.com`), and says which do not answer as they should.
pub async fn mismatches(fetcher: &Fetcher, site: &str, answers: &[&UrlChange]) -> Vec<Mismatch> {
    let found: Vec<Option<Mismatch>> = stream::iter(answers)
        .map(|answer| async move {
            let url = url(site, answer);
            let instead = match fetcher.fetch(&url, Encoding::Identity, MAX_FETCHED_BYTES).await {
                Ok(found) => compare(&url, &found, answer)?,
                Err(error) => Instead::of_error(&error),
            };
            Some(Mismatch { url, instead })
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    found.into_iter().flatten().collect()
}

/// Where a visitor gets an answer.
pub fn url(site: &str, answer: &UrlChange) -> String {
    format!("{}{}", site.trim_end_matches('/'), answer.below_site)
}

/// What is wrong with an answer; `None` where it is right.
fn compare(url: &str, found: &SiteAnswer, wanted: &UrlChange) -> Option<Instead> {
    let is_old = wanted.before != wanted.after && wanted.before.is_some_and(|before| found.carries(before));
    match wanted.after {
        _ if is_old => Some(Instead::OldBytes),
        Some(after) if wanted.own && !(found.status == 200 && found.carries(after)) => Some(Instead::of(url, found)),
        Some(_) | None => None,
    }
}
