//! How the work in a worktree is committed to a hidden ref before the worktree goes (RELIABILITY G8).

use std::{fs, path::Path};

use super::{
    Checkout, GitWorktrees, WorktreeError,
    command::GitCall,
    dead_locks::clear_half_objects,
    lock::RepositoryLock,
    pristine::Ignored,
    regular::copy_regular,
    site::{Site, read_small},
};
use crate::session::{BranchName, CommitId};

/// What else a git operation keeps alive; the administrative folder protects none of it while it lies in the trash.
const OTHER_HEADS: [&str; 8] = [
    "MERGE_HEAD",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "ORIG_HEAD",
    "rebase-merge/onto",
    "rebase-merge/orig-head",
    "rebase-apply/onto",
    "rebase-apply/orig-head",
];
/// The index that work is done in for which the real one has to stay as it is. Who finds a repository in which work was cut
/// short clears it away, with git's lock on it.
pub(super) const TEMPORARY_INDEX: &str = "wharf-index";
const IDENTITY: [(&str, &str); 4] = [
    ("GIT_AUTHOR_NAME", "wharf"),
    ("GIT_AUTHOR_EMAIL", "wharf@localhost"),
    ("GIT_COMMITTER_NAME", "wharf"),
    ("GIT_COMMITTER_EMAIL", "wharf@localhost"),
];

/// What was committed of a worktree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// The commit the worktree is at; none before the first one.
    pub(super) head: Option<CommitId>,
    /// A commit of the files as they lie there, or just the head when nothing was changed.
    pub(super) work: Option<CommitId>,
    /// A commit of the index, when the work is not clean and the index has no conflicts.
    pub(super) index: Option<CommitId>,
}

/// The hidden ref of a destroyed session.
pub(super) fn hidden_ref(site: &Site) -> String {
    format!("refs/wharf/trash/{}", site.id)
}

impl GitWorktrees {
    /// Commits the work and keeps it reachable under the hidden ref, together with these branch tips.
    pub(super) fn take_snapshot(
        &self,
        site: &Site,
        of: &Checkout,
        tips: &[(BranchName, CommitId)],
        lock: &RepositoryLock,
    ) -> Result<Snapshot, WorktreeError> {
        let (head, is_clean) = if site.has_folder() {
            self.state_of_work(site, of)?
        } else {
            (self.tip(site, &format!("worktrees/{}/HEAD", site.id))?, true)
        };
        let mut others: Vec<CommitId> = tips.iter().map(|(_, commit)| commit.clone()).collect();
        others.extend(OTHER_HEADS.iter().filter_map(|name| {
            let text = read_small(&site.admin.join(name))?;
            text.lines().next()?.trim().parse().ok()
        }));
        let others = self.beyond(site, head.as_ref(), others)?;
        let snapshot = if is_clean {
            self.snapshot_of_commits(site, head, &others, lock)?
        } else {
            self.snapshot_of_work(site, head, &others, lock)?
        };
        if let Some(work) = &snapshot.work {
            self.set_ref(site, &hidden_ref(site), work, lock)?;
        }
        Ok(snapshot)
    }

    /// The commit of HEAD, and whether there is nothing else than that.
    fn state_of_work(&self, site: &Site, of: &Checkout) -> Result<(Option<CommitId>, bool), WorktreeError> {
        if let Some(head) = self.commit_of_untouched(of, Ignored::Passed) {
            return Ok((Some(head), true));
        }
        let args = [
            "status",
            "--porcelain=v2",
            "--branch",
            "--no-ahead-behind",
            "--no-renames",
            "--untracked-files=normal",
            "--ignore-submodules=none",
            "-z",
        ];
        let answer = self.git(&site.folder, &args)?;
        let mut lines = answer.split(|&b| b == 0).filter(|line| !line.is_empty());
        let oid = |line: &[u8]| {
            let text = str::from_utf8(line.strip_prefix(b"# branch.oid ")?).ok()?;
            Some(text.parse::<CommitId>().ok())
        };
        let Some(head) = lines.next().and_then(oid) else {
            return Err(WorktreeError::GitAnswer { verb: "status".to_owned() });
        };
        Ok((head, lines.all(|line| line.starts_with(b"# "))))
    }

    /// Those of the commits that the head does not lead to already.
    fn beyond(
        &self,
        site: &Site,
        head: Option<&CommitId>,
        mut others: Vec<CommitId>,
    ) -> Result<Vec<CommitId>, WorktreeError> {
        others.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        others.dedup();
        others.retain(|commit| Some(commit) != head);
        if others.is_empty() {
            return Ok(others);
        }
        let mut call = GitCall::ask(&site.root, &["merge-base", "--independent"]).allow(&[128]);
        for commit in head.into_iter().chain(&others) {
            call = call.arg(commit.as_str());
        }
        let answer = self.run(&call)?;
        let text = String::from_utf8_lossy(&answer.stdout);
        // A commit whose object is gone makes it fail; then those that are there are kept one by one.
        if answer.code == 0 {
            others.retain(|commit| text.lines().any(|line| line == commit.as_str()));
        } else {
            let mut there = Vec::new();
            for commit in others {
                if self.tip_with_object(site, commit.as_str())?.is_some() {
                    there.push(commit);
                }
            }
            others = there;
        }
        Ok(others)
    }

    /// Clean work needs no commit of its own, unless more than HEAD has to be kept.
    fn snapshot_of_commits(
        &self,
        site: &Site,
        head: Option<CommitId>,
        others: &[CommitId],
        lock: &RepositoryLock,
    ) -> Result<Snapshot, WorktreeError> {
        let (work, index) = match (&head, others) {
            (Some(head), []) => (Some(head.clone()), None),
            (None, []) => (None, None),
            (None, [first, ..]) => {
                (Some(self.commit(site, &format!("{first}^{{tree}}"), others, lock)?), None)
            }
            (Some(head), _) => {
                let parents: Vec<_> = [head].into_iter().chain(others).cloned().collect();
                (Some(self.commit(site, &format!("{head}^{{tree}}"), &parents, lock)?), None)
            }
        };
        Ok(Snapshot { head, work, index })
    }

    /// Commits the files through an index of its own. What git cannot read (a filter that fails, a nested repository
    /// without a commit) does not stop a destroy: the folder itself goes into the trash as it is.
    fn snapshot_of_work(
        &self,
        site: &Site,
        head: Option<CommitId>,
        others: &[CommitId],
        lock: &RepositoryLock,
    ) -> Result<Snapshot, WorktreeError> {
        let temporary = site.admin.join(TEMPORARY_INDEX);
        if let Err(err) = copy_regular(&site.admin.join("index"), &temporary) {
            tracing::debug!(session = %site.id, error = %err, "the snapshot begins with an empty index");
        }
        let outcome = self.commit_work(site, head.as_ref(), others, lock);
        if let Err(err) = fs::remove_file(&temporary) {
            tracing::debug!(session = %site.id, error = %err, "there was no temporary index to remove");
        }
        match outcome {
            Ok(snapshot) => Ok(snapshot),
            Err(err) => {
                tracing::warn!(session = %site.id, error = %err, "changed files are kept in the trash only");
                if err.lacks_room() {
                    clear_half_objects(site);
                }
                self.snapshot_of_commits(site, head, others, lock)
            }
        }
    }

    fn commit_work(
        &self,
        site: &Site,
        head: Option<&CommitId>,
        others: &[CommitId],
        lock: &RepositoryLock,
    ) -> Result<Snapshot, WorktreeError> {
        let temporary = site.admin.join(TEMPORARY_INDEX);
        let mut parents: Vec<CommitId> = head.into_iter().cloned().collect();
        // With conflicts in it the index has no tree; then the files alone are kept.
        let index = match self.write_tree(site, &temporary, lock) {
            Ok(tree) => Some(self.commit(site, &tree, &parents, lock)?),
            Err(WorktreeError::Git { .. }) => None,
            Err(err) => return Err(err),
        };
        let add = GitCall::tell(&site.folder, &["add", "--all"], lock).durable();
        self.run(&add.env("GIT_INDEX_FILE", &temporary))?;
        let tree = self.write_tree(site, &temporary, lock)?;
        parents.extend(index.clone());
        parents.extend(others.iter().cloned());
        let work = Some(self.commit(site, &tree, &parents, lock)?);
        Ok(Snapshot { head: head.cloned(), work, index })
    }

    fn write_tree(&self, site: &Site, index: &Path, lock: &RepositoryLock) -> Result<String, WorktreeError> {
        let call = GitCall::tell(&site.folder, &["write-tree"], lock).env("GIT_INDEX_FILE", index);
        let answer = self.run(&call.durable())?.stdout;
        Ok(String::from_utf8_lossy(&answer).trim().to_owned())
    }

    fn commit(
        &self,
        site: &Site,
        tree: &str,
        parents: &[CommitId],
        lock: &RepositoryLock,
    ) -> Result<CommitId, WorktreeError> {
        let message = format!("Work of session {} before it was destroyed", site.id);
        let mut call = GitCall::tell(&site.root, &["commit-tree", "-m", &message], lock).durable();
        for parent in parents {
            call = call.arg("-p").arg(parent.as_str());
        }
        for (key, value) in IDENTITY {
            call = call.env(key, value);
        }
        let answer = self.run(&call.arg(tree))?.stdout;
        let text = String::from_utf8_lossy(&answer);
        text.trim().parse().map_err(|_| WorktreeError::GitAnswer { verb: "commit-tree".to_owned() })
    }
}
