//! How a socket is listened at and connected to: by our own user alone, and without waiting for ever.

use std::{
    fs, io,
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::Mode,
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType},
};

use super::SocketError;

/// How often a holder whose queue of connections is full is asked again.
const CONNECT_AGAIN: Duration = Duration::from_millis(20);

/// Listens at a socket, which nobody but its own user can open from its first moment on. For a process that has one
/// thread yet: nobody else makes a file with this mask.
pub fn listen(path: &Path) -> Result<UnixListener, SocketError> {
    let before = rustix::process::umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
    let listener = UnixListener::bind(path);
    rustix::process::umask(before);
    let listener = listener.map_err(SocketError::io("listen at", path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .and_then(|()| listener.set_nonblocking(true))
        .map_err(SocketError::io("listen at", path))?;
    Ok(listener)
}

/// Connects without ever waiting for a holder that does not accept, and makes sure that our own user or root answers.
pub fn connect(path: &Path, limit: Duration) -> Result<UnixStream, SocketError> {
    let stream = knock(path, limit)?;
    // Whoever answers sees everything that is typed.
    if is_of_own_user(&stream).map_err(SocketError::io("look at who answers at", path))? {
        return Ok(stream);
    }
    Err(SocketError::UnsafeFolder { path: path.to_owned(), because: "is answered by another user" })
}

/// Whether our own user, or root, is at the other end.
pub fn is_of_own_user(stream: &UnixStream) -> io::Result<bool> {
    let peer = rustix::net::sockopt::socket_peercred(stream)?;
    Ok(peer.uid == rustix::process::geteuid() || peer.uid.is_root())
}

fn knock(path: &Path, limit: Duration) -> Result<UnixStream, SocketError> {
    let failed = |source: Errno| SocketError::io("connect to", path)(source.into());
    let address = SocketAddrUnix::new(path).map_err(|_| SocketError::LongPath { path: path.to_owned() })?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(failed)?;
    let deadline = Instant::now() + limit;
    loop {
        match rustix::net::connect(&socket, &address) {
            Ok(()) => return Ok(UnixStream::from(socket)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::CONNREFUSED) => return Err(SocketError::Vacant),
            Err(Errno::INTR) => (),
            Err(Errno::AGAIN) if Instant::now() < deadline => thread::sleep(CONNECT_AGAIN),
            Err(Errno::AGAIN) => return Err(SocketError::Silent { because: "it takes no connections" }),
            Err(err) => return Err(failed(err)),
        }
    }
}
