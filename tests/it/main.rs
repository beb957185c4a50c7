//! Everything a person does, on real repositories with the real binary; one file per thing.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise and starts programs"
)]

mod create;
mod destroy;
mod house;
mod list;
mod odd_repositories;
mod rebuild;
mod support;
