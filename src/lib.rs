//! Parallel development sessions in a container: each one a git branch, a git worktree and a record that outlives
//! terminals, crashes and restarts.
//!
//! The map. A room looks only at rooms on lower floors; rooms on one floor do not know each other
//! (`tests/it/house.rs` checks this).
//!
//! | floor | rooms |
//! |---|---|
//! | 7 | `cli` |
//! | 6 | `server`: HTTP, WebSocket, events, tickets |
//! | 5 | `view`: how sessions and results look, for scripts and the web |
//! | 4 | `manager`: the verbs, one file each |
//! | 3 | `registry`, `store`, `worktree`, `terminal`, `shell`, `conversation`, `config` |
//! | 2 | `agent`, `interpreter`, `process`, `workspace`, `screen`, `socket` |
//! | 1 | `session`, `lock` |
//! | 0 | `clock`, `text`, `json`, `atomic`, `hash`, `key`, `limits`, `pattern` |
//!
//! Invariants worth knowing before a change:
//! - A worktree's path is derived from workspace and id; a stored path is never used.
//! - The state lock is never held while git works; what is being done is in the journal (`Pending`).
//! - A record goes only by an explicit destroy, and then into the trash.
//! - Nothing below `cli` prints, and nothing below `cli` knows where it was started.
//! - Nothing of `server` runs unless somebody serves.

pub mod agent;
pub mod atomic;
pub mod cli;
pub mod clock;
pub mod config;
pub mod conversation;
pub mod hash;
pub mod interpreter;
pub mod json;
pub mod key;
pub mod limits;
pub mod lock;
pub mod manager;
pub mod pattern;
pub mod process;
pub mod registry;
pub mod screen;
pub mod server;
pub mod session;
pub mod shell;
pub mod socket;
pub mod store;
pub mod terminal;
pub mod text;
pub mod view;
pub mod workspace;
pub mod worktree;
