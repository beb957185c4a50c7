//! Which tokens of sessions are good now: found by their hash in memory, so that a wrong one costs no file and keeps nobody
//! out who has a right one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use sha2::{Digest as _, Sha256};

use super::{auth::Grant, roll::Snapshot, secret::Secret};
use crate::{
    session::{ProcessId, SessionId},
    terminal::Runtime,
};

/// How long the token of a session is.
const CHARS: usize = 64;

type Hash = [u8; 32];

/// The tokens of the sessions in which something runs.
#[derive(Debug)]
pub(super) struct Scoped {
    runtime: Runtime,
    known: Mutex<Arc<Known>>,
}

/// Those of one snapshot.
#[derive(Debug, Default)]
struct Known {
    of: Arc<Snapshot>,
    /// Each holder leaves one token, so nothing is read twice.
    left: HashMap<SessionId, (ProcessId, Hash)>,
    by_hash: HashMap<Hash, SessionId>,
}

impl Scoped {
    /// Those that holders leave there.
    pub(super) fn of(runtime: Runtime) -> Self {
        Self { runtime, known: Mutex::default() }
    }

    /// What a word allows as of a snapshot. Reads the files of sessions that were started since the last one, and none for a
    /// word that cannot be a token.
    pub(super) async fn grant(self: &Arc<Self>, word: &str, snapshot: Arc<Snapshot>) -> Option<Grant> {
        if word.len() != CHARS || !word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let known = self.known();
        let known = if Arc::ptr_eq(&known.of, &snapshot) {
            known
        } else {
            let scoped = Arc::clone(self);
            tokio::task::spawn_blocking(move || scoped.learn(snapshot)).await.ok()?
        };
        known.by_hash.get(&hash(word)).map(|id| Grant::Session(*id))
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.lock().expect("nobody panics while holding this"))
    }

    fn learn(&self, snapshot: Arc<Snapshot>) -> Arc<Known> {
        let before = self.known();
        let mut left = HashMap::new();
        for session in snapshot.seen.iter().filter(|it| it.running).map(|it| &it.session) {
            let Some(holder) = session.holder() else { continue };
            let kept = before.left.get(&session.id()).filter(|(by, _)| by == holder).cloned();
            let found = kept.or_else(|| {
                let token = Secret::of_text(&self.runtime.token_of(session.id())?)?;
                Some((holder.clone(), hash(token.reveal())))
            });
            left.extend(found.map(|found| (session.id(), found)));
        }
        let by_hash = left.iter().map(|(id, (_, hash))| (*hash, *id)).collect();
        let known = Arc::new(Known { of: snapshot, left, by_hash });
        *self.known.lock().expect("nobody panics while holding this") = Arc::clone(&known);
        known
    }
}

fn hash(word: &str) -> Hash {
    Sha256::digest(word).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_can_be_no_token_is_not_looked_for() {
        let dir = tempfile::tempdir().unwrap();
        let scoped = Arc::new(Scoped::of(Runtime::of(dir.path())));
        let word = Secret::random().unwrap();
        for nonsense in ["", "x", &word.reveal()[1..], &"x".repeat(CHARS)] {
            let snapshot = Arc::new(Snapshot::default());
            assert_eq!(scoped.grant(nonsense, Arc::clone(&snapshot)).await, None);
            assert!(!Arc::ptr_eq(&scoped.known().of, &snapshot), "{nonsense}");
        }
        let snapshot = Arc::new(Snapshot::default());
        assert_eq!(scoped.grant(word.reveal(), Arc::clone(&snapshot)).await, None);
        assert!(Arc::ptr_eq(&scoped.known().of, &snapshot), "it need not be looked for again");
    }
}
