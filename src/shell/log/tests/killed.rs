//! Whether a writer that is killed at any moment has lost nothing that it had answered for.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
};

use super::{
    alone::{alone, inside},
    support::{Place, changes, end},
};
use crate::shell::{Ground, log::history};

const ROUNDS: usize = 12;
const MARK: &str = "done ";

#[test]
fn what_was_answered_outlives_the_kill_of_its_writer() {
    if let Some(folder) = inside() {
        return write_until_killed(&Place::at(folder));
    }
    let place = Place::new();
    let mut before = 0;
    for round in 0..ROUNDS {
        let mut child = alone("killed::what_was_answered_outlives_the_kill_of_its_writer", place.root())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut answered = |count: usize| {
            let numbers = answers.by_ref().filter_map(|line| line.strip_prefix(MARK)?.parse::<u64>().ok());
            numbers.take(count).last()
        };
        let some = answered(1 + round * 7).expect("it answers before it is killed");
        child.kill().unwrap();
        child.wait().unwrap();
        let last = answered(usize::MAX).unwrap_or(some);
        let loaded = place.plan();
        let value = String::from_utf8(loaded.changes.set["n"].clone()).unwrap();
        let number: u64 = value.parse().unwrap();
        assert!(number >= last, "{last} was answered, and {number} is what is left");
        assert_eq!(loaded.damaged_lines, 0);
        let entries: Vec<_> = history(&place.folder()).unwrap().map(Result::unwrap).collect();
        let open = entries.iter().skip(1).filter(|entry| entry.outcome.is_none()).count();
        assert!(open <= round, "only the last of each round may be unfinished");
        assert!(number > before, "each round goes on behind the last");
        before = number;
        let (log, opened) = place.open();
        assert_eq!((opened.changes, opened.cut_bytes), (loaded.changes, loaded.cut_bytes));
        assert!(log.summary().unwrap().event_count >= number);
    }
}

/// Runs commands that are nothing but events, and answers each.
fn write_until_killed(place: &Place) {
    let mut log = place.log();
    let mut answers = std::io::stdout();
    for turn in 0.. {
        let number = log.input("bash", Ground::Kept, b"true").unwrap();
        let change = changes(&[("n", &number.to_string())], &[]);
        end(&mut log, number, &change);
        answers.write_all(format!("\n{MARK}{number}\n").as_bytes()).unwrap();
        if turn % 5 == 4 {
            log.checkpoint("bash", &change).unwrap();
        }
    }
}
