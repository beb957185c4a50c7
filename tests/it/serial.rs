//! Eight processes at once, verb after verb on a few names: the end is what some order of the verbs gives.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};

use serde_json::{Value, json};

use crate::support::{Ran, Workspace, dice::Dice, invariants};

const PROCESSES: usize = 8;
const VERBS: usize = 50;
const NAMES: usize = 30;
const SESSIONS_MAX: usize = 24;
/// How a verb may fail because of what the others do.
const ALLOWED: [&str; 9] = [
    "already exists",
    "no session",
    "nothing in the trash",
    "Maximum 24 sessions",
    "is being",
    "belongs to session",
    "a branch named",
    "was removed or renamed meanwhile",
    "is already used",
];

/// A verb that succeeded: the generations of its first and last commit, its words, and the id it printed.
struct Done {
    first: u64,
    last: u64,
    args: Vec<String>,
    id: String,
}

/// What there should be.
#[derive(Default)]
struct Model {
    live: BTreeMap<String, Entry>,
    trash: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    status: String,
    metadata: Value,
    issue: Value,
}

/// A verb that fits the sessions that were seen just now; the others go on meanwhile.
fn verb(dice: &mut Dice, seen: &[String]) -> Vec<String> {
    let mut free: Vec<String> = (0..NAMES).map(|number| format!("s{number}")).collect();
    free.retain(|name| !seen.contains(name));
    let name = seen.get(dice.below(seen.len().max(1))).map_or("nobody", String::as_str);
    let new = &free[dice.below(free.len())];
    let (number, key) = (dice.below(100), dice.below(3));
    let text = match dice.below(14) {
        0..=2 => format!("create {new} --branch work/{new}-{number}-{}", dice.below(1000)),
        3 | 4 => format!("destroy {name} --force"),
        5 => "undo".to_owned(),
        6 => format!("rename {name} {new}"),
        7 => format!("rename {name} {new} --branch work/{new}-{number}-{}", dice.below(1000)),
        8 => format!("status {name} {}", ["active", "waiting", "error"][key]),
        9 | 10 => format!("meta {name} k{key}:={number}"),
        11 => format!("touch {name}"),
        12 => format!("bind {name} --issue acme/shop#{}", number + 1),
        _ => format!("unbind {name}"),
    };
    text.split(' ').map(ToOwned::to_owned).collect()
}

/// Runs one verb; nothing when it failed in one of the allowed ways.
fn run(space: &Workspace, args: Vec<String>) -> Option<Done> {
    let limit = SESSIONS_MAX.to_string();
    let output = space.command().args(&args).args(["-vv", "--max-sessions", &limit]).output();
    let ran = Ran { output: output.unwrap() };
    let (said, printed) = (ran.stderr(), ran.stdout());
    if !ran.output.status.success() {
        assert!(ALLOWED.iter().any(|allowed| said.contains(allowed)), "{args:?}: {said}");
        return None;
    }
    let generations: Vec<u64> = said
        .lines()
        .filter_map(|line| line.split_once("table written generation=")?.1.trim().parse().ok())
        .collect();
    let id = printed.lines().find_map(|line| line.strip_prefix("id ")).unwrap_or_default();
    Some(Done { first: *generations.first()?, last: *generations.last()?, args, id: id.trim().to_owned() })
}

impl Model {
    fn id_of(&self, name: &str) -> String {
        let found = self.live.iter().find(|(_, entry)| entry.name == name);
        found.unwrap_or_else(|| panic!("no session `{name}`")).0.clone()
    }

    fn named(&mut self, name: &str) -> &mut Entry {
        let id = self.id_of(name);
        self.live.get_mut(&id).unwrap()
    }

    fn apply(&mut self, done: &Done) {
        let args: Vec<&str> = done.args.iter().map(String::as_str).collect();
        match args[..] {
            ["create", name, ..] => self.admit(
                &done.id,
                Entry {
                    name: name.to_owned(),
                    status: "active".to_owned(),
                    metadata: json!({}),
                    issue: Value::Null,
                },
            ),
            ["destroy", name, ..] => {
                let id = self.id_of(name);
                let entry = self.live.remove(&id).unwrap();
                self.trash.insert(id, entry);
            }
            ["undo"] => {
                let mut entry = self.trash.remove(&done.id).expect("it lay in the trash");
                "idle".clone_into(&mut entry.status);
                self.admit(&done.id, entry);
            }
            ["rename", name, new, ..] => {
                let id = self.id_of(name);
                let taken = self.live.iter().any(|(other, entry)| *other != id && entry.name == new);
                assert!(!taken, "two sessions named {new}");
                new.clone_into(&mut self.named(name).name);
            }
            ["status", name, status] => status.clone_into(&mut self.named(name).status),
            ["meta", name, pair] => {
                let (key, value) = pair.split_once(":=").unwrap();
                self.named(name).metadata[key] = serde_json::from_str(value).unwrap();
            }
            ["bind", name, _, issue] => {
                let free = !self.live.values().any(|it| it.name != name && it.issue == issue);
                assert!(free, "two sessions on {issue}");
                self.named(name).issue = issue.into();
            }
            ["unbind", name] => self.named(name).issue = Value::Null,
            ["touch", name] => drop(self.named(name)),
            _ => unreachable!("{args:?}"),
        }
    }

    fn admit(&mut self, id: &str, entry: Entry) {
        assert!(self.live.len() < SESSIONS_MAX, "too many sessions");
        assert!(self.live.values().all(|it| it.name != entry.name), "two named {}", entry.name);
        self.live.insert(id.to_owned(), entry);
    }
}

fn entry(record: &Value) -> (String, Entry) {
    let issue = record.get("issue").map_or(Value::Null, |issue| {
        format!("{}#{}", issue["repository"].as_str().unwrap(), issue["number"]).into()
    });
    let metadata = record.get("metadata").cloned().unwrap_or_else(|| json!({}));
    let text = |field: &str| record[field].as_str().unwrap().to_owned();
    let (name, status) = (text("name"), text("status"));
    (text("id"), Entry { name, status, metadata, issue })
}

fn entries(records: &Value) -> BTreeMap<String, Entry> {
    records.as_array().unwrap().iter().map(entry).collect()
}

#[test]
fn eight_processes_end_where_some_order_of_their_verbs_ends() {
    let space = Workspace::new();
    let seed = Dice::seed();
    eprintln!("seed {seed}");
    let mut done: Vec<Done> = thread::scope(|scope| {
        let work = |number| {
            let mut dice = Dice::of(seed.wrapping_add(number as u64));
            let space = &space;
            let mut go = move || run(space, verb(&mut dice, &space.names()));
            move || -> Vec<Done> { (0..VERBS).filter_map(|_| go()).collect() }
        };
        let threads: Vec<_> = (0..PROCESSES).map(|number| scope.spawn(work(number))).collect();
        threads.into_iter().flat_map(|it| it.join().unwrap()).collect()
    });
    // Who makes or brings back takes the place with the first commit; who destroys or renames gives it up with the last.
    done.sort_by_key(|it| if matches!(&*it.args[0], "destroy" | "rename") { it.last } else { it.first });
    let commits: BTreeSet<u64> = done.iter().flat_map(|it| [it.first, it.last]).collect();
    eprintln!("{} of {} verbs succeeded in {} commits", done.len(), PROCESSES * VERBS, commits.len());
    assert!(done.len() * 2 > PROCESSES * VERBS, "most verbs succeed");
    let mut model = Model::default();
    for it in &done {
        model.apply(it);
    }
    assert_eq!(entries(&space.json(["list", "--quick"])), model.live, "seed {seed}");
    assert_eq!(
        entries(&space.json(["trash", "list"])).keys().collect::<Vec<_>>(),
        model.trash.keys().collect::<Vec<_>>()
    );
    let branches = space.branches();
    let kept: Vec<&str> = branches.iter().map(String::as_str).filter(|it| it.starts_with("work/")).collect();
    invariants::whole(&space, &kept, &format!("seed {seed}"));
    invariants::restored(&space, &kept, &format!("seed {seed}"));
}
