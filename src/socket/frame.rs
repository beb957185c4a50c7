//! How messages are cut out of a stream of bytes: one byte kind, four bytes length (little endian), payload.

use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use thiserror::Error;

use super::descriptor::receive;
use crate::limits::FRAME_BYTES_MAX;

/// How much is read at once, at least.
const READ_BYTES: usize = 64 << 10;
/// How much is read at once where files may come too.
const PIECE_BYTES: usize = 8 << 10;
/// What stands before every payload.
const HEAD_BYTES: usize = 5;

/// One message as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Which message it is; a kind that is not known is passed over, so that a newer peer can say more.
    pub kind: u8,
    /// What belongs to it.
    pub payload: Vec<u8>,
}

/// Why a stream makes no sense.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("a frame of {bytes} bytes is longer than {bytes_max}")]
pub struct FrameTooLong {
    bytes: usize,
    bytes_max: usize,
}

/// Puts a frame behind what is already to be sent.
pub fn push(out: &mut Vec<u8>, kind: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    debug_assert!(length <= FRAME_BYTES_MAX, "whoever sends cuts what is too long");
    let length = u32::try_from(length).expect("a frame is at most 1 MiB");
    out.push(kind);
    out.extend_from_slice(&length.to_le_bytes());
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// Collects bytes until a frame is whole.
#[derive(Debug)]
pub struct Frames {
    bytes: Vec<u8>,
    taken: usize,
    bytes_max: usize,
}

impl Default for Frames {
    fn default() -> Self {
        Self::up_to(FRAME_BYTES_MAX)
    }
}

impl Frames {
    /// Takes frames with payloads of so many bytes, and none that is longer.
    pub fn up_to(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), taken: 0, bytes_max }
    }

    /// Reads what is there, once; answers how much that was.
    pub fn read(&mut self, from: impl AsFd) -> rustix::io::Result<usize> {
        self.forget();
        self.bytes.reserve(READ_BYTES);
        rustix::io::read(from, spare_capacity(&mut self.bytes))
    }

    /// The same where a file may come with it, which is put here in the place of one that nobody took.
    pub fn read_with(&mut self, from: impl AsFd, file: &mut Option<OwnedFd>) -> rustix::io::Result<usize> {
        self.forget();
        let mut piece = [0; PIECE_BYTES];
        let (count, came) = receive(from, &mut piece)?;
        self.bytes.extend_from_slice(&piece[..count]);
        if came.is_some() {
            *file = came;
        }
        Ok(count)
    }

    /// Makes room where frames were taken.
    fn forget(&mut self) {
        if self.taken > 0 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
    }

    /// The next frame, if one is whole.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameTooLong> {
        let rest = &self.bytes[self.taken..];
        let Some((&[kind, a, b, c, d], rest)) = rest.split_first_chunk::<HEAD_BYTES>() else {
            return Ok(None);
        };
        let bytes = u32::from_le_bytes([a, b, c, d]) as usize;
        if bytes > self.bytes_max {
            return Err(FrameTooLong { bytes, bytes_max: self.bytes_max });
        }
        let Some(payload) = rest.get(..bytes) else {
            return Ok(None);
        };
        let frame = Frame { kind, payload: payload.to_vec() };
        self.taken += HEAD_BYTES + bytes;
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Frames {
        /// Takes what was read elsewhere.
        pub(crate) fn take(&mut self, bytes: &[u8]) {
            self.forget();
            self.bytes.extend_from_slice(bytes);
        }
    }

    fn frame(kind: u8, payload: &[u8]) -> Frame {
        Frame { kind, payload: payload.to_vec() }
    }

    #[test]
    fn frames_come_out_as_they_went_in_however_the_stream_is_cut() {
        let mut stream = Vec::new();
        push(&mut stream, b'a', &[b"one", b" and two"]);
        push(&mut stream, b'b', &[]);
        push(&mut stream, b'c', &[&vec![7; 70_000]]);
        for step in [1, 2, 5, 64, stream.len()] {
            let (mut frames, mut found) = (Frames::default(), Vec::new());
            for bytes in stream.chunks(step) {
                frames.take(bytes);
                while let Some(frame) = frames.next_frame().unwrap() {
                    found.push(frame);
                }
            }
            assert_eq!(
                found,
                [frame(b'a', b"one and two"), frame(b'b', b""), frame(b'c', &vec![7; 70_000])],
                "{step} bytes at a time"
            );
        }
    }

    #[test]
    fn a_frame_that_claims_to_be_huge_is_refused_before_it_comes() {
        for (mut frames, bytes_max) in [(Frames::default(), FRAME_BYTES_MAX), (Frames::up_to(70_000), 70_000)]
        {
            frames.take(b"I");
            assert_eq!(frames.next_frame(), Ok(None));
            let bytes = bytes_max + 1;
            frames.take(&u32::try_from(bytes).unwrap().to_le_bytes());
            assert_eq!(frames.next_frame(), Err(FrameTooLong { bytes, bytes_max }));
        }
    }

    #[test]
    fn the_longest_frame_is_taken() {
        let (mut stream, mut frames) = (Vec::new(), Frames::default());
        push(&mut stream, b'I', &[&vec![1; FRAME_BYTES_MAX]]);
        frames.take(&stream);
        assert_eq!(frames.next_frame().unwrap().unwrap().payload.len(), FRAME_BYTES_MAX);
        assert_eq!(frames.next_frame(), Ok(None));
    }
}
