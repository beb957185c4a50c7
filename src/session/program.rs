//! The program of a session: which one it is, and how the last one ended.

use std::fmt;

use thiserror::Error;

use super::{Label, ProcessId, Program, Session, SessionStatus};
use crate::clock::Timestamp;

/// The most words of a command.
pub const COMMAND_WORDS_MAX: usize = 1_000;
/// The most bytes of a command, all words together.
pub const COMMAND_BYTES_MAX: usize = 128 << 10;

/// The variable that every process of a session has in its environment, with the session's id.
pub const SESSION_VARIABLE: &str = "WHARF_SESSION";

/// The variable that only the processes of its context have besides, with the same: they outlive the program in its terminal.
pub const CONTEXT_VARIABLE: &str = "WHARF_CONTEXT";

/// The variable that only a process has that keeps the terminal or the context of a session, and nothing it starts.
pub const HOLDER_VARIABLE: &str = "WHARF_HOLDER";

/// A program and its arguments: at least one word that is not empty, no NUL, within bounds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Command(Vec<String>);

/// Why words are no command.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CommandError {
    /// No program is named.
    #[error("a command begins with a program")]
    Empty,
    /// The system ends a word at a NUL.
    #[error("a command has no NUL in it")]
    Nul,
    /// It is longer than anything we keep.
    #[error("a command has at most {COMMAND_WORDS_MAX} words and {COMMAND_BYTES_MAX} bytes")]
    TooLong,
}

/// How a process that ran in a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// When; when nobody saw it, the last moment somebody knew of it or noticed.
    pub at: Timestamp,
    /// In which way.
    pub how: How,
    /// Who or what brought it about.
    pub cause: Cause,
}

/// In which way a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// Nobody was there to see.
    Unseen,
}

/// Why a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// By itself.
    Itself,
    /// Somebody asked for it.
    Asked,
    /// The container was about to stop, and it was ended in order.
    Shutdown,
    /// The container or the machine stopped without a word.
    Restart,
    /// Its holder was killed.
    Lost,
    /// A cause that a newer wharf knows.
    Unknown(Label),
}

impl Command {
    /// A program and its arguments.
    pub fn of(words: Vec<String>) -> Result<Self, CommandError> {
        if words.first().is_none_or(String::is_empty) {
            return Err(CommandError::Empty);
        }
        if words.len() > COMMAND_WORDS_MAX || words.iter().map(String::len).sum::<usize>() > COMMAND_BYTES_MAX
        {
            return Err(CommandError::TooLong);
        }
        if words.iter().any(|word| word.contains('\0')) {
            return Err(CommandError::Nul);
        }
        Ok(Self(words))
    }

    /// The words, the program first.
    pub fn words(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Command {
    /// The words as a person would type them; for reading, not for a shell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.0.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            let is_plain = !word.is_empty() && !word.contains([' ', '\t', '\n', '\'', '"', '\\']);
            if is_plain {
                write!(f, "{space}{word}")?;
            } else {
                write!(f, "{space}'{}'", word.replace('\'', "'\\''"))?;
            }
        }
        Ok(())
    }
}

impl Ending {
    /// Whether the command may be brought back without being asked for: nobody wanted it to end.
    pub fn is_interruption(&self) -> bool {
        match self.cause {
            Cause::Shutdown | Cause::Restart | Cause::Lost => true,
            Cause::Itself | Cause::Asked | Cause::Unknown(_) => false,
        }
    }

    /// How a session is doing whose process ended like this.
    fn status(&self) -> SessionStatus {
        match self.cause {
            Cause::Asked => SessionStatus::Stopped,
            Cause::Shutdown | Cause::Restart => SessionStatus::Idle,
            Cause::Itself | Cause::Unknown(_) if self.how == How::Exited(0) => SessionStatus::Stopped,
            Cause::Itself | Cause::Lost | Cause::Unknown(_) => SessionStatus::Error,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Lost => return f.write_str("its holder was killed; `wharf start` begins anew"),
            Cause::Restart => return f.write_str("ended by a restart; `wharf resume` brings it back"),
            Cause::Shutdown => f.write_str("ended for a shutdown; `wharf resume` brings it back")?,
            Cause::Asked => f.write_str("stopped")?,
            Cause::Itself => f.write_str("ended")?,
            Cause::Unknown(cause) => write!(f, "ended ({cause})")?,
        }
        match self.how {
            How::Exited(code) => write!(f, ", exit code {code}"),
            How::Signalled(signal) => write!(f, ", signal {signal}"),
            How::Unseen => Ok(()),
        }
    }
}

impl Session {
    /// The command that was started in it last.
    pub fn command(&self) -> Option<&Command> {
        self.0.command.as_ref()
    }

    /// The process that runs in it.
    pub fn process(&self) -> Option<&ProcessId> {
        self.0.process.as_deref()
    }

    /// The process that holds the terminal of its process.
    pub fn holder(&self) -> Option<&ProcessId> {
        self.0.holder.as_deref()
    }

    /// How its last process ended; nothing while one runs.
    pub fn ending(&self) -> Option<&Ending> {
        self.0.ending.as_deref()
    }

    /// The pid to show: that of its process, else the one somebody wrote without proof.
    pub fn pty_pid(&self) -> Option<i64> {
        self.0.process.as_ref().map(|process| i64::from(process.pid)).or(self.0.unproven_pid)
    }

    /// A program runs in it from now on.
    pub fn run(
        &mut self,
        program: impl Into<Program>,
        process: ProcessId,
        holder: ProcessId,
        now: Timestamp,
    ) {
        let program = program.into();
        let parts = self.parts_mut();
        parts.command = Some(program.command);
        parts.agent = program.agent.map(Box::new);
        (parts.process, parts.holder) = (Some(Box::new(process)), Some(Box::new(holder)));
        (parts.unproven_pid, parts.ending) = (None, None);
        self.set_status(SessionStatus::Active, now);
    }

    /// A run that was written down never came to be: everything about it is as before.
    pub fn take_back_run(&mut self, before: &Self) {
        let (parts, before) = (self.parts_mut(), &before.0);
        parts.command.clone_from(&before.command);
        parts.agent.clone_from(&before.agent);
        parts.process.clone_from(&before.process);
        parts.holder.clone_from(&before.holder);
        parts.unproven_pid = before.unproven_pid;
        parts.ending.clone_from(&before.ending);
        parts.status = before.status;
    }

    /// Its process ended. Whether that is a failure follows from how and why; its work is as it was.
    pub fn end(&mut self, ending: Ending) {
        let parts = self.parts_mut();
        parts.status = ending.status();
        (parts.process, parts.holder, parts.unproven_pid) = (None, None, None);
        parts.ending = Some(Box::new(ending));
    }

    /// Its holder was killed, and nobody saw what became of its process.
    pub fn lose(&mut self, now: Timestamp) {
        self.end(Ending { at: now, how: How::Unseen, cause: Cause::Lost });
    }

    /// Comes back after a restart: nothing runs, whatever the record says. A process that the record has was ended by
    /// the restart, at the earliest when somebody last worked in the session.
    pub fn rest(&mut self) {
        if self.0.process.is_some() {
            self.end(Ending { at: self.0.last_activity, how: How::Unseen, cause: Cause::Restart });
        }
        let parts = self.parts_mut();
        parts.status = SessionStatus::Idle;
        (parts.holder, parts.unproven_pid) = (None, None);
    }

    /// Takes over what is going on with another reading of the same session: journal and process. A process with a
    /// holder is written into every record of the session as it starts and ends, so that this one knows best.
    #[must_use]
    pub fn at_work_as(mut self, other: &Self) -> Self {
        let (parts, other) = (self.parts_mut(), &other.0);
        parts.pending.clone_from(&other.pending);
        if parts.holder.is_none() && other.holder.is_none() {
            parts.process.clone_from(&other.process);
            parts.unproven_pid = other.unproven_pid;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::example, *};

    fn at(days: u32) -> Timestamp {
        Timestamp::from_unix_millis(1_763_980_200_000).unwrap().plus_days(days)
    }

    fn command(words: &[&str]) -> Result<Command, CommandError> {
        Command::of(words.iter().copied().map(ToOwned::to_owned).collect())
    }

    fn process(pid: u32) -> ProcessId {
        ProcessId { pid, started: 1, boot: "b/1".to_owned() }
    }

    fn running() -> Session {
        let mut session = example(at(0));
        session.run(command(&["make", "test"]).unwrap(), process(8), process(9), at(1));
        session
    }

    fn ending(how: How, cause: Cause) -> Ending {
        Ending { at: at(2), how, cause }
    }

    #[test]
    fn a_command_has_a_program_and_bounds() {
        assert_eq!(command(&["sh", "", "-c"]).unwrap().words(), ["sh", "", "-c"]);
        assert_eq!(command(&[]), Err(CommandError::Empty));
        assert_eq!(command(&["", "x"]), Err(CommandError::Empty));
        assert_eq!(command(&["sh", "a\0b"]), Err(CommandError::Nul));
        assert!(command(&["x"; COMMAND_WORDS_MAX]).is_ok());
        assert_eq!(command(&["x"; COMMAND_WORDS_MAX + 1]), Err(CommandError::TooLong));
        assert!(command(&["sh", &"x".repeat(COMMAND_BYTES_MAX - 2)]).is_ok());
        assert_eq!(command(&["sh", &"x".repeat(COMMAND_BYTES_MAX - 1)]), Err(CommandError::TooLong));
    }

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let shown = |words: &[&str]| command(words).unwrap().to_string();
        assert_eq!(shown(&["make", "-j2", "test"]), "make -j2 test");
        assert_eq!(shown(&["sh", "-c", "a b", "", "it's"]), r"sh -c 'a b' '' 'it'\''s'");
    }

    #[test]
    fn a_session_that_runs_is_active_and_has_no_ending() {
        let mut session = running();
        assert_eq!((session.status(), session.last_activity()), (SessionStatus::Active, at(1)));
        assert_eq!((session.process(), session.holder()), (Some(&process(8)), Some(&process(9))));
        assert_eq!(session.pty_pid(), Some(8));
        session.lose(at(2));
        session.run(command(&["sh"]).unwrap(), process(10), process(11), at(3));
        assert_eq!((session.ending(), session.command()), (None, Some(&command(&["sh"]).unwrap())));
    }

    #[test]
    fn a_run_that_never_came_to_be_leaves_only_a_trace_of_activity() {
        let mut before = example(at(0));
        before.end(ending(How::Exited(1), Cause::Itself));
        let mut session = before.clone();
        session.run(command(&["sh"]).unwrap(), process(10), process(11), at(3));
        session.take_back_run(&before);
        assert_eq!(session.last_activity(), at(3));
        before.touch(at(3));
        assert_eq!(session, before);
    }

    #[test]
    fn an_end_is_a_failure_when_nobody_asked_and_it_was_not_zero() {
        for (how, cause, status) in [
            (How::Exited(0), Cause::Itself, SessionStatus::Stopped),
            (How::Exited(1), Cause::Itself, SessionStatus::Error),
            (How::Signalled(11), Cause::Itself, SessionStatus::Error),
            (How::Signalled(15), Cause::Asked, SessionStatus::Stopped),
            (How::Unseen, Cause::Asked, SessionStatus::Stopped),
            (How::Exited(1), Cause::Shutdown, SessionStatus::Idle),
            (How::Unseen, Cause::Lost, SessionStatus::Error),
            (How::Exited(0), Cause::Unknown("moved".parse().unwrap()), SessionStatus::Stopped),
        ] {
            let mut session = running();
            let ending = ending(how, cause);
            session.end(ending.clone());
            assert_eq!(session.status(), status, "{ending:?}");
            assert_eq!(session.ending(), Some(&ending));
            assert_eq!((session.process(), session.holder(), session.pty_pid()), (None, None, None));
            assert_eq!(session.command(), running().command());
            assert_eq!(session.last_activity(), at(1), "an end is nobody's work");
        }
    }

    #[test]
    fn a_restart_is_remembered_as_the_end_of_what_ran() {
        let mut session = running();
        session.rest();
        let ended = Ending { at: at(1), how: How::Unseen, cause: Cause::Restart };
        assert_eq!((session.status(), session.ending()), (SessionStatus::Idle, Some(&ended)));
        assert_eq!((session.process(), session.holder()), (None, None));
        assert!(ended.is_interruption());
        session.rest();
        assert_eq!(session.ending(), Some(&ended), "a second start knows no better");
    }

    #[test]
    fn what_had_ended_before_a_restart_keeps_its_ending() {
        for cause in [Cause::Asked, Cause::Itself, Cause::Shutdown, Cause::Lost] {
            let mut session = running();
            let before = ending(How::Exited(1), cause);
            session.end(before.clone());
            session.rest();
            assert_eq!((session.status(), session.ending()), (SessionStatus::Idle, Some(&before)));
        }
        let mut fresh = example(at(0));
        fresh.end(ending(How::Exited(0), Cause::Itself));
        assert!(!fresh.ending().unwrap().is_interruption());
    }

    #[test]
    fn a_lost_session_says_so() {
        let mut session = running();
        session.lose(at(3));
        assert_eq!(session.status(), SessionStatus::Error);
        let ending = session.ending().unwrap();
        assert_eq!(ending.to_string(), "its holder was killed; `wharf start` begins anew");
        assert!(ending.is_interruption());
    }

    #[test]
    fn an_ending_is_told_with_its_code_or_signal() {
        let told = |how, cause| ending(how, cause).to_string();
        assert_eq!(told(How::Exited(3), Cause::Itself), "ended, exit code 3");
        assert_eq!(told(How::Signalled(9), Cause::Asked), "stopped, signal 9");
        assert_eq!(told(How::Unseen, Cause::Shutdown), "ended for a shutdown; `wharf resume` brings it back");
        assert_eq!(told(How::Unseen, Cause::Unknown("moved".parse().unwrap())), "ended (moved)");
    }

    #[test]
    fn an_older_reading_does_not_bring_a_process_back() {
        let (old, new) = (running(), example(at(0)));
        let mut ended = running();
        ended.end(ending(How::Exited(0), Cause::Itself));
        assert_eq!(ended.clone().at_work_as(&old), ended);
        assert_eq!(old.clone().at_work_as(&ended).process(), old.process());
        assert_eq!(old.clone().at_work_as(&new).process(), old.process());
        // What somebody else wrote, without a holder, is only in the table.
        let mut rested = example(at(0));
        rested.rest();
        assert_eq!(rested.at_work_as(&new).process(), new.process());
    }
}
