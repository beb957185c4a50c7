//! Which browsers were let in: each has a word of its own, of which only a hash is kept, and all of them can be logged out.

use std::{
    io::{self, Read as _},
    path::PathBuf,
    sync::Mutex,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use super::secret::{Secret, hex};
use crate::{
    atomic::{self, Durability, Place},
    clock::Timestamp,
};

/// How long a browser stays in: a month.
pub(super) const STAY: Duration = Duration::from_hours(30 * 24);
/// How many browsers may be in; who came first goes when there is one more.
const BROWSERS_MAX: usize = 64;
/// The longest file.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// The browsers that are in.
#[derive(Debug)]
pub(super) struct Browsers {
    path: PathBuf,
    /// Goes into every hash, so that another full token lets none of them in.
    full: Secret,
    inside: Mutex<Vec<Browser>>,
    logged_out: watch::Sender<u64>,
}

/// One of them.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Browser {
    hash: String,
    until_ms: i64,
}

#[derive(Default, Deserialize, Serialize)]
struct File {
    browsers: Vec<Browser>,
}

/// How long whoever asks may stay: a browser until it is logged out, who has a token as long as it likes.
#[derive(Clone, Debug)]
pub(super) struct Stay(Option<watch::Receiver<u64>>);

impl Stay {
    /// As long as it likes.
    pub(super) fn free() -> Self {
        Self(None)
    }

    /// Waits until it is over.
    pub(super) async fn over(&mut self) {
        match &mut self.0 {
            // Whoever logs out outlives all who wait.
            Some(logged_out) => drop(logged_out.changed().await),
            None => std::future::pending().await,
        }
    }
}

impl Browsers {
    /// Those that a file knows; a file that makes no sense knows nobody.
    pub(super) fn of(path: PathBuf, full: Secret) -> Self {
        let known = read(&path).unwrap_or_else(|err| {
            tracing::warn!(error = %err, "the browsers that were let in are not known any more");
            File::default()
        });
        Self { path, full, inside: Mutex::new(known.browsers), logged_out: watch::channel(0).0 }
    }

    /// How often all of them were logged out.
    pub(super) fn round(&self) -> u64 {
        *self.logged_out.borrow()
    }

    /// Lets one more in, and answers its word; nobody where all were logged out since this round. Writes a file.
    pub(super) fn let_in(&self, round: u64, now: Timestamp) -> io::Result<Option<Secret>> {
        let word = Secret::random()?;
        let stay = i64::try_from(STAY.as_millis()).unwrap_or(i64::MAX);
        let browser =
            Browser { hash: self.hash(word.reveal()), until_ms: now.unix_millis().saturating_add(stay) };
        let mut inside = self.inside.lock().expect("nobody panics while holding this");
        if round != self.round() {
            return Ok(None);
        }
        inside.retain(|it| it.until_ms > now.unix_millis());
        if inside.len() >= BROWSERS_MAX {
            inside.remove(0);
        }
        inside.push(browser);
        // It is in all the same, until the server ends.
        if let Err(err) = self.write(&inside) {
            tracing::warn!(error = %err, "a browser that was let in is not written down");
        }
        Ok(Some(word))
    }

    /// Whether a word lets a browser in, and how long that may stay.
    pub(super) fn know(&self, word: &str, now: Timestamp) -> Option<Stay> {
        // Before the look: a log-out in between is heard.
        let stay = Stay(Some(self.logged_out.subscribe()));
        let hash = self.hash(word);
        let inside = self.inside.lock().expect("nobody panics while holding this");
        inside.iter().any(|it| it.hash == hash && it.until_ms > now.unix_millis()).then_some(stay)
    }

    /// Logs all of them out, also where that cannot be written down; answers how many there were. Writes a file.
    pub(super) fn log_out(&self) -> io::Result<usize> {
        let mut inside = self.inside.lock().expect("nobody panics while holding this");
        let count = inside.len();
        inside.clear();
        self.logged_out.send_modify(|times| *times += 1);
        self.write(&inside)?;
        Ok(count)
    }

    /// What is kept of a word: it is as good as chance, so nobody finds it by trying, and time tells nothing about it.
    fn hash(&self, word: &str) -> String {
        let digest = Sha256::new().chain_update(self.full.reveal()).chain_update(":").chain_update(word);
        hex(&digest.finalize())
    }

    fn write(&self, inside: &[Browser]) -> io::Result<()> {
        let bytes = serde_json::to_vec(&File { browsers: inside.to_vec() })?;
        atomic::replace(&self.path, &bytes, Durability::PowerCut)
    }
}

fn read(path: &std::path::Path) -> io::Result<File> {
    let file = match atomic::open(path)? {
        Place::File(file) => file,
        Place::Empty => return Ok(File::default()),
        Place::Other => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let mut text = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis).unwrap()
    }

    #[test]
    fn a_browser_stays_in_over_a_restart_and_its_word_is_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let (path, full) = (dir.path().join("browsers"), Secret::random().unwrap());
        let browsers = Browsers::of(path.clone(), full.clone());
        let word = let_in(&browsers);
        assert!(browsers.know(word.reveal(), at(2_000)).is_some());
        assert!(browsers.know(full.reveal(), at(2_000)).is_none() && browsers.know("", at(2_000)).is_none());
        assert!(!std::fs::read_to_string(&path).unwrap().contains(word.reveal()));
        let next = Browsers::of(path.clone(), full);
        assert!(next.know(word.reveal(), at(2_000)).is_some());
        assert!(next.know(word.reveal(), at(1_000 + 31 * 24 * 3_600_000)).is_none(), "a month is over");
        let other = Browsers::of(path.clone(), Secret::random().unwrap());
        assert!(other.know(word.reveal(), at(2_000)).is_none(), "it was another full token");
        assert_eq!(next.log_out().unwrap(), 1);
        assert!(Browsers::of(path, next.full.clone()).know(word.reveal(), at(2_000)).is_none());
    }

    fn let_in(browsers: &Browsers) -> Secret {
        browsers.let_in(browsers.round(), at(1_000)).unwrap().unwrap()
    }

    #[test]
    fn who_was_on_the_way_in_when_all_were_logged_out_stays_out() {
        let dir = tempfile::tempdir().unwrap();
        let browsers = Browsers::of(dir.path().join("browsers"), Secret::random().unwrap());
        let before = browsers.round();
        browsers.log_out().unwrap();
        assert!(browsers.let_in(before, at(1_000)).unwrap().is_none());
        assert!(browsers.know(let_in(&browsers).reveal(), at(2_000)).is_some());
    }

    #[test]
    fn only_so_many_are_in_and_a_file_that_makes_no_sense_lets_nobody_in() {
        let dir = tempfile::tempdir().unwrap();
        let (path, full) = (dir.path().join("browsers"), Secret::random().unwrap());
        let browsers = Browsers::of(path.clone(), full.clone());
        let first = let_in(&browsers);
        for _ in 1..BROWSERS_MAX {
            let_in(&browsers);
        }
        assert!(browsers.know(first.reveal(), at(1_000)).is_some());
        let_in(&browsers);
        assert!(browsers.know(first.reveal(), at(1_000)).is_none());
        atomic::replace(&path, b"{\"browsers\":[{", Durability::Crash).unwrap();
        assert_eq!(Browsers::of(path, full).log_out().unwrap(), 0);
    }
}
