//! Verification: fetching the site's URLs as a visitor would, and comparing what they answer with what was published.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use crate::bucket::aws::Fetcher;
use crate::content::path::UrlPath;
use crate::plan::UrlChange;

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
    /// What it answered, in words.
    pub found: String,
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
            let found = check(fetcher, &url, answer).await?;
            Some(Mismatch { url, found })
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

/// What is wrong with the answer of one URL; `None` where it is right.
async fn check(fetcher: &Fetcher, url: &str, wanted: &UrlChange) -> Option<String> {
    let answer = match fetcher.fetch(url, MAX_FETCHED_BYTES).await {
        Ok(answer) => answer,
        Err(error) => return Some(error.to_string()),
    };
    let old = wanted.before != wanted.after && wanted.before == Some(answer.digest);
    match wanted.after {
        _ if old => Some("the old bytes".to_owned()),
        Some(after) if wanted.own && answer.status == 200 && answer.digest != after => Some("other bytes".to_owned()),
        Some(_) if wanted.own && answer.status != 200 => Some(format!("status {}", answer.status)),
        Some(_) | None => None,
    }
}
