//! Which worktrees a workspace has, from everything that remembers one (RELIABILITY G5).

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    Found, GitWorktrees, LeftAlone, Scan, Unreadable, WorktreeError, WorktreeState,
    admin::Admin,
    files::{Folder, Pointer, names_in, same_place, settled},
    inspect::{Folded, Inspected},
    open::common_behind,
    pool,
    start::ADMINS_MAX,
};
use crate::{
    clock::Timestamp,
    session::{RepositoryPath, SessionId},
};

/// How many entries of `.worktrees` are looked at.
const FOLDERS_MAX: usize = 10_000;
/// Folders of ours beside the worktrees.
const OURS: [&str; 2] = [".trash", ".damaged"];

/// What the sources say, before it is put together.
#[derive(Default)]
struct Survey {
    folders: BTreeMap<SessionId, Folded>,
    claims: BTreeMap<SessionId, BTreeSet<RepositoryPath>>,
    left_alone: BTreeMap<PathBuf, String>,
    repositories: BTreeMap<PathBuf, RepositoryPath>,
    unreadable: BTreeMap<RepositoryPath, String>,
}

impl GitWorktrees {
    /// Everything that is a worktree under `.worktrees/<uuid>`, of all repositories of the workspace and those known.
    pub(super) fn scan_all(&self, known: &[RepositoryPath]) -> Result<Scan, WorktreeError> {
        let mut survey = Survey::default();
        if let Some(folder) = self.worktrees_folder()? {
            self.survey_folders(&folder, &mut survey)?;
        }
        for repository in self.all_repositories(known, &mut survey)? {
            if let Err(err) = self.survey_admins(&repository, &mut survey) {
                tracing::warn!(%repository, error = %err, "a repository could not be searched for worktrees");
                survey.miss(&repository, &err);
            }
            self.survey_list(&repository, &mut survey);
        }
        Ok(self.put_together(survey))
    }

    /// The folders under `.worktrees`.
    fn survey_folders(&self, folder: &Folder, survey: &mut Survey) -> Result<(), WorktreeError> {
        for name in names_in(folder.path(), FOLDERS_MAX)? {
            if OURS.iter().any(|ours| name == *ours) {
                continue;
            }
            match id_in(&name) {
                Some(id) => match self.folded(id) {
                    Ok(held) => {
                        survey.folders.insert(id, held);
                    }
                    Err(err) => survey.leave(&folder.path().join(name), &unreadable(&err)),
                },
                None => survey.leave(&folder.path().join(name), "its name is no session id"),
            }
        }
        Ok(())
    }

    /// The repositories of known sessions, of the workspace, and those that a folder's `.git` file leads to, by their
    /// git folders: one that can be come by in two ways goes by the first.
    fn all_repositories(
        &self,
        known: &[RepositoryPath],
        survey: &mut Survey,
    ) -> Result<BTreeSet<RepositoryPath>, WorktreeError> {
        for repository in known {
            if let Err(err) = self.note_repository(repository, survey) {
                tracing::warn!(%repository, error = %err, "a known repository cannot be read");
                survey.miss(repository, &err);
            }
        }
        let mut others = self.find_repositories()?;
        others.extend(survey.folders.values().filter_map(|folded| self.named_by(folded)));
        for repository in others {
            if let Err(err) = self.note_repository(&repository, survey) {
                tracing::debug!(%repository, error = %err, "a repository was passed over");
            }
        }
        Ok(survey.repositories.values().cloned().collect())
    }

    fn note_repository(&self, repository: &RepositoryPath, survey: &mut Survey) -> Result<(), WorktreeError> {
        let common = settled(&self.common_dir(repository)?);
        survey.repositories.entry(common).or_insert_with(|| repository.clone());
        Ok(())
    }

    /// The repository of the workspace that a folder's `.git` file leads to.
    fn named_by(&self, folded: &Folded) -> Option<RepositoryPath> {
        let Folded::Worktree(Pointer::To(git_dir)) = folded else {
            return None;
        };
        self.repository_of_common(&common_behind(git_dir)?)
    }

    /// The administrative folders of one repository.
    fn survey_admins(&self, repository: &RepositoryPath, survey: &mut Survey) -> Result<(), WorktreeError> {
        let admins = self.common_dir(repository)?.join("worktrees");
        for name in names_in(&admins, ADMINS_MAX)? {
            let path = admins.join(name);
            match Admin::read(&path) {
                Ok(Some(admin)) => self.survey_admin(&admin, repository, survey),
                Ok(None) => {}
                Err(err) => {
                    tracing::warn!(path = %path.display(), error = %err, "an administrative folder cannot be read");
                }
            }
        }
        Ok(())
    }

    fn survey_admin(&self, admin: &Admin, repository: &RepositoryPath, survey: &mut Survey) {
        // Who moves one unlocks it first, or locks it for a reason of his own; the record stays.
        let session = admin.lock_reason().map(|reason| reason.id).or_else(|| recorded(admin));
        let Some(worktree) = admin.worktree() else {
            // Git passes over an entry whose `gitdir` is unreadable; its name and its lock still tell.
            if let Some(id) = id_at_start(admin.name()).or(session) {
                survey.claim(id, repository);
            }
            return;
        };
        if self.survey_path(worktree, repository, survey) {
            return;
        }
        // Not here: the workspace was moved, or somebody moved the worktree out of it.
        let was_session =
            worktree.parent().and_then(Path::file_name) == self.workspace.worktrees().file_name();
        let named = was_session.then(|| worktree.file_name().and_then(id_in)).flatten();
        match named {
            Some(id) if survey.folders.contains_key(&id) => survey.claim(id, repository),
            Some(id) if session == Some(id) && worktree.symlink_metadata().is_err() => {
                survey.claim(id, repository);
            }
            Some(_) => {}
            None => {
                if let Some(id) = session {
                    survey.claim(id, repository);
                }
            }
        }
    }

    /// What `git worktree list` says; without git the other sources are enough.
    fn survey_list(&self, repository: &RepositoryPath, survey: &mut Survey) {
        let listed = self.repository_folder(repository).and_then(|folder| self.listed(&folder));
        match listed {
            Ok(listed) => {
                for entry in listed {
                    self.survey_path(&entry.path, repository, survey);
                }
            }
            Err(err) => {
                tracing::warn!(%repository, error = %err, "git could not list the worktrees");
                survey.miss(repository, &err);
            }
        }
    }

    /// Notes a registered worktree; answers whether it lies under `.worktrees`.
    fn survey_path(&self, worktree: &Path, repository: &RepositoryPath, survey: &mut Survey) -> bool {
        let worktrees = settled(&self.workspace.worktrees());
        let place = settled(worktree);
        let Ok(inside) = place.strip_prefix(&worktrees) else {
            return false;
        };
        let mut parts = inside.iter();
        match (parts.next(), parts.next()) {
            (Some(name), None) => match id_in(name) {
                Some(id) => survey.claim(id, repository),
                None => survey.leave(&place, "its name is no session id"),
            },
            (Some(name), Some(_)) if !OURS.iter().any(|ours| name == *ours) => {
                survey.leave(&place, "it is registered inside another worktree's folder");
            }
            (Some(_), Some(_)) => {}
            (None, _) => survey.leave(&place, "it is registered as a worktree itself"),
        }
        true
    }

    fn put_together(&self, mut survey: Survey) -> Scan {
        let ids: BTreeSet<SessionId> = survey.folders.keys().chain(survey.claims.keys()).copied().collect();
        let mut scan = Scan::default();
        for id in ids {
            match self.owner(id, &mut survey) {
                Ok(repository) => match self.examine(id, &repository) {
                    Ok(Inspected { worktree, admin: None }) if worktree.state == WorktreeState::Foreign => {
                        survey.leave(&worktree.path, "it is no worktree of this repository");
                    }
                    Ok(Inspected { worktree, admin: None }) if self.was_warm(id, &repository) => {
                        survey.leave(&worktree.path, pool::LOST_NOTE);
                    }
                    Ok(inspected) if self.is_warm(id, &inspected, &repository) => {
                        if inspected.admin.as_ref().is_some_and(pool::is_changed) {
                            survey.leave(&inspected.worktree.path, pool::CHANGED_NOTE);
                        }
                    }
                    Ok(inspected) => scan.found.push(found(inspected, repository)),
                    Err(err) => survey.leave(&self.workspace.worktree(id), &unreadable(&err)),
                },
                Err(because) => survey.leave(&self.workspace.worktree(id), because),
            }
        }
        scan.left_alone =
            survey.left_alone.into_iter().map(|(path, because)| LeftAlone { path, because }).collect();
        scan.unreadable = survey
            .unreadable
            .into_iter()
            .map(|(repository, because)| Unreadable { repository, because })
            .collect();
        scan
    }

    /// Whether a folder without an administrative folder was a warm worktree.
    fn was_warm(&self, id: SessionId, repository: &RepositoryPath) -> bool {
        self.common_dir(repository).is_ok_and(|common| pool::is_lost(&common, id))
    }

    /// Whether it is a warm worktree, which is no session's.
    fn is_warm(&self, id: SessionId, inspected: &Inspected, repository: &RepositoryPath) -> bool {
        let common = self.common_dir(repository);
        let admin = inspected.admin.as_ref();
        admin.zip(common.ok()).is_some_and(|(admin, common)| pool::is_slot(admin, id, &common))
    }

    /// The repository an id belongs to, or why none could be found. Its folder has the last word.
    fn owner(&self, id: SessionId, survey: &mut Survey) -> Result<RepositoryPath, &'static str> {
        let folded = survey.folders.get(&id).unwrap_or(&Folded::Nothing);
        let named = self.named_by(folded).map(|named| {
            let common = self.common_dir(&named).ok();
            let known = common.and_then(|common| survey.repositories.get(&settled(&common)));
            known.cloned().unwrap_or(named)
        });
        let mut claims = survey.claims.get(&id).cloned().unwrap_or_default();
        let chosen = named
            .or_else(|| claims.iter().find(|claim| self.is_exact(id, claim)).cloned())
            .or_else(|| claims.first().cloned());
        let Some(chosen) = chosen else {
            return Err(match folded {
                Folded::NoFolder => "it is no folder",
                Folded::Repository => "it is a repository of its own",
                Folded::Worktree(Pointer::To(git_dir)) if common_behind(git_dir).is_some() => {
                    "it belongs to a repository outside the workspace"
                }
                Folded::Nothing | Folded::Worktree(_) => "nothing says which repository it belongs to",
            });
        };
        claims.remove(&chosen);
        for other in claims {
            if let Ok(common) = self.common_dir(&other) {
                let admin = common.join("worktrees").join(id.to_string());
                survey.leave(&admin, "another repository has the worktree of this id");
            }
        }
        Ok(chosen)
    }

    /// Whether a repository's administrative folder names exactly this session's folder.
    fn is_exact(&self, id: SessionId, repository: &RepositoryPath) -> bool {
        let admin = self.examine(id, repository).ok().and_then(|inspected| inspected.admin);
        admin.is_some_and(|admin| admin.names(&self.workspace.worktree(id)))
    }
}

impl Survey {
    fn claim(&mut self, id: SessionId, repository: &RepositoryPath) {
        self.claims.entry(id).or_default().insert(repository.clone());
    }

    fn miss(&mut self, repository: &RepositoryPath, err: &WorktreeError) {
        let because = err.to_string();
        self.unreadable.entry(repository.clone()).or_insert(because);
    }

    fn leave(&mut self, path: &Path, because: &str) {
        let known = self.left_alone.keys().any(|left| same_place(left, path));
        if !known {
            self.left_alone.insert(path.to_owned(), because.to_owned());
        }
    }
}

fn found(inspected: Inspected, repository: RepositoryPath) -> Found {
    let Inspected { worktree, admin } = inspected;
    let created = admin
        .as_ref()
        .and_then(Admin::created)
        .or_else(|| written(&worktree.path.join(".git")))
        .or_else(|| written(&worktree.path))
        .or_else(|| Timestamp::from_unix_millis(0))
        .expect("the epoch is a moment");
    let reason = admin.as_ref().and_then(Admin::lock_reason);
    Found {
        name: reason.filter(|reason| reason.id == worktree.id).and_then(|reason| reason.name),
        record: admin.and_then(|admin| admin.record()),
        worktree,
        repository,
        created,
    }
}

fn unreadable(err: &WorktreeError) -> String {
    format!("it cannot be read: {err}")
}

fn id_in(name: &OsStr) -> Option<SessionId> {
    name.to_str()?.parse().ok()
}

/// The id of an administrative folder, behind which git may have put a number.
pub(super) fn id_at_start(name: &OsStr) -> Option<SessionId> {
    let text = name.to_str()?;
    let (id, rest) = text.split_at_checked(SESSION_ID_CHARS)?;
    let numbered = rest.bytes().all(|byte| byte.is_ascii_digit());
    numbered.then(|| id.parse().ok()).flatten()
}

const SESSION_ID_CHARS: usize = 36;

fn written(path: &Path) -> Option<Timestamp> {
    let about = path.symlink_metadata().ok()?;
    about.modified().ok().map(Timestamp::from)
}

/// Whose record lies in an administrative folder.
fn recorded(admin: &Admin) -> Option<SessionId> {
    #[derive(Deserialize)]
    struct Recorded {
        id: String,
    }
    let recorded: Recorded = serde_json::from_str(&admin.record()?).ok()?;
    recorded.id.parse().ok()
}
