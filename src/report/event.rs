//! What happens during a run, as it happens. Events are the only output of the library; terminal and JSON are two listeners.
//! Everything in a summary is also in the [`Report`](crate::report::Report).

use serde::{Deserialize, Serialize};

use crate::release::counts::FileCounts;
use crate::release::manifest::ReleaseNumber;

/// One thing that happened. In JSON, `type` names it in snake case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// AWS credentials have been looked up for a while now: by a service, a sign-in or the program of a profile.
    CredentialsAwaited,
    /// The lookup is over, and the run continues.
    CredentialsSettled,
    /// The folder was walked; hashing begins.
    HashingStarted {
        /// Files to hash.
        files: usize,
        /// Their total size.
        bytes: u64,
    },
    /// More of it was hashed.
    HashingAdvanced {
        /// Files done so far.
        files: usize,
        /// Bytes done so far.
        bytes: u64,
    },
    /// All of it was hashed.
    HashingFinished {
        /// Files of the site.
        files: usize,
        /// Their total size.
        bytes: u64,
    },
    /// The plan is ready.
    Planned {
        /// How the new release compares with what is live.
        files: FileCounts,
        /// Server-side copies.
        copied: usize,
        /// Objects removed.
        deleted: usize,
        /// Paths to refresh at the CDN.
        paths: usize,
    },
    /// A number was claimed; the upload starts.
    StagingStarted {
        /// The release's number.
        #[cfg_attr(test, schemars(with = "u64"))]
        release: ReleaseNumber,
        /// Objects to upload, at most.
        objects: usize,
        /// Their total size.
        bytes: u64,
    },
    /// More bytes were uploaded.
    StagingAdvanced {
        /// Objects done so far.
        objects: usize,
        /// Bytes done so far.
        bytes: u64,
    },
    /// The release is complete in the bucket, but not live yet.
    Staged {
        /// The release's number.
        #[cfg_attr(test, schemars(with = "u64"))]
        release: ReleaseNumber,
    },
    /// Someone else activates or prunes; this run waits.
    Waiting {
        /// Who it is waiting for, in words.
        for_whom: String,
        /// Seconds until their lease ends, unless they renew it.
        remaining_s: u64,
    },
    /// The switch begins.
    ActivationStarted {
        /// What becomes active.
        #[cfg_attr(test, schemars(with = "u64"))]
        release: ReleaseNumber,
        /// Live objects to write or remove.
        objects: usize,
    },
    /// More live objects were written.
    ActivationAdvanced {
        /// Live objects written or removed so far.
        objects: usize,
    },
    /// The switch is done.
    Activated {
        /// What is active now.
        #[cfg_attr(test, schemars(with = "u64"))]
        release: ReleaseNumber,
    },
    /// It is known what a prune will remove.
    PrunePlanned {
        /// The releases that can no longer be restored, and claims that never became releases.
        #[cfg_attr(test, schemars(with = "Vec<u64>"))]
        closes: Vec<ReleaseNumber>,
        /// Objects to remove, without the records of those releases.
        objects: usize,
        /// Their total size.
        bytes: u64,
        /// Paths to refresh at the CDN.
        paths: usize,
    },
    /// The removal starts.
    PruneStarted {
        /// How many at most.
        objects: usize,
    },
    /// More objects were removed.
    PruneAdvanced {
        /// Objects removed so far.
        objects: usize,
    },
    /// All of them are removed.
    Pruned {
        /// How many were removed.
        objects: usize,
    },
    /// It is known what `invalidate` will request.
    RefreshPlanned {
        /// Paths, of all distributions together.
        paths: usize,
        /// What those cost in US dollars, beyond the 1,000 paths of a month that are free for an account.
        price_usd: String,
    },
    /// CloudFront accepted the refresh.
    RefreshRequested {
        /// CloudFront's ids of the invalidations.
        ids: Vec<String>,
        /// The paths, and before them cache tags as `#tag`.
        paths: Vec<String>,
    },
    /// Waiting for CloudFront.
    RefreshWaiting {
        /// Seconds waited so far.
        waited_s: u64,
    },
    /// The refresh is done.
    Refreshed,
    /// What was published was seen at an edge, and CloudFront has not completed the refresh yet. The head keeps it as sent.
    RefreshSeen {
        /// The edge location, such as `FRA56-P4`; left out if no answer named it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edge: Option<String>,
    },
    /// The site's URLs are fetched and compared.
    VerificationStarted {
        /// URLs to fetch.
        urls: usize,
    },
    /// They answer with what was published.
    Verified {
        /// URLs that were fetched.
        urls: usize,
    },
    /// Something that a person should know, but that does not stop the run.
    Warning {
        /// One sentence.
        message: String,
    },
}

/// Where events go. Must return quickly; may be called from several threads at once.
#[derive(Clone, Copy)]
pub struct Events<'a>(&'a (dyn Fn(Event) + Sync));

impl<'a> Events<'a> {
    /// Sends every event to `listener`.
    pub fn new(listener: &'a (dyn Fn(Event) + Sync)) -> Events<'a> {
        Events(listener)
    }

    /// Says that something happened.
    pub fn send(&self, event: Event) {
        (self.0)(event);
    }

    /// Warns of something that does not stop the run.
    pub fn warn(&self, message: impl Into<String>) {
        self.send(Event::Warning { message: message.into() });
    }
}
