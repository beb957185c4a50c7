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

/// The commands below one, as its help lists them.
fn below(words: &[String]) -> Vec<Vec<String>> {
    let args: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
    let (code, help, _) = run(&args);
    assert_eq!(code, Some(0), "{words:?}");
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    let names = names.map(|line| line.split_whitespace().next().unwrap()).filter(|name| *name != "help");
    names.map(|name| words.iter().cloned().chain([name.to_owned()]).collect()).collect()
}

/// Every command of every level, by its words.
fn all_commands() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut waiting = below(&[]);
    while let Some(words) = waiting.pop() {
        waiting.extend(below(&words));
        found.push(words);
    }
    found
}

#[test]
fn every_command_explains_itself_with_examples() {
    let first: Vec<String> = below(&[]).concat();
    for command in COMMANDS {
        assert!(first.contains(&(*command).to_owned()), "{command} is not in the list");
    }
    assert_eq!(first.len(), COMMANDS.len());
    let all = all_commands();
    let has = |words: &[&str]| all.iter().any(|it| it == words);
    assert!(has(&["trash", "empty"]) && has(&["history", "replay"]) && has(&["editor", "set"]), "{all:?}");
    for words in all {
        let args: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let (code, help, _) = run(&args);
        assert_eq!(code, Some(0), "{words:?}");
        assert!(help.contains("Examples:\n"), "{words:?} has no examples");
        let example = format!("wharf {}", words.join(" "));
        assert!(help.split_once("Examples:").unwrap().1.contains(&example), "{words:?}: {help}");
    }
}

#[test]
fn every_example_of_a_command_can_be_parsed() {
    let space = Workspace::empty();
    let nowhere = space.home().join("nowhere");
    for words in all_commands() {
        let args: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let (_, help, _) = run(&args);
        let examples = help.lines().skip_while(|line| *line != "Examples:").skip(1);
        for line in examples.take_while(|line| line.starts_with("  ")).map(str::trim) {
            // What is written behind a command explains it, and nothing may be written outside the test.
            let line = line.split("   ").next().unwrap().split(['|', '>']).next().unwrap();
            if !line.starts_with("wharf ") || line.contains("--out") {
                continue;
            }
            let script = line.replacen("wharf", "\"$WHARF\"", 1) + " --workspace \"$NOWHERE\"";
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", &script]).env_clear().env("WHARF", binary().get_program()).current_dir("/");
            shell.env("HOME", space.home()).env("NOWHERE", &nowhere);
            let talk = String::from_utf8(shell.output().unwrap().stderr).unwrap();
            assert!(!talk.contains("Usage:"), "`{line}` is not understood:\n{talk}");
        }
    }
}

#[test]
fn colours_are_for_terminals_and_for_those_who_want_them() {
    let help = |variables: &[(&str, &str)]| {
        let output = binary().arg("--help").envs(variables.iter().copied()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let plain = help(&[]);
    assert!(!plain.contains('\u{1b}'));
    let coloured = help(&[("CLICOLOR_FORCE", "1")]);
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    assert_eq!(help(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), plain);
    let wrong = |variables: &[(&str, &str)]| {
        let output = binary().arg("nothing").envs(variables.iter().copied()).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(wrong(&[("CLICOLOR_FORCE", "1")]).contains("\u{1b}["));
    assert_eq!(wrong(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), wrong(&[]));
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
    for words in all_commands() {
        let (code, page, _) =
            run(&[&["man"][..], &words.iter().map(String::as_str).collect::<Vec<_>>()].concat());
        assert_eq!(code, Some(0), "{words:?}");
        let name = format!("wharf-{}", words.join("-"));
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
        let written = std::fs::read_to_string(dir.path().join(format!("{name}.1"))).unwrap();
        assert_eq!(written, page, "{words:?}");
    }
    assert_eq!(run(&["man", "trash-empty"]).1, run(&["man", "trash", "empty"]).1);
    let hidden = |name: &std::ffi::OsStr| name.to_str().unwrap().contains("debug");
    assert!(!std::fs::read_dir(dir.path()).unwrap().any(|it| hidden(&it.unwrap().file_name())));
    for words in [&["nothing"][..], &["trash", "nothing"], &["trash", "empty", "more"]] {
        assert_eq!(run(&[&["man"][..], words].concat()).0, Some(3), "{words:?}");
    }
}

#[test]
fn wrong_arguments_end_with_2_as_text_and_as_json() {
    for args in [&["nothing"][..], &["create", "--nothing"], &["show"], &[]] {
        let (code, data, talk) = run(args);
        assert_eq!((code, data.as_str()), (Some(2), ""), "{args:?}");
        assert!(talk.contains("Usage:"), "{talk}");
    }
    for (args, said) in [
        (&["show", "--json"][..], "the following required arguments were not provided: <NAME>"),
        (&["creat", "--json"], "unrecognized subcommand 'creat'"),
        (&["create", "--nothing", "--json"], "unexpected argument '--nothing' found"),
        (&["--json"], "a subcommand"),
        (&["trash", "--json"], "a subcommand"),
    ] {
        let (code, data, talk) = run(args);
        let error: serde_json::Value = serde_json::from_str(&talk).unwrap();
        assert_eq!((code, data.as_str()), (Some(2), ""), "{args:?}");
        assert_eq!(error["error"]["code"], "INVALID_VALUE", "{args:?}");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(said), "{args:?}: {message}");
        for unwanted in ["error:", "Usage", "\n", "--help", "debug"] {
            assert!(!message.contains(unwanted), "{args:?}: {message}");
        }
    }
    assert!(!run(&["--quiet"]).2.contains("debug"));
}

#[test]
fn where_there_is_no_workspace_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let nowhere = dir.path().join("nowhere");
    for place in [nowhere.to_str().unwrap(), file.to_str().unwrap()] {
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
