//! Which browsers were let in, and how long each may stay: of the word that each has only a hash is kept.

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

    /// Lets one more in, and answers its word; nobody where all were logged out since this round. Writes a file.
    pub(super) fn let_in(&self, admits: Admits, round: u64, now: Timestamp) -> io::Result<Option<Secret>> {
        let word = Secret::random()?;
        let stay = i64::try_from(STAY.as_millis()).unwrap_or(i64::MAX);
        let until_ms = now.unix_millis().saturating_add(stay);
        let next = Known::of(Browser { hash: self.hash(word.reveal()), until_ms }, admits);
        {
            let mut inside = self.inside.lock().expect("nobody panics while holding this");
            if round != inside.round {
                return Ok(None);
            }
            inside.known.retain(|it| it.browser.until_ms > now.unix_millis());
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
    pub(super) fn log_out(&self) -> io::Result<usize> {
        let count = {
            let mut inside = self.inside.lock().expect("nobody panics while holding this");
            inside.round += 1;
            inside.version += 1;
            std::mem::take(&mut inside.known).len()
        };
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

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, mpsc},
        thread,
    };

    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

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
        browsers.let_in(Admits::All, browsers.round(), at(1_000)).unwrap().unwrap()
    }

    #[test]
    fn a_browser_that_may_only_look_stays_so_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let (path, full) = (dir.path().join("browsers"), Secret::random().unwrap());
        let browsers = Browsers::of(path.clone(), full.clone());
        let looks = browsers.let_in(Admits::Looks, 0, at(1_000)).unwrap().unwrap();
        let all = let_in(&browsers);
        for browsers in [browsers, Browsers::of(path.clone(), full)] {
            assert_eq!(browsers.know(looks.reveal(), at(2_000)).unwrap().0, Grant::ReadOnly);
            assert_eq!(browsers.know(all.reveal(), at(2_000)).unwrap().0, Grant::Full);
        }
        let file = read(&path).unwrap();
        assert_eq!(
            (file.browsers.len(), file.lookers.len()),
            (1, 1),
            "a server that knows no lookers lets none in"
        );
    }

    #[test]
    fn who_was_on_the_way_in_when_all_were_logged_out_stays_out() {
        let dir = tempfile::tempdir().unwrap();
        let browsers = Browsers::of(dir.path().join("browsers"), Secret::random().unwrap());
        let before = browsers.round();
        browsers.log_out().unwrap();
        assert!(browsers.let_in(Admits::All, before, at(1_000)).unwrap().is_none());
        assert!(browsers.know(let_in(&browsers).reveal(), at(2_000)).is_some());
    }

    #[test]
    fn who_asks_does_not_wait_for_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("browsers");
        let browsers = Arc::new(Browsers::of(path.clone(), Secret::random().unwrap()));
        let word = let_in(&browsers);
        // As long as this is held, somebody writes.
        let writing = browsers.written.lock().unwrap();
        let (sharer, (tell, told)) = (Arc::clone(&browsers), mpsc::channel());
        let next = thread::spawn(move || {
            tell.send(()).unwrap();
            let_in(&sharer)
        });
        told.recv_timeout(PATIENCE).unwrap();
        let (asker, (tell, told)) = (Arc::clone(&browsers), mpsc::channel());
        thread::spawn(move || {
            // The next one is in before it is written down.
            while asker.inside.lock().unwrap().known.len() < 2 {
                thread::yield_now();
            }
            tell.send(asker.know(word.reveal(), at(2_000)).is_some()).unwrap();
        });
        assert!(told.recv_timeout(PATIENCE).unwrap());
        assert_eq!(read(&path).unwrap().browsers.len(), 1);
        drop(writing);
        next.join().unwrap();
        assert_eq!(read(&path).unwrap().browsers.len(), 2);
    }

    #[tokio::test]
    async fn what_a_browser_has_open_ends_when_it_is_logged_out_or_pushed_out_or_its_month_is_over() {
        let dir = tempfile::tempdir().unwrap();
        let browsers = Browsers::of(dir.path().join("browsers"), Secret::random().unwrap());
        let now = SystemClock.now();
        let let_in = |at: Timestamp| {
            let word = browsers.let_in(Admits::All, browsers.round(), at).unwrap().unwrap();
            browsers.know(word.reveal(), at).unwrap().1
        };
        let ends = async |mut stay: Stay| timeout(PATIENCE, stay.over()).await.is_ok();
        let mut first = let_in(now);
        let mut second = let_in(now);
        for _ in 2..BROWSERS_MAX {
            let_in(now);
        }
        assert!(timeout(Duration::ZERO, first.over()).await.is_err());
        let_in(now);
        assert!(ends(first).await);
        assert!(timeout(Duration::ZERO, second.over()).await.is_err());
        browsers.log_out().unwrap();
        assert!(ends(second).await);
        let month = i64::try_from(STAY.as_millis()).unwrap();
        let old = let_in(at(now.unix_millis() - month + 200));
        assert!(ends(old).await);
        assert!(timeout(Duration::ZERO, let_in(now).over()).await.is_err());
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
