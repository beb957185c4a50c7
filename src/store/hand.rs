//! How sessions are read that stand in the file exactly as we write them: straight from the text, token by token in the order
//! of ours. Whatever is read so would be written with the same letters; everything else is left to the JSON parser.

use std::str::FromStr;

use serde_json::{Deserializer, value::RawValue};

use super::{
    parts::{EndedRecord, ProcessRecord},
    record::Text,
};
use crate::{
    clock::Timestamp,
    json::{Members, STRING_BYTES_MAX},
    session::{
        Agent, Base, BranchName, Command, Ending, ProcessId, Session, SessionId, SessionParts, SessionStatus,
    },
};

/// What stands before the key of a member: of a session, and of an object in one.
const MEMBER: &str = ",\n      \"";
const FIRST_INNER: &str = "{\n        \"";
const INNER: &str = ",\n        \"";
const END_INNER: &str = "\n      }";

/// Where in the text the reading is.
#[derive(Clone)]
pub(super) struct Hand<'a> {
    rest: &'a str,
    is_inside: bool,
}

impl<'a> Hand<'a> {
    /// At the beginning of a list of sessions.
    pub(super) fn on(text: &'a str) -> Self {
        Self { rest: text, is_inside: false }
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    /// The text from here to a later place.
    pub(super) fn until(&self, later: &Self) -> &'a str {
        &self.rest[..self.rest.len() - later.rest.len()]
    }

    /// Goes to the next entry, or past the end of the list; says which. Nothing when neither is there.
    pub(super) fn next_entry(&mut self) -> Option<bool> {
        if !self.is_inside {
            self.is_inside = true;
            return if self.skip("[]") { Some(false) } else { self.expect("[\n    ").map(|()| true) };
        }
        if self.skip(",\n    ") { Some(true) } else { self.expect("\n  ]").map(|()| false) }
    }

    /// Any JSON value.
    pub(super) fn any_value(&mut self) -> Option<&'a str> {
        let mut values = Deserializer::from_str(self.rest).into_iter::<&'a RawValue>();
        let value = values.next()?.ok()?;
        self.rest = &self.rest[values.byte_offset()..];
        Some(value.get())
    }

    /// A session in our hand, with its worktree in this folder.
    pub(super) fn session(&mut self, worktrees: &str) -> Option<Session> {
        self.expect("{\n      \"id\": ")?;
        let id_text = self.text()?;
        let id: SessionId = id_text.parse().ok()?;
        self.required("name")?;
        let name = self.parsed()?;
        self.required("status")?;
        let status: SessionStatus = self.parsed()?;
        self.required("branch")?;
        let branch = BranchName::from_record(self.text()?).ok()?;
        self.required("worktreePath")?;
        let below = self.text()?.strip_prefix(worktrees)?.strip_prefix('/')?;
        self.required("createdAt")?;
        let created = self.text()?;
        let created_at = Timestamp::from_printed(created)?;
        self.required("lastActivity")?;
        let last = self.text()?;
        // Nobody has worked in most of many.
        let last_activity = if last == created { created_at } else { Timestamp::from_printed(last)? };
        let pid: Option<u32> = if self.member(MEMBER, "ptyPid") { Some(self.number()?) } else { None };
        let phase = if self.member(MEMBER, "currentPhase") { Some(self.parsed()?) } else { None };
        self.required("repository")?;
        let repository = self.parsed()?;
        let base = if self.member(MEMBER, "base") { Some(self.base()?) } else { None };
        let command = if self.member(MEMBER, "command") { Some(self.command()?) } else { None };
        let agent = if self.member(MEMBER, "agent") { Some(self.agent()?) } else { None };
        let process = if self.member(MEMBER, "process") { Some(self.process()?) } else { None };
        let holder = if self.member(MEMBER, "holder") { Some(self.process()?) } else { None };
        let ending = if self.member(MEMBER, "ended") { Some(self.ending()?) } else { None };
        self.expect("\n    }")?;
        // The pid of a process that runs stands there twice.
        if below != id_text || (process.is_some() && pid != process.as_ref().map(|it| it.pid)) {
            return None;
        }
        Some(Session::from_parts(SessionParts {
            id,
            name,
            created_at,
            repository,
            branch,
            status,
            last_activity,
            base,
            phase,
            metadata: Members::new(),
            unproven_pid: pid.filter(|_| process.is_none()).map(i64::from),
            command,
            agent,
            process,
            holder,
            ending,
            binding: None,
            setup: None,
            pending: None,
            unknown: Members::new(),
        }))
    }

    fn base(&mut self) -> Option<Base> {
        self.inner(FIRST_INNER, "commit")?;
        let commit = self.parsed()?;
        let reference = if self.member(INNER, "reference") { Some(self.text()?.to_owned()) } else { None };
        self.expect(END_INNER)?;
        Some(Base { commit, reference })
    }

    fn command(&mut self) -> Option<Command> {
        let words = self.texts("\n        ", "\n      ]")?;
        Command::of(words).ok()
    }

    fn agent(&mut self) -> Option<Agent> {
        self.inner(FIRST_INNER, "name")?;
        let name = self.parsed()?;
        let arguments = if self.member(INNER, "arguments") {
            self.texts("\n          ", "\n        ]")?
        } else {
            Vec::new()
        };
        let conversation = if self.member(INNER, "conversation") { Some(self.parsed()?) } else { None };
        let reports = self.member(INNER, "reports");
        if reports {
            self.expect("true")?;
        }
        self.expect(END_INNER)?;
        Some(Agent { name, arguments, conversation, reports })
    }

    fn process(&mut self) -> Option<ProcessId> {
        self.inner(FIRST_INNER, "pid")?;
        let pid = self.number()?;
        self.inner(INNER, "started")?;
        let started = self.number()?;
        self.inner(INNER, "boot")?;
        let boot = self.text()?.to_owned();
        self.expect(END_INNER)?;
        ProcessRecord { pid, started, boot }.into_value().ok()
    }

    fn ending(&mut self) -> Option<Ending> {
        self.inner(FIRST_INNER, "at")?;
        let at = self.moment()?;
        let code = if self.member(INNER, "code") { Some(self.number()?) } else { None };
        let signal = if self.member(INNER, "signal") { Some(self.number()?) } else { None };
        self.inner(INNER, "cause")?;
        let cause = self.parsed()?;
        self.expect(END_INNER)?;
        EndedRecord { at: Text(at), code, signal, cause: Text(cause) }.into_value().ok()
    }

    /// A list of at least one text, each after this much space.
    fn texts(&mut self, space: &str, end: &str) -> Option<Vec<String>> {
        self.expect("[")?;
        let mut texts = Vec::new();
        loop {
            self.expect(space)?;
            texts.push(self.text()?.to_owned());
            if !self.skip(",") {
                self.expect(end)?;
                return Some(texts);
            }
        }
    }

    fn required(&mut self, key: &str) -> Option<()> {
        self.inner(MEMBER, key)
    }

    fn inner(&mut self, before: &str, key: &str) -> Option<()> {
        self.member(before, key).then_some(())
    }

    /// Whether a member of this name comes next; then its value does.
    fn member(&mut self, before: &str, key: &str) -> bool {
        let rest = self.rest.strip_prefix(before).and_then(|rest| rest.strip_prefix(key));
        match rest.and_then(|rest| rest.strip_prefix("\": ")) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn parsed<T: FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }

    fn moment(&mut self) -> Option<Timestamp> {
        Timestamp::from_printed(self.text()?)
    }

    /// A string; one with an escape may have been written in another way.
    fn text(&mut self) -> Option<&'a str> {
        let inside = self.rest.strip_prefix('"')?;
        let end = memchr::memchr2(b'"', b'\\', inside.as_bytes())?;
        let text = &inside[..end];
        if !inside[end..].starts_with('"') || end > STRING_BYTES_MAX || text.bytes().any(|byte| byte < b' ') {
            return None;
        }
        self.rest = &inside[end + 1..];
        Some(text)
    }

    /// A number without sign, as it is printed.
    fn number<T: FromStr>(&mut self) -> Option<T> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (text, rest) = self.rest.split_at(digits);
        if text.len() > 1 && text.starts_with('0') {
            return None;
        }
        self.rest = rest;
        text.parse().ok()
    }

    fn expect(&mut self, exactly: &str) -> Option<()> {
        self.skip(exactly).then_some(())
    }

    fn skip(&mut self, exactly: &str) -> bool {
        match self.rest.strip_prefix(exactly) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}
