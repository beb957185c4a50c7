//! What to do next when a verb did not do what it was asked for.

use std::io;

use super::{ManagerError, conversation, findings::head_cure, setup::SET_UP};
use crate::{
    registry::{AdmitError, ID_PREFIX_CHARS_MIN, LookupError},
    session::SessionName,
    shell::ShellError,
    store::StoreError,
    terminal::TerminalError,
    text,
    worktree::WorktreeError,
};

impl ManagerError {
    /// What to do next, if there is something.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Admit(err) => admit_hint(err),
            Self::Lookup(err) => lookup_hint(err),
            Self::Quarantined { .. } => {
                "`wharf doctor` shows the entry and how to have it back; its worktree is as it was".to_owned()
            }
            Self::Store(err) => return store_hint(err),
            Self::Worktree(err) => return worktree_hint(err),
            Self::Undo { source } => return undo_hint(source),
            Self::NoRepository { .. } => {
                "run `git init` there and commit once, or name another workspace with `--workspace`"
                    .to_owned()
            }
            Self::ManyRepositories { candidates } => {
                let paths: Vec<String> = candidates.iter().map(ToString::to_string).collect();
                format!("name one with `--repo`: {}", paths.join(", "))
            }
            Self::UnsavedWork { obstacles, .. } => super::destroy::hint(obstacles),
            Self::Busy { doing, .. } => busy_hint(doing).to_owned(),
            Self::Stuck { because, .. } => stuck_hint(because.is_some()).to_owned(),
            Self::NotInTrash { .. } => "`wharf trash list` shows what can be brought back".to_owned(),
            Self::IssueElsewhere { .. } => "`wharf remove --folder` frees that one".to_owned(),
            Self::Detached { .. } => "switch its worktree to a branch first (`git switch`)".to_owned(),
            Self::Chain { source, .. } | Self::Conversation(source) => return conversation::hint(source),
            Self::Terminal { source, .. } => return terminal_hint(source),
            Self::Shell { source, .. } => return shell_hint(source),
            Self::Elsewhere { .. } => {
                "if that has ended, `wharf restore` brings the session to rest; else stop it there".to_owned()
            }
            Self::NoWorktree { .. } => {
                "`wharf restore` mends what git keeps about it, `wharf doctor --fix` also checks it out again"
                    .to_owned()
            }
            Self::MaxRunning { .. } => {
                "`wharf ps` shows which run; or raise `terminal.running_max` in the settings".to_owned()
            }
            Self::Opening(err) => return err.hint(),
            Self::UnknownAgent { .. } => "`wharf agent list` shows those there are".to_owned(),
            Self::LongMetadata { .. } => {
                "keep it in a file of the worktree and say here where that is".to_owned()
            }
            Self::NoAgent { .. } => "name one with `--agent`".to_owned(),
            Self::NoProgram { .. } => "name a program on PATH, or `./…` in the worktree".to_owned(),
            Self::HooksTracked { has_option: true, .. } => {
                "`wharf start --agent` gives the same hooks on the command line and changes no file"
                    .to_owned()
            }
            Self::HooksTracked { has_option: false, .. } => {
                "its agent takes hooks from there only; no longer track it, or write them into it yourself"
                    .to_owned()
            }
            Self::Setup { name, failed, is_undone } => {
                format!("all it printed is in {}; {}", failed.output.display(), after_setup(name, *is_undone))
            }
            Self::Teardown { failed, .. } => format!(
                "nothing is destroyed, all it printed is in {}; `--no-teardown` goes without it",
                failed.output.display()
            ),
            Self::Vanished { .. }
            | Self::NoProcess { .. }
            | Self::Process { .. }
            | Self::SetupFile { .. }
            | Self::Command(_)
            | Self::Agent(_) => return None,
        };
        Some(text)
    }
}

/// Where a session is whose setup failed.
fn after_setup(name: &SessionName, is_undone: bool) -> String {
    if is_undone {
        format!("the session is in the trash, `wharf undo {name}` brings it back")
    } else {
        format!("the session stays, `wharf setup {name}` tries again")
    }
}

/// What to do about work that goes on.
fn busy_hint(doing: &str) -> &'static str {
    if doing == SET_UP {
        "wait for it to end, or interrupt it where it was begun; its `setup.log` below `.wharf/sessions` has what it printed"
    } else {
        "wait for it to end; when that process is gone, `wharf restore` finishes or undoes it"
    }
}

/// What to do about work that was cut short.
fn stuck_hint(is_explained: bool) -> &'static str {
    if is_explained {
        "see to what is in the way, then `wharf restore` finishes or undoes it; until then nothing is lost"
    } else {
        "`wharf restore` finishes or undoes it, or says what is in the way"
    }
}

/// The same trouble has other ways out for a session that has a name and a branch already.
fn undo_hint(err: &ManagerError) -> Option<String> {
    let is_about_branch = matches!(
        err,
        ManagerError::Admit(AdmitError::BranchTaken { .. })
            | ManagerError::Worktree(WorktreeError::BranchExists { .. } | WorktreeError::BranchInUse { .. })
    );
    if is_about_branch {
        return Some("`--branch` brings it back on a new one, at the commit its own was at".to_owned());
    }
    if matches!(err, ManagerError::Worktree(WorktreeError::InProgress { .. })) {
        return Some("bring it back on its own branch, and end that there first".to_owned());
    }
    if matches!(err, ManagerError::Worktree(WorktreeError::RepositoryGone { .. })) {
        let hint = "mount it or put it back in its place, then the same command again; the files of the session lie in the trash until then";
        return Some(hint.to_owned());
    }
    if matches!(err, ManagerError::Admit(AdmitError::NameTaken(_))) {
        return Some("`--as` brings it back under another name".to_owned());
    }
    err.hint()
}

fn lookup_hint(err: &LookupError) -> String {
    match err {
        LookupError::NotFound { text } => {
            let list = "`wharf list` shows the sessions there are";
            let is_short =
                text.len() < ID_PREFIX_CHARS_MIN && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_short && !text.is_empty() {
                format!("{list}; the beginning of an id has at least {ID_PREFIX_CHARS_MIN} characters")
            } else {
                list.to_owned()
            }
        }
        LookupError::Ambiguous { candidates, .. } => {
            let ids: Vec<String> = candidates.iter().map(ToString::to_string).collect();
            format!("give more of one of these ids: {}", ids.join(", "))
        }
    }
}

fn admit_hint(err: &AdmitError) -> String {
    match err {
        AdmitError::MaxSessions { .. } => {
            "or raise the limit: `--max-sessions`, `WHARF_MAX_SESSIONS` or `max_sessions` in `.wharf/config.toml`".to_owned()
        }
        AdmitError::NameTaken(name) => format!("choose another name, or see `wharf show {name}`"),
        AdmitError::BranchTaken { owner, .. } => format!("choose another branch with `--branch`, or work in `{owner}`"),
        AdmitError::IssueTaken { owner, .. } => format!("work in `{owner}`, or `wharf unbind {owner}` first"),
    }
}

fn store_hint(err: &StoreError) -> Option<String> {
    let text = match err {
        StoreError::Io { source, .. }
            if [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded].contains(&source.kind()) =>
        {
            "make room on that disk (`wharf trash empty` deletes what was destroyed); nothing was changed"
        }
        StoreError::Io { source, .. } if source.kind() == io::ErrorKind::ReadOnlyFilesystem => {
            "mount it for writing; nothing was changed"
        }
        StoreError::Io { .. } | StoreError::NotBegun { .. } => return None,
        StoreError::OutOfBounds { .. } => "give shorter values; nothing was changed",
        StoreError::CommitUncertain { .. } => "look with `wharf list`; the disk may be failing",
        StoreError::Locked { .. } => "try again; a lock goes with the process that holds it",
        StoreError::Newer { .. } => "use the wharf that wrote it; nothing was changed",
        StoreError::NotAFile { .. } => "move it away; wharf keeps a regular file there",
        StoreError::Adrift { .. } => {
            "mount or make that folder; or remove the link, and `wharf restore` rebuilds the file from git"
        }
        StoreError::Mounted { .. } => "mount the directory, not the file alone",
        StoreError::LockBroken { .. } => {
            "two processes hold one lock, as some shared folders let them; nothing was written, `wharf doctor` tests the lock"
        }
        StoreError::TooLarge { .. } => "`wharf doctor` shows what fills it",
    };
    Some(text.to_owned())
}

fn worktree_hint(err: &WorktreeError) -> Option<String> {
    if err.lacks_room() {
        let hint = "make room on that disk (`wharf trash empty` deletes what was destroyed), then the same command again";
        return Some(hint.to_owned());
    }
    if matches!(err, WorktreeError::Git { verb, .. } if verb.starts_with("hook ")) {
        return Some("`git.trust_hooks = false` in your own settings goes without hooks".to_owned());
    }
    other_worktree_hint(err)
}

fn other_worktree_hint(err: &WorktreeError) -> Option<String> {
    let text = match err {
        WorktreeError::NoRepository { .. } => "name a repository in the workspace with `--repo`".to_owned(),
        WorktreeError::Outside { .. } => {
            "sessions live on repositories inside the workspace; name another one with `--workspace`"
                .to_owned()
        }
        WorktreeError::Ownership { path } => {
            format!("if you trust it: git config --global --add safe.directory {}", text::word(path))
        }
        WorktreeError::Unborn { .. } => {
            "commit once, for example `git commit --allow-empty -m begin`".to_owned()
        }
        WorktreeError::UnknownRevision { candidates, .. } | WorktreeError::Ambiguous { candidates, .. }
            if !candidates.is_empty() =>
        {
            format!("say which one: {}", candidates.join(", "))
        }
        WorktreeError::UnknownRevision { .. } | WorktreeError::Ambiguous { .. } => {
            "`git log --oneline --all` shows the commits there are".to_owned()
        }
        WorktreeError::BranchExists { branch } => {
            format!("use it with `--branch {branch}`, or choose another name")
        }
        WorktreeError::BranchInTheWay { .. } => {
            "git keeps branches as paths; name one with `--branch` that is neither below that one nor above it"
                .to_owned()
        }
        WorktreeError::BranchHasBase { .. } => {
            "leave `--from` away to work on the branch as it is".to_owned()
        }
        WorktreeError::BranchInUse { .. } => {
            "choose another branch (a destroy leaves it as it is without `--delete-branch`), or end the work there"
                .to_owned()
        }
        WorktreeError::RepositoryGone { .. } => {
            "mount it or put it back in its place; or `wharf destroy` the session, whose files go into the trash".to_owned()
        }
        WorktreeError::HeadBroken { path, sound, .. } => head_cure(path, sound.as_ref()),
        WorktreeError::Damaged { .. } => {
            "`wharf doctor` says what is wrong with it, `wharf doctor --fix` mends it".to_owned()
        }
        WorktreeError::RepositoryBroken { .. } | WorktreeError::Unusable { .. } => "`wharf doctor` says what is wrong and how to mend it".to_owned(),
        WorktreeError::NoGit { .. } | WorktreeError::OldGit { .. } => {
            "install git 2.36 or newer and have it on PATH".to_owned()
        }
        WorktreeError::GitTimeout { .. } => {
            "raise `git.time_limit` in the settings if the repository needs longer".to_owned()
        }
        WorktreeError::LeftBehind { source } => return worktree_hint(source),
        WorktreeError::Occupied { .. } => {
            "it is not touched: move it away, then the same command again".to_owned()
        }
        WorktreeError::Kept { .. } => {
            "go on in it, or look with `wharf show` and destroy it, which says what would be lost".to_owned()
        }
        WorktreeError::RepositoryLocked { .. } => {
            "try again when the other process at work there (a create, a destroy, a fill of the pool) has ended".to_owned()
        }
        WorktreeError::Moved { path, home, .. } => {
            format!("`git worktree move -f -f {} {}` moves it back", text::word(path), text::word(home))
        }
        WorktreeError::InProgress { .. } => "end it first, or abort it".to_owned(),
        WorktreeError::UnsafePath { .. }
        | WorktreeError::InTheWay { .. }
        | WorktreeError::Git { .. }
        | WorktreeError::GitAnswer { .. }
        | WorktreeError::Read { .. }
        | WorktreeError::Io { .. } => return None,
    };
    Some(text)
}

fn terminal_hint(err: &TerminalError) -> Option<String> {
    let text = match err {
        TerminalError::NotRunning => "`wharf start` runs a program in it",
        TerminalError::Running => "`wharf attach` shows it, `wharf restart` ends it and begins anew",
        TerminalError::Protocol { .. } => {
            "use the wharf that started it, or `wharf restart` it with this one"
        }
        TerminalError::Hidden { .. } => {
            "make its folder anew (mode 0700) and do the same again, or `wharf stop` ends it without its help"
        }
        TerminalError::Silent { .. } => "`wharf kill` ends it without its help",
        TerminalError::UnsafeFolder { .. } => "it must be yours and closed to others (mode 0700)",
        TerminalError::LongPath { .. } => "choose a shorter `XDG_RUNTIME_DIR`",
        TerminalError::Refused { code, .. } if code == "controlled" => {
            "`--take` takes control, `--observe` looks on"
        }
        TerminalError::Refused { code, .. } if code == "full" => {
            "`--take` takes control and the place of one of them; `terminal.clients` in the settings allows more in what is started from then on"
        }
        TerminalError::Unread => {
            "`wharf screen` shows what it does; what it has not read yet waits for it, up to 8 MiB, and the rest was not sent"
        }
        TerminalError::Refused { .. } | TerminalError::Program { .. } | TerminalError::Io { .. } => {
            return None;
        }
    };
    Some(text.to_owned())
}

fn shell_hint(err: &ShellError) -> Option<String> {
    let text = match err {
        ShellError::Nul => {
            "keep such bytes in a file, or write them in a way of the interpreter (`printf '\\0'`)"
        }
        ShellError::TooLong { .. } => "keep it in a file of the session, and run that",
        ShellError::Crowded { .. } => {
            "try again when some have ended; or raise `shell.callers` in the settings"
        }
        ShellError::NoInterpreter { .. } => "`wharf interpreter list` shows those there are",
        ShellError::OtherInterpreter { .. } => {
            "`--new` begins a new context with it; the old one is given up"
        }
        ShellError::Full { .. } => {
            "`wharf ps` shows which are at work; or raise `shell.max_cached_sessions` in the settings"
        }
        ShellError::Busy => "wait for it to end, or end it with `wharf stop`",
        ShellError::Interpreter { .. } => "`wharf interpreter show` says how it is started",
        ShellError::Silent { .. } => "`wharf stop` ends it; the next command starts from the last state",
        ShellError::Locked { .. } => "try again; a lock goes with the process that holds it",
        ShellError::Io { .. } => return None,
    };
    Some(text.to_owned())
}
