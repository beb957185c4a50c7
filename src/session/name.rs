//! What people call a session (RELIABILITY N1).

use std::{
    borrow::Cow,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use thiserror::Error;
use uuid::Uuid;

/// The longest name, in characters.
pub const NAME_CHARS_MAX: usize = 64;

/// Names that some file system or shell gives a meaning of its own, whatever follows their first dot.
const DEVICE_NAMES: &[&str] = &["con", "prn", "aux", "nul", "clock$", "conin$", "conout$"];

/// A name that is safe as a path component and as the tail of a branch; names that differ only in case are equal.
#[derive(Clone, Debug)]
pub struct SessionName(String);

/// Why a text is not a session name.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SessionNameError {
    /// Nothing was given.
    #[error("a session name cannot be empty")]
    Empty,
    /// More than [`NAME_CHARS_MAX`] characters.
    #[error("a session name has at most {NAME_CHARS_MAX} characters, this one has {chars}")]
    TooLong {
        /// How many there are.
        chars: usize,
    },
    /// A character outside `A-Za-z0-9._-`.
    #[error("session name contains `{}`; use letters, digits, `.`, `_` and `-`", found.escape_default())]
    Character {
        /// The first offender.
        found: char,
    },
    /// The first or last character is punctuation.
    #[error("session name `{name}` must begin and end with a letter or a digit")]
    Edge {
        /// The name.
        name: String,
    },
    /// Git or a file system gives this form a meaning of its own.
    #[error("session name `{name}` is reserved: {because}")]
    Reserved {
        /// The name.
        name: String,
        /// What it would be taken for.
        because: &'static str,
    },
}

impl SessionName {
    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two names are compared.
    pub fn folded(&self) -> Cow<'_, str> {
        if self.0.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(self.0.to_ascii_lowercase())
        } else {
            Cow::Borrowed(&self.0)
        }
    }
}

impl PartialEq for SessionName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for SessionName {}

impl Hash for SessionName {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let mut folded = [0; NAME_CHARS_MAX];
        folded[..self.0.len()].copy_from_slice(self.0.as_bytes());
        folded.make_ascii_lowercase();
        folded[..self.0.len()].hash(hasher);
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SessionName {
    type Err = SessionNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !is_plain(text) {
            hold_to_rules(text)?;
        }
        Ok(Self(text.to_owned()))
    }
}

/// Every rule that a name has to follow.
pub(super) fn hold_to_rules(text: &str) -> Result<(), SessionNameError> {
    let (Some(first), Some(last)) = (text.chars().next(), text.chars().next_back()) else {
        return Err(SessionNameError::Empty);
    };
    let chars = text.chars().count();
    if chars > NAME_CHARS_MAX {
        return Err(SessionNameError::TooLong { chars });
    }
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if let Some(found) = text.chars().find(|c| !allowed(c)) {
        return Err(SessionNameError::Character { found });
    }
    if !first.is_ascii_alphanumeric() || !last.is_ascii_alphanumeric() {
        return Err(SessionNameError::Edge { name: text.to_owned() });
    }
    match reserved(text) {
        Some(because) => Err(SessionNameError::Reserved { name: text.to_owned(), because }),
        None => Ok(()),
    }
}

/// Whether a text is a name at first sight: letters, digits and, inside, `-` and `_`; as long as no reserved form is.
pub(super) fn is_plain(text: &str) -> bool {
    let is_inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let bytes = text.as_bytes();
    let [first, .., last] = bytes else {
        return false;
    };
    // Devices have three letters or four, each has one of these first, a UUID has 32 digits and may have four hyphens.
    let may_be_device = matches!(bytes.len(), 3 | 4)
        && matches!(first.to_ascii_lowercase(), b'a' | b'c' | b'l' | b'n' | b'p');
    !may_be_device
        && !matches!(bytes.len(), 32 | 36)
        && bytes.len() <= NAME_CHARS_MAX
        && first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && bytes.iter().all(is_inner)
}

fn reserved(text: &str) -> Option<&'static str> {
    let folded = text.to_ascii_lowercase();
    if folded.contains("..") {
        return Some("`..` is a range in git and the parent folder elsewhere");
    }
    if folded.strip_suffix(".lock").is_some() {
        return Some("git keeps its locks under `.lock`");
    }
    if Uuid::try_parse(&folded).is_ok() {
        return Some("a UUID names a session by its id");
    }
    let stem = folded.split('.').next().unwrap_or_default();
    let numbered = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    let port = numbered.is_some_and(|digit| matches!(digit.as_bytes(), [b'0'..=b'9']));
    (port || DEVICE_NAMES.contains(&stem)).then_some("it is a device name on some systems")
}
