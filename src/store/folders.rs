//! Which folders outside a workspace are bound to an issue or an editor: the registry of a user (SPEC IS-4).

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

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
    json::{self, Members},
    lock::Lock,
    session::Binding,
};

const VERSION: &str = "1.0";
/// The fields of the registry and of an entry that are ours; all others are kept to the letter.
const TABLE_FIELDS: [&str; 2] = ["version", "folders"];
const ENTRY_FIELDS: [&str; 5] = ["folder", "issue", "editor", "startedAt", "lastUpdated"];
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

/// A registry as it stands in its file.
struct Table {
    version: String,
    folders: Vec<BoundFolder>,
    /// What a newer wharf wrote beside the folders, and into the entry of each.
    unknown: Members,
    unknown_of: HashMap<PathBuf, Members>,
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
        Ok(load(&files)?.map_or_else(Vec::new, |table| table.folders))
    }

    /// Changes the registry under its lock, and replaces the file if anything changed.
    pub fn change<T>(&self, change: impl FnOnce(&mut Vec<BoundFolder>) -> T) -> Result<T, StoreError> {
        let folder = self.path.parent().unwrap_or(&self.path);
        std::fs::create_dir_all(folder).map_err(failed("create", folder))?;
        let files = Files::resolve(&self.path)?;
        let _lock = Lock::take(&files.lock(), self.lock_wait_max)?;
        let mut table = match load(&files)? {
            Some(table) => table,
            None => self.set_aside(&files)?,
        };
        let before = table.folders.clone();
        let answer = change(&mut table.folders);
        if table.folders != before {
            let text = encode(&table);
            atomic::replace(&files.state, text.as_bytes(), Durability::PowerCut)
                .map_err(failed("replace", &files.state))?;
        }
        Ok(answer)
    }

    /// Keeps a copy of a file that cannot be read, and begins anew.
    fn set_aside(&self, files: &Files) -> Result<Table, StoreError> {
        let bytes = files::read(&files.state)?.unwrap_or_default();
        let kept = backup::keep_broken(files, &bytes, self.clock.now())?;
        tracing::warn!(path = %kept.display(), "the registry of folders was broken and is kept aside");
        Ok(Table::new())
    }
}

/// The registry of a file; `None` when there is a file and it is no registry.
fn load(files: &Files) -> Result<Option<Table>, StoreError> {
    let Some(bytes) = files::read(&files.state)? else {
        return Ok(Some(Table::new()));
    };
    match decode(&bytes) {
        Decoded::Table(table) => Ok(Some(table)),
        Decoded::Newer(version) => Err(StoreError::Newer { path: files.state.clone(), version }),
        Decoded::Broken => {
            tracing::warn!(path = %files.state.display(), "the registry of folders cannot be read");
            Ok(None)
        }
    }
}

enum Decoded {
    Table(Table),
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
        Ok(head) if head.version.split('.').next() == Some("1") => {
            Table::of(head.version, text).map_or(Decoded::Broken, Decoded::Table)
        }
        Ok(head) => Decoded::Newer(head.version),
        Err(_) => Decoded::Broken,
    }
}

impl Table {
    fn new() -> Self {
        let (unknown, unknown_of) = (Members::new(), HashMap::new());
        Self { version: VERSION.to_owned(), folders: Vec::new(), unknown, unknown_of }
    }

    fn of(version: String, text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct List<'a> {
            #[serde(borrow)]
            folders: Vec<&'a RawValue>,
        }
        let list: List<'_> = serde_json::from_str(text).ok()?;
        let mut table = Self { version, unknown: strangers(text, &TABLE_FIELDS)?, ..Self::new() };
        for entry in list.folders {
            let bound = serde_json::from_str::<Entry>(entry.get()).ok()?.into_value().ok()?;
            let unknown = strangers(entry.get(), &ENTRY_FIELDS)?;
            table.unknown_of.insert(bound.folder.clone(), unknown);
            table.folders.push(bound);
        }
        Some(table)
    }
}

/// The members of an object that are not ours.
fn strangers(object: &str, ours: &[&str]) -> Option<Members> {
    let members: Members = serde_json::from_str(object).ok()?;
    Some(members.into_iter().filter(|(key, _)| !ours.contains(&key.as_str())).collect())
}

fn encode(table: &Table) -> String {
    #[derive(Serialize)]
    struct Written<'a> {
        version: &'a str,
        folders: Vec<WrittenEntry<'a>>,
        #[serde(flatten)]
        unknown: &'a Members,
    }
    #[derive(Serialize)]
    struct WrittenEntry<'a> {
        #[serde(flatten)]
        entry: Entry,
        #[serde(flatten)]
        unknown: Option<&'a Members>,
    }
    let entry = |bound: &'_ BoundFolder| WrittenEntry {
        entry: Entry::from(bound),
        unknown: table.unknown_of.get(&bound.folder),
    };
    let folders = table.folders.iter().map(entry).collect();
    let written = Written { version: &table.version, folders, unknown: &table.unknown };
    let mut text = serde_json::to_string_pretty(&written).expect("texts and numbers always have a JSON form");
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
