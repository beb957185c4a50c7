//! Whether the log of commands keeps what it is given, and says what it cannot.

mod keeping;
mod support;
