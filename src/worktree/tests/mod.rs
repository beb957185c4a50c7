//! What the worktree room says and does, on real repositories.

mod add;
mod agreement;
mod command;
mod counting;
mod fates;
mod hiding;
mod ignoring;
mod inspecting;
mod kinds;
mod looking;
mod losing;
mod mend;
mod near;
mod near_all;
mod pipes;
mod purging;
mod renaming;
mod repositories;
mod scanning;
mod settling;
mod starting;
mod submodules;
mod support;
mod support_write;
mod texts;
mod trash;
