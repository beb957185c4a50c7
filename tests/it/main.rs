//! Everything a person does, on real repositories with the real binary; one file per thing.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise and starts programs"
)]

mod crashes;
mod create;
mod destroy;
mod house;
mod list;
mod support;
