use crate::support::{Workspace, binary};

const COMMANDS: &[&str] = &[
    "create",
    "list",
    "show",
    "path",
    "find",
    "start",
    "attach",
    "stop",
    "restart",
    "kill",
    "resume",
    "ps",
    "exec",
    "history",
    "logs",
    "screen",
    "send",
    "prompt",
    "wait",
    "conversation",
    "status",
    "phase",
    "meta",
    "touch",
    "rename",
    "bind",
    "unbind",
    "editor",
    "remove",
    "destroy",
    "undo",
    "setup",
    "trash",
    "pool",
    "agent",
    "interpreter",
    "restore",
    "recover",
    "doctor",
    "serve",
    "open",
    "init",
    "hook",
    "completions",
    "man",
];

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = binary().args(args).current_dir("/").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn every_command_explains_itself_with_examples() {
    let (code, help, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    for command in COMMANDS {
        assert!(help.contains(&format!("\n  {command} ")), "{command} is not in the list");
        let (code, help, _) = run(&[command, "--help"]);
        assert_eq!(code, Some(0), "{command}");
        assert!(help.contains("Examples:\n"), "{command} has no examples");
        assert!(help.contains("wharf "), "{command}");
    }
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty()).count();
    assert_eq!(listed, COMMANDS.len() + 1, "and `help`");
}

#[test]
fn every_example_of_a_command_can_be_parsed() {
    for command in COMMANDS {
        let (_, help, _) = run(&[command, "--help"]);
        let examples = help.lines().skip_while(|line| *line != "Examples:").skip(1);
        for line in examples.take_while(|line| line.starts_with("  ")).map(str::trim) {
            // What is written behind a command explains it, and nothing may be written outside the test.
            let line = line.split("   ").next().unwrap().split(['|', '>']).next().unwrap();
            if !line.starts_with("wharf ") || line.contains("--out") {
                continue;
            }
            let script = line.replacen("wharf", "\"$WHARF\"", 1) + " --workspace /nonexistent";
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", &script]).env_clear().env("WHARF", binary().get_program()).current_dir("/");
            let talk = String::from_utf8(shell.output().unwrap().stderr).unwrap();
            assert!(!talk.contains("Usage:"), "`{line}` is not understood:\n{talk}");
        }
    }
}

#[test]
fn completions_and_manual_pages_come_from_the_same_definitions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, _) = run(&["completions", shell]);
        assert_eq!(code, Some(0));
        assert!(script.contains("destroy") && script.contains("delete-branch"), "{shell}");
    }
    let (_, page, _) = run(&["man", "destroy"]);
    assert!(page.contains(".TH") && page.contains("delete"), "{page}");
    let dir = tempfile::tempdir().unwrap();
    let (code, _, _) = run(&["man", "--out", dir.path().to_str().unwrap()]);
    assert_eq!(code, Some(0));
    for command in COMMANDS {
        assert!(dir.path().join(format!("wharf-{command}.1")).is_file(), "{command}");
    }
    assert!(dir.path().join("wharf-editor-set.1").is_file());
    assert_eq!(run(&["man", "nothing"]).0, Some(3));
}

#[test]
fn wrong_arguments_end_with_2_as_text_and_as_json() {
    for args in [&["nothing"][..], &["create", "--nothing"], &["show"], &[]] {
        let (code, data, talk) = run(args);
        assert_eq!((code, data.as_str()), (Some(2), ""), "{args:?}");
        assert!(talk.contains("Usage:"), "{talk}");
    }
    let (code, _, talk) = run(&["show", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&talk).unwrap();
    assert_eq!((code, error["error"]["code"].as_str()), (Some(2), Some("INVALID_VALUE")));
}

#[test]
fn where_there_is_no_workspace_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    for place in ["/nonexistent", file.to_str().unwrap()] {
        let (code, _, talk) = run(&["list", "--workspace", place]);
        assert_eq!(code, Some(3), "{place}");
        assert!(
            talk.contains(&format!("there is no workspace at {place}")) && talk.contains("--workspace"),
            "{talk}"
        );
    }
}

#[test]
fn the_workspace_is_found_from_below() {
    let space = Workspace::with_sessions(1);
    let inside = space.worktree("s1").join("src");
    for variable in ["", "WORKSPACE_ROOT"] {
        let mut command = binary();
        command.args(["list", "--json", "--quick"]).current_dir(&inside);
        if !variable.is_empty() {
            command.env(variable, space.root()).current_dir("/");
        }
        let output = command.output().unwrap();
        let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(list[0]["name"], "s1", "{variable}");
    }
}

#[test]
fn settings_that_cannot_be_used_stop_people_and_not_a_start() {
    let space = Workspace::with_sessions(1);
    std::fs::create_dir_all(space.path(".wharf")).unwrap();
    std::fs::write(space.path(".wharf/config.toml"), "max_sesions = 9\n").unwrap();
    space.run(["list"]).fails(2).says("config.toml").says("max_sesions");
    space.run(["restore"]).succeeds().says("1 session restored").says("the settings cannot be used");
    std::fs::write(space.path(".wharf/config.toml"), "[git]\ntrust_hooks = true\n").unwrap();
    space.run(["list"]).fails(2).says("can only be set in the user's own file");
}
