//! The client side against a holder that the test plays.

mod attaching;
mod client;
mod support;
