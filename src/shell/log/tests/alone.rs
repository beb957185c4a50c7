//! A test that runs in a process of its own, because it changes something for its whole process or is killed.

use std::{env, path::PathBuf, process::Command};

const INSIDE: &str = "WHARF_TEST_INSIDE";

/// Where the test that runs in this process of its own works; none in the process of all tests.
pub(super) fn inside() -> Option<PathBuf> {
    env::var_os(INSIDE).map(PathBuf::from)
}

/// This program with nothing but one of these tests in it, which works in a folder.
#[expect(clippy::disallowed_methods, reason = "a test starts itself")]
pub(super) fn alone(name: &str, folder: &std::path::Path) -> Command {
    let mut alone = Command::new(env::current_exe().unwrap());
    alone.args([&format!("shell::log::tests::{name}"), "--exact", "--nocapture"]).env(INSIDE, folder);
    alone
}
