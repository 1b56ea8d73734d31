//! Small values that every room uses: times, digests, headers, globs, and the wish to stop. They know of nothing else.

pub mod clock;
pub mod digest;
pub mod globs;
pub mod headers;
pub mod partition;
pub mod stop;
pub mod text;
