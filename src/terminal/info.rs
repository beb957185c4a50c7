//! What a holder answers to who asks about its session.

use serde::{Deserialize, Serialize};

use super::Mood;

/// What the holder knows about its session.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Info {
    /// The process in the terminal.
    pub pid: u32,
    /// The holder.
    pub holder: u32,
    /// Rows of the terminal.
    pub rows: u16,
    /// Columns of the terminal.
    pub cols: u16,
    /// How many bytes the program has printed.
    pub output: u64,
    /// Milliseconds since it printed last.
    pub silent_ms: u64,
    /// How many clients are attached.
    pub clients: usize,
    /// Whether one of them controls.
    pub is_controlled: bool,
    /// What the program calls its window.
    pub title: Option<String>,
    /// Whether a full-screen program has the terminal.
    pub alternate: bool,
    /// Whether text is pasted between marks.
    pub bracketed_paste: bool,
    /// Whether cursor keys are sent in their other form (`ESC O A`).
    pub application_cursor: bool,
    /// What its terminal tells of the program; nothing from holders that do not say it.
    pub mood: Option<Mood>,
}
