use std::{io, path::PathBuf, sync::Mutex};

use super::*;
use crate::{
    manager::{
        CreateSession, ManagerError, Permits,
        at_work::{AtWork, is_at_work},
        journal::is_abandoned,
    },
    session::{BranchFate, PendingAction},
    store::StoreError,
    worktree::{AddEnd, Outset, Start, WorktreeError},
};

/// What the ports were told, in order; shared with the mocks.
type Story = Arc<Mutex<Vec<&'static str>>>;

/// A store that keeps its table in memory, tells the story, and fails at one commit.
fn store(sessions: Vec<Session>, story: &Story, failing_commit: usize) -> MockStore {
    let table = Arc::new(Mutex::new(sessions));
    let commits = Mutex::new(0);
    let mut mock = MockStore::new();
    let (reads, begins) = (Arc::clone(&table), Arc::clone(&table));
    mock.expect_read().returning(move || Ok(reading(reads.lock().unwrap().clone())));
    mock.expect_begin().returning(move || Ok(reading(begins.lock().unwrap().clone())));
    mock.expect_end().returning(|| ());
    let (story, made) = (Arc::clone(story), Arc::clone(story));
    let commit = move |sessions: &[Session]| {
        let mut commits = commits.lock().unwrap();
        *commits += 1;
        if *commits == failing_commit {
            story.lock().unwrap().push("commit fails");
            let (path, source) = (PathBuf::from("/w/state"), io::ErrorKind::StorageFull.into());
            return Err(StoreError::Io { action: "write", path, source });
        }
        story.lock().unwrap().push(word(sessions));
        *table.lock().unwrap() = sessions.to_vec();
        Ok(())
    };
    let commit = Arc::new(commit);
    let placing = Arc::clone(&commit);
    mock.expect_place().returning(move |sessions| placing(sessions).map(|()| vec!["/w".into()]));
    mock.expect_commit_after().returning(move |sessions, first| {
        // Only a create that git has made has something that goes first.
        let is_made = word(sessions) == "commit settled" && told(&made).contains(&"add");
        assert_eq!(first.is_empty(), !is_made);
        commit(sessions)
    });
    mock
}

fn word(sessions: &[Session]) -> &'static str {
    match sessions.first().map(|session| session.pending().map(|pending| &pending.action)) {
        None => "commit without it",
        Some(None) => "commit settled",
        Some(Some(PendingAction::Creating { .. })) => "commit creating",
        Some(Some(PendingAction::Destroying { .. })) => "commit destroying",
        Some(Some(PendingAction::BringingBack)) => "commit bringing back",
        Some(Some(PendingAction::Renaming { .. })) => "commit renaming",
    }
}

/// Worktrees where everything succeeds and tells the story, but what the test says.
fn worktrees(story: &Story, failing: &'static str) -> MockWorktrees {
    let mut worktrees = MockWorktrees::new();
    let tell = |word: &'static str| {
        let story = Arc::clone(story);
        move || {
            story.lock().unwrap().push(word);
            if word == failing { Err(WorktreeError::GitAnswer { verb: word.to_owned() }) } else { Ok(()) }
        }
    };
    let (add, withdraw, discard, retract) = (tell("add"), tell("withdraw"), tell("discard"), tell("retract"));
    worktrees.expect_repositories().returning(|| Ok(vec![RepositoryPath::root()]));
    let start = || Start { base: base(), branch_is_new: true };
    worktrees.expect_start().returning(move |_, _| Ok(Outset { start: start(), warm: Vec::new() }));
    worktrees.expect_is_trash_due().return_const(false);
    worktrees.expect_has_needs().return_const(false);
    worktrees.expect_want_warm().returning(|_| Ok(()));
    worktrees.expect_losses().returning(|_, _| Ok(Vec::new()));
    worktrees.expect_is_discarded().return_const(false);
    worktrees.expect_add().returning(move |addition| {
        assert_eq!(addition.durable_first, [PathBuf::from("/w")]);
        assert!(is_at_work(addition.id));
        add().map(|()| vec!["/w/index".into()])
    });
    worktrees.expect_withdraw().returning(move |_| withdraw().map(|()| AddEnd::TakenBack));
    worktrees.expect_retract().returning(move |_| retract());
    worktrees.expect_discard().returning(move |of, fate, _| {
        assert!(is_at_work(of.id));
        discard().map(|()| fate)
    });
    worktrees
}

fn create(story: &Story, failing_commit: usize, failing: &'static str) -> Result<Session, ManagerError> {
    let mut manager = manager(store(Vec::new(), story, failing_commit), worktrees(story, failing));
    manager.create(&CreateSession { name: Some("auth".parse().unwrap()), ..CreateSession::default() })
}

fn destroy(story: &Story, failing: &'static str) -> Result<super::super::Destroyed, ManagerError> {
    let mut manager = manager(store(vec![session(1, "auth")], story, 0), worktrees(story, failing));
    manager.destroy("auth", &Permits::default(), BranchFate::Keep)
}

fn told(story: &Story) -> Vec<&'static str> {
    story.lock().unwrap().clone()
}

#[test]
fn a_create_reserves_before_git_works_and_settles_after() {
    let story = Story::default();
    let session = create(&story, 0, "").unwrap();
    assert_eq!(session.pending(), None);
    assert_eq!(told(&story), ["commit creating", "add", "commit settled"]);
}

#[test]
fn a_place_that_cannot_be_reserved_leaves_git_alone() {
    let story = Story::default();
    assert!(matches!(create(&story, 1, ""), Err(ManagerError::Store(_))));
    assert_eq!(told(&story), ["commit fails"]);
}

#[test]
fn a_worktree_that_cannot_be_made_gives_its_place_back() {
    let story = Story::default();
    assert!(matches!(create(&story, 0, "add"), Err(ManagerError::Worktree(_))));
    assert_eq!(told(&story), ["commit creating", "add", "commit without it"]);
}

#[test]
fn a_session_that_cannot_be_promised_is_taken_back_in_reverse() {
    let story = Story::default();
    assert!(matches!(create(&story, 2, ""), Err(ManagerError::Store(_))));
    assert_eq!(told(&story), ["commit creating", "add", "commit fails", "withdraw", "commit without it"]);
}

#[test]
fn a_worktree_that_cannot_be_withdrawn_keeps_its_place_for_the_next_start() {
    let story = Story::default();
    assert!(matches!(create(&story, 2, "withdraw"), Err(ManagerError::Store(_))));
    assert_eq!(told(&story), ["commit creating", "add", "commit fails", "withdraw"]);
}

#[test]
fn a_destroy_is_in_the_journal_before_anything_moves() {
    let story = Story::default();
    destroy(&story, "").unwrap();
    assert_eq!(told(&story), ["commit destroying", "discard", "commit without it"]);
}

#[test]
fn a_destroy_that_fails_leaves_the_session_as_it_was() {
    let story = Story::default();
    assert!(matches!(destroy(&story, "discard"), Err(ManagerError::Worktree(_))));
    assert_eq!(told(&story), ["commit destroying", "discard", "retract", "commit settled"]);
}

#[test]
fn a_session_somebody_is_at_work_with_is_left_to_them() {
    let mut busy = session(201, "auth");
    let story = Story::default();
    let manager_of = |busy: &Session| manager(store(vec![busy.clone()], &story, 0), worktrees(&story, ""));
    let pending = manager_of(&busy).pending(PendingAction::Destroying { branch: BranchFate::Keep }).unwrap();
    busy.begin(pending);
    assert!(is_abandoned(&busy), "no verb of this process does it");
    let _work = AtWork::with(busy.id());
    assert!(!is_abandoned(&busy));
    let err = manager_of(&busy).destroy("auth", &Permits::all(), BranchFate::Keep).unwrap_err();
    assert_eq!(err.code().word(), "IN_USE");
    assert_eq!(
        err.to_string(),
        format!("session `auth` is being destroyed by process {}", std::process::id())
    );
    assert_eq!(told(&story), Vec::<&str>::new());
}
