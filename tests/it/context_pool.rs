//! How many contexts live at once, and what becomes of those for which there is no room.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use wharf::{
    limits::ShellLimits,
    lock::Lock,
    session::SessionId,
    shell::{ShellError, Shells as _},
};

use crate::support::{
    contexts::{House, eventually, request, until},
    pty::PATIENCE,
};

fn with(live_max: usize) -> House {
    House::with(ShellLimits { live_max, ..ShellLimits::default() })
}

#[test]
fn thirty_contexts_take_turns_in_three_places_and_none_forgets() {
    let house = with(3);
    let ids: Vec<SessionId> = (0..30).map(|_| SessionId::random()).collect();
    house.run(ids[0], "true");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let counter = scope.spawn(|| {
            let mut most = 0;
            while !is_over.load(Ordering::SeqCst) {
                // Nobody begins while they are counted.
                let lock = Lock::take(&house.folder.path().join("shell.pool.lock"), PATIENCE).unwrap();
                most = most.max(house.live());
                drop(lock);
                thread::sleep(Duration::from_millis(5));
            }
            most
        });
        let round = |text: &dyn Fn(usize) -> String| -> Vec<String> {
            ids.iter().enumerate().map(|(at, id)| house.run(*id, &text(at)).stdout).collect()
        };
        round(&|at| format!("value={at}; cd /tmp"));
        let found = round(&|_| "echo $value $PWD".to_owned());
        is_over.store(true, Ordering::SeqCst);
        let expected: Vec<String> = (0..30).map(|at| format!("{at} /tmp\n")).collect();
        assert_eq!(found, expected);
        assert_eq!(counter.join().unwrap(), 3);
    });
}

#[test]
fn of_a_thousand_contexts_ten_live_and_every_one_remembers() {
    let house = with(10);
    let ids: Vec<SessionId> = (0..1_000).map(|_| SessionId::random()).collect();
    for (at, id) in ids.iter().enumerate() {
        house.run(*id, &format!("value={at}"));
    }
    assert_eq!(house.live(), 10);
    for (at, id) in ids.iter().enumerate().step_by(20) {
        assert_eq!(house.run(*id, "echo $value").stdout, format!("{at}\n"));
    }
    assert_eq!(house.live(), 10);
}

#[test]
fn the_one_that_was_idle_for_the_longest_time_makes_room() {
    let house = with(2);
    let [old, used, new] = [(); 3].map(|()| SessionId::random());
    for id in [old, used, old, used, new] {
        house.run(id, "x=1");
    }
    assert!(house.shells.live(old).is_none());
    assert!(house.shells.live(used).is_some() && house.shells.live(new).is_some());
}

#[test]
fn who_finds_all_at_work_is_told_so_and_who_waits_gets_the_first_place() {
    let house = with(1);
    let [busy, other] = [(); 2].map(|()| SessionId::random());
    house.run(busy, "true");
    let mut caller = house.call(busy, "read -r line < <(sleep 1000)");
    until(&mut caller, b'a');
    let refused = house.try_run(other, &request("true")).unwrap_err();
    assert!(matches!(refused, ShellError::Full { limit: 1 }), "{refused}");
    thread::scope(|scope| {
        let waits = scope.spawn(|| house.run(other, "echo here").stdout);
        drop(caller);
        assert_eq!(waits.join().unwrap(), "here\n");
    });
    eventually("one lives", || house.live() == 1);
}

#[test]
fn a_background_job_keeps_its_context_from_being_unloaded() {
    let house = with(1);
    let [server, other] = [(); 2].map(|()| SessionId::random());
    house.run(server, "sleep 1000 & echo $! >job");
    assert!(house.shells.processes(server).unwrap().is_busy);
    let refused = house.try_run(other, &request("true")).unwrap_err();
    assert!(matches!(refused, ShellError::Full { limit: 1 }), "{refused}");
    house.run(server, "kill $(cat job); wait");
    assert_eq!(house.run(other, "echo here").stdout, "here\n");
}
