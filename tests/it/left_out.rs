//! No test shows less than it says without a word, and in the gate not even with one.

use std::{fs, path::Path, process::Command};

/// Runs a test of this binary where no other program is to be had.
fn alone(test: &str, try_all: &str) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env_clear().env("PATH", "/nonexistent");
    let output = command.env("WHARF_TEST_ALL", try_all).output().unwrap();
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(told.contains("running 1 test"), "{told}");
    (output.status.success(), told)
}

#[test]
fn what_a_machine_lacks_is_said_and_in_the_gate_it_is_a_failure() {
    for test in [
        "faults::a_call_that_fails_leaves_the_old_table_or_says_that_the_new_one_is_uncertain",
        "mounts::a_state_file_that_is_mounted_alone_is_found",
    ] {
        for try_all in ["", "0"] {
            let (succeeded, told) = alone(test, try_all);
            assert!(succeeded && told.contains("left out: "), "{told}");
        }
        let (succeeded, told) = alone(test, "1");
        assert!(!succeeded && told.contains("everything is to be tried"), "{told}");
    }
}

/// Every other way to give up would be one that the gate does not hear of.
#[test]
fn a_test_gives_up_in_one_way_only() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut seen = 0;
    for entry in fs::read_dir(&here).unwrap().chain(fs::read_dir(here.join("support")).unwrap()) {
        let path = entry.unwrap().path();
        if path.is_dir() || path.ends_with("support/means.rs") || path.ends_with("left_out.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for sign in ["geteuid()", "(\"skipped", "(\"left out: only", "(\"left out: mounts"] {
            assert!(!text.contains(sign), "{} has `{sign}` beside `means::left_out`", path.display());
        }
        seen += 1;
    }
    assert!(seen > 80, "{seen} files");
}
