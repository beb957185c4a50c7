//! Whether a session has what it needs to be worked in, beside what git checks out.

use std::str::FromStr;

use thiserror::Error;

/// What is known of a setup that is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// It was not begun, is going on, or whoever was at it is gone.
    Unfinished,
    /// A command of it failed.
    Failed,
}

/// A text that says nothing about a setup.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is neither `unfinished` nor `failed`", text.escape_debug())]
pub struct SetupError {
    text: String,
}

impl Setup {
    /// The word that records keep.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for Setup {
    type Err = SetupError;

    fn from_str(text: &str) -> Result<Self, SetupError> {
        match text {
            "unfinished" => Ok(Self::Unfinished),
            "failed" => Ok(Self::Failed),
            _ => Err(SetupError { text: text.to_owned() }),
        }
    }
}
