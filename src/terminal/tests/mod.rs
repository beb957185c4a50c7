//! The client side against a holder that the test plays, and starts of such holders.

mod attaching;
mod client;
mod launching;
mod lending;
mod support;
