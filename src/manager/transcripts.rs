//! Where the transcripts of an agent lie, and how they outlive the folder that it keeps them in.

use std::{
    env, fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

use super::SessionManager;
use crate::{
    agent::{Description, HookInput, Place, Search},
    atomic::Durability,
    config::KeepTranscripts,
    conversation,
    session::{AgentName, ConversationId, Session},
};

impl SessionManager {
    /// The transcript of a session's conversation, if it can be found.
    pub(super) fn transcript_of(&self, session: &Session) -> Option<PathBuf> {
        let talk = self.talk_of(session.clone()).ok()?;
        let id = talk.current()?;
        self.told_transcript(session, id).or_else(|| {
            let agent = session.agent().map(|agent| &agent.name).or_else(|| talk.chain.agent())?;
            let description = self.settings.agents.find(agent)?;
            match self.search(session, description, id) {
                Search::Found(path) => Some(path),
                Search::Gone | Search::NotKept | Search::Unknown(_) => None,
            }
        })
    }

    /// The transcript of a conversation where a hook said it is, if it is there.
    pub(super) fn told_transcript(&self, session: &Session, id: &ConversationId) -> Option<PathBuf> {
        let chain = self.chain(session)?;
        let told = chain.transcript().filter(|_| chain.current() == Some(id));
        told.filter(|path| path.is_file()).map(Path::to_owned)
    }

    /// Looks for the transcript of a conversation in the agent's own folder.
    pub(super) fn search(&self, session: &Session, description: &Description, id: &ConversationId) -> Search {
        let worktree = self.workspace.worktree(session.id());
        description.find_transcript(&Place { worktree: &worktree, variable: &|key| env::var_os(key) }, id)
    }

    /// Brings the copy of a transcript that a hook named up to date, where the agent's folder may not outlive the
    /// container. A failure is told and costs the agent nothing.
    pub(super) fn keep_transcript(
        &self,
        session: &Session,
        agent: &AgentName,
        told: &HookInput,
        durability: Durability,
    ) {
        let Some((home, below)) = self.kept_home(session, agent).zip(told.transcript.as_deref()) else {
            return;
        };
        // A path that leads elsewhere could be any file.
        let below_home = below.strip_prefix(&home).ok();
        let is_plain = |name: &&Path| name.components().all(|part| matches!(part, Component::Normal(_)));
        let Some(name) = below_home.filter(is_plain) else {
            return;
        };
        let copy = self.copies_of(session, agent).join(name);
        let kept = conversation::keep(below, &copy, durability);
        if let Err(err) = kept.map(drop).or_else(unless_missing) {
            tracing::warn!(sessionId = %session.id(), error = %err, "the transcript was not copied to the workspace");
        }
    }

    /// Puts the transcripts of an agent in a session back where they are gone and copies of them were kept. Answers how
    /// many.
    pub(super) fn put_back_transcripts(&self, session: &Session, agent: &AgentName) -> usize {
        let Some(home) = self.home_of(session, agent) else {
            return 0;
        };
        let folder = self.copies_of(session, agent);
        let copies = conversation::copies(&folder).unwrap_or_else(|err| {
            tracing::warn!(sessionId = %session.id(), error = %err, "the copies of transcripts cannot be read");
            Vec::new()
        });
        let put_back = |name: &PathBuf| match conversation::put_back(&folder.join(name), &home.join(name)) {
            Ok(is_back) => is_back,
            Err(err) => {
                tracing::warn!(
                    sessionId = %session.id(), transcript = %name.display(), error = %err,
                    "a transcript was not put back"
                );
                false
            }
        };
        let count = copies.iter().filter(|name| put_back(name)).count();
        if count > 0 {
            tracing::info!(sessionId = %session.id(), count, "transcripts put back");
        }
        count
    }

    /// Whether a copy of the transcript of a conversation is kept.
    pub(super) fn has_copy(&self, session: &Session, agent: &AgentName, id: &ConversationId) -> bool {
        let copies = conversation::copies(&self.copies_of(session, agent)).unwrap_or_default();
        copies.iter().any(|copy| copy.to_string_lossy().contains(id.as_str()))
    }

    /// The folder that an agent keeps its transcripts in.
    pub(super) fn home_of(&self, session: &Session, agent: &AgentName) -> Option<PathBuf> {
        let worktree = self.workspace.worktree(session.id());
        let place = Place { worktree: &worktree, variable: &|key| env::var_os(key) };
        self.settings.agents.find(agent)?.home(&place)
    }

    /// The same, if copies are kept of what lies in it.
    fn kept_home(&self, session: &Session, agent: &AgentName) -> Option<PathBuf> {
        let home = self.home_of(session, agent)?;
        let is_kept = match self.settings.keep_transcripts {
            KeepTranscripts::Always => true,
            KeepTranscripts::Never => false,
            KeepTranscripts::Elsewhere => is_elsewhere(&home, self.workspace.root()),
        };
        is_kept.then_some(home)
    }

    fn copies_of(&self, session: &Session, agent: &AgentName) -> PathBuf {
        self.workspace.session_folder(session.id()).join("transcripts").join(agent.as_str())
    }
}

/// Whether an agent's folder lies on another file system than the workspace: then it is likely to be the container's own,
/// and to go with it.
pub(super) fn is_elsewhere(home: &Path, workspace: &Path) -> bool {
    let device =
        |path: &Path| path.ancestors().find_map(|it| fs::metadata(it).ok()).map(|metadata| metadata.dev());
    device(home) != device(workspace)
}

fn unless_missing(err: io::Error) -> io::Result<()> {
    if err.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(err) }
}
