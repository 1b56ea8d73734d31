//! How an address is spelled: the bytes that CloudFront wants percent-encoded, and the spellings it treats as one address.

use std::fmt::Write as _;

/// Non-ASCII bytes, control characters and the unsafe characters of RFC 1738 2.2 (AWS.md 1.1).
pub(super) fn must_be_encoded(byte: u8) -> bool {
    !byte.is_ascii()
        || byte.is_ascii_control()
        || matches!(
            byte,
            b' ' | b'<' | b'>' | b'"' | b'#' | b'%' | b'{' | b'}' | b'|' | b'\\' | b'^' | b'~' | b'[' | b']' | b'`'
        )
}

/// The normalized spelling of an address, under which edges cache its answer: necessary encoding is added, and escapes
/// are in upper case (RFC 3986 6.2.2.1). Everything else stays: `%41` is not `A`, and `%2B` is not `+`.
pub(super) fn canonical(address: &str) -> String {
    let bytes = address.as_bytes();
    let mut spelled = String::with_capacity(address.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escape = address.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match (byte, escape) {
            (b'%', Some(digits)) => {
                spelled.push('%');
                spelled.push_str(&digits.to_ascii_uppercase());
                at += 3;
                continue;
            }
            // A file's name may contain `~` and a link may have it bare: it is not documented that CloudFront encodes it.
            (b'~' | b'%', _) => spelled.push(char::from(*byte)),
            (byte, _) if must_be_encoded(*byte) => {
                // Writing to a string cannot fail.
                let _ = write!(spelled, "%{byte:02X}");
            }
            (byte, _) => spelled.push(char::from(*byte)),
        }
        at += 1;
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_one_spelling() {
        for (written, kept) in [
            ("/a/b.html", "/a/b.html"),
            ("/[slug]/|^", "/%5Bslug%5D/%7C%5E"),
            ("/%5bslug%5D", "/%5Bslug%5D"),
            ("/%c3%a9", "/%C3%A9"),
            ("/é", "/%C3%A9"),
            ("/%41+%2b", "/%41+%2B"),
            ("/a~b%7e", "/a~b%7E"),
            ("/100%", "/100%"),
            ("/%zz", "/%zz"),
        ] {
            assert_eq!(canonical(written), kept, "{written}");
        }
    }
}
