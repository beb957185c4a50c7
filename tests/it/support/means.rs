//! What a test needs of the machine, and what becomes of one that does not get it.

/// With `1` in this variable, as in the gate, a test that would show nothing fails.
const TRY_ALL: &str = "WHARF_TEST_ALL";

/// Says that a test shows nothing here, or less, and why. The only way in which a test may do so.
#[track_caller]
pub fn left_out(because: &str) {
    let try_all = std::env::var_os(TRY_ALL).is_some_and(|it| it == "1");
    assert!(!try_all, "{because}, and {TRY_ALL} says that everything is to be tried");
    eprintln!("left out: {because}");
}

/// Whether the tests run as root; says so when not.
#[track_caller]
pub fn root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        left_out("only root can do this");
    }
    is_root
}
