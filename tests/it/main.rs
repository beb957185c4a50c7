//! Everything a person does, on real repositories with the real binary; one file per thing.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::unused_self,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a test may stop at the first surprise, starts programs, says what it leaves out, and shares one support room"
)]

mod bind;
mod broken_git;
mod crashes;
mod create;
mod destroy;
mod help;
mod house;
mod list;
mod notes;
mod odd_repositories;
mod owners;
mod power_cuts;
mod readme;
mod rebuild;
mod support;
