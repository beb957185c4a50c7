//! What is kept of an output: all of it, or its beginning and its end where it is long.

use std::collections::VecDeque;

/// What is kept of an output, and how much it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Its beginning; all of it, where nothing was cut.
    pub head: Vec<u8>,
    /// Its end, where something was cut.
    pub tail: Vec<u8>,
    /// How many bytes it had.
    pub bytes: u64,
}

impl Kept {
    /// Whether something of it was not kept.
    pub fn is_cut(&self) -> bool {
        self.bytes > (self.head.len() + self.tail.len()) as u64
    }
}

/// Takes an output piece by piece and keeps at most so many bytes of it: one half from its beginning, one from its end.
#[derive(Clone, Debug)]
pub struct Keeper {
    bytes_max: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    bytes: u64,
}

impl Keeper {
    /// Keeps at most so many bytes.
    pub fn of(bytes_max: usize) -> Self {
        Self { bytes_max, head: Vec::new(), tail: VecDeque::new(), bytes: 0 }
    }

    /// How many bytes there were so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes a piece.
    pub fn take(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        let head_max = self.bytes_max.div_ceil(2);
        let (head, rest) = piece.split_at(piece.len().min(head_max - self.head.len()));
        self.head.extend(head);
        let tail_max = self.bytes_max - head_max;
        let rest = &rest[rest.len().saturating_sub(tail_max)..];
        let surplus = (self.tail.len() + rest.len()).saturating_sub(tail_max);
        self.tail.drain(..surplus);
        self.tail.extend(rest);
    }

    /// What is kept. Where something was cut, no half of a character stands at the cut.
    pub fn finish(self) -> Kept {
        let mut kept = Kept { head: self.head, tail: self.tail.into(), bytes: self.bytes };
        if !kept.is_cut() {
            kept.head.append(&mut kept.tail);
            return kept;
        }
        if let Err(err) = std::str::from_utf8(&kept.head)
            && err.error_len().is_none()
        {
            kept.head.truncate(err.valid_up_to());
        }
        let is_inside = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
        let inside = kept.tail.iter().take(3).take_while(is_inside).count();
        kept.tail.drain(..inside);
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(bytes_max: usize, pieces: &[&str]) -> (String, String, u64) {
        let mut keeper = Keeper::of(bytes_max);
        for piece in pieces {
            keeper.take(piece.as_bytes());
        }
        let kept = keeper.finish();
        (String::from_utf8(kept.head).unwrap(), String::from_utf8(kept.tail).unwrap(), kept.bytes)
    }

    #[test]
    fn what_fits_is_whole_and_what_does_not_is_cut_in_the_middle() {
        let text = |head: &str, tail: &str, bytes| (head.to_owned(), tail.to_owned(), bytes);
        assert_eq!(kept(6, &[]), text("", "", 0));
        assert_eq!(kept(6, &["abc", "def"]), text("abcdef", "", 6));
        assert_eq!(kept(6, &["abcdefg"]), text("abc", "efg", 7));
        assert_eq!(kept(7, &["a", "bcdefgh", "", "ij"]), text("abcd", "hij", 10));
        assert_eq!(kept(0, &["abc"]), text("", "", 3));
    }

    #[test]
    fn a_cut_goes_through_no_character() {
        assert_eq!(kept(8, &["aäöäöäöä"]), ("aä".to_owned(), "öä".to_owned(), 15));
        let kept = kept(10, &["世界世界世界"]);
        assert_eq!((kept.0.as_str(), kept.1.as_str()), ("世", "界"));
    }
}
