//! Whether any cut and any flipped byte leaves a state that the events explain, and costs nothing but the torn end.

use proptest::{collection::vec, prelude::*, sample};

use super::support::{Place, changes, end};
use crate::{
    interpreter::Changes,
    shell::{Finish, Ground, Stream, log::CommandLog},
};

/// What is done with a log.
#[derive(Clone, Debug)]
enum Step {
    Run(Vec<(u8, String)>, Vec<u8>),
    Fresh,
    Unfinished,
    Late(Vec<u8>),
    Checkpoint,
}

/// What an event does to the state.
#[derive(Clone, Debug)]
enum Effect {
    Nothing,
    Empty,
    Change(Changes),
    Whole(Changes),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (vec((0..5_u8, "[a-z\"\\\\\n\u{e4}]{0,6}"), 0..3), vec(0..5_u8, 0..2)).prop_map(|(set, unset)| Step::Run(set, unset)),
        1 => Just(Step::Fresh),
        1 => Just(Step::Unfinished),
        1 => vec(any::<u8>(), 1..8).prop_map(Step::Late),
        2 => Just(Step::Checkpoint),
    ]
}

/// Does the steps, and answers what the event of each line did.
fn write(log: &mut CommandLog, steps: &[Step]) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut number = 1;
    for step in steps {
        match step {
            Step::Run(set, unset) => {
                let set: Vec<(String, &str)> =
                    set.iter().map(|(key, value)| (format!("k{key}"), value.as_str())).collect();
                let set: Vec<(&str, &str)> = set.iter().map(|(key, value)| (key.as_str(), *value)).collect();
                let unset: Vec<String> = unset.iter().map(|key| format!("u{key}")).collect();
                let change = changes(&set, &unset.iter().map(String::as_str).collect::<Vec<_>>());
                number = log.input("bash", Ground::Kept, b"run").unwrap();
                end(log, number, &change);
                effects.extend([Effect::Nothing, Effect::Change(change)]);
            }
            Step::Fresh => {
                number = log.input("bash", Ground::Fresh, b"fresh").unwrap();
                end(log, number, &Changes::default());
                effects.extend([Effect::Empty, Effect::Empty, Effect::Nothing]);
            }
            Step::Unfinished => {
                number = log.input("bash", Ground::Kept, b"kill -9").unwrap();
                effects.push(Effect::Nothing);
            }
            Step::Late(bytes) => {
                log.late(number, Stream::Stderr, bytes).unwrap();
                effects.push(Effect::Nothing);
            }
            Step::Checkpoint => {
                let whole = state(&effects, &[]);
                log.checkpoint("bash", &whole).unwrap();
                effects.push(Effect::Whole(whole));
            }
        }
    }
    effects
}

/// What the events of some lines, without those that were hit, leave.
fn state(effects: &[Effect], hit: &[usize]) -> Changes {
    let mut state = Changes::default();
    for (line, effect) in effects.iter().enumerate() {
        if hit.contains(&line) {
            continue;
        }
        match effect {
            Effect::Nothing => (),
            Effect::Empty => state = Changes::default(),
            Effect::Change(change) => state.then(change.clone()),
            Effect::Whole(whole) => state = whole.clone(),
        }
    }
    state
}

/// Opens a damaged log: nothing but its end is gone from it, and that lies beside it; and it can be gone on with.
fn check(place: &Place, damaged: &[u8], expected: &Changes) -> Result<(), TestCaseError> {
    prop_assert_eq!(&place.plan().changes, expected);
    let told = place.newest_first();
    let (mut log, loaded) = place.open();
    prop_assert_eq!(&loaded.changes, expected);
    let left = place.read("commands.jsonl");
    prop_assert!(damaged.starts_with(&left));
    prop_assert_eq!(loaded.cut_bytes, (damaged.len() - left.len()) as u64);
    let torn: Vec<u8> = place
        .names()
        .iter()
        .filter(|name| name.starts_with("commands.torn."))
        .flat_map(|name| place.read(name))
        .collect();
    prop_assert_eq!(&torn, &damaged[left.len()..]);
    let before = log.summary().map_or(0, |summary| summary.event_count);
    let number = log.input("bash", Ground::Kept, b"more").unwrap();
    prop_assert!(number > before);
    let more = changes(&[("more", "1")], &[]);
    end(&mut log, number, &more);
    drop(log);
    let mut expected = expected.clone();
    expected.then(more);
    prop_assert_eq!(place.plan().changes, expected);
    let entries = place.newest_first();
    prop_assert_eq!(entries.len(), told.len() + 1);
    prop_assert!(entries[0].outcome.as_ref().is_some_and(|outcome| outcome.finish == Finish::Done));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_that_is_cut_anywhere_has_the_state_of_what_is_whole(
        steps in vec(step(), 1..12), cut in any::<sample::Index>(),
    ) {
        let place = Place::new();
        let effects = write(&mut place.log(), &steps);
        let bytes = place.read("commands.jsonl");
        let damaged = &bytes[..cut.index(bytes.len() + 1)];
        place.put("commands.jsonl", damaged);
        let whole = memchr::memchr_iter(b'\n', damaged).count();
        check(&place, damaged, &state(&effects[..whole], &[]))?;
    }

    #[test]
    fn a_byte_of_the_log_that_is_another_costs_its_line(
        steps in vec(step(), 1..12), at in any::<sample::Index>(), by in 1..=255_u8,
    ) {
        let place = Place::new();
        let effects = write(&mut place.log(), &steps);
        let mut damaged = place.read("commands.jsonl");
        let at = at.index(damaged.len());
        let line = memchr::memchr_iter(b'\n', &damaged[..at]).count();
        // Without its line feed a line takes the one behind it along.
        let hit = if damaged[at] == b'\n' { vec![line, line + 1] } else { vec![line] };
        damaged[at] ^= by;
        place.put("commands.jsonl", &damaged);
        check(&place, &damaged, &state(&effects, &hit))?;
    }

    #[test]
    fn damage_behind_an_older_part_costs_no_more(
        steps in vec(step(), 20..40), at in any::<sample::Index>(), by in any::<u8>(),
    ) {
        let mut place = Place::new();
        place.limits.log_bytes_max = 3_000;
        let effects = write(&mut place.log(), &steps);
        prop_assume!(place.path("commands.1.jsonl").exists());
        let mut damaged = place.read("commands.jsonl");
        let before = effects.len() - memchr::memchr_iter(b'\n', &damaged).count();
        let at = at.index(damaged.len());
        let line = before + memchr::memchr_iter(b'\n', &damaged[..at]).count();
        let hit = match by {
            0 => line..effects.len(),
            _ if damaged[at] == b'\n' => line..line + 2,
            _ => line..line + 1,
        };
        // The first line stands in the older part too.
        let hit: Vec<usize> = hit.filter(|hit| *hit > before).collect();
        match by {
            0 => damaged.truncate(at),
            by => damaged[at] ^= by,
        }
        place.put("commands.jsonl", &damaged);
        let expected = state(&effects, &hit);
        prop_assert_eq!(&place.plan().changes, &expected);
        let (mut log, loaded) = place.open();
        prop_assert_eq!(&loaded.changes, &expected);
        let number = log.input("bash", Ground::Kept, b"more").unwrap();
        prop_assert!(number > (effects.len() - hit.len()) as u64);
        prop_assert_eq!(place.newest_first()[0].number, number);
        prop_assert_eq!(&place.plan().changes, &expected);
    }

    #[test]
    fn an_index_that_is_cut_or_has_another_byte_costs_nothing(
        steps in vec(step(), 1..12), at in any::<sample::Index>(), by in any::<u8>(),
    ) {
        let place = Place::new();
        let mut log = place.log();
        let mut effects = write(&mut log, &steps);
        effects.extend(write(&mut log, &[Step::Fresh, Step::Checkpoint]));
        drop(log);
        let mut index = place.read("commands.index.json");
        let at = at.index(index.len());
        match by {
            0 => index.truncate(at),
            by => index[at] ^= by,
        }
        place.put("commands.index.json", &index);
        let bytes = place.read("commands.jsonl");
        check(&place, &bytes, &state(&effects, &[]))?;
    }
}
