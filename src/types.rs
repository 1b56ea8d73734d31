//! Small values that every room uses: times, digests, headers, globs, and the request to stop. They depend on no other room.

pub mod clock;
pub mod digest;
pub mod globs;
pub mod headers;
pub mod partition;
pub mod stop;
pub mod text;
