//! The reasons not to publish, reported together.

use std::fmt::Display;

use crate::report::error::{Code, Problem};

/// How many files one message names.
const NAMED: usize = 10;

/// One file that cannot be published.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Refusal {
    /// Its path in the site, as far as that can be written.
    pub(super) path: String,
    /// What is wrong with it; follows its name: "is a socket".
    pub(super) what: String,
    /// The reason for the refusal.
    pub(super) reason: Reason,
    /// The operating system's message.
    pub(super) cause: Option<String>,
}

/// The reasons for refusals. One message has those of one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// It cannot become a key or a URL.
    Name,
    /// A symbolic link that is not followed.
    Link,
    /// A symbolic link by which the folder gets more names than can be published.
    Tangle,
    /// More files than can be published.
    TooMany,
    /// A fifo, socket or device.
    Special,
    /// Larger than S3 copies.
    TooLarge,
    /// Private by its name or content.
    Private,
    /// A key or credential of the person's home folder.
    OfHome,
    /// A source map when none may be published.
    SourceMap,
    /// The operating system does not allow reading it.
    Unreadable,
    /// It has changed since it was first seen.
    Changed,
}

impl Reason {
    fn code(self) -> Code {
        match self {
            Reason::Name => Code::BadName,
            Reason::Link | Reason::Tangle => Code::BadLink,
            Reason::Special => Code::NotAFile,
            Reason::Unreadable => Code::Unreadable,
            Reason::TooLarge | Reason::TooMany => Code::TooLarge,
            Reason::Private | Reason::OfHome | Reason::SourceMap => Code::Private,
            Reason::Changed => Code::FileChanged,
        }
    }

    /// What to do about `paths`, which are refused for this reason.
    fn hint(self, paths: &[&str]) -> String {
        let allowed = paths.iter().map(|path| format!("{:?}", escape_glob(path))).collect::<Vec<_>>().join(", ");
        match self {
            Reason::Name => "Rename it, or list it under `exclude` in publish.toml.".to_owned(),
            Reason::Link => "Copy its target into the folder, or list it under `exclude` in publish.toml.".to_owned(),
            Reason::Tangle => "Remove it, or list it under `exclude` in publish.toml.".to_owned(),
            Reason::TooMany => {
                "Is this the right folder? List what visitors do not need under `exclude` in publish.toml.".to_owned()
            }
            Reason::Special => {
                "Only files can be published: remove it, or list it under `exclude` in publish.toml.".to_owned()
            }
            Reason::TooLarge => {
                "Split it, or upload it by other means and list it under `exclude` in publish.toml.".to_owned()
            }
            Reason::Private => format!(
                "Keep it out of the build, or list it under `exclude` in publish.toml; if it may be public, set \
                 `allow_private = [{allowed}]` under [publish]."
            ),
            Reason::OfHome => {
                "It cannot be published, whatever publish.toml allows. Copy what may be public to another folder."
                    .to_owned()
            }
            Reason::SourceMap => format!(
                "Build without source maps, or leave them out with `source_maps = \"skip\"` under [publish]; if they \
                 may be public, set `allow_private = [{allowed}]` there."
            ),
            Reason::Unreadable => "Check its permissions.".to_owned(),
            Reason::Changed => {
                "Something is still writing to the folder: wait for the build to finish, then run this again."
                    .to_owned()
            }
        }
    }
}

/// One problem that names up to ten of `refusals`, sorted by path, all with the same reason as the first.
pub(super) fn refuse(mut refusals: Vec<Refusal>) -> Option<Problem> {
    refusals.sort();
    let first = refusals.first()?;
    let reason = first.reason;
    let cause = first.cause.clone();
    let (same, others): (Vec<_>, Vec<_>) = refusals.into_iter().partition(|refusal| refusal.reason == reason);
    let paths: Vec<&str> = same.iter().take(NAMED).map(|refusal| refusal.path.as_str()).collect();
    let hint = reason.hint(&paths);
    let named = same.iter().take(NAMED).map(|refusal| format!("`{}` {}", refusal.path, refusal.what));
    let mut message = named.collect::<Vec<_>>().join("; ");
    if same.len() > NAMED {
        message.push_str(&format!("; and so on, {} in all", same.len()));
    }
    if !others.is_empty() {
        message.push_str(&format!(" (and {} cannot be published for other reasons)", others.len()));
    }
    let problem = Problem::new(reason.code(), message).hint(hint);
    Some(match cause {
        Some(cause) => problem.source(Cause(cause)),
        None => problem,
    })
}

/// The operating system's message. Kept as text, because refusals are sorted and compared.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(String);

/// Up to ten names in backquotes, and how many more there are.
pub(super) fn name_some(names: &[impl Display]) -> String {
    let mut text = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        text.push_str(&format!(" and {} more", names.len() - NAMED));
    }
    text
}

/// A glob that matches exactly `path`.
fn escape_glob(path: &str) -> String {
    path.chars().flat_map(|char| "*?[]{}\\".contains(char).then_some('\\').into_iter().chain([char])).collect()
}
