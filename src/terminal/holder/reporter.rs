//! How a holder has things written down without waiting for the disk: a thread of its own, and one place for the news.

use std::{
    collections::VecDeque,
    io,
    os::fd::OwnedFd,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::super::{
    Exited, KeepError, Keeper, Launch, Mood, Started,
    pty::{GO, STAY},
};
use crate::{process, text};

/// How often a mood is written down at most.
const MOOD_EVERY: Duration = Duration::from_secs(5);
/// How often the end is tried to be written down, and how long to wait between two tries.
const END_TRIES: u32 = 10;
const END_PAUSE: Duration = Duration::from_millis(500);

/// How many reports of hooks may wait, and how many bytes they may have together. Beyond that a hook writes itself.
const TOLD_MAX: usize = 1_000;
const TOLD_BYTES_MAX: usize = 1 << 20;

/// What there is to write down; a newer mood takes the place of one that was not written yet.
#[derive(Debug, Default)]
struct News {
    told: VecDeque<Vec<u8>>,
    mood: Option<Mood>,
    end: Option<(Exited, bool)>,
}

#[derive(Debug, Default)]
struct Board {
    news: Mutex<News>,
    changed: Condvar,
}

/// The thread that writes down what happens to a session.
#[derive(Debug)]
pub(super) struct Reporter {
    board: Arc<Board>,
    begun: Receiver<Started>,
    thread: Option<JoinHandle<Result<(), KeepError>>>,
}

/// The ends of the gate a program waits at.
#[derive(Debug)]
pub(super) struct Keys {
    /// Where the process says its pid.
    pub(super) pid: OwnedFd,
    /// Where it is told to go on.
    pub(super) go: OwnedFd,
}

impl Reporter {
    /// Begins with the start: reads the pid of the program, has it written down, and only then lets it run.
    pub(super) fn begin(launch: Launch, mut keeper: Box<dyn Keeper>, keys: Keys) -> io::Result<Self> {
        let (begins, begun) = mpsc::sync_channel(1);
        let board = Arc::new(Board::default());
        let shared = Arc::clone(&board);
        let thread = thread::Builder::new().name("reporter".to_owned()).spawn(move || {
            begins.send(begin(&launch, &mut *keeper, &keys)?)?;
            process::give_back_memory();
            follow(&shared, &mut *keeper, &launch);
            Ok(())
        })?;
        Ok(Self { board, begun, thread: Some(thread) })
    }

    /// What was written down as started; nothing when that could not be done, and then the program does not run.
    pub(super) fn begun(&self) -> Option<Started> {
        self.begun.recv().ok()
    }

    /// Has a mood written down, soon.
    pub(super) fn tell(&self, mood: Mood) {
        self.board.lock().mood = Some(mood);
        self.board.changed.notify_one();
    }

    /// Has written down what a hook of the agent tells, in the order in which it is told; not when too much waits already.
    pub(super) fn hear(&self, told: Vec<u8>) -> bool {
        let mut news = self.board.lock();
        let waiting: usize = news.told.iter().map(Vec::len).sum();
        if news.told.len() >= TOLD_MAX || waiting + told.len() > TOLD_BYTES_MAX {
            return false;
        }
        news.told.push_back(told);
        self.board.changed.notify_one();
        true
    }

    /// Has the end written down and returns when that is done, or cannot be.
    pub(super) fn end(&mut self, exited: Exited, shutdown: bool) {
        self.board.lock().end = Some((exited, shutdown));
        self.finish();
    }

    /// Why nothing was written down.
    pub(super) fn give_up(self) -> Option<KeepError> {
        self.thread?.join().ok()?.err()
    }

    fn finish(&mut self) {
        self.board.changed.notify_one();
        match self.thread.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => (),
            Some(Ok(Err(err))) => tracing::warn!(error = %err, "a start was never written down"),
            Some(Err(_)) => tracing::error!("the thread that writes things down ended by itself"),
        }
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has the start written down and lets the program go on, or end: it waits for a word, whichever.
fn begin(launch: &Launch, keeper: &mut dyn Keeper, keys: &Keys) -> Result<Started, KeepError> {
    let outcome = write_start(launch, keeper, keys);
    let word = if outcome.is_ok() { GO } else { STAY };
    rustix::io::write(&keys.go, &[word])?;
    outcome
}

fn write_start(launch: &Launch, keeper: &mut dyn Keeper, keys: &Keys) -> Result<Started, KeepError> {
    let mut pid = [0; size_of::<i32>()];
    let read = rustix::io::read(&keys.pid, &mut pid)?;
    let pid = u32::try_from(i32::from_ne_bytes(pid)).ok().filter(|_| read == size_of::<i32>());
    let process = pid.map(process::identify).transpose()?.flatten().ok_or("it ended before it began")?;
    let started = Started { process, holder: process::own()? };
    keeper.started(launch, &started)?;
    Ok(started)
}

/// Writes down what there is until the end.
fn follow(board: &Board, keeper: &mut dyn Keeper, launch: &Launch) {
    let mut not_before = Instant::now();
    loop {
        let mut news = board.lock();
        let end = loop {
            if news.end.is_some() {
                break news.end.take();
            }
            if !news.told.is_empty() {
                break None;
            }
            let wait = not_before.saturating_duration_since(Instant::now());
            if news.mood.is_none() {
                news = board.changed.wait(news).unwrap_or_else(PoisonError::into_inner);
            } else if wait.is_zero() {
                break None;
            } else {
                let waited = board.changed.wait_timeout(news, wait);
                news = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        };
        let told = std::mem::take(&mut news.told);
        // A mood waits for its time, also while hooks tell something.
        let is_time = not_before <= Instant::now();
        let mood = news.mood.take_if(|_| is_time || end.is_some());
        drop(news);
        for told in told {
            if let Err(err) = keeper.told(launch.id, &told) {
                tracing::warn!(sessionId = %launch.id, error = %text::because(&*err), "a hook was not taken in");
            }
        }
        if let Some((exited, shutdown)) = end {
            return write_end(keeper, launch, exited, shutdown);
        }
        if let Some(mood) = mood {
            if let Err(err) = keeper.moved(mood) {
                tracing::warn!(sessionId = %launch.id, error = %err, "activity was not written down");
            }
            not_before = Instant::now() + MOOD_EVERY;
        }
        // What was written came with a whole table.
        process::give_back_memory();
    }
}

fn write_end(keeper: &mut dyn Keeper, launch: &Launch, exited: Exited, shutdown: bool) {
    for tries in 1..=END_TRIES {
        match keeper.ended(exited, shutdown) {
            Ok(()) => return,
            Err(err) => {
                tracing::warn!(sessionId = %launch.id, error = %err, tries, "the end was not written down");
            }
        }
        thread::sleep(END_PAUSE);
    }
}
