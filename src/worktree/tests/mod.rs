//! What the worktree room says and does, on real repositories.

mod agreement;
mod counting;
mod inspecting;
mod losing;
mod repositories;
mod scanning;
mod starting;
mod support;
mod texts;
