//! What a branch may be called (git's own rules and RELIABILITY N2).

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::SessionName;
use crate::text;

/// The longest component between two slashes, in bytes: a ref is also a file, and its lock needs room.
pub const COMPONENT_BYTES_MAX: usize = 200;
/// The longest branch name, in bytes.
pub const BRANCH_BYTES_MAX: usize = 1_000;

const DETACHED: &str = "HEAD";

/// A short branch name such as `feature/auth`, or the word `HEAD` for a worktree that is on no branch.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BranchName(String);

/// Why a text is not a branch name.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{}` is not a branch name: {because}", text.escape_debug())]
pub struct BranchNameError {
    /// What was read.
    pub text: String,
    /// The rule it breaks.
    pub because: &'static str,
}

impl BranchName {
    /// `feature/<name>`; cannot fail because a session name is already safe.
    pub fn for_session(name: &SessionName) -> Self {
        Self(format!("feature/{name}"))
    }

    /// The mark of a worktree that is on no branch; git prints the same word.
    pub fn detached() -> Self {
        Self(DETACHED.to_owned())
    }

    /// Whether this stands for no branch at all.
    pub fn is_detached(&self) -> bool {
        self.0 == DETACHED
    }

    /// Takes what a record may hold: a branch name, or `HEAD`.
    pub fn from_record(text: &str) -> Result<Self, BranchNameError> {
        if text == DETACHED { Ok(Self::detached()) } else { text.parse() }
    }

    /// The short name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The full name, `refs/heads/<branch>`.
    pub fn reference(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BranchName {
    type Err = BranchNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let broken = if is_plain(text) { None } else { broken_rule(text) };
        match broken {
            Some(because) => Err(BranchNameError { text: text.to_owned(), because }),
            None => Ok(Self(text.to_owned())),
        }
    }
}

/// Whether a text is a name at first sight: components of letters, digits, `-` and `_`.
pub(super) fn is_plain(text: &str) -> bool {
    let mut before = b'/';
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || byte == b'_';
        if !(is_plain || (matches!(byte, b'/' | b'-') && before != b'/')) {
            return false;
        }
        before = byte;
    }
    before != b'/' && text.len() <= COMPONENT_BYTES_MAX && text != DETACHED
}

pub(super) fn broken_rule(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.len() > BRANCH_BYTES_MAX {
        return Some("it has more than 1000 bytes");
    }
    if text == DETACHED || text == "@" {
        return Some("git gives this word another meaning");
    }
    if text.starts_with('-') {
        return Some("it begins with `-`");
    }
    broken_character(text).or_else(|| text.split('/').find_map(broken_component))
}

fn broken_character(text: &str) -> Option<&'static str> {
    if text.chars().any(text::is_unsafe) {
        return Some("it contains control or invisible characters");
    }
    if text.contains([' ', '~', '^', ':', '?', '*', '[', '\\']) {
        return Some("it contains a space or one of `~^:?*[\\`");
    }
    if text.contains("..") || text.contains("@{") {
        return Some("it contains `..` or `@{`");
    }
    text.ends_with('.').then_some("it ends with `.`")
}

fn broken_component(component: &str) -> Option<&'static str> {
    if component.is_empty() {
        return Some("a slash begins, ends or follows another slash");
    }
    if component.starts_with('.') {
        return Some("a component begins with `.`");
    }
    if component.strip_suffix(".lock").is_some() {
        return Some("a component ends with `.lock`");
    }
    (component.len() > COMPONENT_BYTES_MAX).then_some("a component has more than 200 bytes")
}
