//! What kinds of interpreters there are: how each is started, told to run a command, and asked for what it holds.

mod state;

pub use self::state::{Changes, State};
