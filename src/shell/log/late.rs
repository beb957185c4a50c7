//! How much of what background jobs write is kept: of each stream of each command as much as of the command itself.

use std::collections::BTreeMap;

use crate::shell::Stream;

/// How many streams are counted; beyond it that of the oldest command is counted anew.
const STREAMS_MAX: usize = 1_024;

/// How much of each stream was kept so far.
#[derive(Debug)]
pub(super) struct Lateness {
    bytes_max: usize,
    kept: BTreeMap<(u64, Stream), usize>,
}

/// What is to be done with a piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Keep it.
    Whole(&'a [u8]),
    /// Keep this part, the last one of its stream.
    Last(&'a [u8]),
    /// Nothing: there is nothing in it, or the last one was kept.
    Nothing,
}

impl Lateness {
    /// At most so many bytes of each stream.
    pub(super) fn of(bytes_max: usize) -> Self {
        Self { bytes_max, kept: BTreeMap::new() }
    }

    /// What is kept of a piece. It is not counted yet.
    pub(super) fn part<'a>(&self, number: u64, stream: Stream, piece: &'a [u8]) -> Piece<'a> {
        let kept = self.kept.get(&(number, stream)).copied().unwrap_or(0);
        if piece.is_empty() || kept > self.bytes_max {
            return Piece::Nothing;
        }
        match piece.split_at_checked(self.bytes_max - kept) {
            Some((part, rest)) if !rest.is_empty() => Piece::Last(part),
            Some(_) | None => Piece::Whole(piece),
        }
    }

    /// Counts a piece that was kept.
    pub(super) fn count(&mut self, number: u64, stream: Stream, piece: &Piece<'_>) {
        let now = match piece {
            Piece::Whole(bytes) => bytes.len(),
            // One more than may be kept says that nothing more is.
            Piece::Last(_) => self.bytes_max.saturating_add(1),
            Piece::Nothing => return,
        };
        let kept = self.kept.entry((number, stream)).or_default();
        *kept = kept.saturating_add(now);
        if self.kept.len() > STREAMS_MAX {
            self.kept.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stream_is_kept_up_to_the_bound_and_then_no_more() {
        let mut late = Lateness::of(4);
        let mut take = |number, stream, piece: &'static str| {
            let part = late.part(number, stream, piece.as_bytes());
            late.count(number, stream, &part);
            part
        };
        assert_eq!(take(1, Stream::Stdout, ""), Piece::Nothing);
        assert_eq!(take(1, Stream::Stdout, "abc"), Piece::Whole(b"abc"));
        assert_eq!(take(1, Stream::Stderr, "abcd"), Piece::Whole(b"abcd"));
        assert_eq!(take(1, Stream::Stdout, "def"), Piece::Last(b"d"));
        assert_eq!(take(1, Stream::Stdout, "g"), Piece::Nothing);
        assert_eq!(take(1, Stream::Stderr, "e"), Piece::Last(b""));
        assert_eq!(take(2, Stream::Stdout, "abcde"), Piece::Last(b"abcd"));
    }

    #[test]
    fn a_command_that_is_forgotten_is_counted_anew() {
        let mut late = Lateness::of(1);
        for number in 0..=STREAMS_MAX as u64 {
            let part = late.part(number, Stream::Stdout, b"ab");
            late.count(number, Stream::Stdout, &part);
        }
        assert_eq!(late.part(0, Stream::Stdout, b"a"), Piece::Whole(b"a"));
        assert_eq!(late.part(1, Stream::Stdout, b"a"), Piece::Nothing);
    }
}
