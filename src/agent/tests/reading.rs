use super::*;

fn read(agent: &str, text: &str) -> HookInput {
    HookInput::parse(&builtin(agent), text.as_bytes()).unwrap()
}

#[test]
fn the_fields_are_read_by_the_names_of_the_agent() {
    let input = read(
        "claude",
        r#"{"session_id":"a-1","transcript_path":"/t/a-1.jsonl","cwd":"/w","prompt":"do","last_assistant_message":"done","more":[1e999]}"#,
    );
    assert_eq!(input.id.unwrap().as_str(), "a-1");
    assert_eq!((input.transcript, input.cwd), (Some("/t/a-1.jsonl".into()), Some("/w".into())));
    assert_eq!((input.prompt.as_deref(), input.response.as_deref()), (Some("do"), Some("done")));
    assert_eq!(read("gemini", r#"{"prompt_response":"ok"}"#).response.as_deref(), Some("ok"));
}

#[test]
fn what_is_missing_or_odd_is_not_there() {
    let odd = r#"{"session_id":"../x","transcript_path":"t","cwd":7,"prompt":["a"],"last_assistant_message":"\ud800"}"#;
    for text in ["{}", odd, r#"{"session_id":null}"#] {
        assert_eq!(read("claude", text), HookInput::default(), "{text}");
    }
    assert_eq!(read("shell", r#"{"session_id":"a"}"#), HookInput::default());
}

#[test]
fn a_field_may_lie_deeper() {
    let agent = described(
        "start = ['x']\n[hooks]\nfile = 'x'\nevents = { A = 'end' }\nfields = { id = 'a.b.c', prompt = 'a.b' }",
    );
    let input = HookInput::parse(&agent.unwrap(), br#"{"a":{"b":{"c":"x1"}}}"#).unwrap();
    assert_eq!((input.id.unwrap().as_str(), input.prompt), ("x1", None));
}

#[test]
fn what_is_no_object_is_refused() {
    for bytes in [&b""[..], b"[]", b"{", b"\"a\"", b"{} {}", b"{\"a\":\"\xff\"}"] {
        let err = HookInput::parse(&builtin("claude"), bytes).unwrap_err();
        assert!(matches!(err, AgentError::Input { .. }), "{bytes:?}: {err}");
    }
}
