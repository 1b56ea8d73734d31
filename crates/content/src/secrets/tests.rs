//! No text here is a secret, nor looks like one to those who search repositories: letters are drawn when a test runs.

use proptest::prelude::*;

use super::shape::{Alphabet, Part};
use super::tokens::{Proof, Token};
use super::*;
use crate::path::SitePath;

/// The documented example pair of AWS (docs.aws.amazon.com, "AWS security credentials"): nobody's.
const EXAMPLE_ID: &str = "AKIAIOSFODNN7EXAMPLE";
const EXAMPLE_SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// `count` letters of `alphabet`, always the same for the same `seed`, with at least one digit.
fn drawn(count: usize, alphabet: Alphabet, seed: u64) -> String {
    let letters: Vec<u8> = (0..=u8::MAX)
        .filter(|&byte| {
            alphabet.holds(byte)
                && (byte.is_ascii_alphanumeric())
                && !(alphabet == Alphabet::Hex && byte.is_ascii_uppercase())
        })
        .collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(letters[(state >> 33) as usize % letters.len()])
    };
    let mut text: String = (0..count).map(|_| next()).collect();
    if count > 8 && !matches!(alphabet, Alphabet::Base32 | Alphabet::Bech32) {
        text.replace_range(4..7, if alphabet == Alphabet::Digits { "741" } else { "7b3" });
    }
    text
}

fn text_of(parts: &[Part], seed: u64) -> String {
    let part = |(number, part): (usize, &Part)| match part {
        Part::Run(alphabet, least, _) => drawn(*least, *alphabet, seed + number as u64),
        Part::Text(text) => (*text).to_owned(),
    };
    parts.iter().enumerate().map(part).collect()
}

/// A token of a kind that begins with `start`; `change` is done to what follows it.
fn token_text(token: &Token, start: &str, seed: u64, change: fn(String) -> String) -> String {
    let rest = text_of(token.rest, seed);
    let lead = match &token.proof {
        Proof::After(text) => format!("{text}{}", drawn(40, Alphabet::Alnum, seed)),
        _ => token.lead.as_ref().map(|part| text_of(std::slice::from_ref(part), seed + 50)).unwrap_or_default(),
    };
    let near = if let Proof::Near(word) = token.proof { format!("{word}\":\"") } else { String::new() };
    format!("{near}{lead}{start}{}", change(rest))
}

fn same(text: String) -> String {
    text
}

fn aws_id() -> String {
    format!("AKIA{}", drawn(16, Alphabet::Base32, 3))
}

fn aws_secret() -> String {
    drawn(40, Alphabet::Base64, 5)
}

fn body() -> String {
    format!("MIIE{}", drawn(60, Alphabet::Base64, 11))
}

/// A signed JSON web token of Supabase for `role`.
fn supabase(issuer: &str, role: &str) -> String {
    use base64::Engine;
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let payload =
        format!(r#"{{"iss":"{issuer}","ref":"abcdefghij","role":"{role}","iat":1700000000,"exp":2000000000}}"#);
    format!("{}.{}.{}", encode(r#"{"alg":"HS256","typ":"JWT"}"#), encode(&payload), drawn(43, Alphabet::Base64Url, 2))
}

fn scan(path: &str, pieces: &[&[u8]]) -> Option<Secret> {
    let mut scanner = Scanner::new(Evidence::wanted_in(&SitePath::new(path).unwrap()));
    pieces.iter().for_each(|piece| scanner.feed(piece));
    scanner.finish()
}

fn found(path: &str, text: &str) -> Option<&'static str> {
    scan(path, &[text.as_bytes()]).map(|secret| secret.what)
}

/// `value`, which may have a name, as it comes to lie in a minified bundle, in JSON, in JSON in a script, and in a page.
fn planted(name: Option<&str>, value: &str) -> [(&'static str, String); 5] {
    let name = name.unwrap_or("k");
    let escaped = value.replace('\n', "\\n");
    [
        (
            "assets/app-1.js",
            format!("!function(){{var e={{a:1,VITE_{name}:\"{escaped}\",z:()=>2}};export{{e as default}}"),
        ),
        ("assets/chunk.mjs", format!("const a=1,{name}=`{value}`,c=JSON.parse('{{\"x\":[1,2]}}');")),
        ("data/config.json", format!("{{\n \"a\": [1, 2],\n \"{name}\": \"{escaped}\",\n \"z\": null\n}}")),
        ("page/index.html", format!("<html><script>window.c=\"{{\\\"{name}\\\":\\\"{escaped}\\\"}}\"</script>")),
        ("index.html", format!("<div data-state=\"{{&quot;{name}&quot;:&quot;{escaped}&quot;}}\"></div>")),
    ]
}

#[track_caller]
fn assert_found(what: &str, name: Option<&str>, value: &str) {
    for (path, text) in planted(name, value) {
        assert_eq!(found(path, &text), Some(what), "{path}: {text}");
    }
}

#[track_caller]
fn assert_silent(name: Option<&str>, value: &str) {
    for (path, text) in planted(name, value) {
        assert_eq!(found(path, &text), None, "{path}: {text}");
    }
}

#[test]
fn the_words_make_automatons_and_none_is_too_long() {
    assert!(SEARCHES.is_some());
    for word in words() {
        assert!(word.text.len() <= LONGEST, "{}", word.text);
        assert!(word.text.is_ascii());
    }
}

#[test]
fn every_anchor_is_of_use() {
    let words = words();
    for anchor in ANCHORS {
        assert!(anchor.len() <= ANCHOR_BYTES && words.iter().any(|word| word.text.contains(anchor)), "{anchor}");
    }
}

#[test]
fn every_kind_of_token_is_found_wherever_it_is_planted() {
    for (seed, token) in (1..).zip(TOKENS) {
        for start in token.starts {
            assert_found(token.what, None, &token_text(token, start, seed, same));
        }
    }
    assert!(TOKENS.iter().map(|token| token.what).collect::<std::collections::BTreeSet<_>>().len() >= 50);
}

#[test]
fn every_named_value_is_found_wherever_it_is_planted() {
    for (seed, named) in (1..).zip(NAMED) {
        for name in named.names {
            assert_found(named.what, Some(name), &text_of(named.value, seed));
            assert_silent(None, &text_of(named.value, seed));
        }
    }
}

/// The shapes once more, as their owners show them: what the table says is not all that these tests know.
#[test]
fn secrets_as_their_owners_write_them_are_found() {
    use Alphabet::{Alnum, Base64, Base64Url, Digits, Hex};
    let any = |count, alphabet| drawn(count, alphabet, 77);
    for (what, name, value) in [
        ("a private key", None, format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n", body())),
        ("a private key", None, format!("PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n{}\n", body())),
        ("a private age key", None, format!("AGE-SECRET-KEY-1{}", any(58, Alphabet::Bech32))),
        ("an AWS secret key", Some("AWS_SECRET_ACCESS_KEY"), aws_secret()),
        ("an AWS access key", None, format!("{}:{}", aws_id(), aws_secret())),
        ("an AWS access key", None, aws_id()),
        ("a Google access token", None, format!("ya29.a0{}", any(60, Base64Url))),
        ("a Mailgun key", Some("MAILGUN"), format!("key-{}", any(32, Hex))),
        ("a GitHub token", None, format!("ghp_{}", any(36, Alnum))),
        ("a GitHub token", None, format!("github_pat_{}_{}", any(22, Alnum), any(59, Alnum))),
        ("a GitLab token", None, format!("glpat-{}", any(20, Base64Url))),
        ("an npm token", None, format!("npm_{}", any(36, Alnum))),
        ("an npm token", Some("//registry.npmjs.org/:_authToken"), format!("npm{}", any(36, Hex))),
        ("a PyPI token", None, format!("pypi-AgEIcHlwaS5vcmc{}", any(150, Base64Url))),
        ("a crates.io token", None, format!("cio{}", any(32, Alnum))),
        ("a Docker Hub token", None, format!("dckr_pat_{}", any(27, Base64Url))),
        ("a live Stripe key", None, format!("sk_live_{}", any(24, Alnum))),
        ("a live Stripe key", None, format!("rk_live_{}", any(99, Alnum))),
        ("a webhook's signing secret", None, format!("whsec_{}", any(32, Alnum))),
        ("a Slack token", None, format!("xoxb-{}-{}-{}", any(12, Digits), any(13, Digits), any(24, Alnum))),
        ("a Slack token", None, format!("xapp-1-A{}-{}-{}", any(10, Alnum), any(13, Digits), any(64, Hex))),
        (
            "the address of a Slack webhook",
            None,
            format!("https://hooks.slack.com/services/T{}/B{}/{}", any(10, Alnum), any(10, Alnum), any(24, Alnum)),
        ),
        (
            "the address of a Discord webhook",
            None,
            format!("https://discord.com/api/webhooks/{}/{}", any(18, Digits), any(68, Base64Url)),
        ),
        (
            "a Telegram bot's token",
            None,
            format!("https://api.telegram.org/bot{}:AA{}/getMe", any(10, Digits), any(33, Base64Url)),
        ),
        ("a Google OAuth secret", None, format!("GOCSPX-{}", any(28, Base64Url))),
        ("a Google refresh token", None, format!("1//0{}", any(99, Base64Url))),
        ("a SendGrid key", None, format!("SG.{}.{}", any(22, Base64Url), any(43, Base64Url))),
        ("a Mailchimp key", None, format!("{}-us21", any(32, Hex))),
        ("an OpenAI key", None, format!("sk-proj-{}T3BlbkFJ{}", any(74, Base64Url), any(74, Base64Url))),
        ("an OpenAI key", None, format!("sk-{}T3BlbkFJ{}", any(20, Alnum), any(20, Alnum))),
        ("an Anthropic key", None, format!("sk-ant-api03-{}AA", any(93, Base64Url))),
        ("a Hugging Face token", None, format!("hf_{}", any(34, Alnum))),
        ("a DigitalOcean token", None, format!("dop_v1_{}", any(64, Hex))),
        ("a Shopify token", None, format!("shpat_{}", any(32, Hex))),
        ("a Square token", None, format!("sq0atp-{}", any(22, Base64Url))),
        ("a Square token", Some("SQUARE_ACCESS_VALUE"), format!("EAAA{}", any(60, Base64Url))),
        ("a HashiCorp Vault token", None, format!("hvs.{}", any(95, Base64Url))),
        ("a Supabase service key", None, supabase("supabase", "service_role")),
        ("a secret Mapbox token", None, format!("sk.eyJ{}.{}", any(80, Base64Url), any(22, Base64Url))),
        (
            "the key of an Azure storage account",
            None,
            format!("DefaultEndpointsProtocol=https;AccountName=a;AccountKey={}==", any(86, Base64)),
        ),
        ("a secret of an Azure application", None, format!("{}8Q~{}", any(3, Alnum), any(34, Base64Url))),
        ("an address with a password", None, format!("postgres://app:{}@db.acme.io:5432/app", any(16, Alnum))),
        (
            "an address with a password",
            None,
            format!("mongodb+srv://app:{}@cluster0.ab1cd.mongodb.net/app", any(16, Alnum)),
        ),
        ("an address with a password", None, format!("rediss://:{}@eu1.upstash.io:6379", any(32, Hex))),
    ] {
        assert_found(what, name, &value);
    }
}

#[test]
fn near_misses_of_every_kind_of_token_stay_silent() {
    let shorter = |mut text: String| {
        text.pop();
        text
    };
    let one_letter =
        |text: String| text.chars().map(|char| if char.is_ascii_alphanumeric() { 'x' } else { char }).collect();
    let counting = |text: String| "0123456789abcdef".chars().cycle().take(text.len()).collect();
    let zigzag = |text: String| "a1b2c3d4e5f6a7b8".chars().cycle().take(text.len()).collect();
    let words = |text: String| "YourExampleTokenHere7".chars().cycle().take(text.len()).collect();
    for (seed, token) in (1..).zip(TOKENS) {
        let start = token.starts[0];
        let ends_in_run = matches!(token.rest.last(), Some(Part::Run(_, 9.., _)));
        let is_lead_drawn = matches!(token.lead, Some(Part::Run(_, 9.., _))) && !matches!(token.proof, Proof::After(_));
        if ends_in_run {
            assert_silent(None, &token_text(token, start, seed, shorter));
        }
        if !is_lead_drawn {
            for change in [one_letter, counting, zigzag, words] as [fn(String) -> String; 4] {
                assert_silent(None, &token_text(token, start, seed, change));
            }
        }
        // In the middle of a longer word.
        if token.lead.is_none() && !matches!(token.proof, Proof::Near(_)) && !start.contains('/') {
            assert_silent(None, &format!("m{}", token_text(token, start, seed, same)));
        }
        // Nothing follows.
        assert_silent(None, start);
        assert_silent(Some(start), "process.env.TOKEN");
    }
}

#[test]
fn longer_words_than_a_token_are_none() {
    for (seed, token) in (1..).zip(TOKENS) {
        let Some(Part::Run(alphabet, least, most)) = token.rest.last() else { continue };
        if *most < 100 && *least > 9 {
            let longer = drawn(most - least + 1, *alphabet, 9);
            assert_silent(None, &format!("{}{longer}", token_text(token, token.starts[0], seed, same)));
        }
    }
}

#[test]
fn named_values_that_are_placeholders_stay_silent() {
    for name in NAMED.iter().flat_map(|named| named.names).chain(&AWS_SECRET_NAMES) {
        for value in [
            "process.env.SECRET",
            "${SECRET}",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "your-secret-here",
            "",
            "\"+e.value+\"",
        ] {
            assert_silent(Some(name), value);
        }
    }
}

#[test]
fn what_is_public_by_its_use_is_left_alone() {
    use Alphabet::{Alnum, Base64Url, Hex};
    for value in [
        format!("AIza{}", drawn(35, Base64Url, 1)),
        format!("pk_live_{}", drawn(24, Alnum, 2)),
        format!("sk_test_{}", drawn(24, Alnum, 3)),
        format!("pk.eyJ{}.{}", drawn(80, Base64Url, 4), drawn(22, Base64Url, 5)),
        format!("https://{}@o1.ingest.sentry.io/2", drawn(32, Hex, 6)),
        format!("sq0idp-{}", drawn(22, Base64Url, 7)),
        format!("SK{}", drawn(32, Hex, 8)),
        format!("sb_publishable_{}", drawn(31, Base64Url, 9)),
        supabase("supabase", "anon"),
        supabase("supabase-demo", "service_role"),
        supabase("supabase", "service_role")[..180].to_owned(),
        format!("https://b.s3.amazonaws.com/a?X-Amz-Credential={}%2F20260101", aws_id()),
        format!("sha384-{}", drawn(64, Alphabet::Base64, 10)),
    ] {
        assert_silent(None, &value);
    }
}

#[test]
fn addresses_that_pages_teach_with_are_left_alone() {
    let drawn = drawn(16, Alphabet::Alnum, 21);
    for address in [
        "postgres://user:password@localhost:5432/db".to_owned(),
        "postgresql://postgres:mysecretpassword@db.example.com/app".to_owned(),
        "mongodb+srv://<user>:<password>@cluster0.mongodb.net".to_owned(),
        "mysql://${USER}:${PASSWORD}@db.acme.io".to_owned(),
        format!("postgres://app:{drawn}@localhost/app"),
        format!("postgres://app:{drawn}@127.0.0.1/app"),
        format!("postgres://app:{drawn}@database/app"),
        format!("postgres://app:{drawn}@db.example.org/app"),
        format!("postgres://db.acme.io/{drawn}"),
        "redis://:p4ssw0rd1234567@cache.acme.io".to_owned(),
        format!("redis://:{drawn}Secret@cache.acme.io"),
        format!("postgres://{drawn}:x7@db.acme.io/app"),
        format!("postgres://app:{}@db.acme.io/app", &drawn[..11]),
        format!("https://app:{drawn}@acme.io/"),
    ] {
        assert_silent(None, &address);
    }
    assert_found("an address with a password", None, &format!("postgres://app:{}@db.acme.io/app", &drawn[..12]));
}

#[test]
fn private_keys_of_every_kind_are_found() {
    let body = body();
    for kind in ["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ", "ANY "] {
        assert!(found("a.pem", &format!("-----BEGIN {kind}PRIVATE KEY-----\nx")).is_some(), "{kind}");
        assert_found("a private key", None, &format!("-----BEGIN {kind}PRIVATE KEY-----\n{body}"));
    }
    assert!(found("a.asc", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n").is_some());
    assert!(found("a.html", &format!("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{body}")).is_some());
    assert!(found("a.html", "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\nlQ").is_some());
    assert!(found("key", "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n").is_some());
    assert!(found("a.js", &format!(r#"k="-----BEGIN PRIVATE KEY-----\n"+"{body}""#)).is_some());
    assert!(found("a.txt", &format!("Private-Lines: 14\r\n{body}\r\n")).is_some());
    assert!(found("index.html", "<pre>-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n").is_some());
}

#[test]
fn talk_of_private_keys_is_not_a_private_key() {
    for text in [
        r#"if(!k.startsWith("-----BEGIN PRIVATE KEY-----"))throw Error("not a key")"#,
        r#""-----BEGIN PRIVATE KEY-----\n"+n.replace(/.{64}/g,"$&\n")+"-----END PRIVATE KEY-----""#,
        "<p>begins with <code>-----BEGIN RSA PRIVATE KEY-----</code> and then</p>",
        "-----BEGIN RSA PRIVATE KEY-----<a very long string of characters>-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "Private-Lines: the number of lines",
        "Private-Lines: 14\nand then they follow",
        "Private-Lines: AAAAB3NzaC1yc2EAAAADAQABAAABAQC7",
    ] {
        for path in ["assets/jose.js", "index.html", "search/search_index.json", "blog/index.txt", "feed.xml"] {
            assert_eq!(found(path, text), None, "{path}: {text}");
        }
    }
    for text in [
        "-----BEGIN PUBLIC KEY-----\n",
        "-----BEGIN CERTIFICATE-----\n",
        "a PRIVATE KEY-----",
        "PRIVATE KEY",
        "-----BEGIN your PRIVATE KEY-----\n",
        "BEGIN RSA PRIVATE KEY-----\n",
    ] {
        assert_eq!(found("a.pem", text), None, "{text}");
    }
}

#[test]
fn aws_secrets_are_found_beside_their_names_and_ids() {
    let (id, secret) = (aws_id(), aws_secret());
    for text in [
        format!("aws_secret_access_key = {secret}"),
        format!("AWS_SECRET_ACCESS_KEY={secret}\n"),
        format!(r#"{{"SecretAccessKey": "{secret}"}}"#),
        format!(r#"new S3({{accessKeyId:"{id}",secretAccessKey:"{secret}"}})"#),
        format!("Access key ID,Secret access key\n{id},{secret}\n"),
        format!(r#"const a="{id}",b="{secret}""#),
    ] {
        assert!(found("assets/app.js", &text).is_some(), "{text}");
    }
}

#[test]
fn what_only_resembles_aws_secrets_is_left_alone() {
    let (id, secret) = (aws_id(), aws_secret());
    for text in [
        // The SDK's own code, and what AWS's documents show.
        "secretAccessKey:e.secretAccessKey,sessionToken:e.sessionToken".to_owned(),
        r#"process.env.AWS_SECRET_ACCESS_KEY||"""#.to_owned(),
        format!("aws_access_key_id = {EXAMPLE_ID}\naws_secret_access_key = {EXAMPLE_SECRET}"),
        // A commit's id; more than 40 characters; one long word.
        "secretAccessKey:\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"".to_owned(),
        format!("secretAccessKey:\"{secret}{secret}\""),
        "aws_secret_access_key=theNameOfTheFunctionThatReadsTheSecretKk".to_owned(),
        // A secret's shape without anything beside it; an id inside of something, and the one of AWS's documents.
        format!("integrity:\"{secret}\""),
        format!("data:font;base64,xx{id}xx {secret}"),
        EXAMPLE_ID.to_owned(),
    ] {
        assert_eq!(found("assets/app.js", &text), None, "{text}");
    }
}

/// Between a name and its value code and pages put signs and spaces, but not many.
#[test]
fn a_value_stands_near_its_name() {
    let text = |spaces: usize| format!("secretAccessKey={}{}", " ".repeat(spaces), aws_secret());
    assert_eq!(found("assets/app.js", &text(31)), Some("an AWS secret key"));
    assert_eq!(found("assets/app.js", &text(32)), None);
}

#[test]
fn a_token_that_is_too_long_is_none_wherever_pieces_end() {
    let text = |letters| format!("{}sk_live_{}", ".\n".repeat(150), drawn(letters, Alphabet::Alnum, 7)).into_bytes();
    assert!(scan("a.js", &[&text(32)]).is_some());
    let text = text(260);
    for cut in 0..text.len() {
        let (one, other) = text.split_at(cut);
        assert_eq!(scan("a.js", &[one, other]), None, "{cut}");
    }
}

#[test]
fn the_first_secret_is_told_with_its_place() {
    let text = format!("a\nb\naws_secret_access_key={}\n-----BEGIN PRIVATE KEY-----\n", aws_secret());
    let secret = scan("key", &[text.as_bytes()]).unwrap();
    assert_eq!(secret, Secret { what: "an AWS secret key", offset: 8 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Where the pieces end makes no difference.
    #[test]
    fn pieces_do_not_matter(before in 0..900_usize, cuts in proptest::collection::vec(1..400_usize, 0..8), which in 0..7_usize) {
        let secret = [
            format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n", body()),
            format!("aws_secret_access_key = {}\n", aws_secret()),
            format!("{}\t\t{}\n", aws_id(), aws_secret()),
            supabase("supabase", "service_role"),
            format!("sk-proj-{}T3BlbkFJ{}", drawn(74, Alphabet::Alnum, 3), drawn(74, Alphabet::Alnum, 4)),
            format!("postgresql://a:{}@db.acme.io/", drawn(20, Alphabet::Alnum, 8)),
            "nothing at all\n".to_owned(),
        ][which].clone();
        let text = format!("{}{secret}{}", ".\n".repeat(before), " -".repeat(300));
        let whole = scan("a.js", &[text.as_bytes()]);
        prop_assert_eq!(whole.is_some(), which < 6);
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

#[test]
fn chance_hardly_ever_draws_what_a_person_would() {
    for (alphabet, count) in [
        (Alphabet::Hex, 32),
        (Alphabet::Alnum, 24),
        (Alphabet::Alnum, 36),
        (Alphabet::Word, 36),
        (Alphabet::Base64Url, 43),
    ] {
        let tokens = (1..2_000).map(|seed| drawn(count, alphabet, seed));
        let missed = tokens.filter(|token| !shape::is_random(token.as_bytes())).count();
        assert!(missed < 4, "{missed} of {count} letters of {alphabet:?}");
    }
}

#[test]
fn a_person_is_told_by_few_letters_and_by_words() {
    for (token, is_random) in [
        ("q7ZtR2mXk9Lw4VbN", true),
        ("q7trz2mxk9lw4vbn", true),
        ("qtrzmxklwvbnpsdf", false),
        ("7qa7qqa77aqa7q7aqa", false),
        ("session.token.storage.value2", false),
        // All but two capitals are words and a few digits.
        ("storageKeyForFileXQ27", false),
    ] {
        assert_eq!(shape::is_random(token.as_bytes()), is_random, "{token}");
    }
}

/// The names of a program's own things are no secrets, however long they are, and whatever stands behind them.
#[test]
fn identifiers_are_left_alone() {
    for text in [
        r#"class A{f(){this._authTokenStorageKey="session.token.value"}}"#,
        r#"this._authTokenStorageKeyOfTheSession2="session.token.value""#,
        r#"const a={_authTokenExpiresInMilliseconds30:e}"#,
        r#"c._authToken="session.token.storage.value.V2""#,
        r#"NETLIFY_AUTH_TOKEN_OF_THE_WHOLE_ORGANISATION_Or_Team_2024="x""#,
        r#"const npm_packageManagerConfigurationOfTheTree=1"#,
        r#"import{hf_loadTheTokenizerOfThisModelByName2}from"./hub.js""#,
        r#"r8_aVersionOfTheModelThatIsOnReplicate1"#,
        r#"nfp_siteSettingsOfTheNetlifyFunctionPage"#,
        r#"figd_theNameOfTheFileThatTheDesignerOpened_2"#,
        r#"ghp_theHandlerOfTheGlobalHelpPageOfTheSit"#,
        r#"cioTrackTheUserWhoHasSignedInBefore"#,
        r#"xai-theExplanationOfTheModelThatTheReaderSeesFirst_whenThePageIsOpened_andNotLater12"#,
    ] {
        assert_eq!(found("assets/app.js", text), None, "{text}");
    }
}

/// A word goes on behind what would be a whole token, or behind the name of one.
#[test]
fn a_token_ends_where_its_word_ends() {
    for token in TOKENS {
        let Some(Part::Run(alphabet, ..)) = token.rest.last() else { continue };
        let text = token_text(token, token.starts[0], 9, same);
        assert_eq!(found("assets/app.js", &text), Some(token.what));
        // Of an alphabet that has it, it is a letter of a longer token.
        for end in ["_more", "$1"].iter().filter(|end| !alphabet.holds(end.as_bytes()[0])) {
            assert_eq!(found("assets/app.js", &format!("{text}{end}=1")), None, "{}", token.what);
        }
    }
    // Mailgun's `key-` is one wherever the word is near.
    for named in NAMED.iter().filter(|named| !matches!(named.value[0], Part::Text("key-"))) {
        let value = text_of(named.value, 9);
        for between in ["2=\"", "Name:\"", "_KEY=\"", "$=\"", "", " ", "\",\"", "(\""] {
            let text = format!("a={{{}{between}{value}\"}}", named.names[0]);
            assert_eq!(found("assets/app.js", &text), None, "{text}");
        }
    }
    let secret = aws_secret();
    for between in ["Name=\"", "2:\"", "_=\""] {
        assert_eq!(found("assets/app.js", &format!("secretAccessKey{between}{secret}\"")), None, "{between}");
    }
}
