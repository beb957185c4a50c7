//! How what was said with an agent looks.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{
    conversation::{self, Entry},
    manager::Talk,
};

/// The conversation to come back to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Conversation)]
pub struct CurrentView {
    /// The id of the session.
    pub session: String,
    /// Its name.
    pub name: String,
    /// The agent.
    pub agent: Option<String>,
    /// The conversation.
    pub current_id: Option<String>,
    /// How many turns there were.
    pub interaction_count: u64,
}

/// All that was said, turn by turn.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Conversations)]
pub struct ChainView {
    #[serde(flatten)]
    current: CurrentView,
    /// Since when it is the current one.
    current_since: Option<String>,
    /// Where the agent writes all of it down.
    transcript: Option<String>,
    /// How many turns are not kept any more.
    dropped: u64,
    /// The number of the first of these turns, where there are only some of them: how many there were before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u64>,
    /// The turns, oldest first.
    #[schema(value_type = Vec<TurnDoc>)]
    entries: Vec<Box<RawValue>>,
}

/// A turn, as `conversation` writes it. More members may come.
#[derive(ToSchema)]
#[schema(as = Turn, rename_all = "camelCase")]
#[expect(dead_code, reason = "it describes what is written elsewhere")]
struct TurnDoc {
    /// In which conversation.
    id: String,
    created_at: String,
    /// How many turns there had been, with this one.
    interaction_count: u64,
    /// How the prompt begins.
    last_prompt: Option<String>,
    /// How the answer begins.
    last_response: Option<String>,
    /// What is kept with it.
    metadata: Option<BTreeMap<String, serde_json::Value>>,
}

impl CurrentView {
    /// Of a session.
    pub fn of(talk: &Talk) -> Self {
        let recorded = talk.session.agent().map(|agent| &agent.name);
        Self {
            session: talk.session.id().to_string(),
            name: talk.session.name().to_string(),
            agent: recorded.or_else(|| talk.chain.agent()).map(ToString::to_string),
            current_id: talk.current().map(ToString::to_string),
            interaction_count: talk.chain.interactions(),
        }
    }
}

/// Which turns are wanted: the newest ones.
#[derive(Clone, Copy, Debug)]
pub struct Newest {
    /// At most so many.
    pub turns_max: usize,
    /// Of those with a smaller number, if one is given.
    pub before: Option<u64>,
    /// None more once they have so many bytes.
    pub bytes_max: usize,
}

impl ChainView {
    /// Of a session.
    pub fn of(talk: &Talk) -> Self {
        Self::with(talk, None, talk.chain.entries().map(entry).collect())
    }

    /// The same with some turns only. What is left out costs nothing.
    pub fn part(talk: &Talk, newest: Newest) -> Self {
        let (first, entries) = newest.of(talk.chain.entries(), talk.chain.dropped(), entry);
        Self::with(talk, Some(first), entries)
    }

    fn with(talk: &Talk, first: Option<u64>, entries: Vec<Box<RawValue>>) -> Self {
        Self {
            current: CurrentView::of(talk),
            current_since: talk.chain.current_since().map(|it| it.to_string()),
            transcript: talk.chain.transcript().map(|it| it.to_string_lossy().into_owned()),
            dropped: talk.chain.dropped(),
            first,
            entries,
        }
    }
}

impl Newest {
    /// These turns as they are shown, oldest first, and how many there were before them.
    fn of<T>(
        self,
        kept: impl DoubleEndedIterator<Item = T> + ExactSizeIterator,
        dropped: u64,
        shown: impl Fn(T) -> Box<RawValue>,
    ) -> (u64, Vec<Box<RawValue>>) {
        let before = self.before.map_or(u64::MAX, |before| before.saturating_sub(dropped));
        let end = kept.len().min(usize::try_from(before).unwrap_or(usize::MAX));
        let later = kept.len() - end;
        let (mut found, mut bytes) = (Vec::new(), 0);
        for turn in kept.rev().skip(later).take(self.turns_max) {
            if bytes >= self.bytes_max {
                break;
            }
            let text = shown(turn);
            bytes += text.get().len();
            found.push(text);
        }
        found.reverse();
        (dropped.saturating_add((end - found.len()) as u64), found)
    }
}

fn entry(entry: &Entry) -> Box<RawValue> {
    RawValue::from_string(conversation::encode_entry(entry)).expect("an entry that is written is JSON")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// What is shown of ten turns, 100 to 109, of two bytes each; and how many of them were looked at for that.
    fn shown(turns_max: usize, before: Option<u64>, bytes_max: usize) -> (u64, String, usize) {
        let looked_at = Cell::new(0);
        let text = |turn: u64| {
            looked_at.set(looked_at.get() + 1);
            RawValue::from_string((turn - 90).to_string()).unwrap()
        };
        let newest = Newest { turns_max, before, bytes_max };
        let (first, found) = newest.of((100..110_u64).collect::<Vec<_>>().into_iter(), 100, text);
        (first, found.iter().map(|it| it.get()).collect::<Vec<_>>().join(" "), looked_at.get())
    }

    #[test]
    fn the_newest_turns_have_the_numbers_they_had_before_others_went() {
        assert_eq!(shown(3, None, 100), (107, "17 18 19".to_owned(), 3));
        assert_eq!(shown(3, Some(107), 100), (104, "14 15 16".to_owned(), 3));
        assert_eq!(shown(30, Some(102), 100), (100, "10 11".to_owned(), 2));
        for gone in [0, 99, 100] {
            assert_eq!(shown(3, Some(gone), 100), (100, String::new(), 0), "{gone}");
        }
        assert_eq!(shown(3, Some(u64::MAX), 100), (107, "17 18 19".to_owned(), 3));
        // The one that reaches the bound is still told, so that every answer has one.
        assert_eq!(shown(30, None, 3), (108, "18 19".to_owned(), 2));
        assert_eq!(shown(30, None, 1), (109, "19".to_owned(), 1));
        let newest = Newest { turns_max: 1, before: None, bytes_max: 9 };
        let last =
            newest.of([1, 2].into_iter(), u64::MAX, |it: u64| RawValue::from_string(it.to_string()).unwrap());
        assert_eq!((last.0, last.1.len()), (u64::MAX, 1), "a damaged file may say anything");
    }
}
