//! Everything a person does, on real repositories with the real binary; one file per thing.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::unused_self,
    unreachable_pub,
    reason = "a test may stop at the first surprise, starts programs, and shares one support room"
)]

mod bind;
mod create;
mod destroy;
mod help;
mod house;
mod list;
mod notes;
mod odd_repositories;
mod owners;
mod readme;
mod rebuild;
mod support;
