//! Finds secrets in bytes that come in pieces: private keys, and what opens an account somewhere.
//!
//! A few rare words are looked for in every byte; only around them is anything judged. The judgement is made for the
//! shapes that secrets really have and asks for what chance draws: pages teach with `ghp_xxxxxxxx`, and bundles of an
//! SDK are full of the names of what it takes. A false alarm stops a publish, so doubt means silence; nobody should
//! take that silence for a proof.

mod named;
mod private_key;
mod shape;
mod tokens;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};

use self::named::{AWS_KEY_IDS, AWS_SECRET_NAMES, NAMED, Named, SCHEMES, SERVICE_ROLE};
use self::tokens::{TOKENS, Token};

pub use self::private_key::Evidence;

/// How far before a word it is judged, in bytes.
const BEFORE: usize = 128;

/// How far after its start a word is judged, in bytes.
const AFTER: usize = 256;

/// The longest word may have that many bytes.
const LONGEST: usize = 64;

/// A word to look for, and what it may be part of.
#[derive(Clone)]
struct Word {
    text: &'static str,
    rule: Rule,
}

/// How a word is judged.
#[derive(Clone, Copy)]
enum Rule {
    Pem,
    Putty,
    AwsKeyId,
    AwsSecret,
    Address,
    ServiceRole,
    Named(&'static Named),
    Token(&'static Token),
}

fn words() -> Vec<Word> {
    let one = |text, rule| [Word { text, rule }];
    let all = |texts: &'static [&'static str], rule| texts.iter().map(move |text| Word { text, rule });
    let named = NAMED.iter().flat_map(|named| all(named.names, Rule::Named(named)));
    let tokens = TOKENS.iter().flat_map(|token| all(token.starts, Rule::Token(token)));
    one(private_key::PEM, Rule::Pem)
        .into_iter()
        .chain(one(private_key::PUTTY, Rule::Putty))
        .chain(all(&AWS_KEY_IDS, Rule::AwsKeyId))
        .chain(all(&AWS_SECRET_NAMES, Rule::AwsSecret))
        .chain(all(&SCHEMES, Rule::Address))
        .chain(all(&SERVICE_ROLE, Rule::ServiceRole))
        .chain(named)
        .chain(tokens)
        .collect()
}

/// What many words share, or what is rare in one. It is looked for in their stead, because a search is the faster the
/// less it looks for and finds. All others are looked for by their beginning.
const ANCHORS: [&str; 26] = [
    "://", "xox", "shp", "_TOK", "_SEC", "PI_K", "SS_K", "ss_k", "ET_K", "et_k", "essK", "untK", "_liv", "_v1_",
    "ckr_", "k-an", "s.sl", "i/we", "lsv2", "sntr", "n$pr", "s ke", "s-ke", "essk", "E KE", "-Lin",
];

/// How much of a word is looked for, in bytes.
const ANCHOR_BYTES: usize = 4;

/// How many anchors one automaton looks for. More, and its prefilter stops at too many places; fewer, and there are too
/// many automatons.
const GROUP: usize = 48;

/// Some anchors, which one automaton finds.
struct Search {
    automaton: AhoCorasick,
    /// The words of each anchor, and how far from their start it lies.
    words: Vec<Vec<(usize, Word)>>,
}

/// `None` only if an automaton cannot be built, which its test rules out.
static SEARCHES: LazyLock<Option<Vec<Search>>> = LazyLock::new(|| {
    let mut anchors: BTreeMap<(bool, &str), Vec<(usize, Word)>> = BTreeMap::new();
    for word in words() {
        let shared = ANCHORS.iter().find_map(|anchor| Some((*anchor, word.text.find(anchor)?)));
        let own = word.text.get(..ANCHOR_BYTES).unwrap_or(word.text);
        let (anchor, offset) = shared.unwrap_or((own, 0));
        // Short ones apart: a search is as good as the shortest of what it looks for.
        anchors.entry((anchor.len() < ANCHOR_BYTES, anchor)).or_default().push((offset, word));
    }
    let (short, long): (Vec<_>, Vec<_>) = anchors.into_iter().partition(|((is_short, _), _)| *is_short);
    let groups = long.chunks(GROUP).chain(short.chunks(GROUP));
    groups
        .map(|group| {
            let anchors = group.iter().map(|((_, anchor), _)| anchor);
            let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(anchors).ok()?;
            Some(Search { automaton, words: group.iter().map(|(_, words)| words.clone()).collect() })
        })
        .collect()
});

impl Search {
    /// The words whose anchors begin in `text` before `end`, each with its start. Anchors that lie in one another are all found,
    /// so that it makes no difference where a piece ends.
    fn words<'t>(&'t self, text: &'t [u8], from: usize, end: usize) -> impl Iterator<Item = (usize, &'t Word)> {
        let last = text.len().min(end + ANCHOR_BYTES - 1);
        let mut next = from;
        let anchors = std::iter::from_fn(move || {
            let found = self.automaton.find(Input::new(text).range(next..last))?;
            next = found.start() + 1;
            Some(found)
        });
        anchors.flat_map(move |found| {
            self.words[found.pattern()].iter().filter_map(move |(offset, word)| {
                let start = found.start().checked_sub(*offset)?;
                text[start..].starts_with(word.text.as_bytes()).then_some((start, word))
            })
        })
    }
}

/// What was found, and at which byte of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Secret {
    /// What it is, after "holds": `a GitHub token`. Never the secret itself.
    pub what: &'static str,
    /// Where the word begins by which it was found, in bytes from the start.
    pub offset: u64,
}

/// Looks for secrets in one file.
pub struct Scanner {
    evidence: Evidence,
    /// The end of what was fed so far: words in it are judged as soon as enough follows them.
    window: Vec<u8>,
    /// Where in the file the window starts.
    start: u64,
    /// Words that begin before this place of the window were judged.
    judged: usize,
    secret: Option<Secret>,
}

impl Scanner {
    /// For a file from its first byte.
    pub fn new(evidence: Evidence) -> Scanner {
        Scanner { evidence, window: Vec::new(), start: 0, judged: 0, secret: None }
    }

    /// Takes the next piece of the file.
    pub fn feed(&mut self, piece: &[u8]) {
        if self.secret.is_some() {
            return;
        }
        self.window.extend_from_slice(piece);
        let ripe = self.window.len().saturating_sub(AFTER);
        self.judge_until(ripe);
        let keep_from = self.judged.saturating_sub(BEFORE + LONGEST);
        self.window.drain(..keep_from);
        self.start += keep_from as u64;
        self.judged -= keep_from;
    }

    /// The first secret of the file, once all of it was fed.
    pub fn finish(mut self) -> Option<Secret> {
        self.judge_until(self.window.len());
        self.secret
    }

    /// Judges the words whose anchors begin before `end` and that were not judged yet.
    fn judge_until(&mut self, end: usize) {
        if end <= self.judged || self.secret.is_some() {
            return;
        }
        let window = &self.window;
        let searches = SEARCHES.iter().flatten();
        let words = searches.flat_map(|search| search.words(window, self.judged, end));
        let secrets = words.filter_map(|(start, word)| Some((start, judge(window, start, word, self.evidence)?)));
        let secret = secrets.min_by_key(|(start, _)| *start);
        self.secret = secret.map(|(at, what)| Secret { what, offset: self.start + at as u64 });
        self.judged = end;
    }
}

/// What secret the word at `start` of `text` belongs to.
fn judge(text: &[u8], start: usize, word: &Word, evidence: Evidence) -> Option<&'static str> {
    let end = start + word.text.len();
    let before = &text[start.saturating_sub(BEFORE)..start];
    let after = &text[end..text.len().min(start + AFTER)];
    let (what, is_secret) = match word.rule {
        Rule::Pem => ("a private key", private_key::is_pem(before, after, evidence)),
        Rule::Putty => ("a private key", private_key::is_putty(after)),
        Rule::AwsKeyId => ("an AWS access key", named::is_aws_key_id(before, after)),
        Rule::AwsSecret => ("an AWS secret key", named::is_aws_secret(after)),
        Rule::Address => ("an address with a password", named::is_address_with_password(after)),
        Rule::ServiceRole => ("a Supabase service key", named::is_service_role(before, after)),
        Rule::Named(named) => (named.what, named.is_at(after)),
        Rule::Token(token) => (token.what, token.is_at(before, word.text.as_bytes(), after)),
    };
    is_secret.then_some(what)
}

#[cfg(test)]
mod tests;
