//! The key that leaves a terminal, as people write it and as terminals send it.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The key that leaves, `ctrl-\` unless another one is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DetachKey {
    letter: char,
    byte: u8,
}

/// Why a text is no key to leave with.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{}` {rule}", given.escape_debug())]
pub struct DetachKeyError {
    /// The text.
    pub given: String,
    /// What is wrong with it.
    pub rule: &'static str,
}

impl Default for DetachKey {
    fn default() -> Self {
        Self { letter: '\\', byte: 0x1c }
    }
}

impl fmt::Display for DetachKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ctrl-{}", self.letter)
    }
}

impl FromStr for DetachKey {
    type Err = DetachKeyError;

    /// Takes `ctrl-x`, but no key that terminals send for another one as well: whoever pressed that would leave.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |rule| DetachKeyError { given: text.to_owned(), rule };
        let lower = text.to_ascii_lowercase();
        let mut letters = lower.strip_prefix("ctrl-").unwrap_or_default().chars();
        let letter = match (letters.next(), letters.next()) {
            (Some('i'), None) => return Err(wrong("is a key that terminals do not tell from tab")),
            (Some('j' | 'm'), None) => return Err(wrong("is a key that terminals do not tell from enter")),
            (Some('['), None) => return Err(wrong("is a key that terminals do not tell from escape")),
            (Some('@'), None) => return Err(wrong("is a key that terminals do not tell from ctrl-space")),
            (Some(letter @ ('a'..='z' | '\\' | ']' | '^' | '_')), None) => letter,
            (Some(_) | None, _) => return Err(wrong("is not `ctrl-` and one of a to z or \\ ] ^ _")),
        };
        let byte = u8::try_from(letter).expect("all of these are ASCII") & 0x1f;
        Ok(Self { letter, byte })
    }
}

impl DetachKey {
    /// What is pressed together with ctrl.
    pub fn letter(self) -> char {
        self.letter
    }

    /// The byte that an ordinary terminal sends for it.
    pub fn byte(self) -> u8 {
        self.byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_spelled_like_ctrl_a() {
        for (text, byte) in
            [("ctrl-a", 1), ("CTRL-Z", 26), ("ctrl-\\", 0x1c), ("ctrl-]", 0x1d), ("ctrl-_", 0x1f)]
        {
            let key: DetachKey = text.parse().unwrap();
            assert_eq!((key.byte(), key.to_string()), (byte, text.to_ascii_lowercase()));
        }
        assert_eq!("ctrl-\\".parse(), Ok(DetachKey::default()));
        for text in ["", "a", "ctrl-", "ctrl-ab", "ctrl-1", "ctrl- ", "ctrl-é", "alt-a"] {
            let err = text.parse::<DetachKey>().unwrap_err();
            assert_eq!(err.to_string(), format!("`{text}` is not `ctrl-` and one of a to z or \\ ] ^ _"));
        }
    }

    #[test]
    fn a_key_that_another_one_sends_too_is_refused_with_the_other_one() {
        for (letter, other) in
            [('i', "tab"), ('J', "enter"), ('m', "enter"), ('[', "escape"), ('@', "ctrl-space")]
        {
            let err = format!("ctrl-{letter}").parse::<DetachKey>().unwrap_err();
            assert_eq!(
                err.to_string(),
                format!("`ctrl-{letter}` is a key that terminals do not tell from {other}")
            );
        }
    }
}
