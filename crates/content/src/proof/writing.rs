//! How the bytes of a digest become characters.

/// In which order the digits of a digest are taken, and what becomes of leading zeros. `base` below is the length of
/// the alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// As many bits a character as the alphabet has, from the first byte on; the last character is filled with zeros.
    /// RFC 4648.
    Bits,
    /// As [`Bits`](Writing::Bits) in base64, and then without what is neither digit nor letter.
    BitsAlphanumeric,
    /// The digest as one number, its first byte the highest. Leading zero digits are dropped, but each leading zero byte
    /// is one zero digit. webpack (lib/util/hash/hash-digest.js) and the crate base_encode, which Rollup and Rolldown use.
    Number,
    /// The same, of the bytes in reverse: Rollup and Rolldown take the low byte of an xxHash first.
    NumberReversed,
    /// As [`Number`](Writing::Number), filled up with zero digits to this length. Turbopack (turbo-tasks-hash).
    Fixed(usize),
    /// 10 digits, the lowest first, of the first 9 bytes as a signed number, its first byte the lowest. .NET
    /// (StaticWebAssetsSdk, ToBase36).
    DotNet,
    /// One character a byte, by the low bits of it, the last byte first: Bun takes the number as it lies in memory.
    LowBits,
}

impl Writing {
    /// `digest` in the characters of `alphabet`.
    pub(super) fn write(self, digest: &[u8], alphabet: &[u8]) -> String {
        match self {
            Writing::Bits => bits(digest, alphabet),
            Writing::BitsAlphanumeric => bits(digest, alphabet).chars().filter(char::is_ascii_alphanumeric).collect(),
            Writing::Number => number(digest, alphabet),
            Writing::NumberReversed => {
                let reversed: Vec<u8> = digest.iter().rev().copied().collect();
                number(&reversed, alphabet)
            }
            Writing::Fixed(length) => fixed(digest, alphabet, length),
            Writing::DotNet => dot_net(digest, alphabet),
            Writing::LowBits => {
                digest.iter().rev().map(|byte| character(alphabet, usize::from(*byte) % alphabet.len())).collect()
            }
        }
    }
}

fn bits(digest: &[u8], alphabet: &[u8]) -> String {
    let width = alphabet.len().ilog2();
    let mut text = String::new();
    let (mut held, mut count) = (0_u32, 0);
    for byte in digest {
        held = (held << 8) | u32::from(*byte);
        count += 8;
        while count >= width {
            count -= width;
            text.push(character(alphabet, (held >> count) as usize % alphabet.len()));
        }
    }
    if count > 0 {
        text.push(character(alphabet, (held << (width - count)) as usize % alphabet.len()));
    }
    text
}

fn number(digest: &[u8], alphabet: &[u8]) -> String {
    let zero_bytes = digest.iter().take_while(|byte| **byte == 0).count();
    let mut digits = digits(digest, alphabet);
    digits.extend(std::iter::repeat_n(character(alphabet, 0), zero_bytes));
    digits.iter().rev().collect()
}

fn fixed(digest: &[u8], alphabet: &[u8], length: usize) -> String {
    let mut digits = digits(digest, alphabet);
    digits.resize(length, character(alphabet, 0));
    digits.iter().rev().collect()
}

fn dot_net(digest: &[u8], alphabet: &[u8]) -> String {
    let mut bytes: Vec<u8> = digest.iter().take(9).rev().copied().collect();
    if bytes.first().is_some_and(|highest| highest & 0x80 != 0) {
        // The absolute value of a number in two's complement.
        let mut carry = true;
        for byte in bytes.iter_mut().rev() {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    let mut digits = digits(&bytes, alphabet);
    digits.resize(10, character(alphabet, 0));
    digits.iter().collect()
}

/// The digits of a number, whose first byte is the highest: the lowest first, without leading zeros.
fn digits(number: &[u8], alphabet: &[u8]) -> Vec<char> {
    let base = alphabet.len();
    let mut number: Vec<u8> = number.to_vec();
    let mut digits = Vec::new();
    while number.iter().any(|byte| *byte != 0) {
        let mut remainder = 0;
        for byte in &mut number {
            let value = remainder << 8 | usize::from(*byte);
            // The remainder is below the base, so that the quotient is below 256.
            *byte = (value / base) as u8;
            remainder = value % base;
        }
        digits.push(character(alphabet, remainder));
    }
    digits
}

fn character(alphabet: &[u8], digit: usize) -> char {
    alphabet.get(digit).copied().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::super::schemes::*;
    use super::*;

    #[test]
    fn bits_are_those_of_rfc_4648() {
        // Section 10 of the RFC.
        assert_eq!(Writing::Bits.write(b"fooba", BASE32), "MZXW6YTB");
        assert_eq!(Writing::Bits.write(b"foob", BASE32), "MZXW6YQ");
        assert_eq!(Writing::Bits.write(b"foobar", BASE64_URL), "Zm9vYmFy");
        assert_eq!(Writing::Bits.write(b"f", BASE64_URL), "Zg");
        assert_eq!(Writing::Bits.write(&[0xfb, 0xff], BASE64_URL), "-_8");
        assert_eq!(Writing::BitsAlphanumeric.write(&[0xfb, 0xff], BASE64_URL), "8");
        assert_eq!(Writing::Bits.write(&[0x0f, 0xa0], HEX), "0fa0");
    }

    #[test]
    fn numbers_keep_a_digit_for_each_leading_zero_byte() {
        assert_eq!(Writing::Number.write(&[0, 0, 0x01, 0x00], HEX), "00100");
        assert_eq!(Writing::Number.write(&[0x05, 0x00], HEX), "500");
        assert_eq!(Writing::NumberReversed.write(&[0x00, 0x05], HEX), "500");
        assert_eq!(Writing::Number.write(&[255], BASE36), "73");
        assert_eq!(Writing::Fixed(4).write(&[255], BASE36), "0073");
    }

    #[test]
    fn low_bits_are_one_character_a_byte() {
        assert_eq!(Writing::LowBits.write(&[0xff, 0x20, 0x41], BASE32_CROCKFORD), "10z");
    }

    #[test]
    fn dot_net_writes_the_lowest_digit_first_and_no_sign() {
        assert_eq!(Writing::DotNet.write(&[36, 0, 0, 0, 0, 0, 0, 0, 0, 99], BASE36), "0100000000");
        // -1 in two's complement
        assert_eq!(Writing::DotNet.write(&[255; 10], BASE36), "1000000000");
    }
}
