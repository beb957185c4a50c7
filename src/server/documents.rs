//! What answers look like, for whoever reads `/openapi.json`: records are written by `store` and `view`, and described here.
#![expect(dead_code, reason = "these describe what is written elsewhere")]

use utoipa::ToSchema;

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
    pty_pid: Option<u32>,
    current_phase: Option<String>,
    metadata: Option<serde_json::Value>,
    repository: Option<String>,
    command: Option<Vec<String>>,
    /// The agent that runs in it.
    agent: Option<serde_json::Value>,
    issue: Option<serde_json::Value>,
    /// Whether a program runs in it.
    running: Option<bool>,
    /// What its holder says: size, title, clients; only of one session that runs.
    terminal: Option<serde_json::Value>,
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
    sessions: Vec<SessionDoc>,
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
    would_lose: Vec<serde_json::Value>,
}
