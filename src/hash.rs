//! A quick hash for tables that live as long as one process. What is in them may come from a file that anybody wrote, so
//! each table has a secret, and nobody can choose keys that fall together.

use std::hash::{BuildHasher, Hasher, RandomState};

/// An odd number without a pattern in its bits.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Makes the hashes of one table.
#[derive(Clone, Copy, Debug)]
pub struct Quick {
    secret: u64,
}

/// A hash that is being made.
#[derive(Debug)]
pub struct QuickHasher {
    state: u64,
    secret: u64,
}

impl Default for Quick {
    fn default() -> Self {
        Self { secret: RandomState::new().hash_one(ODD) | 1 }
    }
}

impl BuildHasher for Quick {
    type Hasher = QuickHasher;

    #[inline]
    fn build_hasher(&self) -> QuickHasher {
        QuickHasher { state: ODD, secret: self.secret }
    }
}

impl Hasher for QuickHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        // Zeros at the end count.
        self.write_usize(bytes.len());
        let mut words = bytes.chunks_exact(size_of::<u64>());
        for word in &mut words {
            self.write_u64(u64::from_le_bytes(word.try_into().expect("a chunk is as long as a word")));
        }
        let rest = words.remainder();
        if !rest.is_empty() {
            let mut word = [0; size_of::<u64>()];
            word[..rest.len()].copy_from_slice(rest);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.write_u64(number.into());
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.state = folded(self.state ^ number, self.secret);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        folded(self.state, ODD)
    }
}

/// The product of two numbers, its upper half laid over its lower one.
#[inline]
fn folded(one: u64, other: u64) -> u64 {
    let product = (u128::from(one) * u128::from(other)).to_le_bytes();
    let half = |from: usize| product[from..from + 8].try_into().map_or(0, u64::from_le_bytes);
    half(0) ^ half(8)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn what_differs_hashes_differently_and_what_is_equal_alike() {
        let quick = Quick::default();
        let texts: Vec<String> = (0..20_000).map(|number| format!("session-{number}")).collect();
        let hashes: HashSet<u64> = texts.iter().map(|text| quick.hash_one(text)).collect();
        assert_eq!(hashes.len(), texts.len());
        assert!(texts.iter().all(|text| hashes.contains(&quick.hash_one(text.as_str()))));
        let lengths: HashSet<u64> = (0..64).map(|length| quick.hash_one("\0".repeat(length))).collect();
        assert_eq!(lengths.len(), 64);
        assert_ne!(quick.hash_one("abcdefg"), quick.hash_one("abcdefg\u{7}"));
    }

    #[test]
    fn each_table_hashes_in_a_way_of_its_own() {
        assert_ne!(Quick::default().hash_one("text"), Quick::default().hash_one("text"));
    }
}
