//! How fast a transcript is checked, and with how much memory, beside `jq`: one line of a table for each.
//!
//! `TRANSCRIPT_MB` says how large the transcript is (64).
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench starts programs, says what it measured, and rounds"
)]

use std::{
    env,
    fmt::Write as _,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const RUNS: usize = 3;

fn main() {
    let megabytes: u64 = env::var("TRANSCRIPT_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(64);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("transcript.jsonl");
    write(&path, megabytes << 20);
    git(folder.path(), &["init", "-q"]);
    git(
        folder.path(),
        &["-c", "user.name=b", "-c", "user.email=b@localhost", "commit", "-qm", "b", "--allow-empty"],
    );
    let wharf = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
        command.args(args).env("WHARF_WORKSPACE", folder.path()).stdout(Stdio::null());
        command
    };
    let made = wharf(&["create", "s1"]).status();
    assert!(made.is_ok_and(|status| status.success()), "a session for the bench");
    let file = path.to_str().expect("a plain path");
    let check = wharf(&["conversation", "check", "s1", "--file", file]);
    let mut jq = Command::new("jq");
    jq.args(["-c", ".", file]).stdout(Stdio::null());
    println!("| {megabytes} MiB | MB/s | memory, MB |\n|---|--:|--:|");
    row("wharf conversation check", check, megabytes);
    row("jq -c .", jq, megabytes);
}

/// The best of some runs.
fn row(name: &str, mut command: Command, megabytes: u64) {
    let runs: Option<Vec<(Duration, u64)>> = (0..RUNS).map(|_| run(&mut command)).collect();
    let Some(runs) = runs else {
        println!("| {name} | – | – |");
        return;
    };
    let best = runs.iter().map(|run| run.0).min().unwrap_or_default();
    let memory = runs.iter().map(|run| run.1).max().unwrap_or_default();
    let speed = (megabytes << 20) as f64 / 1e6 / best.as_secs_f64();
    println!("| {name} | {speed:.0} | {:.1} |", memory as f64 / 1e3);
}

/// How long a program took, and its greatest memory in kB as it was last seen.
fn run(command: &mut Command) -> Option<(Duration, u64)> {
    let start = Instant::now();
    let mut child = command.spawn().ok()?;
    let status = format!("/proc/{}/status", child.id());
    let mut memory = 0;
    loop {
        memory = fs::read_to_string(&status).ok().and_then(|text| peak(&text)).unwrap_or(memory).max(memory);
        if let Some(ended) = child.try_wait().ok()? {
            return ended.success().then(|| (start.elapsed(), memory));
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// A transcript of short and long turns, with escapes and other scripts in them.
fn write(path: &Path, bytes: u64) {
    let mut file = BufWriter::new(File::create(path).expect("a place for the transcript"));
    let (mut written, mut number) = (0, 0_usize);
    while written < bytes {
        let mut text = String::new();
        for word in 0..[5, 20, 80, 400, 2_000][number % 5] {
            text.push_str(
                ["the ", "quick ", "naïve ", "fox\\n", "\\\"jumps\\\" ", "over ", "世界 ", "again "]
                    [(word * 7 + number) % 8],
            );
        }
        let kind = ["user", "assistant", "assistant", "system"][number % 4];
        let mut line = String::new();
        writeln!(
            line,
            "{{\"uuid\":\"{number:032x}\",\"type\":\"{kind}\",\"message\":{{\"role\":\"{kind}\",\"content\":[{{\"type\":\"text\",\
             \"text\":\"{text}\"}},{{\"type\":\"tool_use\",\"input\":{{\"path\":\"/a/b.rs\",\"n\":0.25,\"list\":[1,null,true]}}}}]}},\
             \"timestamp\":\"2025-11-24T10:{:02}:{:02}.123Z\"}}",
            number / 60 % 60,
            number % 60,
        )
        .expect("a string takes everything");
        file.write_all(line.as_bytes()).expect("room for the transcript");
        written += line.len() as u64;
        number += 1;
    }
    file.flush().expect("room for the transcript");
}

fn git(folder: &Path, args: &[&str]) {
    let status = Command::new("git").current_dir(folder).args(args).status();
    assert!(status.is_ok_and(|status| status.success()), "git {args:?}");
}
