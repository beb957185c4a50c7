//! What the two threads of a holder share: the commands that wait, the one that runs, and what callers are to be told.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use rustix::{
    event::{EventfdFlags, eventfd},
    io::Errno,
};

use super::{
    super::{
        ShellError, Stream, Summary, Unload,
        context::{Control, Controls},
        message::{Exec, FromHolder},
    },
    leader::Leader,
};

/// How many bytes may wait for a caller before its command is held up; it is also how many are on their way to the socket.
pub(super) const MAIL_BYTES_MAX: usize = 256 << 10;

/// Something to do for the thread that has the context.
pub(super) enum Job {
    /// Run a command.
    Exec(Order),
    /// Save the context and end, for this caller if it is one.
    Unload(Option<u64>, Unload),
}

/// A command that waits.
pub(super) struct Order {
    /// Whose.
    pub(super) caller: u64,
    pub(super) exec: Exec,
    pub(super) text: Vec<u8>,
    /// How it is interrupted, and gets its input: no other command ever hears of that.
    pub(super) controls: Arc<Controls>,
}

/// What is told about the context to whoever asks.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) interpreter: Option<String>,
    pub(super) interpreter_pid: Option<u32>,
    pub(super) summary: Option<Summary>,
    pub(super) used: Instant,
}

/// What became of an interruption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupted {
    /// The command had not begun, and never will.
    Unbegun,
    /// It runs and is told, or there is none.
    Told,
}

/// Both threads meet here.
pub(super) struct Desk {
    state: Mutex<State>,
    /// There is a job, or room in a mailbox.
    changed: Condvar,
    /// Wakes the thread with the sockets.
    bell: OwnedFd,
    /// Wakes the one with the context from resting.
    pub(super) rest: Controls,
    pub(super) leader: Leader,
    callers_max: usize,
}

/// What is on its way to one caller.
#[derive(Default)]
struct Mail {
    bytes: Vec<u8>,
    /// Whether a command of it waits or runs.
    is_commanding: bool,
}

/// How far it has come with the holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// Nothing more is taken.
    Closing,
    /// Nothing more comes from the thread with the context.
    Over,
}

struct State {
    jobs: VecDeque<Job>,
    running: Option<(u64, Arc<Controls>)>,
    mail: BTreeMap<u64, Mail>,
    is_resting: bool,
    is_rung: bool,
    stage: Stage,
    facts: Facts,
}

impl Desk {
    pub(super) fn new(callers_max: usize) -> io::Result<Self> {
        let facts = Facts { interpreter: None, interpreter_pid: None, summary: None, used: Instant::now() };
        let state = State {
            jobs: VecDeque::new(),
            running: None,
            mail: BTreeMap::new(),
            is_resting: false,
            is_rung: false,
            stage: Stage::Open,
            facts,
        };
        Ok(Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            rest: Controls::new()?,
            leader: Leader::default(),
            callers_max,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a command behind those that wait; none is taken when the holder is about to end.
    pub(super) fn add(&self, order: Order) -> Result<Added, ShellError> {
        let mut state = self.lock();
        if state.stage != Stage::Open {
            return Ok(Added::Closing);
        }
        if state.jobs.len() + usize::from(state.running.is_some()) >= self.callers_max {
            return Err(ShellError::Crowded { limit: self.callers_max });
        }
        state.mail.entry(order.caller).or_default().is_commanding = true;
        state.facts.used = Instant::now();
        state.jobs.push_back(Job::Exec(order));
        self.wake(state);
        Ok(Added::Waits)
    }

    /// Has the context unloaded when nothing waits before.
    pub(super) fn unload_when_idle(&self, caller: u64) -> Result<(), ShellError> {
        let mut state = self.lock();
        if state.is_busy() {
            return Err(ShellError::Busy);
        }
        state.mail.entry(caller).or_default();
        state.jobs.push_back(Job::Unload(Some(caller), Unload::WhenIdle));
        self.wake(state);
        Ok(())
    }

    /// Has it unloaded at once: what runs is interrupted. Answers whose commands will not be run.
    pub(super) fn unload_now(&self, caller: Option<u64>) -> Vec<u64> {
        let mut state = self.lock();
        state.stage = Stage::Closing;
        if let Some(caller) = caller {
            state.mail.entry(caller).or_default();
        }
        let dropped = state.jobs.iter().filter_map(Job::exec_caller).collect();
        state.jobs.retain(|job| job.exec_caller().is_none());
        state.jobs.push_front(Job::Unload(caller, Unload::Now));
        if let Some((_, controls)) = &state.running {
            tell(controls, Control::Cancel);
        }
        self.changed.notify_all();
        self.wake(state);
        dropped
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let is_resting = std::mem::take(&mut state.is_resting);
        drop(state);
        if is_resting {
            tell(&self.rest, Control::Wake);
        }
        self.changed.notify_all();
    }

    /// Interrupts the command of a caller; one that has not begun is not run.
    pub(super) fn interrupt(&self, caller: u64) -> Interrupted {
        let mut state = self.lock();
        let before = state.jobs.len();
        state.jobs.retain(|job| job.exec_caller() != Some(caller));
        if state.jobs.len() < before {
            state.mail.entry(caller).or_default().is_commanding = false;
            return Interrupted::Unbegun;
        }
        if let Some((_, controls)) = state.running.as_ref().filter(|(runs, _)| *runs == caller) {
            tell(controls, Control::Cancel);
        }
        Interrupted::Told
    }

    /// A caller is gone: nothing is kept for it any more, and its command is interrupted, or not run.
    pub(super) fn leave(&self, caller: u64) {
        self.interrupt(caller);
        self.lock().mail.remove(&caller);
        self.changed.notify_all();
    }

    /// The next job. Where there is none, whoever asks is about to rest, and is woken when one comes.
    pub(super) fn take(&self) -> Option<Job> {
        let mut state = self.lock();
        let job = state.jobs.pop_front();
        match &job {
            Some(Job::Exec(order)) => state.running = Some((order.caller, Arc::clone(&order.controls))),
            Some(Job::Unload(..)) => (),
            None => state.is_resting = true,
        }
        job
    }

    /// Waits for a job without a context to rest with.
    pub(super) fn wait(&self, until: Option<Instant>) {
        let mut state = self.lock();
        while state.jobs.is_empty() {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            match left {
                Some(left) if left.is_zero() => return,
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Tells a caller what became of its command. From that moment on it does not run any more, and an interruption finds
    /// nobody.
    pub(super) fn finish(&self, caller: u64, message: &FromHolder) {
        let mut state = self.lock();
        state.running = None;
        state.facts.used = Instant::now();
        if let Some(mail) = state.mail.get_mut(&caller) {
            message.push(&mut mail.bytes);
            mail.is_commanding = false;
            self.ring(state);
        }
    }

    /// Takes nothing more, unless something waits already.
    pub(super) fn close_if_idle(&self) -> bool {
        let mut state = self.lock();
        if !state.is_busy() {
            state.stage = Stage::Closing;
        }
        state.stage != Stage::Open
    }

    /// Nothing more comes from the thread with the context.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.stage = Stage::Over;
        self.ring(state);
    }

    /// Whether that is so.
    pub(super) fn is_over(&self) -> bool {
        self.lock().stage == Stage::Over
    }

    /// Whether a command runs or waits.
    pub(super) fn is_busy(&self) -> bool {
        self.lock().is_busy()
    }

    /// Tells a caller something, who may be gone.
    pub(super) fn tell(&self, caller: u64, message: &FromHolder) {
        let mut state = self.lock();
        if let Some(mail) = state.mail.get_mut(&caller) {
            message.push(&mut mail.bytes);
            self.ring(state);
        }
    }

    /// Tells a caller what its command wrote, and waits while it has not taken what came before. Nobody is waited for who is
    /// gone.
    pub(super) fn show(&self, caller: u64, stream: Stream, bytes: &[u8]) {
        let mut state = self.lock();
        loop {
            let is_closing = state.stage != Stage::Open;
            match state.mail.get_mut(&caller) {
                None => return,
                Some(mail) if mail.bytes.len() < MAIL_BYTES_MAX => {
                    FromHolder::push_output(&mut mail.bytes, stream, bytes);
                    return self.ring(state);
                }
                // Whoever ends does not wait for who does not read.
                Some(_) if is_closing => return,
                Some(_) => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Gives what waits for a caller to whoever sends it. Says whether a command of it waits or runs.
    pub(super) fn collect(&self, caller: u64, take: impl FnOnce(&[u8])) -> bool {
        let mut state = self.lock();
        let Some(mail) = state.mail.get_mut(&caller) else {
            return false;
        };
        let was_full = mail.bytes.len() >= MAIL_BYTES_MAX;
        if !mail.bytes.is_empty() {
            take(&mail.bytes);
            mail.bytes.clear();
        }
        let is_commanding = mail.is_commanding;
        drop(state);
        if was_full {
            self.changed.notify_all();
        }
        is_commanding
    }

    /// Notes something about the context.
    pub(super) fn note(&self, note: impl FnOnce(&mut Facts)) {
        note(&mut self.lock().facts);
    }

    /// What is known about the context.
    pub(super) fn facts(&self) -> Facts {
        self.lock().facts.clone()
    }

    fn ring(&self, mut state: MutexGuard<'_, State>) {
        let is_rung = std::mem::replace(&mut state.is_rung, true);
        drop(state);
        if !is_rung {
            self.ring_bell();
        }
    }

    fn ring_bell(&self) {
        // A bell that was rung too often to count rings all the same.
        let rung = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
        debug_assert!(matches!(rung, Ok(_) | Err(Errno::AGAIN)), "an event counter takes a number");
    }

    /// Forgets that the bell was rung; comes before a look at what there is.
    pub(super) fn hear(&self) {
        let mut count = [0; 8];
        let heard = rustix::io::read(&self.bell, &mut count);
        debug_assert!(
            matches!(heard, Ok(_) | Err(Errno::AGAIN | Errno::INTR)),
            "an event counter gives a number"
        );
        self.lock().is_rung = false;
    }

    /// The interpreter changed: what ended meanwhile can be reaped.
    pub(super) fn leader_changed(&self) {
        self.ring_bell();
    }
}

/// Whether a command was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It waits for its turn.
    Waits,
    /// It is not run: the holder is about to end, and the next one will do it.
    Closing,
}

impl State {
    fn is_busy(&self) -> bool {
        self.running.is_some() || !self.jobs.is_empty()
    }
}

impl Job {
    fn exec_caller(&self) -> Option<u64> {
        match self {
            Self::Exec(order) => Some(order.caller),
            Self::Unload(..) => None,
        }
    }
}

/// Tells what is never refused: only standard input is.
fn tell(controls: &Controls, control: Control) {
    drop(controls.give(control));
}

impl AsFd for Desk {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
