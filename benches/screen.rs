//! How fast a screen takes in output, beside another emulator, and how long a snapshot takes.

use std::{fmt::Write as _, hint::black_box};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wharf::screen::{Screen, Size};

const BYTES: usize = 4 << 20;

/// What one read of a PTY gives at most.
const READ_BYTES: usize = 4096;

/// What a holder collects of a flood.
const BATCH_BYTES: usize = 256 << 10;

const SCROLLBACK_ROWS: usize = 10_000;

fn yes() -> Vec<u8> {
    b"y\r\n".repeat(BYTES / 3)
}

/// Lines of a coloured log, some hundred columns each.
fn log() -> Vec<u8> {
    let mut text = String::new();
    for number in 0_u64.. {
        if text.len() >= BYTES {
            break;
        }
        let (minute, second, hash) = (number / 60 % 60, number % 60, number.wrapping_mul(2_654_435_761));
        let colour = number % 256;
        write!(
            text,
            "\x1b[2m2026-11-20T11:{minute:02}:{second:02}Z\x1b[0m \x1b[32m INFO\x1b[0m \x1b[1msession\x1b[0m \
             id={hash:08x} msg=\"worktree créé ✓ {number}\" \x1b[38;5;{colour}mbranch\x1b[0m\r\n"
        )
        .expect("memory takes every byte");
    }
    text.into_bytes()
}

/// Lines that take two rows each.
fn long() -> Vec<u8> {
    let mut text = String::new();
    for number in 0_u64.. {
        if text.len() >= BYTES {
            break;
        }
        let (hash, time) = (number.wrapping_mul(2_654_435_761), number % 500);
        write!(
            text,
            "{{\"level\":\"info\",\"target\":\"app::server\",\"fields\":{{\"message\":\"request handled\",\"path\":\
             \"/api/v1/things/{number}\",\"status\":200,\"ms\":{time}}},\"span\":\"{hash:032x}\"}}\r\n"
        )
        .expect("memory takes every byte");
    }
    text.into_bytes()
}

/// A full screen that is painted again and again, as synchronized updates.
fn repaint() -> Vec<u8> {
    let mut text = String::from("\x1b[?1049h");
    let mut number = 0_u64;
    while text.len() < BYTES {
        text.push_str("\x1b[?2026h");
        for row in 1..=40 {
            number += 1;
            let (red, green, hash) =
                (number % 256, number / 3 % 256, number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            write!(
                text,
                "\x1b[{row};1H\x1b[38;2;{red};{green};90m│ line {row} of a panel {hash:x}\x1b[K\x1b[0m"
            )
            .expect("memory takes every byte");
        }
        text.push_str("\x1b[?2026l");
    }
    text.into_bytes()
}

fn size() -> Size {
    Size::new(40, 120).expect("a size")
}

fn feed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("feed");
    group.sample_size(10);
    for (name, output) in [("yes", yes()), ("log", log()), ("long", long()), ("repaint", repaint())] {
        group.throughput(Throughput::Bytes(output.len() as u64));
        for (how, bytes) in [("screen", READ_BYTES), ("screen in batches", BATCH_BYTES)] {
            group.bench_function(BenchmarkId::new(how, name), |bencher| {
                let mut screen = Screen::new(size(), SCROLLBACK_ROWS);
                bencher.iter(|| {
                    for read in output.chunks(bytes) {
                        black_box(screen.feed(read));
                    }
                });
            });
        }
        group.bench_function(BenchmarkId::new("avt", name), |bencher| {
            let text = String::from_utf8_lossy(&output).into_owned();
            let mut other = avt::Terminal::with_scrollback(120, 40, Some(SCROLLBACK_ROWS)).expect("a size");
            bencher.iter(|| other.feed(black_box(&*text)));
        });
    }
    group.finish();
}

fn snapshot(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("snapshot");
    group.sample_size(20);
    let mut screen = Screen::new(size(), SCROLLBACK_ROWS);
    screen.feed(&log());
    for rows in [0, SCROLLBACK_ROWS] {
        group.bench_function(BenchmarkId::from_parameter(rows), |bencher| {
            bencher.iter(|| screen.snapshot(rows));
        });
    }
    group.finish();
}

criterion_group!(benches, feed, snapshot);
criterion_main!(benches);
