//! Finds private keys and AWS secret keys in bytes that come in pieces.
//!
//! A few rare words are looked for in every byte; only around them is anything judged. The judgement is made for the
//! names and shapes that secrets really have, because a bundle of a library that *reads* private keys holds
//! `-----BEGIN PRIVATE KEY-----` as a text too, and must not be refused for it.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::path::SitePath;

/// How far before a word it is judged, in bytes: `-----BEGIN ` and the kind of key.
const BEFORE: usize = 64;

/// How far after its start a word is judged, in bytes.
const AFTER: usize = 256;

/// The words. Those of AWS are the spellings of its SDKs, its configuration files and its console's CSV.
const WORDS: [&str; 12] = [
    "PRIVATE KEY",
    "AKIA",
    "ASIA",
    "secret_access_key",
    "SECRET_ACCESS_KEY",
    "secretAccessKey",
    "SecretAccessKey",
    "secretaccesskey",
    "Secret access key",
    "secret-access-key",
    "AWS_SECRET_KEY",
    "aws_secret_key",
];

/// `None` only if the table cannot be built, which its test rules out.
static SEARCH: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().match_kind(aho_corasick::MatchKind::LeftmostFirst).build(WORDS).ok());

/// What was found, and at which byte of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Secret {
    pub(super) what: &'static str,
    pub(super) offset: u64,
}

/// What it takes to believe in a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// Its first line.
    FirstLine,
    /// Its first line and something that looks like a key after it: in code and pages, which talk about keys.
    Body,
}

impl Evidence {
    pub(super) fn wanted_in(path: &SitePath) -> Evidence {
        match path.extension().as_deref() {
            Some(
                "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "tsx" | "map" | "wasm" | "html" | "htm" | "xhtml" | "md"
                | "mdx",
            ) => Evidence::Body,
            _ => Evidence::FirstLine,
        }
    }
}

/// Looks for secrets in one file.
pub(super) struct Scanner {
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
    pub(super) fn new(evidence: Evidence) -> Scanner {
        Scanner { evidence, window: Vec::new(), start: 0, judged: 0, secret: None }
    }

    /// Takes the next piece of the file.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        if self.secret.is_some() {
            return;
        }
        self.window.extend_from_slice(piece);
        let ripe = self.window.len().saturating_sub(AFTER);
        self.judge_until(ripe);
        let keep_from = self.judged.saturating_sub(BEFORE);
        self.window.drain(..keep_from);
        self.start += keep_from as u64;
        self.judged -= keep_from;
    }

    /// The first secret of the file, once all of it was fed.
    pub(super) fn finish(mut self) -> Option<Secret> {
        self.judge_until(self.window.len());
        self.secret
    }

    /// Judges the words that begin before `end` and were not judged yet.
    fn judge_until(&mut self, end: usize) {
        if end <= self.judged || self.secret.is_some() {
            return;
        }
        let words = SEARCH.iter().flat_map(|search| search.find_iter(&self.window[self.judged..]));
        let secret = words
            .map(|word| (word.start() + self.judged, word.end() + self.judged))
            .take_while(|(start, _)| *start < end)
            .find_map(|(start, word_end)| Some((start, judge(&self.window, start, word_end, self.evidence)?)));
        self.secret = secret.map(|(at, what)| Secret { what, offset: self.start + at as u64 });
        self.judged = end;
    }
}

/// What secret the word at `start..end` of `text` belongs to.
fn judge(text: &[u8], start: usize, end: usize, evidence: Evidence) -> Option<&'static str> {
    let before = &text[start.saturating_sub(BEFORE)..start];
    let after = &text[end..text.len().min(start + AFTER)];
    match &text[start..end] {
        b"PRIVATE KEY" => is_private_key(before, after, evidence).then_some("a private key"),
        b"AKIA" | b"ASIA" => is_key_pair(before, after).then_some("an AWS access key with its secret"),
        _ => {
            let value = skip(after, is_between_name_and_value, 24);
            starts_with_aws_secret(value).then_some("an AWS secret key")
        }
    }
}

/// `-----BEGIN … PRIVATE KEY-----`, also `… PRIVATE KEY BLOCK-----` (PGP).
fn is_private_key(before: &[u8], after: &[u8], evidence: Evidence) -> bool {
    let begins = before.windows(11).rposition(|window| window == b"-----BEGIN ").is_some_and(|at| {
        before[at + 11..].iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ')
    });
    let after = after.strip_prefix(b" BLOCK").unwrap_or(after);
    let Some(after) = after.strip_prefix(b"-----") else { return false };
    begins
        && match evidence {
            Evidence::FirstLine => true,
            Evidence::Body => {
                let body = skip(after, is_between_lines, 24);
                after.starts_with(b"\nProc-Type") || run_length(body, is_base64) >= 24
            }
        }
}

/// An access key's id, and its secret soon after it.
fn is_key_pair(before: &[u8], after: &[u8]) -> bool {
    let rest = run_length(after, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if rest != 16 || before.last().is_some_and(|&byte| is_word(byte)) {
        return false;
    }
    let after = &after[16..];
    !after.first().is_some_and(|&byte| is_word(byte))
        && (1..=64.min(after.len())).any(|at| !is_word(after[at - 1]) && starts_with_aws_secret(&after[at..]))
}

/// 40 characters of base64, no more, that are neither a hexadecimal digest nor one long word.
fn starts_with_aws_secret(text: &[u8]) -> bool {
    let length = run_length(text, is_base64);
    let token = &text[..length];
    length == 40
        && text.get(length) != Some(&b'=')
        && token.iter().any(u8::is_ascii_digit)
        && token.iter().any(u8::is_ascii_lowercase)
        && token.iter().any(u8::is_ascii_uppercase)
}

fn skip(text: &[u8], skipped: fn(u8) -> bool, at_most: usize) -> &[u8] {
    let count = run_length(&text[..text.len().min(at_most)], skipped);
    &text[count..]
}

fn run_length(text: &[u8], counted: fn(u8) -> bool) -> usize {
    text.iter().take_while(|&&byte| counted(byte)).count()
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

fn is_word(byte: u8) -> bool {
    is_base64(byte) || byte == b'_'
}

/// `": "`, ` = '`, `</key><string>` not: what stands between a name and its value in code and configuration.
fn is_between_name_and_value(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"\"'`:=>,\\()[]".contains(&byte)
}

/// Line ends, real or escaped, and what joins texts in code.
fn is_between_lines(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"\"'`,+\\nr".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // The documented example pair of AWS (docs.aws.amazon.com, "AWS security credentials"): nobody's.
    const ID: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    // Not a key: any 64 characters of base64.
    const BODY: &str = "MIIEnotakeyMIIEnotakeyMIIEnotakeyMIIEnotakeyMIIEnotakeyMIIEnotak";

    fn scan(path: &str, pieces: &[&[u8]]) -> Option<Secret> {
        let mut scanner = Scanner::new(Evidence::wanted_in(&SitePath::new(path).unwrap()));
        pieces.iter().for_each(|piece| scanner.feed(piece));
        scanner.finish()
    }

    fn found(path: &str, text: &str) -> bool {
        scan(path, &[text.as_bytes()]).is_some()
    }

    #[test]
    fn the_words_make_an_automaton() {
        assert!(SEARCH.is_some());
    }

    #[test]
    fn private_keys_of_every_kind_are_found() {
        for kind in ["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED "] {
            assert!(found("a.pem", &format!("-----BEGIN {kind}PRIVATE KEY-----\nx")), "{kind}");
            assert!(found("a.js", &format!("const k = `-----BEGIN {kind}PRIVATE KEY-----\n{BODY}")), "{kind}");
        }
        assert!(found("a.asc", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n"));
        assert!(found("account.json", r#"{"private_key": "-----BEGIN PRIVATE KEY-----\nMIIE"}"#));
        assert!(found("a.js", &format!(r#"k="-----BEGIN PRIVATE KEY-----\n"+"{BODY}""#)));
        assert!(found("index.html", &format!("<pre>-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n{BODY}")));
    }

    #[test]
    fn talk_of_private_keys_is_not_a_private_key() {
        for text in [
            r#"if(!k.startsWith("-----BEGIN PRIVATE KEY-----"))throw Error("not a key")"#,
            r#""-----BEGIN PRIVATE KEY-----\n"+n.replace(/.{64}/g,"$&\n")+"-----END PRIVATE KEY-----""#,
            "<p>begins with <code>-----BEGIN RSA PRIVATE KEY-----</code> and then</p>",
        ] {
            assert!(!found("assets/jose.js", text), "{text}");
            assert!(!found("index.html", text), "{text}");
        }
        for text in
            ["-----BEGIN PUBLIC KEY-----\n", "-----BEGIN CERTIFICATE-----\n", "a PRIVATE KEY-----", "PRIVATE KEY"]
        {
            assert!(!found("a.pem", text), "{text}");
        }
    }

    #[test]
    fn aws_secrets_are_found_beside_their_names_and_ids() {
        for text in [
            format!("aws_secret_access_key = {SECRET}"),
            format!("AWS_SECRET_ACCESS_KEY={SECRET}\n"),
            format!(r#"{{"SecretAccessKey": "{SECRET}"}}"#),
            format!(r#"new S3({{accessKeyId:"{ID}",secretAccessKey:"{SECRET}"}})"#),
            format!("Access key ID,Secret access key\n{ID},{SECRET}\n"),
            format!(r#"const a="{ID}",b="{SECRET}""#),
        ] {
            assert!(found("assets/app.js", &text), "{text}");
        }
    }

    #[test]
    fn what_only_resembles_aws_secrets_is_left_alone() {
        for text in [
            // The SDK's own code.
            "secretAccessKey:e.secretAccessKey,sessionToken:e.sessionToken".to_owned(),
            r#"process.env.AWS_SECRET_ACCESS_KEY||"""#.to_owned(),
            // A commit's id; more than 40 characters; one long word.
            "secretAccessKey:\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"".to_owned(),
            format!("secretAccessKey:\"{SECRET}{SECRET}\""),
            "aws_secret_access_key=theNameOfTheFunctionThatReadsTheSecretKk".to_owned(),
            // A secret's shape without anything beside it; an id without a secret; an id inside of something.
            format!("integrity:\"{SECRET}\""),
            format!("example id {ID}."),
            format!("data:font;base64,xx{ID}xx {SECRET}"),
        ] {
            assert!(!found("assets/app.js", &text), "{text}");
        }
    }

    #[test]
    fn the_first_secret_is_told_with_its_place() {
        let text = format!("a\nb\naws_secret_access_key={SECRET}\n-----BEGIN PRIVATE KEY-----\n");
        let secret = scan("a.txt", &[text.as_bytes()]).unwrap();
        assert_eq!(secret, Secret { what: "an AWS secret key", offset: 8 });
    }

    proptest! {
        /// Where the pieces end makes no difference.
        #[test]
        fn pieces_do_not_matter(before in 0..900_usize, cuts in proptest::collection::vec(1..400_usize, 0..8), which in 0..4_usize) {
            let secret = [
                format!("-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n"),
                format!("aws_secret_access_key = {SECRET}\n"),
                format!("{ID}\t\t{SECRET}\n"),
                "nothing at all\n".to_owned(),
            ][which].clone();
            let text = format!("{}{secret}{}", ".\n".repeat(before), " -".repeat(300));
            let whole = scan("a.js", &[text.as_bytes()]);
            prop_assert_eq!(whole.is_some(), which < 3);
            let mut rest = text.as_bytes();
            let mut pieces = Vec::new();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            prop_assert_eq!(scan("a.js", &pieces), whole);
            let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            prop_assert_eq!(scan("a.js", &single), whole);
        }

        #[test]
        fn any_bytes_are_scanned_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            scan("a.bin", &[&bytes]);
        }
    }
}
