//! The floor plan: which room may look into which, who may open which door, and that every file says what it is for.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Lowest floor first. A room may use only rooms on lower floors, and itself.
const FLOORS: &[&[&str]] = &[
    &["atomic", "clock", "hash", "json", "key", "limits", "pattern", "text"],
    &["lock", "session"],
    &["agent", "interpreter", "process", "screen", "socket", "workspace"],
    &["config", "conversation", "registry", "shell", "store", "terminal", "worktree"],
    &["manager"],
    &["view"],
    &["server"],
    &["cli"],
];

/// Words that only these files may hold: each outside thing has one door.
const DOORS: &[(&str, &[&str])] = &[
    ("git2::", &["worktree/"]),
    (
        "Command::new(",
        &[
            "worktree/command.rs",
            "process/background.rs",
            "process/line.rs",
            "process/supervise.rs",
            "socket/",
            "terminal/",
            "shell/context/",
            "cli/args/typed.rs",
        ],
    ),
    (
        "serde::",
        &[
            "agent/",
            "interpreter/",
            "json.rs",
            "conversation/file.rs",
            "store/schema.rs",
            "store/record.rs",
            "store/parts.rs",
            "store/folders.rs",
            "shell/",
            "terminal/",
            "worktree/",
            "config/",
            "cli/",
            "server/",
            "view/",
        ],
    ),
    ("axum::", &["server/"]),
    ("hyper::", &["server/"]),
    ("tokio::", &["server/"]),
    ("toml::", &["agent/", "config/", "interpreter/"]),
    ("clap", &["cli/"]),
    ("stdout()", &["cli/output.rs"]),
    ("stderr()", &["cli/output.rs"]),
    ("println!", &[]),
    ("current_dir()", &["cli/locate.rs"]),
    ("fs::rename(", &["atomic.rs"]),
    (
        "unsafe {",
        &[
            "process/background.rs",
            "process/keyboard.rs",
            "process/memory.rs",
            "shell/context/driver.rs",
            "socket/begin.rs",
            "socket/knock.rs",
            "terminal/pty.rs",
        ],
    ),
];

const LINES_MAX: usize = 400;

#[test]
fn every_file_says_what_it_is_for_and_is_short() {
    for (name, text) in sources() {
        assert!(text.starts_with("//! "), "{name} does not say what it is for");
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{name} has {lines} lines");
    }
    for path in rust_files(&root().join("src")).into_iter().chain(rust_files(&root().join("tests"))) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
    }
}

#[test]
fn every_outside_thing_has_one_door() {
    for (name, text) in sources() {
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (word, rooms) in DOORS {
            let open = rooms.iter().any(|room| name.starts_with(room));
            assert!(open || !code.contains(word), "{name} may not say `{word}`");
        }
    }
}

/// What lies in a repository can be a pipe, which nobody may wait for.
#[test]
fn files_of_a_repository_are_opened_without_waiting() {
    let careful = ["regular.rs", "mounts.rs", "durable.rs", "pool/manner.rs"];
    for (name, text) in sources() {
        let Some(name) = name.strip_prefix("worktree/").filter(|name| !careful.contains(name)) else {
            continue;
        };
        for word in ["File::open(", "fs::read(", "fs::read_to_string(", "fs::copy("] {
            assert!(!text.contains(word), "worktree/{name} may not say `{word}`: `regular.rs` has the doors");
        }
    }
}

#[test]
fn rooms_look_only_down() {
    let floor = |name: &str| FLOORS.iter().position(|rooms| rooms.contains(&name));
    let mut broken = BTreeSet::new();
    for (name, text) in sources() {
        let room = name.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        if matches!(room.as_str(), "main" | "lib") {
            continue;
        }
        let from = floor(&room).unwrap_or_else(|| panic!("{room} has no floor"));
        for used in rooms_used(&text) {
            if used != room && floor(&used).is_none_or(|to| from <= to) {
                broken.insert(format!("{name} uses {used}"));
            }
        }
    }
    assert!(broken.is_empty(), "the floor plan is broken:\n{broken:#?}");
}

#[test]
fn no_test_file_is_forgotten() {
    let main = fs::read_to_string(root().join("tests/it/main.rs")).unwrap();
    for path in rust_files(&root().join("tests/it")) {
        let name = path.strip_prefix(root().join("tests/it")).unwrap();
        let room = name.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        assert!(room == "main" || main.contains(&format!("mod {room};")), "{} is not run", name.display());
    }
}

#[test]
fn the_map_names_every_room() {
    let map = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for room in FLOORS.iter().copied().flatten() {
        assert!(map.contains(&format!("`{room}`")), "lib.rs does not name {room}");
        assert!(map.contains(&format!("pub mod {room};")), "lib.rs does not have {room}");
    }
}

#[test]
fn the_plan_is_read_as_it_is_meant() {
    let text =
        "use crate::{clock::Timestamp, session::{Session, SessionId}, text};\nlet a = crate::store::x();";
    let used: Vec<String> = rooms_used(text).into_iter().collect();
    assert_eq!(used, ["clock", "session", "store", "text"]);
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The source files that are not tests, by their path below `src`.
fn sources() -> Vec<(String, String)> {
    let src = root().join("src");
    let is_test = |path: &Path| path.iter().any(|part| part == "tests" || part == "tests.rs");
    let files = rust_files(&src).into_iter().map(|path| {
        let name = path.strip_prefix(&src).unwrap().to_owned();
        (name, path)
    });
    files
        .filter(|(name, _)| !is_test(name))
        .map(|(name, path)| (name.to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap()))
        .collect()
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found
}

/// The names directly behind `crate::`, also those in a list of braces.
fn rooms_used(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, mark) in text.match_indices("crate::") {
        let rest = &text[at + mark.len()..];
        match rest.strip_prefix('{') {
            Some(list) => found.extend(heads(list)),
            None => found.extend(head(rest)),
        }
    }
    found
}

fn heads(list: &str) -> Vec<String> {
    let mut depth = 1;
    let mut item = String::new();
    let mut found = Vec::new();
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => {
                found.extend(head(item.trim()));
                item.clear();
                continue;
            }
            _ => (),
        }
        if depth == 0 {
            break;
        }
        item.push(c);
    }
    found.extend(head(item.trim()));
    found
}

fn head(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    word.starts_with(|c: char| c.is_lowercase()).then_some(word)
}
