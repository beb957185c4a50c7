//! Where in a list something lies, found by the hash of a key of it: the index keeps a number for each and no key, so that
//! a table of thousands is in order at once.

/// A slot in which there is nothing.
const FREE: u32 = u32::MAX;
/// How many slots there are at least.
const SLOTS_MIN: usize = 16;

/// Numbers of places in a list.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// A power of two of them, at least half of them free, or none at all.
    slots: Vec<u32>,
    taken: usize,
}

impl Index {
    /// An empty one with room for so many.
    pub(super) fn with_room_for(count: usize) -> Self {
        let slots = (count * 2).next_power_of_two().max(SLOTS_MIN);
        Self { slots: vec![FREE; slots], taken: 0 }
    }

    /// Whether another one fits.
    pub(super) fn has_room(&self) -> bool {
        (self.taken + 1) * 2 <= self.slots.len()
    }

    /// The place of what has this hash and is what is looked for.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let mut slot = self.first_slot(hash)?;
        loop {
            let at = self.slots[slot];
            if at == FREE {
                return None;
            }
            if is_it(at as usize) {
                return Some(at as usize);
            }
            slot = self.next_slot(slot);
        }
    }

    /// Notes the place of what has this hash; there must be room.
    pub(super) fn insert(&mut self, hash: u64, at: usize) {
        assert!(self.has_room(), "who inserts makes room first");
        let mut slot = self.first_slot(hash).expect("with room there are slots");
        while self.slots[slot] != FREE {
            slot = self.next_slot(slot);
        }
        self.slots[slot] = u32::try_from(at).ok().filter(|at| *at != FREE).expect("no table is that long");
        self.taken += 1;
    }

    fn first_slot(&self, hash: u64) -> Option<usize> {
        let mask = (self.slots.len() as u64).checked_sub(1)?;
        usize::try_from(hash & mask).ok()
    }

    fn next_slot(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_falls_together_is_told_apart() {
        let mut index = Index::with_room_for(SLOTS_MIN / 2);
        for at in 0..SLOTS_MIN / 2 {
            assert!(index.has_room());
            index.insert(u64::MAX, at);
        }
        assert!(!index.has_room());
        for at in 0..SLOTS_MIN / 2 {
            assert_eq!(index.find(u64::MAX, |it| it == at), Some(at));
        }
        assert_eq!(index.find(u64::MAX, |_| false), None);
        assert_eq!(index.find(7, |_| false), None);
    }

    #[test]
    fn in_an_empty_one_there_is_nothing() {
        let index = Index::default();
        assert_eq!(index.find(7, |_| true), None);
        assert!(!index.has_room());
    }
}
