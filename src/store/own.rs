//! How a state file is read that stands there as we write it: its text is kept for the next writing, and of what did not
//! change nothing is written anew.

use std::sync::Arc;

use super::{
    claims::are_surely_their_own,
    hand::Hand,
    record::{self, Decoded},
    scan,
    schema::{self, BEGINNING, Parsed},
    written::{Kept, ListId, Summed, Written},
};
use crate::json;

/// Reads a file that begins as ours do, whose sessions are all good, most of them in our own hand; nothing for every other.
pub(super) fn decode(text: &Arc<String>, worktrees: &str) -> Option<Parsed> {
    let list = text.strip_prefix(BEGINNING)?;
    let mut hand = Hand::on(list, worktrees)?;
    let (mut sessions, mut kept, id) = (Vec::new(), Vec::new(), ListId::fresh());
    while hand.next_entry()? {
        let (begin, from) = (text.len() - hand.rest().len(), hand.sum());
        if let Some(session) = hand.session() {
            let (end, to) = (text.len() - hand.rest().len(), hand.sum());
            let summed = Summed { list: id, from, to };
            kept.push(Kept { session: session.clone(), text: begin..end, summed });
            sessions.push(session);
        } else {
            let entry = hand.any_value()?;
            json::check(entry, scan::ENTRY_DEPTH_MAX).ok()?;
            let Decoded { session, foreign_path: None } = record::decode(entry).ok()? else {
                return None;
            };
            sessions.push(session);
        }
    }
    if !are_surely_their_own(&sessions) {
        return None;
    }
    let rest = hand.rest();
    let list = BEGINNING.len()..text.len() - rest.len();
    let written = Written::read(text, list, hand.sum(), kept);
    let mut parsed = schema::decode_behind(rest, written)?;
    parsed.sessions = sessions;
    parsed.take_corrected();
    Some(parsed)
}
