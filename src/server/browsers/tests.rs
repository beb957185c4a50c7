//! Whom the list of browsers lets in, for how long, and what is written down of that.

use std::{
    sync::{Arc, mpsc},
    thread,
};

use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
}

#[test]
fn a_browser_stays_in_over_a_restart_and_its_word_is_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let (path, full) = (dir.path().join("browsers"), Secret::random().unwrap());
    let browsers = Browsers::of(path.clone(), full.clone());
    let word = let_in(&browsers);
    assert!(browsers.know(word.reveal(), at(2_000)).is_some());
    assert!(browsers.know(full.reveal(), at(2_000)).is_none() && browsers.know("", at(2_000)).is_none());
    assert!(!std::fs::read_to_string(&path).unwrap().contains(word.reveal()));
    let next = Browsers::of(path.clone(), full);
    assert!(next.know(word.reveal(), at(2_000)).is_some());
    let later = at(1_000 + 31 * 24 * 3_600_000);
    assert!(next.know(word.reveal(), later).is_none(), "a month is over");
    let other = Browsers::of(path.clone(), Secret::random().unwrap());
    assert!(other.know(word.reveal(), at(2_000)).is_none(), "it was another full token");
    assert_eq!(next.log_out(at(2_000)).unwrap(), 1);
    let_in(&next);
    assert_eq!(next.log_out(later).unwrap(), 0, "nobody is in whose month is over");
    assert!(Browsers::of(path, next.full.clone()).know(word.reveal(), at(2_000)).is_none());
}

fn let_in(browsers: &Browsers) -> Secret {
    browsers.let_in(Admits::All, &[], browsers.round(), at(1_000)).unwrap().unwrap()
}

#[test]
fn a_browser_that_may_only_look_stays_so_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (path, full) = (dir.path().join("browsers"), Secret::random().unwrap());
    let browsers = Browsers::of(path.clone(), full.clone());
    let looks = browsers.let_in(Admits::Looks, &[], 0, at(1_000)).unwrap().unwrap();
    let all = let_in(&browsers);
    for browsers in [browsers, Browsers::of(path.clone(), full)] {
        assert_eq!(browsers.know(looks.reveal(), at(2_000)).unwrap().0, Grant::ReadOnly);
        assert_eq!(browsers.know(all.reveal(), at(2_000)).unwrap().0, Grant::Full);
    }
    let file = read(&path).unwrap();
    assert_eq!(
        (file.browsers.len(), file.lookers.len()),
        (1, 1),
        "a server that knows no lookers lets none in"
    );
}

#[test]
fn who_was_on_the_way_in_when_all_were_logged_out_stays_out() {
    let dir = tempfile::tempdir().unwrap();
    let browsers = Browsers::of(dir.path().join("browsers"), Secret::random().unwrap());
    let before = browsers.round();
    browsers.log_out(at(2_000)).unwrap();
    assert!(browsers.let_in(Admits::All, &[], before, at(1_000)).unwrap().is_none());
    assert!(browsers.know(let_in(&browsers).reveal(), at(2_000)).is_some());
}

#[test]
fn who_asks_does_not_wait_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("browsers");
    let browsers = Arc::new(Browsers::of(path.clone(), Secret::random().unwrap()));
    let word = let_in(&browsers);
    // As long as this is held, somebody writes.
    let writing = browsers.written.lock().unwrap();
    let (sharer, (tell, told)) = (Arc::clone(&browsers), mpsc::channel());
    let next = thread::spawn(move || {
        tell.send(()).unwrap();
        let_in(&sharer)
    });
    told.recv_timeout(PATIENCE).unwrap();
    let (asker, (tell, told)) = (Arc::clone(&browsers), mpsc::channel());
    thread::spawn(move || {
        // The next one is in before it is written down.
        while asker.inside.lock().unwrap().known.len() < 2 {
            thread::yield_now();
        }
        tell.send(asker.know(word.reveal(), at(2_000)).is_some()).unwrap();
    });
    assert!(told.recv_timeout(PATIENCE).unwrap());
    assert_eq!(read(&path).unwrap().browsers.len(), 1);
    drop(writing);
    next.join().unwrap();
    assert_eq!(read(&path).unwrap().browsers.len(), 2);
}

#[tokio::test]
async fn what_a_browser_has_open_ends_when_it_is_logged_out_or_pushed_out_or_its_month_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let browsers = Browsers::of(dir.path().join("browsers"), Secret::random().unwrap());
    let now = SystemClock.now();
    let let_in = |at: Timestamp| {
        let word = browsers.let_in(Admits::All, &[], browsers.round(), at).unwrap().unwrap();
        browsers.know(word.reveal(), at).unwrap().1
    };
    let ends = async |mut stay: Stay| timeout(PATIENCE, stay.over()).await.is_ok();
    let mut first = let_in(now);
    let mut second = let_in(now);
    for _ in 2..BROWSERS_MAX {
        let_in(now);
    }
    assert!(timeout(Duration::ZERO, first.over()).await.is_err());
    let_in(now);
    assert!(ends(first).await);
    assert!(timeout(Duration::ZERO, second.over()).await.is_err());
    browsers.log_out(now).unwrap();
    assert!(ends(second).await);
    let month = i64::try_from(STAY.as_millis()).unwrap();
    let old = let_in(at(now.unix_millis() - month + 200));
    assert!(ends(old).await);
    assert!(timeout(Duration::ZERO, let_in(now).over()).await.is_err());
}

#[test]
fn only_so_many_are_in_and_a_file_that_makes_no_sense_lets_nobody_in() {
    let dir = tempfile::tempdir().unwrap();
    let (path, full) = (dir.path().join("browsers"), Secret::random().unwrap());
    let browsers = Browsers::of(path.clone(), full.clone());
    let first = let_in(&browsers);
    for _ in 1..BROWSERS_MAX {
        let_in(&browsers);
    }
    assert!(browsers.know(first.reveal(), at(1_000)).is_some());
    let_in(&browsers);
    assert!(browsers.know(first.reveal(), at(1_000)).is_none());
    atomic::replace(&path, b"{\"browsers\":[{", Durability::Crash).unwrap();
    assert_eq!(Browsers::of(path, full).log_out(at(2_000)).unwrap(), 0);
}

#[test]
fn a_browser_that_opens_another_link_has_what_that_one_says_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (path, full) = (dir.path().join("browsers"), Secret::random().unwrap());
    let browsers = Browsers::of(path.clone(), full.clone());
    let (other, all) = (let_in(&browsers), let_in(&browsers));
    let open = browsers.know(all.reveal(), at(2_000)).unwrap().1.0.unwrap().here;
    let came_with = [all.reveal().to_owned(), "nonsense".to_owned()];
    let looks = browsers.let_in(Admits::Looks, &came_with, browsers.round(), at(1_000)).unwrap().unwrap();
    assert!(open.has_changed().is_err(), "what was opened with the first one ends");
    for browsers in [browsers, Browsers::of(path, full)] {
        assert!(browsers.know(all.reveal(), at(2_000)).is_none());
        assert_eq!(browsers.know(looks.reveal(), at(2_000)).unwrap().0, Grant::ReadOnly);
        assert_eq!(browsers.know(other.reveal(), at(2_000)).unwrap().0, Grant::Full);
    }
}

#[test]
fn who_came_first_goes_first_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (path, full) = (dir.path().join("browsers"), Secret::random().unwrap());
    let browsers = Browsers::of(path.clone(), full.clone());
    let come = |admits, millis| {
        let word = browsers.let_in(admits, &[], browsers.round(), at(millis)).unwrap().unwrap();
        word.reveal().to_owned()
    };
    let first = come(Admits::All, 1_000);
    let looker = come(Admits::Looks, 1_001);
    for count in 2..BROWSERS_MAX {
        come(Admits::All, 1_000 + i64::try_from(count).unwrap());
    }
    let next = Browsers::of(path, full);
    let_in(&next);
    assert!(next.know(&first, at(2_000)).is_none());
    assert!(next.know(&looker, at(2_000)).is_some(), "it came after the first one");
}
