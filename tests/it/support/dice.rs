//! Chance that can be repeated: a seed gives the same throws again.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// A stream of throws (splitmix64).
pub struct Dice(u64);

impl Dice {
    /// The seed in `WHARF_TEST_SEED`, a new one when that is `random`, else always the same, so that a failure is that
    /// of the change at hand.
    pub fn seed() -> u64 {
        match std::env::var("WHARF_TEST_SEED").as_deref() {
            Ok("random") => RandomState::new().build_hasher().finish(),
            Ok(number) => number.parse().expect("WHARF_TEST_SEED is a number or \"random\""),
            Err(_) => 20_261_120,
        }
    }

    /// Dice that throw what this seed gives.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to just below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % bound as u64).unwrap()
    }
}
