//! How the holder of a context gets its place: alone for its session, and only while fewer live than may.

use std::{fs::File, os::unix::net::UnixListener, path::PathBuf};

use super::{
    super::{Place, ShellError},
    pool,
};
use crate::{
    session::SessionId,
    socket::{self, Folder, Post, SocketError},
};

/// What belongs to one holder on the disk; the socket goes with it, the lock file stays.
#[derive(Debug)]
pub(super) struct Seat {
    id: SessionId,
    socket: PathBuf,
    _claim: File,
}

impl Seat {
    /// Takes the place of the holder of a session's context, if nobody has it, once there is room for one more.
    pub(super) fn take(place: &Place) -> Result<Self, ShellError> {
        let folder = Folder::of(&place.workspace);
        let socket = folder.socket(place.id, Post::Shell);
        folder.prepare(&socket)?;
        let pool = pool::enter(&folder, place)?;
        let claim = folder.claim(place.id, Post::Shell).map_err(|err| {
            let path = socket.clone();
            if matches!(err, SocketError::Taken) { ShellError::Locked { path } } else { err.into() }
        })?;
        drop(pool);
        // What a killed one left.
        socket::remove(&socket)?;
        Ok(Self { id: place.id, socket, _claim: claim })
    }

    /// Listens at the socket, which nobody but its own user can open from its first moment on.
    pub(super) fn listen(&self) -> Result<UnixListener, SocketError> {
        socket::listen(&self.socket)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Err(err) = socket::remove(&self.socket) {
            tracing::warn!(sessionId = %self.id, error = %err, "the socket of a holder stays");
        }
    }
}
