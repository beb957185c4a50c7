//! A table in memory, and terminals and contexts that do and tell what a test wants of them.

use std::{collections::BTreeSet, sync::Mutex, time::Duration};

use super::*;
use crate::{
    session::{Cause, Command, Ending, How},
    shell::Finish,
    store::StoreError,
    terminal::Held,
    worktree::{Loss, Worktree, WorktreeLock, WorktreeState},
};

/// A table in memory, terminals that write into it as holders do, and what happened, in order.
#[derive(Clone)]
pub(super) struct House {
    pub(super) table: Arc<Mutex<Vec<Session>>>,
    pub(super) story: Arc<Mutex<Vec<String>>>,
    pub(super) launches: Arc<Mutex<Vec<Launch>>>,
    /// Which commit fails because the lock is held, from 1; 0: none.
    pub(super) locked_commits: Arc<Mutex<usize>>,
    pub(super) holder: Holder,
    pub(super) settings: Settings,
    pub(super) worktree: WorktreeState,
    pub(super) losses: Vec<Loss>,
    /// What a holder that the table does not know holds in any session.
    pub(super) held: Option<Held>,
    /// The context that lives in any session.
    pub(super) context: Option<Processes>,
    /// Whether a command comes to it just before it is unloaded.
    pub(super) is_late: bool,
    pub(super) clock: Arc<Mutex<Timestamp>>,
}

/// How the holders of a house behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// They do what they are told and write it down.
    Works,
    /// They do what they are told and cannot write.
    Mute,
    /// There is none; this many processes with the mark are left.
    Dead(usize),
    /// They do not answer.
    Silent,
    /// They cannot start a program.
    Refuses,
    /// They cannot be reached, for no reason that anybody foresaw.
    Broken,
}

struct Hands(Arc<Mutex<Timestamp>>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl House {
    pub(super) fn with(sessions: Vec<Session>) -> Self {
        Self {
            table: Arc::new(Mutex::new(sessions)),
            story: Arc::default(),
            launches: Arc::default(),
            locked_commits: Arc::default(),
            holder: Holder::Works,
            settings: Settings::default(),
            worktree: WorktreeState::Present,
            losses: Vec::new(),
            held: None,
            context: None,
            is_late: false,
            clock: Arc::new(Mutex::new(at(5))),
        }
    }

    pub(super) fn manager(&self) -> SessionManager {
        let ports = Ports {
            store: Box::new(self.store()),
            worktrees: Arc::new(self.worktrees()),
            terminals: Arc::new(self.clone()),
            shells: Arc::new(self.clone()),
            background: process::Background::none().into(),
            clock: Arc::new(Hands(Arc::clone(&self.clock))),
        };
        SessionManager::of(Workspace::at("/w".as_ref()), self.settings.clone(), ports)
    }

    pub(super) fn session(&self) -> Session {
        self.table.lock().unwrap()[0].clone()
    }

    pub(super) fn told(&self) -> Vec<String> {
        self.story.lock().unwrap().clone()
    }

    fn tell(&self, word: impl Into<String>) {
        self.story.lock().unwrap().push(word.into());
    }

    fn store(&self) -> MockStore {
        let mut mock = MockStore::new();
        let (read, begun, house) = (self.clone(), self.clone(), self.clone());
        mock.expect_read().returning(move || Ok(reading(read.table.lock().unwrap().clone())));
        mock.expect_begin().returning(move || Ok(reading(begun.table.lock().unwrap().clone())));
        mock.expect_end().returning(|| ());
        mock.expect_commit_after().returning(move |sessions, _| {
            let mut locked = house.locked_commits.lock().unwrap();
            if *locked > 0 {
                *locked -= 1;
                return Err(StoreError::Locked { path: "/w/lock".into(), holder: None });
            }
            if *house.table.lock().unwrap() != sessions {
                house.tell("commit");
                *house.table.lock().unwrap() = sessions.to_vec();
            }
            Ok(())
        });
        mock
    }

    fn worktrees(&self) -> MockWorktrees {
        let mut mock = MockWorktrees::new();
        let (remembers, discards, state, losses) =
            (self.clone(), self.clone(), self.worktree, self.losses.clone());
        mock.expect_remember().returning(move |_, _, _| {
            remembers.tell("remember");
            Ok(())
        });
        mock.expect_discard().returning(move |_, fate, _| {
            discards.tell("discard");
            Ok(fate)
        });
        mock.expect_is_discarded().returning(|_| false);
        mock.expect_retract().returning(|_| Ok(()));
        mock.expect_losses().returning(move |_, _| Ok(losses.clone()));
        mock.expect_git_version().returning(|| Ok("2.47".to_owned()));
        mock.expect_scan().returning(|_| Ok(crate::worktree::Scan::default()));
        mock.expect_is_trash_due().return_const(false);
        mock.expect_has_needs().return_const(false);
        mock.expect_trash().returning(|| Ok(Vec::new()));
        mock.expect_inspect().returning(move |id, _| {
            Ok(Worktree {
                id,
                path: "/w/x".into(),
                state,
                branch: None,
                head: Some("b".repeat(40).parse().unwrap()),
                lock: WorktreeLock::Ours,
                operation: None,
                carried: Vec::new(),
            })
        });
        mock
    }
}

impl Terminals for House {
    fn program(&self) -> String {
        "wharf".to_owned()
    }

    fn start(&self, launch: &Launch) -> Result<Started, TerminalError> {
        self.tell(format!("start {}", launch.name));
        self.launches.lock().unwrap().push(launch.clone());
        if self.holder == Holder::Refuses {
            let (program, because) = (launch.command[0].clone(), "no such file".to_owned());
            return Err(TerminalError::Program { program, because });
        }
        let own = process::own().unwrap();
        let mut table = self.table.lock().unwrap();
        let session = table.iter_mut().find(|it| it.id() == launch.id).unwrap();
        session.run(Command::of(launch.command.clone()).unwrap(), own.clone(), own.clone(), at(6));
        Ok(Started { process: own.clone(), holder: own })
    }

    fn info(&self, _: SessionId) -> Result<Info, TerminalError> {
        match self.holder {
            Holder::Works | Holder::Mute => Ok(Info::default()),
            Holder::Silent => Err(TerminalError::Silent { because: "it does not read" }),
            Holder::Dead(_) | Holder::Refuses => Err(TerminalError::NotRunning),
            Holder::Broken => Err(TerminalError::LongPath { path: "/x".into() }),
        }
    }

    fn noted(&self) -> BTreeSet<SessionId> {
        let table = self.table.lock().unwrap();
        table.iter().filter(|_| self.held.is_some()).map(Session::id).collect()
    }

    fn held(&self, _: SessionId) -> Option<Held> {
        self.held.clone()
    }

    fn stop(&self, id: SessionId, _: Option<&ProcessId>, stop: Stop) -> Result<Exited, TerminalError> {
        self.tell("stop");
        match self.holder {
            Holder::Works => {
                let mut table = self.table.lock().unwrap();
                let session = table.iter_mut().find(|it| it.id() == id).unwrap();
                let cause = if stop.shutdown { Cause::Shutdown } else { Cause::Asked };
                session.end(Ending { at: at(7), how: How::Signalled(1), cause });
                Ok(Exited { code: None, signal: Some(1), asked: true })
            }
            Holder::Mute => Ok(Exited { code: Some(0), signal: None, asked: true }),
            Holder::Silent => Err(TerminalError::Silent { because: "it does not read" }),
            Holder::Dead(_) | Holder::Refuses => Err(TerminalError::NotRunning),
            Holder::Broken => Err(TerminalError::LongPath { path: "/x".into() }),
        }
    }

    fn sweep(&self, _: SessionId, _: &[String]) -> Result<usize, TerminalError> {
        self.tell("sweep");
        match self.holder {
            Holder::Dead(count) => Ok(count),
            Holder::Works | Holder::Mute | Holder::Silent | Holder::Refuses | Holder::Broken => Ok(0),
        }
    }
}

impl Shells for House {
    fn exec(&self, place: &Place, request: &Request, _: Caller<'_>) -> Result<Done, ShellError> {
        let text = String::from_utf8_lossy(&request.text);
        self.tell(format!("exec {text} in {}", place.worktree.display()));
        Ok(Done {
            number: 1,
            code: 0,
            finish: Finish::Done,
            session_ended: false,
            duration: Duration::ZERO,
            stdout_bytes: 0,
            stderr_bytes: 0,
            lost: Vec::new(),
        })
    }

    fn live(&self, id: SessionId) -> Option<Summary> {
        self.context.as_ref().map(|_| Summary {
            id,
            name: "auth".to_owned(),
            created: at(1),
            last_accessed: at(2),
            event_count: 4,
            checkpoint_count: 1,
            size: 512,
            interpreter: "bash".to_owned(),
            is_live: true,
        })
    }

    fn processes(&self, _: SessionId) -> Option<Processes> {
        self.context.clone()
    }

    fn unload(&self, _: SessionId, how: Unload) -> Result<bool, ShellError> {
        let Some(context) = &self.context else {
            return Ok(false);
        };
        self.tell(format!("unload {how:?}"));
        let is_busy = context.is_busy || self.is_late;
        if is_busy && how == Unload::WhenIdle { Err(ShellError::Busy) } else { Ok(true) }
    }
}

pub(super) fn command(words: &[&str]) -> Command {
    Command::of(words.iter().copied().map(ToOwned::to_owned).collect()).unwrap()
}

/// A session in which this very process runs, and holds itself.
pub(super) fn running(number: u8, name: &str) -> Session {
    let own = process::own().unwrap();
    let mut session = session(number, name);
    session.run(command(&["make"]), own.clone(), own, at(1));
    session
}

pub(super) fn ended(number: u8, name: &str, cause: Cause) -> Session {
    let mut session = running(number, name);
    session.end(Ending { at: at(2), how: How::Unseen, cause });
    session
}
