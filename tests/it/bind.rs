use std::{
    fs,
    process::{Child, Command, Stdio},
};

use crate::support::{Ran, Workspace, binary};

/// A process that runs until it is dropped.
struct Running(Child);

impl Running {
    fn cat() -> Self {
        Self(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// SPEC IS-1.
#[test]
fn an_issue_leads_to_its_one_session() {
    let space = Workspace::with_sessions(2);
    let record = space.json([
        "bind",
        "s1",
        "--issue",
        "acme/shop#7",
        "--label",
        "status-07:code-review",
        "--intervention",
    ]);
    assert_eq!(
        record["issue"],
        serde_json::json!({"repository": "acme/shop", "number": 7, "label": "status-07:code-review", "intervention": true})
    );
    assert!(record["startedAt"].is_string() && record["lastUpdated"].is_string());
    assert_eq!(space.json(["find", "--issue", "Acme/Shop#7"])["name"], "s1");
    let ran = space.run(["bind", "s2", "--issue", "acme/shop#7", "--json"]).fails(4);
    assert_eq!(ran.error()["code"], "ISSUE_TAKEN");
    space.run(["create", "x", "--issue", "acme/shop#7"]).fails(4);
    assert_eq!(space.worktrees(), 2);
    space.run(["find", "--issue", "acme/shop#8"]).fails(3);
    space.run(["find", "--issue", "acme#8"]).fails(2);
    assert_eq!(space.json(["unbind", "s1"])["found"], true);
    assert_eq!(space.json(["unbind", "s1"])["found"], false);
    space.run(["bind", "s2", "--issue", "acme/shop#7"]).succeeds();
}

#[test]
fn a_second_bind_keeps_what_it_does_not_say_of_the_same_issue() {
    let space = Workspace::with_sessions(1);
    let bind = |further: &[&str]| {
        let args = ["bind", "s1", "--issue", "a/b#1"].iter().chain(further);
        let issue = space.json(args)["issue"].clone();
        (issue["label"].clone(), issue["intervention"].clone())
    };
    assert_eq!(bind(&["--label", "ready", "--intervention"]), ("ready".into(), true.into()));
    assert_eq!(bind(&[]), ("ready".into(), true.into()));
    assert_eq!(bind(&["--label", "done"]), ("done".into(), true.into()));
    assert_eq!(bind(&["--intervention=false"]), ("done".into(), false.into()));
    assert_eq!(bind(&["--intervention"]), ("done".into(), true.into()));
    assert_eq!(space.json(["bind", "s1", "--issue", "a/b#2"])["issue"]["intervention"], false);
    assert_eq!(space.json(["bind", "s1", "--issue", "a/b#2"])["issue"].get("label"), None);
}

/// SPEC IS-2.
#[test]
fn an_editor_runs_while_its_very_process_does() {
    let space = Workspace::with_sessions(2);
    let count = || space.json(["editor", "count"])["running"].as_u64().unwrap();
    assert_eq!(count(), 0);
    let editor = Running::cat();
    let record = space.json(["editor", "set", "s1", "--pid", &editor.pid(), "--editor", "cat"]);
    assert_eq!(record["editor"]["pid"].to_string(), editor.pid());
    assert_eq!(count(), 1);
    space.run(["editor", "set", "s2", "--pid", &editor.pid()]).succeeds();
    assert_eq!(count(), 1, "its name is not `code`");
    space.run(["editor", "clear", "s1"]).succeeds();
    assert_eq!(count(), 0, "no pid means no");
    space.run(["editor", "set", "s1", "--pid", &editor.pid(), "--editor", "cat"]).succeeds();
    drop(editor);
    assert_eq!(count(), 0);
    space.run(["editor", "set", "s1", "--pid", "4194305"]).fails(3).says("there is no process 4194305");
}

#[test]
fn a_reused_pid_is_not_the_editor() {
    let space = Workspace::with_sessions(1);
    let editor = Running::cat();
    space.run(["editor", "set", "s1", "--pid", &editor.pid(), "--editor", "cat"]).succeeds();
    let path = space.path(crate::support::STATE);
    let mut state = space.state();
    let started = state["sessions"][0]["editor"]["started"].as_u64().unwrap();
    state["sessions"][0]["editor"]["started"] = (started - 1).into();
    state.as_object_mut().unwrap().remove("checksum");
    fs::write(&path, state.to_string()).unwrap();
    assert_eq!(space.json(["editor", "count"])["running"], 0);
}

/// SPEC IS-3.
#[test]
fn removing_by_folder_says_whether_anything_was_found() {
    let space = Workspace::with_sessions(1);
    let folder = space.worktree("s1");
    let remove = || space.json(["remove", "--folder", folder.to_str().unwrap()])["found"].clone();
    assert_eq!(remove(), false);
    space.run(["bind", "--folder", folder.to_str().unwrap(), "--issue", "a/b#1"]).succeeds();
    assert_eq!(space.json(["show", "s1"])["issue"]["number"], 1);
    assert_eq!(remove(), true);
    assert_eq!(space.names(), ["s1"], "the session stays");
    assert!(folder.exists());
    assert_eq!(space.json(["show", "s1"]).get("issue"), None);
}

/// A folder of a user outside any workspace, and a home with a registry.
struct Outside {
    home: tempfile::TempDir,
    project: std::path::PathBuf,
}

impl Outside {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let project = fs::canonicalize(home.path()).unwrap().join("project");
        fs::create_dir(&project).unwrap();
        Self { home, project }
    }

    fn registry(&self) -> std::path::PathBuf {
        self.home.path().join(".config/wharf/folders.json")
    }

    fn run(&self, args: &[&str]) -> Ran {
        let mut command = binary();
        command.args(args).current_dir(&self.project);
        command.env("HOME", self.home.path()).env("WHARF_WORKSPACE", "/nonexistent");
        Ran { output: command.output().unwrap() }
    }

    fn json(&self, args: &[&str]) -> serde_json::Value {
        self.run(&[args, &["--json"]].concat()).succeeds().json()
    }
}

/// SPEC IS-4.
#[test]
fn outside_a_workspace_the_user_has_a_registry() {
    let user = Outside::new();
    user.run(&["find", "--issue", "a/b#1"]).fails(3);
    assert!(!user.registry().exists(), "a missing file is an empty registry");
    let bound = user.json(&["bind", "--folder", ".", "--issue", "a/b#1"]);
    assert_eq!(bound["folder"], user.project.to_str().unwrap());
    assert_eq!(user.json(&["find", "--issue", "A/B#1"])["folder"], bound["folder"]);
    assert_eq!(user.json(&["find", "--folder", "."])["issue"]["number"], 1);
    user.run(&["bind", "--folder", "/", "--issue", "a/b#1"]).fails(4);
    assert_eq!(user.json(&["remove", "--folder", "."])["found"], true);
    assert_eq!(user.json(&["remove", "--folder", "."])["found"], false);
}

/// SPEC IS-2, with the name from the user's own settings.
#[test]
fn the_editor_of_a_folder_is_counted_while_it_runs() {
    let user = Outside::new();
    fs::create_dir_all(user.registry().parent().unwrap()).unwrap();
    let settings = user.registry().with_file_name("config.toml");
    fs::write(settings, "[git]\ntrust_hooks = true\n[editor]\nname = \"cat\"\n").unwrap();
    let editor = Running::cat();
    user.json(&["editor", "set", "--folder", ".", "--pid", &editor.pid()]);
    assert_eq!(user.json(&["editor", "count"])["running"], 1);
    user.json(&["editor", "clear", "--folder", "."]);
    assert_eq!(user.json(&["editor", "count"])["running"], 0);
}

/// SPEC IS-4.
#[test]
fn a_registry_that_does_not_parse_is_set_aside_with_a_warning() {
    let user = Outside::new();
    user.json(&["bind", "--folder", ".", "--issue", "a/b#1"]);
    fs::write(user.registry(), "not json").unwrap();
    user.run(&["find", "--issue", "a/b#1"]).fails(3).says("the registry of folders cannot be read");
    user.run(&["bind", "--folder", ".", "--issue", "a/b#1"]).succeeds().says("is kept aside");
    let names = fs::read_dir(user.registry().parent().unwrap()).unwrap().map(|it| it.unwrap().file_name());
    let kept = names.filter(|it| it.to_string_lossy().starts_with("folders.json.corrupt."));
    assert_eq!(kept.count(), 1);
    let newer = r#"{"version":"2.0","later":true}"#;
    fs::write(user.registry(), newer).unwrap();
    user.run(&["bind", "--folder", ".", "--issue", "a/b#1"]).fails(9);
    assert_eq!(fs::read_to_string(user.registry()).unwrap(), newer);
}
