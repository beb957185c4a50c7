//! What a context holds, in pieces that an interpreter can set again, and how two such holdings differ.

use std::collections::{BTreeMap, BTreeSet};

/// What an interpreter holds: a key such as `variable:PATH` or `directory`, and whatever the interpreter needs to set that
/// piece again. Bytes, for a variable need not be UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State(BTreeMap<String, Vec<u8>>);

/// What became different between two states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The pieces that are new or have another value.
    pub set: BTreeMap<String, Vec<u8>>,
    /// The keys of those that are gone.
    pub unset: BTreeSet<String>,
}

impl State {
    /// A piece.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.0.get(key).map(Vec::as_slice)
    }

    /// All pieces, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_slice()))
    }

    /// What changed since an earlier state.
    pub fn since(&self, before: &Self) -> Changes {
        let is_new = |(key, value): &(&String, &Vec<u8>)| before.0.get(*key) != Some(value);
        let set = self.0.iter().filter(is_new).map(|(key, value)| (key.clone(), value.clone())).collect();
        let unset = before.0.keys().filter(|key| !self.0.contains_key(*key)).cloned().collect();
        Changes { set, unset }
    }
}

impl FromIterator<(String, Vec<u8>)> for State {
    fn from_iter<T: IntoIterator<Item = (String, Vec<u8>)>>(pieces: T) -> Self {
        Self(pieces.into_iter().collect())
    }
}

impl Changes {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.unset.is_empty()
    }

    /// How many bytes its keys and values have.
    pub fn bytes(&self) -> usize {
        let set: usize = self.set.iter().map(|(key, value)| key.len() + value.len()).sum();
        set + self.unset.iter().map(String::len).sum::<usize>()
    }

    /// Adds what changed after this, so that both together are one change.
    pub fn then(&mut self, later: Self) {
        for key in later.unset {
            self.set.remove(&key);
            self.unset.insert(key);
        }
        for (key, value) in later.set {
            self.unset.remove(&key);
            self.set.insert(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(pieces: &[(&str, &str)]) -> State {
        pieces.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
    }

    #[test]
    fn what_changed_is_what_is_new_what_is_other_and_what_is_gone() {
        let before = state(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let now = state(&[("b", "2"), ("c", "1"), ("d", "1")]);
        let changes = now.since(&before);
        assert_eq!(changes.set.into_keys().collect::<Vec<_>>(), ["b", "d"]);
        assert_eq!(changes.unset.into_iter().collect::<Vec<_>>(), ["a"]);
        assert!(now.since(&now).is_empty());
    }

    #[test]
    fn two_changes_in_succession_are_one() {
        let states = [
            state(&[("a", "1"), ("b", "1")]),
            state(&[("b", "2"), ("c", "1")]),
            state(&[("a", "3"), ("b", "2")]),
        ];
        let mut both = states[1].since(&states[0]);
        both.then(states[2].since(&states[1]));
        assert_eq!(both.set.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(both.set["a"], b"3");
        assert_eq!(both.unset.iter().collect::<Vec<_>>(), ["c"]);
    }
}
