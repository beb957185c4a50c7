//! Bytes that wait to be written to somebody who may be slow.

use std::{io, os::fd::AsFd};

use rustix::io::Errno;

/// Bytes in their order, the first of them written already.
#[derive(Debug, Default)]
pub struct Outgoing {
    bytes: Vec<u8>,
    written: usize,
}

impl Outgoing {
    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What waits.
    pub fn waiting(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// Forgets what waits.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.written = 0;
    }

    /// Puts bytes behind those that wait.
    pub fn push(&mut self, bytes: &[u8]) {
        self.tail().extend_from_slice(bytes);
    }

    /// Where the next bytes go; what was written makes room when it is the larger part.
    pub fn tail(&mut self) -> &mut Vec<u8> {
        if self.written > self.len() {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
        &mut self.bytes
    }

    /// Writes as much as goes without waiting, at most `step` bytes at once. Answers whether anything went.
    pub fn write_to(&mut self, to: impl AsFd, step: usize) -> io::Result<bool> {
        let mut went = false;
        while !self.is_empty() {
            let rest = &self.bytes[self.written..];
            match rustix::io::write(&to, &rest[..rest.len().min(step)]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.written += count;
                    went = true;
                    if step < usize::MAX {
                        break;
                    }
                }
                Err(Errno::INTR) => (),
                Err(Errno::AGAIN) => break,
                Err(err) => return Err(err.into()),
            }
        }
        if self.is_empty() {
            self.clear();
        }
        Ok(went)
    }
}
