//! Chains as values, chains on the disk, chains on their way, and transcripts.

mod chain;
mod keeping;
mod transcripts;
mod transferring;

use crate::{
    clock::Timestamp,
    conversation::{Chain, Excerpt, Interaction},
    json::Members,
    session::ConversationId,
};

/// A moment, so many seconds after the first one.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_millis(1_763_980_200_000 + seconds * 1_000).unwrap()
}

fn id(text: &str) -> ConversationId {
    text.parse().unwrap()
}

fn members(json: &str) -> Members {
    serde_json::from_str(json).unwrap()
}

fn said(id: Option<&str>, prompt: &str) -> Interaction {
    Interaction {
        id: id.map(|id| id.parse().unwrap()),
        prompt: Some(Excerpt::of(prompt)),
        ..Interaction::default()
    }
}

/// A prompt that wharf typed.
fn typed(id: Option<&str>, prompt: &str) -> Interaction {
    Interaction { metadata: members(r#"{"source":"wharf"}"#), ..said(id, prompt) }
}

/// A chain of `count` interactions, one a second, in the conversations `c0`, `c1`, `c2`, …, two interactions in each.
fn chain_of(count: i64) -> Chain {
    let mut chain = Chain::default();
    for number in 0..count {
        let name = format!("c{}", number / 2);
        chain.record(said(Some(&name), &format!("prompt {number}")), at(number)).unwrap();
    }
    chain
}
