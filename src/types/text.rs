//! Text from elsewhere, before people see it: names of files, what a site refers to, values of publish.toml, what the state says,
//! what AWS answers. All of it passes through here before it is shown.
//!
//! It must not steer the terminal, nor hide or reorder what stands beside it, nor fake a line of ours. A pipeline that reads
//! along must find no command in it. And no password or key may be read in it, wherever it comes from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{Display, Write};

/// Replaces what must not be read.
pub const HIDDEN: &str = "***";

/// Words in an address after which a secret follows (presigned requests, in both versions of AWS's signature).
const SECRET_PARAMETERS: [&str; 6] =
    ["x-amz-signature", "x-amz-credential", "x-amz-security-token", "signature", "awsaccesskeyid", "sig"];

/// How AWS's access key IDs begin: lasting ones, and temporary ones.
const ACCESS_KEY_IDS: [&str; 2] = ["AKIA", "ASIA"];

/// Characters of an access key ID.
const ACCESS_KEY_ID_LENGTH: usize = 20;

/// How session tokens begin: AWS's are Base64 of a text that names the region they were given out in, or of a fixed header.
const SESSION_TOKENS: [&str; 4] = ["IQoJb3JpZ2lu", "FwoGZXIvYXdz", "FQoGZXIvYXdz", "AQoDYXdz"];

/// Anything shorter is not a session token.
const SHORTEST_SESSION_TOKEN: usize = 64;

/// `text` on one line, as it can be shown: what a terminal would obey, or would not show, is escaped as `\u{1b}`.
pub fn printable(text: &str) -> String {
    escaped(&without_secrets(text), |_| false)
}

/// As [`printable`], but line ends and tabs stay: for texts of several lines that this program laid out.
pub fn printable_lines(text: &str) -> String {
    escaped(&without_secrets(text), |char| matches!(char, '\n' | '\t'))
}

/// A line of JSON that means the same, and can be shown as it is: what a terminal would obey or not show is escaped.
/// Such characters only stand in JSON's texts, where `\u001b` means the same.
pub fn printable_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for char in without_commands(&without_secrets(json), "\\u0023").chars() {
        if !is_treacherous(char) || matches!(char, '\n' | '\t') {
            shown.push(char);
            continue;
        }
        for unit in char.encode_utf16(&mut [0; 2]) {
            // Writing to a text cannot fail.
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    shown
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            kept if !is_treacherous(kept) || keep(kept) => shown.push(kept),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            other => shown.extend(other.escape_unicode()),
        }
    }
    match without_commands(&shown, "\\u{23}") {
        Cow::Owned(other) => other,
        Cow::Borrowed(_) => shown,
    }
}

/// `text` without what a pipeline obeys that reads what a program writes: `##[…]`, `##vso[…]` and `##teamcity[…]` anywhere
/// (GitHub's runner, Azure Pipelines, TeamCity), and `::…` where a line begins (GitHub's runner). Of the first, the `#` before the
/// name is written as `hash`; JSON has no line that begins so.
fn without_commands<'t>(text: &'t str, hash: &str) -> Cow<'t, str> {
    let begins = |line: &str| line.trim_start().starts_with("::");
    if !text.contains("##") && !text.lines().any(begins) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let blank = line.len() - line.trim_start().len();
        for (at, char) in line.char_indices() {
            let rest = line[at + char.len_utf8()..].trim_start_matches(|char: char| char.is_ascii_alphanumeric());
            match char {
                '#' if line[..at].ends_with('#') && rest.starts_with('[') => shown.push_str(hash),
                ':' if at == blank && begins(line) => shown.push_str("\\u{3a}"),
                other => shown.push(other),
            }
        }
    }
    Cow::Owned(shown)
}

/// Whether a terminal obeys the character, or shows nothing where it stands, or shows what follows in another order.
fn is_treacherous(char: char) -> bool {
    let code = u32::from(char);
    char.is_control()
        || matches!(code, 0xfdd0..=0xfdef)
        || code & 0xfffe == 0xfffe
        || matches!(
            char,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{e000}'..='\u{f8ff}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{13430}'..='\u{1345f}'
                | '\u{16fe4}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d159}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
                | '\u{f0000}'..='\u{10ffff}'
        )
}

/// `text` without passwords in addresses, signatures of requests, and AWS's access key IDs.
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    let mut shown = Cow::Borrowed(text);
    for hide in [hide_users, hide_parameters, hide_session_tokens, hide_access_key_ids] {
        if let Some(hidden) = hide(&shown) {
            shown = Cow::Owned(hidden);
        }
    }
    shown
}

/// What a program that was asked for credentials wrote to its stderr may hold them: aws-config puts it at the end of its
/// error, after these words.
const WRITTEN_BY_A_PROGRAM: &str = ". Stderr: ";

/// A cause of a failure, without what a program that gives credentials wrote.
pub fn without_output(cause: String) -> String {
    match cause.split_once(WRITTEN_BY_A_PROGRAM) {
        Some((said, written)) if !written.trim().is_empty() && said.contains("external process") => {
            format!("{said} (its stderr is not shown, because it may contain credentials)")
        }
        _ => cause,
    }
}

fn ends_address(char: char) -> bool {
    char.is_whitespace() || char.is_control() || matches!(char, '"' | '\'' | '`' | '<' | '>' | '\\' | '(' | ')')
}

/// An address of which nothing is shown in which passwords are written: the user and a query.
pub fn without_user(address: &str) -> String {
    let begins = address.find("//").map_or(0, |at| at + 2);
    let user = address.rfind('@').filter(|at| *at >= begins);
    let (scheme, rest) = (&address[..begins], &address[user.unwrap_or(begins)..]);
    let query = rest.find(['?', '#']).map_or(rest.len(), |at| at + 1);
    let (user, query, more) =
        (user.map_or("", |_| HIDDEN), &rest[..query], if query < rest.len() { HIDDEN } else { "" });
    format!("{scheme}{user}{query}{more}")
}

/// What stands before the `@` of an address whose scheme (`has_scheme`, or none) and `//` were read.
fn user_of(after: &str, has_scheme: bool) -> Option<&str> {
    // Of what ends an address in a text, `'`, `(` and `)` may be in a password as they are (RFC 3986, 3.2.1).
    let ends = |char| ends_address(char) && !matches!(char, '\'' | '(' | ')');
    let address = &after[..after.find(ends).unwrap_or(after.len())];
    let authority = &address[..address.find(['/', '?', '#']).unwrap_or(address.len())];
    if let Some((user, _)) = authority.rsplit_once('@') {
        return (has_scheme || user.contains(':')).then_some(user);
    }
    // A password may hold what ends an authority (`user:p/w@host`), although it should be encoded. A port is a number, and
    // stands after a host, which is a name of several parts, an IP address or `localhost`.
    let (name, secret) = authority.split_once(':').filter(|_| !authority.starts_with('['))?;
    let is_host = name.contains('.') || name == "localhost";
    let is_port = secret.bytes().all(|byte| byte.is_ascii_digit());
    let (user, _) = address.rsplit_once('@')?;
    let follows_slash = user.ends_with('/');
    (!is_port || !is_host && !follows_slash).then_some(user)
}

/// `https://user:password@host` becomes `https://***@host`.
fn hide_users(text: &str) -> Option<String> {
    let mut shown = String::new();
    let mut rest = text;
    let mut hidden = false;
    while let Some(at) = rest.find("//") {
        let (before, after) = rest.split_at(at + 2);
        shown.push_str(before);
        rest = after;
        if let Some(user) = user_of(after, before.ends_with("://")) {
            shown.push_str(HIDDEN);
            rest = &after[user.len()..];
            hidden = true;
        }
    }
    shown.push_str(rest);
    hidden.then_some(shown)
}

/// `?X-Amz-Signature=abc` becomes `?X-Amz-Signature=***`.
fn hide_parameters(text: &str) -> Option<String> {
    const LONGEST_NAME: usize = 24;
    let mut shown = String::new();
    let mut rest = text;
    let mut hidden = false;
    while let Some(at) = rest.find(['?', '&', ';']) {
        let (before, after) = rest.split_at(at + 1);
        shown.push_str(before);
        rest = after;
        let Some(end) = after.bytes().take(LONGEST_NAME).position(|byte| byte == b'=') else { continue };
        let (name, value) = after.split_at(end);
        if SECRET_PARAMETERS.iter().any(|secret| name.eq_ignore_ascii_case(secret)) {
            let length = value.find(|char| ends_address(char) || matches!(char, '&' | '#')).unwrap_or(value.len());
            shown.extend([name, "=", HIDDEN]);
            rest = &value[length..];
            hidden = true;
        }
    }
    shown.push_str(rest);
    hidden.then_some(shown)
}

/// `IQoJb3JpZ2luX2VjE…` becomes `***`, also where it is percent-encoded.
fn hide_session_tokens(text: &str) -> Option<String> {
    let mut shown = String::new();
    let mut from = 0;
    for (at, _) in SESSION_TOKENS.iter().flat_map(|start| text.match_indices(start)).collect::<BTreeMap<_, _>>() {
        let is_of_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_%".contains(byte);
        let length = text.as_bytes()[at..].iter().take_while(|byte| is_of_token(byte)).count();
        if at >= from && length >= SHORTEST_SESSION_TOKEN {
            shown.push_str(&text[from..at]);
            shown.push_str(HIDDEN);
            from = at + length;
        }
    }
    (from > 0).then(|| shown + &text[from..])
}

/// `AKIAIOSFODNN7EXAMPLE` becomes `AKIA***`: enough to tell which kind it is.
fn hide_access_key_ids(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut shown = String::new();
    let mut from = 0;
    for (at, kind) in ACCESS_KEY_IDS.iter().flat_map(|kind| text.match_indices(kind)).collect::<BTreeMap<_, _>>() {
        let is_of_id = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        let end = at + bytes[at..].iter().take(ACCESS_KEY_ID_LENGTH).take_while(|byte| is_of_id(byte)).count();
        let is_inside = at > 0 && bytes[at - 1].is_ascii_alphanumeric();
        let goes_on = bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
        if end - at == ACCESS_KEY_ID_LENGTH && !is_inside && !goes_on {
            shown.push_str(&text[from..at]);
            shown.push_str(kind);
            shown.push_str(HIDDEN);
            from = end;
        }
    }
    (from > 0).then(|| shown + &text[from..])
}

/// `1 cache tag and 2 paths`: what CloudFront is asked to invalidate.
pub fn asked(items: &[String]) -> String {
    let tags = items.iter().filter(|item| item.starts_with('#')).count();
    let paths = count(items.len() - tags, "path");
    match (tags, items.len() - tags) {
        (0, _) => paths,
        (tags, 0) => count(tags, "cache tag"),
        (tags, _) => format!("{} and {paths}", count(tags, "cache tag")),
    }
}

/// `1 path`, `2 paths`, `2 addresses`.
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ if noun.ends_with('s') => format!("{number} {noun}es"),
        _ => format!("{number} {noun}s"),
    }
}

/// The first few of `names` in backquotes, and how many more there are: `` `a.html`, `b.html` and 38 more ``.
pub fn first_few<N: Display>(names: impl ExactSizeIterator<Item = N>) -> String {
    const NAMED: usize = 5;
    let more = names.len().saturating_sub(NAMED);
    let named: Vec<String> = names.take(NAMED).map(|name| format!("`{name}`")).collect();
    if more == 0 { named.join(", ") } else { format!("{} and {more} more", named.join(", ")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_an_address_neither_user_nor_query_is_shown() {
        for (address, shown) in [
            ("http://127.0.0.1:9000/x", "http://127.0.0.1:9000/x"),
            ("http://user:pa55(word@host:1", "http://***@host:1"),
            ("http://user:pa'5)5@host:1/a?password=b", "http://***@host:1/a?***"),
            ("user:pa55word@host:1", "***@host:1"),
            ("http:/user:pa/55@host", "***@host"),
            ("http:\\\\user:pa55@host", "***@host"),
            ("http://user:p@ss@host#token", "http://***@host#***"),
            ("", ""),
        ] {
            assert_eq!(without_user(address), shown, "{address}");
        }
        for said in ["S3 at http://user:pa55(word@127.0.0.1:1 does not", "(http://u:pa55'w@h)", "`http://u:pa55)@h`"] {
            assert!(!printable(said).contains("pa55"), "{}", printable(said));
        }
        assert_eq!(
            printable("(see https://example.com/a) of me@example.com"),
            "(see https://example.com/a) of me@example.com"
        );
    }

    #[test]
    fn what_shows_nothing_is_escaped() {
        for char in
            ['\u{fe0f}', '\u{2800}', '\u{1d173}', '\u{1bca0}', '\u{13430}', '\u{e000}', '\u{f0000}', '\u{16fe4}']
        {
            assert!(printable(&format!("a{char}b")).starts_with("a\\u{"), "{char:?}");
        }
        assert_eq!(printable("e\u{301} \u{1f600} \u{5d0}"), "e\u{301} \u{1f600} \u{5d0}", "what a person reads stays");
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{7}\td\r"), "a\\u{1b}[2Jb\\nc\\u{7}\\td\\r");
        assert_eq!(
            printable("a\u{202e}b\u{200b}c\u{2066}\u{61c}\u{feff}"),
            "a\\u{202e}b\\u{200b}c\\u{2066}\\u{61c}\\u{feff}"
        );
        assert_eq!(printable("\u{9b}2J\u{85}\u{2028}"), "\\u{9b}2J\\u{85}\\u{2028}");
        assert_eq!(printable("grün – ≤ 日本 مرحبا"), "grün – ≤ 日本 مرحبا");
        assert_eq!(printable_lines("a\n\tb\u{1b}\u{fdd0}"), "a\n\tb\\u{1b}\\u{fdd0}");
    }

    #[test]
    fn no_pipeline_finds_a_command() {
        for (text, shown) in [
            ("::set-output name=a::b", "\\u{3a}:set-output name=a::b"),
            ("  ::error::x", "  \\u{3a}:error::x"),
            ("a ::error::x", "a ::error::x"),
            ("+ a##[add-mask]b.html", "+ a#\\u{23}[add-mask]b.html"),
            ("###[warning]##vso[task.setvariable]", "##\\u{23}[warning]#\\u{23}vso[task.setvariable]"),
            ("## a heading [1]", "## a heading [1]"),
        ] {
            assert_eq!(printable(text), shown);
        }
        assert_eq!(printable_lines("a\n::stop-commands::b"), "a\n\\u{3a}:stop-commands::b");
        assert_eq!(printable_json("[\"##[group]\"]"), "[\"#\\u0023[group]\"]");
    }

    #[test]
    fn passwords_in_addresses_are_hidden() {
        for (text, shown) in [
            ("at http://user:pw@host:9000/a", "at http://***@host:9000/a"),
            ("`https://token@host`, https://a:b@c", "`https://***@host`, https://***@c"),
            ("http://a:b@c@d/", "http://***@d/"),
            ("//user:pw@host/x.js", "//***@host/x.js"),
            ("https://host/@scope/a@2x.png", "https://host/@scope/a@2x.png"),
            ("http://user:p/w@host/a", "http://***@host/a"),
            ("http://user:p?w@host", "http://***@host"),
            ("http://user:p#w@host:80", "http://***@host:80"),
            ("redis://:p/w@host", "redis://***@host"),
            ("http://user:12/34@host", "http://***@host"),
            ("//user:p/w@host/x.js", "//***@host/x.js"),
            ("at `https://user:a/b?c#d@host`, so", "at `https://***@host`, so"),
            ("http://localhost:5173/@vite/client", "http://localhost:5173/@vite/client"),
            ("http://127.0.0.1:80/a@2x.png", "http://127.0.0.1:80/a@2x.png"),
            ("https://www.example.com:443/a@2x.png", "https://www.example.com:443/a@2x.png"),
            ("http://[::1]:80/a@2x.png", "http://[::1]:80/a@2x.png"),
            ("http://web:80/@vite/client", "http://web:80/@vite/client"),
            ("a//b@2x.png", "a//b@2x.png"),
            ("mail me@example.com", "mail me@example.com"),
            ("{\"url\":\"http://u:p@h\",\"b\":\"@\"}", "{\"url\":\"http://***@h\",\"b\":\"@\"}"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }

    #[test]
    fn what_a_credential_process_wrote_is_not_told() {
        let cause =
            "Error retrieving credentials: external process exited with code exit status: 1. Stderr: key\nsecret";
        let told = without_output(cause.to_owned());
        assert!(told.contains("exit status: 1 (its stderr") && !told.contains("secret"), "{told}");
        assert_eq!(without_output("a. Stderr: b".to_owned()), "a. Stderr: b");
    }

    #[test]
    fn signatures_and_key_ids_are_hidden() {
        for (text, shown) in [
            ("/a?X-Amz-Signature=0123&X-Amz-Date=2", "/a?X-Amz-Signature=***&X-Amz-Date=2"),
            ("/a?b=1&x-amz-security-token=IQoJ%2F/+= c", "/a?b=1&x-amz-security-token=*** c"),
            ("/a?AWSAccessKeyId=A&amp;Signature=b%3D&Expires=1", "/a?AWSAccessKeyId=***&amp;Signature=***&Expires=1"),
            ("key AKIAIOSFODNN7EXAMPLE, ASIAIOSFODNN7EXAMPLE", "key AKIA***, ASIA***"),
            ("AKIA, AKIAIOSFODNN7EXAMPLEXX, AKIAé", "AKIA, AKIAIOSFODNN7EXAMPLEXX, AKIAé"),
            ("a=b;c=d?signatures=1", "a=b;c=d?signatures=1"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }

    #[test]
    fn session_tokens_are_hidden_wherever_they_stand() {
        let token = format!("IQoJb3JpZ2luX2VjE{}==", "aB3/+".repeat(40));
        assert_eq!(without_secrets(&format!("token {token} is malformed")), "token *** is malformed");
        assert_eq!(without_secrets(&format!("\"{token}\",FwoGZXIvYXdz{}", "a%2B".repeat(20))), "\"***\",***");
        assert_eq!(without_secrets("IQoJb3JpZ2luX2VjE.js"), "IQoJb3JpZ2luX2VjE.js", "too short for one");
    }

    /// Nearly every text that is shown: it costs no copy.
    #[test]
    fn a_text_without_secrets_is_not_copied() {
        for text in ["index.html", "//a/b?c=d", "AKIA and FwoGZXIvYXdz are beginnings"] {
            assert!(matches!(without_secrets(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn of_many_names_the_first_few_are_told_and_how_many_more_there_are() {
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let told = |count: usize| first_few(names[..count].iter());
        assert_eq!(told(1), "`a`");
        assert_eq!(told(5), "`a`, `b`, `c`, `d`, `e`");
        assert_eq!(told(6), "`a`, `b`, `c`, `d`, `e` and 1 more");
        assert_eq!(told(7), "`a`, `b`, `c`, `d`, `e` and 2 more");
    }

    proptest! {
        #[test]
        fn nothing_treacherous_is_left_and_json_means_the_same(text in any::<String>()) {
            prop_assert!(!printable(&text).chars().any(is_treacherous));
            prop_assert_eq!(printable(&printable(&text)), printable(&text));
            prop_assume!(without_secrets(&text) == text);
            let json = printable_json(&serde_json::to_string(&text).unwrap());
            prop_assert!(!json.chars().any(is_treacherous), "{json}");
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
