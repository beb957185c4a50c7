//! How a worktree is put in order after a crash, a power cut, a move, or a prune by somebody else.

use std::path::Path;

use super::{
    Checkout, GitWorktrees, Mended, Worktree, WorktreeError, WorktreeState,
    add::{has_record, write_record},
    admin::has_sound_index,
    lock::RepositoryLock,
    register::{HeadAt, remove_if_there, write_pointers},
    regular::copy_regular,
    remember::write_reason,
    set_aside::admin_is_sound,
    site::{Site, is_folder, is_there, read_small},
    ties::heal_ties,
};
use crate::session::{BranchName, SessionName};

/// One worktree in the course of being put in order.
struct Patient<'a> {
    site: Site,
    of: &'a Checkout,
    name: &'a SessionName,
    lock: &'a RepositoryLock,
    found: Worktree,
    done: Vec<Mended>,
}

impl GitWorktrees {
    pub(super) fn mend_one(
        &self,
        of: &Checkout,
        name: &SessionName,
        record: &str,
    ) -> Result<Vec<Mended>, WorktreeError> {
        let site = self.site(of.id, &of.repository)?;
        self.at_work(&site, |lock| {
            // Somebody destroyed it since the caller looked; a checkout would be in the way of its work.
            if self.has_entry(of.id) {
                return Ok(Vec::new());
            }
            self.make_worktrees_folder()?;
            self.clear_beside(&site)?;
            let was_healed = heal_ties(&site.common)?.contains(&site.admin);
            let patient = Patient {
                site: site.clone(),
                of,
                name,
                lock,
                found: self.inspect_one(of.id, &of.repository)?,
                done: was_healed.then_some(Mended::Repaired).into_iter().collect(),
            };
            self.treat(patient, record)
        })
    }

    fn treat(&self, mut patient: Patient<'_>, record: &str) -> Result<Vec<Mended>, WorktreeError> {
        self.mend_branch(&mut patient)?;
        match patient.found.state {
            // Its pointers can have been repaired already, so that nothing else shows what was cut short.
            state if state != WorktreeState::Foreign && is_there(&self.mending(patient.of.id)) => {
                self.mend_emptied(&mut patient)?;
            }
            WorktreeState::Present => (),
            WorktreeState::Unlinked => self.relink(&mut patient)?,
            WorktreeState::Unregistered => self.adopt(&mut patient)?,
            WorktreeState::Missing | WorktreeState::Gone => self.check_out_again(&mut patient)?,
            WorktreeState::Emptied => self.mend_emptied(&mut patient)?,
            WorktreeState::Foreign => return Err(unusable(patient.of, "something else lies in its place")),
        }
        if write_reason(&patient.site, patient.name)? {
            patient.done.push(Mended::Locked);
        }
        if !has_record(&patient.site, record) {
            write_record(&patient.site, record)?;
            patient.done.push(Mended::Remembered);
        }
        remove_if_there(&self.mending(patient.of.id))?;
        Ok(patient.done)
    }

    /// Makes the branch again when its ref leads nowhere. One that never had a commit is no damage.
    fn mend_branch(&self, patient: &mut Patient<'_>) -> Result<(), WorktreeError> {
        let anywhere = !matches!(patient.found.state, WorktreeState::Present | WorktreeState::Foreign);
        let branch = patient.branch();
        if patient.found.state == WorktreeState::Foreign {
            return Ok(());
        }
        let restored = self.restore_branch(patient.of, &branch, anywhere, patient.lock)?;
        patient.done.extend(restored.map(Mended::BranchRestored));
        Ok(())
    }

    /// Makes an index that is none or not there anew, from HEAD; before the first commit there is nothing to make.
    fn mend_index(&self, patient: &Patient<'_>) -> Result<(), WorktreeError> {
        if has_sound_index(&patient.site.admin) || patient.found.head.is_none() {
            return Ok(());
        }
        self.rebuild_index(&patient.site, patient.lock)
    }

    /// Sets both pointers anew, unless one of them leads to something that is alive.
    fn relink(&self, patient: &mut Patient<'_>) -> Result<(), WorktreeError> {
        let site = &patient.site;
        if is_folder(&site.folder.join(".git")) {
            return Err(unusable(patient.of, "its folder is a repository of its own"));
        }
        if site.forward().is_some_and(|to| is_folder(&to) && to != site.admin) && !is_same(site) {
            return Err(unusable(patient.of, "its folder belongs to another worktree"));
        }
        if let Some(at) = site.lives_at() {
            return Err(WorktreeError::Moved { id: patient.of.id, path: at, home: site.folder.clone() });
        }
        if !admin_is_sound(site) {
            return self.adopt(patient);
        }
        write_pointers(site)?;
        patient.done.push(Mended::Repaired);
        self.mend_index(patient)
    }

    /// Makes administrative files for a folder that has none; its files stay as they are. An index that is left of
    /// the old ones is kept, because it holds what was staged.
    fn adopt(&self, patient: &mut Patient<'_>) -> Result<(), WorktreeError> {
        let site = &patient.site;
        let had_index = has_sound_index(&site.admin);
        let mut aside = None;
        if site.has_admin() {
            aside = Some(self.set_admin_aside(site)?);
        }
        self.register(site, patient.name, &patient.head_at()?, patient.lock)?;
        let kept = aside.filter(|_| had_index).map(|old| old.join("index"));
        let is_kept = kept.is_some_and(|index| copy_regular(&index, &site.admin.join("index")).is_ok());
        if !is_kept || self.refresh_index(site, patient.lock).is_err() {
            self.rebuild_index(site, patient.lock)?;
        }
        patient.done.push(Mended::Adopted);
        Ok(())
    }

    /// Fills the folder again. What was staged is still in the index, if that is sound.
    fn check_out_again(&self, patient: &mut Patient<'_>) -> Result<(), WorktreeError> {
        let site = &patient.site;
        if !site.has_admin() || !admin_is_sound(site) {
            if site.has_admin() {
                self.set_admin_aside(site)?;
            }
            self.register(site, patient.name, &patient.head_at()?, patient.lock)?;
        }
        self.refill_from_git(site, patient.lock)?;
        patient.done.push(Mended::CheckedOut);
        Ok(())
    }

    /// Repairs administrative files in place when only they were emptied; else keeps the damaged folder and checks out
    /// again.
    fn mend_emptied(&self, patient: &mut Patient<'_>) -> Result<(), WorktreeError> {
        self.note_mending(patient.of.id)?;
        if !patient.site.has_folder() {
            // Set aside by a mend that was cut short.
            return self.check_out_again(patient);
        }
        let before = patient.done.len();
        if admin_is_sound(&patient.site) {
            write_pointers(&patient.site)?;
            // The power cut emptied the lock too; nobody's reason is in it.
            let reason = read_small(&patient.site.admin.join("locked")).unwrap_or_default();
            if reason.trim_matches(['\0', '\n', ' ']).is_empty() {
                remove_if_there(&patient.site.admin.join("locked"))?;
            }
            self.mend_index(patient)?;
            patient.done.push(Mended::Repaired);
        } else {
            self.adopt(patient)?;
        }
        if !self.has_emptied_files(&patient.site)? {
            return Ok(());
        }
        patient.done.truncate(before);
        let at = patient.head_at()?;
        let aside = self.set_aside(&patient.site)?;
        self.register(&patient.site, patient.name, &at, patient.lock)?;
        self.refill_from_git(&patient.site, patient.lock)?;
        patient.done.push(Mended::SetAside(aside));
        Ok(())
    }
}

impl Patient<'_> {
    /// The branch it is on, or else the one its record has.
    fn branch(&self) -> BranchName {
        self.found.branch.clone().unwrap_or_else(|| self.of.branch.clone())
    }

    /// What to register it on; a worktree that was on no branch comes back at the commit that is remembered.
    fn head_at(&self) -> Result<HeadAt, WorktreeError> {
        let branch = self.branch();
        if !branch.is_detached() {
            return Ok(HeadAt::Branch(branch));
        }
        let base = self.of.base.as_ref().map(|base| &base.commit);
        match self.found.head.as_ref().or(base) {
            Some(commit) => Ok(HeadAt::Commit(commit.clone())),
            None => Err(unusable(self.of, "nothing says on which branch it was")),
        }
    }
}

fn unusable(of: &Checkout, because: &'static str) -> WorktreeError {
    WorktreeError::Unusable { id: of.id, because }
}

fn is_same(site: &Site) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    site.forward().and_then(|to| real(&to)) == real(&site.admin)
}
