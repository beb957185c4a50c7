//! A program begins in a session: in its worktree, in a terminal that its holder keeps.

use super::{
    AgentRequest, ManagerError, SessionManager,
    journal::ensure_quiet,
    observe::{is_lost, runs},
};
use crate::{
    config::TerminalSettings,
    registry::Registry,
    screen::Size,
    session::{Command, Program, Session, SessionId},
    terminal::{Launch, TerminalError},
    worktree::WorktreeState,
};

/// What runs where nobody says what to run.
const SHELL: &str = "/bin/sh";

/// What to start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartSession {
    /// The agent; it goes before the command.
    pub agent: Option<AgentRequest>,
    /// The command; if none is given, the agent or the command that ran last, else the setting `terminal.shell`, else
    /// `shell`.
    pub command: Option<Command>,
    /// The shell of who asks; `/bin/sh` if that is not known.
    pub shell: Option<Command>,
    /// How large the terminal is before anybody attaches.
    pub size: Size,
}

impl SessionManager {
    /// Starts a program in a session and answers when it runs.
    pub fn start(&mut self, who: &str, request: &StartSession) -> Result<Session, ManagerError> {
        let session = self.startable(who)?;
        if runs(&session) {
            return Err(running(&session));
        }
        ensure_room(&self.registry()?, session.id(), &self.settings.terminal)?;
        if is_lost(&session) {
            // What the killed holder left would work beside the new program, and outlive it.
            let swept = self.terminals.sweep(session.id(), &self.settings.terminal.keep);
            swept.map_err(|source| terminal_error(&session, source))?;
        }
        let launch = self.launch(&session, request)?;
        let before = self.chain(&session).and_then(|chain| chain.current().cloned());
        self.terminals.start(&launch).map_err(|source| terminal_error(&session, source))?;
        // Its holder has written it down.
        let session = self.session(&session.id().to_string())?;
        let prompt = request.agent.as_ref().and_then(|agent| agent.prompt.as_deref());
        self.chain_start(&session, prompt, before.as_ref());
        tracing::info!(sessionId = %session.id(), name = %session.name(), pid = session.pty_pid(), "program started");
        Ok(session)
    }

    /// The session a person means, if nobody is at work with it and a program could find its files.
    pub(super) fn startable(&mut self, who: &str) -> Result<Session, ManagerError> {
        self.settle_abandoned()?;
        let session = self.session(who)?;
        ensure_quiet(&session)?;
        let worktree = self.worktrees.inspect(session.id(), session.repository())?;
        match worktree.state {
            // With its ties to git damaged, the files are there and can be worked on.
            WorktreeState::Present | WorktreeState::Unregistered | WorktreeState::Unlinked => Ok(session),
            WorktreeState::Missing
            | WorktreeState::Gone
            | WorktreeState::Emptied
            | WorktreeState::Foreign => Err(ManagerError::NoWorktree { name: session.name().clone() }),
        }
    }

    /// What runs in a session without an agent where nobody says what; nothing where not even a shell is known.
    pub(super) fn usual_command(&self, session: &Session, request: &StartSession) -> Option<Command> {
        let known = [session.command(), self.settings.terminal.shell.as_ref(), request.shell.as_ref()];
        known.into_iter().flatten().next().cloned()
    }

    fn launch(&self, session: &Session, request: &StartSession) -> Result<Launch, ManagerError> {
        let Program { command, agent } = match (&request.agent, &request.command, session.agent()) {
            (Some(asked), _, _) => self.open_agent(session, asked)?,
            (None, Some(command), _) => command.clone().into(),
            (None, None, Some(agent)) => self.continue_agent(session, agent)?,
            (None, None, None) => {
                let command = self.usual_command(session, request);
                command.map_or_else(|| Command::of(vec![SHELL.to_owned()]), Ok)?.into()
            }
        };
        let settings = &self.settings.terminal;
        Ok(Launch {
            id: session.id(),
            name: session.name().clone(),
            workspace: self.workspace.root().to_owned(),
            worktree: self.workspace.worktree(session.id()),
            command: command.words().to_vec(),
            agent,
            size: request.size,
            limits: settings.limits,
            keep: settings.keep.clone(),
        })
    }
}

/// An error if as many other sessions run as may.
pub(super) fn ensure_room(
    registry: &Registry,
    id: SessionId,
    settings: &TerminalSettings,
) -> Result<(), ManagerError> {
    let Some(limit) = settings.running_max else {
        return Ok(());
    };
    let running = registry.all().iter().filter(|session| session.id() != id && runs(session)).count();
    if running >= limit.get() { Err(ManagerError::MaxRunning { limit: limit.get() }) } else { Ok(()) }
}

/// The error of a session in which something runs already.
pub(super) fn running(session: &Session) -> ManagerError {
    terminal_error(session, TerminalError::Running)
}

/// An error of a session's terminal.
pub(super) fn terminal_error(session: &Session, source: TerminalError) -> ManagerError {
    ManagerError::Terminal { name: session.name().clone(), source }
}
