//! How a destroyed session comes back on another branch, because its own has moved on or is taken.

use super::{
    GitWorktrees, Rebranching, WorktreeError,
    site::Site,
    trash::{Note, NotedBranch},
};

impl GitWorktrees {
    pub(super) fn rebranch_one(&self, wanted: &Rebranching) -> Result<(), WorktreeError> {
        let site = self.site(wanted.id, &wanted.repository)?;
        self.at_work(&site, |_| self.rebranch_locked(wanted, &site))
    }

    fn rebranch_locked(&self, wanted: &Rebranching, site: &Site) -> Result<(), WorktreeError> {
        let Some(mut note) = Note::load(&site.trash) else {
            return Err(WorktreeError::Unusable { id: site.id, because: "it is not in the trash" });
        };
        let (from, to) = (wanted.from.as_str(), wanted.to.as_str());
        // Whoever was killed in here had written the note, and the record comes after it.
        if !note.branches.iter().any(|branch| branch.name == to) {
            if self.tip(site, &wanted.to.reference())?.is_some() {
                return Err(WorktreeError::BranchExists { branch: wanted.to.clone() });
            }
            let is_old = |branch: &&mut NotedBranch| branch.name == from;
            let Some(branch) = note.branches.iter_mut().find(is_old) else {
                return Err(WorktreeError::Unusable { id: site.id, because: "its branch had no commit" });
            };
            to.clone_into(&mut branch.name);
            if note.head_branch.as_deref() == Some(from) {
                note.head_branch = Some(to.to_owned());
            }
            note.write(&site.trash)?;
        }
        Note::write_record(&site.trash, &wanted.record)
    }
}
