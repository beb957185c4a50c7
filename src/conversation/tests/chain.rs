//! What the verbs of a chain do.

use std::path::{Path, PathBuf};

use super::{at, chain_of, id, members, said, typed};
use crate::conversation::{
    Chain, ConversationError, ENTRIES_MAX, EXCERPT_CHARS_MAX, Entry, Excerpt, Interaction, METADATA_BYTES_MAX,
};

fn newest(chain: &Chain) -> &Entry {
    chain.entries().next_back().unwrap()
}

#[test]
fn an_excerpt_is_the_first_200_characters_whatever_their_bytes() {
    for (text, kept) in [("é", 200), ("🚀", 200), ("世", 200), ("a", 200)] {
        let excerpt = Excerpt::of(&text.repeat(300));
        assert_eq!(excerpt.as_str(), text.repeat(kept), "{text}");
    }
    let short = "é🚀".repeat(EXCERPT_CHARS_MAX / 2);
    assert_eq!(Excerpt::of(&short).as_str(), short);
    assert_eq!(Excerpt::of("").as_str(), "");
}

#[test]
fn every_interaction_is_an_entry_with_the_running_total() {
    let chain = chain_of(5);
    let counts: Vec<u64> = chain.entries().map(|it| it.interaction_count).collect();
    assert_eq!(counts, [1, 2, 3, 4, 5]);
    assert_eq!((chain.interactions(), chain.current()), (5, Some(&id("c2"))));
    assert_eq!(chain.current_since(), Some(at(4)), "an id that is current already is not made so again");
    let summary = chain.summary();
    assert_eq!(summary.ids, [id("c0"), id("c1"), id("c2")]);
    assert_eq!((summary.interactions, summary.current), (5, Some(id("c2"))));
    let stats = chain.stats();
    assert_eq!((stats.interactions, stats.first, stats.last), (5, Some(at(0)), Some(at(4))));
}

#[test]
fn without_an_id_the_current_one_is_meant_and_without_that_nothing_is_kept() {
    let mut chain = Chain::default();
    let refused = chain.record(said(None, "hello"), at(0));
    assert!(matches!(refused, Err(ConversationError::NoConversation)));
    assert_eq!(chain, Chain::default());
    chain.begin(id("c0"), None, at(0));
    chain.record(said(None, "hello"), at(1)).unwrap();
    assert_eq!(newest(&chain).id, id("c0"));
}

#[test]
fn a_conversation_that_began_is_current_and_known_without_an_entry() {
    let mut chain = Chain::default();
    chain.begin(id("c0"), Some("/home/ann/c0.jsonl".into()), at(0));
    assert_eq!((chain.interactions(), chain.entries().len()), (0, 0));
    assert!(chain.contains(&id("c0")) && !chain.contains(&id("c1")));
    assert_eq!(chain.summary().ids, [id("c0")]);
    assert_eq!(chain.transcript(), Some(Path::new("/home/ann/c0.jsonl")));
    chain.begin(id("c0"), Some("relative.jsonl".into()), at(1));
    assert_eq!(chain.transcript(), Some(Path::new("/home/ann/c0.jsonl")));
    chain.record(said(Some("c1"), "on"), at(2)).unwrap();
    assert_eq!(chain.transcript(), None, "that of another conversation is not this one's");
    assert!(chain.contains(&id("c1")));
}

#[test]
fn a_response_goes_to_the_newest_entry_of_the_current_conversation() {
    let mut chain = chain_of(3);
    chain.begin(id("c0"), None, at(9));
    assert!(chain.respond(&"é".repeat(300)));
    let answered: Vec<_> = chain.entries().map(|it| it.last_response.is_some()).collect();
    assert_eq!(answered, [false, true, false]);
    chain.begin(id("new"), None, at(10));
    assert!(!chain.respond("to nothing"));
}

#[test]
fn a_prompt_that_wharf_typed_and_the_agent_tells_of_is_one_interaction() {
    let mut chain = chain_of(1);
    chain.record(typed(None, "go on"), at(10)).unwrap();
    let told =
        Interaction { metadata: members(r#"{"source":"hook","turn":3}"#), ..said(Some("c9"), "go on") };
    chain.record(told.clone(), at(69)).unwrap();
    assert_eq!((chain.interactions(), chain.entries().len()), (2, 2));
    let entry = newest(&chain);
    assert_eq!((&entry.id, entry.created_at), (&id("c9"), at(10)));
    assert_eq!(entry.metadata, members(r#"{"source":"wharf","turn":3,"confirmed":true}"#));
    assert_eq!(chain.current(), Some(&id("c9")));
    chain.record(told, at(69)).unwrap();
    assert_eq!(chain.interactions(), 3, "what is confirmed is not confirmed again");
}

#[test]
fn another_prompt_is_another_interaction() {
    let told = |chain: &Chain, text: &str, seconds| {
        let mut chain = chain.clone();
        chain.record(said(None, text), at(seconds)).unwrap();
        chain.interactions()
    };
    let mut chain = chain_of(1);
    chain.record(typed(None, "go on"), at(10)).unwrap();
    assert_eq!(told(&chain, "go on", 69), 2);
    assert_eq!(told(&chain, "go on", 70), 3, "too late");
    assert_eq!(told(&chain, "go", 11), 3, "other words");
    let mut twice = chain.clone();
    twice.record(typed(None, "go on"), at(11)).unwrap();
    assert_eq!(twice.interactions(), 3, "wharf typed it twice");
    chain.respond("done");
    assert_eq!(told(&chain, "go on", 12), 3, "that one is answered");
    assert_eq!(told(&chain_of(1), "prompt 0", 1), 2, "wharf did not type that one");
}

#[test]
fn beyond_the_bound_the_oldest_go_and_are_counted() {
    let mut chain = chain_of(ENTRIES_MAX.cast_signed() as i64 + 3);
    assert_eq!((chain.entries().len(), chain.dropped()), (ENTRIES_MAX, 3));
    assert_eq!(chain.interactions(), ENTRIES_MAX as u64 + 3);
    assert_eq!(chain.entries().next().unwrap().interaction_count, 4);
    chain.reset();
    assert_eq!((chain.dropped(), chain.interactions()), (0, 0));
}

#[test]
fn metadata_has_a_bound() {
    let mut chain = chain_of(1);
    let with = |bytes: usize| Interaction {
        metadata: members(&format!("{{\"k\":\"{}\"}}", "x".repeat(bytes))),
        ..said(None, "hello")
    };
    chain.record(with(METADATA_BYTES_MAX - 3), at(1)).unwrap();
    let before = chain.clone();
    let refused = chain.record(with(METADATA_BYTES_MAX - 2), at(2));
    assert!(matches!(refused, Err(ConversationError::MetadataTooLong)));
    assert_eq!(chain, before);
}

#[test]
fn a_clean_up_keeps_the_current_conversation_however_old() {
    let mut chain = chain_of(6);
    let week = at(0).plus_days(8);
    let mut all_old = chain.clone();
    assert_eq!(all_old.clean(7, week, None), 4);
    assert_eq!(all_old.current(), Some(&id("c2")));
    assert!(all_old.entries().all(|it| it.id == id("c2")));
    assert_eq!(all_old.interactions(), 6);
    let mut recorded = chain.clone();
    assert_eq!(recorded.clean(7, week, Some(&id("c0"))), 2, "the record of the session names another one");
    assert_eq!(chain.clean(7, at(0).plus_days(7), None), 0);
    assert_eq!(chain.clean(0, at(2), None), 2, "only what is older");
}

#[test]
fn a_reset_begins_anew_and_keeps_agent_and_foreign_fields() {
    let mut chain = chain_of(3);
    chain.works(&"claude".parse().unwrap());
    chain.begin(id("c9"), Some(PathBuf::from("/x.jsonl")), at(9));
    chain.set_aside(id("inner"));
    chain.reset();
    assert_eq!((chain.current(), chain.transcript(), chain.entries().len()), (None, None, 0));
    assert!(chain.is_aside(&id("inner")), "an agent within the agent is still none to come back to");
    assert_eq!(chain.agent().unwrap().as_str(), "claude");
    assert_eq!(chain.summary().ids, []);
}

#[test]
fn the_conversation_of_one_agent_is_not_the_current_one_of_another() {
    let mut chain = chain_of(3);
    chain.works(&"claude".parse().unwrap());
    assert_eq!(chain.current(), Some(&id("c1")), "who it was is known now");
    chain.begin(id("c1"), Some(PathBuf::from("/x.jsonl")), at(9));
    chain.works(&"claude".parse().unwrap());
    assert_eq!(chain.current(), Some(&id("c1")));
    chain.works(&"codex".parse().unwrap());
    assert_eq!((chain.current(), chain.transcript(), chain.entries().len()), (None, None, 3));
}

#[test]
fn what_two_hooks_tell_is_one_interaction_and_what_is_asked_again_is_another() {
    let mut chain = Chain::default();
    for second in [0, 0, 1] {
        chain.hear(said(Some("c0"), "on"), at(second)).unwrap();
    }
    assert_eq!(chain.entries().len(), 1);
    chain.hear(said(Some("c0"), "else"), at(1)).unwrap();
    chain.hear(said(Some("c1"), "else"), at(1)).unwrap();
    chain.hear(said(Some("c1"), "else"), at(9)).unwrap();
    assert_eq!(chain.entries().len(), 4, "another prompt, another conversation, another moment");
    chain.respond("done");
    chain.hear(said(Some("c1"), "else"), at(9)).unwrap();
    assert_eq!(chain.entries().len(), 5, "it was answered");
    chain.record(typed(Some("c1"), "go"), at(20)).unwrap();
    for _ in 0..2 {
        chain.hear(said(Some("c1"), "go"), at(50)).unwrap();
    }
    assert_eq!(chain.entries().len(), 6, "typed by wharf, told by two hooks");
}
