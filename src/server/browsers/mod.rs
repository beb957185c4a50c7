//! Which browsers were let in, and how long each may stay: of the word that each has only a hash is kept.

#[cfg(test)]
mod tests;

use std::{
    io::{self, Read as _},
    path::PathBuf,
    sync::Mutex,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::{sync::watch, time::sleep};

use super::{
    auth::Grant,
    secret::{Secret, hex},
};
use crate::{
    atomic::{self, Durability, Place},
    clock::{Clock as _, SystemClock, Timestamp},
};

/// How long a browser stays in: a month.
pub(super) const STAY: Duration = Duration::from_hours(30 * 24);
/// How many browsers may be in; who came first goes when there is one more.
const BROWSERS_MAX: usize = 64;
/// The longest file.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// How often it is looked whether a month is over: while a machine sleeps, only its clock goes on.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// The browsers that are in.
#[derive(Debug)]
pub(super) struct Browsers {
    path: PathBuf,
    /// Goes into every hash, so that another full token lets none of them in.
    full: Secret,
    /// Held for moments only: every request of a browser looks here.
    inside: Mutex<Inside>,
    /// Which version of these is on disk; held while a newer one is written.
    written: Mutex<u64>,
}

#[derive(Debug, Default)]
struct Inside {
    known: Vec<Known>,
    /// How often all of them were logged out.
    round: u64,
    /// How often any of this was changed.
    version: u64,
}

/// One that is in; everything of it ends when this is dropped.
#[derive(Debug)]
struct Known {
    browser: Browser,
    admits: Admits,
    here: watch::Sender<()>,
}

/// One of them, as it is written down.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Browser {
    hash: String,
    until_ms: i64,
}

/// What a browser is let in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admits {
    /// Everything.
    All,
    /// To look.
    Looks,
}

impl Admits {
    /// What it may do then.
    pub(super) fn grant(self) -> Grant {
        match self {
            Self::All => Grant::Full,
            Self::Looks => Grant::ReadOnly,
        }
    }
}

#[derive(Default, Deserialize, Serialize)]
struct File {
    browsers: Vec<Browser>,
    /// Those that may only look. They stand apart, so that a server which knows no such browsers lets none of them in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lookers: Vec<Browser>,
}

/// How long whoever asks may stay: a browser until its month is over, or somebody shows it out; who has a token as long as it
/// likes.
#[derive(Clone, Debug)]
pub(super) struct Stay(Option<Limits>);

#[derive(Clone, Debug)]
struct Limits {
    until_ms: i64,
    here: watch::Receiver<()>,
}

impl Stay {
    /// As long as it likes.
    pub(super) fn free() -> Self {
        Self(None)
    }

    /// Waits until it is over.
    pub(super) async fn over(&mut self) {
        let Some(Limits { until_ms, here }) = &mut self.0 else {
            return std::future::pending().await;
        };
        loop {
            let left = until_ms.saturating_sub(SystemClock.now().unix_millis());
            let Ok(left @ 1..) = u64::try_from(left) else { return };
            tokio::select! {
                // Nothing is ever said: it ends when the browser is not known any more.
                _ = here.changed() => return,
                () = sleep(LOOK_EVERY.min(Duration::from_millis(left))) => (),
            }
        }
    }
}

impl Known {
    fn of(browser: Browser, admits: Admits) -> Self {
        Self { browser, admits, here: watch::channel(()).0 }
    }
}

impl Browsers {
    /// Those that a file knows; a file that makes no sense knows nobody.
    pub(super) fn of(path: PathBuf, full: Secret) -> Self {
        let file = read(&path).unwrap_or_else(|err| {
            tracing::warn!(error = %err, "the browsers that were let in are not known any more");
            File::default()
        });
        let lookers = file.lookers.into_iter().map(|it| Known::of(it, Admits::Looks));
        let all = file.browsers.into_iter().map(|it| Known::of(it, Admits::All));
        let mut known: Vec<Known> = lookers.chain(all).collect();
        known.sort_by_key(|it| it.browser.until_ms);
        let inside = Mutex::new(Inside { known, ..Inside::default() });
        Self { path, full, inside, written: Mutex::default() }
    }

    /// How often all of them were logged out.
    pub(super) fn round(&self) -> u64 {
        self.inside.lock().expect("nobody panics while holding this").round
    }

    /// Lets one more in, and answers its word; nobody where all were logged out since this round. The words that it came with
    /// are good no more, and what was opened with them ends: a browser is one, and may what its last link said. Writes a file.
    pub(super) fn let_in(
        &self,
        admits: Admits,
        instead: &[String],
        round: u64,
        now: Timestamp,
    ) -> io::Result<Option<Secret>> {
        let word = Secret::random()?;
        let stay = i64::try_from(STAY.as_millis()).unwrap_or(i64::MAX);
        let until_ms = now.unix_millis().saturating_add(stay);
        let next = Known::of(Browser { hash: self.hash(word.reveal()), until_ms }, admits);
        let left: Vec<String> = instead.iter().map(|word| self.hash(word)).collect();
        {
            let mut inside = self.inside.lock().expect("nobody panics while holding this");
            if round != inside.round {
                return Ok(None);
            }
            let stays = |it: &Browser| it.until_ms > now.unix_millis() && !left.contains(&it.hash);
            inside.known.retain(|it| stays(&it.browser));
            if inside.known.len() >= BROWSERS_MAX {
                inside.known.remove(0);
            }
            inside.known.push(next);
            inside.version += 1;
        }
        // It is in all the same, until the server ends.
        if let Err(err) = self.write() {
            tracing::warn!(error = %err, "a browser that was let in is not written down");
        }
        Ok(Some(word))
    }

    /// What a word lets a browser do, if it lets it in, and how long that may stay.
    pub(super) fn know(&self, word: &str, now: Timestamp) -> Option<(Grant, Stay)> {
        let hash = self.hash(word);
        let inside = self.inside.lock().expect("nobody panics while holding this");
        let is_it = |it: &&Known| it.browser.hash == hash && it.browser.until_ms > now.unix_millis();
        let Known { browser, admits, here } = inside.known.iter().find(is_it)?;
        let limits = Limits { until_ms: browser.until_ms, here: here.subscribe() };
        Some((admits.grant(), Stay(Some(limits))))
    }

    /// Logs all of them out, also where that cannot be written down; answers how many there were. Writes a file.
    pub(super) fn log_out(&self, now: Timestamp) -> io::Result<usize> {
        let were = {
            let mut inside = self.inside.lock().expect("nobody panics while holding this");
            inside.round += 1;
            inside.version += 1;
            std::mem::take(&mut inside.known)
        };
        let count = were.iter().filter(|it| it.browser.until_ms > now.unix_millis()).count();
        self.write()?;
        Ok(count)
    }

    /// What is kept of a word: it is as good as chance, so nobody finds it by trying, and time tells nothing about it.
    fn hash(&self, word: &str) -> String {
        let digest = Sha256::new().chain_update(self.full.reveal()).chain_update(":").chain_update(word);
        hex(&digest.finalize())
    }

    /// Writes down who is in now, unless somebody else has done so since.
    fn write(&self) -> io::Result<()> {
        let mut written = self.written.lock().expect("nobody panics while holding this");
        let (version, file) = {
            let inside = self.inside.lock().expect("nobody panics while holding this");
            let of = |admits| {
                let known = inside.known.iter().filter(move |it| it.admits == admits);
                known.map(|it| it.browser.clone()).collect()
            };
            (inside.version, File { browsers: of(Admits::All), lookers: of(Admits::Looks) })
        };
        if *written < version {
            atomic::replace(&self.path, &serde_json::to_vec(&file)?, Durability::PowerCut)?;
            *written = version;
        }
        Ok(())
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
