//! Everything a person does, on real repositories with the real binary; one file per thing.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::unused_self,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a test may stop at the first surprise, starts programs, says what it leaves out, and shares one support room"
)]

mod agents;
mod askers;
mod attach;
mod background;
mod bind;
mod branches;
mod broken_git;
mod client_signs;
mod clients;
mod clients_share;
mod concurrency;
mod containers;
mod context_ends;
mod context_holder;
mod context_pool;
mod conversations;
mod copies;
mod crashes;
mod create;
mod destroy;
mod doctor;
mod exec_limits;
mod exec_output;
mod executing;
mod faults;
mod faults_page;
mod filters;
mod floods;
mod flow;
mod foreseen;
mod forgotten;
mod frames;
mod full_disk;
mod full_house;
mod git_command;
mod gone_repository;
mod help;
mod hidden;
mod history;
mod holder;
mod hooks;
mod hostile;
mod house;
mod init;
mod interpreters;
mod last_byte;
mod last_change;
mod left_out;
mod lending;
mod list;
mod logs;
mod lost;
mod model;
mod moods;
mod mounts;
mod needs;
mod nested;
mod notes;
mod odd_repositories;
mod open_files;
mod orphans;
mod owners;
mod pool;
mod pool_crashes;
mod pool_edits;
mod pool_fills;
mod pool_moved;
mod pool_settings;
mod pool_takes;
mod power_cuts;
mod programs;
mod quarantine;
mod questions;
mod readme;
mod rebuild;
mod restore;
mod resuming;
mod rounds;
mod running;
mod sending;
mod serial;
mod server_document;
mod server_ends;
mod server_events;
mod server_guard;
mod server_limits;
mod server_load;
mod server_logs;
mod server_setup;
mod serving;
mod soak;
mod support;
mod telling;
mod tokens;
mod undo;
mod waiting;
