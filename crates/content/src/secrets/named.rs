//! Values that are known by the name that stands before them, or by the address that holds them.
//!
//! The names are those of the owners' own SDKs, tools and consoles, as their users carry them into a bundle.

use super::shape::{Alphabet, Part, between, exactly, goes_on, is_random, matched};
use Alphabet::{Alnum, Base64, Base64Url, Bearer, Hex};

/// A kind of value.
#[derive(Debug)]
pub(super) struct Named {
    /// What it is, after "holds".
    pub(super) what: &'static str,
    /// Its names.
    pub(super) names: &'static [&'static str],
    pub(super) value: &'static [Part],
}

const fn named(what: &'static str, names: &'static [&'static str], value: &'static [Part]) -> Named {
    Named { what, names, value }
}

const DASH: Part = Part::Text("-");
const DOT: Part = Part::Text(".");
const UUID: &[Part] =
    &[exactly(8, Hex), DASH, exactly(4, Hex), DASH, exactly(4, Hex), DASH, exactly(4, Hex), DASH, exactly(12, Hex)];

/// The kinds.
#[rustfmt::skip]
pub(super) const NAMED: &[Named] = &[
    named("an npm token", &["_authToken"], &[between(20, 200, Bearer)]),
    named("the key of an Azure storage account", &["AccountKey", "accountKey"], &[exactly(86, Base64), Part::Text("==")]),
    named("a shared access key of Azure", &["SharedAccessKey", "sharedAccessKey"], &[exactly(43, Base64), Part::Text("=")]),
    named("a Cloudflare token", &["CLOUDFLARE_API_TOKEN", "CF_API_TOKEN"], &[exactly(40, Base64Url)]),
    named("a Cloudflare key", &["CLOUDFLARE_API_KEY"], &[exactly(37, Hex)]),
    named("a Heroku key", &["HEROKU_API_KEY"], UUID),
    named("a Vercel token", &["VERCEL_TOKEN"], &[exactly(24, Alnum)]),
    named("a Netlify token", &["NETLIFY_AUTH_TOKEN"], &[between(40, 64, Base64Url)]),
    named("a Twilio secret", &["TWILIO_AUTH_TOKEN", "TWILIO_API_SECRET"], &[exactly(32, Alnum)]),
    named("a Mailgun key", &["MAILGUN_API_KEY"], &[Part::Text("key-"), exactly(32, Hex)]),
    named("a Mailgun key", &["MAILGUN_API_KEY"], &[exactly(32, Hex), DASH, exactly(8, Hex), DASH, exactly(8, Hex)]),
    named("a Discord bot's token", &["DISCORD_TOKEN", "DISCORD_BOT_TOKEN"], &[between(23, 29, Alnum), DOT, exactly(6, Base64Url), DOT, between(27, 40, Base64Url)]),
    named("an Algolia admin key", &["ALGOLIA_ADMIN_API_KEY"], &[exactly(32, Hex)]),
    named("a Facebook app's secret", &["FACEBOOK_APP_SECRET", "FB_APP_SECRET", "FACEBOOK_CLIENT_SECRET"], &[exactly(32, Hex)]),
    named("a GitHub app's secret", &["GITHUB_CLIENT_SECRET"], &[exactly(40, Hex)]),
    named("a DeepSeek key", &["DEEPSEEK_API_KEY"], &[Part::Text("sk-"), exactly(32, Hex)]),
];

impl Named {
    /// Whether such a value stands in `after`, which follows the name, and is set as the value of that very name.
    pub(super) fn is_at(&self, after: &[u8]) -> bool {
        let Some(value) = value(after) else { return false };
        let is_set = after[..after.len() - value.len()].iter().any(|byte| b"=:".contains(byte));
        is_set && matched(self.value, value).is_some_and(|length| is_random(&value[..length]))
    }
}

/// The names of AWS's secret keys: those of its SDKs, its configuration files and its console's CSV.
pub(super) const AWS_SECRET_NAMES: [&str; 9] = [
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

/// How the ids of AWS's keys begin: a user's, a session's, a bearer's and a context's (docs.aws.amazon.com, "IAM identifiers").
pub(super) const AWS_KEY_IDS: [&str; 4] = ["AKIA", "ASIA", "ABIA", "ACCA"];

/// How many letters follow those.
const AWS_KEY_ID_REST: usize = 16;

/// Whether a secret key of AWS stands in `after`, which follows its name.
pub(super) fn is_aws_secret(after: &[u8]) -> bool {
    value(after).is_some_and(starts_with_aws_secret)
}

/// Whether this is the id of an access key, of which `after` follows the first four letters. Nobody needs one in a site,
/// and where it lies its secret is not far; but addresses that were signed for a time show it to everybody.
pub(super) fn is_aws_key_id(before: &[u8], after: &[u8]) -> bool {
    let is_word = |byte: &u8| Base64.holds(*byte) || *byte == b'_';
    let in_an_address = ["Credential=", "AWSAccessKeyId="].iter().any(|name| before.ends_with(name.as_bytes()));
    !in_an_address
        && !before.last().is_some_and(is_word)
        && !after.get(AWS_KEY_ID_REST).is_some_and(is_word)
        && Alphabet::Base32.run(after) >= AWS_KEY_ID_REST
        && is_random(&after[..AWS_KEY_ID_REST])
}

/// 40 characters of base64, no more, that are neither a hexadecimal digest nor one long word.
fn starts_with_aws_secret(text: &[u8]) -> bool {
    let length = Base64.run(text);
    let token = &text[..length];
    length == 40
        && text.get(length) != Some(&b'=')
        && token.iter().any(u8::is_ascii_digit)
        && token.iter().any(u8::is_ascii_lowercase)
        && token.iter().any(u8::is_ascii_uppercase)
        && is_random(token)
}

/// Addresses of services that take a password in them.
pub(super) const SCHEMES: [&str; 12] = [
    "postgres://",
    "postgresql://",
    "mysql://",
    "mariadb://",
    "mongodb://",
    "mongodb+srv://",
    "redis://",
    "rediss://",
    "amqp://",
    "amqps://",
    "mssql://",
    "sqlserver://",
];

/// Whether an address, of which `after` follows the scheme, holds a password that opens something: one that chance has
/// drawn, for a host that others can reach. Pages that teach say `postgres://user:password@localhost`.
pub(super) fn is_address_with_password(after: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_graphic() && !b"\"'`<>\\{}|/@".contains(byte);
    let part = |text: &[u8]| text.iter().take_while(|byte| is_part(byte)).count();
    let user_and_password = &after[..part(after)];
    let Some(host) = after[user_and_password.len()..].strip_prefix(b"@") else { return false };
    let Some(colon) = user_and_password.iter().position(|&byte| byte == b':') else { return false };
    let password = &user_and_password[colon + 1..];
    let host = &host[..Alphabet::Unreserved.run(host)];
    let reachable = host.contains(&b'.') && !host.starts_with(b"127.") && !host.starts_with(b"0.0.0.0");
    password.len() >= 12 && reachable && is_random(password) && !is_spoken(password) && !is_example(host)
}

/// Hosts that are nobody's (RFC 2606), or only this machine's.
fn is_example(host: &[u8]) -> bool {
    [&b"example"[..], b".test", b".invalid", b".local", b"your", b"host."]
        .iter()
        .any(|word| host.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word)))
}

/// Passwords that pages teach with.
fn is_spoken(password: &[u8]) -> bool {
    [&b"pass"[..], b"secret", b"p@ss", b"p4ss", b"pwd", b"user", b"admin"]
        .iter()
        .any(|word| password.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word)))
}

/// How base64 writes `service_role` after a number of bytes that leaves 0, 1 or 2 when divided by three, without the
/// letters that its neighbours share.
pub(super) const SERVICE_ROLE: [&str; 3] = ["c2VydmljZV9yb2xl", "NlcnZpY2Vfcm9sZ", "zZXJ2aWNlX3JvbG"];

/// Whether `service_role` in base64 stands inside a signed JSON web token: Supabase's key to all data
/// (supabase.com/docs, "Understanding API keys"). The key of its demo, the same everywhere, is none.
pub(super) fn is_service_role(before: &[u8], after: &[u8]) -> bool {
    /// `supabase-demo` where that key has it.
    const DEMO: &[u8] = b"zdXBhYmFzZS1kZW1v";
    let payload = Base64Url.run_back(before);
    let rest = Base64Url.run(after);
    let Some(signature) = after[rest..].strip_prefix(b".") else { return false };
    payload >= 16 && Base64Url.run(signature) >= 40 && !before.windows(DEMO.len()).any(|window| window == DEMO)
}

/// `after` without what stands between a name and its value in code, configuration and pages. `None`: the name goes on, and
/// is another one.
fn value(after: &[u8]) -> Option<&[u8]> {
    const AT_MOST: usize = 32;
    if after.first().is_some_and(goes_on) {
        return None;
    }
    let mut rest = after;
    while after.len() - rest.len() < AT_MOST {
        rest = match rest {
            [b'&', b'q', b'u', b'o', b't', b';', rest @ ..] | [b'&', b'#', b'3', b'4' | b'9', b';', rest @ ..] => rest,
            [byte, rest @ ..] if byte.is_ascii_whitespace() || b"\"'`:=>,\\()[]".contains(byte) => rest,
            _ => break,
        };
    }
    Some(rest)
}
