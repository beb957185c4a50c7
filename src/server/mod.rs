//! How browsers and tools reach the sessions: HTTP, events, and terminals over WebSocket.

#![expect(unused_qualifications, reason = "what describes the paths names types by their whole path")]

mod accept;
mod app;
mod ask;
mod auth;
mod browsers;
mod bucket;
mod clients;
mod codes;
mod desk;
mod documents;
mod ending;
mod error;
mod event_socket;
mod events;
mod executing;
mod files;
mod guard;
mod health;
mod history;
mod news;
mod opening;
mod page;
mod places;
mod problem;
mod reading;
mod relay;
mod roll;
mod routes;
mod running;
mod scoped;
mod secret;
mod serve;
mod sessions;
mod stall;
mod sweeping;
mod terminal;
mod tickets;
mod typing;
mod wire;

pub use self::{
    ask::{Opened, log_out, open},
    browsers::Admits,
    error::ServerError,
    serve::{Ready, Serving, serve},
};
