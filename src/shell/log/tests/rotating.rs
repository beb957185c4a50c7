//! Whether a log that became too large begins anew, also when its writer is killed meanwhile.

use std::fs;

use super::support::{Place, changes, end};
use crate::{
    atomic,
    interpreter::Changes,
    shell::{
        Ground,
        log::{CommandLog, history, summary},
    },
};

const LOG: &str = "commands.jsonl";
const OLDER: &str = "commands.1.jsonl";

fn small() -> Place {
    let mut place = Place::new();
    place.limits.log_bytes_max = 8_000;
    place
}

/// Runs some commands, with a checkpoint behind every second one.
fn run(log: &mut CommandLog, whole: &mut Changes, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let change = changes(&[(&format!("key{}", number % 3), &number.to_string())], &[]);
        let event = log.input("bash", Ground::Kept, number.to_string().as_bytes()).unwrap();
        end(log, event, &change);
        whole.then(change);
        if number % 2 == 1 {
            log.checkpoint("bash", whole).unwrap();
        }
    }
}

/// Runs commands until the log has begun anew.
fn run_until_anew(place: &Place, log: &mut CommandLog) -> Changes {
    let mut whole = Changes::default();
    for number in (0..).step_by(2).take_while(|_| !place.path(OLDER).exists()) {
        run(log, &mut whole, number..number + 2);
    }
    whole
}

#[test]
fn a_log_that_is_over_its_limit_begins_anew_and_goes_on_counting() {
    let place = small();
    let mut log = place.log();
    let mut whole = Changes::default();
    run(&mut log, &mut whole, 0..200);
    let own = log.summary().unwrap();
    assert_eq!((own.event_count, own.checkpoint_count), (500, 100));
    assert!((4_000..=12_000).contains(&own.size), "{}", own.size);
    assert_eq!(summary(&place.folder(), Place::id()).unwrap(), Some(own.clone()));
    assert_eq!(place.plan().changes, whole);
    let told: Vec<Vec<u8>> = place.newest_first().into_iter().map(|entry| entry.command).collect();
    let expected = (0..200).rev().take(told.len()).map(|number: u32| number.to_string().into_bytes());
    assert_eq!(told, expected.collect::<Vec<_>>());
    let inputs =
        |name: &str| String::from_utf8(place.read(name)).unwrap().matches("\"type\":\"input\"").count();
    assert_eq!(told.len(), inputs(LOG) + inputs(OLDER));
    assert!(inputs(OLDER) > 0);
    let forwards = history(&place.folder()).unwrap().oldest_first().unwrap();
    assert_eq!(forwards.count(), told.len());
    drop(log);
    fs::remove_file(place.path("commands.index.json")).unwrap();
    let (log, loaded) = place.open();
    assert_eq!((loaded.changes, log.summary()), (whole, Some(own)));
}

#[test]
fn a_log_of_nothing_but_a_checkpoint_does_not_begin_anew() {
    let place = small();
    let mut log = place.log();
    let large = changes(&[("a", &"x".repeat(10_000))], &[]);
    log.checkpoint("bash", &large).unwrap();
    assert!(!place.path(OLDER).exists());
    assert!(log.is_over());
    log.checkpoint("bash", &large).unwrap();
    assert!(place.path(OLDER).exists());
}

#[test]
fn a_writer_may_be_killed_between_any_two_steps() {
    let place = small();
    let mut log = place.log();
    let whole = run_until_anew(&place, &mut log);
    let own = log.summary().unwrap();
    drop(log);
    let (old, new) = (place.read(OLDER), place.read(LOG));
    let names = place.names();
    // The new file is half written, whole, and in its place; the index is that of the log before.
    let half = new[..20].to_vec();
    let steps = [
        (Some(&old), None, Some(&half)),
        (Some(&old), None, Some(&new)),
        (None, Some(&old), Some(&new)),
        (Some(&new), Some(&old), None),
    ];
    for (step, (log, older, next)) in steps.into_iter().enumerate() {
        for (name, bytes) in [(LOG, log), (OLDER, older), ("commands.next.jsonl", next)] {
            drop(fs::remove_file(place.path(name)));
            if let Some(bytes) = bytes {
                place.put(name, bytes);
            }
        }
        let told = place.newest_first().len();
        assert_eq!(place.plan().changes, whole, "step {step}");
        let (mut log, loaded) = place.open();
        assert_eq!(
            (loaded.changes, loaded.cut_bytes, loaded.damaged_lines),
            (whole.clone(), 0, 0),
            "step {step}"
        );
        let now = log.summary().unwrap();
        assert!(now.event_count - own.event_count <= 1, "step {step}: {} events", now.event_count);
        assert_eq!(now.created, own.created, "step {step}");
        assert_eq!(place.newest_first().len(), told, "step {step}");
        log.checkpoint("bash", &whole).unwrap();
        drop(log);
        assert_eq!(place.names(), names, "step {step}");
    }
}

#[test]
fn the_older_part_stands_in_for_a_first_line_that_is_damaged() {
    let place = small();
    let mut log = place.log();
    let whole = run_until_anew(&place, &mut log);
    let alone = place.read(LOG);
    let event = log.input("bash", Ground::Kept, b"more").unwrap();
    end(&mut log, event, &changes(&[("more", "1")], &[]));
    let own = log.summary().unwrap();
    drop(log);
    let mut damaged = place.read(LOG);
    damaged[30] ^= 1;
    place.put(LOG, &damaged);
    let mut with_more = whole.clone();
    with_more.then(changes(&[("more", "1")], &[]));
    let (log, loaded) = place.open();
    assert_eq!((loaded.changes, loaded.damaged_lines, loaded.cut_bytes), (with_more, 1, 0));
    assert_eq!(log.summary().unwrap().event_count, own.event_count);
    drop(log);
    assert_eq!(place.read(LOG), damaged);
    // Without anything whole in it, it is of no use.
    place.put(LOG, &alone[..50]);
    let (_log, loaded) = place.open();
    assert_eq!((loaded.changes, loaded.cut_bytes), (whole, 50));
    assert_eq!(place.plan().damaged_lines, 0);
}

#[test]
fn a_log_that_cannot_begin_anew_goes_on_as_it_is() {
    let place = small();
    let mut log = place.log();
    fs::create_dir_all(place.path(OLDER).join("in the way")).unwrap();
    let mut whole = Changes::default();
    run(&mut log, &mut whole, 0..60);
    assert!(log.is_over());
    let aside = place.path("aside");
    atomic::rename(&place.path(OLDER), &aside).unwrap();
    assert_eq!(place.plan().changes, whole);
    log.checkpoint("bash", &whole).unwrap();
    assert!(!log.is_over());
    assert_eq!(place.newest_first().len(), 60);
}

#[test]
fn a_large_checkpoint_comes_when_as_much_came_behind_the_last() {
    let place = Place::new();
    let mut log = place.log();
    let large = changes(&[("a", &"x".repeat(100_000))], &[]);
    let count = |log: &CommandLog| log.summary().unwrap().checkpoint_count;
    let first = log.input("bash", Ground::Kept, b"a").unwrap();
    end(&mut log, first, &large);
    for _ in 0..3 {
        log.checkpoint("bash", &large).unwrap();
        assert_eq!(count(&log), 1);
    }
    let second = log.input("bash", Ground::Kept, b"b").unwrap();
    end(&mut log, second, &changes(&[("b", "1")], &[]));
    let mut whole = large.clone();
    whole.then(changes(&[("b", "1")], &[]));
    log.checkpoint("bash", &whole).unwrap();
    let loaded = place.plan();
    assert_eq!((loaded.changes, loaded.applied, loaded.is_index_rebuilt), (whole.clone(), 1, false));
    let third = log.input("bash", Ground::Kept, "#".repeat(100_000).as_bytes()).unwrap();
    end(&mut log, third, &Changes::default());
    log.checkpoint("bash", &whole).unwrap();
    assert_eq!(count(&log), 2);
    drop(log);
    let mut log = place.log();
    log.checkpoint("bash", &whole).unwrap();
    assert_eq!(count(&log), 3, "a new writer does not know what the one before could not keep");
}

#[test]
fn readers_beside_a_writer_see_no_hole() {
    let mut place = Place::new();
    // It begins anew with every checkpoint.
    place.limits.log_bytes_max = 1_000;
    let mut log = place.log();
    let mut whole = Changes::default();
    run(&mut log, &mut whole, 0..2);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| run(&mut log, &mut whole, 2..600));
        let mut last = 0;
        while !writer.is_finished() {
            let told: Vec<u32> = place
                .newest_first()
                .into_iter()
                .map(|entry| String::from_utf8(entry.command).unwrap().parse().unwrap())
                .collect();
            assert!(told.windows(2).all(|pair| pair[0] == pair[1] + 1), "{told:?}");
            assert!(told[0] >= last);
            last = told[0];
            let loaded = place.plan();
            let set = loaded.changes.set.values().map(|value| String::from_utf8_lossy(value).parse::<u32>());
            assert!(set.map(Result::unwrap).max().unwrap() + 1 >= last);
            assert_eq!(loaded.damaged_lines, 0);
            assert!(
                summary(&place.folder(), Place::id()).unwrap().unwrap().event_count >= u64::from(last) * 2
            );
        }
    });
    assert_eq!(place.plan().changes, whole);
}
