//! What the worktree room says and does, on real repositories.

mod add;
mod agreement;
mod command;
mod counting;
mod inspecting;
mod losing;
mod repositories;
mod scanning;
mod starting;
mod support;
mod support_write;
mod texts;
