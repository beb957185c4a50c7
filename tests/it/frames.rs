//! How long one message between a holder and its clients may be, and what becomes of what is longer.

use std::{fs, io::Write as _};

use wharf::terminal::{Attach, Connection, FromClient, PROTOCOL, Role};

use crate::support::{
    Workspace,
    frame::{hear, knock, say},
};

const FRAME_BYTES: usize = 65_536;
const PASTED_BYTES: usize = 300_000;

/// A session whose program takes a paste, prints much, and then repeats what is typed.
fn with_small_frames() -> Workspace {
    let space = Workspace::with_sessions(1);
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), format!("[terminal]\nframe = {FRAME_BYTES}\n")).unwrap();
    let program = format!(
        "stty raw -echo; printf begun; head -c {PASTED_BYTES} >pasted; seq 1 40000; printf done; exec cat"
    );
    space.run(["start", "s1", "--", "sh", "-c", &program]).succeeds();
    space.run(["wait", "s1", "--for", "text:begun", "--timeout", "30s"]).succeeds();
    space
}

fn attach(role: Role) -> FromClient {
    FromClient::Attach(Attach {
        protocol: PROTOCOL,
        role,
        rows: 24,
        cols: 80,
        scrollback: 10_000,
        is_terminal: false,
    })
}

/// Pastes in pieces that are longer than a frame, each of which has a few seconds to be read.
fn paste(client: &mut Connection, text: &[u8]) {
    for piece in text.chunks(FRAME_BYTES + 10_000) {
        client.send(&FromClient::Input(piece.to_owned())).unwrap();
    }
}

#[test]
fn what_is_longer_than_a_frame_travels_in_parts() {
    let space = with_small_frames();
    let pasted: Vec<u8> = (b'a'..=b'z').cycle().take(PASTED_BYTES).collect();
    let mut client = Connection::open(&space.socket("s1")).unwrap();
    assert_eq!(client.hello().frame, FRAME_BYTES);
    client.send(&attach(Role::Control)).unwrap();
    paste(&mut client, &pasted);
    space.run(["wait", "s1", "--for", "text:done", "--timeout", "60s"]).succeeds();
    assert!(
        fs::read(space.worktree("s1").join("pasted")).unwrap() == pasted,
        "a part is missing or elsewhere"
    );

    // The screen with its scrollback is longer than a frame too.
    let mut stream = knock(&space.socket("s1"));
    say(&mut stream, b'A', br#"{"protocol":2,"role":"observe","rows":24,"cols":80,"scrollback":10000}"#);
    let (mut parts, mut shown) = (0, Vec::new());
    while let Some((kind, payload)) = hear(&mut stream) {
        assert!(payload.len() <= FRAME_BYTES, "{} bytes of {}", payload.len(), kind.escape_ascii());
        if kind == b's' {
            (parts, shown) = (parts + 1, [&shown, &payload[9..]].concat());
            if payload[8] != 0 {
                break;
            }
        }
    }
    assert!(parts > 1 && shown.len() > FRAME_BYTES, "{} bytes in {parts} parts", shown.len());
    assert!(String::from_utf8_lossy(&shown).contains("40000"));
    assert!(space.run(["screen", "s1"]).succeeds().stdout().contains("40000"));
}

#[test]
fn a_frame_that_is_longer_than_agreed_is_refused_and_disturbs_nobody() {
    let space = with_small_frames();
    let mut good = Connection::open(&space.socket("s1")).unwrap();
    good.send(&attach(Role::Control)).unwrap();
    let mut liar = knock(&space.socket("s1"));
    let longer = u32::try_from(FRAME_BYTES + 1).unwrap().to_le_bytes();
    liar.write_all(&[b"I", &longer[..]].concat()).unwrap();
    let mut refused = None;
    while let Some((kind, payload)) = hear(&mut liar) {
        if kind == b'e' {
            refused = Some(serde_json::from_slice::<serde_json::Value>(&payload).unwrap());
        }
    }
    let refused = refused.expect("it is told why");
    assert_eq!(refused["code"], "bad-message");
    assert_eq!(refused["message"], "a frame of 65537 bytes is longer than 65536");

    paste(&mut good, &vec![b'x'; PASTED_BYTES]);
    space.run(["wait", "s1", "--for", "text:done", "--timeout", "60s"]).succeeds();
}
