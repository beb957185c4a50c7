//! Whether any output breaks a screen, or keeps it from being brought back: as many cases as somebody wants to wait for.
//!
//! `scripts/fuzz.sh N` runs so many; `WHARF_FUZZ_CASES` and `WHARF_FUZZ_SEED` say how many and which come first.

use std::{
    env,
    fmt::{self, Write as _},
};

use alacritty_terminal::{
    grid::Row,
    index::{Column, Line},
    term::cell::{self, Flags},
};

use super::{
    streams::{Random, thing},
    *,
};
use crate::screen::view::cells;

/// How many cases a test run tries, always the same ones.
const CASES: u64 = 120;
/// So many failures are enough to look at.
const FAILURES_MAX: usize = 10;

/// What happens to a screen.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Feed(Vec<u8>),
    Resize(Size),
}

/// A screen and what happens to it.
#[derive(Clone, Debug)]
struct Case {
    size: Size,
    scrollback: usize,
    steps: Vec<Step>,
}

#[test]
fn no_output_breaks_a_screen_or_keeps_it_from_coming_back() {
    let number = |key: &str| env::var(key).ok().map(|text| text.parse::<u64>().unwrap());
    let cases = number("WHARF_FUZZ_CASES").unwrap_or(CASES);
    let first = number("WHARF_FUZZ_SEED").unwrap_or(1);
    let mut failures = Vec::new();
    for seed in first..first + cases {
        if let Some(what) = wrong(&Case::of(seed)) {
            let small = smaller(Case::of(seed));
            failures.push(format!("case {seed}: {what}\n  smaller: {}\n  {small}", wrong(&small).unwrap()));
        }
        if failures.len() == FAILURES_MAX {
            break;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {} rows of scrollback:", self.size, self.scrollback)?;
        self.steps.iter().try_for_each(|step| match step {
            Step::Feed(bytes) => write!(f, " b\"{}\"", bytes.escape_ascii()),
            Step::Resize(size) => write!(f, " {size:?}"),
        })
    }
}

impl Case {
    fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        for _ in 0..8 {
            random.below(2);
        }
        let scrollback = [0, 3, 50, 1_000, 3_000][random.below(5)];
        let mut case = Self { size: any_size(&mut random), scrollback, steps: Vec::new() };
        for _ in 0..=random.below(4) {
            let bytes = output(&mut random, case.size);
            let pieces = [bytes.len().max(1), 1 + random.below(64), 1 + random.below(4096)][random.below(3)];
            case.steps.extend(bytes.chunks(pieces).map(|piece| Step::Feed(piece.to_vec())));
            if random.below(3) == 0 {
                case.steps.push(Step::Resize(any_size(&mut random)));
            }
        }
        case
    }
}

fn any_size(random: &mut Random) -> Size {
    let (rows, cols) = [(6, 12), (24, 80), (60, 150)][random.below(3)];
    size(number(1 + random.below(rows)), number(2 + random.below(cols)))
}

fn number(small: usize) -> u16 {
    u16::try_from(small).unwrap()
}

fn output(random: &mut Random, size: Size) -> Vec<u8> {
    match random.below(6) {
        0 => (0..random.below(600)).map(|_| nasty(random)).collect(),
        1 => {
            let recording = RECORDINGS[random.below(RECORDINGS.len())].1;
            let from = random.below(recording.len());
            let mut bytes = recording[from..recording.len().min(from + random.below(3_000))].to_vec();
            for _ in 0..random.below(8) {
                let at = random.below(bytes.len() + 1);
                bytes.insert(at, nasty(random));
            }
            bytes
        }
        2 => {
            let lines = 2 * (usize::from(size.rows()) + 40) + random.below(200);
            (0..lines)
                .flat_map(|line| format!("\x1b[3{}mline {line}\x1b[0m\r\n", line % 8).into_bytes())
                .collect()
        }
        3 => (0..random.below(120))
            .fold(String::new(), |mut out, _| {
                strange(random, &mut out).expect("memory takes every byte");
                out
            })
            .into_bytes(),
        _ => {
            let (rows, cols) = (usize::from(size.rows()).max(2), usize::from(size.cols()));
            let mut out = String::new();
            for _ in 0..random.below(150) {
                thing(random, rows, cols, &mut out).unwrap();
                if random.below(8) == 0 {
                    strange(random, &mut out).expect("memory takes every byte");
                }
            }
            out.into_bytes()
        }
    }
}

/// A byte that often begins or ends something.
fn nasty(random: &mut Random) -> u8 {
    const MEANT: &[u8] =
        b"\x1b\x1b\x1b[[]?;:0123456789hlmrHJKLMPST@XbcnpquABCDGd\n\r\t\x08\x07\\ \x18\x0e\x0f#()";
    if random.below(2) == 0 {
        MEANT[random.below(MEANT.len())]
    } else {
        number(random.below(256)).to_le_bytes()[0]
    }
}

/// What programs print seldom, or by mistake.
fn strange(random: &mut Random, out: &mut String) -> fmt::Result {
    const WHOLE: [&str; 27] = [
        "\x1bc",
        "\x1b#8",
        "\x1bD",
        "\x1bE",
        "\x1bM",
        "\x1b[!p",
        "\x1b>",
        "\x1b=",
        "\x1b(0",
        "\x1b)0",
        "\x0e",
        "\x0f",
        "\x1b*0",
        "\x1bn",
        "\x1b(B",
        "👨\u{200d}👩\u{200d}👧",
        "🏳\u{fe0f}",
        "ﷺ",
        "\u{115f}",
        "\u{ad}",
        "ก\u{e33}",
        "\u{2028}",
        "\u{202e}",
        "\x1b[22;0t",
        "\x1b[23;0t",
        "\x1b[22;2t",
        "\x1b[3J",
    ];
    const LARGE: [usize; 8] = [0, 1, 2, 79, 255, 9_999, 65_535, 4_000_000_000];
    let ends: Vec<char> = ('@'..='~').collect();
    let which = random.below(11);
    if matches!(which, 7 | 8) {
        return if which == 7 { strange_command(random, out) } else { strange_look(random, out) };
    }
    let mut some = |limit| random.below(limit);
    match which {
        0 => write!(out, "\x1b[{}{}", LARGE[some(8)], ends[some(ends.len())]),
        1 => write!(out, "\x1b[{};{}{}", some(30), LARGE[some(8)], ends[some(ends.len())]),
        2 => out.write_str(&["界", "x", "\t", "é"][some(4)].repeat(some(300))),
        3 => out.write_str(&["\u{301}", "\u{20dd}", "\u{fe0e}"][some(3)].repeat(some(40))),
        4 => write!(out, "\x1b[{}b", some(400)),
        5 => write!(out, "\x1bP{}\x1b\\", "q#0;2;0;0;0".repeat(some(4))),
        6 => write!(out, "\x1b[{};{}r\x1b[{}S\x1b[{}T", some(30), some(30), some(30), some(30)),
        _ => out.write_str(WHOLE[some(WHOLE.len())]),
    }
}

fn strange_command(random: &mut Random, out: &mut String) -> fmt::Result {
    const CODES: [usize; 11] = [0, 1, 2, 4, 8, 9, 10, 52, 104, 133, 777];
    const ENDS: [&str; 4] = ["\x07", "\x1b\\", "\x18", ""];
    let mut some = |limit| random.below(limit);
    if some(2) == 0 {
        return write!(out, "\x1b]8;id={};http://x/{}\x1b\\", some(3), some(3));
    }
    write!(out, "\x1b]{};{}{}", CODES[some(11)], "y;".repeat(some(40)), ENDS[some(4)])
}

fn strange_look(random: &mut Random, out: &mut String) -> fmt::Result {
    const MODES: [usize; 21] =
        [1, 3, 5, 6, 7, 9, 12, 25, 47, 66, 1000, 1003, 1006, 1007, 1047, 1048, 1049, 2004, 2026, 2027, 2048];
    let mut some = |limit| random.below(limit);
    match some(3) {
        0 => write!(out, "\x1b[?{}{}", MODES[some(21)], ["h", "l"][some(2)]),
        1 => write!(out, "\x1b[4:{}m\x1b[38:2::{}:2:3m\x1b[58;5;{}m", some(7), some(256), some(256)),
        _ => write!(out, "\x1b[{}q\x1b[>{}u\x1b[<{}u\x1b[={}u", some(8), some(40), some(4), some(40)),
    }
}

/// What is wrong after such a case; nothing where all is as it should be.
fn wrong(case: &Case) -> Option<String> {
    let tried = panic::catch_unwind(AssertUnwindSafe(|| check(case)));
    tried.unwrap_or_else(|_| Some("it panicked".to_owned()))
}

fn check(case: &Case) -> Option<String> {
    let mut screen = Screen::new(case.size, case.scrollback);
    for step in &case.steps {
        match step {
            Step::Feed(bytes) => {
                if screen.feed(bytes).notices.contains(&Notice::Rebuilt) {
                    return Some("it was built anew".to_owned());
                }
            }
            Step::Resize(size) => screen.resize(*size),
        }
    }
    let size = screen.size();
    for row in screen.rows() {
        if row.iter().map(|cell| u16::from(cell.width)).sum::<u16>() != size.cols() {
            return Some("a row is not as long as the screen is wide".to_owned());
        }
    }
    if screen.scrollback_rows() > case.scrollback {
        return Some(format!("{} rows of scrollback", screen.scrollback_rows()));
    }
    let mut copy = Screen::new(size, case.scrollback);
    let rebuilt = copy.feed(&screen.snapshot(case.scrollback)).notices.contains(&Notice::Rebuilt);
    if rebuilt || screen.feed(b"").notices.contains(&Notice::Rebuilt) {
        return Some("the snapshot broke it".to_owned());
    }
    // Rows that were compressed keep the width they had; in the copy all of them flow anew. Those above an alternate
    // screen are not to be seen.
    let is_one_width = !case.steps.iter().any(|step| matches!(step, Step::Resize(_)));
    unlike(&copy, &screen)
        .or_else(|| if is_one_width && !screen.is_alternate() { unlike_above(&copy, &screen) } else { None })
}

/// What a copy does not show as the screen does.
fn unlike(copy: &Screen, screen: &Screen) -> Option<String> {
    let told = |screen: &Screen| {
        (
            screen.is_alternate(),
            screen.takes_bracketed_paste(),
            screen.takes_application_cursor(),
            screen.title().map(str::to_owned),
        )
    };
    if copy.text() != screen.text() {
        return Some(format!("text: {:?} {:?}", copy.text(), screen.text()));
    }
    if copy.cursor() != screen.cursor() {
        return Some(format!("cursor: {:?} {:?}", copy.cursor(), screen.cursor()));
    }
    if told(copy) != told(screen) {
        return Some(format!("modes: {:?} {:?}", told(copy), told(screen)));
    }
    for (line, (one, other)) in copy.rows().iter().zip(screen.rows()).enumerate() {
        if let Some(at) = first_unlike(one, &other, &screen.emulator.term.grid()[emulator::line(line)]) {
            return Some(format!("cell {at} of row {line}: {:?} {:?}", one[at], other[at]));
        }
    }
    None
}

/// The first cell that a copy does not show as the screen does in a row.
fn first_unlike(copy: &[Cell], screen: &[Cell], row: &Row<cell::Cell>) -> Option<usize> {
    // What was left for a wide character has no look that could be told.
    let is_room = row[Column(row.len() - 1)].flags.contains(Flags::LEADING_WIDE_CHAR_SPACER);
    let told = screen.len() - usize::from(is_room);
    copy.iter().zip(screen).take(told).position(|(one, other)| one != other)
}

/// What of the rows that scrolled out a copy does not have as the screen does.
fn unlike_above(copy: &Screen, screen: &Screen) -> Option<String> {
    if copy.scrollback_rows() != screen.scrollback_rows() {
        return Some(format!("scrollback: {} {}", copy.scrollback_rows(), screen.scrollback_rows()));
    }
    let hot = copy.emulator.hot_rows().min(screen.emulator.hot_rows()).min(screen.scrollback_rows());
    (1..=hot).find_map(|back| {
        let at = |screen: &Screen| screen.emulator.term.grid()[Line(-i32::try_from(back).unwrap())].clone();
        let row = at(screen);
        let (one, other) = (cells(&at(copy)), cells(&row));
        let at = first_unlike(&one, &other, &row)?;
        Some(format!("cell {at} of the row {back} above: {:?} {:?}", one[at], other[at]))
    })
}

/// The same case with less in it that still goes wrong.
fn smaller(mut case: Case) -> Case {
    let quiet = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    // Whole steps first, then bytes, from large pieces to single ones.
    loop {
        let before = case.steps.clone();
        for at in (0..case.steps.len()).rev() {
            let mut less = case.clone();
            less.steps.remove(at);
            if wrong(&less).is_some() {
                case = less;
            }
        }
        for at in 0..case.steps.len() {
            let Step::Feed(bytes) = case.steps[at].clone() else { continue };
            let mut piece = bytes.len().div_ceil(2);
            while piece > 0 {
                let mut from = 0;
                while let Step::Feed(bytes) = &case.steps[at]
                    && from < bytes.len()
                {
                    let mut bytes = bytes.clone();
                    bytes.drain(from..bytes.len().min(from + piece));
                    let mut less = case.clone();
                    less.steps[at] = Step::Feed(bytes);
                    if wrong(&less).is_some() { case = less } else { from += piece }
                }
                piece = if piece == 1 { 0 } else { piece.div_ceil(2) };
            }
        }
        if case.steps == before {
            break;
        }
    }
    panic::set_hook(quiet);
    case
}
