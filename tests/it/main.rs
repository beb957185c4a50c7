//! Everything a person does, on real repositories with the real binary; one file per thing.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unused_self,
    unreachable_pub,
    reason = "a test may stop at the first surprise, starts programs, says what it leaves out, and shares one support room"
)]

mod bind;
mod concurrency;
mod crashes;
mod create;
mod destroy;
mod faults;
mod full_disk;
mod help;
mod house;
mod list;
mod model;
mod notes;
mod odd_repositories;
mod readme;
mod rebuild;
mod serial;
mod support;
