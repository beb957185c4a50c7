//! Whether one session is written and read to the letter.

use serde::Serialize;

use super::support::{FULL, entry, session, uuid};
use crate::{
    session::SessionStatus,
    store::{Record, RecordError, decode_record, encode_record, record},
    workspace::Workspace,
};

fn workspace() -> Workspace {
    Workspace::at(std::path::Path::new("/workspace"))
}

fn because(text: &str) -> String {
    decode_record(text).unwrap_err().because()
}

#[test]
fn a_full_record_comes_back_to_the_letter() {
    let session = decode_record(&entry(1, FULL)).unwrap();
    let written = encode_record(&session, &workspace());
    assert_eq!(decode_record(&written).unwrap(), session);
    for part in [
        r#""worktreePath":"/workspace/.worktrees/00000000-0000-4000-8000-000000000001","#,
        r#""status":"waiting","branch":"feature/s1","#,
        r#""ptyPid":77,"currentPhase":"testing","metadata":{"n":1e400,"n":2},"repository":"apps/web","#,
        r#""process":{"pid":77,"started":18446744073709551615,"boot":"b/1"},"#,
        r#""pending":{"action":"destroying","deleteBranch":true,"worker":{"pid":1,"started":2,"boot":"b/1"},"since":"2025-11-24T13:00:00.000Z"},"#,
        r#""x-num":123456789012345678901234567890.10,"x-dup":1,"x-dup":{"deep":[1 , 2]}}"#,
    ] {
        assert!(written.contains(part), "{part} in {written}");
    }
    assert!(!written.contains('\n'));
}

#[test]
fn a_sparse_record_is_written_without_nulls() {
    assert_eq!(
        encode_record(&session(1), &workspace()),
        r#"{"id":"00000000-0000-4000-8000-000000000001","name":"s1","status":"idle","branch":"feature/s1","worktreePath":"/workspace/.worktrees/00000000-0000-4000-8000-000000000001","createdAt":"2025-11-24T10:30:00.000Z","lastActivity":"2025-11-24T10:30:00.000Z","repository":"."}"#
    );
}

#[test]
fn an_explicit_null_reads_as_absent() {
    let nulls = r#","status":null,"lastActivity":null,"ptyPid":null,"currentPhase":null,"metadata":null,"repository":null,"base":null,"process":null,"issue":null,"editor":null,"startedAt":null,"lastUpdated":null,"pending":null,"worktreePath":null"#;
    assert_eq!(decode_record(&entry(1, nulls)).unwrap(), session(1));
}

#[test]
fn a_record_can_be_flattened_into_a_view() {
    #[derive(Serialize)]
    struct View<'a> {
        #[serde(flatten)]
        record: Record<'a>,
        dirty: bool,
    }
    let (session, workspace) = (decode_record(&entry(1, FULL)).unwrap(), workspace());
    let view = View { record: record(&session, &workspace), dirty: true };
    let text = serde_json::to_string(&view).unwrap();
    assert!(text.ends_with(r#""x-dup":1,"x-dup":{"deep":[1 , 2]},"dirty":true}"#), "{text}");
    assert!(text.contains(r#""metadata":{"n":1e400,"n":2}"#), "{text}");
}

#[test]
fn a_pid_without_proof_is_shown_and_not_believed() {
    for pid in [1, -1, 0, i64::MIN, i64::from(std::process::id())] {
        let session = decode_record(&entry(1, &format!(r#","ptyPid":{pid}"#))).unwrap();
        assert_eq!(session.pty_pid(), Some(pid));
        assert_eq!(session.process(), None);
        assert!(encode_record(&session, &workspace()).contains(&format!(r#""ptyPid":{pid},"#)));
    }
}

#[test]
fn a_missing_status_is_idle_and_an_unknown_one_is_refused() {
    assert_eq!(session(1).status(), SessionStatus::Idle);
    assert!(because(&entry(1, r#","status":"busy""#)).starts_with("`status` cannot be taken: `busy`"));
}

#[test]
fn a_doubled_field_of_ours_is_refused() {
    let outcome = decode_record(&entry(1, r#","name":"other""#));
    assert!(matches!(outcome, Err(RecordError::Doubled { field: "name" })));
}

#[test]
fn bad_values_of_ours_are_refused() {
    for (more, field) in [
        (r#","ptyPid":1.5"#, "ptyPid"),
        (r#","ptyPid":99999999999999999999"#, "ptyPid"),
        (r#","ptyPid":"1""#, "ptyPid"),
        (r#","lastActivity":"99999-01-01T00:00:00.000Z""#, "lastActivity"),
        (r#","lastActivity":1763980200000"#, "lastActivity"),
        (r#","metadata":[]"#, "metadata"),
        (r#","currentPhase":"a\u0000b""#, "currentPhase"),
        (r#","repository":"../other""#, "repository"),
        (r#","repository":"/etc""#, "repository"),
        (r#","base":{"commit":"main"}"#, "base"),
        (r#","process":{"pid":0,"started":1,"boot":"b"}"#, "process"),
        (r#","process":{"pid":4294967295,"started":1,"boot":"b"}"#, "process"),
        (r#","process":{"pid":7}"#, "process"),
        (r#","process":7"#, "process"),
        (r#","process":{"pid":7,"pid":8,"started":1,"boot":"b"}"#, "process"),
        (r#","issue":{"repository":"a","number":1}"#, "issue"),
        (r#","issue":{"repository":"a/b","number":0}"#, "issue"),
        (r#","editor":{"name":"code","pid":5}"#, "editor"),
        (r#","editor":{"name":""}"#, "editor"),
        (r#","startedAt":"yesterday""#, "startedAt"),
        (r#","pending":{"action":"renaming"}"#, "pending"),
    ] {
        let because = because(&entry(1, more));
        let start = format!("`{field}` cannot be taken: ");
        assert!(because.starts_with(&start), "{more}: {because}");
    }
}

#[test]
fn one_part_of_a_binding_is_enough_for_one() {
    for part in [
        r#""issue":{"repository":"a/b","number":1,"intervention":false}"#,
        r#""editor":{"name":"code"}"#,
        r#""startedAt":"2025-11-24T11:00:00.000Z""#,
        r#""lastUpdated":"2025-11-24T12:00:00.000Z""#,
    ] {
        let session = decode_record(&entry(1, &format!(",{part}"))).unwrap();
        let written = encode_record(&session, &workspace());
        assert!(written.contains(part), "{part} in {written}");
        assert!(written.contains("\"startedAt\"") && written.contains("\"lastUpdated\""), "{written}");
    }
}

#[test]
fn names_branches_and_ids_are_held_to_their_rules() {
    for (field, good, bad) in [
        ("id", uuid(1), "../../etc"),
        ("name", "s1".to_owned(), "../x"),
        ("branch", "feature/s1".to_owned(), "--force"),
    ] {
        let quoted = |value: &str| format!(r#""{field}":"{value}""#);
        let with_bad = entry(1, "").replace(&quoted(&good), &quoted(bad));
        let text = because(&with_bad);
        assert!(text.starts_with(&format!("`{field}` cannot be taken: ")), "{text}");
        let without = entry(1, "").replace(&quoted(&good), r#""x":1"#);
        assert_eq!(because(&without), format!("it has no `{field}`"));
    }
}

#[test]
fn a_detached_worktree_has_head_for_a_branch() {
    let text = entry(1, "").replace("feature/s1", "HEAD");
    assert!(decode_record(&text).unwrap().branch().is_detached());
}

#[test]
fn what_is_no_object_or_out_of_bounds_is_refused() {
    for text in ["", "[]", "null", "{", "{}x", r#"{"\ud800":1}"#] {
        assert!(matches!(decode_record(text), Err(RecordError::Syntax(_))), "{text}");
    }
    let deep = entry(1, &format!(r#","x":{}{}"#, "[".repeat(200_000), "]".repeat(200_000)));
    assert!(matches!(decode_record(&deep), Err(RecordError::Bounds(_))));
}

/// Another tool may write any character of a text as an escape.
#[test]
fn a_text_that_is_written_with_escapes_is_the_same_text() {
    let plain = entry(1, r#","currentPhase":"code review""#);
    let escaped = plain
        .replace("code review", "\\u0063ode\\u0020review")
        .replace("feature/s1", "feature\\/\\u0073\\u0031")
        .replace("\"s1\"", "\"\\u0073\\u0031\"");
    assert_ne!(escaped, plain);
    let other = decode_record(&escaped).unwrap();
    assert_eq!(other, decode_record(&plain).unwrap());
    assert_eq!((other.name().as_str(), other.branch().as_str()), ("s1", "feature/s1"));
}
