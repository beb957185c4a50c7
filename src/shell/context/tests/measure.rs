//! How long things take; run by hand.

#![expect(clippy::print_stderr, reason = "a measurement is there to be read")]

use super::{support::Live, *};

fn measured(name: &str, text: &str) {
    let mut live = Live::start(name);
    let mut times = Vec::new();
    for _ in 0..2000 {
        let begun = Instant::now();
        live.run(text);
        times.push(begun.elapsed());
    }
    times.sort();
    eprintln!("{name} {text}: p50 {:?} p99 {:?}", times[1000], times[1980]);
    let begun = Instant::now();
    let live = live.again();
    eprintln!("{name}: load {:?}", begun.elapsed());
    drop(live);
}

#[test]
#[ignore = "a measurement"]
fn round_trips() {
    for name in ["bash", "sh"] {
        measured(name, "true");
        measured(name, "false");
        measured(name, "n=$((n+1))");
    }
    measured("python", "1");
    measured("python", "n = 5");
}
