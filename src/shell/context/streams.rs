//! The outputs of commands: while they run, and afterwards, when something that they left running still writes.

use std::{io, os::fd::OwnedFd};

use rustix::io::Errno;

use super::Sink;
use crate::shell::Stream;

/// How much is read at once, in bytes.
pub(super) const READ_BYTES: usize = 64 << 10;
/// How many outputs of commands that are over are passed on, and how much of each.
const LATE_TOLD_MAX: usize = 64;
const LATE_BYTES_MAX: usize = 1 << 20;
/// How many are kept open at all: over it, the oldest is closed, and whoever writes to it gets an error.
const LATE_MAX: usize = 256;

/// An output that something writes to after the end of its command.
#[derive(Debug)]
pub(super) struct Late {
    number: u64,
    stream: Stream,
    pub(super) read: OwnedFd,
    told: usize,
}

/// All of them, the oldest first.
#[derive(Debug, Default)]
pub(super) struct LateStreams(Vec<Late>);

/// What a read brought.
pub(super) enum Read {
    Bytes(usize),
    Nothing,
    End,
}

/// Reads what is there.
pub(super) fn read(from: &OwnedFd, buffer: &mut [u8]) -> io::Result<Read> {
    loop {
        match rustix::io::read(from, &mut *buffer) {
            Ok(0) => return Ok(Read::End),
            Ok(count) => return Ok(Read::Bytes(count)),
            Err(Errno::AGAIN) => return Ok(Read::Nothing),
            Err(Errno::INTR) => (),
            Err(err) => return Err(err.into()),
        }
    }
}

/// How many bytes are there to be read.
pub(super) fn waiting(from: &OwnedFd) -> usize {
    rustix::io::ioctl_fionread(from).map_or(0, |count| usize::try_from(count).unwrap_or(usize::MAX))
}

impl LateStreams {
    /// Takes an output that is still open at the end of its command.
    pub(super) fn keep(&mut self, number: u64, stream: Stream, read: OwnedFd) {
        if self.0.len() >= LATE_MAX {
            self.0.remove(0);
        }
        let told = if self.0.len() < LATE_TOLD_MAX { 0 } else { LATE_BYTES_MAX };
        self.0.push(Late { number, stream, read, told });
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &OwnedFd> {
        self.0.iter().map(|late| &late.read)
    }

    /// Reads those that have something, and forgets those that have ended. What is over the bound is read all the same, so
    /// that nobody who writes is held up.
    pub(super) fn read(&mut self, ready: &[bool], buffer: &mut [u8], sink: &mut dyn Sink) {
        let mut at = 0;
        self.0.retain_mut(|late| {
            at += 1;
            if !ready.get(at - 1).copied().unwrap_or(false) {
                return true;
            }
            match read(&late.read, buffer) {
                Ok(Read::Bytes(count)) => {
                    let count = count.min(LATE_BYTES_MAX - late.told);
                    late.told += count;
                    if count > 0 {
                        sink.late(late.number, late.stream, &buffer[..count]);
                    }
                    true
                }
                Ok(Read::Nothing) => true,
                Ok(Read::End) => false,
                Err(err) => {
                    tracing::warn!(error = %err, "an output could not be read");
                    false
                }
            }
        });
    }
}
