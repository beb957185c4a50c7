//! Everything at once, at random, with kills in the middle: afterwards nothing runs that nobody owns, and nothing is lost.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::{Value, json};
use wharf::terminal::Connection;

use crate::support::{Workspace, dice::Dice, http::Server, invariants, processes, pty::Terminal};

/// How long the walk is in the gate; `WHARF_TEST_SECONDS` makes it longer.
const WALK: Duration = Duration::from_secs(15);
/// How long a command may take that was begun in the walk.
const COMMAND_MAX: Duration = Duration::from_secs(90);
const NAMES: [&str; 3] = ["s1", "s2", "s3"];
const COMMANDS_MAX: usize = 6;
const CLIENTS_MAX: usize = 5;

/// Descendants that do not want to end: sessions of their own, ignored signals, double forks, one that hops on, and output.
const HOSTILE: &str = "trap '' TERM HUP; setsid sleep 3001 & (setsid sh -c 'sleep 3002 & exec sleep 3003' &); \
    nohup sleep 3004 >/dev/null 2>&1 & sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1; done' & ( ( sleep 3005 & ) & ); \
    HOP='sleep 0.05; [ $0 -gt 400 ] || setsid sh -c \"$HOP\" $(($0+1)) & exit'; export HOP; sh -c \"$HOP\" 1; \
    while :; do seq 200; read -t 0.2 line; done";
const BRIEF: &str = "setsid sleep 3006 & seq 2000; sleep 0.1; exit 3";

/// What goes on in the walk.
struct Walk {
    space: Workspace,
    dice: Dice,
    commands: Vec<(Child, String, Instant)>,
    persons: Vec<Terminal>,
    observers: Vec<Child>,
    server: Option<Server>,
    told: BTreeMap<&'static str, usize>,
}

impl Walk {
    fn step(&mut self) {
        let name = NAMES[self.dice.below(NAMES.len())];
        let (word, args): (_, &[&str]) = match self.dice.below(18) {
            0..=2 => ("start", &["start", name, "--", "bash", "-c", HOSTILE]),
            3 => ("start", &["start", name, "--", "bash", "-c", BRIEF]),
            4 => ("stop", &["stop", name, "--timeout", "300ms"]),
            5 => ("kill", &["kill", name]),
            6 | 7 => ("restart", &["restart", name]),
            8 => ("send", &["send", name, "typed", "--enter"]),
            9 => return self.come(name),
            10 => return self.go(),
            11 => return self.kill_a_client(),
            12 | 13 => return self.kill_a_holder(name),
            14 => return self.kill_a_command(),
            15 => return self.serve_or_kill(),
            16 => return self.ask_the_server(name),
            _ => ("list", &["list"]),
        };
        if self.commands.len() < COMMANDS_MAX {
            self.count(word);
            let mut command = self.space.command();
            command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            self.commands.push((command.spawn().unwrap(), args.join(" "), Instant::now()));
        }
    }

    fn count(&mut self, word: &'static str) {
        *self.told.entry(word).or_default() += 1;
    }

    fn come(&mut self, name: &str) {
        if self.persons.len() + self.observers.len() >= CLIENTS_MAX {
            return self.go();
        }
        self.count("attach");
        if self.dice.below(2) == 0 {
            self.persons.push(Terminal::run(&self.space, &["attach", name, "--take"]));
        } else {
            let mut command = self.space.command();
            command.args(["attach", name, "--observe"]).stdout(Stdio::null()).stderr(Stdio::null());
            self.observers.push(command.spawn().unwrap());
        }
    }

    /// Somebody leaves with the key, or finds that the session has left.
    fn go(&mut self) {
        if self.persons.is_empty() {
            return self.kill_a_client();
        }
        self.count("detach");
        let mut person = self.persons.swap_remove(self.dice.below(self.persons.len()));
        person.type_in("\x1c");
        person.ends();
    }

    fn kill_a_client(&mut self) {
        if !self.persons.is_empty() && self.dice.below(2) == 0 {
            self.count("kill -9 a client");
            // Its end is a kill.
            drop(self.persons.swap_remove(self.dice.below(self.persons.len())));
        } else if !self.observers.is_empty() {
            self.count("kill -9 a client");
            let at = self.dice.below(self.observers.len());
            end(self.observers.swap_remove(at));
        }
    }

    fn kill_a_holder(&mut self, name: &str) {
        let state = self.space.state();
        let session = state["sessions"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
        let Some(pid) = session["holder"]["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()) else {
            return;
        };
        if processes::is_holder(pid) {
            self.count("kill -9 a holder");
            processes::kill_if_there(pid);
        }
    }

    fn serve_or_kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            self.count("kill -9 a server");
            server.end(Signal::KILL);
        } else {
            self.count("serve");
            self.server = Some(Server::of(&self.space));
        }
    }

    /// The server does something, or refuses; it lives.
    fn ask_the_server(&mut self, name: &str) {
        let (word, body) = match self.dice.below(3) {
            0 => ("start", json!({ "command": ["bash", "-c", HOSTILE] })),
            1 => ("stop", json!({ "timeoutMs": 300 })),
            _ => ("restart", json!({})),
        };
        if let Some(server) = &self.server {
            let answer = server.change("POST", &format!("/api/v1/sessions/{name}/{word}"), &body);
            assert!(answer.status < 500, "{word}: {answer:?}");
            self.count("ask the server");
        }
    }

    /// In the middle of what it does.
    fn kill_a_command(&mut self) {
        if let Some((command, ..)) = self.commands.pop() {
            self.count("kill -9 a command");
            end(command);
        }
    }

    /// Takes note of what has ended, and of what never does.
    fn reap(&mut self) {
        self.commands.retain_mut(|(command, what, since)| {
            assert!(since.elapsed() < COMMAND_MAX, "`wharf {what}` hangs");
            command.try_wait().unwrap().is_none()
        });
        self.observers.retain_mut(|observer| observer.try_wait().unwrap().is_none());
        for person in &mut self.persons {
            person.look_on(Duration::ZERO);
        }
    }

    fn end(&mut self) {
        while !self.commands.is_empty() {
            self.reap();
            std::thread::sleep(Duration::from_millis(5));
        }
        if self.server.is_some() {
            self.serve_or_kill();
        }
        self.persons.clear();
        self.observers.drain(..).for_each(end);
    }
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A process as it is told of in a failure.
fn described(pid: u32) -> String {
    let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace('\0', " ");
    format!("{} {}", text(read("stat")).trim_end(), text(read("cmdline")))
}

fn walk_time() -> Duration {
    env::var("WHARF_TEST_SECONDS").map_or(WALK, |text| Duration::from_secs(text.parse().unwrap()))
}

fn until(what: &str, mut wrong: impl FnMut() -> Option<String>) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while let Some(because) = wrong() {
        assert!(Instant::now() < deadline, "{what}: {because}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn ids(space: &Workspace) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    space.sessions().iter().map(|it| (text(&it["id"]), text(&it["name"]))).collect()
}

/// What carries a session's mark and is below no living holder; zombies below a holder.
fn strays(ids: &BTreeMap<String, String>) -> Option<String> {
    let table = wharf::process::all().unwrap();
    let parents: BTreeMap<u32, u32> = table.iter().map(|it| (it.pid, it.parent)).collect();
    let owner = |pid: u32| {
        let mut at = pid;
        while let Some(parent) = parents.get(&at).copied().filter(|parent| *parent > 1) {
            if processes::is_holder(parent) {
                return Some(parent);
            }
            at = parent;
        }
        None
    };
    for (id, name) in ids {
        let marked = processes::marked(id);
        if let Some(stray) = marked.iter().find(|pid| parents.contains_key(pid) && owner(**pid).is_none()) {
            let line = fs::read(format!("/proc/{stray}/cmdline")).unwrap_or_default();
            return Some(format!("{stray} of {name} has no holder: {}", String::from_utf8_lossy(&line)));
        }
        let owners: BTreeSet<u32> = marked.iter().filter_map(|pid| owner(*pid)).collect();
        if owners.len() > 1 {
            return Some(format!("{name} has several holders: {owners:?}"));
        }
        let zombie = table.iter().find(|it| it.is_zombie && owners.contains(&it.parent));
        if let Some(zombie) = zombie {
            return Some(format!("{} ({}) of {name} is a zombie", zombie.pid, zombie.name));
        }
    }
    None
}

/// Records, processes and sockets tell the same.
fn disagreement(space: &Workspace) -> Option<String> {
    let running = space.json(["ps"]);
    let running: BTreeSet<String> = running
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["session"]["name"].as_str().unwrap().to_owned())
        .collect();
    for session in space.sessions() {
        let name = session["name"].as_str().unwrap();
        let is_shown = ["active", "waiting"].contains(&session["status"].as_str().unwrap());
        if is_shown != running.contains(name) || is_shown == session["ptyPid"].is_null() {
            return Some(format!("{session}, and `ps` has {running:?}"));
        }
    }
    let mut listened = 0;
    for socket in space.sockets() {
        if let Err(err) = Connection::open(&socket) {
            return Some(format!("{}: {err}", socket.display()));
        }
        listened += 1;
    }
    (listened != running.len()).then(|| format!("{listened} sockets, and `ps` has {running:?}"))
}

#[test]
fn whatever_happens_nothing_is_left_and_nothing_is_lost() {
    let seed = Dice::seed();
    let space = Workspace::with_sessions(NAMES.len());
    let ids = ids(&space);
    let (dice, told) = (Dice::of(seed), BTreeMap::new());
    let mut walk =
        Walk { space, dice, commands: vec![], persons: vec![], observers: vec![], server: None, told };
    let deadline = Instant::now() + walk_time();
    while Instant::now() < deadline {
        walk.step();
        walk.reap();
        // How far the others come meanwhile is part of the chance.
        std::thread::sleep(Duration::from_millis(walk.dice.below(40) as u64));
    }
    walk.end();
    let space = walk.space;
    eprintln!("seed {seed}: {:?}", walk.told);
    space.run(["restore"]).succeeds();
    let cured = space.run(["doctor", "--fix"]);
    assert!(cured.output.status.success(), "seed {seed}: {}{}", cured.stdout(), cured.stderr());
    until(&format!("seed {seed}: strays"), || strays(&ids));
    until(&format!("seed {seed}: what is told"), || disagreement(&space));
    assert_eq!(self::ids(&space), ids, "seed {seed}");
    for (id, name) in &ids {
        let stopped = space.run(["kill", name]);
        let code = stopped.output.status.code();
        assert!(matches!(code, Some(0 | 3)), "seed {seed}: {}", stopped.stderr());
        let left: Vec<String> = processes::marked(id).into_iter().map(described).collect();
        assert!(
            left.is_empty(),
            "seed {seed}: of {name}, whose end was {}, is left: {left:#?}",
            stopped.stdout()
        );
    }
    assert!(space.sockets().is_empty(), "seed {seed}: {:?}", space.sockets());
    invariants::restored(&space, &[], &format!("seed {seed}"));
}
