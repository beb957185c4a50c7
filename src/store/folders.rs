//! Which folders outside a workspace are bound to an issue or an editor: the registry of a user (SPEC IS-4).

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    StoreError, backup,
    file_store::LOCK_WAIT_MAX,
    files::{self, Files, failed},
    parts::{EditorRecord, IssueRecord, PartError},
    record::Text,
};
use crate::{
    atomic::{self, Durability},
    clock::{Clock, Timestamp},
    json,
    lock::Lock,
    session::Binding,
};

const VERSION: &str = "1.0";
/// What a registry is called in the user's folder.
pub const FOLDERS_FILE: &str = "folders.json";

/// A folder and what it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundFolder {
    /// The folder, an absolute path.
    pub folder: PathBuf,
    /// Its issue and editor.
    pub binding: Binding,
}

/// The registry of a user. A missing file is an empty registry; one that cannot be read is set aside with a warning.
pub struct FolderStore {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    lock_wait_max: Duration,
}

#[derive(Serialize, Deserialize)]
struct Table {
    version: String,
    folders: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    folder: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issue: Option<IssueRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    editor: Option<EditorRecord>,
    started_at: Text<Timestamp>,
    last_updated: Text<Timestamp>,
}

impl FolderStore {
    /// The registry in the user's folder.
    pub fn in_folder(folder: &Path, clock: Arc<dyn Clock>) -> Self {
        Self { path: folder.join(FOLDERS_FILE), clock, lock_wait_max: LOCK_WAIT_MAX }
    }

    /// The folders, in the order of the file. Writes nothing.
    pub fn read(&self) -> Result<Vec<BoundFolder>, StoreError> {
        let files = Files::resolve(&self.path)?;
        Ok(load(&files)?.unwrap_or_default())
    }

    /// Changes the registry under its lock, and replaces the file if anything changed.
    pub fn change<T>(&self, change: impl FnOnce(&mut Vec<BoundFolder>) -> T) -> Result<T, StoreError> {
        let folder = self.path.parent().unwrap_or(&self.path);
        std::fs::create_dir_all(folder).map_err(failed("create", folder))?;
        let files = Files::resolve(&self.path)?;
        let _lock = Lock::take(&files.lock(), self.lock_wait_max)?;
        let before = match load(&files)? {
            Some(folders) => folders,
            None => self.set_aside(&files)?,
        };
        let mut after = before.clone();
        let answer = change(&mut after);
        if after != before {
            let text = encode(&after);
            atomic::replace(&files.state, text.as_bytes(), Durability::PowerCut)
                .map_err(failed("replace", &files.state))?;
        }
        Ok(answer)
    }

    /// Keeps a copy of a file that cannot be read, and begins anew.
    fn set_aside(&self, files: &Files) -> Result<Vec<BoundFolder>, StoreError> {
        let bytes = files::read(&files.state)?.unwrap_or_default();
        let kept = backup::keep_broken(files, &bytes, self.clock.now())?;
        tracing::warn!(path = %kept.display(), "the registry of folders was broken and is kept aside");
        Ok(Vec::new())
    }
}

/// The folders of a file; `None` when there is a file and it is no registry.
fn load(files: &Files) -> Result<Option<Vec<BoundFolder>>, StoreError> {
    let Some(bytes) = files::read(&files.state)? else {
        return Ok(Some(Vec::new()));
    };
    match decode(&bytes) {
        Decoded::Folders(folders) => Ok(Some(folders)),
        Decoded::Newer(version) => Err(StoreError::Newer { path: files.state.clone(), version }),
        Decoded::Broken => {
            tracing::warn!(path = %files.state.display(), "the registry of folders cannot be read");
            Ok(None)
        }
    }
}

enum Decoded {
    Folders(Vec<BoundFolder>),
    Newer(String),
    Broken,
}

fn decode(bytes: &[u8]) -> Decoded {
    #[derive(Deserialize)]
    struct Head {
        version: String,
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if json::check(text, json::DEPTH_MAX).is_ok() => text,
        Ok(_) | Err(_) => return Decoded::Broken,
    };
    match serde_json::from_str::<Head>(text) {
        Ok(head) if head.version.split('.').next() == Some("1") => (),
        Ok(head) => return Decoded::Newer(head.version),
        Err(_) => return Decoded::Broken,
    }
    let Ok(table) = serde_json::from_str::<Table>(text) else {
        return Decoded::Broken;
    };
    let folders: Result<Vec<BoundFolder>, PartError> =
        table.folders.into_iter().map(Entry::into_value).collect();
    folders.map_or(Decoded::Broken, Decoded::Folders)
}

fn encode(folders: &[BoundFolder]) -> String {
    let table = Table { version: VERSION.to_owned(), folders: folders.iter().map(Entry::from).collect() };
    let mut text = serde_json::to_string_pretty(&table).expect("texts and numbers always have a JSON form");
    text.push('\n');
    text
}

impl Entry {
    fn into_value(self) -> Result<BoundFolder, PartError> {
        Ok(BoundFolder {
            folder: self.folder.into(),
            binding: Binding {
                issue: self.issue.map(IssueRecord::into_value).transpose()?,
                editor: self.editor.map(EditorRecord::into_value).transpose()?,
                started_at: self.started_at.0,
                last_updated: self.last_updated.0,
            },
        })
    }
}

impl From<&BoundFolder> for Entry {
    fn from(bound: &BoundFolder) -> Self {
        Self {
            folder: bound.folder.to_string_lossy().into_owned(),
            issue: bound.binding.issue.as_ref().map(IssueRecord::from),
            editor: bound.binding.editor.as_ref().map(EditorRecord::from),
            started_at: Text(bound.binding.started_at),
            last_updated: Text(bound.binding.last_updated),
        }
    }
}

/// The JSON of one folder, as the registry has it.
pub fn encode_folder(bound: &BoundFolder) -> String {
    serde_json::to_string(&Entry::from(bound)).expect("texts and numbers always have a JSON form")
}
