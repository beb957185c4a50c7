//! All chains at once: carried out into a file and back in, counted, and cleaned of what is old.

use std::path::PathBuf;

use super::{ManagerError, SessionManager, Talk};
use crate::{
    conversation::{self, Exported, Incoming},
    registry::Registry,
    session::{Session, SessionId, SessionName},
};

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// How many entries each session got that it had not yet.
    pub taken: Vec<Tally>,
    /// The chains that belong to no session here, by what they call theirs; they are only in the files they came from.
    pub unclaimed: Vec<String>,
}

/// A number of entries of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Whose.
    pub session: Session,
    /// How many.
    pub entries: usize,
}

impl SessionManager {
    /// One file with the chains of these sessions, of all when none is named.
    pub fn export_conversations(&mut self, who: &[String]) -> Result<String, ManagerError> {
        let talks = self.talks(who)?;
        let chains: Vec<Exported> = talks.into_iter().map(exported).collect();
        Ok(conversation::encode_export(&chains, self.clock.now()))
    }

    /// Takes in what was exported, or what other tools keep. Everything is read before anything is written; what is there
    /// already is not taken in twice.
    pub fn import_conversations(&mut self, files: &[PathBuf]) -> Result<Imported, ManagerError> {
        let incoming = files.iter().map(|path| conversation::read_incoming(path));
        let incoming = incoming.collect::<Result<Vec<_>, _>>()?.concat();
        let registry = self.registry()?;
        let mut imported = Imported::default();
        for chain in incoming {
            let Some(session) = owner(&registry, &chain) else {
                imported.unclaimed.push(chain.owners.last().cloned().unwrap_or_default());
                continue;
            };
            let entries = self.change_chain(session, |own| Ok(own.take_in(&chain)))?;
            let same = imported.taken.iter_mut().find(|it| it.session.id() == session.id());
            match same {
                Some(tally) => tally.entries += entries,
                None => imported.taken.push(Tally { session: session.clone(), entries }),
            }
        }
        Ok(imported)
    }

    /// Drops the entries that are older than some days, but none of a current conversation.
    pub fn clean_conversations(&mut self, who: &[String], days: u32) -> Result<Vec<Tally>, ManagerError> {
        let mut cleaned = Vec::new();
        for talk in self.talks(who)? {
            let now = self.clock.now();
            let kept = talk.current().cloned();
            let is_due = talk.chain.clone().clean(days, now, kept.as_ref()) > 0;
            // What has no chain gets none by that.
            let entries = if is_due {
                self.change_chain(&talk.session, |chain| Ok(chain.clean(days, now, kept.as_ref())))?
            } else {
                0
            };
            cleaned.push(Tally { session: talk.session, entries });
        }
        Ok(cleaned)
    }
}

fn exported(talk: Talk) -> Exported {
    let current = talk.current().cloned();
    let agent = talk.session.agent().map(|agent| agent.name.clone());
    Exported {
        session: talk.session.id(),
        name: talk.session.name().clone(),
        agent: agent.or_else(|| talk.chain.agent().cloned()),
        current,
        chain: talk.chain,
    }
}

/// The session that a chain belongs to: by its whole id or its name, never by the beginning of an id.
fn owner<'a>(registry: &'a Registry, chain: &Incoming) -> Option<&'a Session> {
    chain.owners.iter().find_map(|text| {
        let id: Option<SessionId> = text.parse().ok();
        let name: Option<SessionName> = text.parse().ok();
        let by_id = id.and_then(|id| registry.session(id));
        by_id.or_else(|| name.and_then(|name| registry.named(&name)))
    })
}
