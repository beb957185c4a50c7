//! How long the library needs to keep the table of sessions, to read it, and to look one up in it.

use std::{hint::black_box, sync::Arc};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use wharf::{
    clock::{Clock as _, SystemClock, Timestamp},
    registry::Registry,
    session::{Issue, IssueRef, Session, SessionId, SessionName, SessionParts, SessionStatus},
    store::{FileStore, Store as _},
    workspace::Workspace,
};

const SIZES: [u64; 4] = [4, 100, 1_000, 10_000];

fn session(number: u64, now: Timestamp) -> Session {
    let name: SessionName = format!("session-{number}").parse().expect("a name");
    let mut session = Session::from_parts(SessionParts::of(SessionId::random(), name, now));
    let issue = Issue { reference: issue(number), label: None, intervention: false };
    session.bind(now, |binding| binding.issue = Some(issue));
    session
}

fn issue(number: u64) -> IssueRef {
    IssueRef::new("acme/shop", number + 1).expect("an issue")
}

fn sessions(count: u64) -> Vec<Session> {
    let now = SystemClock.now();
    (0..count).map(|number| session(number, now)).collect()
}

/// One durable commit, and one reading, through the file.
fn table(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("table");
    group.sample_size(20);
    for count in SIZES {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut store = FileStore::at(Workspace::at(folder.path()), Arc::new(SystemClock));
        let mut sessions = sessions(count);
        store.begin().expect("nobody else is here");
        group.bench_function(BenchmarkId::new("commit", count), |bencher| {
            let mut active = false;
            bencher.iter(|| {
                // A commit that changes nothing would write nothing.
                let status = if active { SessionStatus::Active } else { SessionStatus::Waiting };
                active = !active;
                let now = sessions[0].last_activity();
                sessions[0].set_status(status, now);
                store.commit(&sessions).expect("the disk has room");
            });
        });
        store.end();
        group.bench_function(BenchmarkId::new("read", count), |bencher| {
            bencher.iter(|| store.read().expect("it was just written"));
        });
    }
    group.finish();
}

/// The ways to find a session in a registry that is in memory; each is to stay below one microsecond.
fn lookup(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lookup");
    for count in SIZES {
        let all = sessions(count);
        let wanted = all[all.len() / 2].clone();
        let (id, name) = (wanted.id(), wanted.name().clone());
        let (text, named) = (id.to_string(), name.to_string());
        let issue = issue(count / 2);
        let (registry, _) = Registry::of(all);
        group.bench_function(BenchmarkId::new("id", count), |bencher| {
            bencher.iter(|| registry.session(black_box(id)));
        });
        group.bench_function(BenchmarkId::new("name", count), |bencher| {
            bencher.iter(|| registry.named(black_box(&name)));
        });
        group.bench_function(BenchmarkId::new("issue", count), |bencher| {
            bencher.iter(|| registry.on_issue(black_box(&issue)));
        });
        for (what, text) in [("text-name", &*named), ("text-id", &*text), ("text-prefix", &text[..13])] {
            assert!(registry.find(text).is_ok_and(|found| found.id() == id), "{what} leads to one session");
            group.bench_function(BenchmarkId::new(what, count), |bencher| {
                bencher.iter(|| registry.find(black_box(text)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, table, lookup);
criterion_main!(benches);
