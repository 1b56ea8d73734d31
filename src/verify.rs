//! Verification: fetching the site's URLs as a visitor would, and comparing what they answer with what was published.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use crate::aws::Fetcher;
use crate::path::UrlPath;
use crate::plan::Answer;

/// Most URLs fetched for one activation. Beyond it, the first ones in the order of [`chosen`] stand for all, and the
/// run says so.
pub const MAX_URLS: usize = 200;

/// URLs fetched at once.
const AT_ONCE: usize = 8;

/// Largest answer that is compared, in bytes; a larger one counts as not yet right.
const MAX_ANSWER_BYTES: u64 = 5 << 30;

/// What a URL answered instead of what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The URL.
    pub url: String,
    /// What it answered, in words.
    pub found: String,
}

/// The URLs to fetch: files' own URLs before aliases, shortest first, at most [`MAX_URLS`].
pub fn chosen(answers: &BTreeMap<UrlPath, Answer>) -> Vec<(&UrlPath, &Answer)> {
    // An alias can only be caught answering with the old bytes.
    let telling = |answer: &Answer| answer.own || answer.before.is_some();
    let mut chosen: Vec<_> = answers.iter().filter(|(_, answer)| telling(answer)).collect();
    chosen.sort_by_key(|(url, answer)| (!answer.own, url.as_str().len(), url.as_str()));
    chosen.truncate(MAX_URLS);
    chosen
}

/// Fetches each URL once, below `site` (`https://www.example.com`), and says which do not answer as they should.
pub async fn mismatches(fetcher: &Fetcher, site: &str, answers: &[(&UrlPath, &Answer)]) -> Vec<Mismatch> {
    let found: Vec<Option<Mismatch>> = stream::iter(answers.iter().copied())
        .map(|(path, answer)| async move {
            let url = format!("{}{path}", site.trim_end_matches('/'));
            let found = check(fetcher, &url, answer).await?;
            Some(Mismatch { url, found })
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    found.into_iter().flatten().collect()
}

/// What is wrong with the answer of one URL; `None` where it is right.
async fn check(fetcher: &Fetcher, url: &str, wanted: &Answer) -> Option<String> {
    let answer = match fetcher.fetch(url, MAX_ANSWER_BYTES).await {
        Ok(answer) => answer,
        Err(error) => return Some(error.to_string()),
    };
    let digest = Some(answer.digest);
    let old = wanted.before != wanted.after && digest == wanted.before;
    match wanted.after {
        _ if old => Some("the old bytes".to_owned()),
        Some(after) if wanted.own && answer.status == 200 && answer.digest != after => Some("other bytes".to_owned()),
        Some(_) if wanted.own && answer.status != 200 => Some(format!("status {}", answer.status)),
        Some(_) | None => None,
    }
}
