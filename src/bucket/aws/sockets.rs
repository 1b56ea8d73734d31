//! How many requests the file descriptors of this process allow: each needs a connection, and an upload also a file.

/// Descriptors that a run requests. The most requests at once need 576: two each, and [`OTHERS`]. macOS gives 256 by default.
#[cfg(unix)]
const WANTED: u64 = 1024;

/// Descriptors for everything else.
#[cfg(unix)]
const OTHERS: u64 = 64;

/// Most requests at once, at least 1. Asks the system for more descriptors if the limit is lower than they need, and uses
/// what it gets.
#[cfg(unix)]
pub(super) fn room() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let given = || getrlimit(Resource::Nofile);
    let Rlimit { current, maximum } = given();
    let wanted = WANTED.min(maximum.unwrap_or(u64::MAX));
    if current.is_some_and(|current| current < wanted) {
        // If the system refuses, there are fewer requests at once.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    }
    let descriptors = given().current.unwrap_or(u64::MAX);
    usize::try_from(descriptors.saturating_sub(OTHERS) / 2).unwrap_or(usize::MAX).max(1)
}

/// Windows has no such limit.
#[cfg(not(unix))]
pub(super) fn room() -> usize {
    usize::MAX
}
