//! The edge that serves the site: several locations, each with its own cache, which cache answers as CloudFront does
//! (AWS.md, section 2; docs/decisions/0033).
//!
//! A lookup and the origin's answer are one step at a location. So simultaneous requests for the same answer reach
//! the origin once, as CloudFront collapses them (AWS.md 2.8), and no answer that was under way outlives an invalidation.
//! Caches are in memory: they are empty after a start.

mod address;
mod cache;
mod compression;
mod lifetime;
mod origin;
mod page;
mod reply;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::{HeaderMap, Request};
use jiff::Timestamp;
use s3s::Body;

use super::answer::{self, Answer};
use super::clock::Clock;
use super::distribution::Distribution;
use super::store::Store;

use address::Address;
use cache::{Cache, Kept, Variant};
use compression::Encodings;
use origin::{Fetched, Origin};
use reply::How;

/// The header with which a request chooses its location; without it, the first of [`LOCATIONS`] answers.
pub const EDGE_HEADER: &str = "x-sandbox-edge";

/// The locations, by the names in answers' `X-Amz-Cf-Pop`.
pub const LOCATIONS: [&str; 3] = ["FRA50-P1", "IAD50-P1", "SYD50-P1"];

/// All locations, for all buckets.
pub(super) struct Edge {
    store: Arc<Store>,
    clock: Clock,
    locations: [Location; LOCATIONS.len()],
}

/// One location.
struct Location {
    name: &'static str,
    cache: Mutex<Cache>,
}

impl Location {
    fn lock(&self) -> MutexGuard<'_, Cache> {
        // No code panics while it holds this lock, and a cache is consistent at every point.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Edge").finish_non_exhaustive()
    }
}

impl Edge {
    pub(super) fn new(store: Arc<Store>, clock: Clock) -> Edge {
        let locations = LOCATIONS.map(|name| Location { name, cache: Mutex::default() });
        Edge { store, clock, locations }
    }

    /// Answers a GET or HEAD as the location in the request does.
    pub(super) fn answer(&self, distribution: &Distribution, request: &Request<Body>) -> Answer {
        let Some(location) = self.chosen(request.headers()) else {
            let message = format!("{EDGE_HEADER} names no location of the sandbox: they are {}.", LOCATIONS.join(", "));
            return answer::s3_error(400, "InvalidArgument", &message, "");
        };
        let address = self.address(distribution, request.uri().path(), request.uri().query());
        let encodings = Encodings::of(address.served.caching, request.headers());
        let (kept, how) = self.look(location, distribution, &address, encodings);
        reply::make(&kept, request.headers(), how, location.name)
    }

    /// Evicts `paths` at all locations, each after its own delay.
    pub(super) fn forget(&self, distribution: &str, paths: &[String], now: Timestamp) {
        for location in &self.locations {
            location.lock().forget_later(distribution, paths, now);
        }
    }

    /// Sets how long after its creation an invalidation takes effect at a location.
    pub(super) fn delay(&self, name: &str, by: Duration) {
        let location = self.locations.iter().find(|location| location.name == name);
        let location = location.unwrap_or_else(|| panic!("{name} is none of {LOCATIONS:?}"));
        location.lock().delay = by;
    }

    /// The longest of these delays, in whole seconds.
    pub(super) fn longest_delay(&self) -> i64 {
        let delays = self.locations.iter().map(|location| location.lock().delay.as_secs());
        delays.max().and_then(|longest| i64::try_from(longest).ok()).unwrap_or(0)
    }

    /// Evicts everything everywhere.
    pub(super) fn clear(&self) {
        for location in &self.locations {
            location.lock().clear();
        }
    }

    /// A page for people that shows the content of all caches.
    pub(super) fn page(&self) -> Answer {
        let now = self.clock.now();
        let shown = self.locations.iter().map(|location| {
            let mut cache = location.lock();
            cache.forget_what_is_due(now);
            page::location(location.name, &cache, now)
        });
        page::whole(&shown.collect::<String>())
    }

    fn chosen(&self, headers: &HeaderMap) -> Option<&Location> {
        match headers.get(EDGE_HEADER) {
            None => self.locations.first(),
            Some(name) => self.locations.iter().find(|location| name.as_bytes() == location.name.as_bytes()),
        }
    }

    fn address<'d>(&self, distribution: &'d Distribution, path: &str, query: Option<&str>) -> Address<'d> {
        let origin_path = distribution.served(path).origin_path;
        let is_there = |path: &str| matches!(self.fetch(distribution, origin_path, path), Origin::Object(_));
        Address::of(distribution, path, query, is_there)
    }

    /// A location's answer, and its origin.
    fn look(
        &self,
        location: &Location,
        distribution: &Distribution,
        address: &Address<'_>,
        encodings: Encodings,
    ) -> (Arc<Kept>, How) {
        let now = self.clock.now();
        let variant = Variant { behavior: address.served.behavior, encodings };
        let mut cache = location.lock();
        cache.forget_what_is_due(now);
        let found = cache.get(&distribution.id, &address.key, variant).cloned();
        if let Some(kept) = found {
            if kept.is_fresh(now) {
                let age = now.duration_since(kept.since).unsigned_abs();
                return (kept, How::Hit(age));
            }
            if self.first(distribution, address).is_still(&kept) {
                // It is not documented whether headers of a 304 are adopted (AWS.md 2.8): only the lifetime starts again.
                let lifetime = lifetime::of_object(address.served.caching, &kept.headers, now).unwrap_or_default();
                let renewed = Arc::new(Kept { since: now, lifetime, ..Kept::clone(&kept) });
                cache.put(&distribution.id, &address.key, variant, Arc::clone(&renewed));
                return (renewed, How::Refreshed);
            }
        }
        let Fetched { kept, may_be_kept } = self.fetch_anew(distribution, address, encodings, now);
        let kept = Arc::new(kept);
        if may_be_kept {
            cache.put(&distribution.id, &address.key, variant, Arc::clone(&kept));
        } else {
            cache.remove(&distribution.id, &address.key, variant);
        }
        (kept, How::Missed)
    }
}
