//! What the interpreter of a context has in its environment.

use std::{env, ffi::OsString};

use crate::{
    session::{CONTEXT_VARIABLE, SESSION_VARIABLE},
    shell::Place,
    socket::{self, Folder, Post},
};

/// What an interpreter is told about its terminal: that it has none.
const TERM: &str = "dumb";

/// All of it: what whoever started the holder has, without what is about that one's terminal, session or repository; and
/// what is about this session.
pub(super) fn of(place: &Place) -> Vec<(OsString, OsString)> {
    let passed = env::vars_os().filter(|(key, _)| socket::is_passed_on(key) && key != "TERM" && key != "PWD");
    let own: [(&str, OsString); 6] = [
        ("TERM", TERM.into()),
        ("PWD", place.worktree.clone().into()),
        (SESSION_VARIABLE, place.id.to_string().into()),
        (CONTEXT_VARIABLE, place.id.to_string().into()),
        ("WHARF_SESSION_NAME", place.name.as_str().into()),
        ("WHARF_WORKTREE", place.worktree.clone().into()),
    ];
    // Made by the holder of the session's terminal, while there is one.
    let token = Folder::of(&place.workspace).file(place.id, Post::Terminal, "token");
    let token = token.exists().then(|| ("WHARF_TOKEN_FILE", token.into_os_string()));
    passed.chain(own.into_iter().chain(token).map(|(key, value)| (key.into(), value))).collect()
}
