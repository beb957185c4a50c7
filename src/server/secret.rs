//! A word that only those know who may come in.

use std::{fmt, io};

use rustix::rand::{GetRandomFlags, getrandom};
use subtle::ConstantTimeEq as _;

/// How many bytes of chance a secret has: 256 bits.
const BYTES: usize = 32;
/// The shortest and the longest secret that somebody else may have made.
const CHARS_MIN: usize = 32;
pub(super) const CHARS_MAX: usize = 512;

/// A secret; never printed, never logged, compared in a time that does not depend on it.
#[derive(Clone)]
pub(super) struct Secret(String);

impl Secret {
    /// A new one of 64 hexadecimal digits.
    pub(super) fn random() -> io::Result<Self> {
        let mut bytes = [0; BYTES];
        let mut filled = 0;
        while filled < BYTES {
            filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty())?;
        }
        Ok(Self(hex(&bytes)))
    }

    /// One that is kept in a file; nothing when it is too short to be one, or could not stand in a header.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let text = text.trim_end();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        let fits = (CHARS_MIN..=CHARS_MAX).contains(&text.len()) && text.bytes().all(is_plain);
        fits.then(|| Self(text.to_owned()))
    }

    /// Whether somebody knows it.
    pub(super) fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }

    /// The word itself, for the one who may have it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |digit: u8| char::from_digit(digit.into(), 16).expect("four bits are a digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_differ_and_each_knows_itself() {
        let (one, two) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_eq!(one.reveal().len(), 64);
        assert!(one.is(one.reveal()) && !one.is(two.reveal()));
        assert!(!one.is(&one.reveal()[1..]) && !one.is(""));
        assert_eq!(format!("{one:?}"), "Secret");
    }

    #[test]
    fn a_word_that_could_be_guessed_is_no_secret() {
        for text in ["", "short", &"a b".repeat(20), &"x".repeat(513), &"x\ny".repeat(20)] {
            assert!(Secret::of_text(text).is_none(), "{text}");
        }
        assert!(Secret::of_text(&format!("{}\n", "x".repeat(32))).is_some());
    }
}
