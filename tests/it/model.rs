//! A random walk of all verbs, some of them killed on the way: after each step model, table, disk and git agree.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use crate::support::{Workspace, dice::Dice, invariants, strace};

const NAMES: [&str; 3] = ["ada", "bob", "cyd"];
/// How long the walk goes on; a machine that is slow makes fewer steps.
const WALK: Duration = Duration::from_secs(15);
const STEPS_MAX: usize = 400;

/// What a session holds: the text in its worktree, and its metadata.
type Held = (String, u64);

/// Sessions that are there, and the trash with the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    live: BTreeMap<String, Held>,
    trash: Vec<(String, Held)>,
}

fn step(dice: &mut Dice, number: u64) -> Vec<String> {
    let name = NAMES[dice.below(NAMES.len())];
    let other = NAMES[dice.below(NAMES.len())];
    let text = match dice.below(10) {
        0..=2 => format!("create {name} --branch b/{number}"),
        3 => format!("destroy {name} --force"),
        4 => format!("destroy {name} --force --delete-branch"),
        5 => "undo".to_owned(),
        6 => format!("rename {name} {other}"),
        7 | 8 => format!("meta {name} n:={number}"),
        _ => "trash empty --yes".to_owned(),
    };
    text.split(' ').map(ToOwned::to_owned).collect()
}

impl Model {
    /// What a verb makes of it; nothing when it has to be refused.
    fn after(&self, args: &[&str]) -> Option<Self> {
        let mut next = self.clone();
        match *args {
            ["create", name, ..] => {
                let taken = next.live.insert(name.to_owned(), (String::new(), 0));
                taken.is_none().then_some(next)
            }
            ["destroy", name, ..] => {
                let held = next.live.remove(name)?;
                next.trash.push((name.to_owned(), held));
                Some(next)
            }
            ["undo"] => {
                let (name, held) = next.trash.pop()?;
                next.live.insert(name, held).is_none().then_some(next)
            }
            ["rename", name, new] => {
                let held = next.live.remove(name)?;
                next.live.insert(new.to_owned(), held).is_none().then_some(next)
            }
            ["meta", name, pair] => {
                next.live.get_mut(name)?.1 = pair.strip_prefix("n:=")?.parse().unwrap();
                Some(next)
            }
            ["trash", ..] => {
                next.trash.clear();
                Some(next)
            }
            _ => unreachable!("{args:?}"),
        }
    }

    /// What the workspace says.
    fn of(space: &Workspace) -> Self {
        let mut live = BTreeMap::new();
        for session in space.sessions() {
            let name = session["name"].as_str().unwrap().to_owned();
            let work = fs::read_to_string(space.worktree(&name).join("work.txt")).unwrap_or_default();
            live.insert(name, (work, session["metadata"]["n"].as_u64().unwrap_or(0)));
        }
        let mut trash = Vec::new();
        for session in space.json(["trash", "list"]).as_array().unwrap() {
            let folder = space.path(".worktrees/.trash").join(session["id"].as_str().unwrap());
            let work = fs::read_to_string(folder.join("worktree/work.txt")).unwrap_or_default();
            let held = (work, session["metadata"]["n"].as_u64().unwrap_or(0));
            trash.insert(0, (session["name"].as_str().unwrap().to_owned(), held));
        }
        Self { live, trash }
    }
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
        let args = step(&mut dice, steps as u64);
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        let at = format!("seed {seed}, step {steps}: {args:?} on {model:?}");
        let next = model.after(&words);
        if can_kill && dice.below(3) == 0 {
            kills += 1;
            strace::killed_somewhere(&space, &words, dice.below(60));
            space.run(["restore"]).succeeds();
            let now = Model::of(&space);
            let emptied = words[0] == "trash" && now.live == model.live;
            assert!(now == model || Some(&now) == next.as_ref() || emptied, "{at}, killed: {now:?}");
            model = now;
        } else {
            let ran = space.run(&words);
            assert_eq!(ran.output.status.success(), next.is_some(), "{at}: {}", ran.stderr());
            model = next.unwrap_or(model);
        }
        for (name, held) in &mut model.live {
            held.0 = format!("work of step {steps}");
            fs::write(space.worktree(name).join("work.txt"), &held.0).unwrap();
        }
        assert_eq!(Model::of(&space), model, "{at}");
        let branches = space.branches();
        let kept: Vec<&str> = branches.iter().map(String::as_str).filter(|it| it.starts_with("b/")).collect();
        invariants::whole(&space, &kept, &at);
    }
    eprintln!("{steps} steps, {kills} of them killed");
}
