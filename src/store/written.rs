//! The list of sessions as text, with the text of each of them: a change of one writes that one anew and copies the others.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

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

/// A file with a list of sessions, to the letter; or that list alone.
#[derive(Debug)]
pub(super) struct Written {
    text: Arc<String>,
    list: Range<usize>,
    checksum: String,
    /// The list without white space between its tokens, as far as something of it is kept.
    plain: Vec<u8>,
    /// The sessions whose text is what they would be written as, in the order of the list.
    kept: Vec<Kept>,
}

/// A session whose text is what it would be written as, and where that is.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) session: Session,
    pub(super) text: Range<usize>,
    pub(super) plain: Range<usize>,
}

impl Written {
    /// A list that somebody wrote, in whichever way.
    pub(super) fn unknown(list: &str) -> Self {
        let (plain, kept) = (Vec::new(), Vec::new());
        let checksum = scan::checksum(list);
        Self { text: Arc::new(list.to_owned()), list: 0..list.len(), checksum, plain, kept }
    }

    /// The list that stands in this part of a file.
    pub(super) fn read(text: &Arc<String>, list: Range<usize>, plain: Vec<u8>, kept: Vec<Kept>) -> Self {
        let checksum = scan::checksum_of_plain(&plain);
        Self { text: Arc::clone(text), list, checksum, plain, kept }
    }

    /// The whole file, or the list where that is all that is known.
    pub(super) fn text(&self) -> &Arc<String> {
        &self.text
    }

    /// The list, as it stands in the file.
    pub(super) fn list(&self) -> &str {
        &self.text[self.list.clone()]
    }

    /// Of how many sessions the text is kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.kept.len()
    }

    /// The checksum of the list.
    pub(super) fn checksum(&self) -> &str {
        &self.checksum
    }
}

/// A file that is being put together.
pub(super) struct Writing {
    text: String,
    list: Range<usize>,
    checksum: String,
    plain: Vec<u8>,
    kept: Vec<Kept>,
}

impl Writing {
    /// Writes how a file begins, and a list. What did not change since it was written before is copied.
    pub(super) fn of(
        beginning: &str,
        sessions: &[Session],
        workspace: &Workspace,
        before: &Written,
    ) -> Result<Self, BoundsError> {
        let mut writing = Self::behind(beginning, before, sessions.len());
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
            writing.write(session, &text);
        }
        writing.close();
        Ok(writing)
    }

    /// A list without a session, with room for as much as there was before and a session more.
    fn behind(beginning: &str, before: &Written, count: usize) -> Self {
        let more = |bytes: usize| bytes + (bytes / 8).max(1 << 10);
        let mut text = String::with_capacity(more(before.text.len()));
        text.push_str(beginning);
        let list = text.len()..text.len();
        let plain = Vec::with_capacity(more(before.plain.len()));
        Self { text, list, checksum: String::new(), plain, kept: Vec::with_capacity(count) }
    }

    /// The list.
    pub(super) fn list(&self) -> &str {
        &self.text[self.list.clone()]
    }

    /// The checksum of the list.
    pub(super) fn checksum(&self) -> &str {
        &self.checksum
    }

    /// Ends the file with what stands behind the list.
    pub(super) fn end(mut self, rest: &str) -> Written {
        self.text.push_str(rest);
        let Self { text, list, checksum, plain, kept } = self;
        Written { text: Arc::new(text), list, checksum, plain, kept }
    }

    fn write(&mut self, session: &Session, text: &str) {
        self.begin();
        let (from, plain_from) = (self.text.len(), self.plain.len());
        self.text.push_str(text);
        scan::add_plain(&mut self.plain, text);
        self.keep(session, from, plain_from);
    }

    fn copy(&mut self, before: &Written, kept: &Kept) {
        self.begin();
        let (from, plain_from) = (self.text.len(), self.plain.len());
        self.text.push_str(&before.text[kept.text.clone()]);
        self.plain.extend_from_slice(&before.plain[kept.plain.clone()]);
        self.keep(&kept.session, from, plain_from);
    }

    fn keep(&mut self, session: &Session, from: usize, plain_from: usize) {
        let (text, plain) = (from..self.text.len(), plain_from..self.plain.len());
        self.kept.push(Kept { session: session.clone(), text, plain });
    }

    fn begin(&mut self) {
        let (sign, text) = if self.kept.is_empty() { (b'[', "[\n    ") } else { (b',', ",\n    ") };
        self.text.push_str(text);
        self.plain.push(sign);
    }

    fn close(&mut self) {
        let (text, plain) = if self.kept.is_empty() { ("[]", "[]") } else { ("\n  ]", "]") };
        self.text.push_str(text);
        self.plain.extend_from_slice(plain.as_bytes());
        self.list.end = self.text.len();
        self.checksum = scan::checksum_of_plain(&self.plain);
    }
}

/// The text of a session as it stands in the list.
fn encode(session: &Session, workspace: &Workspace) -> String {
    let alone = BTreeMap::from([("sessions", [record(session, workspace)])]);
    let text = serde_json::to_string_pretty(&alone).expect("a record has text keys and writes to memory");
    let entry = text.strip_prefix(BEFORE).and_then(|text| text.strip_suffix(BEHIND));
    entry.expect("a list of one session begins and ends like this").to_owned()
}
