//! A random walk of all verbs, some of them killed on the way: after each step model, table, disk and git agree.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{
    STATE, Workspace,
    dice::Dice,
    git_command, invariants,
    strace::{self, Cut},
};

const NAMES: [&str; 3] = ["ada", "bob", "cyd"];
/// How long the walk goes on; a machine that is slow makes fewer steps.
const WALK: Duration = Duration::from_secs(15);
const STEPS_MAX: usize = 400;

/// What a session holds: the text in its worktree, the same as it was committed last, and what its record says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Held {
    work: String,
    committed: String,
    branch: String,
    status: String,
    issue: String,
    number: u64,
}

/// Sessions that are there, the trash with the newest last, and all branches but `main`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    live: BTreeMap<String, Held>,
    trash: Vec<(String, Held)>,
    branches: BTreeSet<String>,
}

fn step(dice: &mut Dice, number: u64) -> Vec<String> {
    let name = NAMES[dice.below(NAMES.len())];
    let other = NAMES[dice.below(NAMES.len())];
    let choice = dice.below(2);
    let text = match dice.below(24) {
        0..=5 => format!("create {name} --branch b/{number}"),
        6 => format!("destroy {name} --force"),
        7 => format!("destroy {name} --force --delete-branch"),
        8 | 9 => "undo".to_owned(),
        10 => format!("rename {name} {other}"),
        11 | 12 => format!("rename {name} {other} --branch b/{number}"),
        13 => format!("meta {name} n:={number}"),
        14 => format!("status {name} {}", ["waiting", "error"][choice]),
        15 => format!("bind {name} --issue acme/shop#{}", choice + 1),
        16 => format!("unbind {name}"),
        17 => "trash empty --yes".to_owned(),
        18 => "recover".to_owned(),
        19 => ["prune", "pack"][choice].to_owned(),
        20 => format!("commit {name}"),
        21 => format!("lose {}", ["file", "all"][choice]),
        22 => format!("drop {name}"),
        _ => format!("unregister {name}"),
    };
    text.split(' ').map(ToOwned::to_owned).collect()
}

/// Does what a person does by hand, and answers what is to be run then.
fn by_hand<'a>(space: &Workspace, words: &'a [&'a str]) -> &'a [&'a str] {
    let of = |name: &str| space.names().contains(&name.to_owned()).then(|| space.worktree(name));
    match *words {
        ["prune"] => drop(space.git(["worktree", "prune", "--expire=now"])),
        ["pack"] => drop(space.git(["pack-refs", "--all"])),
        ["commit", name] => {
            if let Some(folder) = of(name) {
                space.git_at(&folder, ["add", "--all"]);
                space.git_at(&folder, ["commit", "-q", "--allow-empty", "-m", "work"]);
            }
        }
        ["lose", what] => {
            let lost = if what == "all" { ".claude-container-sessions" } else { STATE };
            for entry in fs::read_dir(space.root()).unwrap().map(Result::unwrap) {
                if entry.file_name().to_string_lossy().starts_with(lost) {
                    fs::remove_file(entry.path()).unwrap();
                }
            }
            return &["restore"];
        }
        ["drop", name] => {
            if let Some(folder) = of(name) {
                fs::remove_dir_all(folder).unwrap();
            }
            return &["doctor", "--fix"];
        }
        ["unregister", name] => {
            if let Some(folder) = of(name) {
                let id = folder.file_name().unwrap().to_str().unwrap();
                fs::remove_dir_all(space.path(".git/worktrees").join(id)).unwrap();
            }
            return &["doctor", "--fix"];
        }
        _ => return words,
    }
    &["list"]
}

/// Runs a command that is killed somewhere, sometimes a start that is killed too, and then everything to its end.
fn cut_short(space: &Workspace, words: &[&str], dice: &mut Dice) {
    let cut = [Cut::Alone, Cut::Each][dice.below(2)];
    strace::killed_somewhere(space, words, cut, dice.below(90));
    if dice.below(2) == 0 {
        strace::killed_somewhere(space, &["restore"], cut, dice.below(90));
    }
    space.run(["restore"]).succeeds();
    space.run(["doctor", "--fix"]).succeeds();
    // Administrative files that were half made are set aside for a person to look at.
    drop(fs::remove_dir_all(space.path(".worktrees/.damaged")));
}

impl Model {
    /// What a step makes of it; nothing when it has to be refused.
    fn after(&self, words: &[&str]) -> Option<Self> {
        let mut next = self.clone();
        match *words {
            ["create", name, _, branch] => {
                next.branches.insert(branch.to_owned());
                next.admit(
                    name,
                    Held { branch: branch.to_owned(), status: "active".to_owned(), ..Held::default() },
                )?;
            }
            ["destroy", name, ref flags @ ..] => {
                let mut held = next.live.remove(name)?;
                held.status.clear();
                if flags.contains(&"--delete-branch") {
                    next.branches.remove(&held.branch);
                }
                next.trash.push((name.to_owned(), held));
            }
            ["undo"] => {
                let (name, held) = next.trash.pop()?;
                next.branches.insert(held.branch.clone());
                next.admit(&name, Held { status: "idle".to_owned(), ..held })?;
            }
            ["rename", name, new, ref branch @ ..] => {
                let mut held = next.live.remove(name)?;
                if let [_, branch] = branch {
                    next.branches.remove(&held.branch);
                    next.branches.insert((*branch).to_owned());
                    (*branch).clone_into(&mut held.branch);
                }
                next.admit(new, held)?;
            }
            ["meta", name, pair] => {
                next.live.get_mut(name)?.number = pair.strip_prefix("n:=")?.parse().unwrap();
            }
            ["status", name, status] => status.clone_into(&mut next.live.get_mut(name)?.status),
            ["bind", name, _, issue] => {
                let held = next.live.remove(name)?;
                next.admit(name, Held { issue: issue.to_owned(), ..held })?;
            }
            ["unbind", name] => next.live.get_mut(name)?.issue.clear(),
            ["trash", ..] => next.trash.clear(),
            ["recover" | "prune" | "pack"] | ["unregister", _] => (),
            ["commit", name] => {
                if let Some(held) = next.live.get_mut(name) {
                    held.committed.clone_from(&held.work);
                }
            }
            ["drop", name] => {
                if let Some(held) = next.live.get_mut(name) {
                    held.work.clone_from(&held.committed);
                }
            }
            ["lose", _] => next.rest(),
            _ => unreachable!("{words:?}"),
        }
        Some(next)
    }

    fn admit(&mut self, name: &str, held: Held) -> Option<()> {
        let is_free = held.issue.is_empty() || self.live.values().all(|other| other.issue != held.issue);
        (is_free && self.live.insert(name.to_owned(), held).is_none()).then_some(())
    }

    /// What a start makes of it.
    fn rest(&mut self) {
        for held in self.live.values_mut() {
            "idle".clone_into(&mut held.status);
        }
    }

    /// What the workspace says; how a session in the trash was doing does not count.
    fn of(space: &Workspace) -> Self {
        let mut model = Self::default();
        for session in space.sessions() {
            let folder = space.worktree(session["name"].as_str().unwrap());
            let (name, held) = read(space, &session, &folder, "worktrees/ID/HEAD");
            model.live.insert(name, held);
        }
        for session in space.json(["trash", "list"]).as_array().unwrap() {
            let folder = space.path(".worktrees/.trash").join(session["id"].as_str().unwrap());
            let (name, mut held) = read(space, session, &folder.join("worktree"), "refs/wharf/trash/ID^1");
            held.status.clear();
            model.trash.insert(0, (name, held));
        }
        model.branches = space.branches().into_iter().filter(|branch| branch != "main").collect();
        model
    }
}

fn read(space: &Workspace, session: &Value, folder: &Path, at: &str) -> (String, Held) {
    let text = |field: &str| session[field].as_str().unwrap_or_default().to_owned();
    let issue = session["issue"]["number"].as_u64();
    let committed = format!("{}:work.txt", at.replace("ID", &text("id")));
    let committed = git_command(&space.root()).args(["show", &committed]).output().unwrap();
    let held = Held {
        work: fs::read_to_string(folder.join("work.txt")).unwrap_or_default(),
        committed: String::from_utf8(committed.stdout).unwrap(),
        branch: text("branch"),
        status: text("status"),
        issue: issue.map_or(String::new(), |number| format!("acme/shop#{number}")),
        number: session["metadata"]["n"].as_u64().unwrap_or(0),
    };
    (text("name"), held)
}

#[test]
fn model_table_disk_and_git_agree_after_every_step() {
    let space = Workspace::new();
    let (seed, can_kill) = (Dice::seed(), strace::is_there());
    eprintln!("seed {seed}");
    let (mut dice, mut model) = (Dice::of(seed), Model::default());
    let (start, mut steps, mut kills) = (Instant::now(), 0, 0);
    while steps < STEPS_MAX && start.elapsed() < WALK {
        steps += 1;
        let words = step(&mut dice, steps as u64);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let at = format!("seed {seed}, step {steps}: {words:?} on {model:?}");
        let mut next = model.after(&words);
        if can_kill && dice.below(3) == 0 {
            kills += 1;
            cut_short(&space, by_hand(&space, &words), &mut dice);
            model.rest();
            next.iter_mut().for_each(Model::rest);
            let now = Model::of(&space);
            let emptied = words[0] == "trash" && (&now.live, &now.branches) == (&model.live, &model.branches);
            assert!(now == model || Some(&now) == next.as_ref() || emptied, "{at}, killed: {now:?}");
            model = now;
        } else {
            let ran = space.run(by_hand(&space, &words));
            assert_eq!(ran.output.status.success(), next.is_some(), "{at}: {}", ran.stderr());
            model = next.unwrap_or(model);
        }
        for (name, held) in &mut model.live {
            held.work = format!("work of step {steps}");
            fs::write(space.worktree(name).join("work.txt"), &held.work)
                .unwrap_or_else(|err| panic!("{at}: {err}"));
        }
        assert_eq!(Model::of(&space), model, "{at}");
        let branches: Vec<&str> = model.branches.iter().map(String::as_str).collect();
        invariants::whole(&space, &branches, &at);
    }
    eprintln!("{steps} steps, {kills} of them killed");
}
