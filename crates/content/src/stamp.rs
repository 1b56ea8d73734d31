//! Ids that tools write into scripts after a bundler has named them, so that errors of visitors find the source map.
//!
//! Such an id is none of what the hash in the name was taken of: it is new with every build (PostHog), or changes with the
//! source map (sentry-cli, Splunk), and the name stays. Tools that write theirs while the bundler still works are not
//! meant: the hash is taken of the id too, as with Sentry's plugins for bundlers.

use serde::{Deserialize, Serialize};

use crate::path::SitePath;

/// How far behind the mark of a tool its id begins.
const MAX_DISTANCE: usize = 160;

/// A tool that writes ids into scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stamp {
    /// `posthog-cli sourcemap inject`, and PostHog's plugins, which run it.
    Posthog,
    /// A comment with the id of a source map: `sentry-cli sourcemaps inject`, and bundlers that are told to write them.
    DebugId,
    /// `splunk-rum sourcemaps inject`.
    Splunk,
    /// `faro-cli inject-bundle-id`.
    Faro,
}

/// What each tool writes, and what follows that. `e._posthogChunkIds` alone stands in PostHog's own library too.
const MARKS: [(&[u8], Follows, Stamp); 7] = [
    (b"_posthogReleaseId", Follows::Uuid, Stamp::Posthog),
    (b"_posthogChunkIds", Follows::Uuid, Stamp::Posthog),
    (b"//# chunkId=", Follows::UuidAtOnce, Stamp::Posthog),
    (b"//# debugId=", Follows::UuidAtOnce, Stamp::DebugId),
    (b"//@ debugId=", Follows::UuidAtOnce, Stamp::DebugId),
    (b"/* olly sourcemaps inject */", Follows::Anything, Stamp::Splunk),
    (b"__faroBundleId_", Follows::Assignment, Stamp::Faro),
];

#[derive(Clone, Copy)]
enum Follows {
    /// A UUID in quotes, with a little code before it.
    Uuid,
    /// A UUID.
    UuidAtOnce,
    /// A text that is assigned.
    Assignment,
    Anything,
}

/// Which tool wrote an id into a script after it was built; `None`: none that is known.
pub fn stamp(path: &SitePath, bytes: &[u8]) -> Option<Stamp> {
    if !matches!(path.extension().as_deref(), Some("js" | "mjs" | "cjs")) {
        return None;
    }
    let holds = |(mark, follows, _): &&(&[u8], Follows, Stamp)| {
        memchr::memmem::find_iter(bytes, mark).any(|at| follows.is_met(&bytes[at + mark.len()..]))
    };
    MARKS.iter().find(holds).map(|(.., stamp)| *stamp)
}

impl Follows {
    fn is_met(self, rest: &[u8]) -> bool {
        match self {
            Follows::Anything => true,
            Follows::UuidAtOnce => is_uuid(rest),
            Follows::Assignment => {
                let name = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_$-.@/ ".contains(byte));
                let rest = rest[name.count()..].iter().copied().filter(|byte| !b"\"'`] ".contains(byte));
                rest.take(1).eq([b'='])
            }
            Follows::Uuid => {
                let near = &rest[..rest.len().min(MAX_DISTANCE)];
                let quotes = near.iter().enumerate().filter(|(_, byte)| b"\"'`".contains(byte));
                quotes.into_iter().any(|(at, _)| is_uuid(&rest[at + 1..]))
            }
        }
    }
}

/// Whether a text begins with a UUID (RFC 9562 section 4).
fn is_uuid(text: &[u8]) -> bool {
    text.len() >= 36
        && text[..36].iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019a8f3c-1d2e-7b4a-9c5d-6e7f8091a2b3";

    fn stamped(text: &str) -> Option<Stamp> {
        stamp(&SitePath::new("assets/index-BYf2qJoX.js").unwrap(), text.as_bytes())
    }

    #[test]
    fn ids_of_tools_are_found() {
        for (text, tool) in [
            (format!(r#"!function(){{var e=window;e._posthogReleaseId="{ID}"}}();f()"#), Stamp::Posthog),
            (
                format!(
                    r#"!function(){{try{{var e=window,n=(new e.Error).stack;n&&(e._posthogChunkIds=e._posthogChunkIds||{{}},e._posthogChunkIds[n]="{ID}")}}catch(e){{}}}}();"#
                ),
                Stamp::Posthog,
            ),
            (format!("f();\n//# chunkId={ID}"), Stamp::Posthog),
            (format!("f();\n//# debugId={ID}\n//# sourceMappingURL=a.js.map"), Stamp::DebugId),
            (format!("/* olly sourcemaps inject */if(w){{w.sourceMapIds[s]='{ID}'}}"), Stamp::Splunk),
            (r#"(function(){try{g["__faroBundleId_shop"]="1700000000abcde"}catch(l){}})();"#.to_owned(), Stamp::Faro),
        ] {
            assert_eq!(stamped(&text), Some(tool), "{text}");
        }
    }

    #[test]
    fn libraries_that_read_such_ids_hold_none() {
        for text in [
            "const t=e._posthogChunkIds;if(t)for(const n of Object.keys(t))r(n,t[n])",
            "const t=e._sentryDebugIds;",
            r#"var a=`__faroBundleId_${name}`;return window[a]"#,
            r#"console.log("//# debugId=")"#,
        ] {
            assert_eq!(stamped(text), None, "{text}");
        }
        let plugin = format!(r#"e._sentryDebugIds[n]="{ID}""#);
        assert_eq!(stamped(&plugin), None, "Sentry's plugins write it before the hash is taken");
        let style = SitePath::new("a.css").unwrap();
        assert_eq!(stamp(&style, format!("/*//# debugId={ID}*/").as_bytes()), None);
    }
}
