//! The list of sessions as text, with the text of each of them: a change of one writes that one anew and copies the others.

use std::{collections::BTreeMap, ops::Range};

use super::{record::record, scan};
use crate::{
    json::{self, BoundsError},
    session::Session,
    workspace::Workspace,
};

/// What stands before and behind a session that is written alone, as it is in the file.
const BEFORE: &str = "{\n  \"sessions\": [\n    ";
const BEHIND: &str = "\n  ]\n}";
/// How many sessions may have gone before one, so that its text is still found. One that is not found is written anew.
const GONE_MAX: usize = 8;

/// A list of sessions to the letter.
#[derive(Debug)]
pub(super) struct Written {
    text: String,
    checksum: String,
    /// The text without white space between its tokens, as far as something of it is kept.
    plain: Vec<u8>,
    /// The sessions whose text is what they would be written as, in the order of the list.
    kept: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    session: Session,
    text: Range<usize>,
    plain: Range<usize>,
}

impl Written {
    /// A list that somebody wrote, in whichever way.
    pub(super) fn unknown(text: &str) -> Self {
        let (plain, kept) = (Vec::new(), Vec::new());
        Self { text: text.to_owned(), checksum: scan::checksum(text), plain, kept }
    }

    /// Writes a list. What did not change since it was written before is copied.
    pub(super) fn of(
        sessions: &[Session],
        workspace: &Workspace,
        before: &Self,
    ) -> Result<Self, BoundsError> {
        let mut writing = Writing::with_room_for(before.text.len());
        let mut next = 0;
        for session in sessions {
            let mut near = before.kept.iter().skip(next).take(GONE_MAX);
            if let Some(gone) = near.position(|kept| kept.session.id() == session.id()) {
                let kept = &before.kept[next + gone];
                next += gone + 1;
                if kept.session.is_the_same(session) {
                    writing.copy(before, kept);
                    continue;
                }
            }
            let text = encode(session, workspace);
            json::check(&text, scan::ENTRY_DEPTH_MAX)?;
            writing.keep(session, &text);
        }
        Ok(writing.end())
    }

    /// The list, as it stands in the file.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Of how many sessions the text is kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.kept.len()
    }

    /// Its checksum.
    pub(super) fn checksum(&self) -> &str {
        &self.checksum
    }
}

/// A list that is being put together.
pub(super) struct Writing(Written);

impl Writing {
    /// An empty one; with more than so many bytes it grows.
    pub(super) fn with_room_for(bytes: usize) -> Self {
        // A session more than there were.
        let bytes = bytes + (bytes / 8).max(1 << 10);
        Self(Written {
            text: String::with_capacity(bytes),
            checksum: String::new(),
            plain: Vec::with_capacity(bytes),
            kept: Vec::new(),
        })
    }

    /// Adds the text of a session that is what it would be written as.
    pub(super) fn keep(&mut self, session: &Session, text: &str) {
        let (text, plain) = self.add(text);
        self.0.kept.push(Kept { session: session.clone(), text, plain });
    }

    /// Adds any other text of one.
    pub(super) fn add(&mut self, text: &str) -> (Range<usize>, Range<usize>) {
        self.begin();
        let (from, plain_from) = (self.0.text.len(), self.0.plain.len());
        self.0.text.push_str(text);
        scan::add_plain(&mut self.0.plain, text);
        (from..self.0.text.len(), plain_from..self.0.plain.len())
    }

    fn copy(&mut self, before: &Written, kept: &Kept) {
        self.begin();
        let written = &mut self.0;
        let (from, plain_from) = (written.text.len(), written.plain.len());
        written.text.push_str(&before.text[kept.text.clone()]);
        written.plain.extend_from_slice(&before.plain[kept.plain.clone()]);
        let (text, plain) = (from..written.text.len(), plain_from..written.plain.len());
        written.kept.push(Kept { session: kept.session.clone(), text, plain });
    }

    fn begin(&mut self) {
        let (sign, text) = if self.0.text.is_empty() { (b'[', "[\n    ") } else { (b',', ",\n    ") };
        self.0.text.push_str(text);
        self.0.plain.push(sign);
    }

    /// Ends the list.
    pub(super) fn end(self) -> Written {
        let mut written = self.0;
        let (text, plain) = if written.text.is_empty() { ("[]", "[]") } else { ("\n  ]", "]") };
        written.text.push_str(text);
        written.plain.extend_from_slice(plain.as_bytes());
        written.checksum = scan::checksum_of_plain(&written.plain);
        written
    }
}

/// The text of a session as it stands in the list.
fn encode(session: &Session, workspace: &Workspace) -> String {
    let alone = BTreeMap::from([("sessions", [record(session, workspace)])]);
    let text = serde_json::to_string_pretty(&alone).expect("a record has text keys and writes to memory");
    let entry = text.strip_prefix(BEFORE).and_then(|text| text.strip_suffix(BEHIND));
    entry.expect("a list of one session begins and ends like this").to_owned()
}
