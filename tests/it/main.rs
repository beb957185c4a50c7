//! Everything a person does, on real repositories with the real binary; one file per thing.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, starts programs and says what it leaves out"
)]

mod branches;
mod broken_git;
mod create;
mod destroy;
mod doctor;
mod filters;
mod git_command;
mod hostile;
mod house;
mod list;
mod mounts;
mod odd_repositories;
mod rebuild;
mod restore;
mod support;
