//! What a client keeps to come back with: `session_<unix ms>_<9 of a-z0-9>`, or the one that all share.

use std::{fmt, io, str::FromStr};

use rustix::rand::{GetRandomFlags, getrandom};
use thiserror::Error;

use crate::clock::Timestamp;

/// The ticket of the session that all clients share.
const GLOBAL: &str = "global-session";
const BEGINNING: &str = "session_";
const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const LETTERS_COUNT: usize = 9;
/// Bytes from here on would make some letters more likely than others.
const FAIR_BELOW: u8 = 252;
const MILLIS_DIGITS_MAX: usize = 16;

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::server) struct Ticket(String);

/// Why a text is no ticket.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("it is no ticket")]
pub(in crate::server) struct BadTicket;

impl Ticket {
    /// The one that all clients share.
    pub(super) fn global() -> Self {
        Self(GLOBAL.to_owned())
    }

    /// A new one.
    pub(super) fn random(now: Timestamp) -> io::Result<Self> {
        let mut letters = String::new();
        while letters.len() < LETTERS_COUNT {
            let mut bytes = [0; LETTERS_COUNT];
            let count = getrandom(&mut bytes[..], GetRandomFlags::empty())?;
            let fair = bytes[..count].iter().filter(|byte| **byte < FAIR_BELOW);
            let missing = LETTERS_COUNT - letters.len();
            letters.extend(
                fair.map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).take(missing),
            );
        }
        Ok(Self(format!("{BEGINNING}{}_{letters}", now.unix_millis())))
    }

    /// The letters at its end, which tell tickets of one moment apart.
    pub(super) fn letters(&self) -> &str {
        self.0.rsplit('_').next().unwrap_or_default()
    }

    /// Whether all clients share it.
    pub(in crate::server) fn is_global(&self) -> bool {
        self.0 == GLOBAL
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Ticket {
    type Err = BadTicket;

    fn from_str(text: &str) -> Result<Self, BadTicket> {
        let is_own = || {
            let (millis, letters) = text.strip_prefix(BEGINNING)?.split_once('_')?;
            let is_number = (1..=MILLIS_DIGITS_MAX).contains(&millis.len())
                && millis.bytes().all(|it| it.is_ascii_digit());
            let is_word = letters.len() == LETTERS_COUNT && letters.bytes().all(|it| LETTERS.contains(&it));
            (is_number && is_word).then_some(())
        };
        if text == GLOBAL || is_own().is_some() { Ok(Self(text.to_owned())) } else { Err(BadTicket) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_has_its_moment_and_nine_letters() {
        let now = Timestamp::from_unix_millis(1_763_980_200_000).unwrap();
        let ticket = Ticket::random(now).unwrap();
        assert!(ticket.to_string().starts_with("session_1763980200000_"), "{ticket}");
        assert_eq!(ticket.to_string().parse(), Ok(ticket.clone()));
        assert_eq!(ticket.letters().len(), 9);
        assert_ne!(Ticket::random(now).unwrap(), ticket);
        assert_eq!("global-session".parse(), Ok(Ticket::global()));
    }

    #[test]
    fn what_looks_otherwise_is_no_ticket() {
        for text in [
            "",
            "session_",
            "session_1_abcdefgh",
            "session_1_abcdefghij",
            "session_1_ABCDEFGHI",
            "session_x_abcdefghi",
            "session__abcdefghi",
            "session_1_../../etc",
            "global-session ",
            "session_12345678901234567_abcdefghi",
        ] {
            assert_eq!(text.parse::<Ticket>(), Err(BadTicket), "{text}");
        }
    }
}
