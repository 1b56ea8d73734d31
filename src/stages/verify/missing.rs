//! What a browser gets for a script that no longer exists, for example in a tab that has been open since an older
//! release.

use std::time::Duration;

use tokio::time::timeout;

use super::{MAX_FETCHED_BYTES, Page, Visitor};
use crate::bucket::aws::Encoding;
use crate::content::path::{SitePath, UrlPath};
use crate::report::error::{Code, Problem};
use crate::types::digest::Digest;
use crate::types::headers::Kind;

/// Time limit of the check. It runs beside others; the run does not wait for it when those are done.
const PATIENCE: Duration = Duration::from_secs(3);

/// The fewest characters of a name that count as its hash.
const LEAST_HASH: usize = 5;

impl Visitor<'_> {
    /// Requests, once, a script that is in no release: a name of this one with another hash. `None`: the answer is an error,
    /// as it should be; or the release has no fingerprinted script, or no answer came in time. Costs at most one request.
    pub async fn page_for_a_missing_script(&self, page: Page<'_>) -> Option<PageForScript> {
        let url = format!("{}{}", self.url.trim_end_matches('/'), missing_script(page, &self.query)?);
        let asked = self.fetcher.fetch(&url, Encoding::Compressed, MAX_FETCHED_BYTES);
        let answer = timeout(PATIENCE, asked).await.ok()?.ok()?;
        (answer.status == 200 && answer.is_html()).then_some(PageForScript { url })
    }
}

/// A missing script that is answered with a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageForScript {
    /// The URL, which has no file in any release.
    pub url: String,
}

impl PageForScript {
    /// The finding, its consequence, and what to do.
    pub fn problem(&self) -> Problem {
        let message = format!(
            "{}, which is not a file of this site, returns a page (200, HTML): a browser that has an older page of the site open \
             takes it for the script that it requested, and breaks instead of reloading the site",
            self.url
        );
        Problem::new(Code::VerificationFailed, message).hint(
            "Remove the distribution's error pages for 403 and 404, and have a viewer-request function send addresses without a \
             file extension to the page.",
        )
    }
}

/// The URL of a script that the release does not have, below the site's address.
fn missing_script(page: Page<'_>, seed: &str) -> Option<UrlPath> {
    let is_script = |path: &SitePath| matches!(path.extension().as_deref(), Some("js" | "mjs"));
    let scripts = page.files.iter().filter(|(path, entry)| entry.kind == Kind::Fingerprinted && is_script(path));
    let mut ours = scripts.map(|(path, _)| path).filter(|path| !(page.is_external)(path));
    let made_up = ours.find_map(|path| with_another_hash(path.as_str(), Digest::of(seed.as_bytes())))?;
    let is_there = SitePath::new(made_up.clone()).is_ok_and(|path| page.files.contains_key(&path));
    (!is_there).then(|| UrlPath::encode(&made_up))
}

/// `path` with other characters of the same classes in the hash of its file name. The hash is taken to be the shortest suffix,
/// from a separator on, that is long enough and has a digit; or else one that is long enough. `None`: the name is too short.
fn with_another_hash(path: &str, random: Digest) -> Option<String> {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    let stem = path[name..].rfind('.').map_or(path.len(), |dot| name + dot);
    let after_separators = path[name..stem].rmatch_indices(['-', '.', '_']).map(|(at, _)| name + at + 1);
    let count = |from: usize, counts: fn(&u8) -> bool| path[from..stem].bytes().filter(counts).count();
    let is_long = |from: &usize| count(*from, u8::is_ascii_alphanumeric) >= LEAST_HASH;
    let long: Vec<usize> = after_separators.chain([name]).filter(is_long).collect();
    let with_digit = long.iter().find(|from| count(**from, u8::is_ascii_digit) > 0);
    let from = *with_digit.or(long.first())?;
    let other: String = path[from..stem].chars().zip(random.to_string().bytes().cycle()).map(another).collect();
    Some(format!("{}{other}{}", &path[..from], &path[stem..]))
}

/// Another character of the same class: a digit, a hexadecimal digit, or a letter of the same case. Others do not change.
fn another((character, random): (char, u8)) -> char {
    let among = |all: &[u8]| {
        let others: Vec<char> = all.iter().map(|byte| char::from(*byte)).filter(|other| *other != character).collect();
        others[usize::from(random) % others.len()]
    };
    match character {
        '0'..='9' => among(b"0123456789"),
        'a'..='f' => among(b"abcdef"),
        'g'..='z' => among(b"ghijklmnopqrstuvwxyz"),
        'A'..='Z' => among(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_another_one_in_the_same_shape() {
        for (path, before, after) in [
            ("assets/index-BYf2qJoX.js", "assets/index-", ".js"),
            ("main.5f3a9c21.chunk.js", "main.", ".js"),
            ("_next/static/chunks/0123abcd.mjs", "_next/static/chunks/", ".mjs"),
            ("assets/part-ABCDEFGH.js", "assets/part-", ".js"),
            ("assets/index-D-_9G6Wi.js", "assets/index-D-_", ".js"),
            ("assets/index-B--_3AJ1.js", "assets/index-", ".js"),
            ("assets/care-Bmp_sY-6.js", "assets/care-", ".js"),
        ] {
            let made_up = with_another_hash(path, Digest::of(b"run")).unwrap();
            let hash =
                |text: &str| text.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).unwrap().to_owned();
            let (was, is) = (hash(path), hash(&made_up));
            let differs = |(was, is): (char, char)| was.is_ascii_alphanumeric() == (was != is);
            assert!(was.chars().zip(is.chars()).all(differs), "{made_up}");
            let class = |character: char| (character.is_ascii_digit(), character.is_lowercase());
            assert!(was.chars().map(class).eq(is.chars().map(class)), "{made_up}");
            assert_ne!(with_another_hash(path, Digest::of(b"other run")).unwrap(), made_up);
        }
        assert_eq!(with_another_hash("a/b-c.js", Digest::of(b"run")), None, "too short for a hash");
    }
}
