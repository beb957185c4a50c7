use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
};

use crate::support::{STATE, Workspace};

const SOMEBODY: u32 = 12_345;

/// In a container one command is run with `-u 0`, and everything after it is not.
#[test]
fn a_command_run_as_root_does_not_lock_the_owner_out() {
    let space = Workspace::empty();
    let give = |name: &str| chown(space.path(name), Some(SOMEBODY), Some(SOMEBODY));
    if give(".").is_err() {
        println!("skipped: only root can give a folder away");
        return;
    }
    fs::write(space.path(STATE), r#"{"version":"1.0","sessions":[]}"#).unwrap();
    give(STATE).unwrap();
    space.run(["restore"]).succeeds();
    assert!(space.state()["checksum"].is_string(), "it was written anew");
    for name in [STATE, ".claude-container-sessions.lock"] {
        assert_eq!(fs::metadata(space.path(name)).unwrap().uid(), SOMEBODY, "{name}");
    }
}
