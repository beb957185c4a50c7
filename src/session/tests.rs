use std::{hash::BuildHasher as _, path::Path};

use proptest::prelude::*;

use super::*;

const ID: &str = "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11";

#[test]
fn an_id_has_one_spelling() {
    assert_eq!(ID.parse::<SessionId>().unwrap().to_string(), ID);
    assert_eq!(ID.parse::<SessionId>().unwrap().short(), "2f1e8f0a");
    for text in [
        "",
        "2F1E8F0A-6F0C-4A55-9D3C-0D7F4A4B8C11",
        "2f1e8f0a6f0c4a559d3c0d7f4a4b8c11",
        "{2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11}",
        "2f1e8f0a-6f0c-1a55-9d3c-0d7f4a4b8c11",
        "2f1e8f0a-6f0c-4a55-1d3c-0d7f4a4b8c11",
        "../f0a-6f0c-4a55-9d3c-0d7f4a4b8c11aa",
    ] {
        assert!(text.parse::<SessionId>().is_err(), "{text}");
    }
    assert!(SessionId::random().to_string().parse::<SessionId>().is_ok());
}

#[test]
fn names_of_letters_digits_and_inner_punctuation_pass() {
    for text in [
        "a",
        "7",
        "feature-auth",
        "v1.2_x",
        "a.b",
        "A-b_C.d",
        "console",
        "com",
        "com10",
        "x.con",
        &"n".repeat(64),
    ] {
        assert_eq!(text.parse::<SessionName>().unwrap().as_str(), text);
    }
}

#[test]
fn a_name_that_breaks_a_rule_is_told_which() {
    let error = |text: &str| text.parse::<SessionName>().unwrap_err();
    assert_eq!(error(""), SessionNameError::Empty);
    assert_eq!(error(&"n".repeat(65)), SessionNameError::TooLong { chars: 65 });
    for (text, found) in
        [("a b", ' '), ("a/b", '/'), ("a\nb", '\n'), ("é", 'é'), ("a\0", '\0'), ("a\u{202e}b", '\u{202e}')]
    {
        assert_eq!(error(text), SessionNameError::Character { found }, "{text:?}");
    }
    for text in ["-a", "a-", ".a", "a.", "_", "..", "_a", "a_"] {
        assert!(matches!(error(text), SessionNameError::Edge { .. }), "{text}");
    }
    for text in [
        "a..b",
        "a.lock",
        "a.LOCK",
        ID,
        "2F1E8F0A6F0C4A559D3C0D7F4A4B8C11",
        "con",
        "NUL.txt",
        "aux",
        "com1",
        "LPT9.x",
        "prn.a.b",
        "com0",
    ] {
        assert!(matches!(error(text), SessionNameError::Reserved { .. }), "{text}");
    }
}

#[test]
fn names_that_differ_in_case_are_one_name() {
    let name = |text: &str| text.parse::<SessionName>().unwrap();
    assert_eq!(name("Auth"), name("aUTH"));
    assert_ne!(name("Auth"), name("Auth2"));
    assert_eq!(name("Auth").folded(), name("AUTH").folded());
}

#[test]
fn a_session_name_gives_a_branch_name() {
    let branch = BranchName::for_session(&"auth".parse().unwrap());
    assert_eq!(branch.as_str(), "feature/auth");
    assert_eq!(branch.reference(), "refs/heads/feature/auth");
    assert_eq!(branch.as_str().parse::<BranchName>(), Ok(branch));
}

#[test]
fn branch_names_follow_gits_rules() {
    for text in ["main", "feature/x", "ümläut/世界", "a.b", "x@y", "a-", "user/a.b-c_d", "{x}", "#1"] {
        assert!(text.parse::<BranchName>().is_ok(), "{text}");
        assert!(git2::Branch::name_is_valid(text).unwrap(), "{text}");
    }
    for text in [
        "", "HEAD", "@", "-x", "a b", "a~b", "a^b", "a:b", "a?b", "a*b", "a[b", "a\\b", "a..b", "a@{b", "a.",
        "/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a\tb", "a\u{7f}b",
    ] {
        assert!(text.parse::<BranchName>().is_err(), "{text}");
    }
    for text in ["a\u{202e}b", "a\u{200b}b", &"x".repeat(201), &"x/".repeat(600)] {
        assert!(text.parse::<BranchName>().is_err(), "ours, not git's: {text}");
    }
    assert!(format!("{}/{}", "x".repeat(200), "y".repeat(200)).parse::<BranchName>().is_ok());
}

#[test]
fn a_branch_name_has_at_most_a_thousand_bytes() {
    let longest = format!("{0}/{0}/{0}/{0}/{0}x", "x".repeat(199));
    assert_eq!(longest.len(), BRANCH_BYTES_MAX);
    assert_eq!(longest.parse::<BranchName>().unwrap().to_string(), longest);
    assert!(format!("{longest}x").parse::<BranchName>().is_err());
    assert!(format!("{0}/{0}/{0}/{0}/{0}/x", "x".repeat(199)).parse::<BranchName>().is_err());
}

#[test]
fn only_a_record_may_say_detached() {
    assert!(BranchName::from_record("HEAD").unwrap().is_detached());
    assert!(!BranchName::from_record("main").unwrap().is_detached());
    assert!(BranchName::from_record("a b").is_err());
}

#[test]
fn statuses_are_five_words() {
    for status in SessionStatus::ALL {
        assert_eq!(status.to_string().parse(), Ok(status));
    }
    for text in ["", "Active", "busy", "idle "] {
        assert!(text.parse::<SessionStatus>().is_err(), "{text}");
    }
}

#[test]
fn an_issue_is_owner_repo_and_number() {
    let issue: IssueRef = "Acme/shop.js#42".parse().unwrap();
    assert_eq!((issue.repository(), issue.number()), ("Acme/shop.js", 42));
    assert_eq!(issue.to_string(), "Acme/shop.js#42");
    assert_eq!(issue.folded(), ("acme/shop.js".to_owned(), 42));
    assert_eq!(issue, "acme/SHOP.js#42".parse().unwrap());
    assert_ne!(issue, "acme/shop.js#43".parse().unwrap());
    for text in [
        "",
        "acme/shop",
        "acme#1",
        "acme/shop#",
        "acme/shop#0",
        "acme/shop#-1",
        "acme/shop#+1",
        "acme/shop#x",
        "a/b/c#1",
        "/b#1",
        "a/#1",
        "../b#1",
        "a/..#1",
        "a/b#99999999999999999999",
        "a b/c#1",
        "a/b#1 ",
    ] {
        assert!(text.parse::<IssueRef>().is_err(), "{text}");
    }
    assert!(format!("{}/b#1", "a".repeat(101)).parse::<IssueRef>().is_err());
}

#[test]
fn labels_have_a_length() {
    assert_eq!("status-07:code-review".parse::<Label>().unwrap().as_str(), "status-07:code-review");
    assert_eq!("two words".parse::<Label>().unwrap().to_string(), "two words");
    assert!("x".repeat(1000).parse::<Label>().is_ok());
    assert_eq!("x".repeat(1001).parse::<Label>(), Err(LabelError { bytes: 1001 }));
    assert!("".parse::<Label>().is_err());
    assert!("a\0".parse::<Label>().is_err());
}

#[test]
fn a_commit_id_is_whole() {
    let commit: CommitId = "a1".repeat(20).parse().unwrap();
    assert_eq!((commit.as_str(), commit.to_string()), ("a1".repeat(20).as_str(), "a1".repeat(20)));
    assert!("a".repeat(40).parse::<CommitId>().is_ok());
    assert!("0".repeat(64).parse::<CommitId>().is_ok());
    for text in ["", "abc", &"A".repeat(40), &"g".repeat(40), &"a".repeat(41)] {
        assert!(text.parse::<CommitId>().is_err(), "{text}");
    }
}

#[test]
fn a_repository_lies_below_the_workspace() {
    let below = |text: &str| text.parse::<RepositoryPath>().unwrap().below(Path::new("/w"));
    let path: RepositoryPath = "org/api".parse().unwrap();
    assert_eq!((path.as_str(), path.to_string()), ("org/api", "org/api".to_owned()));
    assert_eq!(RepositoryPath::root().as_str(), ".");
    assert_eq!(below("."), Path::new("/w"));
    assert_eq!(below("org/api"), Path::new("/w/org/api"));
    for text in ["", "/", "/etc", "..", "../x", "a/../..", "a/./b", "./a", "a/", "a//b", "a\0b"] {
        assert!(text.parse::<RepositoryPath>().is_err(), "{text:?}");
    }
    assert!("n".repeat(4_095).parse::<RepositoryPath>().is_ok());
    assert!("n".repeat(4_096).parse::<RepositoryPath>().is_err());
}

#[test]
fn a_session_that_rests_has_no_process_and_keeps_its_activity() {
    let now = Timestamp::from_unix_millis(1_763_980_200_000).unwrap();
    let mut session = example(now);
    session.rest();
    assert_eq!(session.status(), SessionStatus::Idle);
    assert_eq!(session.pty_pid(), None);
    assert_eq!(session.last_activity(), now);
}

#[test]
fn activity_never_goes_back() {
    let now = Timestamp::from_unix_millis(1_763_980_200_000).unwrap();
    let mut session = example(now);
    session.touch(Timestamp::from_unix_millis(0).unwrap());
    assert_eq!(session.last_activity(), now);
    session.touch(now.plus_days(1));
    assert_eq!(session.last_activity(), now.plus_days(1));
}

#[test]
fn a_session_follows_its_worktree() {
    let now = Timestamp::from_unix_millis(1_763_980_200_000).unwrap();
    let base = Base { commit: "0".repeat(40).parse().unwrap(), reference: None };
    let mut session = example(now);
    session.parts_mut().base = Some(Arc::new(base.clone()));
    session.switch("other".parse().unwrap());
    session.relocate("api".parse().unwrap());
    assert_eq!((session.branch().as_str(), session.repository().as_str()), ("other", "api"));
    assert_eq!(session.base(), Some(&base));
    session.switch_to_unborn("new".parse().unwrap());
    assert_eq!((session.branch().as_str(), session.base()), ("new", None));
}

#[test]
fn the_journal_holds_what_was_begun_until_it_is_settled() {
    let now = Timestamp::from_unix_millis(1_763_980_200_000).unwrap();
    let mut session = example(now);
    let worker = session.process().unwrap().clone();
    let pending = Pending { action: PendingAction::BringingBack, worker, since: now };
    session.begin(pending.clone());
    assert_eq!(session.pending(), Some(&pending));
    session.settle();
    assert_eq!(session.pending(), None);
}

#[test]
fn a_phase_is_said_and_taken_back() {
    let now = Timestamp::from_unix_millis(1_763_980_200_000).unwrap();
    let mut session = example(now);
    let phase: Label = "testing".parse().unwrap();
    session.set_phase(Some(phase.clone()), now);
    assert_eq!(session.phase(), Some(&phase));
    session.set_phase(None, now);
    assert_eq!(session.phase(), None);
}

#[test]
fn a_binding_keeps_when_it_began_and_ends_when_empty() {
    let now = Timestamp::from_unix_millis(1_763_980_200_000).unwrap();
    let later = now.plus_days(1);
    let mut session = example(now);
    let issue = Issue { reference: "a/b#1".parse().unwrap(), label: None, intervention: true };
    session.bind(now, |binding| binding.issue = Some(issue.clone()));
    session.bind(later, |binding| {
        binding.editor = Some(Editor { name: "code".parse().unwrap(), process: None });
    });
    let binding = session.binding().unwrap();
    assert_eq!((binding.started_at, binding.last_updated), (now, later));
    assert_eq!(session.issue(), Some(&issue));
    session.bind(later, |binding| binding.issue = None);
    assert!(session.binding().is_some());
    session.bind(later, |binding| binding.editor = None);
    assert_eq!(session.binding(), None);
}

pub(super) fn example(now: Timestamp) -> Session {
    Session::from_parts(SessionParts {
        process: Some(Box::new(ProcessId { pid: 7, started: 1, boot: "b/1".to_owned() })),
        unproven_pid: Some(8),
        ..SessionParts::of(ID.parse().unwrap(), "auth".parse().unwrap(), now)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_a_name_at_first_sight_breaks_no_rule(
        text in prop_oneof!["[a-zA-Z0-9_.-]{0,70}", "[a-f0-9-]{32,36}", "(con|PRN|com|lpt|aux|nul)[0-9.]{0,2}", any::<String>()],
    ) {
        if name::is_plain(&text) {
            prop_assert_eq!(name::hold_to_rules(&text), Ok(()));
        }
    }

    #[test]
    fn what_is_a_branch_at_first_sight_breaks_no_rule(
        text in prop_oneof!["[a-zH_.@{/-]{0,12}", "(HEAD|@|a//b|a/|/a|-a|a/-b|a.lock)", "[a-z]{190,210}(/[a-z]{190,210})?", any::<String>()],
    ) {
        if branch::is_plain(&text) {
            prop_assert_eq!(branch::broken_rule(&text), None);
        }
    }

    #[test]
    fn names_and_issues_that_are_equal_have_one_hash(text in "[a-zA-Z]{5,20}", number in 1_u64..9) {
        let quick = crate::hash::Quick::default();
        let hash = |text: &str| quick.hash_one(text.parse::<SessionName>().unwrap());
        prop_assert_eq!(hash(&text), hash(&text.to_ascii_uppercase()));
        let hash = |text: &str| quick.hash_one(IssueRef::new(&format!("{text}/x"), number).unwrap());
        prop_assert_eq!(hash(&text), hash(&text.to_ascii_lowercase()));
    }
}
