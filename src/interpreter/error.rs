//! Why an interpreter is not described well.

use thiserror::Error;

/// Why an interpreter is not described well.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InterpreterError {
    /// It cannot be called like this.
    #[error("`interpreters`: `{}` is no name: it has 1 to 50 of a-z, 0-9, `-` and `_`", name.escape_debug())]
    Name {
        /// What it was to be called.
        name: String,
    },
    /// A part of its description cannot be taken.
    #[error("`interpreters.{name}.{key}` {rule}")]
    Entry {
        /// Whose.
        name: String,
        /// Which part.
        key: &'static str,
        /// What it has to be.
        rule: &'static str,
    },
    /// One interpreter too many.
    #[error("`interpreters` has more than {limit} descriptions")]
    TooMany {
        /// How many there may be.
        limit: usize,
    },
}
