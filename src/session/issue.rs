//! Which issue a session works on, and which editor shows it (SPEC IS).

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use thiserror::Error;

use super::{Label, ProcessId};
use crate::clock::Timestamp;

/// The longest owner or repository name, in bytes.
const PART_BYTES_MAX: usize = 100;

/// An issue, written `owner/repo#number`; owner and repository compare without regard to case.
#[derive(Clone, Debug)]
pub struct IssueRef {
    repository: String,
    number: u64,
}

/// Why a text does not name an issue.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{}` does not name an issue; write owner/repo#number", text.escape_debug())]
pub struct IssueRefError {
    /// What was read.
    pub text: String,
}

impl IssueRef {
    /// An issue of a repository `owner/repo`; numbers begin at 1.
    pub fn new(repository: &str, number: u64) -> Result<Self, IssueRefError> {
        let mut parts = repository.split('/');
        let named = matches!((parts.next(), parts.next(), parts.next()),
            (Some(owner), Some(repo), None) if is_part(owner) && is_part(repo));
        if !named || number == 0 {
            return Err(IssueRefError { text: format!("{repository}#{number}") });
        }
        Ok(Self { repository: repository.to_owned(), number })
    }

    /// `owner/repo`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The number, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The form in which two issues are compared.
    pub fn folded(&self) -> (String, u64) {
        (self.repository.to_ascii_lowercase(), self.number)
    }
}

fn is_part(text: &str) -> bool {
    !matches!(text, "" | "." | "..")
        && text.len() <= PART_BYTES_MAX
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

impl PartialEq for IssueRef {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number && self.repository.eq_ignore_ascii_case(&other.repository)
    }
}

impl Eq for IssueRef {}

impl Hash for IssueRef {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        for byte in self.repository.bytes() {
            hasher.write_u8(byte.to_ascii_lowercase());
        }
        hasher.write_u64(self.number);
    }
}

impl fmt::Display for IssueRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.repository, self.number)
    }
}

impl FromStr for IssueRef {
    type Err = IssueRefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || IssueRefError { text: text.to_owned() };
        let (repository, number) = text.split_once('#').ok_or_else(wrong)?;
        let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let number = number.parse().ok().filter(|_| digits).ok_or_else(wrong)?;
        Self::new(repository, number).map_err(|_| wrong())
    }
}

/// What a session has to do with an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Which one.
    pub reference: IssueRef,
    /// Where it stands in the workflow, such as `status-07:code-review`.
    pub label: Option<Label>,
    /// Whether a person stepped in to repair what an agent did.
    pub intervention: bool,
}

/// An editor window on the session's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Editor {
    /// What its process is called, such as `code`.
    pub name: Label,
    /// Its process; none means that it does not run.
    pub process: Option<ProcessId>,
}

/// What a folder is bound to, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The issue that is worked on there.
    pub issue: Option<Issue>,
    /// The editor that shows it.
    pub editor: Option<Editor>,
    /// When the folder was first bound.
    pub started_at: Timestamp,
    /// When any of this last changed.
    pub last_updated: Timestamp,
}

impl Binding {
    /// Nothing bound yet.
    pub fn begin(now: Timestamp) -> Self {
        Self { issue: None, editor: None, started_at: now, last_updated: now }
    }

    /// Whether neither an issue nor an editor is left.
    pub fn is_empty(&self) -> bool {
        self.issue.is_none() && self.editor.is_none()
    }
}
