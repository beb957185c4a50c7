//! What a person comes back to after a restart: the very conversation that the agent of a session was in.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use serde_json::json;

use crate::support::agents::Agents;

/// SPEC CV-1, CV-5.
#[test]
fn a_conversation_survives_the_end_of_everything() {
    let agents = Agents::new(1);
    let started = agents.json(["start", "s1", "--agent", "fake", "--prompt", "remember red"]);
    let id = started["agent"]["conversation"].as_str().unwrap().to_owned();
    agents.until("s1", "noted red");
    agents.ask("s1", "remember green", "noted green");
    agents.ask("s1", "remember blue", "noted blue");
    agents.crash();
    agents.run(["resume", "--all"]).succeeds().says("s1 runs again");
    agents.until("s1", "ready");
    agents.ask("s1", "recall", "told: red green blue");
    let argv = agents.argv();
    assert_eq!(argv.len(), 2, "{argv:?}");
    assert!(argv[0].starts_with(&format!("--session-id {id} ")), "{argv:?}");
    assert!(argv[1].starts_with(&format!("--resume {id} ")), "{argv:?}");
    assert_eq!(agents.conversation("s1"), id);
    agents.run(["show", "s1"]).succeeds().says(&format!("fake, conversation {id}"));
    agents.until_waiting("s1");
    let prompts: Vec<_> =
        agents.chain("s1")["entries"].as_array().unwrap().iter().map(|it| it["lastPrompt"].clone()).collect();
    assert_eq!(prompts, ["remember red", "remember green", "remember blue", "recall"]);
    assert_eq!(fs::read_to_string(agents.agent_home().join("failed-hooks")).unwrap_or_default(), "");
}

#[test]
fn a_conversation_whose_id_changes_each_turn_is_followed() {
    let agents = Agents::new(1);
    let mut start = agents.command();
    start.args(["start", "s1", "--agent", "fake"]).env("AGENT_FORKS", "1");
    assert!(start.output().unwrap().status.success());
    agents.until("s1", "ready");
    let first = agents.conversation("s1");
    agents.ask("s1", "remember red", "noted red");
    agents.ask("s1", "remember green", "noted green");
    agents.ask("s1", "remember blue", "noted blue");
    let last = agents.conversation("s1");
    assert_ne!(last, first);
    agents.run(["show", "s1"]).succeeds().says(&format!("agent       fake, conversation {last}\n"));
    agents.crash();
    agents.run(["resume", "s1"]).succeeds();
    agents.until("s1", "ready");
    agents.ask("s1", "recall", "told: red green blue");
    assert!(agents.argv()[1].starts_with(&format!("--resume {last} ")));
    let chain = agents.chain("s1");
    let mut ids: Vec<_> =
        chain["entries"].as_array().unwrap().iter().map(|it| it["id"].to_string()).collect();
    ids.dedup();
    assert!(ids.len() >= 3, "{chain}");
}

#[test]
fn a_damaged_chain_costs_no_conversation() {
    for damage in [&b"{ nonsense"[..], &[0; 300], b""] {
        let agents = Agents::new(1);
        agents.run(["start", "s1", "--agent", "fake", "--prompt", "remember red"]).succeeds();
        agents.until("s1", "noted red");
        agents.until_waiting("s1");
        let id = agents.conversation("s1");
        let folder = agents.session_folder("s1");
        fs::write(folder.join("conversation.json"), damage).unwrap();
        agents.crash();
        agents.run(["resume", "s1"]).succeeds();
        agents.until("s1", "ready");
        agents.ask("s1", "recall", "told: red");
        assert_eq!(agents.conversation("s1"), id);
        let kept = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
        assert!(kept.into_iter().any(|name| name.contains(".corrupt.")), "the damaged file is kept");
    }
}

#[test]
fn a_transcript_that_is_gone_is_said_and_a_new_conversation_begins() {
    let agents = Agents::new(1);
    agents.run(["start", "s1", "--agent", "fake", "--prompt", "remember red"]).succeeds();
    agents.until("s1", "noted red");
    agents.until_waiting("s1");
    let id = agents.conversation("s1");
    agents.crash();
    agents.lose_agent_home();
    agents.run(["resume", "s1"]).succeeds().says("is gone; a new one begins");
    agents.until("s1", "ready");
    assert_ne!(agents.conversation("s1"), id);
    agents.ask("s1", "recall", "told:");
    // The chain still knows the old one.
    assert_eq!(agents.chain("s1")["entries"][0]["id"], json!(id));
    agents.run(["stop", "s1"]).succeeds();
    agents
        .run(["start", "s1", "--agent", "fake", "--conversation", &id])
        .fails(3)
        .says("is gone")
        .says("wharf conversation chain");
}

#[test]
fn transcripts_are_kept_on_the_volume_and_put_back() {
    let agents = Agents::new(1);
    agents.settings("[transcripts]\nkeep = \"always\"\n");
    agents.run(["start", "s1", "--agent", "fake", "--prompt", "remember red"]).succeeds();
    agents.until("s1", "noted red");
    agents.until_waiting("s1");
    agents.ask("s1", "remember green", "noted green");
    agents.until_waiting("s1");
    agents.crash();
    agents.lose_agent_home();
    agents.run(["resume", "s1"]).succeeds();
    agents.until("s1", "ready");
    agents.ask("s1", "recall", "told: red green");
}

#[test]
fn two_agents_in_one_workspace_keep_apart_and_a_rename_changes_nothing() {
    let agents = Agents::new(2);
    for (name, word) in [("s1", "red"), ("s2", "green")] {
        agents.run(["start", name, "--agent", "fake", "--prompt", &format!("remember {word}")]).succeeds();
        agents.until(name, &format!("noted {word}"));
        agents.until_waiting(name);
    }
    agents.run(["rename", "s1", "other"]).succeeds();
    agents.crash();
    agents.run(["resume", "--all"]).succeeds();
    for (name, word) in [("other", "red"), ("s2", "green")] {
        agents.until(name, "ready");
        agents.ask(name, "recall", &format!("told: {word}$"));
    }
}

/// The user's settings, with a second agent beside the one of the tests: it chooses its ids itself, keeps no files of its
/// conversations, and tells nothing.
fn with_other_agent(agents: &Agents) {
    agents.settings("[agents.other]\nstart = [\"/bin/cat\"]\nresume = [\"/bin/cat\", \"-u\", \"{id}\"]\n");
}

#[test]
fn a_table_that_is_built_anew_knows_the_newest_conversation() {
    let agents = Agents::new(1);
    let mut start = agents.command();
    start.args(["start", "s1", "--agent", "fake"]).env("AGENT_FORKS", "1");
    assert!(start.output().unwrap().status.success());
    agents.until("s1", "ready");
    agents.ask("s1", "remember red", "noted red");
    agents.ask("s1", "remember green", "noted green");
    agents.until_waiting("s1");
    let last = agents.conversation("s1");
    for entry in fs::read_dir(agents.root()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with(".claude-container-sessions") {
            fs::remove_file(path).unwrap();
        }
    }
    drop(fs::remove_dir_all(agents.path(".wharf/backups")));
    assert_eq!(agents.conversation("s1"), last);
    agents.run(["prompt", "s1", "quit"]).succeeds();
    agents.run(["wait", "s1", "--for", "exit", "--timeout", "30s"]).succeeds();
    assert_eq!(agents.conversation("s1"), last);
}

#[test]
fn the_conversation_of_one_agent_is_not_given_to_another() {
    let agents = Agents::new(1);
    with_other_agent(&agents);
    agents.run(["start", "s1", "--agent", "fake", "--prompt", "remember red"]).succeeds();
    agents.until("s1", "noted red");
    agents.until_waiting("s1");
    agents.run(["stop", "s1"]).succeeds();
    agents.run(["start", "s1", "--agent", "other", "--continue"]).fails(3).says("no conversation yet");
    agents.run(["start", "s1", "--agent", "other"]).succeeds();
    agents.run(["stop", "s1"]).succeeds();
    agents.run(["conversation", "current", "s1"]).fails(3).says("no conversation yet");
    agents.run(["resume", "s1"]).succeeds().says("a new one begins");
    assert_eq!(agents.json(["show", "s1"])["command"], json!(["/bin/cat"]));
    agents.run(["kill", "s1"]).succeeds();
}

#[test]
fn a_record_that_is_refused_leads_into_no_other_conversation() {
    let agents = Agents::new(1);
    agents.run(["start", "s1", "--agent", "fake"]).succeeds();
    agents.until("s1", "ready");
    let (id, before) = (agents.conversation("s1"), agents.chain("s1"));
    let meta = format!("much={}", "x".repeat(5000));
    agents.run(["conversation", "record", "s1", "--id", "other", "--prompt", "x", "--meta", &meta]).fails(2);
    assert_eq!((agents.conversation("s1"), agents.chain("s1")), (id, before));
}

#[test]
fn a_command_in_between_costs_no_conversation() {
    let agents = Agents::new(1);
    agents.settings("[transcripts]\nkeep = \"always\"\n");
    agents.run(["start", "s1", "--agent", "fake", "--prompt", "remember red"]).succeeds();
    agents.until("s1", "noted red");
    agents.until_waiting("s1");
    agents.run(["stop", "s1"]).succeeds();
    agents.run(["start", "s1", "--", "true"]).succeeds();
    agents.run(["wait", "s1", "--for", "exit", "--timeout", "30s"]).succeeds();
    agents.run(["start", "s1", "--agent", "shell"]).succeeds();
    agents.run(["kill", "s1"]).succeeds();
    agents.lose_agent_home();
    agents.run(["start", "s1", "--agent", "fake", "--continue"]).succeeds();
    agents.until("s1", "ready");
    agents.ask("s1", "recall", "told: red");
}

#[test]
fn a_transcript_that_the_agent_named_is_there_wherever_it_lies() {
    let agents = Agents::new(1);
    let mut start = agents.command();
    start.args(["start", "s1", "--agent", "fake", "--prompt", "remember red"]);
    start.env("AGENT_HOME", agents.home().join("elsewhere"));
    assert!(start.output().unwrap().status.success());
    agents.until("s1", "noted red");
    agents.until_waiting("s1");
    fs::create_dir_all(agents.agent_home()).unwrap();
    let id = agents.conversation("s1");
    agents.crash();
    // Its environment is another one now, so it cannot find it; but it is asked for this one and no other.
    agents.run(["resume", "s1"]).succeeds().says("the agent is asked to go on with it");
    agents.run(["wait", "s1", "--for", "exit", "--timeout", "30s"]).succeeds();
    assert_eq!(agents.conversation("s1"), id);
    assert!(agents.argv()[0].starts_with(&format!("--resume {id} ")), "{:?}", agents.argv());
}

#[test]
fn an_agent_within_the_agent_does_not_take_its_place() {
    let agents = Agents::new(1);
    agents.run(["start", "s1", "--agent", "fake", "--prompt", "remember red"]).succeeds();
    agents.until("s1", "noted red");
    agents.until_waiting("s1");
    let id = agents.conversation("s1");
    agents.ask("s1", "nest", "nested");
    agents.until_waiting("s1");
    assert_eq!(agents.conversation("s1"), id);
    let chain = agents.chain("s1");
    assert_eq!(chain["currentId"], json!(id));
    assert!(!chain["entries"].to_string().contains("inner"), "{chain}");
}

#[test]
fn a_prompt_is_not_pressed_upon_a_program_that_shows_nothing_of_it() {
    let agents = Agents::new(1);
    let script = "stty -echo; echo asking; read -r answer; echo \"answered $answer\"; exec cat";
    agents.run(["start", "s1", "--", "sh", "-c", script]).succeeds();
    agents.until("s1", "asking");
    let refused = agents.run(["prompt", "s1", "hello"]).fails(1);
    refused.says("shows nothing of what was pasted").says("wharf attach");
    agents.run(["send", "s1", "--enter"]).succeeds();
    agents.until("s1", "answered hello");
}

#[test]
fn an_agent_that_is_unknown_or_cannot_be_asked_is_refused() {
    let agents = Agents::new(1);
    agents.run(["start", "s1", "--agent", "nobody"]).fails(3).says("`nobody`").says("wharf agent list");
    agents.run(["start", "s1", "--agent", "No Body"]).fails(2);
    agents.run(["start", "s1", "--agent", "shell", "--prompt", "x"]).fails(2).says("wharf prompt");
    agents.run(["start", "s1", "--agent", "fake", "--continue"]).fails(3).says("no conversation yet");
    agents.run(["prompt", "s1", "hello"]).fails(3).says("nothing runs in it");
    agents.run(["prompt", "s1", "  "]).fails(2);
    assert_eq!(agents.json(["show", "s1"])["agent"], json!(null));
}
#[test]
fn a_start_puts_transcripts_back_and_the_doctor_says_where_they_are() {
    let agents = Agents::new(1);
    agents.settings("[transcripts]\nkeep = \"always\"\n");
    agents.run(["start", "s1", "--agent", "fake", "--prompt", "remember red"]).succeeds();
    agents.until("s1", "noted red");
    agents.until_waiting("s1");
    agents.run(["doctor"]).succeeds();
    agents.run(["kill", "s1"]).succeeds();
    let id = agents.conversation("s1");
    let transcripts = || {
        let folders = fs::read_dir(agents.agent_home().join("projects")).into_iter().flatten();
        folders.filter(|it| it.as_ref().unwrap().path().join(format!("{id}.jsonl")).is_file()).count()
    };
    agents.lose_agent_home();
    agents.run(["doctor"]).succeeds();
    agents.run(["restore"]).succeeds();
    assert_eq!(transcripts(), 1);
    // Without a copy it is really gone.
    agents.lose_agent_home();
    fs::remove_dir_all(agents.session_folder("s1").join("transcripts")).unwrap();
    agents.run(["doctor"]).says("is gone");
    fs::write(agents.session_folder("s1").join("conversation.json"), "{").unwrap();
    agents.run(["doctor"]).says("chain of its conversations cannot be read");
}

#[test]
fn transcripts_on_another_file_system_are_kept_without_being_asked() {
    let elsewhere = "/dev/shm";
    let device = |path: &Path| fs::metadata(path).map(|it| it.dev()).ok();
    let agents = Agents::new(1);
    if device(Path::new(elsewhere)).is_none() || device(Path::new(elsewhere)) == device(&agents.root()) {
        eprintln!("left out: {elsewhere} is not another file system");
        return;
    }
    let home = tempfile::tempdir_in(elsewhere).unwrap();
    let run = |words: &[&str]| {
        let output = agents.command().args(words).env("AGENT_HOME", home.path()).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    run(&["start", "s1", "--agent", "fake", "--prompt", "remember red"]);
    agents.until("s1", "noted red");
    agents.until_waiting("s1");
    assert!(run(&["doctor"]).contains("copies are kept in the workspace"));
    agents.crash();
    for entry in fs::read_dir(home.path()).unwrap().map(|it| it.unwrap().path()) {
        if entry.is_dir() { fs::remove_dir_all(entry).unwrap() } else { fs::remove_file(entry).unwrap() }
    }
    run(&["resume", "s1"]);
    agents.until("s1", "ready");
    agents.ask("s1", "recall", "told: red");
    agents.run(["kill", "s1"]).succeeds();
    agents.settings("[transcripts]\nkeep = \"never\"\n");
    assert!(run(&["doctor"]).contains("mount that folder"));
}
