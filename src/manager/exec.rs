//! A command runs in the context of a session.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::OsStrExt as _,
    time::Duration,
};

use super::{ManagerError, SessionManager};
use crate::{
    interpreter::Interpreter,
    session::{Session, SessionId},
    shell::{Caller, Done, Ground, Place, Request, ShellError},
};

/// A command that is to run in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecCommand {
    /// What is to be run.
    pub command: CommandText,
    /// In which context.
    pub ground: Ground,
    /// By which interpreter; none: the one that the context has, else the one of the settings.
    pub interpreter: Option<String>,
    /// How long it may take, zero: as long as it wants; none: as long as the settings say.
    pub time_limit: Option<Duration>,
}

/// What is to be run, as somebody gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandText {
    /// A text in the language of the interpreter.
    Text(Vec<u8>),
    /// A program and its arguments, which arrive as they are where the interpreter is a shell.
    Words(Vec<OsString>),
}

impl SessionManager {
    /// Whether a command runs in the context of a session, or something that one left running.
    pub fn is_executing(&self, id: SessionId) -> bool {
        self.shells.processes(id).unwrap_or_default().is_busy
    }

    /// Runs a command in the context of a session, and answers what became of it.
    pub fn exec(
        &mut self,
        who: &str,
        command: ExecCommand,
        caller: Caller<'_>,
    ) -> Result<(Session, Done), ManagerError> {
        let session = self.executable(who)?;
        let ExecCommand { command, ground, interpreter, time_limit } = command;
        let text = match command {
            CommandText::Text(text) => text,
            CommandText::Words(words) if self.is_shell(&session, interpreter.as_deref()) => quoted(&words),
            CommandText::Words(words) => words.join(OsStr::new(" ")).as_bytes().to_owned(),
        };
        // A context that lives knows the settings of the day it began.
        let time_limit = time_limit.or(self.settings.shell.limits.time_limit).or(Some(Duration::ZERO));
        let request = Request { text, ground, interpreter, time_limit };
        let done = self.shells.exec(&self.place(&session), &request, caller);
        done.map(|done| (session.clone(), done)).map_err(|source| shell_error(&session, source))
    }

    /// The session a person means, if its files are there and nobody is at work with it. This is on the way of every
    /// command, so it reads the table once, asks git only when something looks wrong, and writes nothing.
    pub(super) fn executable(&mut self, who: &str) -> Result<Session, ManagerError> {
        let session = self.stored_session(who)?;
        if session.pending().is_none() && self.has_files(session.id()) {
            return Ok(session);
        }
        self.startable(who)
    }

    /// Where the context of a session lives.
    pub(super) fn place(&self, session: &Session) -> Place {
        Place {
            id: session.id(),
            name: session.name().clone(),
            workspace: self.workspace.root().to_owned(),
            worktree: self.workspace.worktree(session.id()),
            limits: self.settings.shell.limits,
        }
    }

    /// Whether the folder of a session is there and says that it is a worktree.
    fn has_files(&self, id: SessionId) -> bool {
        let folder = self.workspace.worktree(id);
        let is_folder = fs::symlink_metadata(&folder).is_ok_and(|found| found.is_dir());
        is_folder && fs::symlink_metadata(folder.join(".git")).is_ok()
    }

    /// Whether what would run a command takes words apart and quotes off as a shell does.
    fn is_shell(&self, session: &Session, asked: Option<&str>) -> bool {
        let has = if asked.is_none() { self.context(session) } else { None };
        let known = asked.or(has.as_ref().map(|context| context.interpreter.as_str()));
        let name = known.unwrap_or(&self.settings.shell.interpreter);
        self.settings.interpreters.find(name).is_some_and(Interpreter::is_shell)
    }
}

/// Words as a shell has to be given them to see them as they are. The first is always quoted, so that it is no alias, no
/// keyword and no assignment.
fn quoted(words: &[OsString]) -> Vec<u8> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./:,+@%".contains(byte);
    let mut text = Vec::new();
    for (at, word) in words.iter().map(|word| word.as_bytes()).enumerate() {
        if at > 0 {
            text.push(b' ');
        }
        if at > 0 && !word.is_empty() && word.iter().all(is_plain) {
            text.extend(word);
            continue;
        }
        text.push(b'\'');
        for &byte in word {
            // A quote ends what is quoted, stands behind a backslash, and begins the next.
            if byte == b'\'' { text.extend(b"'\\''") } else { text.push(byte) }
        }
        text.push(b'\'');
    }
    text
}

/// An error of a session's context.
pub(super) fn shell_error(session: &Session, source: ShellError) -> ManagerError {
    ManagerError::Shell { name: session.name().clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a real shell is the judge")]
    fn words_are_quoted_so_that_a_shell_sees_them_as_they_are() {
        let words =
            ["printf", "%s|", "a b", "it's", "", "$HOME `x` \\ \"", "new\nline", "*"].map(OsString::from);
        let mut shell = std::process::Command::new("sh");
        shell.arg("-c").arg(OsStr::from_bytes(&quoted(&words)));
        let said = String::from_utf8(shell.output().unwrap().stdout).unwrap();
        assert_eq!(said, "a b|it's||$HOME `x` \\ \"|new\nline|*|");
        let words = ["make", "-C", "src", "a b"].map(OsString::from);
        assert_eq!(quoted(&words), b"'make' -C src 'a b'");
    }
}
