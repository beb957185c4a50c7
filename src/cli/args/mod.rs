//! What can be typed: every command with its arguments, its help and its examples.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

mod agents;
mod conversation;
mod debug;
mod ending;
mod executing;
mod history;
mod init;
mod interpreters;
mod notes;
mod pool;
mod running;
mod serving;
mod setup;
mod typed;
mod watching;

pub(super) use self::{
    agents::{Agent, Install, Sessions, Uninstall},
    conversation::{Conversation, Record},
    debug::Debug,
    ending::{Destroy, Trash, Undo},
    executing::Exec,
    history::{History, Replay},
    init::Init,
    interpreters::Interpreter,
    notes::{Bind, Editor, Meta, Phase, Remove, Rename, Status, Touch, Unbind},
    pool::Pool,
    running::{Asking, Attach, Hook, Kill, Ps, Restart, Resume, Start, Stop, Viewing},
    serving::{Open, Serve},
    setup::Setup,
    watching::{Logs, Prompt, Screen, Send, Wait},
};

/// Parallel development sessions: each one a git branch, a worktree, and a record that outlives every restart.
#[derive(Debug, Parser)]
#[command(
    name = "wharf",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = "\
Examples:
  wharf create auth                 a session on a new branch feature/auth
  cd \"$(wharf path auth)\"           go to its worktree
  wharf list                        what there is, and how far each has come
  wharf destroy auth                refuses while work would be lost, and says which
  wharf undo                        brings the last destroyed session back

Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 not found or not running, 4 taken or ambiguous, 5 limit reached,
6 work would be lost or a path is not safe, 7 a holder does not answer, 8 locked by another process,
9 state file cannot be written, 124 `wait` ran out of time.")]
pub(super) struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub(super) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Args, Debug)]
pub(super) struct Global {
    /// The workspace [default: `WORKSPACE_ROOT`, else the nearest folder above with a state file or a repository,
    /// else /workspace]
    #[arg(long, global = true, value_name = "PATH", env = "WHARF_WORKSPACE")]
    pub(super) workspace: Option<PathBuf>,
    /// Print data and errors as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// How many sessions may exist [default: `max_sessions` in the settings, else 4]
    #[arg(long, global = true, value_name = "N", env = "WHARF_MAX_SESSIONS")]
    pub(super) max_sessions: Option<String>,
    /// Say less: -q no warnings
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Say more: -v what happens, -vv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Create(Create),
    List(List),
    Show(Show),
    Path(Path),
    Find(Find),
    Start(Start),
    Attach(Attach),
    Stop(Stop),
    Restart(Restart),
    Kill(Kill),
    Resume(Resume),
    Ps(Ps),
    Exec(Exec),
    History(History),
    Logs(Logs),
    Screen(Screen),
    Send(Send),
    Prompt(Prompt),
    Wait(Wait),
    Status(Status),
    Phase(Phase),
    Meta(Meta),
    Touch(Touch),
    Rename(Rename),
    Bind(Bind),
    Unbind(Unbind),
    #[command(subcommand)]
    Editor(Editor),
    Remove(Remove),
    #[command(subcommand)]
    Conversation(Conversation),
    Setup(Setup),
    Destroy(Destroy),
    Undo(Undo),
    #[command(subcommand)]
    Trash(Trash),
    #[command(subcommand)]
    Pool(Pool),
    #[command(subcommand)]
    Agent(Agent),
    #[command(subcommand)]
    Interpreter(Interpreter),
    Restore(Restore),
    Recover(Recover),
    Doctor(Doctor),
    Serve(Serve),
    Open(Open),
    Init(Init),
    #[command(subcommand, hide = true)]
    Debug(Debug),
    Hook(Hook),
    Completions(Completions),
    Man(Man),
}

/// Create a session: a branch, a worktree and a record
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf create auth                            branch feature/auth from HEAD
  wharf create                                 named feature-<date>-<number>
  wharf create fix --branch hotfix/7 --from v1.2
  wharf create review --branch main-fix        uses main-fix, also when only a remote has it
  wharf create api-auth --repo services/api    in one of several repositories
  wharf create auth --attach -- npm run dev    and start a program in it
  wharf create auth --agent claude --prompt 'add a login page'
  wharf create i42 --issue acme/shop#42 --phase planning --meta owner=ann --meta points:=3")]
pub(super) struct Create {
    /// Its name: 1 to 64 of A-Z a-z 0-9 . _ -
    pub(super) name: Option<String>,
    /// The branch; an existing one is used, also one that only a remote has [default: a new feature/<NAME>]
    #[arg(long, value_name = "BRANCH")]
    pub(super) branch: Option<String>,
    /// Where a new branch begins [default: HEAD of the repository]
    #[arg(long, value_name = "REV")]
    pub(super) from: Option<String>,
    /// The repository, if the workspace has several
    #[arg(long, value_name = "PATH")]
    pub(super) repo: Option<PathBuf>,
    /// The issue it works on
    #[arg(long, value_name = "OWNER/REPO#N")]
    pub(super) issue: Option<String>,
    /// Where the issue stands in its workflow, such as status-07:code-review
    #[arg(long, value_name = "LABEL", requires = "issue")]
    pub(super) label: Option<String>,
    /// A person steps in to repair what an agent did
    #[arg(long, requires = "issue")]
    pub(super) intervention: bool,
    /// What it is about to do
    #[arg(long, value_name = "TEXT")]
    pub(super) phase: Option<String>,
    /// Keep a value with it: KEY=TEXT, or KEY:=JSON
    #[arg(long, value_name = "KEY=TEXT")]
    pub(super) meta: Vec<String>,
    /// Neither copy what `.worktreeinclude` names nor run what is set to run; `wharf setup` does it later
    #[arg(long)]
    pub(super) no_setup: bool,
    /// Start a program in it and show it here
    #[arg(long)]
    pub(super) attach: bool,
    #[command(flatten)]
    pub(super) viewing: Viewing,
    #[command(flatten)]
    pub(super) asking: Asking,
    /// The program to start and its arguments [default with --attach: your shell]
    #[arg(last = true, value_name = "CMD", requires = "name")]
    pub(super) command: Vec<String>,
}

/// List the sessions, oldest first
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf list
  wharf list --status waiting
  wharf list --issue acme/shop#42 --json
  wharf list --quick               without asking each worktree for its changes
  wharf list --all                 with what lies in the trash
  wharf list --contexts            what `wharf exec` remembers

Columns: CHANGES counts modified (~) and untracked (?) files; AHEAD and BEHIND count commits against the
upstream of the branch, else against where it began.")]
pub(super) struct List {
    /// Only those with this status
    #[arg(long, value_name = "STATUS")]
    pub(super) status: Option<String>,
    /// Only the one on this issue
    #[arg(long, value_name = "OWNER/REPO#N")]
    pub(super) issue: Option<String>,
    /// Also what was destroyed and can be brought back
    #[arg(long)]
    pub(super) all: bool,
    /// Do not look into the worktrees
    #[arg(long)]
    pub(super) quick: bool,
    /// The contexts of `wharf exec` instead, those that live and those on the disk
    #[arg(long, conflicts_with_all = ["all", "quick"])]
    pub(super) contexts: bool,
}

/// Show one session
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  wharf show auth\n  wharf show 2f1e8f0a --json")]
pub(super) struct Show {
    /// Its name, its id, or the unique beginning of its id
    pub(super) name: String,
}

/// Print the path of a session's worktree
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  cd \"$(wharf path auth)\"")]
pub(super) struct Path {
    /// Its name, its id, or the unique beginning of its id
    pub(super) name: String,
}

/// Find the session of an issue or of a folder
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf find --issue acme/shop#42
  wharf find --folder . --json")]
#[group(required = true, multiple = false)]
pub(super) struct Find {
    /// The issue
    #[arg(long, value_name = "OWNER/REPO#N")]
    pub(super) issue: Option<String>,
    /// The folder: a session's worktree, or one in the registry of the user
    #[arg(long, value_name = "PATH")]
    pub(super) folder: Option<PathBuf>,
}

/// Bring every session back as idle: what an entrypoint runs at each start
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf restore

Finishes or undoes what a crash interrupted, rebuilds a damaged state file from backups and git, takes in worktrees
that have no session, and mends their ties to git. Can be run twice.")]
pub(super) struct Restore {}

/// Rebuild the registry from git now; sessions at work stay at work
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  wharf recover --dry-run\n  wharf recover")]
pub(super) struct Recover {
    /// Say what would change, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// Hold file, git, folders and processes against each other
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf doctor            every finding with its cure; exit code 1 when something is wrong
  wharf doctor --fix      cures what can be cured without losing anything
  wharf doctor --quick    only whether sessions can be kept, for a health check
  wharf doctor --drop-quarantine    lets go of entries that cannot be read; the file with them in it is kept")]
pub(super) struct Doctor {
    /// Cure what can be cured
    #[arg(long, conflicts_with = "quick")]
    pub(super) fix: bool,
    /// Take the entries that cannot be read out of the state file, and keep the file as it was beside it
    #[arg(long, conflicts_with = "quick")]
    pub(super) drop_quarantine: bool,
    /// Only the state file and its lock
    #[arg(long)]
    pub(super) quick: bool,
}

/// Print a completion script
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  wharf completions bash > /etc/bash_completion.d/wharf")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: Shell,
}

/// Print the manual page of wharf or of one command, or write all of them into a folder
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  wharf man | man -l -\n  wharf man create | man -l -\n  wharf man trash empty | man -l -\n  wharf man --out /usr/local/share/man/man1"
)]
pub(super) struct Man {
    /// The command, and the one below it
    pub(super) command: Vec<String>,
    /// The folder for all pages
    #[arg(long, value_name = "PATH", conflicts_with = "command")]
    pub(super) out: Option<PathBuf>,
}
