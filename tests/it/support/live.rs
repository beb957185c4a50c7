//! A terminal over WebSocket, as a page has it.

use std::{net::TcpStream, time::Instant};

use serde_json::json;
use tungstenite::{Message, WebSocket};

use super::pty::PATIENCE;

/// A terminal over WebSocket.
pub struct Terminal {
    socket: WebSocket<TcpStream>,
    /// All that it printed since it was shown last.
    pub shown: String,
    /// The code with which it was closed.
    pub code: Option<u16>,
}

impl Terminal {
    /// One that was let in.
    pub fn of(socket: WebSocket<TcpStream>) -> Self {
        Self { socket, shown: String::new(), code: None }
    }

    /// Says that it is a terminal of 24 rows.
    pub fn attach(&mut self, role: &str) {
        let attach = json!({
            "protocol": 2, "role": role, "rows": 24, "cols": 80, "scrollback": 100, "isTerminal": true
        });
        self.say(b'A', attach.to_string().as_bytes());
    }

    /// Sends one frame.
    pub fn say(&mut self, kind: u8, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
        let frame = [&[kind][..], &length, payload].concat();
        self.socket.send(Message::binary(frame)).unwrap();
    }

    /// The frames of the next message; none when it was closed.
    pub fn hear(&mut self) -> Option<Vec<(u8, Vec<u8>)>> {
        loop {
            match self.socket.read() {
                Ok(Message::Binary(bytes)) => return Some(frames(&bytes)),
                Ok(Message::Close(frame)) => {
                    self.code = frame.map(|frame| frame.code.into());
                    return None;
                }
                Ok(_) => (),
                Err(_) => return None,
            }
        }
    }

    /// Reads until a frame of this kind comes, and answers its payload.
    #[track_caller]
    pub fn until(&mut self, kind: u8) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "no frame `{}` comes", char::from(kind));
            let frames = self.hear().expect("it is open");
            if let Some((_, payload)) = frames.into_iter().find(|(it, _)| *it == kind) {
                return payload;
            }
        }
    }

    /// Reads until it shows a text.
    #[track_caller]
    pub fn until_shown(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.shown.contains(text) {
            assert!(Instant::now() < deadline, "`{text}` is not in {}", self.shown);
            for (kind, payload) in
                self.hear().unwrap_or_else(|| panic!("closed: {:?} {}", self.code, self.shown))
            {
                match kind {
                    b'o' => self.shown.push_str(&String::from_utf8_lossy(&payload[8..])),
                    b's' => self.shown.push_str(&String::from_utf8_lossy(&payload[9..])),
                    _ => (),
                }
            }
        }
    }

    /// Reads until it is closed, and answers with which code.
    pub fn until_closed(&mut self) -> Option<u16> {
        while self.hear().is_some() {}
        self.code
    }
}

fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let Some((&[kind, a, b, c, d], rest)) = bytes.split_first_chunk::<5>() {
        let (payload, rest) = rest.split_at(u32::from_le_bytes([a, b, c, d]) as usize);
        found.push((kind, payload.to_vec()));
        bytes = rest;
    }
    assert!(bytes.is_empty(), "a message has whole frames");
    found
}
