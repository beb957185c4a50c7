//! Which variables a process of a session gets from whoever started it.

use std::ffi::OsStr;

/// Variables that say something about the terminal, the session or the repository of whoever starts the holder.
const DROPPED: [&str; 24] = [
    "ALACRITTY_WINDOW_ID",
    "COLUMNS",
    "INSIDE_EMACS",
    "KITTY_WINDOW_ID",
    "LINES",
    "NOTIFY_SOCKET",
    "OLDPWD",
    "SHLVL",
    "STY",
    "TERMCAP",
    "TERMINFO",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "TERM_SESSION_ID",
    "TMUX",
    "TMUX_PANE",
    "VTE_VERSION",
    "WEZTERM_PANE",
    "WINDOW",
    "WINDOWID",
    "WT_SESSION",
    "XDG_ACTIVATION_TOKEN",
    "ZELLIJ",
    "_",
];
const DROPPED_BEGINNINGS: [&[u8]; 4] = [b"GIT_", b"WHARF_", b"VSCODE_", b"ZELLIJ_"];

/// Whether a program in a session is to see a variable of whoever started it.
pub fn is_passed_on(key: &OsStr) -> bool {
    let key = key.as_encoded_bytes();
    !DROPPED.iter().any(|dropped| dropped.as_bytes() == key)
        && !DROPPED_BEGINNINGS.iter().any(|beginning| key.starts_with(beginning))
}
