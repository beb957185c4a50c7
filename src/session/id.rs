//! Which session: an identity that never changes and is also the folder's name.

use std::{fmt, str::FromStr};

use thiserror::Error;
use uuid::{Uuid, Variant, Version};

/// A version-4 UUID; names a session, its worktree folder and its administrative folder for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(Uuid);

/// Why a text is not a session id.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{}` is not a version-4 UUID in lower case with hyphens", text.escape_default())]
pub struct SessionIdError {
    /// What was read.
    pub text: String,
}

impl SessionId {
    /// A fresh id.
    #[expect(clippy::disallowed_methods, reason = "this is the one source of random ids")]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The lowest id that begins with these hexadecimal digits and hyphens; `None` when no id can begin so.
    pub fn lowest_with(prefix: &str) -> Option<Self> {
        const LOWEST: &str = "00000000-0000-0000-0000-000000000000";
        let rest = LOWEST.get(prefix.len()..)?;
        let text = format!("{prefix}{rest}");
        let id = Uuid::try_parse(&text).ok()?;
        (id.as_hyphenated().to_string() == text).then_some(Self(id))
    }

    /// The first eight characters, enough for people to tell sessions apart.
    pub fn short(self) -> String {
        let mut text = self.to_string();
        text.truncate(8);
        text
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for SessionId {
    type Err = SessionIdError;

    /// Takes the one spelling that is also a folder name: 36 characters, lower case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = Uuid::try_parse(text).ok().filter(|id| {
            id.get_version() == Some(Version::Random)
                && id.get_variant() == Variant::RFC4122
                && *id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) == *text
        });
        id.map(Self).ok_or_else(|| SessionIdError { text: text.to_owned() })
    }
}
