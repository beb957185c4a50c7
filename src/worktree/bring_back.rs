//! How a session comes back out of the trash: from its folders, or from the hidden ref where they are lost.

use std::slice;

use super::{
    GitWorktrees, WorktreeError,
    admin::Admin,
    command::GitCall,
    copy::inside,
    durable::{sync_all, sync_file_system},
    lock::RepositoryLock,
    register::{HeadAt, write_pointers},
    relocate::{moved_of, relocate},
    site::{Site, is_folder, is_there, make_folder},
    trash::{Note, NotedBranch, admin_in, clear_entry, end_moves, worktree_in},
};
use crate::session::{BranchName, CommitId, RepositoryPath, SessionId};

/// The name in the lock reason when nothing remembers a better one; the next mend writes the right one.
const NAMELESS: &str = "session";

impl GitWorktrees {
    pub(super) fn bring_back_one(
        &self,
        id: SessionId,
        repository: &RepositoryPath,
    ) -> Result<(), WorktreeError> {
        let site = self.site(id, repository)?;
        self.at_work(&site, |lock| self.bring_back_locked(&site, lock))
    }

    fn bring_back_locked(&self, site: &Site, lock: &RepositoryLock) -> Result<(), WorktreeError> {
        self.make_worktrees_folder()?;
        let is_real = is_folder(&self.workspace.trash()) && is_folder(&site.trash);
        if is_real {
            end_moves(site)?;
        }
        let Some(note) = Note::load(&site.trash).filter(|_| is_real) else {
            return self.end_of_bring_back(site, lock);
        };
        let at = self.head_to_restore(site, &note)?;
        if is_there(&site.folder) && is_folder(&worktree_in(&site.trash)) {
            return Err(WorktreeError::Occupied { path: site.folder.clone() });
        }
        self.restore_branches(site, &note, lock)?;
        if let (true, Some(HeadAt::Branch(branch))) = (note.orphaned, &at)
            && self.tip(site, &branch.reference())?.is_none()
            && let Some(commit) = note.head.as_ref().and_then(|head| head.parse().ok())
        {
            self.make_branch(site, branch, &commit, lock)?;
        }
        let (worktree, admin) = (worktree_in(&site.trash), admin_in(&site.trash));
        if !site.has_admin() && is_folder(&admin) {
            if let Some(parent) = site.admin.parent()
                && make_folder(parent)?
            {
                sync_all(slice::from_ref(&site.common))?;
            }
            relocate(&admin, &site.admin, &moved_of(&admin))?;
        }
        let had_index = site.has_admin() && is_there(&site.admin.join("index"));
        if is_folder(&worktree) {
            relocate(&worktree, &site.folder, &moved_of(&worktree))?;
        }
        let had_folder = site.has_folder();
        self.make_whole(site, &note, at.as_ref(), lock)?;
        if !had_folder {
            self.refill_from_snapshot(site, &note, lock).inspect_err(|_| put_back(site))?;
        }
        // From here on the folder is in its place, so whatever fails is gone on with by the next start.
        if let Some(HeadAt::Branch(branch)) = &at {
            self.point_head(site, branch, lock)?;
        }
        if !had_index {
            self.restore_index(site, &note, lock)?;
        } else if !had_folder {
            self.refresh_index(site, lock)?;
        }
        // What git wrote anew must be on the disk before that goes which it can be written from again.
        if !had_folder || !had_index {
            sync_file_system(&site.folder)?;
            sync_file_system(&site.admin)?;
        }
        clear_entry(&site.trash)?;
        self.delete_hidden_ref(site, lock)
    }

    /// The note is gone: either a bring-back that was cut short had ended but for the last traces, or there is nothing.
    fn end_of_bring_back(&self, site: &Site, lock: &RepositoryLock) -> Result<(), WorktreeError> {
        if site.has_folder() && site.is_linked() && !is_folder(&worktree_in(&site.trash)) {
            clear_entry(&site.trash)?;
            return self.delete_hidden_ref(site, lock);
        }
        Err(WorktreeError::Unusable { id: site.id, because: "it is not in the trash" })
    }

    /// What HEAD has to be on, after a look whether the branches are free.
    fn head_to_restore(&self, site: &Site, note: &Note) -> Result<Option<HeadAt>, WorktreeError> {
        if note.orphaned && note.branches.is_empty() {
            return self.head_of_orphan(site, note);
        }
        for (branch, commit) in note.branches.iter().filter_map(NotedBranch::read) {
            let tip = self.tip(site, &branch.reference())?;
            if tip.is_some_and(|tip| tip != commit) {
                return Err(WorktreeError::BranchExists { branch });
            }
        }
        let head_branch: Option<BranchName> = note.head_branch.as_ref().and_then(|name| name.parse().ok());
        let Some(branch) = head_branch else {
            let head: Option<CommitId> = note.head.as_ref().and_then(|head| head.parse().ok());
            return Ok(head.map(HeadAt::Commit));
        };
        self.head_on(site, branch).map(Some)
    }

    /// HEAD on a branch, which must not be in use elsewhere.
    pub(super) fn head_on(&self, site: &Site, branch: BranchName) -> Result<HeadAt, WorktreeError> {
        match self.other_user_of(site, &branch)? {
            Some(path) => Err(WorktreeError::BranchInUse { branch, path }),
            None => Ok(HeadAt::Branch(branch)),
        }
    }

    fn restore_branches(&self, site: &Site, note: &Note, lock: &RepositoryLock) -> Result<(), WorktreeError> {
        for (branch, commit) in note.branches.iter().filter_map(NotedBranch::read) {
            if self.tip(site, &branch.reference())?.is_none() {
                self.make_branch(site, &branch, &commit, lock)?;
            }
        }
        Ok(())
    }

    /// Makes a branch that must not be there.
    pub(super) fn make_branch(
        &self,
        site: &Site,
        branch: &BranchName,
        commit: &CommitId,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        self.make_ref(site, &branch.reference(), commit, lock).map_err(|err| self.named(err, branch, site))
    }

    /// Sees to it that the administrative folder is there, and that it and the folder point at each other.
    fn make_whole(
        &self,
        site: &Site,
        note: &Note,
        at: Option<&HeadAt>,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        if site.has_admin() {
            return if site.is_linked() { Ok(()) } else { write_pointers(site) };
        }
        let Some(at) = at else {
            return Err(WorktreeError::Unusable {
                id: site.id,
                because: "the trash has lost it, and it had no commit",
            });
        };
        tracing::warn!(session = %site.id, head = ?note.head, "the trash had lost the administrative files");
        let name = NAMELESS
            .parse()
            .map_err(|_| WorktreeError::Unusable { id: site.id, because: "it has no name" })?;
        self.register(site, &name, at, lock)
    }

    /// Has HEAD name the branch that the session comes back on; a HEAD that is on no branch stays where it is.
    fn point_head(
        &self,
        site: &Site,
        branch: &BranchName,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        let wanted = branch.reference();
        if Admin::read(&site.admin)?.is_some_and(|admin| admin.head.branch() == Some(&*wanted)) {
            return Ok(());
        }
        let at = self.run(&inside(site, &["symbolic-ref", "--quiet", "HEAD"], lock).allow(&[1, 128]))?;
        let at = String::from_utf8_lossy(&at.stdout);
        if at.trim_end().is_empty() || at.trim_end() == wanted {
            return Ok(());
        }
        self.run(&inside(site, &["symbolic-ref", "-m", "wharf: undo", "HEAD", &wanted], lock)).map(drop)
    }

    fn restore_index(&self, site: &Site, note: &Note, lock: &RepositoryLock) -> Result<(), WorktreeError> {
        // The branch of one whose repository was gone may have gone on in the copy that came back.
        let of_head = note.orphaned.then_some("HEAD");
        let Some(tree) = note.index.as_deref().or(of_head).or(note.head.as_deref()) else {
            return Ok(());
        };
        self.run(&GitCall::tell(&site.folder, &["read-tree", tree], lock))?;
        self.refresh_index(site, lock)
    }

    /// Compares the index with the files; 1 says that some differ.
    pub(super) fn refresh_index(&self, site: &Site, lock: &RepositoryLock) -> Result<(), WorktreeError> {
        let args = ["update-index", "-q", "--refresh"];
        self.run(&GitCall::tell(&site.folder, &args, lock).allow(&[1])).map(drop)
    }
}

/// Puts the administrative files into the trash again, because nothing could be made of them.
fn put_back(site: &Site) {
    if let Err(err) = relocate(&site.admin, &admin_in(&site.trash), &moved_of(&site.admin)) {
        tracing::warn!(session = %site.id, error = %err, "the administrative files stay out of the trash");
    }
}
