use std::{fs, io::ErrorKind, os::unix::fs::PermissionsExt as _, time::Instant};

use super::support::PATIENCE;
use crate::{
    limits::Limits,
    process,
    screen::Size,
    session::SessionId,
    terminal::{HolderTerminals, Launch, Runtime, TerminalError, Terminals as _},
};

/// Says that it has started, and ends.
const HOLDER: &str = "#!/bin/sh\ncat > /dev/null\nid='{\"pid\":'$$',\"started\":1,\"boot\":\"b/1\"}'\necho \"{\\\"started\\\":{\\\"process\\\":$id,\\\"holder\\\":$id}}\"\n";

#[test]
fn who_starts_many_holders_and_lives_long_keeps_no_zombies() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("wharf");
    crate::atomic::replace(&program, HOLDER.as_bytes(), crate::atomic::Durability::Crash).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let id: SessionId = "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11".parse().unwrap();
    let launch = Launch {
        id,
        name: "auth".parse().unwrap(),
        workspace: dir.path().to_owned(),
        worktree: dir.path().to_owned(),
        command: vec!["sh".to_owned()],
        agent: None,
        size: Size::default(),
        limits: Limits::default(),
        keep: Vec::new(),
    };
    let terminals = HolderTerminals::of(program, Runtime::of(dir.path()));
    let start = || loop {
        match terminals.start(&launch) {
            // Another test was just starting something while the file was written.
            Err(TerminalError::Io { source, .. }) if source.kind() == ErrorKind::ExecutableFileBusy => (),
            started => break started.unwrap().holder.pid,
        }
    };
    let holders = [start(), start(), start()];
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(terminals.noted().is_empty());
        let own = std::process::id();
        let left = process::descendants(own).unwrap();
        if !left.iter().any(|it| it.parent == own && holders.contains(&it.pid)) {
            break;
        }
        assert!(Instant::now() < deadline, "{left:?}");
    }
}
