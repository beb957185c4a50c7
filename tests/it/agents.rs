use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown, symlink},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::support::{
    Workspace, binary, means,
    strace::{self, Cut},
};

const CLAUDE: &str = ".claude/settings.local.json";

/// Settings of a person.
const SETTINGS: &str = "{\n\t\"permissions\": {\"allow\":  [\"Bash(ls:*)\"]},\n\t\"big\": 123456789012345678901234567890,\n\t\"hooks\": { \"Stop\": [ {\"hooks\": [{\"type\": \"command\", \"command\": \"say done\"}]} ] }\n}";

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// All files and folders below a folder, with what is in them.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Option<String>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
            found.insert(path, None);
        } else {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            found.insert(path, Some(text));
        }
    }
    found
}

/// Everything that an uninstall must leave as an install found it.
fn around(space: &Workspace, name: &str) -> (BTreeMap<PathBuf, Option<String>>, String) {
    let exclude = fs::read_to_string(space.path(".git/info/exclude")).unwrap();
    (tree(&space.worktree(name)), exclude)
}

fn status(space: &Workspace, name: &str) -> String {
    space.git_at(&space.worktree(name), ["status", "--porcelain"])
}

fn commands(path: &Path) -> Vec<String> {
    let settings: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let groups = settings["hooks"].as_object().unwrap().values().flat_map(|it| it.as_array().unwrap());
    groups.map(|group| group["hooks"][0]["command"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn hooks_come_and_go_without_a_trace() {
    let space = Workspace::with_sessions(1);
    let before = around(&space, "s1");
    let file = space.worktree("s1").join(CLAUDE);
    for agent in ["claude", "codex", "gemini", "opencode"] {
        let install = ["agent", "install", "s1", "--agent", agent];
        assert_eq!(space.json(install)[0]["outcome"], "installed");
        assert_eq!(status(&space, "s1"), "", "{agent}");
        let once = around(&space, "s1");
        assert_eq!(space.json(install)[0]["outcome"], "unchanged");
        assert_eq!(around(&space, "s1"), once, "twice is as once");
        if agent == "claude" {
            let commands = commands(&file);
            assert_eq!(commands.len(), 8);
            let own = fs::canonicalize(binary().get_program()).unwrap();
            assert!(commands.contains(&format!("{} hook claude Stop", own.display())), "{commands:?}");
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o111, 0);
        }
        let removed = space.json(["agent", "uninstall", "s1"]);
        assert_eq!(
            (removed[0]["agent"].clone(), removed[0]["outcome"].clone()),
            (agent.into(), "removed".into())
        );
        assert_eq!(around(&space, "s1"), before, "{agent}");
        assert_eq!(space.json(["agent", "uninstall", "s1"]), json!([]));
    }
}

#[test]
fn settings_of_a_person_stay_to_the_letter() {
    let space = Workspace::with_sessions(1);
    let file = space.worktree("s1").join(CLAUDE);
    put(&file, SETTINGS);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let before = around(&space, "s1");
    space.run(["agent", "install", "s1", "--agent", "claude"]).succeeds();
    let text = fs::read_to_string(&file).unwrap();
    for part in [
        "\t\"permissions\": {\"allow\":  [\"Bash(ls:*)\"]},\n\t\"big\": 123456789012345678901234567890",
        "say done",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(status(&space, "s1"), "");
    space.run(["agent", "uninstall", "s1"]).succeeds();
    assert_eq!(around(&space, "s1"), before);
}

#[test]
fn what_came_into_a_file_and_a_folder_of_ours_stays() {
    let space = Workspace::with_sessions(1);
    space.run(["agent", "install", "s1", "--agent", "claude"]).succeeds();
    let file = space.worktree("s1").join(CLAUDE);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen('{', "{\n  \"model\": \"big\",", 1)).unwrap();
    put(&space.worktree("s1").join(".claude/agents/mine.md"), "mine\n");
    space.run(["agent", "uninstall", "s1"]).succeeds();
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\n  \"model\": \"big\"\n}\n");
    assert_eq!(status(&space, "s1"), "?? .claude/");
}

#[test]
fn a_dry_run_writes_nothing() {
    let space = Workspace::with_sessions(1);
    let everything = || (around(&space, "s1"), tree(&space.path(".wharf/sessions")));
    fs::create_dir_all(space.path(".wharf/sessions")).unwrap();
    let before = everything();
    let install = ["agent", "install", "s1", "--agent", "claude"];
    space.run(install.iter().chain(&["--dry-run"])).succeeds().says("hooks of claude installed in");
    assert_eq!(everything(), before);
    space.run(install).succeeds();
    let before = everything();
    space.run(["agent", "uninstall", "s1", "--dry-run"]).succeeds().says("hooks of claude removed from");
    assert_eq!(everything(), before);
}

#[test]
fn a_file_that_git_tracks_is_left_alone() {
    let space = Workspace::with_sessions(1);
    let folder = space.worktree("s1");
    for (agent, file, said) in
        [("claude", CLAUDE, "wharf start --agent"), ("codex", ".codex/hooks.json", "no longer track it")]
    {
        put(&folder.join(file), SETTINGS);
        space.git_at(&folder, ["add", "-f", file]);
        let before = around(&space, "s1");
        let ran = space.run(["agent", "install", "s1", "--agent", agent]).fails(6);
        ran.says("is tracked by git").says(said);
        assert_eq!(around(&space, "s1"), before);
    }
}

#[test]
fn what_cannot_be_changed_safely_is_left_alone() {
    let space = Workspace::with_sessions(1);
    let folder = space.worktree("s1");
    let elsewhere = space.home().join("elsewhere");
    put(&elsewhere.join("settings.local.json"), "{}");
    let refused = |code: i32, said: &str| {
        let before = around(&space, "s1");
        space.run(["agent", "install", "s1", "--agent", "claude"]).fails(code).says(said);
        assert_eq!(around(&space, "s1"), before, "{said}");
    };
    symlink(&elsewhere, folder.join(".claude")).unwrap();
    refused(6, "is not a real folder");
    fs::remove_file(folder.join(".claude")).unwrap();
    fs::create_dir(folder.join(".claude")).unwrap();
    symlink(elsewhere.join("settings.local.json"), folder.join(CLAUDE)).unwrap();
    refused(6, "is not a regular file");
    fs::remove_file(folder.join(CLAUDE)).unwrap();
    put(&folder.join(CLAUDE), "{\n  // mine\n}\n");
    refused(2, "line 2 column 3");
    put(&folder.join(CLAUDE), "{\"hooks\": 1}\n");
    refused(2, "`hooks` in it is not an object");
    assert_eq!(fs::read_to_string(elsewhere.join("settings.local.json")).unwrap(), "{}");
    put(&folder.join(".opencode/plugins/wharf.js"), "mine\n");
    space
        .run(["agent", "install", "s1", "--agent", "opencode"])
        .fails(6)
        .says("is there already, and not ours");
    space.run(["agent", "uninstall", "s1"]).succeeds();
    assert_eq!(fs::read_to_string(folder.join(".opencode/plugins/wharf.js")).unwrap(), "mine\n");
}

#[test]
fn two_agents_and_two_sessions_do_not_get_in_each_others_way() {
    let space = Workspace::with_sessions(2);
    let before = (around(&space, "s1"), around(&space, "s2"));
    for agent in ["claude", "codex"] {
        space.run(["agent", "install", "--all", "--agent", agent]).succeeds().says("s1: ").says("s2: ");
    }
    assert_eq!((status(&space, "s1"), status(&space, "s2")), (String::new(), String::new()));
    assert_eq!(space.json(["agent", "uninstall", "s1"]).as_array().unwrap().len(), 2);
    assert_eq!(around(&space, "s1").0, before.0.0);
    assert_eq!(status(&space, "s2"), "", "the line for s2 is still there");
    space.run(["agent", "uninstall", "--all"]).succeeds();
    assert_eq!((around(&space, "s1"), around(&space, "s2")), before);
}

#[test]
fn many_installs_at_once_all_count() {
    let space = Workspace::with_sessions(1);
    let before = around(&space, "s1");
    let agents = ["claude", "codex", "gemini", "opencode"];
    let running = agents.map(|agent| space.spawn(["agent", "install", "s1", "--agent", agent]));
    for child in running {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    assert_eq!(space.json(["agent", "uninstall", "s1"]).as_array().unwrap().len(), 4);
    assert_eq!(around(&space, "s1"), before);
}

/// Wherever it is cut short, the person's settings are whole, and the next calls finish it or take it back.
#[test]
fn an_install_and_an_uninstall_can_be_killed_anywhere() {
    if !strace::is_there() {
        return;
    }
    let space = Workspace::with_sessions(1);
    let file = space.worktree("s1").join(CLAUDE);
    for settings in [None, Some(SETTINGS)] {
        drop(fs::remove_dir_all(file.parent().unwrap()));
        if let Some(settings) = settings {
            put(&file, settings);
        }
        let before = around(&space, "s1");
        let install = &["agent", "install", "s1", "--agent", "claude"];
        let uninstall = &["agent", "uninstall", "s1"];
        for (args, first) in [(&install[..], None), (&uninstall[..], Some(&install[..]))] {
            let prepare = || first.into_iter().for_each(|first| drop(space.run(first).succeeds()));
            prepare();
            let points = Cut::Alone.points(&space, args);
            space.run(uninstall).succeeds();
            assert!(points.len() > 5, "{points:?}");
            for point in &points {
                prepare();
                Cut::Alone.at(&space, args, point);
                let text = fs::read_to_string(&file).ok();
                assert!(text.is_none_or(|text| serde_json::from_str::<Value>(&text).is_ok()), "{point:?}");
                assert!(!status(&space, "s1").contains(".wharf"), "{point:?}");
                space.run(install).succeeds();
                assert_eq!(commands(&file).iter().filter(|it| it.contains(" hook claude ")).count(), 8);
                space.run(uninstall).succeeds();
                let (tree, exclude) = around(&space, "s1");
                assert_eq!(tree, before.0, "{args:?} {point:?}");
                // A line in git's exclusions may be left by a kill right behind it.
                fs::write(space.path(".git/info/exclude"), &before.1).unwrap();
                assert!(
                    exclude == before.1 || exclude == before.1.clone() + "/.claude/settings.local.json\n"
                );
            }
        }
    }
}

#[test]
fn an_install_that_the_disk_refuses_changes_nothing_of_a_person() {
    if !strace::is_there() {
        return;
    }
    let space = Workspace::with_sessions(1);
    let file = space.worktree("s1").join(CLAUDE);
    put(&file, SETTINGS);
    let before = around(&space, "s1");
    let install = ["agent", "install", "s1", "--agent", "claude"];
    for call in ["fsync", "rename", "write", "mkdir"] {
        for n in 1.. {
            let (ran, came_that_far) = strace::failing_at(&space, install, call, "ENOSPC", n);
            if !came_that_far {
                break;
            }
            if !ran.output.status.success() {
                let text = fs::read_to_string(&file).unwrap();
                assert!(text == SETTINGS || commands(&file).len() == 9, "{call} {n}: {text}");
            }
            space.run(["agent", "uninstall", "s1"]).succeeds();
            assert_eq!(around(&space, "s1"), before, "{call} {n}");
        }
    }
}

#[test]
fn agents_are_listed_and_shown() {
    let space = Workspace::with_sessions(1);
    put(
        &space.home().join(".config/wharf/config.toml"),
        "[agents.mine]\ntitle = \"Mine\"\nstart = [\"/bin/sh\", \"{arguments}\"]\n",
    );
    let list = space.json(["agent", "list"]);
    let of = |name: &str| list.as_array().unwrap().iter().find(|it| it["name"] == name).unwrap().clone();
    assert_eq!(of("mine")["found"], "/bin/sh");
    assert_eq!(
        (of("claude")["mintsId"].clone(), of("codex")["mintsId"].clone()),
        (true.into(), false.into())
    );
    assert_eq!(of("claude")["transcripts"], space.home().join(".claude").to_str().unwrap());
    space.run(["agent", "list"]).succeeds().says("Claude Code").says("Mine");
    let shown = space.run(["agent", "show", "claude"]).succeeds().says("[agents.claude]").stdout();
    put(&space.home().join(".config/wharf/config.toml"), &shown);
    assert_eq!(space.run(["agent", "show", "claude"]).succeeds().stdout(), shown, "what is shown can be set");
    assert_eq!(space.json(["agent", "show", "claude"])["title"], "Claude Code");
    space
        .run(["agent", "show", "nobody"])
        .fails(3)
        .says("there is no agent `nobody`")
        .says("wharf agent list");
    space.run(["agent", "show", "No"]).fails(2);
    space.run(["agent", "install", "s1"]).fails(2).says("session `s1` has no agent").says("--agent");
    space.run(["agent", "install", "s1", "--agent", "shell"]).fails(2).says("has no hooks");
    assert_eq!(space.json(["agent", "install", "--all"]), json!([]));
}

#[test]
fn a_workspace_cannot_describe_an_agent() {
    let space = Workspace::with_sessions(1);
    put(&space.path(".wharf/config.toml"), "[agents.claude]\nstart = [\"./evil\"]\n");
    space.run(["agent", "list"]).fails(2).says("`agents` can only be set in the user's own file");
}

#[test]
fn hooks_that_root_installed_belong_to_the_owner_of_the_worktree() {
    const SOMEBODY: u32 = 12_345;
    let space = Workspace::with_sessions(1);
    put(&space.home().join(".gitconfig"), "[safe]\n\tdirectory = *\n");
    drop(fs::remove_dir_all(space.path(".wharf")));
    let all = tree(&space.root()).into_keys().chain([space.root()]);
    if all.map(|path| lchown(path, Some(SOMEBODY), Some(SOMEBODY))).any(|given| given.is_err()) {
        means::left_out("only root can give a folder away");
        return;
    }
    space.run(["agent", "install", "s1", "--agent", "claude"]).succeeds();
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    let record = space.path(".wharf/sessions").join(id).join("hooks.json");
    let file = space.worktree("s1").join(CLAUDE);
    for path in
        [&file, file.parent().unwrap(), &record, record.parent().unwrap(), &space.path(".wharf/hooks.lock")]
    {
        assert_eq!(fs::metadata(path).unwrap().uid(), SOMEBODY, "{}", path.display());
    }
}

#[test]
fn a_destroy_asks_nothing_for_hooks_of_ours_and_everything_for_what_a_person_added() {
    let space = Workspace::with_sessions(2);
    for name in ["s1", "s2"] {
        space.run(["agent", "install", name, "--agent", "claude"]).succeeds();
    }
    space.run(["destroy", "s1"]).succeeds();
    space.run(["undo", "s1"]).succeeds();
    assert!(space.worktree("s1").join(CLAUDE).is_file());
    let file = space.worktree("s2").join(CLAUDE);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen('{', "{\"model\":\"opus\",", 1)).unwrap();
    space.run(["destroy", "s2"]).fails(6).says("--ignored").says(CLAUDE);
}
