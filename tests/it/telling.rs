//! What the hooks of an agent tell: it is taken in where it makes sense, and fails nobody where it does not.

use std::{
    ffi::OsStr,
    fs,
    io::Write as _,
    os::unix::{ffi::OsStrExt as _, fs::symlink},
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::json;

use crate::support::{agents::Agents, binary, pty::PATIENCE, strace};

#[test]
fn nothing_is_kept_of_a_path_that_leads_elsewhere() {
    let agents = Agents::new(1);
    agents.settings("[transcripts]\nkeep = \"always\"\n");
    agents.run(["start", "s1", "--agent", "fake", "--prompt", "remember red"]).succeeds();
    agents.until_waiting("s1");
    let (id, session) = (agents.conversation("s1"), agents.json(["show", "s1"])["id"].clone());
    fs::write(agents.home().join("secret"), "mine").unwrap();
    for path in ["../secret", "projects/../../secret"] {
        let input = json!({"session_id": id, "transcript_path": agents.agent_home().join(path)});
        tell(&agents, session.as_str().unwrap(), &["fake", "Stop"], input.to_string().as_bytes());
    }
    // They are taken in one after the other.
    tell(
        &agents,
        session.as_str().unwrap(),
        &["fake", "SessionEnd"],
        json!({"session_id": id}).to_string().as_bytes(),
    );
    agents.until_status("s1", "idle");
    let folder = agents.session_folder("s1").join("transcripts");
    assert!(folder.join("fake/projects").is_dir());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn an_agent_within_the_agent_does_not_take_its_place_when_that_ended() {
    let agents = Agents::new(1);
    agents.run(["start", "s1", "--agent", "fake", "--prompt", "remember red"]).succeeds();
    agents.until("s1", "noted red");
    agents.until_waiting("s1");
    let (id, session) = (agents.conversation("s1"), agents.json(["show", "s1"])["id"].clone());
    let tell = |words: [&str; 2], input: serde_json::Value| {
        tell(&agents, session.as_str().unwrap(), &[words[0], words[1]], input.to_string().as_bytes());
    };
    tell(["fake", "SessionStart"], json!({"session_id": "inner", "source": "startup"}));
    agents.run(["kill", "s1"]).succeeds();
    let before = agents.chain("s1");
    tell(["fake", "UserPromptSubmit"], json!({"session_id": "inner", "prompt": "x"}));
    tell(["codex", "SessionStart"], json!({"session_id": "another", "source": "startup"}));
    tell(["codex", "UserPromptSubmit"], json!({"session_id": "another", "prompt": "x"}));
    assert_eq!((agents.conversation("s1"), agents.chain("s1")), (id, before));
}

#[test]
fn an_agent_that_began_anew_waits() {
    let agents = Agents::new(1);
    agents.settings("[terminal]\nquiet = 1\n");
    agents.run(["start", "s1", "--agent", "fake"]).succeeds();
    agents.until("s1", "ready");
    // It has told that it began, and nothing of how it is doing: its silence says that.
    agents.until_waiting("s1");
    agents.ask("s1", "hello", "heard hello");
    agents.until_waiting("s1");
    let id = agents.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    for (event, input, status) in [
        ("SessionEnd", json!({"session_id": agents.conversation("s1"), "reason": "clear"}), "idle"),
        ("SessionStart", json!({"session_id": "anew", "source": "clear"}), "waiting"),
    ] {
        tell(&agents, &id, &["fake", event], input.to_string().as_bytes());
        agents.until_status("s1", status);
    }
    assert_eq!(agents.conversation("s1"), "anew");
}

/// SPEC CV-5.
#[test]
fn a_session_follows_its_agent_from_waiting_to_active_and_back() {
    let agents = Agents::new(1);
    agents.run(["start", "s1", "--agent", "fake"]).succeeds();
    agents.until("s1", "ready");
    agents.ask("s1", "hello", "heard hello");
    agents.until_waiting("s1");
    let id = agents.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    for (event, status) in [
        ("UserPromptSubmit", "active"),
        ("Notification", "waiting"),
        ("UserPromptSubmit", "active"),
        ("Stop", "waiting"),
        ("SessionEnd", "idle"),
    ] {
        let current = agents.conversation("s1");
        tell(&agents, &id, &["fake", event], json!({"session_id": current}).to_string().as_bytes());
        agents.until_status("s1", status);
    }
    agents.run(["prompt", "s1", "quit"]).succeeds();
    agents.run(["wait", "s1", "--for", "exit", "--timeout", "30s"]).succeeds();
    assert_eq!(agents.json(["show", "s1"])["status"], "stopped");
    agents.run(["wait", "s1", "--for", "waiting", "--timeout", "30s"]).fails(1);
}

/// SPEC CV-5.
#[test]
fn a_hook_that_makes_no_sense_changes_nothing_and_fails_nobody() {
    let agents = Agents::new(1);
    agents.run(["start", "s1", "--agent", "fake", "--prompt", "remember red"]).succeeds();
    agents.until_waiting("s1");
    let id = agents.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    let before = (agents.state(), agents.chain("s1"));
    let huge = format!("{{\"session_id\":\"x\",\"prompt\":\"{}\"}}", "x".repeat(10 << 20));
    let other = "00000000-0000-4000-8000-000000000000";
    let cases: [(&str, &[&str], &[u8]); 9] = [
        (&id, &["fake", "UserPromptSubmit"], b"not JSON"),
        (&id, &["fake", "UserPromptSubmit"], b""),
        (&id, &["fake", "UserPromptSubmit"], b"[1]"),
        (&id, &["fake", "UserPromptSubmit"], huge.as_bytes()),
        (&id, &["fake", "UserPromptSubmit"], b"{\"session_id\":\"../../x\"}"),
        (other, &["fake", "UserPromptSubmit"], b"{\"session_id\":\"x\"}"),
        (&id, &["fake", "NoSuchEvent"], b"{\"session_id\":\"x\"}"),
        (&id, &["nobody", "Stop"], b"{\"session_id\":\"x\"}"),
        (&id, &["--nonsense"], b"{}"),
    ];
    for (number, (session, words, input)) in cases.into_iter().enumerate() {
        tell(&agents, session, words, input);
        let deadline = Instant::now() + PATIENCE;
        while warnings(&agents) <= number {
            assert!(Instant::now() < deadline, "{words:?}");
        }
        assert_eq!(warnings(&agents), number + 1, "{words:?}");
        assert_eq!((agents.state(), agents.chain("s1")), before, "{words:?}");
    }
    // Outside a session there is nobody to tell.
    tell(&agents, "", &["fake", "Stop"], b"{}");
    tell(&agents, "nonsense", &["fake", "Stop"], b"{}");
    assert_eq!((agents.state(), agents.chain("s1")), before);
}

#[test]
fn a_hook_fails_nobody_whatever_its_arguments_environment_settings_and_disk_are() {
    let agents = Agents::new(1);
    agents.run(["start", "s1", "--agent", "fake"]).succeeds();
    agents.until("s1", "ready");
    let id = agents.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    let input = br#"{"session_id":"x"}"#;
    let odd = OsStr::from_bytes(b"\xff");
    let hook = |words: &[&OsStr], variables: &[(&str, &OsStr)]| {
        let mut command = agents.command();
        command.env_remove("WHARF_WORKSPACE").env("WHARF_SESSION", &id).args(words);
        give(command.envs(variables.iter().copied()), input);
    };
    let words = |text: &'static str| text.split(' ').map(OsStr::new).collect::<Vec<_>>();
    hook(&[OsStr::new("hook"), OsStr::new("fake"), odd], &[]);
    for text in
        ["hook", "hook fake", "hook --json", "--nonsense hook fake Stop", "hook fake Stop more --json=1"]
    {
        hook(&words(text), &[]);
    }
    for variable in
        ["WHARF_MAX_SESSIONS", "WHARF_WORKSPACE", "WORKSPACE_ROOT", "WHARF_WORKTREE", "HOME", "PATH"]
    {
        hook(&words("hook fake Stop"), &[(variable, odd)]);
        hook(&words("hook fake Stop"), &[(variable, OsStr::new("nonsense"))]);
    }
    // The log cannot be written: its disk is full.
    let log = agents.path(".wharf/log");
    for file in fs::read_dir(&log).unwrap() {
        let file = file.unwrap().path();
        fs::remove_file(&file).unwrap();
        symlink("/dev/full", &file).unwrap();
    }
    hook(&words("hook fake NoSuchEvent"), &[]);
    fs::remove_dir_all(&log).unwrap();
    fs::write(&log, "").unwrap();
    hook(&words("hook fake NoSuchEvent"), &[]);
    agents.settings("nonsense = 1");
    hook(&words("hook fake Stop"), &[]);
    fs::write(agents.path(".claude-container-sessions.json"), r#"{"version":"99.0","sessions":[]}"#).unwrap();
    hook(&words("hook fake Stop"), &[]);
}

#[test]
fn a_prompt_waits_for_nobody_where_nothing_runs() {
    let agents = Agents::new(1);
    agents
        .run(["prompt", "s1", "hello", "--when-waiting", "--timeout", "30s"])
        .fails(3)
        .says("nothing runs in it");
}

#[test]
fn a_disk_that_refuses_does_not_keep_a_prompt_from_the_agent() {
    if !strace::is_there() {
        return;
    }
    let agents = Agents::new(1);
    agents.run(["start", "s1", "--agent", "fake"]).succeeds();
    agents.until("s1", "ready");
    for (word, call) in [("red", "fsync"), ("green", "rename")] {
        let prompt = format!("remember {word}");
        let (ran, came_that_far) = strace::failing_at(&agents, ["prompt", "s1", &prompt], call, "ENOSPC", 1);
        assert!(came_that_far);
        ran.succeeds();
        agents.until("s1", &format!("noted {word}"));
    }
}

#[test]
fn hooks_that_are_installed_and_given_at_the_start_tell_everything_once() {
    let agents = Agents::new(1);
    let folder = agents.home().join("bin");
    fs::create_dir(&folder).unwrap();
    symlink(binary().get_program(), folder.join("wharf")).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    for args in [&["agent", "install", "s1", "--agent", "fake"][..], &["start", "s1", "--agent", "fake"]] {
        assert!(agents.command().args(args).env("PATH", &path).output().unwrap().status.success());
    }
    agents.until("s1", "ready");
    agents.run(["send", "s1", "hello", "--enter"]).succeeds();
    agents.until("s1", "heard hello");
    agents.until_waiting("s1");
    assert_eq!(agents.chain("s1")["entries"].as_array().unwrap().len(), 1, "{}", agents.chain("s1"));
}

/// Calls a hook as an agent in a session does, and sees that the agent notices nothing.
fn tell(agents: &Agents, session: &str, words: &[&str], input: &[u8]) {
    let mut command = agents.command();
    command.env_remove("WHARF_WORKSPACE").env("WHARF_SESSION", session).arg("hook").args(words);
    give(&mut command, input);
}

fn give(command: &mut Command, input: &[u8]) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One that refused its arguments has not read it.
    drop(stdin.write_all(input));
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!((output.stdout.len(), output.stderr.len()), (0, 0), "{output:?}");
}

/// How many lines of the log say that a hook was not taken in.
fn warnings(agents: &Agents) -> usize {
    let files = fs::read_dir(agents.path(".wharf/log")).unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    texts.map(|text| text.matches("a hook was not taken in").count()).sum()
}
