//! How fast a terminal in a session is, beside a bare one, one behind a loop that only copies,
//! tmux, and shpool where it is installed: one run, one table.
//!
//! `cargo bench --bench terminal`; `WHARF_BENCH_RUNS` is how often each is measured (5), `WHARF_BENCH_KEYS` how many
//! keys are typed (1,000).
#![expect(clippy::disallowed_methods, reason = "real programs side by side are the subject")]
#![expect(clippy::print_stdout, reason = "the table is the answer")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has nothing to say")]
#![expect(clippy::cast_precision_loss, reason = "nobody measures more than 2^52 of anything here")]

mod contenders;
mod relay;
mod tty;

use std::{
    env, fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use self::{
    contenders::{Contender, Kind},
    relay::{RELAY, relay},
    tty::Tty,
};

/// The log that is printed: 40 MB of coloured lines.
const LOG_BYTES: usize = 40 << 20;
/// How many rows of scrollback there are before somebody comes back.
const HISTORY_ROWS: usize = 10_000;
/// In how many turns the keys are typed.
const ECHO_ROUNDS: usize = 5;
const LIMIT: Duration = Duration::from_secs(30);
/// How much memory all sessions of one contender may take, as far as one of them tells.
const MEMORY_MB_MAX: f64 = 4_000.0;
/// How long everything may take to be dealt with before it is measured.
const SETTLE: Duration = Duration::from_millis(500);

/// How long nothing must come where a hundred are begun.
const BRIEFLY: Duration = Duration::from_millis(30);

fn number(key: &str, default: usize) -> usize {
    env::var(key).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn main() {
    // `cargo test --benches` only wants to know that it can be started.
    let args: Vec<String> = env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--test") {
        return;
    }
    if args.first().is_some_and(|arg| arg == RELAY) {
        return relay(&args[1..]).unwrap();
    }
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("colour.log");
    fs::write(&log, colour_log()).unwrap();
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| kind.is_there()).collect();
    let runs = number("WHARF_BENCH_RUNS", 5);
    println!("| what | {} |", kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" | "));
    println!("|---|{}", "---|".repeat(kinds.len()));
    row("first prompt", "ms", &kinds, runs, first_prompt);
    row("40 MB colour log, to the client", "MB/s", &kinds, runs, |contender| throughput(contender, &log));
    let keys = number("WHARF_BENCH_KEYS", 1_000);
    latency(&kinds, keys);
    row("come back to 10,000 rows", "ms", &kinds, runs, come_back);
    let sessions = number("WHARF_BENCH_SESSIONS", 100);
    for full in [false, true] {
        let name =
            |who: &str| format!("memory of {who}, {}", if full { "10,000 rows" } else { "idle (Pss)" });
        let ones = row(&name("one"), "MB", &kinds, 1, |contender| memory(contender, 1, full));
        row(&name(&format!("each of {sessions}")), "MB", &kinds, 1, |contender| {
            let one = kinds.iter().position(|kind| *kind == contender.kind()).and_then(|at| ones[at])?;
            // So many of what is very large would take the whole machine.
            (one * sessions as f64 <= MEMORY_MB_MAX).then(|| memory(contender, sessions, full))?
        });
    }
}

/// Prints the medians of what is measured, and answers them.
fn row(
    what: &str,
    unit: &str,
    kinds: &[Kind],
    runs: usize,
    measure: impl Fn(&mut Contender) -> Option<f64>,
) -> Vec<Option<f64>> {
    let mut found: Vec<Vec<f64>> = vec![Vec::new(); kinds.len()];
    // In turns, so that whatever else the machine does hits everybody.
    for _ in 0..runs {
        for (kind, found) in kinds.iter().zip(&mut found) {
            found.extend(measure(&mut Contender::new(*kind)));
        }
    }
    let medians: Vec<Option<f64>> = found.iter_mut().map(|values| median(values)).collect();
    let digits = if unit == "MB" { 2 } else { 1 };
    let cells = medians.iter().map(|it| it.map_or("–".to_owned(), |it| format!("{it:.digits$}")));
    println!("| {what}, {unit} | {} |", cells.collect::<Vec<_>>().join(" | "));
    medians
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// From the command line to a shell that can be typed into.
fn first_prompt(contender: &mut Contender) -> Option<f64> {
    contender.prepare();
    let start = Instant::now();
    let mut tty = contender.begin();
    tty.until(b"ready>", LIMIT)?;
    Some(start.elapsed().as_secs_f64() * 1e3)
}

fn throughput(contender: &mut Contender, log: &Path) -> Option<f64> {
    let mut tty = quiet(contender)?;
    let start = Instant::now();
    tty.send(format!("cat {}; echo DO''NE\n", log.display()).as_bytes());
    tty.until(b"DONE", LIMIT)?;
    Some(LOG_BYTES as f64 / 1e6 / start.elapsed().as_secs_f64())
}

fn latency(kinds: &[Kind], keys: usize) {
    let mut rows: [Vec<String>; 2] = Default::default();
    let mut all: Vec<Vec<f64>> = vec![Vec::new(); kinds.len()];
    for _ in 0..ECHO_ROUNDS {
        for (kind, times) in kinds.iter().zip(&mut all) {
            times.extend(echo(&mut Contender::new(*kind), keys.div_ceil(ECHO_ROUNDS)).unwrap_or_default());
        }
    }
    for mut times in all {
        times.sort_by(f64::total_cmp);
        for (row, percent) in rows.iter_mut().zip([50, 99]) {
            let at = times.len() * percent / 100;
            row.push(times.get(at).map_or("–".to_owned(), |it| format!("{it:.0}")));
        }
    }
    for (row, name) in rows.iter().zip(["p50", "p99"]) {
        println!("| echo of a key {name}, µs | {} |", row.join(" | "));
    }
}

/// How long each key takes to come back from `cat`, in microseconds.
fn echo(contender: &mut Contender, keys: usize) -> Option<Vec<f64>> {
    let mut tty = quiet(contender)?;
    tty.send(b"echo CAT''TED; stty raw -echo; exec cat\n");
    tty.until(b"CATTED", LIMIT)?;
    tty.drain(Duration::from_millis(300));
    let mut times = Vec::with_capacity(keys);
    for key in 0..keys {
        let key = [b'a' + u8::try_from(key % 26).unwrap()];
        let start = Instant::now();
        tty.send(&key);
        tty.until(&key, Duration::from_secs(2))?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
        thread::sleep(Duration::from_millis(2));
    }
    Some(times)
}

/// From the command line to the last row on the screen.
fn come_back(contender: &mut Contender) -> Option<f64> {
    fill(contender)?;
    thread::sleep(SETTLE);
    let start = Instant::now();
    let mut tty = contender.attach()?;
    tty.until(b"LAST-ROW", LIMIT)?;
    Some(start.elapsed().as_secs_f64() * 1e3)
}

/// What one of so many sessions costs.
fn memory(contender: &mut Contender, sessions: usize, full: bool) -> Option<f64> {
    if !contender.holds_anything() {
        return None;
    }
    for _ in 0..sessions {
        if full {
            fill(contender)?;
        } else {
            drop(quiet_after(contender, BRIEFLY)?);
        }
    }
    thread::sleep(SETTLE);
    contender.pss().map(|bytes| bytes as f64 / 1e6)
}

/// A session whose scrollback is full and that nobody is attached to.
fn fill(contender: &mut Contender) -> Option<()> {
    let mut tty = quiet_after(contender, BRIEFLY)?;
    let text = format!("seq -f 'row %g of a log with some words in it' {HISTORY_ROWS}; echo LAST-R''OW\n");
    tty.send(text.as_bytes());
    tty.until(b"LAST-ROW", LIMIT)?;
    Some(())
}

/// A shell that prints nothing but what it is asked for.
fn quiet(contender: &mut Contender) -> Option<Tty> {
    quiet_after(contender, Duration::from_millis(200))
}

fn quiet_after(contender: &mut Contender, silence: Duration) -> Option<Tty> {
    contender.prepare();
    let mut tty = contender.begin();
    tty.until(b"ready>", LIMIT)?;
    tty.send(b"PS1=; stty -echo; echo SI''LENT\n");
    tty.until(b"SILENT", LIMIT)?;
    tty.drain(silence);
    Some(tty)
}

fn colour_log() -> Vec<u8> {
    let mut log = Vec::with_capacity(LOG_BYTES + 200);
    let mut number = 0_u64;
    while log.len() < LOG_BYTES {
        number += 1;
        let mixed = number.wrapping_mul(2_654_435_761) & 0xffff_ffff;
        let (minute, second, colour) = (number / 60 % 60, number % 60, number % 256);
        log.extend_from_slice(
            format!(
                "\x1b[2m2026-11-20T11:{minute:02}:{second:02}Z\x1b[0m \x1b[32m INFO\x1b[0m \x1b[1mserver\x1b[0m \
                 request={mixed:08x} path=\"/café/{number}\" \x1b[38;5;{colour}mstatus\x1b[0m\n"
            )
            .as_bytes(),
        );
    }
    log
}
