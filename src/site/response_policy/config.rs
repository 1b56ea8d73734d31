//! One response headers policy in the format of CloudFront's API: `ResponseHeadersPolicyConfig`, as the AWS CLI reads it.

use serde_json::{Map, Value, json};

use crate::site::headers_file::Header;

/// Most characters of a value: Content-Security-Policy, custom headers and the allowed origins alike (AWS.md 2.7).
const MAX_VALUE: usize = 1_783;

/// Most custom headers of a policy, unless AWS raised it (AWS.md 2.7).
const MAX_CUSTOM: usize = 10;

/// CloudFront's allowed values of Referrer-Policy (AWS.md 2.7).
const REFERRER_POLICIES: [&str; 8] = [
    "no-referrer",
    "no-referrer-when-downgrade",
    "origin",
    "origin-when-cross-origin",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
];

/// Headers that belong to the connection or to CloudFront itself; a final `*` matches any suffix. CloudFront lists them
/// as headers that no policy removes (AWS.md 2.7); a rule that sets one asks for something that no policy can do.
const NOT_OURS: [&str; 14] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-*",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-accel-*",
    "x-amz-cf-*",
    "x-cache",
    "x-edge-*",
];

/// A policy and its warnings.
pub(super) struct Config {
    /// `None` if there is nothing to add.
    pub(super) value: Option<Value>,
    pub(super) notes: Vec<String>,
}

/// The policy called `name` that adds `headers`, which S3 does not store. Each value overrides one of the origin.
pub(super) fn of(name: &str, headers: &[Header]) -> Config {
    let (mut security, mut custom, mut cors, mut notes) = (Map::new(), Vec::new(), Cors::default(), Vec::new());
    for header in headers {
        let (key, value) = (header.key(), header.value.as_str());
        let done = if value.len() > MAX_VALUE {
            Err(format!("has {} characters, but CloudFront allows {MAX_VALUE}", value.len()))
        } else if let Some(cors_key) = key.strip_prefix("access-control-") {
            cors.set(cors_key, value)
        } else if let Some(part) = security_part(&key, value) {
            part.map(|(name, value)| drop(security.insert(name.to_owned(), value)))
        } else if is_not_ours(&key) {
            Err("cannot be set by a policy".to_owned())
        } else {
            custom.push(json!({"Header": header.name, "Value": value, "Override": true}));
            Ok(())
        };
        if let Err(why) = done {
            notes.push(format!("`{}` is not in the policy: it {why}.", header.name));
        }
    }
    if custom.len() > MAX_CUSTOM {
        let count = custom.len();
        notes.push(format!(
            "A policy can have at most {MAX_CUSTOM} custom headers, unless AWS has raised the limit; this one has \
             {count}."
        ));
    }
    let mut config = Map::new();
    if let Some(cors) = cors.finish(&mut notes) {
        config.insert("CorsConfig".to_owned(), cors);
    }
    if !security.is_empty() {
        config.insert("SecurityHeadersConfig".to_owned(), Value::Object(security));
    }
    if !custom.is_empty() {
        config.insert("CustomHeadersConfig".to_owned(), json!({"Quantity": custom.len(), "Items": custom}));
    }
    if config.is_empty() {
        return Config { value: None, notes };
    }
    config.insert("Name".to_owned(), json!(name));
    config.insert("Comment".to_owned(), json!("Made by publish from _headers"));
    Config { value: Some(Value::Object(config)), notes }
}

fn is_not_ours(key: &str) -> bool {
    NOT_OURS.iter().any(|name| name.strip_suffix('*').map_or(key == *name, |start| key.starts_with(start)))
}

type HeaderPart = Result<(&'static str, Value), String>;

/// The member of `SecurityHeadersConfig` for a header that requires it: CloudFront refuses these as custom headers.
fn security_part(key: &str, value: &str) -> Option<HeaderPart> {
    Some(match key {
        "content-security-policy" => {
            Ok(("ContentSecurityPolicy", json!({"ContentSecurityPolicy": value, "Override": true})))
        }
        "strict-transport-security" => strict_transport_security(value),
        "x-frame-options" => match value.to_ascii_uppercase().as_str() {
            option @ ("DENY" | "SAMEORIGIN") => Ok(("FrameOptions", json!({"FrameOption": option, "Override": true}))),
            _ => Err("must be DENY or SAMEORIGIN".to_owned()),
        },
        "x-content-type-options" if value.eq_ignore_ascii_case("nosniff") => {
            Ok(("ContentTypeOptions", json!({"Override": true})))
        }
        "x-content-type-options" => Err("must be nosniff".to_owned()),
        "referrer-policy" => referrer_policy(value),
        "x-xss-protection" => xss_protection(value),
        _ => return None,
    })
}

fn strict_transport_security(value: &str) -> HeaderPart {
    let directives: Vec<String> = value.split(';').map(|directive| directive.trim().to_ascii_lowercase()).collect();
    let seconds = directives.iter().find_map(|directive| {
        directive.strip_prefix("max-age")?.trim().strip_prefix('=')?.trim().trim_matches('"').parse::<i32>().ok()
    });
    let has = |name: &str| directives.iter().any(|directive| directive == name);
    let seconds = seconds.ok_or("has no max-age in seconds that CloudFront accepts")?;
    let value = json!({
        "AccessControlMaxAgeSec": seconds,
        "IncludeSubdomains": has("includesubdomains"),
        "Preload": has("preload"),
        "Override": true,
    });
    Ok(("StrictTransportSecurity", value))
}

/// From a list, browsers use the last policy that they know (Referrer Policy, section 8.1), and so does this.
fn referrer_policy(value: &str) -> HeaderPart {
    let last = value.rsplit(',').map(|policy| policy.trim().to_ascii_lowercase());
    let known = last.into_iter().find(|policy| REFERRER_POLICIES.contains(&policy.as_str()));
    match known {
        Some(policy) => Ok(("ReferrerPolicy", json!({"ReferrerPolicy": policy, "Override": true}))),
        None => Err(format!("must be one of {}", REFERRER_POLICIES.join(", "))),
    }
}

fn xss_protection(value: &str) -> HeaderPart {
    let mut directives = value.split(';').map(str::trim);
    let protection = match directives.next() {
        Some("0") => false,
        Some("1") => true,
        _ => return Err("does not begin with 0 or 1".to_owned()),
    };
    let mut config = json!({"Protection": protection, "Override": true});
    for directive in directives {
        match directive.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
            Some(("mode", "block")) => config["ModeBlock"] = json!(true),
            Some(("report", uri)) => config["ReportUri"] = json!(uri),
            _ => return Err(format!("has the directive `{directive}`, which CloudFront does not support")),
        }
    }
    if config.get("ModeBlock").is_some() && config.get("ReportUri").is_some() {
        return Err("has both mode=block and report, but CloudFront accepts only one".to_owned());
    }
    Ok(("XSSProtection", config))
}

/// The CORS headers.
#[derive(Default)]
struct Cors {
    origins: Option<Vec<String>>,
    methods: Option<Vec<String>>,
    headers: Option<Vec<String>>,
    exposed: Option<Vec<String>>,
    credentials: bool,
    max_age_s: Option<i32>,
}

impl Cors {
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let list = || value.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect();
        match key {
            "allow-origin" => self.origins = Some(list()),
            "allow-methods" => self.methods = Some(methods(&list())?),
            "allow-headers" => self.headers = Some(list()),
            "expose-headers" => self.exposed = Some(list()),
            "allow-credentials" => self.credentials = value.eq_ignore_ascii_case("true"),
            "max-age" => self.max_age_s = Some(value.parse().map_err(|_| "is not a number of seconds".to_owned())?),
            _ => return Err("is not one that CloudFront supports".to_owned()),
        }
        Ok(())
    }

    /// CloudFront requires origins, headers, methods and credentials, all or none.
    fn finish(self, notes: &mut Vec<String>) -> Option<Value> {
        let says_more = self.methods.is_some() || self.headers.is_some() || self.exposed.is_some();
        let Some(origins) = self.origins else {
            if says_more || self.credentials || self.max_age_s.is_some() {
                notes.push(
                    "The Access-Control headers are not in the policy: they need Access-Control-Allow-Origin.".into(),
                );
            }
            return None;
        };
        let headers = self.headers.unwrap_or_else(|| vec![if self.credentials { "Accept" } else { "*" }.to_owned()]);
        let methods = self.methods.unwrap_or_else(|| vec!["GET".to_owned(), "HEAD".to_owned()]);
        let any = |list: &[String]| list.iter().any(|item| item == "*");
        if self.credentials && (any(&origins) || any(&headers) || self.exposed.as_deref().is_some_and(any)) {
            notes.push(
                "With Access-Control-Allow-Credentials, list the origins and headers: browsers reject `*`.".to_owned(),
            );
        }
        notes.push("CloudFront sends Access-Control headers only when the request has an Origin header.".to_owned());
        let list = |items: Vec<String>| json!({"Quantity": items.len(), "Items": items});
        let mut cors = json!({
            "AccessControlAllowOrigins": list(origins),
            "AccessControlAllowHeaders": list(headers),
            "AccessControlAllowMethods": list(methods),
            "AccessControlAllowCredentials": self.credentials,
            "OriginOverride": true,
        });
        if let Some(exposed) = self.exposed {
            cors["AccessControlExposeHeaders"] = list(exposed);
        }
        if let Some(seconds) = self.max_age_s {
            cors["AccessControlMaxAgeSec"] = json!(seconds);
        }
        Some(cors)
    }
}

fn methods(wanted: &[String]) -> Result<Vec<String>, String> {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"];
    if wanted.iter().any(|method| method == "*") {
        return Ok(vec!["ALL".to_owned()]);
    }
    match wanted.iter().find(|method| !KNOWN.contains(&method.to_ascii_uppercase().as_str())) {
        Some(unknown) => Err(format!("lists {unknown}, which CloudFront does not accept")),
        None => Ok(wanted.iter().map(|method| method.to_ascii_uppercase()).collect()),
    }
}
