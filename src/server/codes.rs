//! Codes that let one browser in, once and soon.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use super::{browsers::Admits, secret::Secret};

/// How long a code is good.
pub(super) const LIFE: Duration = Duration::from_mins(1);
/// How many codes may be good at once; the oldest goes when there is one more.
const CODES_MAX: usize = 64;

/// The codes that are good now.
#[derive(Debug, Default)]
pub(super) struct Codes(Mutex<Vec<Code>>);

#[derive(Debug)]
struct Code {
    word: Secret,
    admits: Admits,
    since: Instant,
}

impl Codes {
    /// Makes one that lets a browser in for this.
    pub(super) fn issue(&self, admits: Admits) -> std::io::Result<Secret> {
        let word = Secret::random()?;
        let now = Instant::now();
        let mut codes = self.0.lock().expect("nobody panics while holding this");
        codes.retain(|code| now.duration_since(code.since) < LIFE);
        if codes.len() >= CODES_MAX {
            codes.remove(0);
        }
        codes.push(Code { word: word.clone(), admits, since: now });
        Ok(word)
    }

    /// Forgets all of them.
    pub(super) fn clear(&self) {
        self.0.lock().expect("nobody panics while holding this").clear();
    }

    /// Takes one, and answers for what it lets a browser in, if it was good.
    pub(super) fn redeem(&self, given: &str) -> Option<Admits> {
        let now = Instant::now();
        let mut codes = self.0.lock().expect("nobody panics while holding this");
        codes.retain(|code| now.duration_since(code.since) < LIFE);
        let at = codes.iter().position(|code| code.word.is(given))?;
        Some(codes.remove(at).admits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_once() {
        let codes = Codes::default();
        let (all, looks) = (codes.issue(Admits::All).unwrap(), codes.issue(Admits::Looks).unwrap());
        assert_eq!(codes.redeem("another one"), None);
        assert_eq!(codes.redeem(looks.reveal()), Some(Admits::Looks));
        assert_eq!(codes.redeem(looks.reveal()), None);
        assert_eq!(codes.redeem(all.reveal()), Some(Admits::All));
    }

    #[test]
    fn only_so_many_are_good_at_once() {
        let codes = Codes::default();
        let first = codes.issue(Admits::All).unwrap();
        for _ in 0..CODES_MAX {
            codes.issue(Admits::All).unwrap();
        }
        assert_eq!(codes.redeem(first.reveal()), None);
    }
}
