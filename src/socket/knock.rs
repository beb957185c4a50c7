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

/// How many may knock before they are let in.
const KNOCKING_MAX: i32 = 128;

/// Listens at a socket, which nobody but its own user can open from its first moment on.
pub fn listen(path: &Path) -> Result<UnixListener, SocketError> {
    let listen = || {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        // A socket file gets the mode of its socket; a mask for new files would be one for all threads.
        rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
        rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
        rustix::net::listen(&socket, KNOCKING_MAX)?;
        Ok(UnixListener::from(socket))
    };
    let listener: io::Result<UnixListener> = listen();
    let listener = listener.map_err(SocketError::io("listen at", path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
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
