//! Chains on their way out and in.

use super::{at, chain_of, id};
use crate::conversation::{
    Chain, ENTRIES_MAX, Exported, FormatError, Incoming, encode_export, exchange::decode,
};

fn exported(chain: Chain) -> Exported {
    Exported {
        session: "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11".parse().unwrap(),
        name: "auth".parse().unwrap(),
        agent: Some("claude".parse().unwrap()),
        current: chain.current().cloned(),
        chain,
    }
}

const FOREIGN: &str = r#"{"agent_id":"auth","current_session_id":"f2","interaction_count":3,"sessions":[
    {"session_id":"f1","created_at":"2025-11-24T10:30:00.123456","interaction_count":1,"last_prompt":"hi",
     "last_response":null,"metadata":{"n":1.0}},
    {"session_id":"f2","created_at":"2025-11-24 10:31:00","interaction_count":3}]}"#;

#[test]
fn what_was_exported_comes_back_once() {
    let chain = chain_of(5);
    let text = encode_export(&[exported(chain.clone()), exported(Chain::default())], at(0));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["exportDate"], "2025-11-24T10:30:00.000Z");
    assert_eq!(
        value["totals"],
        serde_json::json!({"sessions": 2, "conversations": 3, "interactions": 5, "entries": 5})
    );
    assert_eq!(value["agents"][0]["sessionName"], "auth");
    let incoming = decode(text.as_bytes()).unwrap();
    assert_eq!(incoming[0].owners, ["2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11", "auth"]);
    let mut empty = Chain::default();
    assert_eq!(empty.take_in(&incoming[0]), 5);
    assert!(empty.entries().eq(chain.entries()));
    assert_eq!((empty.interactions(), empty.current()), (5, Some(&id("c2"))));
    let once = empty.clone();
    assert_eq!(empty.take_in(&incoming[0]), 0);
    assert_eq!(empty, once);
    serde_json::from_str::<serde_json::Value>(&encode_export(&[], at(0))).unwrap();
}

#[test]
fn chains_of_other_tools_are_understood_one_or_many() {
    let many = format!("[{FOREIGN},[{FOREIGN}]]");
    let chains = decode(many.as_bytes()).unwrap();
    assert_eq!(chains.len(), 2);
    let Incoming { owners, current, interactions, entries, .. } = &chains[1];
    assert_eq!((owners.as_slice(), current, *interactions), (&["auth".to_owned()][..], &Some(id("f2")), 3));
    assert_eq!(entries[0].created_at.to_string(), "2025-11-24T10:30:00.123Z");
    assert_eq!(entries[0].metadata.get("n").unwrap().get(), "1.0");
    assert_eq!(entries[1].created_at.to_string(), "2025-11-24T10:31:00.000Z");
}

#[test]
fn an_import_adds_in_the_order_of_time_and_replaces_no_current_conversation() {
    let mut chain = chain_of(3);
    let incoming = decode(FOREIGN.as_bytes()).unwrap().remove(0);
    assert_eq!(chain.take_in(&incoming), 2);
    let ids: Vec<&str> = chain.entries().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["c0", "f1", "c0", "c1", "f2"]);
    assert_eq!((chain.current(), chain.interactions()), (Some(&id("c1")), 5));
}

#[test]
fn an_import_does_not_lead_an_agent_into_the_conversation_of_another() {
    let mut incoming = decode(FOREIGN.as_bytes()).unwrap().remove(0);
    incoming.agent = Some("claude".parse().unwrap());
    for (own, current) in [(None, Some(id("f2"))), (Some("claude"), Some(id("f2"))), (Some("codex"), None)] {
        let mut chain = Chain::default();
        if let Some(own) = own {
            chain.works(&own.parse().unwrap());
        }
        assert_eq!(chain.take_in(&incoming), 2);
        assert_eq!(chain.current(), current.as_ref(), "{own:?}");
    }
}

#[test]
fn an_import_beyond_the_bound_keeps_the_newest_and_twice_is_as_once() {
    let full =
        decode(encode_export(&[exported(chain_of(ENTRIES_MAX.cast_signed() as i64))], at(0)).as_bytes())
            .unwrap();
    let mut chain = Chain::default();
    for number in 0..10 {
        chain.record(super::said(Some("own"), "x"), at(5_000 * number)).unwrap();
    }
    let taken = chain.take_in(&full[0]);
    assert_eq!((chain.entries().len(), chain.dropped()), (ENTRIES_MAX, 1));
    assert_eq!(taken, ENTRIES_MAX - 9, "one of its own was older than all that fit");
    let once = chain.clone();
    assert_eq!(chain.take_in(&full[0]), 0);
    assert_eq!(chain, once);
}

#[test]
fn what_is_no_chain_is_refused_with_its_reason() {
    let reason = |text: &str| decode(text.as_bytes()).unwrap_err();
    assert!(matches!(reason("{}"), FormatError::Unknown));
    assert!(matches!(reason("[[[[[[]]]]]]"), FormatError::Unknown));
    assert!(matches!(reason("7"), FormatError::Shape(_)));
    assert!(matches!(reason(r#"{"agents":[{"session":"x"}]}"#), FormatError::Missing { field: "entries" }));
    let bad = FOREIGN.replace("2025-11-24 10:31:00", "yesterday");
    assert_eq!(reason(&bad).to_string(), "`created_at` cannot be `yesterday`");
    assert!(matches!(
        reason(&FOREIGN.replace("f1", "../f1")),
        FormatError::Field { field: "session_id", .. }
    ));
    assert!(matches!(reason(&FOREIGN[..100]), FormatError::Shape(_)));
}
