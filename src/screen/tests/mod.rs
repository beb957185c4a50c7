mod answers;
mod continuation;
mod fidelity;
mod floods;
mod fuzz;
mod hostile;
mod memory;
mod notices;
mod oracle;
mod origins;
mod scanning;
mod streams;
mod views;

use super::*;

const SCROLLBACK_ROWS: usize = 10_000;

/// What programs printed on a terminal of this size.
const RECORDINGS: [(&str, &[u8]); 9] = [
    ("agent", include_bytes!("../../../tests/fixtures/terminal/agent.bin")),
    ("htop", include_bytes!("../../../tests/fixtures/terminal/htop.bin")),
    ("less", include_bytes!("../../../tests/fixtures/terminal/less.bin")),
    ("log", include_bytes!("../../../tests/fixtures/terminal/log.bin")),
    ("progress", include_bytes!("../../../tests/fixtures/terminal/progress.bin")),
    ("readline", include_bytes!("../../../tests/fixtures/terminal/readline.bin")),
    ("top", include_bytes!("../../../tests/fixtures/terminal/top.bin")),
    ("vim", include_bytes!("../../../tests/fixtures/terminal/vim.bin")),
    ("wide", include_bytes!("../../../tests/fixtures/terminal/wide.bin")),
];

fn size(rows: u16, cols: u16) -> Size {
    Size::new(rows, cols).unwrap()
}

fn recorded() -> Size {
    size(30, 100)
}

fn fed(size: Size, bytes: &[u8]) -> Screen {
    let mut screen = Screen::new(size, SCROLLBACK_ROWS);
    screen.feed(bytes);
    screen
}

/// A small screen that was fed this.
fn small(bytes: &[u8]) -> Screen {
    fed(size(5, 20), bytes)
}

/// A fresh screen that was fed a snapshot.
fn copy(screen: &mut Screen) -> Screen {
    fed(screen.size(), &screen.snapshot(SCROLLBACK_ROWS))
}

/// Panics unless two screens are the same: what they show, and what they would tell a third one.
fn assert_same(one: &mut Screen, other: &mut Screen, what: &str) {
    assert_eq!(difference(one, other), None, "{what}");
}

fn difference(one: &mut Screen, other: &mut Screen) -> Option<String> {
    fn unlike<T: PartialEq + std::fmt::Debug>(name: &str, one: &T, other: &T) -> Option<String> {
        (one != other).then(|| format!("{name}: {one:?} {other:?}"))
    }
    let texts =
        [&mut *one, other].map(|it| String::from_utf8_lossy(&it.snapshot(SCROLLBACK_ROWS)).into_owned());
    let lines = || texts[0].lines().zip(texts[1].lines()).find(|(one, other)| one != other);
    unlike("cursor", &one.cursor(), &other.cursor())
        .or_else(|| unlike("screen", &one.is_alternate(), &other.is_alternate()))
        .or_else(|| unlike("scrollback", &one.scrollback_rows(), &other.scrollback_rows()))
        .or_else(|| unlike("modes", one.emulator.term.mode(), other.emulator.term.mode()))
        .or_else(|| (texts[0] != texts[1]).then(|| format!("snapshot: {:?}", lines())))
        .or_else(|| unlike("rows", &one.rows(), &other.rows()))
}
