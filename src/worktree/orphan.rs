//! How a worktree whose repository is gone ends: its folder goes into the trash as it is, without git's part.
//!
//! Nobody can take the lock of a repository that is not there. The journal of the table sees to it that one process at a
//! time is at work with a session, and each step is a rename or can be done again.

use std::path::Path;

use super::{
    Checkout, GitWorktrees, Loss, WorktreeError,
    admin::{Admin, Head},
    durable::sync_all,
    files::{Pointer, settled},
    inspect::{Folded, branch_named},
    losses::{files_below, some},
    mounts,
    register::HeadAt,
    relocate::{end_move, moved_of, relocate},
    site::{Site, is_folder, is_there, make_folder},
    trash::{Note, NotedBranch, admin_in, clear_entry, discarded_admin, worktree_in},
};
use crate::{
    session::{BranchFate, BranchName, CommitId},
    text,
};

impl GitWorktrees {
    /// What a destroy would lose. Git cannot say which of the files are committed, so each may be the only copy.
    pub(super) fn orphan_losses(&self, of: &Checkout) -> Result<Vec<Loss>, WorktreeError> {
        self.check_orphan(of)?;
        let folder = self.workspace.worktree(of.id);
        if !is_there(&folder) {
            return Ok(Vec::new());
        }
        let mounted = mounts::at_or_below(&settled(&folder))?;
        let mut losses: Vec<Loss> = some(files_below(&folder)?, Loss::Untracked).into_iter().collect();
        if !mounted.is_empty() {
            losses.push(Loss::Mounted(mounted));
        }
        Ok(losses)
    }

    /// Moves the folder into the trash. Its branch is where its repository is, so it stays.
    pub(super) fn discard_orphan(&self, of: &Checkout, record: &str) -> Result<BranchFate, WorktreeError> {
        self.make_worktrees_folder()?;
        let (folder, trash) =
            (self.workspace.worktree(of.id), self.workspace.trash().join(of.id.to_string()));
        let inside = worktree_in(&trash);
        end_moves(&folder, &inside)?;
        if let Some(mut note) = Note::load(&trash)
            && (is_there(&inside) || !is_there(&folder))
        {
            // One that began with its repository there and got no further than this: git's part stays where that is.
            if !note.orphaned && !is_folder(&admin_in(&trash)) {
                note.orphaned = true;
                note.rewrite(&trash)?;
            }
            return Ok(BranchFate::Keep);
        }
        self.check_orphan(of)?;
        if is_there(&inside) {
            return Err(WorktreeError::UnsafePath {
                path: trash,
                because: "already holds the work of this session",
            });
        }
        if is_there(&folder)
            && let Some(mount) = mounts::at_or_below(&settled(&folder))?.first()
        {
            let because = format!("{} is a mount", text::path(mount));
            return Err(WorktreeError::InTheWay { id: of.id, because });
        }
        make_folder(&self.workspace.trash())?;
        make_folder(&trash)?;
        sync_all(&[self.workspace.worktrees(), self.workspace.trash()])?;
        note_of(of).save(&trash, record)?;
        if is_folder(&folder) {
            relocate(&folder, &inside, &moved_of(&folder))?;
        }
        Ok(BranchFate::Keep)
    }

    /// Takes back a discard that did not move the folder.
    pub(super) fn retract_orphan(&self, of: &Checkout) -> Result<(), WorktreeError> {
        let (folder, trash) =
            (self.workspace.worktree(of.id), self.workspace.trash().join(of.id.to_string()));
        let inside = worktree_in(&trash);
        end_moves(&folder, &inside)?;
        if !is_folder(&folder) || is_there(&inside) {
            return Ok(());
        }
        clear_entry(&trash)
    }

    /// What HEAD has to be on when a worktree comes back that was destroyed without its repository. Where git's files for
    /// it came back with the repository, that is what they say.
    pub(super) fn head_of_orphan(&self, site: &Site, note: &Note) -> Result<Option<HeadAt>, WorktreeError> {
        if site.has_admin() {
            return Ok(None);
        }
        // They lie in the trash where emptying it was cut short.
        if let Some(admin) = Admin::read(&admin_in(&site.trash))? {
            if let Some(branch) = admin.head.branch().and_then(branch_named) {
                self.head_on(site, branch)?;
            }
            return Ok(None);
        }
        let Some(branch) = note.head_branch.as_ref().and_then(|name| name.parse::<BranchName>().ok()) else {
            let head = note.head.as_ref().and_then(|head| head.parse::<CommitId>().ok());
            return Ok(head.map(HeadAt::Commit));
        };
        self.head_on(site, branch).map(Some)
    }

    /// Notes what a branch was at, and that HEAD was on it: nobody could say so when the session was destroyed.
    pub(super) fn note_branch(
        &self,
        note: &mut Note,
        site: &Site,
        own: &BranchName,
    ) -> Result<(), WorktreeError> {
        let head = discarded_admin(site)?.map(|admin| admin.head);
        let at = head.as_ref().and_then(Head::branch).and_then(branch_named);
        if at.is_some() || matches!(head, Some(Head::Detached(_))) {
            note.head_branch = at.as_ref().map(BranchName::to_string);
        }
        let branch = at.unwrap_or_else(|| own.clone());
        let tip = self.tip(site, &branch.reference())?.map(|tip| tip.to_string());
        let commit = tip.or_else(|| note.head.clone());
        note.branches.extend(commit.map(|commit| NotedBranch { name: branch.to_string(), commit }));
        Ok(())
    }

    /// Refuses what is not this session's folder, and one whose repository is only somewhere else.
    fn check_orphan(&self, of: &Checkout) -> Result<(), WorktreeError> {
        match self.folded(of.id)? {
            Folded::Worktree(Pointer::To(admin)) if is_folder(&admin) => {
                let because = "its repository was moved out of the workspace and goes on there";
                return Err(WorktreeError::Unusable { id: of.id, because });
            }
            Folded::Nothing | Folded::Worktree(_) => (),
            Folded::NoFolder | Folded::Repository => {
                return Err(WorktreeError::UnsafePath {
                    path: self.workspace.worktree(of.id),
                    because: "is not this session's worktree",
                });
            }
        }
        for repository in self.find_repositories()? {
            let Ok(common) = self.common_dir(&repository) else {
                continue;
            };
            if is_folder(&common.join("worktrees").join(of.id.to_string())) {
                let because = "its repository was moved within the workspace, and `wharf restore` follows it";
                return Err(WorktreeError::Unusable { id: of.id, because });
            }
        }
        Ok(())
    }
}

/// What brings it back once its repository is there again: the branch, and where that began.
fn note_of(of: &Checkout) -> Note {
    Note {
        version: "1.0".to_owned(),
        id: of.id.to_string(),
        repository: of.repository.to_string(),
        head_branch: (!of.branch.is_detached()).then(|| of.branch.to_string()),
        head: of.base.as_ref().map(|base| base.commit.to_string()),
        work: None,
        index: None,
        branches: Vec::new(),
        orphaned: true,
    }
}

/// Ends the moves of the folder that were cut short.
fn end_moves(folder: &Path, inside: &Path) -> Result<(), WorktreeError> {
    end_move(folder, inside, &moved_of(folder))?;
    end_move(inside, folder, &moved_of(inside))
}
