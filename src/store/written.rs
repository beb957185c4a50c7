//! The list of sessions as text, with the text of each of them: a change of one writes that one anew and copies the others.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    record::record,
    scan::{self, Sum},
};
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
    sum: Sum,
    /// The sessions whose text is what they would be written as, in the order of the list.
    kept: Vec<Kept>,
}

/// A session whose text is what it would be written as, and where that is.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) session: Session,
    pub(super) text: Range<usize>,
    pub(super) summed: Summed,
}

/// The checksums of a list up to a part of it, and with that part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Summed {
    /// Which list that is; what is copied from it to another one keeps what it knows.
    pub(super) list: ListId,
    pub(super) from: Sum,
    pub(super) to: Sum,
}

/// Tells apart the lists that a process has read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ListId(u64);

impl ListId {
    /// One that no list has yet.
    pub(super) fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Written {
    /// A list that somebody wrote, in whichever way.
    pub(super) fn unknown(list: &str) -> Self {
        Self { text: Arc::new(list.to_owned()), list: 0..list.len(), sum: Sum::of(list), kept: Vec::new() }
    }

    /// The list that stands in this part of a file.
    pub(super) fn read(text: &Arc<String>, list: Range<usize>, sum: Sum, kept: Vec<Kept>) -> Self {
        Self { text: Arc::clone(text), list, sum, kept }
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
    pub(super) fn checksum(&self) -> String {
        self.sum.to_string()
    }
}

/// A file that is being put together.
pub(super) struct Writing {
    text: String,
    list: Range<usize>,
    id: ListId,
    /// Of the list so far, without what is copied.
    sum: Sum,
    /// What was copied last, which begins where that ends: many entries are summed up at once.
    copied: Option<Summed>,
    kept: Vec<Kept>,
}

impl Writing {
    /// Writes how a file begins, and a list, into this memory. What did not change since it was written before is copied.
    pub(super) fn of(
        beginning: &str,
        sessions: &[Session],
        workspace: &Workspace,
        before: &Written,
        room: String,
    ) -> Result<Self, BoundsError> {
        let mut writing = Self::behind(beginning, before, sessions.len(), room);
        let mut plain = Vec::new();
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
            plain.clear();
            scan::add_plain(&mut plain, &text);
            writing.write(session, &text, &plain);
        }
        writing.close();
        Ok(writing)
    }

    /// A list without a session, with room for as much as there was before and a session more.
    fn behind(beginning: &str, before: &Written, count: usize, mut text: String) -> Self {
        text.clear();
        text.reserve(before.text.len() + (before.text.len() / 8).max(1 << 10));
        text.push_str(beginning);
        let list = text.len()..text.len();
        let (id, sum, kept) = (ListId::fresh(), Sum::default(), Vec::with_capacity(count));
        Self { text, list, id, sum, copied: None, kept }
    }

    /// The list.
    pub(super) fn list(&self) -> &str {
        &self.text[self.list.clone()]
    }

    /// The checksum of the list.
    pub(super) fn checksum(&self) -> String {
        self.sum.to_string()
    }

    /// Ends the file with what stands behind the list.
    pub(super) fn end(mut self, rest: &str) -> Written {
        self.text.push_str(rest);
        let Self { text, list, sum, kept, .. } = self;
        Written { text: Arc::new(text), list, sum, kept }
    }

    fn write(&mut self, session: &Session, text: &str, plain: &[u8]) {
        let sign = self.begin();
        self.sum_up();
        let from = self.sum.with(&[sign]);
        self.sum = from.with(plain);
        self.keep(session, text, Summed { list: self.id, from, to: self.sum });
    }

    fn copy(&mut self, before: &Written, kept: &Kept) {
        let sign = self.begin();
        match &mut self.copied {
            Some(copied) if copied.is_before(&kept.summed) => copied.to = kept.summed.to,
            _ => {
                self.sum_up();
                self.sum = self.sum.with(&[sign]);
                self.copied = Some(kept.summed);
            }
        }
        self.keep(&kept.session, &before.text[kept.text.clone()], kept.summed);
    }

    fn keep(&mut self, session: &Session, text: &str, summed: Summed) {
        let from = self.text.len();
        self.text.push_str(text);
        self.kept.push(Kept { session: session.clone(), text: from..self.text.len(), summed });
    }

    /// Writes what stands before an entry, and says which sign that is.
    fn begin(&mut self) -> u8 {
        let (sign, text) = if self.kept.is_empty() { (b'[', "[\n    ") } else { (b',', ",\n    ") };
        self.text.push_str(text);
        sign
    }

    /// Sums up what was copied.
    fn sum_up(&mut self) {
        if let Some(copied) = self.copied.take() {
            self.sum = self.sum.with_part(copied.from, copied.to);
        }
    }

    fn close(&mut self) {
        self.sum_up();
        let (text, plain) = if self.kept.is_empty() { ("[]", "[]") } else { ("\n  ]", "]") };
        self.text.push_str(text);
        self.list.end = self.text.len();
        self.sum = self.sum.with(plain.as_bytes());
    }
}

impl Summed {
    /// Whether the other part follows this one in one list, behind a comma.
    fn is_before(&self, other: &Self) -> bool {
        self.list == other.list && self.to.is_one_before(other.from)
    }
}

/// The text of a session as it stands in the list.
fn encode(session: &Session, workspace: &Workspace) -> String {
    let alone = BTreeMap::from([("sessions", [record(session, workspace)])]);
    let text = serde_json::to_string_pretty(&alone).expect("a record has text keys and writes to memory");
    let entry = text.strip_prefix(BEFORE).and_then(|text| text.strip_suffix(BEHIND));
    entry.expect("a list of one session begins and ends like this").to_owned()
}
