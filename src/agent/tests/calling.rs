use super::*;

const ID: &str = "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11";

/// The words an agent begins with and the words it comes back with, everything given.
fn calls(name: &str) -> (Vec<String>, Vec<String>) {
    let id = ID.parse().unwrap();
    let arguments = ["--model".to_owned(), "big one".to_owned()];
    let invocation = Invocation {
        id: Some(&id),
        arguments: &arguments,
        prompt: Some("-fix it"),
        settings: Some(Path::new("/w/hooks.json")),
    };
    let agent = builtin(name);
    let words = |command: Command| command.words().to_vec();
    (words(agent.start(&invocation).unwrap()), words(agent.resume(&invocation).unwrap()))
}

#[test]
fn each_agent_begins_and_comes_back_in_its_own_way() {
    let (start, resume) = calls("claude");
    let rest = ["--settings", "/w/hooks.json", "--model", "big one", "--", "-fix it"];
    assert_eq!(start, [&["claude", "--session-id", ID], &rest[..]].concat());
    assert_eq!(resume, [&["claude", "--resume", ID], &rest[..]].concat());
    let (start, resume) = calls("codex");
    assert_eq!(start, ["codex", "--model", "big one", "--", "-fix it"]);
    assert_eq!(resume, ["codex", "resume", ID, "--model", "big one", "--", "-fix it"]);
    let (start, resume) = calls("gemini");
    let rest = ["--model", "big one", "--prompt-interactive=-fix it"];
    assert_eq!(start, [&["gemini", "--session-id", ID], &rest[..]].concat());
    assert_eq!(resume, [&["gemini", "--resume", ID], &rest[..]].concat());
    let (start, resume) = calls("opencode");
    assert_eq!(start, ["opencode", "--model", "big one", "--prompt=-fix it"]);
    assert_eq!(resume, ["opencode", "--session", ID, "--model", "big one", "--prompt=-fix it"]);
}

#[test]
fn a_group_without_its_value_is_left_out() {
    let id = ID.parse().unwrap();
    let alone = Invocation { id: Some(&id), ..Invocation::default() };
    assert_eq!(builtin("claude").start(&alone).unwrap().words(), ["claude", "--session-id", ID]);
    assert_eq!(builtin("codex").start(&Invocation::default()).unwrap().words(), ["codex"]);
}

#[test]
fn a_word_without_its_value_is_an_error() {
    let err = builtin("claude").resume(&Invocation::default()).unwrap_err();
    assert!(matches!(err, AgentError::NoValue { what: "conversation", .. }), "{err}");
}

#[test]
fn a_shell_has_no_conversations() {
    let shell = builtin("shell");
    assert!(!shell.has_conversations() && !shell.mints_id() && !shell.reads_prompt());
    let words = shell.start(&Invocation { arguments: &["-l".to_owned()], ..Invocation::default() }).unwrap();
    assert_eq!((&words.words()[0][..], &words.words()[4][..]), ("/bin/sh", "-l"));
    let err = shell.resume(&Invocation::default()).unwrap_err();
    assert!(matches!(err, AgentError::NoConversations { .. }), "{err}");
}

#[test]
fn only_who_is_given_an_id_mints_one() {
    let minting = |name: &str| builtin(name).mints_id();
    assert_eq!(["claude", "codex", "gemini", "opencode"].map(minting), [true, false, true, false]);
    assert_eq!(["claude", "codex"].map(|name| builtin(name).reads_settings()), [true, false]);
}

#[test]
fn a_command_that_is_too_long_is_none() {
    let prompt = "x".repeat(crate::session::COMMAND_BYTES_MAX);
    let err = builtin("codex").start(&Invocation { prompt: Some(&prompt), ..Invocation::default() });
    assert!(matches!(err, Err(AgentError::Command(_))));
}

#[test]
fn braces_are_written_twice() {
    let agent = described("start = ['sh', '-c', 'echo ${{X}} {prompt}']").unwrap();
    let words = agent.start(&Invocation { prompt: Some("{id}"), ..Invocation::default() }).unwrap();
    assert_eq!(words.words(), ["sh", "-c", "echo ${X} {id}"]);
}
