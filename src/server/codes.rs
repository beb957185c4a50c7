//! Codes that let one browser in, once and soon.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use super::secret::Secret;

/// How long a code is good.
pub(super) const LIFE: Duration = Duration::from_mins(1);
/// How many codes may be good at once; the oldest goes when there is one more.
const CODES_MAX: usize = 64;

/// The codes that are good now.
#[derive(Debug, Default)]
pub(super) struct Codes(Mutex<Vec<(Secret, Instant)>>);

impl Codes {
    /// Makes one.
    pub(super) fn issue(&self) -> std::io::Result<Secret> {
        let code = Secret::random()?;
        let now = Instant::now();
        let mut codes = self.0.lock().expect("nobody panics while holding this");
        codes.retain(|(_, since)| now.duration_since(*since) < LIFE);
        if codes.len() >= CODES_MAX {
            codes.remove(0);
        }
        codes.push((code.clone(), now));
        Ok(code)
    }

    /// Forgets all of them.
    pub(super) fn clear(&self) {
        self.0.lock().expect("nobody panics while holding this").clear();
    }

    /// Takes one; whether it was good.
    pub(super) fn redeem(&self, given: &str) -> bool {
        let now = Instant::now();
        let mut codes = self.0.lock().expect("nobody panics while holding this");
        codes.retain(|(_, since)| now.duration_since(*since) < LIFE);
        let before = codes.len();
        codes.retain(|(code, _)| !code.is(given));
        codes.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_once() {
        let codes = Codes::default();
        let code = codes.issue().unwrap();
        assert!(!codes.redeem("another one"));
        assert!(codes.redeem(code.reveal()));
        assert!(!codes.redeem(code.reveal()));
    }

    #[test]
    fn only_so_many_are_good_at_once() {
        let codes = Codes::default();
        let first = codes.issue().unwrap();
        for _ in 0..CODES_MAX {
            codes.issue().unwrap();
        }
        assert!(!codes.redeem(first.reveal()));
    }
}
