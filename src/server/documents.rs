//! What answers look like, for whoever reads `/openapi.json`: records are written by `store`, screens and what runs by `terminal`,
//! and described here.
#![expect(dead_code, reason = "these describe what is written elsewhere")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

use crate::view::LossView;

/// A session: its record as the state file has it, and what is so just now. More members may come.
#[derive(ToSchema)]
#[schema(as = Session, rename_all = "camelCase")]
pub(super) struct SessionDoc {
    id: String,
    name: String,
    /// `active`, `waiting`, `idle`, `error` or `stopped`.
    status: String,
    branch: String,
    worktree_path: String,
    created_at: String,
    last_activity: String,
    /// The process in its terminal.
    pty_pid: Option<u32>,
    current_phase: Option<String>,
    /// What is kept with it, by anybody.
    metadata: Option<BTreeMap<String, serde_json::Value>>,
    /// The path of its repository below the workspace.
    repository: String,
    /// Where its branch began.
    base: Option<BaseDoc>,
    /// What was started in it last.
    command: Option<Vec<String>>,
    agent: Option<AgentDoc>,
    /// Who that process is, also after its number was given to another one.
    process: Option<ProcessDoc>,
    /// The process that holds its terminal.
    holder: Option<ProcessDoc>,
    /// How what ran in it ended last.
    ended: Option<EndedDoc>,
    issue: Option<IssueDoc>,
    editor: Option<EditorDoc>,
    /// Since when it is bound to its issue or its editor.
    started_at: Option<String>,
    /// When that was changed last.
    last_updated: Option<String>,
    /// `unfinished` or `failed`, where what people have run for a new one did not come to its end.
    setup: Option<String>,
    /// What is being done to it, for whoever has to finish that after a crash.
    pending: Option<PendingDoc>,
    /// Whether a program runs in it.
    running: Option<bool>,
    /// `present`, `missing`, `unregistered`, `unlinked`, `emptied`, `foreign` or `gone`; of a list with `changes`.
    worktree_state: Option<String>,
    /// How many files are changed; of a list with `changes`, as the next three.
    modified: Option<u64>,
    /// How many files git does not know.
    untracked: Option<u64>,
    /// How many commits its branch has that its upstream has not; or its base, where it has no upstream.
    ahead: Option<u64>,
    /// The same the other way round.
    behind: Option<u64>,
    /// What its holder says; only of one session that runs.
    terminal: Option<TerminalDoc>,
}

/// A session in the trash.
#[derive(ToSchema)]
#[schema(as = Discarded, rename_all = "camelCase")]
pub(super) struct DiscardedDoc {
    #[serde(flatten)]
    session: SessionDoc,
    destroyed_at: String,
    /// When it goes for good.
    expires_at: String,
}

/// Where a branch began.
#[derive(ToSchema)]
#[schema(as = Base)]
pub(super) struct BaseDoc {
    commit: String,
    /// The branch that was there, if it was one.
    reference: Option<String>,
}

/// An agent that was started in a session.
#[derive(ToSchema)]
#[schema(as = Agent)]
pub(super) struct AgentDoc {
    name: String,
    arguments: Option<Vec<String>>,
    /// The conversation it was started with.
    conversation: Option<String>,
    /// Whether its hooks tell how it is doing.
    reports: Option<bool>,
}

/// A process of one boot of one machine.
#[derive(ToSchema)]
#[schema(as = Process)]
pub(super) struct ProcessDoc {
    pid: u32,
    started: u64,
    boot: String,
}

/// An end: a code, or a signal, or neither where nobody saw it.
#[derive(ToSchema)]
#[schema(as = Ended)]
pub(super) struct EndedDoc {
    at: String,
    code: Option<i32>,
    signal: Option<i32>,
    /// `itself`, `asked`, `shutdown`, `restart` or `lost`.
    cause: String,
}

/// An issue.
#[derive(ToSchema)]
#[schema(as = Issue)]
pub(super) struct IssueDoc {
    /// `owner/repo`.
    repository: String,
    number: u64,
    /// Where it stands in its workflow.
    label: Option<String>,
    /// Whether a person stepped in.
    intervention: bool,
}

/// An editor; with its process, or without.
#[derive(ToSchema)]
#[schema(as = Editor)]
pub(super) struct EditorDoc {
    name: String,
    pid: Option<u32>,
    started: Option<u64>,
    boot: Option<String>,
}

/// What was begun and is not done.
#[derive(ToSchema)]
#[schema(as = Pending, rename_all = "camelCase")]
pub(super) struct PendingDoc {
    /// `creating`, `destroying`, `bringing-back` or `renaming`.
    action: String,
    branch_is_new: Option<bool>,
    delete_branch: Option<bool>,
    name: Option<String>,
    branch: Option<String>,
    at: Option<String>,
    worker: ProcessDoc,
    since: String,
}

/// What a holder says about what runs.
#[derive(ToSchema)]
#[schema(as = Terminal, rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct TerminalDoc {
    pid: u32,
    holder: u32,
    rows: u16,
    cols: u16,
    /// How many bytes were printed.
    output: u64,
    /// Milliseconds since something was.
    silent_ms: u64,
    /// How many look.
    clients: u64,
    /// Whether one of them controls.
    is_controlled: bool,
    title: Option<String>,
    /// Whether a program has the whole screen.
    alternate: bool,
    /// Whether it knows pastes.
    bracketed_paste: bool,
    /// Whether cursor keys are sent in their other form (`ESC O A`).
    application_cursor: bool,
    /// `active`, `waiting` or `unknown`, as its terminal tells; not from holders of earlier versions.
    mood: Option<String>,
}

/// Sessions, oldest first.
#[derive(ToSchema)]
#[schema(as = Sessions)]
pub(super) struct ListDoc {
    sessions: Vec<SessionDoc>,
    /// How many changes of the table there had been.
    generation: u64,
    /// Where to go on.
    next: Option<String>,
}

/// What was destroyed, newest first.
#[derive(ToSchema)]
#[schema(as = Trash)]
pub(super) struct TrashDoc {
    sessions: Vec<DiscardedDoc>,
    /// Where to go on.
    next: Option<String>,
}

/// What a destroy did, or would do.
#[derive(ToSchema)]
#[schema(as = Destroyed, rename_all = "camelCase")]
pub(super) struct DestroyedDoc {
    session: SessionDoc,
    destroyed: bool,
    branch_deleted: bool,
    /// What went into the trash with it, or would.
    would_lose: Vec<LossView>,
    /// Of a dry run: whether it would go with these permits.
    would_go: Option<bool>,
}

/// A screen, cell by cell.
#[derive(ToSchema)]
#[schema(as = Screen)]
pub(super) struct ScreenDoc {
    rows: u16,
    cols: u16,
    cursor: CursorDoc,
    title: Option<String>,
    /// Whether a program has the whole screen.
    alternate: bool,
    /// Row by row.
    cells: Vec<Vec<CellDoc>>,
}

#[derive(ToSchema)]
#[schema(as = Cursor)]
pub(super) struct CursorDoc {
    row: u16,
    column: u16,
    visible: bool,
}

/// One cell; what it does not have is left out.
#[derive(ToSchema)]
#[schema(as = Cell)]
pub(super) struct CellDoc {
    text: String,
    /// How many columns it takes, where that is not one.
    width: Option<u8>,
    /// The number of a colour, or `#rrggbb`.
    foreground: Option<String>,
    background: Option<String>,
    /// `bold`, `underline` and the like.
    attributes: Option<Vec<String>>,
    link: Option<String>,
}

/// How the server is.
#[derive(ToSchema)]
#[schema(as = Health)]
pub(super) struct HealthDoc {
    /// `ok`, or `ready`.
    status: String,
}
