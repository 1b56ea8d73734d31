//! Why a run stopped, in words for people, and what visitors see because of it.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use crate::release::manifest::ReleaseNumber;
use crate::types::globs::InvalidGlobs;
use crate::types::text::without_output;

/// What went wrong, as a word that programs may compare. Append-only: docs/exit-codes.md lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The command line cannot be understood.
    Usage,
    /// publish.toml, a setting in it or a `_headers` file is not usable.
    Configuration,
    /// The site's folder is not there, is not a folder, or holds nothing.
    NoSite,
    /// A file or folder of the site cannot be read, or a temporary file cannot be written.
    Unreadable,
    /// Something in the site is a pipe, a socket or a device.
    NotAFile,
    /// A name in the site cannot become a key or a URL.
    BadName,
    /// A symbolic link leaves the folder or loops.
    BadLink,
    /// A file is larger than S3 copies, or something has more than this program reads and writes.
    TooLarge,
    /// A file looks private.
    Private,
    /// A page refers to a file that it needs and that is not there.
    BrokenReference,
    /// The folder is the project of a site, and not the built site.
    ProjectFolder,
    /// The site has no home page, or would lose it.
    NoIndex,
    /// A file changed or vanished while it was published, or an object after a prune had looked at it.
    FileChanged,
    /// The bucket or prefix belongs to another site.
    WrongSite,
    /// The prefix holds objects that this program did not put there.
    ForeignObjects,
    /// More of the site would be removed than is allowed without confirmation.
    TooManyRemovals,
    /// A person said no.
    Declined,
    /// No credentials were found, or no request can carry them.
    NoCredentials,
    /// The credentials have expired.
    ExpiredCredentials,
    /// The credentials do not allow it.
    AccessDenied,
    /// The bucket is not there.
    NoSuchBucket,
    /// The bucket is in another region.
    WrongRegion,
    /// The endpoint does not answer.
    Unreachable,
    /// AWS kept throttling requests.
    Throttled,
    /// The distribution is not there.
    NoSuchDistribution,
    /// AWS answered with an error of its own.
    Aws,
    /// The service refuses for a reason that lasts until something is changed.
    Refused,
    /// The store lacks something that a site needs.
    UnfitStore,
    /// An object of the state cannot be read, or was written by a newer version.
    BadState,
    /// Something the state names is not in the bucket.
    MissingBytes,
    /// Another publisher won.
    Superseded,
    /// Publishing is held.
    Held,
    /// The lease of an activation or a prune ended before its work did.
    LeaseLost,
    /// The CDN could not be refreshed.
    RefreshFailed,
    /// Visitors still get something other than what was published.
    VerificationFailed,
    /// Stopped on request.
    Interrupted,
    /// The local stand-in could not be started.
    Sandbox,
    /// A bug in this program.
    Internal,
}

impl Code {
    /// The code as written in JSON.
    pub fn as_str(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(word)) => word,
            _ => format!("{self:?}"),
        }
    }

    /// Whether the same command fails in the same way until what the hint names is changed: credentials, a policy,
    /// the bucket or the store.
    pub fn lasts_until_changed(self) -> bool {
        matches!(
            self,
            Code::NoCredentials
                | Code::ExpiredCredentials
                | Code::AccessDenied
                | Code::NoSuchBucket
                | Code::WrongRegion
                | Code::NoSuchDistribution
                | Code::Refused
                | Code::UnfitStore
        )
    }

    /// The exit code of a failure that visitors do not notice.
    fn exit_code(self) -> ExitCode {
        match self {
            Code::Usage
            | Code::Configuration
            | Code::NoSite
            | Code::NotAFile
            | Code::BadName
            | Code::BadLink
            | Code::TooLarge
            | Code::Private
            | Code::BrokenReference
            | Code::ProjectFolder
            | Code::NoIndex
            | Code::WrongSite
            | Code::ForeignObjects
            | Code::TooManyRemovals
            | Code::UnfitStore => ExitCode::Usage,
            Code::Superseded | Code::Held => ExitCode::Superseded,
            Code::Interrupted | Code::Declined => ExitCode::Interrupted,
            Code::RefreshFailed | Code::VerificationFailed => ExitCode::NotRefreshed,
            Code::LeaseLost
            | Code::Unreadable
            | Code::FileChanged
            | Code::NoCredentials
            | Code::ExpiredCredentials
            | Code::AccessDenied
            | Code::NoSuchBucket
            | Code::WrongRegion
            | Code::Unreachable
            | Code::Throttled
            | Code::NoSuchDistribution
            | Code::Aws
            | Code::Refused
            | Code::BadState
            | Code::MissingBytes
            | Code::Sandbox
            | Code::Internal => ExitCode::Failed,
        }
    }
}

/// The process's exit codes. Append-only; docs/exit-codes.md explains them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// 0: done.
    Done,
    /// 1: failed, visitors see what they saw before.
    Failed,
    /// 2: usage or configuration.
    Usage,
    /// 3: the new release is live, but the CDN refresh or the verification failed.
    NotRefreshed,
    /// 4: another publisher won, or a newer release is active.
    Superseded,
    /// 5: an activation was cut short; run again to finish.
    CutShort,
    /// 6: `verify` found differences.
    Differences,
    /// 10: `plan`: there are changes.
    Changes,
    /// 130: interrupted or declined, nothing changed.
    Interrupted,
}

impl ExitCode {
    /// The number.
    pub fn number(self) -> u8 {
        match self {
            ExitCode::Done => 0,
            ExitCode::Failed => 1,
            ExitCode::Usage => 2,
            ExitCode::NotRefreshed => 3,
            ExitCode::Superseded => 4,
            ExitCode::CutShort => 5,
            ExitCode::Differences => 6,
            ExitCode::Changes => 10,
            ExitCode::Interrupted => 130,
        }
    }
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// A file of the published folder, by its path there, or publish.toml, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// What a stage reports when it cannot go on. It does not know what visitors see: only the run does, which adds it.
#[derive(Debug)]
pub struct Problem {
    /// What kind of thing went wrong.
    pub code: Code,
    /// What failed, on which file or key: one sentence without a final stop.
    pub message: String,
    /// What to do next: one sentence; empty where there is nothing to say.
    pub hint: String,
    /// Where in a file, if it is about one place in it.
    pub location: Option<Location>,
    /// Whether a right is missing that a policy can give.
    pub lacks_right: bool,
    /// The underlying errors, outermost first; `message` repeats none of their text.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Problem {
    /// A problem without hint and cause.
    pub fn new(code: Code, message: impl Into<String>) -> Problem {
        Problem { code, message: message.into(), hint: String::new(), location: None, lacks_right: false, source: None }
    }

    /// Says which line of which file it is about.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>, line: usize) -> Problem {
        self.location = Some(Location { file: file.into(), line });
        self
    }

    /// Says that the file it is about lies in `folder`.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> Problem {
        let file = |location: &Location| folder.join(&location.file).to_string_lossy().into_owned();
        self.location = self.location.map(|location| Location { file: file(&location), ..location });
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = hint.into();
        self
    }

    /// Adds the underlying error.
    #[must_use]
    pub fn source(mut self, source: impl StdError + Send + Sync + 'static) -> Problem {
        self.source = Some(Box::new(source));
        self
    }

    /// As one line, for a warning: what failed, why, and what to do.
    pub fn in_one_line(&self) -> String {
        let why = self.source.as_ref().map(|source| format!(": {}", without_output(source.to_string())));
        let hint = if self.hint.is_empty() { String::new() } else { format!(" {}", self.hint) };
        format!("{}{}.{hint}", self.message, why.unwrap_or_default())
    }

    /// Says what visitors see now.
    pub fn while_visitors_see(self, visitors_see: VisitorsSee) -> Failure {
        let mut causes = Vec::new();
        let mut next: Option<&dyn StdError> = self.source.as_deref().map(|source| source as &dyn StdError);
        while let Some(cause) = next {
            let text = without_output(cause.to_string());
            if causes.last() != Some(&text) {
                causes.push(text);
            }
            next = cause.source();
        }
        let Problem { code, message, hint, location, .. } = self;
        Failure { code, message, hint, location, causes, visitors_see }
    }
}

/// Where bugs in this program are reported.
const ISSUES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/issues");

impl Problem {
    /// A panic, which is a bug in this program. `payload` is what it carried.
    pub fn of_panic(payload: &(dyn Any + Send)) -> Problem {
        let said = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let said = said.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        Problem::new(Code::Internal, format!("internal error in publish: {said}")).hint(format!(
            "This is a bug in publish. Please report it at {ISSUES}, with the output of `publish --version` and of the \
             same command with RUST_BACKTRACE=1."
        ))
    }

    /// The result of `work`, or the panic that it ended with.
    pub async fn unless_panic<T>(work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
        let done = AssertUnwindSafe(work).catch_unwind().await;
        done.unwrap_or_else(|payload| Err(Problem::of_panic(&*payload)))
    }
}

impl From<InvalidGlobs> for Problem {
    fn from(error: InvalidGlobs) -> Problem {
        let hint = match &error {
            InvalidGlobs::Syntax { .. } => {
                "Write globs as `assets/**` or `**/*.pdf`; a literal `[`, `{` or `*` needs a backslash before it."
            }
            InvalidGlobs::Empty { .. } => "Write `**` for every file.",
            InvalidGlobs::TooLarge { .. } => "Use fewer or shorter globs.",
        };
        Problem::new(Code::Configuration, error.to_string()).hint(hint)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl StdError for Problem {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// What visitors see now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisitorsSee {
    /// What they saw before; `None`: nothing was ever published here.
    TheSame(Option<ReleaseNumber>),
    /// Whole pages, some of the old release and some of the new one.
    SomeOfBoth(Option<ReleaseNumber>, ReleaseNumber),
    /// Whole pages of several releases: an activation was cut short before this run began.
    SomeOfSeveral(ReleaseNumber),
    /// The new release, but the CDN may still answer with the old one.
    TheNewOne(ReleaseNumber),
    /// Not the new release, although it is live in the bucket: something at the site's address is in the way.
    SomethingElse(ReleaseNumber),
    /// What they saw before, which another publisher decides now.
    SomeoneElses,
    /// Another publisher finishes what this run had begun to switch.
    TakenOver(ReleaseNumber),
    /// It was never looked at.
    Untouched,
}

impl fmt::Display for VisitorsSee {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VisitorsSee::TheSame(Some(release)) => {
                write!(formatter, "Visitors see release {release}, as before.")
            }
            VisitorsSee::TheSame(None) => formatter.write_str("Nothing is published here yet; visitors see no change."),
            VisitorsSee::SomeOfBoth(Some(from), to) => {
                write!(
                    formatter,
                    "Visitors see some pages of release {from} and some of release {to}; each page is complete."
                )
            }
            VisitorsSee::SomeOfBoth(None, to) => {
                write!(formatter, "Visitors see the part of release {to} that is already live; each page is complete.")
            }
            VisitorsSee::SomeOfSeveral(to) => write!(
                formatter,
                "Visitors see some pages of release {to} and some of the releases whose activation was interrupted \
                 before; each page is complete."
            ),
            VisitorsSee::TheNewOne(release) => {
                write!(formatter, "Release {release} is live; the CDN may still serve older pages for a while.")
            }
            VisitorsSee::SomethingElse(release) => write!(
                formatter,
                "Release {release} is live in the bucket and nothing is lost, but visitors do not get all of it at the site's address."
            ),
            VisitorsSee::SomeoneElses => formatter
                .write_str("Visitors see the other publisher's release; this run changed nothing that they see."),
            VisitorsSee::TakenOver(release) => write!(
                formatter,
                "Visitors see the other publisher's release, or will once it is complete; it replaces the part of \
                 release {release} that was live, and each page is complete."
            ),
            VisitorsSee::Untouched => formatter.write_str("Visitors see what they saw before."),
        }
    }
}

/// A problem and its consequences: everything that a person or a program is told about a failed run.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind of thing went wrong.
    pub code: Code,
    /// What failed, on which file or key.
    pub message: String,
    /// What to do next; may be empty.
    pub hint: String,
    /// Where in a file, if it is about one place in it.
    pub location: Option<Location>,
    /// The underlying errors, outermost first.
    pub causes: Vec<String>,
    /// What visitors see now.
    pub visitors_see: VisitorsSee,
}

impl Failure {
    /// The exit code: what visitors see decides before the kind of problem does.
    pub fn exit_code(&self) -> ExitCode {
        match self.visitors_see {
            VisitorsSee::TheNewOne(_) | VisitorsSee::SomethingElse(_) => ExitCode::NotRefreshed,
            VisitorsSee::SomeOfBoth(..) | VisitorsSee::SomeOfSeveral(_) => ExitCode::CutShort,
            VisitorsSee::TheSame(_)
            | VisitorsSee::SomeoneElses
            | VisitorsSee::TakenOver(_)
            | VisitorsSee::Untouched => self.code.exit_code(),
        }
    }
}
