//! How browsers and tools reach the sessions: HTTP, events, and terminals over WebSocket.

#![expect(unused_qualifications, reason = "what describes the paths names types by their whole path")]

mod accept;
mod app;
mod ask;
mod auth;
mod bucket;
mod codes;
mod desk;
mod documents;
mod ending;
mod error;
mod events;
mod guard;
mod health;
mod opening;
mod page;
mod place;
mod problem;
mod reading;
mod relay;
mod roll;
mod routes;
mod running;
mod secret;
mod serve;
mod sessions;
mod terminal;
mod typing;
mod wire;

pub use self::{
    ask::{Opened, open},
    error::ServerError,
    serve::{Ready, Serving, serve},
};
