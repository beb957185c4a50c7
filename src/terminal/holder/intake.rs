//! Screen and log of a session, and the thread that feeds them while the program floods.
//!
//! They have one owner at a time and no lock: the holder, or the thread, which gets them together with a batch of output and
//! gives them back when it has fed it. Whoever asks the screen something meanwhile waits for that. There is never more than
//! one batch away.

use std::{
    io, mem,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use super::super::output_log::OutputLog;
use crate::{
    clock::Timestamp,
    limits::Limits,
    screen::{Fed, Notice, Screen, Size},
};

/// What came of some output.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What the screen says to it.
    pub(super) fed: Fed,
    /// Why it is not kept, where that was not said before.
    pub(super) unkept: Option<io::Error>,
}

/// Screen and log, wherever they are.
pub(super) struct Intake {
    /// Nothing while the thread has them.
    kept: Option<Box<Kept>>,
    size: Size,
    limits: Limits,
    folder: PathBuf,
    /// What came of output that was handed over, until somebody takes note of it.
    outcome: Option<Outcome>,
    /// Room for the next batch.
    spare: Vec<u8>,
    thread: Option<Feeder>,
    /// Whether no thread could be had. It is tried again behind the next rest.
    is_alone: bool,
}

struct Kept {
    screen: Screen,
    log: OutputLog,
}

/// What goes to the thread and comes back from there.
struct Batch {
    kept: Box<Kept>,
    bytes: Vec<u8>,
    at: Timestamp,
    outcome: Outcome,
}

/// The thread. It ends when nothing more can come.
struct Feeder {
    batches: Option<SyncSender<Batch>>,
    back: Receiver<Batch>,
    thread: Option<JoinHandle<()>>,
}

impl Intake {
    /// An empty screen, and the log in this folder.
    pub(super) fn begin(size: Size, limits: Limits, folder: PathBuf) -> Self {
        let kept = Some(Kept::new(size, &limits, &folder));
        let (outcome, spare) = (None, Vec::new());
        Self { kept, size, limits, folder, outcome, spare, thread: None, is_alone: false }
    }

    /// The size of the screen.
    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// The screen, which was fed everything that was handed over.
    pub(super) fn screen(&mut self) -> &mut Screen {
        &mut self.kept().screen
    }

    /// Whether nobody has to wait for the screen.
    pub(super) fn is_here(&mut self) -> bool {
        if self.kept.is_none()
            && let Some(Ok(batch)) = self.thread.as_ref().map(|thread| thread.back.try_recv())
        {
            self.take_back(batch);
        }
        self.kept.is_some()
    }

    /// Gives the screen another size.
    pub(super) fn resize(&mut self, size: Size) {
        self.screen().resize(size);
        self.size = size;
    }

    /// Feeds both, here and now.
    pub(super) fn feed(&mut self, bytes: &[u8], at: Timestamp) -> Outcome {
        self.kept().feed(bytes, at)
    }

    /// Has the thread feed both, and answers room for the next batch. To be called behind [`Self::collect`]. What comes of
    /// it is there to be collected also where no thread could be had.
    pub(super) fn hand_over(&mut self, bytes: Vec<u8>, at: Timestamp) -> Vec<u8> {
        if self.thread.is_none() && !self.is_alone {
            match Feeder::begin(Batch::feed) {
                Ok(thread) => self.thread = Some(thread),
                Err(err) => {
                    tracing::warn!(error = %err, "a flood has no thread of its own");
                    self.is_alone = true;
                }
            }
        }
        let kept = self.take_kept();
        let batch = Batch { kept, bytes, at, outcome: Outcome::default() };
        let left = match self.thread.as_ref().and_then(|thread| thread.batches.as_ref()) {
            Some(batches) => batches.send(batch).err().map(|refused| refused.0),
            None => Some(batch),
        };
        if let Some(mut batch) = left {
            batch.feed();
            self.take_back(batch);
        }
        mem::take(&mut self.spare)
    }

    /// What came of the output that was handed over last, if nobody took note of it yet. Waits until it is fed.
    pub(super) fn collect(&mut self) -> Option<Outcome> {
        self.kept();
        self.outcome.take()
    }

    /// Ends the thread and gives back the memory that a flood took.
    pub(super) fn rest(&mut self) {
        self.kept();
        (self.thread, self.spare, self.is_alone) = (None, Vec::new(), false);
    }

    fn kept(&mut self) -> &mut Kept {
        let kept = self.take_kept();
        self.kept.insert(kept)
    }

    fn take_kept(&mut self) -> Box<Kept> {
        if self.kept.is_none() {
            if let Some(Ok(batch)) = self.thread.as_ref().map(|thread| thread.back.recv()) {
                self.take_back(batch);
            } else {
                // The session goes on without what was on the screen, as it does when the emulator fails.
                self.thread = None;
                let notices = vec![Notice::Rebuilt];
                self.outcome = Some(Outcome { fed: Fed { notices, ..Fed::default() }, unkept: None });
            }
        }
        self.kept.take().unwrap_or_else(|| Kept::new(self.size, &self.limits, &self.folder))
    }

    fn take_back(&mut self, batch: Batch) {
        let Batch { kept, mut bytes, outcome, .. } = batch;
        bytes.clear();
        (self.kept, self.spare, self.outcome) = (Some(kept), bytes, Some(outcome));
    }
}

impl Kept {
    fn new(size: Size, limits: &Limits, folder: &Path) -> Box<Self> {
        let screen = Screen::new(size, limits.scrollback_rows_max);
        Box::new(Self { screen, log: OutputLog::in_folder(folder.to_owned(), limits.log_bytes_max) })
    }

    /// The log has it first: it is there even where the screen fails.
    fn feed(&mut self, bytes: &[u8], at: Timestamp) -> Outcome {
        let unkept = self.log.take(bytes, at).err();
        Outcome { fed: self.screen.feed(bytes), unkept }
    }
}

impl Batch {
    fn feed(&mut self) {
        self.outcome = self.kept.feed(&self.bytes, self.at);
    }
}

impl Feeder {
    fn begin(feed: fn(&mut Batch)) -> io::Result<Self> {
        // One way and the other, one place is enough: there is only one screen.
        let (batches, handed_over) = sync_channel::<Batch>(1);
        let (gives_back, back) = sync_channel(1);
        let work = move || {
            for mut batch in handed_over {
                feed(&mut batch);
                if gives_back.send(batch).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("intake".to_owned()).spawn(work)?;
        Ok(Self { batches: Some(batches), back, thread: Some(thread) })
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.batches = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that feeds a screen ended by itself, and the screen began anew");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        time::{Duration, Instant},
    };

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn intake(folder: &Path) -> Intake {
        Intake::begin(Size::new(4, 20).unwrap(), Limits::default(), folder.to_owned())
    }

    fn now() -> Timestamp {
        Timestamp::from_unix_millis(1_000).unwrap()
    }

    fn logged(folder: &Path) -> String {
        fs::read_to_string(folder.join("output.log")).unwrap()
    }

    #[test]
    fn what_is_handed_over_is_fed_in_its_order() {
        let dir = tempfile::tempdir().unwrap();
        let mut intake = intake(dir.path());
        let mut all = String::new();
        let mut room = Vec::new();
        for number in 0..50 {
            // A sequence goes on in the next batch.
            let text = format!("2mline {number}\r\n\x1b[3{}m\x1b[", number % 8);
            all += &text;
            room.extend_from_slice(text.as_bytes());
            assert_eq!(intake.collect().is_some(), number > 0);
            room = intake.hand_over(room, now());
            assert!(room.is_empty());
            assert_eq!(room.capacity() > 0, number > 0, "buffers are used again");
        }
        assert!(intake.thread.is_some());
        let mut plain = Screen::new(intake.size(), Limits::default().scrollback_rows_max);
        plain.feed(all.as_bytes());
        assert_eq!(intake.screen().snapshot(100), plain.snapshot(100));
        assert_eq!(logged(dir.path()), all);
    }

    #[test]
    fn who_asks_meanwhile_waits_and_what_came_of_it_is_not_lost() {
        let dir = tempfile::tempdir().unwrap();
        let mut intake = intake(dir.path());
        intake.hand_over(b"\x07here\x1b[6n".to_vec(), now());
        assert_eq!(intake.screen().text(), "here");
        let behind = intake.feed(b" I am", now());
        assert_eq!((behind.fed.replies, behind.fed.notices), (Vec::new(), Vec::new()));
        let outcome = intake.collect().unwrap();
        assert_eq!((&*outcome.fed.replies, &*outcome.fed.notices), (&b"\x1b[1;5R"[..], &[Notice::Bell][..]));
        assert!(intake.collect().is_none());
        assert_eq!(intake.screen().text(), "here I am");
    }

    #[test]
    fn who_only_looks_whether_it_is_back_does_not_wait() {
        let dir = tempfile::tempdir().unwrap();
        let mut intake = intake(dir.path());
        assert!(intake.is_here());
        let slow = |batch: &mut Batch| {
            // Until the test says so.
            let go = PathBuf::from(String::from_utf8(batch.bytes.clone()).unwrap());
            let deadline = Instant::now() + LIMIT;
            while !go.exists() && Instant::now() < deadline {
                thread::yield_now();
            }
            batch.feed();
        };
        intake.thread = Some(Feeder::begin(slow).unwrap());
        let go = dir.path().join("go");
        intake.hand_over(go.to_str().unwrap().as_bytes().to_vec(), now());
        assert!(!intake.is_here());
        fs::File::create(&go).unwrap();
        let deadline = Instant::now() + LIMIT;
        while !intake.is_here() {
            assert!(Instant::now() < deadline, "it never comes back");
            thread::yield_now();
        }
        assert!(intake.collect().is_some());
        // One that is dead never brings it back; whoever needs it has it anew.
        intake.thread = Some(Feeder::begin(|_| panic!("a thread dies in a test")).unwrap());
        intake.hand_over(Vec::new(), now());
        assert!(!intake.is_here() && intake.collect().is_some() && intake.is_here());
    }

    #[test]
    fn what_the_disk_does_not_take_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::File::create(&file).unwrap();
        let mut intake = intake(&file);
        intake.hand_over(b"one".to_vec(), now());
        assert!(intake.collect().unwrap().unkept.is_some());
    }

    #[test]
    fn a_rest_ends_the_thread_and_gives_back_its_room() {
        let dir = tempfile::tempdir().unwrap();
        let mut intake = intake(dir.path());
        intake.hand_over(vec![b'x'; 10], now());
        intake.rest();
        assert!(intake.thread.is_none() && intake.spare.capacity() == 0);
        assert!(intake.collect().is_some(), "what came of the last batch is still told");
        intake.hand_over(vec![b'y'; 10], now());
        assert_eq!(intake.screen().text(), "xxxxxxxxxxyyyyyyyyyy");
    }

    #[test]
    fn the_death_of_the_thread_costs_the_picture_and_not_the_session() {
        let dir = tempfile::tempdir().unwrap();
        let mut intake = intake(dir.path());
        let size = Size::new(5, 30).unwrap();
        intake.resize(size);
        intake.thread = Some(Feeder::begin(|_| panic!("a thread dies in a test")).unwrap());
        intake.hand_over(b"gone".to_vec(), now());
        assert_eq!(intake.collect().unwrap().fed.notices, [Notice::Rebuilt]);
        assert_eq!((intake.screen().text(), intake.screen().size()), (String::new(), size));
        intake.hand_over(b"there".to_vec(), now());
        assert!(intake.collect().unwrap().fed.notices.is_empty());
        assert_eq!(intake.screen().text(), "there");
    }

    #[test]
    fn without_a_thread_it_is_fed_here() {
        let dir = tempfile::tempdir().unwrap();
        let mut intake = intake(dir.path());
        intake.is_alone = true;
        intake.hand_over(b"one \x1b[5n".to_vec(), now());
        assert_eq!(intake.collect().unwrap().fed.replies, b"\x1b[0n");
        // One that takes nothing any more is as good as none.
        let (batches, _) = sync_channel(1);
        let (_, back) = sync_channel(1);
        intake.thread = Some(Feeder { batches: Some(batches), back, thread: None });
        intake.hand_over(b"two".to_vec(), now());
        assert_eq!(intake.screen().text(), "one two");
        assert!(intake.thread.is_some() && logged(dir.path()) == "one \x1b[5ntwo");
    }
}
