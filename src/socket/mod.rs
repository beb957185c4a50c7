//! How a process of a session is reached: a private folder, one socket for each, framed messages.

mod begin;
mod descriptor;
mod environment;
mod error;
mod folder;
mod frame;
mod knock;
mod link;
mod open_files;
mod outgoing;

pub use self::{
    begin::{Begun, begin, close_inherited, let_go_of_streams, own_program, read_order},
    descriptor::send_with,
    environment::is_passed_on,
    error::SocketError,
    folder::{Folder, Post, RUNTIME_DIR, remove},
    frame::{Frame, FrameTooLong, Frames, push},
    knock::{Peer, connect, is_of_own_user, listen, peer},
    link::{Link, timespec},
    open_files::raise_open_files,
    outgoing::Outgoing,
};
