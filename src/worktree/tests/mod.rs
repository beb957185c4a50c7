//! What the worktree room says and does, on real repositories.

mod support;
