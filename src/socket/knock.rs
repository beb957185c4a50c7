//! How a socket is listened at and connected to: by our own user alone, and without waiting for ever.

use std::{
    fs, io,
    os::{
        fd::AsRawFd as _,
        unix::{
            fs::PermissionsExt as _,
            net::{UnixListener, UnixStream},
        },
    },
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::Mode,
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType},
    process::{Pid, Uid},
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

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its user.
    pub uid: Uid,
    /// Its pid; nothing for a process of another container, which cannot be seen from here.
    pub pid: Option<Pid>,
}

/// Asks the kernel who that is.
pub fn peer(stream: &UnixStream) -> io::Result<Peer> {
    let mut told = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = libc::socklen_t::try_from(size_of_val(&told)).expect("three numbers are not long");
    // SAFETY: both places are ours, and the kernel writes no more into the first than the second says.
    #[expect(unsafe_code, reason = "the pid may be 0, which is none that rustix could name")]
    let answer = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut told).cast(),
            &raw mut length,
        )
    };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Peer { uid: Uid::from_raw(told.uid), pid: Pid::from_raw(told.pid) })
}

/// Whether our own user, or root, is at the other end.
pub fn is_of_own_user(stream: &UnixStream) -> io::Result<bool> {
    let uid = peer(stream)?.uid;
    Ok(uid == rustix::process::geteuid() || uid.is_root())
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
