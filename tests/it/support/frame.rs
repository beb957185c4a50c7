//! Messages to a holder and from it as they travel, for what no client of ours would say.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
};

use super::pty::PATIENCE;

/// Connects to a holder.
pub fn knock(socket: &Path) -> UnixStream {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Says something.
pub fn say(stream: &mut UnixStream, kind: u8, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
    stream.write_all(&[&[kind], &length[..], payload].concat()).unwrap();
}

/// Hears the next frame, its kind and its payload; nothing when the other side has closed.
pub fn hear(stream: &mut UnixStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    stream.read_exact(&mut head).ok()?;
    let [kind, length @ ..] = head;
    let mut payload = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut payload).unwrap();
    Some((kind, payload))
}
