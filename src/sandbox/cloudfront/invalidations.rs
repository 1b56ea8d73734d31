//! The invalidations of all distributions: idempotency, limits, progress (AWS.md 1.2, 1.5).

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::batch::{Batch, is_wildcard};
use crate::sandbox::SandboxError;
use crate::sandbox::clock::from_unix_seconds;
use crate::sandbox::edge::Edge;
use crate::sandbox::store::Store;

/// Limits on the paths in progress for one distribution.
const MAX_FILES: usize = 3_000;
const MAX_WILDCARDS: usize = 15;

/// After this time, by the sandbox's clock, an invalidation is complete even if no client polls: otherwise a client that
/// never polls would be refused forever after 15 wildcards.
const COMPLETE_AFTER_SECONDS: i64 = 60;

/// How many polls return `InProgress` before one returns `Completed`, unless a test sets another number.
const DEFAULT_POLLS: u32 = 1;

/// An invalidation as CloudFront stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredInvalidation {
    /// CloudFront's id.
    pub id: String,
    /// The client's idempotency key.
    pub caller_reference: String,
    /// The paths as they were sent.
    pub paths: Vec<String>,
    /// `InProgress` or `Completed`.
    pub status: &'static str,
    /// When it was created, by the sandbox's clock.
    pub created: Timestamp,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    /// Its position in the order of creation.
    number: u64,
    distribution: String,
    id: String,
    caller_reference: String,
    paths: Vec<String>,
    created: u64,
    polls: u32,
}

/// All invalidations, the oldest first.
#[derive(Debug)]
pub(in crate::sandbox) struct Invalidations {
    store: Arc<Store>,
    /// The edge, which must evict the paths.
    edge: Arc<Edge>,
    records: Vec<Record>,
    polls_until_completed: u32,
}

/// Reads the invalidations on the store's disk, if it has one.
pub(in crate::sandbox) fn load(store: Arc<Store>, edge: Arc<Edge>) -> Result<Invalidations, SandboxError> {
    let mut records: Vec<Record> = match store.disk() {
        Some(disk) => disk.read_all(&disk.invalidations())?,
        None => Vec::new(),
    };
    records.sort_by_key(|record| record.number);
    Ok(Invalidations { store, edge, records, polls_until_completed: DEFAULT_POLLS })
}

impl Invalidations {
    /// Copies the present invalidations of `other`, and answers polls as it does.
    pub(in crate::sandbox) fn take_over(&mut self, other: &Invalidations) {
        self.records.clone_from(&other.records);
        self.polls_until_completed = other.polls_until_completed;
    }

    pub(in crate::sandbox) fn complete_after_polls(&mut self, polls: u32) {
        self.polls_until_completed = polls;
    }

    /// All invalidations of a distribution, the oldest first.
    pub(in crate::sandbox) fn all(&self, distribution: &str, now: Timestamp) -> Vec<StoredInvalidation> {
        self.of(distribution).map(|record| self.show(record, now)).collect()
    }

    pub(super) fn in_progress_batches(&self, distribution: &str, now: Timestamp) -> usize {
        self.of(distribution).filter(|record| !self.is_complete(record, now)).count()
    }

    /// Creates an invalidation, or returns the one that the same request created before.
    pub(super) fn create(
        &mut self,
        distribution: &str,
        batch: Batch,
        now: Timestamp,
    ) -> Result<StoredInvalidation, ApiError> {
        let earlier = self.of(distribution).find(|record| record.caller_reference == batch.caller_reference);
        if let Some(record) = earlier {
            if sorted(&record.paths) != sorted(&batch.paths) {
                return Err(ApiError::new(
                    400,
                    "InvalidationBatchAlreadyExists",
                    "Invalidation batch with the same caller reference already exists with other content.",
                ));
            }
            return Ok(self.show(record, now));
        }
        self.check_limits(distribution, &batch, now)?;
        let record = Record {
            number: self.records.last().map_or(0, |last| last.number + 1),
            distribution: distribution.to_owned(),
            id: format!("I{}", self.store.unique()[..13].to_ascii_uppercase()),
            caller_reference: batch.caller_reference,
            paths: batch.paths,
            created: u64::try_from(now.as_second()).unwrap_or(0),
            polls: 0,
        };
        self.save(&record)?;
        self.edge.forget(distribution, &record.paths, now);
        let shown = self.show(&record, now);
        self.records.push(record);
        Ok(shown)
    }

    /// The status for one more `GetInvalidation`.
    pub(super) fn poll(
        &mut self,
        distribution: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<StoredInvalidation, ApiError> {
        let position =
            self.records.iter().position(|record| record.distribution == distribution && record.id == id).ok_or_else(
                || ApiError::new(404, "NoSuchInvalidation", "The specified invalidation does not exist."),
            )?;
        let shown = self.show(&self.records[position], now);
        if shown.status != "Completed" {
            let mut polled = self.records[position].clone();
            polled.polls += 1;
            self.save(&polled)?;
            self.records[position] = polled;
        }
        Ok(shown)
    }

    fn of<'a>(&'a self, distribution: &'a str) -> impl Iterator<Item = &'a Record> {
        self.records.iter().filter(move |record| record.distribution == distribution)
    }

    fn check_limits(&self, distribution: &str, batch: &Batch, now: Timestamp) -> Result<(), ApiError> {
        let (mut files, mut wildcards) = (0, 0);
        let open = self.of(distribution).filter(|record| !self.is_complete(record, now));
        let paths = open.flat_map(|record| &record.paths).chain(&batch.paths);
        for path in paths {
            if is_wildcard(path) {
                wildcards += 1;
            } else {
                files += 1;
            }
        }
        if files > MAX_FILES || wildcards > MAX_WILDCARDS {
            return Err(ApiError::new(
                400,
                "TooManyInvalidationsInProgress",
                "You have exceeded the maximum number of allowable InProgress invalidation batch requests, or invalidation objects.",
            ));
        }
        Ok(())
    }

    fn is_complete(&self, record: &Record, now: Timestamp) -> bool {
        let age = now.as_second() - from_unix_seconds(record.created).as_second();
        let is_due = record.polls >= self.polls_until_completed || age >= COMPLETE_AFTER_SECONDS;
        is_due && age >= self.edge.longest_delay()
    }

    fn show(&self, record: &Record, now: Timestamp) -> StoredInvalidation {
        StoredInvalidation {
            id: record.id.clone(),
            caller_reference: record.caller_reference.clone(),
            paths: record.paths.clone(),
            status: if self.is_complete(record, now) { "Completed" } else { "InProgress" },
            created: from_unix_seconds(record.created),
        }
    }

    fn save(&self, record: &Record) -> Result<(), ApiError> {
        let Some(disk) = self.store.disk() else {
            return Ok(());
        };
        disk.write(&disk.invalidation_record(&record.id), record)
            .map_err(|error| ApiError::new(500, "InternalError", error.to_string()))
    }
}

fn sorted(paths: &[String]) -> Vec<&String> {
    let mut paths: Vec<&String> = paths.iter().collect();
    paths.sort();
    paths
}
