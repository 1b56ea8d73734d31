//! What an address says by itself, as it is written.

/// What stands before the first colon, where that is the scheme of an address
/// (<https://datatracker.ietf.org/doc/html/rfc3986#section-3.1>).
pub(crate) fn scheme(written: &str) -> Option<&str> {
    let end = written.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)))?;
    let scheme = &written[..end];
    (written.as_bytes()[end] == b':' && scheme.starts_with(|first: char| first.is_ascii_alphabetic())).then_some(scheme)
}

/// The extension of the file that an address names, in lower case, without query and fragment.
pub(super) fn extension(written: &str) -> Option<String> {
    let path = written.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty() && !extension.is_empty()).then(|| extension.to_ascii_lowercase())
}

/// Whether some part of a name may be a digest: at least six letters and digits, both of them.
pub(crate) fn looks_hashed(text: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|part| {
        part.len() >= 6
            && part.bytes().any(|byte| byte.is_ascii_digit())
            && part.bytes().any(|byte| byte.is_ascii_alphabetic())
    })
}
