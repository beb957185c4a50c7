//! Which session a client comes back to: tickets, kept across every restart, under either policy (SPEC CL-1 to CL-4).

mod book;
mod isolated;
mod live;
mod policy;
mod shared;
mod ticket;

pub(super) use self::{
    book::{Book, Client},
    isolated::{CLIENT, owner},
    live::Live,
    policy::{Cleaned, Policy, TicketError, of},
    shared::is_shared_name,
    ticket::Ticket,
};
