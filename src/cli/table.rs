//! How lists look to people: tables without borders, ages, one session in full.

use comfy_table::{Cell, Row, Table, presets};

use crate::{
    clock::Timestamp,
    manager::{Overview, Running, is_running},
    process::Process,
    session::Session,
    shell::Summary,
    terminal::Info,
    text,
    view::state_word,
    workspace::Workspace,
    worktree::{Changes, WorktreeState},
};

/// Sessions, one a line.
pub(super) fn sessions(overviews: &[Overview], now: Timestamp) -> String {
    let mut table = plain(&["NAME", "STATUS", "BRANCH", "AGE", "ACTIVE", "CHANGES", "AHEAD", "BEHIND"]);
    for overview in overviews {
        let session = &overview.session;
        let count =
            |number: Option<usize>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let changes = overview.changes.as_ref();
        table.add_row(row(&[
            session.name().to_string(),
            status(session),
            session.branch().to_string(),
            age(session.created_at(), now),
            age(session.last_activity(), now),
            condition(overview),
            count(changes.and_then(|it| it.ahead)),
            count(changes.and_then(|it| it.behind)),
        ]));
    }
    render(&table)
}

/// Kinds of agents, one a line.
pub(super) fn agents(all: &[[String; 6]]) -> String {
    let mut table = plain(&["NAME", "TITLE", "PROGRAM", "CHOOSES ID", "TRANSCRIPTS", "HOOKS"]);
    for agent in all {
        table.add_row(row(agent));
    }
    render(&table)
}

/// What runs, one session a line.
pub(super) fn running(all: &[(Running, Option<Info>)], now: Timestamp) -> String {
    let mut table =
        plain(&["NAME", "STATUS", "PID", "PROCESSES", "MEMORY", "ACTIVE", "SIZE", "CLIENTS", "COMMAND"]);
    for (running, info) in all {
        let session = &running.session;
        let memory = running.processes.iter().map(|it| it.resident_bytes).sum();
        let missing = || "-".to_owned();
        table.add_row(row(&[
            session.name().to_string(),
            status(session),
            session.pty_pid().map_or_else(missing, |pid| pid.to_string()),
            running.processes.len().to_string(),
            bytes(memory),
            age(session.last_activity(), now),
            info.as_ref().map_or_else(missing, |it| format!("{}x{}", it.cols, it.rows)),
            info.as_ref().map_or_else(missing, |it| it.clients.to_string()),
            ran(running).unwrap_or_else(missing),
        ]));
    }
    render(&table)
}

/// Kinds of interpreters, one a line.
pub(super) fn interpreters(all: &[[String; 4]]) -> String {
    let mut table = plain(&["NAME", "TITLE", "PROGRAM", "KEEPS"]);
    for interpreter in all {
        table.add_row(row(interpreter));
    }
    render(&table)
}

/// Worktrees that are kept ready, one a line.
pub(super) fn pool(all: &[[String; 4]]) -> String {
    let mut table = plain(&["CONDITION", "REPOSITORY", "COMMIT", "PATH"]);
    for slot in all {
        table.add_row(row(slot));
    }
    render(&table)
}

/// Contexts, one a line.
pub(super) fn contexts(all: &[Summary], now: Timestamp) -> String {
    let mut table =
        plain(&["NAME", "INTERPRETER", "LIVE", "AGE", "USED", "EVENTS", "CHECKPOINTS", "SIZE", "ID"]);
    for context in all {
        table.add_row(row(&[
            context.name.clone(),
            context.interpreter.clone(),
            if context.is_live { "yes" } else { "no" }.to_owned(),
            age(context.created, now),
            age(context.last_accessed, now),
            context.event_count.to_string(),
            context.checkpoint_count.to_string(),
            bytes(context.size),
            context.id.to_string(),
        ]));
    }
    render(&table)
}

/// What runs in a session: its program, or only the interpreter of its context.
fn ran(running: &Running) -> Option<String> {
    let context = running.context.as_ref().map(|it| format!("({} of `wharf exec`)", it.interpreter));
    let command = || running.session.command().map(ToString::to_string);
    if running.session.pty_pid().is_some() { command() } else { context.or_else(command) }
}

/// Processes, one a line, each below the one that started it.
pub(super) fn processes(all: &[Process]) -> String {
    let mut table = plain(&["PID", "PARENT", "MEMORY", "NAME"]);
    for process in all {
        let mut depth = 0;
        let mut above = process.parent;
        while let Some(parent) = all.iter().find(|it| it.pid == above).filter(|_| depth < all.len()) {
            depth += 1;
            above = parent.parent;
        }
        table.add_row(row(&[
            process.pid.to_string(),
            process.parent.to_string(),
            bytes(process.resident_bytes),
            format!("{}{}", "  ".repeat(depth), process.name),
        ]));
    }
    render(&table)
}

/// What lies in the trash, one a line.
pub(super) fn trash(rows: &[(Session, Timestamp, Timestamp)], now: Timestamp) -> String {
    let mut table = plain(&["NAME", "BRANCH", "DESTROYED", "EXPIRES", "ID"]);
    for (session, destroyed, expires) in rows {
        table.add_row(row(&[
            session.name().to_string(),
            session.branch().to_string(),
            format!("{} ago", age(*destroyed, now)),
            if *expires <= now { "now".to_owned() } else { format!("in {}", age(now, *expires)) },
            session.id().to_string(),
        ]));
    }
    render(&table)
}

/// One session in full, a fact a line.
pub(super) fn session(overview: &Overview, workspace: &Workspace, now: Timestamp) -> String {
    let session = &overview.session;
    let moment = |at: Timestamp| format!("{at} ({} ago)", age(at, now));
    let mut facts = vec![
        ("name", session.name().to_string()),
        ("id", session.id().to_string()),
        ("status", status(session)),
        ("branch", session.branch().to_string()),
        ("folder", workspace.worktree(session.id()).to_string_lossy().into_owned()),
        ("created", moment(session.created_at())),
        ("active", moment(session.last_activity())),
    ];
    facts.extend(given_facts(session));
    if overview.worktree.is_some() {
        facts.push(("changes", condition(overview)));
    }
    if let Some(Changes { ahead: Some(ahead), behind: Some(behind), .. }) = overview.changes {
        facts.push(("commits", format!("{ahead} ahead, {behind} behind")));
    }
    let kept = session.metadata().iter();
    facts.extend(kept.map(|(key, value)| ("meta", format!("{key} = {}", value.get()))));
    lines(facts.iter().map(|(key, value)| format!("{key:<10}  {}", text::line(value))))
}

/// What a session has only if somebody gave it.
fn given_facts(session: &Session) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if session.repository().as_str() != "." {
        facts.push(("repository", session.repository().to_string()));
    }
    if let Some(base) = session.base() {
        let from = base.reference.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
        facts.push(("base", format!("{:.12}{from}", base.commit.as_str())));
    }
    if let Some(phase) = session.phase() {
        facts.push(("phase", phase.to_string()));
    }
    if let Some(issue) = session.issue() {
        let label = issue.label.as_ref().map(|it| format!(", {it}")).unwrap_or_default();
        let intervention = if issue.intervention { ", intervention" } else { "" };
        facts.push(("issue", format!("{}{label}{intervention}", issue.reference)));
    }
    if let Some(editor) = session.editor() {
        let running = if is_running(editor) { "runs" } else { "does not run" };
        facts.push(("editor", format!("{} {running}", editor.name)));
    }
    if let Some(command) = session.command() {
        facts.push(("command", command.to_string()));
    }
    if let Some(agent) = session.agent() {
        let conversation = agent.conversation.as_ref().map(|id| format!(", conversation {id}"));
        facts.push(("agent", format!("{}{}", agent.name, conversation.unwrap_or_default())));
    }
    if let Some(pid) = session.pty_pid() {
        facts.push(("pid", pid.to_string()));
    }
    if let Some(ending) = session.ending() {
        facts.push(("ended", format!("{} ({ending})", ending.at)));
    }
    facts
}

fn status(session: &Session) -> String {
    match session.pending() {
        Some(_) => format!("{} (busy)", session.status()),
        None => match session.setup() {
            Some(setup) => format!("{} (setup {})", session.status(), setup.as_str()),
            None => session.status().to_string(),
        },
    }
}

/// What a worktree looks like in a few characters: `clean`, `~2 ?1`, or why that cannot be told.
fn condition(overview: &Overview) -> String {
    let state = overview.worktree.as_ref().map(|worktree| worktree.state);
    if let Some(state) = state.filter(|state| *state != WorktreeState::Present) {
        return state_word(state).to_owned();
    }
    let Some(changes) = overview.changes.as_ref() else {
        return "-".to_owned();
    };
    let part = |sign: char, count: usize| (count > 0).then(|| format!("{sign}{count}"));
    let parts: Vec<String> =
        [part('~', changes.modified), part('?', changes.untracked)].into_iter().flatten().collect();
    if parts.is_empty() { "clean".to_owned() } else { parts.join(" ") }
}

/// A span in its largest unit: `7s`, `12m`, `5h`, `3d`.
pub(super) fn age(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.seconds_since(from);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// An amount in its largest unit: `512K`, `36M`, `2G`.
fn bytes(count: u64) -> String {
    match count >> 10 {
        kib @ 0..1_024 => format!("{kib}K"),
        kib @ 1_024..1_048_576 => format!("{}M", kib >> 10),
        kib => format!("{}G", kib >> 20),
    }
}

/// A table without borders.
pub(super) fn plain(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(head.iter().map(Cell::new));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Every cell is safe for a terminal.
pub(super) fn row(cells: &[String]) -> Row {
    Row::from(cells.iter().map(|cell| text::line(cell)).collect::<Vec<_>>())
}

/// A table as lines.
pub(super) fn render(table: &Table) -> String {
    lines(table.lines().map(|line| line.trim_end().to_owned()))
}

/// Lines, each with its end.
pub(super) fn lines(all: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = all.collect();
    all.push(String::new());
    all.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let start = Timestamp::from_unix_millis(0).unwrap();
        let at = |seconds: i64| age(start, Timestamp::from_unix_millis(seconds * 1_000).unwrap());
        assert_eq!(
            [at(0), at(59), at(60), at(3_599), at(3_600), at(86_399), at(86_400)],
            ["0s", "59s", "1m", "59m", "1h", "23h", "1d"]
        );
        assert_eq!(age(start.plus_days(1), start), "0s");
    }
}
