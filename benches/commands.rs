//! How long a session with many commands in its log takes to be loaded, and its history to be read: one line of a table
//! for each, medians.
//!
//! `COMMANDS_EVENTS` says how many events the log has (100,000).
#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use std::{
    env, fs,
    hint::black_box,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use wharf::{
    clock::SystemClock,
    interpreter::Changes,
    limits::ShellLimits,
    session::SessionId,
    shell::{
        Finish, Ground,
        log::{self, CommandLog, Kept, Written},
    },
};

const RUNS: usize = 11;
/// A checkpoint stands behind so many commands, as after ten seconds of work.
const CHECKPOINT_EVERY: u64 = 1_000;

fn main() {
    let events: u64 = env::var("COMMANDS_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let folder = dir.path().join("session");
    let id = SessionId::random();
    let appended = write(&folder, id, events);
    let index = folder.join("commands.index.json");
    let size = fs::metadata(folder.join("commands.jsonl")).expect("the log was written").len();
    println!("| a log of {events} events, {:.1} MB | median, ms |\n|---|--:|", per(size, 1_000_000));
    row("one event is appended", &[appended]);
    let load = || {
        black_box(open(&folder, id));
    };
    row("load, with the index", &runs(|| (), load));
    let remove = || fs::remove_file(&index).expect("a load makes the index anew");
    row("load, without the index", &runs(remove, load));
    row("summary", &runs(|| (), || drop(black_box(log::summary(&folder, id)))));
    row("history, the newest 20", &runs(|| (), || assert_eq!(history(&folder).take(20).count(), 20)));
    row("history, all of it", &runs(|| (), || assert!(history(&folder).all(|entry| entry.is_ok()))));
}

fn history(folder: &Path) -> log::History {
    log::history(folder).expect("the log was written")
}

fn open(folder: &Path, id: SessionId) -> CommandLog {
    let name = "bench".parse().expect("a name");
    let opened = CommandLog::open(folder, id, &name, &limits(), Arc::new(SystemClock));
    opened.expect("nobody else writes").0
}

/// A log that never begins anew.
fn limits() -> ShellLimits {
    ShellLimits { log_bytes_max: u64::MAX, ..ShellLimits::default() }
}

/// Writes events of commands that set a variable and print a line; answers how long one of them took.
fn write(folder: &Path, id: SessionId, events: u64) -> Duration {
    let mut log = open(folder, id);
    let text = b"cargo test --lib: 714 passed; 0 failed\n";
    let stdout = Kept { head: text.to_vec(), tail: Vec::new(), bytes: text.len() as u64 };
    let mut whole = Changes::default();
    let mut took = Duration::ZERO;
    for number in 0..events / 2 {
        let mut changes = Changes::default();
        changes.set.insert(format!("variable:NAME{}", number % 100), number.to_string().into_bytes());
        whole.then(changes.clone());
        let begun = Instant::now();
        let input = log.input("bash", Ground::Kept, format!("NAME{}={number}", number % 100).as_bytes());
        let ran = Written {
            code: 0,
            finish: Finish::Done,
            session_ended: false,
            duration: Duration::from_micros(350),
            stdout: &stdout,
            stderr: &Kept::default(),
            changes: &changes,
            lost: &[],
        };
        log.output(input.expect("the disk has room"), &ran).expect("the disk has room");
        took += begun.elapsed();
        if number % CHECKPOINT_EVERY == CHECKPOINT_EVERY / 2 {
            log.checkpoint("bash", &whole).expect("the disk has room");
        }
    }
    took / u32::try_from(events.max(1)).unwrap_or(u32::MAX)
}

/// How long some runs took, each after something that is not measured.
fn runs(before: impl Fn(), run: impl Fn()) -> Vec<Duration> {
    let one = |_| {
        before();
        let begun = Instant::now();
        run();
        begun.elapsed()
    };
    (0..RUNS).map(one).collect()
}

fn row(name: &str, runs: &[Duration]) {
    let mut runs = runs.to_vec();
    runs.sort();
    println!("| {name} | {:.3} |", runs[runs.len() / 2].as_secs_f64() * 1e3);
}

#[expect(clippy::cast_precision_loss, reason = "it is rounded anyway")]
fn per(bytes: u64, unit: u64) -> f64 {
    bytes as f64 / unit as f64
}
