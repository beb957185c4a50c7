//! Transcripts: whole, cut short, damaged, large, with lines that begin and end anywhere.

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
};

use proptest::prelude::*;
use tempfile::TempDir;

use crate::{
    atomic::{Durability, write_new},
    conversation::{ConversationError, Flaw, LINE_BYTES_MAX, Transcript, TranscriptState, check},
};

const LINE: &str = r#"{"type":"user","message":{"content":"hi"},"timestamp":"2025-11-24T10:30:00.000Z"}"#;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("a.jsonl")
    }

    fn check(&self, bytes: impl AsRef<[u8]>) -> Transcript {
        write_new(&self.path(), bytes.as_ref(), Durability::Crash).unwrap();
        check(&self.path()).unwrap()
    }
}

#[test]
fn a_transcript_is_missing_empty_or_intact() {
    let place = Place::new();
    assert_eq!(check(&place.path()).unwrap().state, TranscriptState::Missing);
    assert_eq!(check(&place.path().join("below")).unwrap().state, TranscriptState::Missing);
    for nothing in ["", "\n", " \n\t\r\n"] {
        assert_eq!(place.check(nothing).state, TranscriptState::Empty, "{nothing:?}");
    }
    let other = r#"{"type":"summary","timestamp":"2025-11-24T09:30:00+01:00"}"#;
    let assistant = r#"{"type":"assistant","timestamp":"2025-11-24 11:00:00"}"#;
    for ending in ["", "\n", "\r\n", "\n\n"] {
        let whole = place.check(format!("{LINE}\n{other}\n\n{assistant}{ending}"));
        assert_eq!((whole.state, whole.lines, whole.messages), (TranscriptState::Intact, 3, 2), "{ending:?}");
        assert_eq!(whole.first.unwrap().to_string(), "2025-11-24T08:30:00.000Z");
        assert_eq!(whole.last.unwrap().to_string(), "2025-11-24T11:00:00.000Z");
    }
    fs::remove_file(place.path()).unwrap();
    fs::create_dir(place.path()).unwrap();
    assert!(matches!(check(&place.path()), Err(ConversationError::NotAFile { .. })));
}

#[test]
fn a_last_line_without_its_end_is_torn_at_every_byte_and_any_other_is_corrupt() {
    let place = Place::new();
    let whole = format!("{LINE}\n{LINE}\n");
    for length in LINE.len() + 2..whole.len() - 2 {
        let torn = place.check(&whole[..length]);
        assert_eq!(torn.state, TranscriptState::Torn { line: 2 }, "{length}");
        let ended = place.check(format!("{}\n", &whole[..length]));
        assert!(matches!(ended.state, TranscriptState::Corrupt { line: 2, .. }), "{length}");
    }
    assert_eq!(place.check(&whole[..whole.len() - 1]).state, TranscriptState::Intact);
}

#[test]
fn the_first_bad_line_is_named_with_its_byte() {
    let place = Place::new();
    let bad = |text: &[u8]| {
        let mut bytes = format!("{LINE}\n\n").into_bytes();
        bytes.extend_from_slice(text);
        bytes.extend_from_slice(format!("\n{LINE}\nalso bad").as_bytes());
        place.check(bytes).state
    };
    let corrupt = |column, flaw| TranscriptState::Corrupt { line: 3, column, flaw };
    assert_eq!(bad(b"{\"a\": nope}"), corrupt(7, Flaw::Syntax));
    assert_eq!(bad(&[0; 90]), corrupt(1, Flaw::Syntax));
    assert_eq!(bad(b"{\"a\":\"\xff\"}"), corrupt(7, Flaw::Encoding));
    assert_eq!(bad(b"\xef\xbb\xbf{}"), corrupt(1, Flaw::Syntax));
    assert_eq!(bad(b"{} {}"), corrupt(4, Flaw::Syntax));
}

#[test]
fn lines_may_begin_and_end_anywhere_in_the_blocks_of_a_large_file() {
    let place = Place::new();
    // Lengths around the size of a block, and lines over several of them.
    for padding in [0_usize, 1, (512 << 10) - 83, (512 << 10) - 82, (512 << 10) + 1, 1 << 20] {
        let long = LINE.replace("hi", &"é".repeat(padding / 2));
        let text = format!("{LINE}\n{long}\n{LINE}\n").repeat(2);
        let whole = place.check(&text);
        assert_eq!((whole.state, whole.lines, whole.messages), (TranscriptState::Intact, 6, 6), "{padding}");
        let bad = place.check(format!("{text}{{\n{text}"));
        let state = TranscriptState::Corrupt { line: 7, column: 2, flaw: Flaw::Syntax };
        assert_eq!((bad.state, bad.lines), (state, 13), "{padding}");
        let torn = place.check(format!("{text}{{\"a\":\"{}", "x".repeat(padding)));
        assert_eq!(torn.state, TranscriptState::Torn { line: 7 }, "{padding}");
    }
}

#[test]
fn a_line_that_is_too_long_is_named_and_not_held() {
    let place = Place::new();
    let mut file = File::create(place.path()).unwrap();
    writeln!(file, "{LINE}").unwrap();
    // A hole: bytes that are nowhere on the disk.
    file.set_len(1 << 30).unwrap();
    drop(file);
    let long = check(&place.path()).unwrap();
    let column = LINE_BYTES_MAX as u64 + 1;
    assert_eq!(long.state, TranscriptState::Corrupt { line: 2, column, flaw: Flaw::TooLong });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn many_lines_are_judged_as_one_by_one(
        lines in proptest::collection::vec(prop_oneof![
            4 => Just(LINE.to_owned()), 1 => Just(String::new()), 1 => Just("{".to_owned()),
            2 => (0_usize..700_000).prop_map(|length| format!("\"{}\"", "x".repeat(length))),
        ], 0..12),
        has_end in any::<bool>(),
    ) {
        let mut text = lines.join("\n");
        if has_end {
            text.push('\n');
        }
        let physical: Vec<&str> = text.split('\n').collect();
        let bad = physical.iter().position(|line| *line == "{").map(|at| at as u64 + 1);
        let is_torn = bad == Some(physical.len() as u64);
        let place = Place::new();
        let transcript = place.check(&text);
        match transcript.state {
            TranscriptState::Torn { line } => prop_assert!(is_torn && bad == Some(line)),
            TranscriptState::Corrupt { line, .. } => prop_assert!(!is_torn && bad == Some(line)),
            TranscriptState::Empty => prop_assert_eq!(physical.iter().filter(|it| !it.is_empty()).count(), 0),
            TranscriptState::Intact | TranscriptState::Missing => prop_assert_eq!(bad, None),
        }
        let full = physical.iter().filter(|it| !it.is_empty()).count();
        prop_assert_eq!(transcript.lines, full as u64);
    }
}
