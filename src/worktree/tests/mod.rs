//! What the worktree room says and does, on real repositories.

mod add;
mod command;
mod support;
mod support_write;
