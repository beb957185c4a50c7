//! How many worktrees are looked at, several at once: in which condition each is, and what changed in it.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    Changes, Checkout, GitWorktrees, Worktree, WorktreeError, WorktreeState,
    commons::Commons,
    files::Place,
    inspect::Inspected,
    library::Library,
    pristine::{Ignored, is_pristine},
};
use crate::session::{CommitId, RepositoryPath};

/// The most threads that look at worktrees at once.
const THREADS_MAX: usize = 16;

/// A worktree that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The worktree; none when git could not be asked.
    pub worktree: Option<Worktree>,
    /// What changed in it; none when it is not there or that cannot be told.
    pub changes: Option<Changes>,
}

impl GitWorktrees {
    /// Looks at these worktrees, in the same order.
    pub(super) fn look_at_all(&self, of: &[Checkout]) -> Vec<Seen> {
        // How many processors there are is several files to read.
        let available =
            || thread::available_parallelism().map_or(1, NonZeroUsize::get).min(THREADS_MAX).min(of.len());
        let threads = if of.len() > 1 { available() } else { 1 };
        let next = AtomicUsize::new(0);
        let seen: Vec<Mutex<Seen>> = of.iter().map(|_| Mutex::default()).collect();
        let work = || {
            let mut looker = Looker::of(self);
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(checkout) = of.get(at) else {
                    return;
                };
                *seen[at].lock().expect("no thread panics while it holds this") = looker.look_at(checkout);
            }
        };
        thread::scope(|scope| {
            for number in 1..threads {
                let builder = thread::Builder::new().name(format!("look-{number}"));
                if let Err(err) = builder.spawn_scoped(scope, work) {
                    tracing::debug!(error = %err, "one thread less looks at worktrees");
                }
            }
            work();
        });
        seen.into_iter().map(|slot| slot.into_inner().unwrap_or_default()).collect()
    }

    /// The commit that a worktree is at, where beyond doubt it has the files of that commit and no others; nothing when there
    /// is a doubt, and then git has to be asked.
    pub(super) fn commit_of_untouched(&self, of: &Checkout, ignored: Ignored) -> Option<CommitId> {
        let mut looker = Looker::of(self);
        let inspected = looker.inspect(of).ok()?;
        let is_present = inspected.worktree.state == WorktreeState::Present;
        is_present.then(|| looker.commit_of_untouched(of, &inspected, ignored)).flatten()
    }
}

/// One thread that looks; it opens each repository once.
pub(super) struct Looker<'a> {
    worktrees: &'a GitWorktrees,
    repositories: BTreeMap<RepositoryPath, (Commons, Option<Library>)>,
}

impl<'a> Looker<'a> {
    /// One that has seen nothing yet.
    pub(super) fn of(worktrees: &'a GitWorktrees) -> Self {
        Self { worktrees, repositories: BTreeMap::new() }
    }

    fn look_at(&mut self, of: &Checkout) -> Seen {
        let told = |err: WorktreeError| {
            tracing::debug!(session = %of.id, error = %err, "a worktree cannot be looked at");
        };
        let Ok(inspected) = self.inspect(of).map_err(told) else {
            return Seen::default();
        };
        let is_present = inspected.worktree.state == WorktreeState::Present;
        let changes = is_present.then(|| self.changes(of, &inspected).map_err(told).ok()).flatten();
        Seen { worktree: Some(inspected.worktree), changes }
    }

    /// One worktree with its administrative folder.
    pub(super) fn inspect(&mut self, of: &Checkout) -> Result<Inspected, WorktreeError> {
        if !self.repositories.contains_key(&of.repository) {
            let commons = self.worktrees.commons(&of.repository)?;
            let library = Library::open(&commons.common);
            self.repositories.insert(of.repository.clone(), (commons, library));
        }
        self.worktrees.examine_on(&self.repositories[&of.repository].0, of.id)
    }

    fn changes(&mut self, of: &Checkout, inspected: &Inspected) -> Result<Changes, WorktreeError> {
        if let Some(changes) = self.unchanged(of, inspected) {
            return Ok(changes);
        }
        let library = self.repositories.get_mut(&of.repository).and_then(|(_, library)| library.as_mut());
        self.worktrees.count_changes(&inspected.worktree, of.base.as_ref(), library)
    }

    /// What to say of a worktree that was inspected and in which, beyond doubt, no file changed; nothing when there is a
    /// doubt.
    pub(super) fn unchanged(&mut self, of: &Checkout, inspected: &Inspected) -> Option<Changes> {
        self.commit_of_untouched(of, inspected, Ignored::Passed)?;
        let (_, library) = self.repositories.get_mut(&of.repository)?;
        let distance = library.as_mut()?.distance(&inspected.worktree, of.base.as_ref()).ok()?;
        Some(Changes::counted(0, 0, distance))
    }

    /// The commit that a worktree is at, where beyond doubt it has the files of that commit and no others.
    fn commit_of_untouched(
        &mut self,
        of: &Checkout,
        inspected: &Inspected,
        ignored: Ignored,
    ) -> Option<CommitId> {
        let Inspected { worktree, admin } = inspected;
        let (commons, library) = self.repositories.get_mut(&of.repository)?;
        let head = worktree.head.as_ref()?;
        let tree = library.as_mut()?.tree_of(head)?;
        let Ok(Place::Folder(folder)) = commons.worktrees.as_ref()?.child(of.id.to_string().as_ref()) else {
            return None;
        };
        is_pristine(&folder, &admin.as_ref()?.folder, &commons.git, tree, ignored).then(|| head.clone())
    }
}
