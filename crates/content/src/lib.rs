//! What the files of a built site say: what their names prove, what they refer to, and what they give away.
//!
//! All of it is pure: bytes and paths go in. It is a crate of its own because every byte of every site goes through it:
//! the first command of the README runs a build without optimisation, and this part of it is optimised all the same.

pub mod closure;
pub mod path;
pub mod proof;
pub mod references;
pub mod routing;
pub mod secrets;
pub mod stamp;
