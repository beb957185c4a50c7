//! The verbs on folders outside a workspace: bind, find, remove (SPEC IS-3, IS-4).

use std::{path::Path, sync::Arc};

use super::{
    ManagerError,
    bind::{BindIssue, EditorChange, apply_issue, editor_of, is_running},
};
use crate::{
    clock::{Clock, Timestamp},
    session::{Binding, Editor, IssueRef, Label},
    store::{BoundFolder, FolderStore},
};

/// The folders that a user bound outside any workspace.
pub struct FolderManager {
    store: FolderStore,
    editor: Label,
    clock: Arc<dyn Clock>,
}

impl FolderManager {
    /// A manager of the user's registry; `editor` is what an editor's process is called unless told otherwise.
    pub fn of(store: FolderStore, editor: Label, clock: Arc<dyn Clock>) -> Self {
        Self { store, editor, clock }
    }

    /// Binds a folder to an issue that no other folder has.
    pub fn bind(&self, folder: &Path, bind: BindIssue) -> Result<BoundFolder, ManagerError> {
        self.change(folder, |others, binding| {
            let owner = others.iter().find(|it| has_issue(it, &bind.issue));
            if let Some(owner) = owner {
                return Err(ManagerError::IssueElsewhere { issue: bind.issue, folder: owner.folder.clone() });
            }
            apply_issue(binding, bind);
            Ok(())
        })
    }

    /// Notes that a folder's editor runs or was closed.
    pub fn set_editor(&self, folder: &Path, change: EditorChange) -> Result<BoundFolder, ManagerError> {
        let editor = editor_of(change, &self.editor)?;
        self.change(folder, |_, binding| {
            apply_editor(binding, editor);
            Ok(())
        })
    }

    /// The folder of an issue.
    pub fn on_issue(&self, issue: &IssueRef) -> Result<Option<BoundFolder>, ManagerError> {
        Ok(self.store.read()?.into_iter().find(|it| has_issue(it, issue)))
    }

    /// What a folder is bound to.
    pub fn in_folder(&self, folder: &Path) -> Result<Option<BoundFolder>, ManagerError> {
        Ok(self.store.read()?.into_iter().find(|it| it.folder == folder))
    }

    /// How many folders have an editor that runs.
    pub fn running_editors(&self) -> Result<usize, ManagerError> {
        let folders = self.store.read()?;
        Ok(folders.iter().filter(|it| it.binding.editor.as_ref().is_some_and(is_running)).count())
    }

    /// Takes a folder out of the registry; says whether it was in it.
    pub fn remove(&self, folder: &Path) -> Result<bool, ManagerError> {
        Ok(self.store.change(|folders| {
            let before = folders.len();
            folders.retain(|it| it.folder != folder);
            folders.len() < before
        })?)
    }

    fn change(
        &self,
        folder: &Path,
        change: impl FnOnce(&[BoundFolder], &mut Binding) -> Result<(), ManagerError>,
    ) -> Result<BoundFolder, ManagerError> {
        let now: Timestamp = self.clock.now();
        self.store.change(|folders| {
            let at = folders.iter().position(|it| it.folder == folder);
            let mut bound = match at {
                Some(at) => folders.remove(at),
                None => BoundFolder { folder: folder.to_owned(), binding: Binding::begin(now) },
            };
            let before = bound.clone();
            let changed = change(folders, &mut bound.binding);
            if changed.is_ok() {
                bound.binding.last_updated = now;
            } else {
                bound = before;
            }
            if !bound.binding.is_empty() {
                folders.insert(at.unwrap_or(folders.len()), bound.clone());
            }
            changed.map(|()| bound)
        })?
    }
}

fn has_issue(bound: &BoundFolder, issue: &IssueRef) -> bool {
    bound.binding.issue.as_ref().is_some_and(|it| it.reference == *issue)
}

/// Gives a binding its editor, or notes that the one it has was closed.
pub(super) fn apply_editor(binding: &mut Binding, editor: Option<Editor>) {
    match editor {
        Some(editor) => binding.editor = Some(editor),
        None => {
            if let Some(editor) = &mut binding.editor {
                editor.process = None;
            }
        }
    }
}
