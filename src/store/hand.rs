//! How sessions are read that stand in the file exactly as we write them: straight from the text, token by token in the order
//! of ours. Whatever is read so would be written with the same letters; everything else is left to the JSON parser.

use std::{str::FromStr, sync::Arc};

use serde_json::{Deserializer, value::RawValue};

use super::{
    parts::{EndedRecord, ProcessRecord},
    record::Text,
    scan::{self, Sum},
};
use crate::{
    clock::Timestamp,
    json::STRING_BYTES_MAX,
    session::{
        Agent, Base, BranchName, Command, Ending, ProcessId, Session, SessionId, SessionParts, SessionStatus,
    },
};

/// What is expected in the text, and the same without the white space in it.
#[derive(Clone, Copy)]
struct Token {
    text: &'static str,
    plain: &'static str,
}

/// The key of a member, up to its value: of a session, and of an object in one.
macro_rules! key {
    ($name:literal) => {
        Token { text: concat!(",\n      \"", $name, "\": "), plain: concat!(",\"", $name, "\":") }
    };
    (first $name:literal) => {
        Token { text: concat!("{\n        \"", $name, "\": "), plain: concat!("{\"", $name, "\":") }
    };
    (inner $name:literal) => {
        Token { text: concat!(",\n        \"", $name, "\": "), plain: concat!(",\"", $name, "\":") }
    };
}

const BEGIN: Token = Token { text: "{\n      \"id\": ", plain: "{\"id\":" };
const END: Token = Token { text: "\n    }", plain: "}" };
const END_INNER: Token = Token { text: "\n      }", plain: "}" };
/// Before each word of a list, and behind the last one: of a session, and of an object in one.
const WORD: [Token; 2] = [Token { text: "\n        ", plain: "" }, Token { text: "\n      ]", plain: "]" }];
const INNER_WORD: [Token; 2] =
    [Token { text: "\n          ", plain: "" }, Token { text: "\n        ]", plain: "]" }];

/// How many characters there are in an id, and in a moment.
const ID_CHARS: usize = 36;
const MOMENT_CHARS: usize = 24;
/// How many digits name a commit.
const COMMIT_DIGITS: [usize; 2] = [40, 64];

/// Which bytes end a string, or do not stand in one as they are.
const IS_SPECIAL: [bool; 256] = {
    let mut is_special = [false; 256];
    let mut byte = 0;
    while byte < b' ' as usize {
        is_special[byte] = true;
        byte += 1;
    }
    is_special[b'"' as usize] = true;
    is_special[b'\\' as usize] = true;
    is_special
};

/// Where in the text the reading is.
pub(super) struct Hand<'a> {
    rest: &'a str,
    is_inside: bool,
    /// The folder of all worktrees, as it stands in the text.
    worktrees: &'a str,
    /// The checksum of what was read, up to what is still in `plain`: without the white space between its tokens.
    sum: Sum,
    plain: Vec<u8>,
    /// The last beginning of a branch.
    last_base: Option<LastBase<'a>>,
}

/// The beginning of a branch and how it is written: in the text, and without the white space.
struct LastBase<'a> {
    text: &'a str,
    plain: Vec<u8>,
    base: Arc<Base>,
}

impl<'a> Hand<'a> {
    /// At the beginning of a list of sessions that have their worktrees in this folder. Nothing where its path is not
    /// written as it is.
    pub(super) fn on(text: &'a str, worktrees: &'a str) -> Option<Self> {
        let is_special = |byte: u8| IS_SPECIAL[usize::from(byte)];
        if worktrees.len() + ID_CHARS >= STRING_BYTES_MAX || worktrees.bytes().any(is_special) {
            return None;
        }
        let (sum, plain) = (Sum::default(), Vec::new());
        Some(Self { rest: text, is_inside: false, worktrees, sum, plain, last_base: None })
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    /// The checksum of what was read.
    pub(super) fn sum(&mut self) -> Sum {
        self.sum = self.sum.with(&self.plain);
        self.plain.clear();
        self.sum
    }

    /// Goes to the next entry, or past the end of the list; says which. Nothing when neither is there.
    pub(super) fn next_entry(&mut self) -> Option<bool> {
        if !self.is_inside {
            self.is_inside = true;
            if self.skip(Token { text: "[]", plain: "[]" }) {
                return Some(false);
            }
            return self.expect(Token { text: "[\n    ", plain: "[" }).map(|()| true);
        }
        if self.skip(Token { text: ",\n    ", plain: "," }) {
            return Some(true);
        }
        self.expect(Token { text: "\n  ]", plain: "]" }).map(|()| false)
    }

    /// Any JSON value.
    pub(super) fn any_value(&mut self) -> Option<&'a str> {
        let mut values = Deserializer::from_str(self.rest).into_iter::<&'a RawValue>();
        let value = values.next()?.ok()?;
        self.rest = &self.rest[values.byte_offset()..];
        scan::add_plain(&mut self.plain, value.get());
        Some(value.get())
    }

    /// A session in our hand; where there is none, nothing was read.
    pub(super) fn session(&mut self) -> Option<Session> {
        let (rest, plain_bytes) = (self.rest, self.plain.len());
        let session = self.parts().map(Session::from_parts);
        if session.is_none() {
            self.rest = rest;
            self.plain.truncate(plain_bytes);
        }
        session
    }

    fn parts(&mut self) -> Option<SessionParts> {
        self.expect(BEGIN)?;
        let id_text = self.fixed(ID_CHARS)?;
        let id: SessionId = id_text.parse().ok()?;
        self.expect(key!("name"))?;
        let name = self.parsed()?;
        self.expect(key!("status"))?;
        let status: SessionStatus = self.parsed()?;
        self.expect(key!("branch"))?;
        let branch = BranchName::from_record(self.text()?).ok()?;
        self.expect(key!("worktreePath"))?;
        self.worktree_of(id_text)?;
        self.expect(key!("createdAt"))?;
        let created = self.fixed(MOMENT_CHARS)?;
        let created_at = Timestamp::from_printed(created)?;
        self.expect(key!("lastActivity"))?;
        let last = self.fixed(MOMENT_CHARS)?;
        // Nobody has worked in most of many.
        let last_activity = if last == created { created_at } else { Timestamp::from_printed(last)? };
        let (mut pid, mut phase) = (None, None);
        if !self.skip(key!("repository")) {
            pid = if self.skip(key!("ptyPid")) { Some(self.number::<u32>()?) } else { None };
            phase = if self.skip(key!("currentPhase")) { Some(self.parsed()?) } else { None };
            self.expect(key!("repository"))?;
        }
        let repository = self.parsed()?;
        let base = if self.skip(key!("base")) { Some(self.base()?) } else { None };
        let parts = SessionParts::on_branch(id, name, branch, created_at);
        let mut parts = SessionParts { repository, status, last_activity, base, phase, ..parts };
        if !self.skip(END) {
            self.program(&mut parts)?;
            self.expect(END)?;
        }
        // The pid of a process that runs stands there twice.
        if parts.process.is_none() {
            parts.unproven_pid = pid.map(i64::from);
        } else if pid != parts.process.as_ref().map(|it| it.pid) {
            return None;
        }
        Some(parts)
    }

    /// What is written of the program that runs in a session, or ran there last.
    fn program(&mut self, parts: &mut SessionParts) -> Option<()> {
        parts.command = if self.skip(key!("command")) { Some(self.command()?) } else { None };
        parts.agent = if self.skip(key!("agent")) { Some(Box::new(self.agent()?)) } else { None };
        parts.process = if self.skip(key!("process")) { Some(Box::new(self.process()?)) } else { None };
        parts.holder = if self.skip(key!("holder")) { Some(Box::new(self.process()?)) } else { None };
        parts.ending = if self.skip(key!("ended")) { Some(Box::new(self.ending()?)) } else { None };
        Some(())
    }

    /// The path of the worktree of this id.
    fn worktree_of(&mut self, id: &str) -> Option<()> {
        let before = self.rest;
        let rest = before.strip_prefix('"')?.strip_prefix(self.worktrees)?;
        let rest = rest.strip_prefix('/')?.strip_prefix(id)?.strip_prefix('"')?;
        self.read_to(rest);
        Some(())
    }

    fn base(&mut self) -> Option<Arc<Base>> {
        // Many begin at one commit.
        if let Some(last) = &self.last_base
            && let Some(rest) = self.rest.strip_prefix(last.text)
        {
            self.plain.extend_from_slice(&last.plain);
            self.rest = rest;
            return Some(Arc::clone(&last.base));
        }
        let (from, plain_from) = (self.rest, self.plain.len());
        self.expect(key!(first "commit"))?;
        let commit = COMMIT_DIGITS.into_iter().find_map(|digits| self.fixed(digits))?.parse().ok()?;
        let reference = if self.skip(key!(inner "reference")) { Some(self.text()?.to_owned()) } else { None };
        self.expect(END_INNER)?;
        let base = Arc::new(Base { commit, reference });
        let (text, plain) = (&from[..from.len() - self.rest.len()], self.plain[plain_from..].to_vec());
        self.last_base = Some(LastBase { text, plain, base: Arc::clone(&base) });
        Some(base)
    }

    fn command(&mut self) -> Option<Command> {
        let words = self.texts(WORD)?;
        Command::of(words).ok()
    }

    fn agent(&mut self) -> Option<Agent> {
        self.expect(key!(first "name"))?;
        let name = self.parsed()?;
        let arguments = if self.skip(key!(inner "arguments")) { self.texts(INNER_WORD)? } else { Vec::new() };
        let conversation = if self.skip(key!(inner "conversation")) { Some(self.parsed()?) } else { None };
        let reports = self.skip(key!(inner "reports"));
        if reports {
            self.expect(Token { text: "true", plain: "true" })?;
        }
        self.expect(END_INNER)?;
        Some(Agent { name, arguments, conversation, reports })
    }

    fn process(&mut self) -> Option<ProcessId> {
        self.expect(key!(first "pid"))?;
        let pid = self.number()?;
        self.expect(key!(inner "started"))?;
        let started = self.number()?;
        self.expect(key!(inner "boot"))?;
        let boot = self.text()?.to_owned();
        self.expect(END_INNER)?;
        ProcessRecord { pid, started, boot }.into_value().ok()
    }

    fn ending(&mut self) -> Option<Ending> {
        self.expect(key!(first "at"))?;
        let at = self.moment()?;
        let code = if self.skip(key!(inner "code")) { Some(self.number()?) } else { None };
        let signal = if self.skip(key!(inner "signal")) { Some(self.number()?) } else { None };
        self.expect(key!(inner "cause"))?;
        let cause = self.parsed()?;
        self.expect(END_INNER)?;
        EndedRecord { at: Text(at), code, signal, cause: Text(cause) }.into_value().ok()
    }

    /// A list of at least one text.
    fn texts(&mut self, [before, end]: [Token; 2]) -> Option<Vec<String>> {
        self.expect(Token { text: "[", plain: "[" })?;
        let mut texts = Vec::new();
        loop {
            self.expect(before)?;
            texts.push(self.text()?.to_owned());
            if !self.skip(Token { text: ",", plain: "," }) {
                self.expect(end)?;
                return Some(texts);
            }
        }
    }

    fn parsed<T: FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }

    fn moment(&mut self) -> Option<Timestamp> {
        Timestamp::from_printed(self.fixed(MOMENT_CHARS)?)
    }

    /// A string; one with an escape may have been written in another way.
    fn text(&mut self) -> Option<&'a str> {
        let inside = self.rest.strip_prefix('"')?;
        let end = inside.bytes().position(|byte| IS_SPECIAL[usize::from(byte)])?;
        let rest = inside[end..].strip_prefix('"')?;
        if end > STRING_BYTES_MAX {
            return None;
        }
        self.read_to(rest);
        Some(&inside[..end])
    }

    /// What stands between two quotes so far from each other. It can have anything in it, so who takes it must know every
    /// character.
    fn fixed(&mut self, bytes: usize) -> Option<&'a str> {
        let inside = self.rest.strip_prefix('"')?;
        let text = inside.get(..bytes)?;
        self.read_to(inside[bytes..].strip_prefix('"')?);
        Some(text)
    }

    /// A number without sign, as it is printed.
    fn number<T: FromStr>(&mut self) -> Option<T> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (text, rest) = self.rest.split_at(digits);
        if text.len() > 1 && text.starts_with('0') {
            return None;
        }
        self.read_to(rest);
        text.parse().ok()
    }

    /// Goes on to a later place; what lies between has no white space but in strings.
    fn read_to(&mut self, rest: &'a str) {
        self.plain.extend_from_slice(&self.rest.as_bytes()[..self.rest.len() - rest.len()]);
        self.rest = rest;
    }

    #[inline]
    fn expect(&mut self, exactly: Token) -> Option<()> {
        self.skip(exactly).then_some(())
    }

    #[inline]
    fn skip(&mut self, exactly: Token) -> bool {
        match self.rest.strip_prefix(exactly.text) {
            Some(rest) => {
                self.rest = rest;
                self.plain.extend_from_slice(exactly.plain.as_bytes());
                true
            }
            None => false,
        }
    }
}
