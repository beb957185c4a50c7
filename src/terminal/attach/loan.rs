//! When the user's terminal is lent to the holder, and how it comes back.

use std::time::{Duration, Instant};

use super::{Attachment, Departure, Picture};
use crate::terminal::{FromClient, TerminalError, lending::Lend, watch::Unfinished};

/// How long a holder may take to give the terminal back; one that takes longer is stuck.
const BACK_WAIT_MAX: Duration = Duration::from_millis(200);
/// How long after a key is pressed somebody looks whether the holder has read it.
const LOOK_AFTER: Duration = Duration::from_millis(250);
/// How many looks must find keys that nobody reads; where the machine is busy, one or two often do.
const LOOKS: u32 = 4;
/// How often it may come back without having been asked for until it is kept.
const LOANS_MAX: u32 = 16;

/// Who has the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loan {
    /// We have it, and it stays here.
    Kept,
    /// We have it, and it can be lent.
    Ours,
    /// It was offered; we still show what comes.
    Offered,
    /// It is taken as soon as everything is shown.
    Taken,
    /// The holder has it.
    Away,
}

/// The terminal, and whether it is here.
#[derive(Debug)]
pub(super) struct Lending {
    pub(super) loan: Loan,
    /// Whether the holder has yet to say that it gave it back: it was slow, and we did not wait. Until then it cannot be
    /// lent anew.
    is_owed: bool,
    /// How often it came back unasked.
    returns: u32,
    /// When to look for keys that nobody reads, how often some were found, and how many the last time.
    look_at: Option<Instant>,
    looks: u32,
    unread: u64,
}

impl Lending {
    /// One that may be lent, or may not.
    pub(super) fn new(can_lend: bool) -> Self {
        let loan = if can_lend { Loan::Ours } else { Loan::Kept };
        Self { loan, is_owed: false, returns: 0, look_at: None, looks: 0, unread: 0 }
    }

    /// Whether keys are ours to read.
    pub(super) fn is_here(&self) -> bool {
        matches!(self.loan, Loan::Kept | Loan::Ours)
    }

    /// Whether the holder may still use it, as far as we know.
    pub(super) fn may_be_used(&self) -> bool {
        self.is_owed || !self.is_here()
    }

    /// Whether what is to be seen is ours to show.
    pub(super) fn shows(&self) -> bool {
        matches!(self.loan, Loan::Kept | Loan::Ours | Loan::Offered)
    }

    /// Whether a key that is pressed is to be noticed: here it is read, elsewhere somebody looks after a while.
    pub(super) fn hears(&self) -> bool {
        self.is_here() || self.look_at.is_none()
    }

    /// When to look for keys that nobody reads.
    pub(super) fn look_at(&self) -> Option<Instant> {
        self.look_at.filter(|_| !self.is_here())
    }

    fn came_back(&mut self, is_asked: bool) {
        self.returns += u32::from(!is_asked);
        (self.look_at, self.looks, self.unread) = (None, 0, 0);
        self.loan = if self.returns > LOANS_MAX { Loan::Kept } else { Loan::Ours };
    }
}

impl Attachment<'_> {
    /// Lends the terminal when everything is shown and nothing is half typed; hands it over when it is taken.
    pub(super) fn lend(&mut self) {
        if self.stage.has_queued() {
            return;
        }
        let is_whole = self.picture == Picture::Whole && self.watch.is_at_rest();
        match self.lending.loan {
            Loan::Ours if is_whole && !self.lending.is_owed && !self.connection.has_queued() => {
                let Some((terminal, modes)) = self.stage.loan() else {
                    self.lending.loan = Loan::Kept;
                    return;
                };
                let lend = Lend { key: self.watch.key().to_string(), modes };
                if self.connection.lend(lend, terminal) {
                    self.lending.loan = Loan::Offered;
                }
            }
            Loan::Taken => {
                self.connection.queue(&FromClient::GoAhead);
                self.lending.loan = Loan::Away;
            }
            Loan::Kept | Loan::Ours | Loan::Offered | Loan::Away => (),
        }
    }

    /// The holder answered the offer.
    pub(super) fn heed_borrowed(&mut self, is_taken: bool) {
        if self.lending.is_owed {
            // What is not taken is not given back.
            self.lending.is_owed = is_taken;
        } else if self.lending.loan == Loan::Offered {
            self.lending.loan = if is_taken { Loan::Taken } else { Loan::Kept };
        }
    }

    /// The terminal is ours again.
    pub(super) fn heed_returned(&mut self, leaves: bool, unfinished: Unfinished) -> Option<Departure> {
        let is_asked = std::mem::take(&mut self.lending.is_owed);
        // Where it was taken, keys have been read here since.
        if !self.lending.is_here() {
            self.lending.came_back(is_asked);
            self.watch.go_on(unfinished, Instant::now());
        }
        leaves.then_some(Departure::Detached)
    }

    /// A key was pressed at a terminal that is lent.
    pub(super) fn notice_key(&mut self) {
        self.lending.look_at.get_or_insert(Instant::now() + LOOK_AFTER);
    }

    /// Looks whether the holder reads what is typed: whoever is stuck must not keep anybody from leaving.
    pub(super) fn look_for_keys(&mut self) -> Result<Option<Departure>, TerminalError> {
        let now = Instant::now();
        if self.lending.look_at().is_none_or(|at| now < at) {
            return Ok(None);
        }
        let unread = rustix::io::ioctl_fionread(self.stage.input()).unwrap_or(0);
        let before = std::mem::replace(&mut self.lending.unread, unread);
        // Fewer than before were read by somebody.
        let is_stuck = unread > 0 && unread >= before;
        self.lending.looks = if is_stuck { self.lending.looks + 1 } else { 0 };
        self.lending.look_at = (unread > 0).then(|| now + LOOK_AFTER);
        if self.lending.looks < LOOKS { Ok(None) } else { self.take_back() }
    }

    /// Has the terminal back, with what was not shown yet, or takes it from a holder that is stuck.
    pub(super) fn take_back(&mut self) -> Result<Option<Departure>, TerminalError> {
        if self.lending.is_here() {
            return Ok(None);
        }
        self.connection.queue(&FromClient::TakeBack);
        self.lending.is_owed = true;
        let deadline = Instant::now() + BACK_WAIT_MAX;
        while self.lending.is_owed && self.connection.is_open() {
            self.connection.flush()?;
            let left = deadline.saturating_duration_since(Instant::now());
            let departure = match self.connection.receive(Some(left)) {
                Ok(Some(message)) => self.take_message(message)?,
                Ok(None) => break,
                Err(_) if !self.connection.is_open() => Some(Departure::Gone),
                Err(err) => return Err(err),
            };
            if departure.is_some() {
                return Ok(departure);
            }
        }
        if !self.lending.is_here() {
            self.lending.came_back(true);
            self.watch.doubt();
        }
        Ok(None)
    }
}
