//! Tokens that begin with a word of their own.
//!
//! Beginnings, lengths and alphabets are those of the rules of gitleaks (gitleaks.io, config/gitleaks.toml, July 2026)
//! and of the detectors of trufflehog (github.com/trufflesecurity/trufflehog, pkg/detectors).
//!
//! What is public by its use is not here: publishable keys (Stripe's `pk_`, Mapbox's `pk.`), Sentry's DSN, JSON web
//! tokens (but for the one of Supabase that opens everything), Google's `AIza…`, which every Firebase app shows its
//! visitors and which Google restricts by site and API instead (firebase.google.com/docs/projects/api-keys), and Twilio's
//! `SK…`, which is an id. Nor are keys for tests that move nothing (Stripe's `sk_test_`): pages that teach are full of
//! them.

use super::shape::{Alphabet, Part, at_least, between, exactly, goes_on, is_random, matched};
use Alphabet::{Alnum, Base64, Base64Url, Bearer, Bech32, Digits, Hex, Unreserved, Word};

/// A kind of token.
#[derive(Debug)]
pub(super) struct Token {
    /// What it is, after "holds".
    pub(super) what: &'static str,
    /// The texts it may begin with, after `lead`.
    pub(super) starts: &'static [&'static str],
    /// What stands right before them.
    pub(super) lead: Option<Part>,
    /// What follows them.
    pub(super) rest: &'static [Part],
    pub(super) proof: Proof,
}

/// What it takes, besides the shape.
#[derive(Debug)]
pub(super) enum Proof {
    /// Chance.
    Random,
    /// Chance, and this word around it, in any case: the shape alone is too common.
    Near(&'static str),
    /// Chance, and this text at the beginning of what leads to it.
    After(&'static str),
}

impl Token {
    const fn lead(self, lead: Part) -> Token {
        Token { lead: Some(lead), ..self }
    }

    const fn proof(self, proof: Proof) -> Token {
        Token { proof, ..self }
    }

    /// Whether a token has its `start` between `before` and `after`.
    pub(super) fn is_at(&self, before: &[u8], start: &[u8], after: &[u8]) -> bool {
        let lead = match self.lead {
            None => begins_after(before, start).then_some(0),
            Some(Part::Run(alphabet, least, most)) => {
                Some(alphabet.run_back(before)).filter(|count| (least..=most).contains(count))
            }
            Some(Part::Text(text)) => before.ends_with(text.as_bytes()).then_some(text.len()),
        };
        let (Some(lead), Some(length)) = (lead, matched(self.rest, after)) else { return false };
        let is_whole = matches!(self.rest.last(), Some(Part::Text(_))) || !after.get(length).is_some_and(goes_on);
        if !is_whole {
            return false;
        }
        let rest = &after[..length];
        let drawn = || is_random(rest) || is_random(&before[before.len() - lead..]);
        match self.proof {
            Proof::Random => drawn(),
            Proof::Near(word) => drawn() && (holds(before, word) || holds(after, word)),
            Proof::After(text) => is_random(rest) && before[before.len() - lead..].starts_with(text.as_bytes()),
        }
    }
}

const fn token(what: &'static str, starts: &'static [&'static str], rest: &'static [Part]) -> Token {
    Token { what, starts, lead: None, rest, proof: Proof::Random }
}

/// Whether a token may begin with `start` after `before`: not in the middle of a longer word, or of base64.
fn begins_after(before: &[u8], start: &[u8]) -> bool {
    // An escaped line end in a text.
    if matches!(before, [.., b'\\', b'n' | b'r' | b't']) {
        return true;
    }
    let in_base64 = start.iter().all(|&byte| Base64.holds(byte));
    !before.last().is_some_and(|&byte| Base64Url.holds(byte) || (in_base64 && Base64.holds(byte)))
}

fn holds(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

const DASH: Part = Part::Text("-");
const DOT: Part = Part::Text(".");
const UNDERLINE: Part = Part::Text("_");

/// The kinds.
#[rustfmt::skip]
pub(super) const TOKENS: &[Token] = &[
    // Code and packages.
    token("a GitHub token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], &[exactly(36, Alnum)]),
    token("a GitHub token", &["github_pat_"], &[exactly(82, Word)]),
    token("a GitLab token", &["glpat-", "gldt-", "glrt-", "glsoat-"], &[at_least(20, Base64Url)]),
    token("a GitLab token", &["glptt-"], &[exactly(40, Hex)]),
    token("a Bitbucket or Atlassian token", &["ATATT3", "ATCTT3"], &[at_least(150, Bearer)]),
    token("an npm token", &["npm_"], &[exactly(36, Alnum)]),
    token("a PyPI token", &["pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZw"], &[at_least(50, Base64Url)]),
    token("a crates.io token", &["cio"], &[exactly(32, Alnum)]),
    token("a RubyGems key", &["rubygems_"], &[exactly(48, Hex)]),
    token("a Docker Hub token", &["dckr_pat_", "dckr_oat_"], &[between(27, 32, Base64Url)]),
    token("an Artifactory key", &["AKCp"], &[exactly(69, Alnum)]),
    token("a CircleCI token", &["CCIPAT_"], &[exactly(22, Alnum), UNDERLINE, exactly(40, Hex)]),
    // Clouds and hosts.
    token("an Amazon Bedrock key", &["ABSKQmVkcm9ja0FQSUtleS"], &[at_least(90, Base64)]),
    token("a secret of an Azure application", &["7Q~", "8Q~"], &[between(31, 34, Unreserved)]).lead(exactly(3, Unreserved)),
    token("a Google OAuth secret", &["GOCSPX-"], &[exactly(28, Base64Url)]),
    token("a Google access token", &["ya29."], &[at_least(40, Base64Url)]),
    token("a Google refresh token", &["1//0"], &[at_least(60, Base64Url)]),
    token("a Cloudflare token", &["cfk_", "cfut_", "cfat_"], &[exactly(48, Alnum)]),
    token("a Cloudflare origin key", &["v1.0-"], &[exactly(24, Hex), DASH, exactly(146, Hex)]),
    token("a DigitalOcean token", &["dop_v1_", "doo_v1_", "dor_v1_"], &[exactly(64, Hex)]),
    token("a Heroku key", &["HRKU-AA"], &[exactly(58, Base64Url)]),
    token("a Fly.io token", &["FlyV1 fm2_", "FlyV1 fm1r_", "FlyV1 fm1a_"], &[at_least(100, Base64)]),
    token("a Netlify token", &["nfp_"], &[exactly(36, Word)]),
    token("a Supabase token", &["sbp_"], &[exactly(40, Hex)]),
    token("a Supabase service key", &["sb_secret_"], &[between(25, 60, Base64Url)]),
    token("a Cloudinary secret", &["cloudinary://"], &[between(12, 18, Digits), Part::Text(":"), between(20, 40, Base64Url), Part::Text("@")]),
    token("a PlanetScale password", &["pscale_tkn_", "pscale_pw_", "pscale_oauth_"], &[between(32, 64, Bearer)]),
    token("a Databricks token", &["dapi"], &[exactly(32, Hex)]),
    token("a Tailscale key", &["tskey-auth-", "tskey-api-", "tskey-client-"], &[at_least(10, Alnum), DASH, at_least(20, Alnum)]),
    token("a HashiCorp Vault token", &["hvs."], &[at_least(90, Base64Url)]),
    token("a HashiCorp Vault token", &["hvb."], &[at_least(138, Base64Url)]),
    token("a Terraform token", &[".atlasv1."], &[between(60, 70, Base64Url)]).lead(exactly(14, Alnum)),
    token("a Pulumi token", &["pul-"], &[exactly(40, Hex)]),
    token("a Doppler token", &["dp.pt.", "dp.sa."], &[between(40, 44, Alnum)]),
    token("a 1Password token", &["ops_eyJ"], &[at_least(150, Base64)]),
    // Payments and shops.
    token("a live Stripe key", &["sk_live_", "rk_live_"], &[between(20, 247, Alnum)]),
    token("a webhook's signing secret", &["whsec_"], &[between(32, 64, Base64)]),
    token("a Square token", &["sq0atp-"], &[exactly(22, Base64Url)]),
    token("a Square secret", &["sq0csp-"], &[exactly(43, Base64Url)]),
    token("a Square token", &["EAAA"], &[exactly(60, Base64Url)]).proof(Proof::Near("square")),
    token("a PayPal Braintree token", &["access_token$production$"], &[exactly(16, Alnum), Part::Text("$"), exactly(32, Hex)]),
    token("a Shopify token", &["shpat_", "shpca_", "shppa_", "shpss_"], &[exactly(32, Hex)]),
    token("a live Shippo token", &["shippo_live_"], &[exactly(40, Hex)]),
    token("a live Duffel token", &["duffel_live_"], &[exactly(43, Bearer)]),
    // Mail and chat.
    token("a Slack token", &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-"], &[between(8, 14, Digits), DASH, between(18, 120, Base64Url)]),
    token("a Slack token", &["xoxe-", "xoxe.xoxb-", "xoxe.xoxp-"], &[between(1, 13, Digits), DASH, between(100, 200, Base64Url)]),
    token("a Slack token", &["xapp-"], &[between(1, 2, Digits), DASH, between(9, 13, Alnum), DASH, between(10, 14, Digits), DASH, between(40, 80, Alnum)]),
    token("the address of a Slack webhook", &["hooks.slack.com/services/T", "hooks.slack.com/triggers/T", "hooks.slack.com/workflows/T"], &[between(8, 12, Alnum), Part::Text("/"), between(9, 14, Alnum), Part::Text("/"), between(23, 32, Alnum)]),
    token("the address of a Discord webhook", &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"], &[between(17, 20, Digits), Part::Text("/"), between(60, 80, Base64Url)]),
    token("a Telegram bot's token", &[":AA"], &[exactly(33, Base64Url)]).lead(between(8, 10, Digits)),
    token("a SendGrid key", &["SG."], &[between(20, 24, Base64Url), DOT, between(39, 50, Base64Url)]),
    token("a Mailgun key", &["key-"], &[exactly(32, Hex)]).proof(Proof::Near("mailgun")),
    token("a Mailchimp key", &["-us"], &[between(1, 2, Digits)]).lead(exactly(32, Hex)),
    token("a Brevo key", &["xkeysib-"], &[exactly(64, Hex), DASH, exactly(16, Alnum)]),
    // Models.
    token("an OpenAI key", &["T3BlbkFJ"], &[between(20, 80, Base64Url)]).lead(between(23, 100, Base64Url)).proof(Proof::After("sk-")),
    token("an Anthropic key", &["sk-ant-api03-", "sk-ant-admin01-", "sk-ant-oat01-", "sk-ant-ort01-"], &[between(80, 120, Base64Url)]),
    token("an OpenRouter key", &["sk-or-v1-"], &[exactly(64, Hex)]),
    token("a Hugging Face token", &["hf_"], &[exactly(34, Alnum)]),
    token("a Replicate token", &["r8_"], &[exactly(37, Base64Url)]),
    token("a Groq key", &["gsk_"], &[exactly(52, Alnum)]),
    token("an xAI key", &["xai-"], &[exactly(80, Word)]),
    token("a Perplexity key", &["pplx-"], &[exactly(48, Alnum)]),
    token("a LangSmith key", &["lsv2_pt_", "lsv2_sk_"], &[exactly(32, Hex), UNDERLINE, exactly(10, Hex)]),
    // Work and watching.
    token("a Notion token", &["ntn_"], &[exactly(46, Alnum)]),
    token("a Linear key", &["lin_api_"], &[exactly(40, Alnum)]),
    token("a Figma token", &["figd_"], &[exactly(40, Base64Url)]),
    token("a Contentful token", &["CFPAT-"], &[exactly(43, Base64Url)]),
    token("a Postman key", &["PMAK-"], &[exactly(24, Hex), DASH, exactly(34, Hex)]),
    token("a secret Mapbox token", &["sk.eyJ"], &[between(50, 120, Base64Url), DOT, exactly(22, Base64Url)]),
    token("a New Relic key", &["NRAK-"], &[exactly(27, Alnum)]),
    token("a Grafana token", &["glsa_"], &[exactly(32, Alnum), UNDERLINE, exactly(8, Hex)]),
    token("a Grafana token", &["glc_eyJ"], &[at_least(60, Base64)]),
    token("a Sentry token", &["sntryu_"], &[exactly(64, Hex)]),
    token("a Sentry token", &["sntrys_eyJ"], &[at_least(80, Bearer)]),
    token("a Dynatrace token", &["dt0c01."], &[exactly(24, Alnum), DOT, exactly(64, Alnum)]),
    token("an Adobe secret", &["p8e-"], &[exactly(32, Alnum)]),
    // Keys that are one word.
    token("a private age key", &["AGE-SECRET-KEY-1"], &[exactly(58, Bech32)]),
];
