//! Whether what ran in a session, and how it ended, is written and read to the letter.

use super::support::entry;
use crate::{
    clock::Timestamp,
    session::{COMMAND_WORDS_MAX, Cause, Command, Ending, How, ProcessId, Session},
    store::{decode_record, encode_record},
    workspace::Workspace,
};

fn written(session: &Session) -> String {
    encode_record(session, &Workspace::at(std::path::Path::new("/workspace")))
}

fn at() -> Timestamp {
    "2025-11-24T10:30:00.000Z".parse().unwrap()
}

#[test]
fn a_running_session_is_written_with_command_process_and_holder() {
    let mut session = decode_record(&entry(1, "")).unwrap();
    let process = |pid| ProcessId { pid, started: 5, boot: "b/1".to_owned() };
    let command = Command::of(vec!["sh".to_owned(), "-c".to_owned(), "echo \"a b\"".to_owned()]).unwrap();
    session.run(command, process(7), process(8), at());
    let text = written(&session);
    for part in [
        r#""status":"active","#,
        r#""ptyPid":7,"#,
        r#""command":["sh","-c","echo \"a b\""],"process":{"pid":7,"started":5,"boot":"b/1"},"holder":{"pid":8,"started":5,"boot":"b/1"}"#,
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("ended"), "{text}");
    assert_eq!(decode_record(&text).unwrap(), session);
}

#[test]
fn every_ending_comes_back() {
    for (how, cause, part) in [
        (How::Exited(0), Cause::Itself, r#""code":0,"cause":"itself""#),
        (How::Exited(-1), Cause::Asked, r#""code":-1,"cause":"asked""#),
        (How::Signalled(15), Cause::Shutdown, r#""signal":15,"cause":"shutdown""#),
        (How::Unseen, Cause::Restart, r#"Z","cause":"restart""#),
        (How::Unseen, Cause::Lost, r#"Z","cause":"lost""#),
        (How::Exited(2), Cause::Unknown("moved".parse().unwrap()), r#""code":2,"cause":"moved""#),
    ] {
        let mut session = decode_record(&entry(1, "")).unwrap();
        session.end(Ending { at: at(), how, cause });
        let text = written(&session);
        assert!(text.contains(r#""ended":{"at":"2025-11-24T10:30:00.000Z","#), "{text}");
        assert!(text.contains(part), "{part} in {text}");
        assert_eq!(decode_record(&text).unwrap(), session);
    }
}

#[test]
fn what_a_newer_wharf_adds_to_an_ending_does_not_cost_the_session() {
    let newer = r#","ended":{"at":"2025-11-24T10:30:00.000Z","cause":"moved elsewhere","host":"x"}"#;
    let session = decode_record(&entry(1, newer)).unwrap();
    assert_eq!(session.ending().unwrap().cause, Cause::Unknown("moved elsewhere".parse().unwrap()));
    assert!(written(&session).contains(r#""cause":"moved elsewhere""#));
}

#[test]
fn commands_and_endings_are_held_to_their_rules() {
    let many = vec![r#""x""#; COMMAND_WORDS_MAX + 1].join(",");
    for (more, field) in [
        (r#","command":[]"#, "command"),
        (r#","command":[""]"#, "command"),
        (r#","command":"sh""#, "command"),
        (r#","command":["sh",7]"#, "command"),
        (r#","command":["sh","\u0000"]"#, "command"),
        (&format!(r#","command":[{many}]"#), "command"),
        (r#","holder":{"pid":0,"started":1,"boot":"b"}"#, "holder"),
        (r#","ended":{"cause":"lost"}"#, "ended"),
        (r#","ended":{"at":"2025-11-24T10:30:00.000Z"}"#, "ended"),
        (r#","ended":{"at":"2025-11-24T10:30:00.000Z","cause":""}"#, "ended"),
        (r#","ended":{"at":"2025-11-24T10:30:00.000Z","cause":"itself","code":1,"signal":2}"#, "ended"),
    ] {
        let because = decode_record(&entry(1, more)).unwrap_err().because();
        assert!(because.starts_with(&format!("`{field}` cannot be taken: ")), "{more}: {because}");
    }
    let nulls = r#","command":null,"holder":null,"ended":null"#;
    assert_eq!(decode_record(&entry(1, nulls)).unwrap(), decode_record(&entry(1, "")).unwrap());
}

#[test]
fn an_agent_comes_back_with_its_conversation() {
    let text =
        r#","agent":{"name":"claude","arguments":["--model","opus"],"conversation":"ses_1","reports":true}"#;
    let session = decode_record(&entry(1, text)).unwrap();
    let agent = session.agent().unwrap();
    assert_eq!((agent.name.as_str(), agent.reports), ("claude", true));
    assert_eq!(agent.conversation.as_ref().unwrap().as_str(), "ses_1");
    assert!(written(&session).contains(&text[1..]), "{}", written(&session));
    let plain = r#","agent":{"name":"codex"}"#;
    let session = decode_record(&entry(1, plain)).unwrap();
    assert!(written(&session).contains(&plain[1..]));
    assert!(decode_record(&entry(1, r#","agent":{"name":"codex","conversation":"../x"}"#)).is_err());
}
