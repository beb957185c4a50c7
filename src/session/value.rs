//! Small values of a session that are texts with a rule.

use std::{
    borrow::Cow,
    fmt,
    path::{Component, Path, PathBuf},
    str::FromStr,
};

use thiserror::Error;

/// The longest label, in bytes.
pub const LABEL_BYTES_MAX: usize = 1_000;
/// The longest path of a repository, in bytes; no path that the kernel takes is longer.
const REPOSITORY_PATH_BYTES_MAX: usize = 4_095;
/// The path of the workspace itself, seen from there.
const ROOT: &str = ".";

/// A short free text: a phase, a workflow label, an editor's name. Not empty, no NUL, at most 1000 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label(String);

/// Why a text is no label.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a text of 1 to {LABEL_BYTES_MAX} bytes without NUL is needed, not {bytes} bytes")]
pub struct LabelError {
    /// How long it was.
    pub bytes: usize,
}

impl Label {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > LABEL_BYTES_MAX || text.contains('\0') {
            return Err(LabelError { bytes: text.len() });
        }
        Ok(Self(text.to_owned()))
    }
}

/// The name of a commit: 40 (SHA-1) or 64 (SHA-256) hexadecimal digits in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommitId(String);

/// Why a text names no commit.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{}` is not a full commit id", text.escape_default())]
pub struct CommitIdError {
    /// What was read.
    pub text: String,
}

impl CommitId {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CommitId {
    type Err = CommitIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !hex || !matches!(text.len(), 40 | 64) {
            return Err(CommitIdError { text: text.to_owned() });
        }
        Ok(Self(text.to_owned()))
    }
}

/// Where a branch began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The commit it was made from.
    pub commit: CommitId,
    /// The full name of the ref that named it, if one did; ahead and behind are counted against it.
    pub reference: Option<String>,
}

/// A repository, by its path below the workspace; `.` is the workspace itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryPath(Cow<'static, str>);

/// Why a text is not the path of a repository in the workspace.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{}` is not a path below the workspace", text.escape_debug())]
pub struct RepositoryPathError {
    /// What was read.
    pub text: String,
}

impl RepositoryPath {
    /// The workspace itself.
    pub fn root() -> Self {
        Self(Cow::Borrowed(ROOT))
    }

    /// The path, seen from the workspace.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The absolute path.
    pub fn below(&self, workspace: &Path) -> PathBuf {
        if self.0 == ROOT { workspace.to_owned() } else { workspace.join(&*self.0) }
    }
}

impl fmt::Display for RepositoryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RepositoryPath {
    type Err = RepositoryPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == ROOT {
            return Ok(Self::root());
        }
        let plain = !text.is_empty()
            && !text.contains('\0')
            && text.len() <= REPOSITORY_PATH_BYTES_MAX
            && !text.ends_with('/')
            && Path::new(text).components().all(|part| matches!(part, Component::Normal(_)))
            && text.split('/').all(|part| !matches!(part, "" | "."));
        if !plain {
            return Err(RepositoryPathError { text: text.to_owned() });
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }
}

/// One process of one boot: a pid alone may name another process tomorrow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProcessId {
    /// The process id, from 1.
    pub pid: u32,
    /// When it started, in clock ticks since the boot.
    pub started: u64,
    /// The kernel's boot id, the inode of the pid namespace, and when its first process started, in clock ticks:
    /// `<uuid>/<inode>/<ticks>`.
    pub boot: String,
}
