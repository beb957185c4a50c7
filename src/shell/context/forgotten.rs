//! Whether an interpreter has forgotten its command: it waits for more words although it has read all, and has not said
//! that it is done. A command can take from it what it needs to say so.

use std::{
    fs, io,
    os::fd::AsRawFd as _,
    time::{Duration, Instant},
};

use super::{Context, driver::Driver, tree::Tree};
use crate::process;

/// How often to look.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// At how many looks in succession it has to be found like that, without having done anything in between.
const LOOKS: u32 = 3;

/// What was seen so far.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) next: Instant,
    ticks: Option<u64>,
    looks: u32,
}

impl Watch {
    pub(super) fn begin(now: Instant) -> Self {
        Self { next: now + LOOK_EVERY, ticks: None, looks: 0 }
    }

    /// Takes note of another look; says whether the same was seen often enough.
    fn saw(&mut self, ticks: Option<u64>) -> bool {
        self.next = Instant::now() + LOOK_EVERY;
        self.looks = match (ticks, self.ticks) {
            (None, _) => 0,
            (Some(now), Some(before)) if now == before => self.looks + 1,
            (Some(_), _) => 1,
        };
        self.ticks = ticks;
        self.looks >= LOOKS
    }
}

impl Context {
    /// Looks whether the interpreter has forgotten the command that it was told to run. One whose commands read what we send
    /// may well wait for it.
    pub(super) fn has_forgotten(&self, watch: &mut Watch) -> bool {
        // Where nothing can be seen, the time limit of the command has to do.
        let is_told_apart = self.driver.outputs.is_none();
        watch.saw(waiting(&self.driver, &self.tree).unwrap_or(None).filter(|_| is_told_apart))
    }
}

/// The processor time of an interpreter that waits for our words, has none left to read, and runs nothing.
fn waiting(driver: &Driver, tree: &Tree) -> io::Result<Option<u64>> {
    // A command has another standard input, also one that is a part of the interpreter.
    let theirs = fs::read_link(format!("/proc/{}/fd/0", driver.pid()))?;
    let ours = fs::read_link(format!("/proc/self/fd/{}", driver.control().as_raw_fd()))?;
    if theirs != ours || driver.untaken() > 0 || tree.may_have_jobs() {
        return Ok(None);
    }
    process::asleep(driver.pid())
}
