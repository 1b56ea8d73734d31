//! What is in the bucket, as values: releases, the head that points at one of them, and the keys of all objects.

pub mod cache_tags;
pub mod counts;
pub mod format;
pub mod head;
pub mod layout;
pub mod manifest;
pub mod retention;
