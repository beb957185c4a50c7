//! How a terminal reaches a browser: the frames of its holder, as they are, and only as fast as the browser takes them. The
//! server keeps at most one frame of each terminal; the holder brings a slow client up to date by itself (RELIABILITY P4).

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::ws::{CloseFrame, Message, WebSocket, close_code},
};
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

use super::{app::App, browsers::Stay, bucket::Bucket, places::Taken};
use crate::{limits::FRAME_BYTES_MAX, socket::push};

/// What stands before every payload: its kind and its length.
const HEAD_BYTES: usize = 5;
/// The longest message in either direction.
pub(super) const MESSAGE_BYTES_MAX: usize = HEAD_BYTES + FRAME_BYTES_MAX;
/// How much is read at once.
const READ_BYTES: usize = 32 << 10;
/// How often a browser that says nothing is asked whether it is there, and how long it may say nothing.
const PING_EVERY: Duration = Duration::from_secs(20);
const SILENCE_MAX: Duration = Duration::from_mins(3);
/// How often each second a client may ask for the whole screen, and how often at once.
const ATTACHES_PER_SECOND: u32 = 10;
const ATTACHES_AT_ONCE: u32 = 30;
/// The close code of a connection whose place another one took.
const REPLACED: u16 = 4_001;

/// What a client may do to a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Type, resize, take over.
    Control,
    /// Look on.
    Observe,
}

/// One terminal that is shown to one client.
pub(super) struct Relay {
    /// What the server shares.
    pub(super) app: App,
    /// The connection to the holder.
    pub(super) holder: UnixStream,
    /// What the client may do.
    pub(super) reach: Reach,
    /// How long it may stay.
    pub(super) stay: Stay,
    /// Whose place another connection may take.
    pub(super) replaced: Option<watch::Receiver<bool>>,
    /// Is told when the client types.
    pub(super) typed: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Its place among the terminals.
    pub(super) place: Taken,
}

/// The end of a connection is a sign of life too.
struct LastSign(Option<Arc<dyn Fn() + Send + Sync>>);

impl Drop for LastSign {
    fn drop(&mut self) {
        if let Some(typed) = &self.0 {
            typed();
        }
    }
}

/// Why a relay ended.
enum End {
    /// The holder is gone; all that it said was handed on.
    Holder,
    /// The client is gone.
    Client,
    /// The client said something that makes no sense.
    Nonsense(&'static str),
}

impl Relay {
    /// Hands frames on until one side goes, or the server ends.
    pub(super) async fn run(self, socket: WebSocket) {
        let Self { app, holder, reach, mut stay, replaced, typed, place } = self;
        let _last_sign = LastSign(typed.clone().filter(|_| reach == Reach::Control));
        let (mut sink, source) = socket.split();
        let (from_holder, to_holder) = holder.into_split();
        let (heard, last_sign) = watch::channel(tokio::time::Instant::now());
        let (say, said) = tokio::sync::mpsc::channel(1);
        let end = tokio::select! {
            end = down(&mut sink, from_holder, said, last_sign, &app) => end,
            end = up(source, to_holder, (reach, typed), heard, say) => end,
            () = app.closing.wait() => {
                close(sink, close_code::AWAY, "the server ends").await;
                return drop(place);
            }
            () = stay.over() => {
                close(sink, close_code::POLICY, "this browser is not let in any more").await;
                return drop(place);
            }
            () = until(replaced) => {
                close(sink, REPLACED, "another connection took its place").await;
                return drop(place);
            }
        };
        match end {
            End::Holder => close(sink, close_code::NORMAL, "the terminal is gone").await,
            End::Nonsense(because) => close(sink, close_code::POLICY, because).await,
            End::Client => (),
        }
        drop(place);
    }
}

async fn until(replaced: Option<watch::Receiver<bool>>) {
    match replaced {
        Some(mut replaced) => drop(replaced.wait_for(|is_replaced| *is_replaced).await),
        None => std::future::pending().await,
    }
}

async fn close(mut sink: SplitSink<WebSocket, Message>, code: u16, reason: &'static str) {
    let frame = CloseFrame { code, reason: reason.into() };
    // Who does not take it learns it by the end of the connection.
    drop(tokio::time::timeout(Duration::from_secs(1), sink.send(Message::Close(Some(frame)))).await);
}

/// From the holder to the browser: whole frames, as many as came together.
async fn down(
    sink: &mut SplitSink<WebSocket, Message>,
    mut holder: OwnedReadHalf,
    mut said: tokio::sync::mpsc::Receiver<Bytes>,
    last_sign: watch::Receiver<tokio::time::Instant>,
    app: &App,
) -> End {
    let mut buffer = bytes::BytesMut::with_capacity(READ_BYTES);
    let mut ping = tokio::time::interval(PING_EVERY);
    ping.tick().await;
    loop {
        let whole = match whole_frames(&buffer) {
            Ok(whole) => whole,
            Err(TooLong) => return End::Holder,
        };
        let message = if whole > 0 {
            Message::Binary(buffer.split_to(whole).freeze())
        } else {
            buffer.reserve(READ_BYTES);
            tokio::select! {
                read = holder.read_buf(&mut buffer) => match read {
                    Ok(0) | Err(_) => return End::Holder,
                    Ok(_) => continue,
                },
                Some(answer) = said.recv() => Message::Binary(answer),
                _ = ping.tick() => {
                    if last_sign.borrow().elapsed() > SILENCE_MAX {
                        return End::Client;
                    }
                    Message::Ping(Bytes::new())
                }
            }
        };
        if let Message::Binary(bytes) = &message {
            app.metrics.sent(bytes.len());
        }
        // Who does not take it for too long is gone: the connection itself says so.
        if sink.send(message).await.is_err() {
            return End::Client;
        }
    }
}

/// A frame that claims to be longer than any.
struct TooLong;

/// How many bytes of these are whole frames.
fn whole_frames(bytes: &[u8]) -> Result<usize, TooLong> {
    let mut whole = 0;
    while let Some((&[_, a, b, c, d], _)) = bytes[whole..].split_first_chunk::<HEAD_BYTES>() {
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if length > FRAME_BYTES_MAX {
            return Err(TooLong);
        }
        if bytes.len() < whole + HEAD_BYTES + length {
            break;
        }
        whole += HEAD_BYTES + length;
    }
    Ok(whole)
}

/// From the browser to the holder: what a client may say, and nothing else.
async fn up(
    mut source: SplitStream<WebSocket>,
    mut holder: OwnedWriteHalf,
    (reach, typed): (Reach, Option<Arc<dyn Fn() + Send + Sync>>),
    heard: watch::Sender<tokio::time::Instant>,
    say: tokio::sync::mpsc::Sender<Bytes>,
) -> End {
    let attaches = Bucket::of(ATTACHES_PER_SECOND, ATTACHES_AT_ONCE);
    while let Some(Ok(message)) = source.next().await {
        heard.send_replace(tokio::time::Instant::now());
        let bytes = match message {
            Message::Binary(bytes) => bytes,
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => return End::Client,
            Message::Text(_) => return End::Nonsense("messages are binary"),
        };
        match judge(&bytes, reach, &attaches) {
            Ok(Judged::Typed) => {
                if let Some(typed) = &typed {
                    typed();
                }
            }
            Ok(Judged::Said) => (),
            Ok(Judged::Refused) => {
                // One who does not read its refusals is not told twice.
                drop(say.try_send(refusal()));
                continue;
            }
            Err(because) => return End::Nonsense(because),
        }
        if holder.write_all(&bytes).await.is_err() {
            // What it said last is still handed on.
            std::future::pending::<()>().await;
        }
    }
    End::Client
}

/// What a message is.
#[derive(Debug, PartialEq, Eq)]
enum Judged {
    Typed,
    Said,
    Refused,
}

#[derive(Deserialize)]
struct Attach {
    role: String,
}

/// Whether a message may go to the holder: whole frames of the kinds that a client sends.
fn judge(bytes: &[u8], reach: Reach, attaches: &Bucket) -> Result<Judged, &'static str> {
    let mut judged = Judged::Said;
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some((&[kind, a, b, c, d], behind)) = rest.split_first_chunk::<HEAD_BYTES>() else {
            return Err("a message has whole frames");
        };
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        let Some((payload, behind)) = behind.split_at_checked(length) else {
            return Err("a message has whole frames");
        };
        rest = behind;
        match (kind, reach) {
            (b'D', _) | (b'R' | b'I', Reach::Control) => (),
            (b'A', _) => {
                let attach: Attach =
                    serde_json::from_slice(payload).map_err(|_| "an attach makes no sense")?;
                if reach == Reach::Observe && attach.role != "observe" {
                    return Ok(Judged::Refused);
                }
                // Each one costs the holder a whole screen.
                attaches.take().map_err(|_| "it attaches too often")?;
            }
            (b'I' | b'R', Reach::Observe) => return Ok(Judged::Refused),
            _ => return Err("a client attaches, types, resizes and detaches; the rest has paths of its own"),
        }
        if kind == b'I' {
            judged = Judged::Typed;
        }
    }
    Ok(judged)
}

fn refusal() -> Bytes {
    let mut frame = Vec::new();
    push(&mut frame, b'e', &[br#"{"code":"not-control","message":"this connection only looks on"}"#]);
    frame.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        push(&mut out, kind, &[payload]);
        out
    }

    #[test]
    fn a_client_says_what_a_client_may() {
        let attaches = Bucket::of(1, 3);
        let judged = |bytes: &[u8], reach| judge(bytes, reach, &attaches);
        let both = [frame(b'A', br#"{"role":"take"}"#), frame(b'I', b"ls\r")].concat();
        assert_eq!(judged(&both, Reach::Control), Ok(Judged::Typed));
        assert_eq!(judged(&both, Reach::Observe), Ok(Judged::Refused));
        assert_eq!(judged(&frame(b'A', br#"{"role":"observe"}"#), Reach::Observe), Ok(Judged::Said));
        assert_eq!(judged(&frame(b'I', b"x"), Reach::Observe), Ok(Judged::Refused));
        for kind in *b"SHKTQxh" {
            assert!(judged(&frame(kind, b"{}"), Reach::Control).is_err(), "{kind}");
        }
        for bytes in [&b"I"[..], b"I\x05\0\0\0abc", b"I\xff\xff\xff\xff"] {
            assert!(judged(bytes, Reach::Control).is_err());
        }
        assert!(judged(&frame(b'A', b"no json"), Reach::Control).is_err());
        let attach = frame(b'A', br#"{"role":"observe"}"#);
        assert!(judged(&attach, Reach::Observe).is_ok() && judged(&attach, Reach::Observe).is_err());
    }

    #[test]
    fn whole_frames_are_counted_and_halves_left() {
        let mut bytes = [frame(b'o', b"12345678abc"), frame(b't', b"{}")].concat();
        let whole = bytes.len();
        bytes.extend_from_slice(b"s\x09\0\0\0half");
        assert!(matches!(whole_frames(&bytes), Ok(count) if count == whole));
        assert!(matches!(whole_frames(b"o\xff\xff\xff\x7f"), Err(TooLong)));
        assert!(matches!(whole_frames(b""), Ok(0)));
    }
}
