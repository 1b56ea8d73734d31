//! Private keys as text.
//!
//! A bundle of a library that *reads* private keys holds `-----BEGIN PRIVATE KEY-----` as a text too, and must not be
//! refused for it.

use super::shape::Alphabet;
use crate::path::SitePath;

/// The words that each such key has: PEM (RFC 7468), OpenSSH, PGP (RFC 9580) and SSH.com's; PuTTY's.
pub(super) const PEM: &str = "PRIVATE KEY";
/// The line of PuTTY's format after which the private part begins (PuTTY's manual, appendix C).
pub(super) const PUTTY: &str = "Private-Lines:";

/// What it takes to believe in a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Its first line: in files that hold keys.
    FirstLine,
    /// Its first line and something that looks like a key after it: in code, pages, search indexes and all else that may
    /// talk about keys.
    Body,
}

impl Evidence {
    /// As the kind of file at `path` demands.
    pub fn wanted_in(path: &SitePath) -> Evidence {
        match path.extension().as_deref() {
            None | Some("pem" | "key" | "crt" | "cer" | "asc" | "gpg" | "pgp" | "ssh" | "rsa") => Evidence::FirstLine,
            Some(_) => Evidence::Body,
        }
    }
}

/// Whether [`PEM`] between `before` and `after` is part of a key's first line: `-----BEGIN … PRIVATE KEY-----`, also
/// `… PRIVATE KEY BLOCK-----` (PGP) and `---- BEGIN … PRIVATE KEY ----` (SSH.com).
pub(super) fn is_pem(before: &[u8], after: &[u8], evidence: Evidence) -> bool {
    let begin = before.windows(6).rposition(|window| window == b"BEGIN ");
    let begins = begin.is_some_and(|at| {
        let kind = &before[at + 6..];
        (before[..at].ends_with(b"-----") || before[..at].ends_with(b"---- "))
            && kind.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ')
    });
    let after = after.strip_prefix(b" BLOCK").unwrap_or(after);
    let after = after.strip_prefix(b"-----").or_else(|| after.strip_prefix(b" ----"));
    begins && after.is_some_and(|after| evidence == Evidence::FirstLine || begins_with_body(after))
}

/// Whether `after`, which follows [`PUTTY`], goes on with the number of lines and the first of them.
pub(super) fn is_putty(after: &[u8]) -> bool {
    let digits = after.strip_prefix(b" ").unwrap_or(after);
    let count = Alphabet::Digits.run(digits);
    count > 0 && begins_with_body(&digits[count..])
}

fn begins_with_body(after: &[u8]) -> bool {
    let lines = &after[after.iter().take(24).take_while(|&&byte| is_between_lines(byte)).count()..];
    // The headers of an encrypted key, of PGP and of SSH.com are no base64.
    lines.starts_with(b"Proc-Type")
        || lines.starts_with(b"Comment:")
        || lines.starts_with(b"Version:")
        || Alphabet::Base64.run(lines) >= 24
}

/// Line ends, real or escaped, and what joins texts in code.
fn is_between_lines(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"\"'`,+\\nr".contains(&byte)
}
