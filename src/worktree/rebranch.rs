//! How a destroyed session comes back on another branch, because its own has moved on or is taken.

use super::{
    GitWorktrees, Rebranching, Wanted, WorktreeError,
    site::Site,
    trash::{Note, discarded_admin},
};

impl GitWorktrees {
    pub(super) fn rebranch_one(&self, wanted: &Rebranching) -> Result<(), WorktreeError> {
        let site = self.site(wanted.id, &wanted.repository)?;
        self.at_work(&site, |_| self.rebranch_locked(wanted, &site))
    }

    /// Writes down the other branch once nothing is in the way of it.
    fn rebranch_locked(&self, wanted: &Rebranching, site: &Site) -> Result<(), WorktreeError> {
        let unusable = |because| WorktreeError::Unusable { id: site.id, because };
        let Some(mut note) = Note::load(&site.trash) else {
            return Err(unusable("it is not in the trash"));
        };
        let to = wanted.to.as_str();
        // Whoever was killed in here had written the note, and the record comes after it.
        if !note.branches.iter().any(|branch| branch.name == to) {
            if self.has_stranger(site.id) {
                return Err(WorktreeError::Occupied { path: site.folder.clone() });
            }
            // A rebase goes on to move the branch that it began on.
            if let Some(operation) = discarded_admin(site)?.and_then(|admin| admin.unfinished.operation) {
                return Err(WorktreeError::InProgress { id: site.id, operation });
            }
            if note.orphaned && note.branches.is_empty() {
                self.note_branch(&mut note, site, &wanted.from)?;
            }
            // That of the session comes first.
            let at = note.branches.iter().position(|branch| branch.name == wanted.from.as_str());
            let Some(branch) = note.branches.get_mut(at.unwrap_or_default()) else {
                return Err(unusable("its branch had no commit"));
            };
            self.ensure_free(wanted, &branch.commit)?;
            let from = std::mem::replace(&mut branch.name, to.to_owned());
            if note.head_branch.as_ref() == Some(&from) {
                note.head_branch = Some(to.to_owned());
            }
            note.rewrite(&site.trash)?;
        }
        Note::write_record(&site.trash, &wanted.record)
    }

    /// Refuses a branch that could not be made anew at a commit.
    fn ensure_free(&self, wanted: &Rebranching, commit: &str) -> Result<(), WorktreeError> {
        let start = Wanted { branch: wanted.to.clone(), explicit: true, from: Some(commit.to_owned()) };
        match self.decide_start(&wanted.repository, &start) {
            Ok(_) => Ok(()),
            Err(WorktreeError::BranchHasBase { branch, .. }) => Err(WorktreeError::BranchExists { branch }),
            Err(err) => Err(err),
        }
    }
}
