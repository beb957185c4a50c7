//! What travels between holders and callers, and the caller's side against a holder that the test plays.

mod calling;
mod travelling;
