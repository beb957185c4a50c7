//! Whether the log of commands keeps what it is given, and says what it cannot.

mod alone;
mod damage;
mod indexing;
mod keeping;
mod killed;
mod limits;
mod properties;
mod rotating;
mod support;
