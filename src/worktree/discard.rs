//! How a worktree is moved to the trash: at no point is its work out of reach (RELIABILITY G7, G8).

use super::{
    Checkout, GitWorktrees, WorktreeError, WorktreeLock,
    durable::sync_all,
    files::settled,
    lock::RepositoryLock,
    mounts,
    relocate::{moved_of, relocate},
    site::{Site, is_folder, is_there, make_folder},
    trash::{Note, NotedBranch, admin_in, clear_entry, end_moves, worktree_in},
};
use crate::{
    session::{BranchFate, BranchName, CommitId},
    text,
};

impl GitWorktrees {
    pub(super) fn discard_one(
        &self,
        of: &Checkout,
        fate: BranchFate,
        record: &str,
    ) -> Result<BranchFate, WorktreeError> {
        let site = match self.site(of.id, &of.repository) {
            Err(WorktreeError::RepositoryGone { .. }) => return self.discard_orphan(of, record),
            site => site?,
        };
        self.at_work(&site, |lock| self.discard_locked(of, fate, record, lock))
            .map_err(|err| self.because_of_damage(of, err))
    }

    pub(super) fn retract_one(&self, of: &Checkout) -> Result<(), WorktreeError> {
        let site = match self.site(of.id, &of.repository) {
            Err(WorktreeError::RepositoryGone { .. }) => return self.retract_orphan(of),
            site => site?,
        };
        self.at_work(&site, |lock| {
            end_moves(&site)?;
            if !site.has_folder() || is_there(&worktree_in(&site.trash)) {
                return Ok(());
            }
            clear_entry(&site.trash)?;
            self.delete_hidden_ref(&site, lock)
        })
    }

    fn discard_locked(
        &self,
        of: &Checkout,
        fate: BranchFate,
        record: &str,
        lock: &RepositoryLock,
    ) -> Result<BranchFate, WorktreeError> {
        let site = &self.site(of.id, &of.repository)?;
        self.make_worktrees_folder()?;
        end_moves(site)?;
        // After the snapshot and the note each step is a rename: whatever was done before a crash is skipped.
        let is_moved = is_folder(&worktree_in(&site.trash));
        let begun =
            if is_there(&site.folder) { self.has_stranger(of.id) } else { is_moved || !site.has_admin() };
        let note = Note::load(&site.trash).filter(|_| begun);
        if note.is_none() {
            self.check_discard(site, of, fate)?;
        }
        let note = match note {
            Some(note) => note,
            None => self.note_down(site, of, record, lock)?,
        };
        if site.has_folder() && !begun {
            relocate(&site.folder, &worktree_in(&site.trash), &moved_of(&site.folder))?;
        }
        // It was begun without the repository, so there is no snapshot: what git's files name goes on to be kept by them.
        if note.orphaned {
            return Ok(BranchFate::Keep);
        }
        if site.has_admin() {
            relocate(&site.admin, &admin_in(&site.trash), &moved_of(&site.admin))?;
        }
        match fate {
            BranchFate::Keep => Ok(BranchFate::Keep),
            BranchFate::Delete => self.delete_noted(site, of, &note, lock),
        }
    }

    /// Takes the snapshot and writes down what it takes to bring the session back.
    fn note_down(
        &self,
        site: &Site,
        of: &Checkout,
        record: &str,
        lock: &RepositoryLock,
    ) -> Result<Note, WorktreeError> {
        let mut head_branch = self.head_branch(site, &of.repository)?;
        let mut branches: Vec<(BranchName, CommitId)> = Vec::new();
        for branch in [Some(&of.branch), head_branch.as_ref()].into_iter().flatten() {
            if branch.is_detached() || branches.iter().any(|(known, _)| known == branch) {
                continue;
            }
            if let Some(commit) = self.tip(site, &branch.reference())? {
                branches.push((branch.clone(), commit));
            }
        }
        let remembered = self.remembered(site, of, head_branch.as_ref(), &mut branches)?;
        if remembered.is_some() {
            head_branch = Some(of.branch.clone());
        }
        let snapshot = self.take_snapshot(site, of, &branches, lock)?;
        make_folder(&self.workspace.trash())?;
        make_folder(&site.trash)?;
        sync_all(&[self.workspace.worktrees(), self.workspace.trash()])?;
        let text = |commit: Option<CommitId>| commit.map(|commit| commit.to_string());
        let note = Note {
            version: "1.0".to_owned(),
            id: of.id.to_string(),
            repository: of.repository.to_string(),
            head_branch: head_branch.map(|branch| branch.to_string()),
            head: text(snapshot.head.or(remembered)),
            work: text(snapshot.work),
            index: text(snapshot.index),
            branches: branches
                .into_iter()
                .map(|(name, commit)| NotedBranch { name: name.to_string(), commit: commit.to_string() })
                .collect(),
            orphaned: false,
        };
        note.save(&site.trash, record)?;
        Ok(note)
    }

    /// The commit to come back to where neither the folder nor git's files say it: that of the branch, or where it began
    /// if that is gone too.
    fn remembered(
        &self,
        site: &Site,
        of: &Checkout,
        head_branch: Option<&BranchName>,
        branches: &mut Vec<(BranchName, CommitId)>,
    ) -> Result<Option<CommitId>, WorktreeError> {
        let is_on_its_own = head_branch == Some(&of.branch);
        if site.has_folder() || of.branch.is_detached() || (site.has_admin() && !is_on_its_own) {
            return Ok(None);
        }
        if let Some((_, commit)) = branches.iter().find(|(name, _)| *name == of.branch) {
            return Ok(Some(commit.clone()));
        }
        let Some(base) = &of.base else {
            return Ok(None);
        };
        let commit = self.tip_with_object(site, base.commit.as_str())?;
        branches.extend(commit.iter().map(|commit| (of.branch.clone(), commit.clone())));
        Ok(commit)
    }

    /// Deletes the session's branch where the snapshot has it. One that moved on or is in use elsewhere by now stays:
    /// the folder has been moved already, so this is no reason to fail. Says which of both it was.
    fn delete_noted(
        &self,
        site: &Site,
        of: &Checkout,
        note: &Note,
        lock: &RepositoryLock,
    ) -> Result<BranchFate, WorktreeError> {
        if of.branch.is_detached() {
            return Ok(BranchFate::Keep);
        }
        let mut noted = note.branches.iter().filter_map(NotedBranch::read);
        if let Some((branch, commit)) = noted.find(|(name, _)| *name == of.branch) {
            if let Some(path) = self.other_user_of(site, &branch)? {
                tracing::warn!(session = %of.id, %branch, path = %path.display(), "the branch is in use and was kept");
                return Ok(BranchFate::Keep);
            }
            self.delete_branch_at(site, &branch, &commit, lock)?;
        }
        if self.tip(site, &of.branch.reference())?.is_some() {
            tracing::warn!(session = %of.id, branch = %of.branch, "the branch moved on and was kept");
            return Ok(BranchFate::Keep);
        }
        Ok(BranchFate::Delete)
    }

    /// Refuses whatever no flag may go over.
    fn check_discard(&self, site: &Site, of: &Checkout, fate: BranchFate) -> Result<(), WorktreeError> {
        self.check_ours(site, of, fate)?;
        let id = of.id;
        if is_there(&site.folder)
            && let Some(mount) = mounts::at_or_below(&settled(&site.folder))?.first()
        {
            let because = format!("{} is a mount", text::path(mount));
            return Err(WorktreeError::InTheWay { id, because });
        }
        if let WorktreeLock::Foreign(reason) = site.lock() {
            let because = format!("it is locked: {}", text::line(&reason));
            return Err(WorktreeError::InTheWay { id, because });
        }
        Ok(())
    }

    /// Refuses what cannot be discarded as this session's worktree at all, also where all of it is permitted.
    pub(super) fn check_ours(
        &self,
        site: &Site,
        of: &Checkout,
        fate: BranchFate,
    ) -> Result<(), WorktreeError> {
        let id = of.id;
        if let Some(at) = site.lives_at() {
            return Err(WorktreeError::Moved { id, path: at, home: site.folder.clone() });
        }
        if is_there(&site.folder) {
            if !site.has_folder() {
                return Err(WorktreeError::UnsafePath {
                    path: site.folder.clone(),
                    because: "is not a real folder",
                });
            }
            if !site.is_linked() {
                return Err(WorktreeError::Unusable {
                    id,
                    because: "folder and administrative folder do not point at each other",
                });
            }
            if is_there(&worktree_in(&site.trash)) {
                return Err(WorktreeError::UnsafePath {
                    path: site.trash.clone(),
                    because: "already holds the work of this session",
                });
            }
        }
        match self.other_user_of(site, &of.branch)? {
            Some(path) if fate == BranchFate::Delete => {
                Err(WorktreeError::BranchInUse { branch: of.branch.clone(), path })
            }
            Some(_) | None => Ok(()),
        }
    }
}
