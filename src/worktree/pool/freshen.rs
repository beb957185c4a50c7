//! How worktrees that are ready are brought to what the next create will most likely want, or go, or are set aside.

use std::path::Path;

use super::{
    Condition,
    slot::{Seal, is_ready, ready_file, reason, set_changed},
    sweep::{filler_text, filling_file, one_alone},
};
use crate::{
    atomic::{self, Durability},
    process,
    session::{CommitId, RepositoryPath},
    worktree::{
        GitWorktrees, WorktreeError,
        admin::{Admin, Head},
        copy::inside,
        durable::replace_shared,
        lock::RepositoryLock,
        register::remove_if_there,
        site::{Site, io_error},
    },
};

/// What worktrees are to be like.
pub(super) struct Wanted<'a> {
    /// At which commit.
    pub(super) commit: CommitId,
    /// In which manner written; nothing where nobody can say.
    pub(super) manner: Option<&'a str>,
    /// The lock on filling.
    pub(super) lock: &'a RepositoryLock,
}

/// What a worktree that is ready is in need of.
enum Need {
    /// Nothing.
    Nothing,
    /// The difference to another commit, or another look.
    Move { from: CommitId },
    /// Another one in its place.
    Replacement { from: CommitId },
    /// Nothing any more: somebody works in it.
    Rest,
}

impl GitWorktrees {
    /// Brings worktrees that are ready to what is wanted. Creates go on meanwhile: the repository lock is held for a few
    /// small files only, and whichever worktree a create takes first is left alone.
    pub(super) fn freshen(
        &self,
        repository: &RepositoryPath,
        wanted: &Wanted<'_>,
    ) -> Result<(), WorktreeError> {
        for slot in self.slots(repository)? {
            if slot.condition != Condition::Ready {
                continue;
            }
            let site = self.site(slot.id, repository)?;
            one_alone(&site, self.freshen_one(&site, wanted))?;
        }
        Ok(())
    }

    fn freshen_one(&self, site: &Site, wanted: &Wanted<'_>) -> Result<(), WorktreeError> {
        let seal = Seal::read(site);
        let need = self.need_of(site, seal.as_ref(), wanted)?;
        if matches!(need, Need::Nothing)
            || !self.at_work(site, |_| reopen(site, seal.as_ref(), &need, wanted))?
        {
            return Ok(());
        }
        match need {
            Need::Nothing | Need::Rest => Ok(()),
            Need::Move { from } => self.move_or_end(site, &from, wanted),
            Need::Replacement { .. } => {
                if self.retire(site, seal.as_ref())? {
                    self.at_work(site, |_| self.remove_slot(site))?;
                }
                Ok(())
            }
        }
    }

    /// Looks at a worktree as long as that takes, without a lock.
    fn need_of(&self, site: &Site, seal: Option<&Seal>, wanted: &Wanted<'_>) -> Result<Need, WorktreeError> {
        // A seal that cannot be read says nothing; what HEAD says has to do then.
        let Some(from) = seal.and_then(Seal::commit).or_else(|| detached_at(site)) else {
            return Ok(Need::Rest);
        };
        if !self.is_at_rest(site, &from)? {
            return Ok(Need::Rest);
        }
        if !seal.is_some_and(|seal| seal.is_in(wanted.manner)) {
            return Ok(Need::Replacement { from });
        }
        if from != wanted.commit {
            // Git writes only files whose content differs, so other attributes need all of them written anew.
            let is_movable = self.differing(site, &from, &wanted.commit).is_some();
            return Ok(if is_movable { Need::Move { from } } else { Need::Replacement { from } });
        }
        let holds = seal.is_some_and(|seal| seal.holds(site));
        Ok(if holds { Need::Nothing } else { Need::Move { from } })
    }

    /// Moves a worktree and seals it again. When that fails it goes, unless somebody did something in it meanwhile.
    fn move_or_end(&self, site: &Site, from: &CommitId, wanted: &Wanted<'_>) -> Result<(), WorktreeError> {
        let Wanted { commit, manner, lock } = wanted;
        let moved = self
            .move_slot(site, commit, lock)
            .and_then(|()| self.finish(site, commit, manner.unwrap_or_default(), lock));
        let Err(err) = moved else {
            return Ok(());
        };
        tracing::warn!(folder = %site.folder.display(), error = %err, "a warm worktree was given up");
        self.at_work(site, |lock| {
            if self.has_own_work(site, [from, commit], lock)? {
                set_changed(site)
            } else {
                self.remove_slot(site)
            }
        })
    }

    fn move_slot(&self, site: &Site, commit: &CommitId, lock: &RepositoryLock) -> Result<(), WorktreeError> {
        if detached_at(site).is_some_and(|at| at == *commit) {
            return Ok(());
        }
        let call = inside(site, &["switch", "--quiet", "--detach"], lock).arg(commit.as_str());
        self.run(&call.configured("core.hooksPath", "/dev/null")).map(drop)
    }
}

/// Takes a worktree out of the pool for a while, or for good; the caller has the repository lock. Says whether it was
/// still the one that was looked at.
fn reopen(site: &Site, seen: Option<&Seal>, need: &Need, wanted: &Wanted<'_>) -> Result<bool, WorktreeError> {
    if !is_ready(site) || Seal::read(site).as_ref() != seen {
        return Ok(false);
    }
    let moving = match need {
        Need::Nothing => return Ok(false),
        Need::Rest => {
            set_changed(site)?;
            return Ok(true);
        }
        Need::Move { from } => [from, &wanted.commit],
        Need::Replacement { from } => [from, from],
    };
    let locked = site.admin.join("locked");
    replace_shared(&locked, &site.admin.join("locked.wharf"), reason(site.id).as_bytes())?;
    let filler = process::own().map_err(io_error("look at", Path::new("/proc/self")))?;
    let (note, text) = (filling_file(site), filler_text(&filler, moving));
    atomic::replace(&note, text.as_bytes(), Durability::Crash).map_err(io_error("write", &note))?;
    remove_if_there(&ready_file(site))?;
    Ok(true)
}

fn detached_at(site: &Site) -> Option<CommitId> {
    match Admin::read(&site.admin).ok()??.head {
        Head::Detached(commit) => Some(commit),
        Head::Reference(_) | Head::Garbage | Head::Emptied | Head::ElsewhereInGit => None,
    }
}
