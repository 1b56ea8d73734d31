//! What visitors get instead of what was published: a sentence for each case, and what to do.

use url::Url;

use crate::bucket::aws::{FetchError, NoAnswer, SiteAnswer};
use crate::types::text::printable;

/// Longest text from other programs that is shown, in characters.
const MOST_SAID: usize = 200;

/// What a visitor gets instead of what was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// The old bytes.
    OldBytes,
    /// Bytes that are neither the old ones nor the published ones.
    OtherBytes,
    /// A page in place of a script or a style sheet; no browser accepts it as one.
    PageInstead,
    /// An error, because the page writes a `+` that S3 reads as a space; `%2B` leads to the file.
    BarePlus,
    /// Bytes without any sign of a bucket or CloudFront; with the server's name for itself.
    AnotherServer(Option<String>),
    /// The right bytes with another header than the published one; `None`: without the header.
    Header {
        /// Its name, in lower case.
        name: String,
        /// The published value.
        wanted: Option<String>,
        /// The value in the answer.
        found: Option<String>,
    },
    /// 403 or 404.
    NotFound(u16),
    /// A redirect to another address of the same host.
    Redirect(u16, String),
    /// A redirect to another host, or from HTTP to HTTPS.
    RedirectElsewhere(u16, String),
    /// A sign-in page: a redirect to one, 401, or a page with its fields.
    SignIn(String),
    /// A firewall's browser challenge; whose.
    Challenge(u16, &'static str),
    /// A failure of the CDN or the origin.
    ServerError(u16),
    /// Any other status.
    Status(u16),
    /// No answer, or no complete one.
    NoAnswer(NoAnswer),
}

/// Whether waiting can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prospect {
    /// No: a setting has to be changed first.
    Never,
    /// Perhaps; the CDN's copies are not the cause.
    Later,
    /// Yes, once the CDN has dropped its copy, unless the origin gives this answer.
    Forgotten,
    /// Yes, once the CDN has dropped its copy.
    Refresh,
}

impl Instead {
    /// Classifies an answer that is not what was published and does not have the old bytes.
    pub fn of(url: &str, answer: &SiteAnswer) -> Instead {
        let header = |name: &str| answer.headers.get(name).map(String::as_str);
        if let Some(whose) = challenger(answer) {
            return Instead::Challenge(answer.status, whose);
        }
        match answer.status {
            200 if asks_for_a_password(answer) && !answer.is_of_publish() => {
                Instead::SignIn("a page that asks for a password".to_owned())
            }
            200 if !answer.is_of_a_bucket() => Instead::AnotherServer(header("server").map(said)),
            200 => Instead::OtherBytes,
            301 | 302 | 303 | 307 | 308 => redirect(url, answer.status, header("location").unwrap_or_default()),
            401 => Instead::SignIn("401 (authentication required)".to_owned()),
            status @ (403 | 404) => Instead::NotFound(status),
            status @ 500..=599 => Instead::ServerError(status),
            status => Instead::Status(status),
        }
    }

    /// The case of the right bytes with another value of a header.
    pub fn header(name: &str, wanted: Option<&str>, found: Option<&str>) -> Instead {
        Instead::Header { name: name.to_owned(), wanted: wanted.map(said), found: found.map(said) }
    }

    /// The case of no complete answer.
    pub fn of_error(error: &FetchError) -> Instead {
        Instead::NoAnswer(error.why)
    }

    /// Whether waiting can help.
    pub fn prospect(&self) -> Prospect {
        match self {
            Instead::BarePlus
            | Instead::RedirectElsewhere(..)
            | Instead::SignIn(_)
            | Instead::Challenge(..)
            | Instead::NoAnswer(NoAnswer::NotAUrl | NoAnswer::UnknownHost | NoAnswer::Certificate) => Prospect::Never,
            Instead::PageInstead
            | Instead::Header { .. }
            | Instead::Redirect(..)
            | Instead::ServerError(_)
            | Instead::Status(_)
            | Instead::NoAnswer(..) => Prospect::Later,
            Instead::NotFound(_) | Instead::AnotherServer(_) => Prospect::Forgotten,
            Instead::OldBytes | Instead::OtherBytes => Prospect::Refresh,
        }
    }

    /// What `url` does, without a final stop.
    pub fn sentence(&self, url: &str) -> String {
        match self {
            Instead::OldBytes => format!("{url} answers with the old bytes"),
            Instead::OtherBytes => format!("{url} returns neither the new nor the old version"),
            Instead::PageInstead => format!("{url} returns a page instead of a script or style sheet"),
            Instead::BarePlus => {
                format!(
                    "{url} answers with an error: S3 reads a `+` in a URL as a space, and the file is only at `%2B`"
                )
            }
            Instead::AnotherServer(server) => {
                let server =
                    server.as_ref().map(|server| format!(", which calls itself `{server}`")).unwrap_or_default();
                format!("{url} is answered by another server{server}: nothing in the answer is from this site")
            }
            Instead::Header { name, wanted, found } => {
                let shown = |value: &Option<String>| {
                    value.as_deref().map_or("nothing".to_owned(), |value| format!("`{value}`"))
                };
                format!("{url} returns {} for {name} instead of {}", shown(found), shown(wanted))
            }
            Instead::NotFound(403) => format!("{url} answers with 403: it is forbidden, or the file is not found"),
            Instead::NotFound(status) => format!("{url} answers with {status}: the file is not found"),
            Instead::Redirect(status, to) | Instead::RedirectElsewhere(status, to) => {
                format!("{url} redirects ({status}) to {to}")
            }
            Instead::SignIn(how) => format!("{url} asks visitors to sign in: {how}"),
            Instead::Challenge(status, whose) => {
                format!("{url} answers with a challenge of {whose} ({status}): a bot check blocks publish")
            }
            Instead::ServerError(status) => {
                format!("{url} answers with {status}: the CDN or its origin has failed")
            }
            Instead::Status(status) => format!("{url} answers with status {status}"),
            Instead::NoAnswer(why) => format!("{url} {}", why.sentence()),
        }
    }

    /// What to do about it.
    pub fn next_step(&self) -> String {
        const NOT_PUBLIC: &str = "If the site is meant to be like that, set `wait = \"completed\"` under [invalidation]: \
            publish then waits until CloudFront reports completion.";
        match self {
            Instead::OldBytes => "Run the same command again to refresh and check once more.".to_owned(),
            Instead::OtherBytes => format!(
                "Run the same command again to refresh and check once more. Does a function change pages on the way? {NOT_PUBLIC}"
            ),
            Instead::PageInstead => "Does the distribution answer missing files with a page (an error page for 403 or 404 with the \
                response code 200), or does `url` point to a folder other than the site's?"
                .to_owned(),
            Instead::BarePlus => "Write `%2B` instead of `+` in the page, and publish again.".to_owned(),
            Instead::Header { .. } => "A response headers policy or a function of the distribution sets it: change it there, \
                or leave it out of publish.toml."
                .to_owned(),
            Instead::AnotherServer(_) => {
                "Set `url` to the address of this site's distribution, or let the host's DNS record point to it.".to_owned()
            }
            Instead::NotFound(_) => "Is `url` the address of this site, and does it name the folder that the site is in? The \
                distribution's origin path must lead to `prefix`, and its origin access must be allowed s3:GetObject there. \
                Then run the same command again."
                .to_owned(),
            Instead::RedirectElsewhere(_, to) => match site_of(to) {
                Some(site) => format!("Set `url` to where visitors end up, such as {site}, or remove the redirect."),
                None => "Remove the redirect, or set `url` to where visitors end up.".to_owned(),
            },
            Instead::Redirect(..) => format!("A function or a rule in front of the site redirects: remove it. {NOT_PUBLIC}"),
            Instead::SignIn(_) => NOT_PUBLIC.to_owned(),
            Instead::Challenge(..) => format!(
                "Let this machine through the firewall, by its address or by `User-Agent: publish`. {NOT_PUBLIC}"
            ),
            Instead::ServerError(_) => "Check the distribution's functions and its origin, then run the same command \
                again."
                .to_owned(),
            Instead::Status(429) => "Too many requests from this machine: run the same command again later.".to_owned(),
            Instead::Status(_) => format!("Check what is in front of the site. {NOT_PUBLIC}"),
            Instead::NoAnswer(NoAnswer::NotAUrl) => "Correct `url` in publish.toml.".to_owned(),
            Instead::NoAnswer(NoAnswer::UnknownHost) => {
                "Correct `url` in publish.toml, or create the host's DNS record.".to_owned()
            }
            Instead::NoAnswer(NoAnswer::Certificate) => "Visitors get a browser warning. Give the distribution \
                a certificate for this name and the name as an alternate domain name, or correct `url`."
                .to_owned(),
            Instead::NoAnswer(..) => {
                "Does `url` name the right host and port? If it does, run the same command again.".to_owned()
            }
        }
    }

    /// Whether visitors may get the old bytes.
    pub fn is_older(&self) -> bool {
        matches!(self, Instead::OldBytes | Instead::OtherBytes | Instead::Header { .. })
    }
}

/// Whose challenge an answer is: AWS WAF sets `x-amzn-waf-action`
/// (<https://docs.aws.amazon.com/waf/latest/developerguide/waf-captcha-and-challenge-how-it-works.html>), Cloudflare in `cf-mitigated`
/// (<https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/>).
fn challenger(answer: &SiteAnswer) -> Option<&'static str> {
    let says = |name: &str, words: &[&str]| {
        answer.headers.get(name).is_some_and(|value| words.iter().any(|word| value.eq_ignore_ascii_case(word)))
    };
    if says("x-amzn-waf-action", &["challenge", "captcha"]) {
        Some("AWS WAF")
    } else if says("cf-mitigated", &["challenge"]) {
        Some("Cloudflare")
    } else {
        None
    }
}

fn asks_for_a_password(answer: &SiteAnswer) -> bool {
    let text = || String::from_utf8_lossy(answer.content()).to_ascii_lowercase().replace(['"', '\''], "");
    answer.is_html() && text().contains("type=password")
}

fn redirect(url: &str, status: u16, location: &str) -> Instead {
    let shown = said(location);
    let Some((from, to)) = Url::parse(url).ok().and_then(|from| Some((from.clone(), from.join(location).ok()?))) else {
        return Instead::Redirect(status, shown);
    };
    // The rest of an address may carry a token.
    let shown = said(&to[..url::Position::AfterPath]);
    if leads_to_a_sign_in(&to) && !is_the_same_page(&from, &to) {
        Instead::SignIn(format!("a redirect ({status}) to {shown}"))
    } else if from.origin() == to.origin() {
        Instead::Redirect(status, shown)
    } else {
        Instead::RedirectElsewhere(status, shown)
    }
}

/// Whether an address is a sign-in page, by the words that such services use.
fn leads_to_a_sign_in(to: &Url) -> bool {
    const WORDS: [&str; 9] = ["login", "signin", "sign-in", "sign_in", "oauth", "oauth2", "authorize", "saml", "sso"];
    let path = to.path().to_ascii_lowercase();
    path.split(['/', '.']).any(|segment| WORDS.contains(&segment))
}

/// Whether one address is the other without its extension: `/login.html` and `/login` of one host.
fn is_the_same_page(from: &Url, to: &Url) -> bool {
    let page = |url: &Url| {
        let path = url.path().trim_end_matches('/');
        path.strip_suffix(".html").or_else(|| path.strip_suffix("/index.html")).unwrap_or(path).to_owned()
    };
    from.origin() == to.origin() && page(from) == page(to)
}

/// The address of the site: without the path.
fn site_of(address: &str) -> Option<String> {
    let origin = Url::parse(address).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

/// Text from other programs, safe to show.
fn said(text: &str) -> String {
    let text: String = text.chars().take(MOST_SAID).collect();
    printable(&text)
}

#[cfg(test)]
mod tests;
