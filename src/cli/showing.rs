//! `list`, `show`, `path` and `find`.

use std::os::unix::ffi::OsStrExt as _;

use super::{
    Context, Failure,
    args::{self, Global},
    binding,
    context::{self, Broken, now},
    locate,
    output::Output,
    parsed, table, view,
};
use crate::{
    manager::{Filter, Overview},
    session::{IssueRef, Session},
    text,
    view::ContextView,
};

/// Prints the sessions there are.
pub(super) fn list(mut context: Context, args: &args::List) -> Result<(), Failure> {
    let filter = Filter { status: parsed(args.status.as_ref())?, issue: parsed(args.issue.as_ref())? };
    if args.contexts {
        let contexts = context.manager.contexts(&filter)?;
        let views = || contexts.iter().map(ContextView::of).collect::<Vec<_>>();
        return Ok(context.output.either(views, || table::contexts(&contexts, now()))?);
    }
    let sessions = context.manager.list(&filter)?;
    let missed = if context.manager.has_quarantined() { context.manager.missed()? } else { 0 };
    if missed > 0 {
        let them = text::count(missed, "session");
        tracing::warn!(
            "{them} not shown, the state file has them in a form that cannot be taken: see `wharf doctor`"
        );
    }
    let overviews = if args.quick { unseen(sessions) } else { context.manager.look(&sessions) };
    let discarded = if args.all { context.manager.discarded()? } else { Vec::new() };
    let moment = now();
    let days = context.manager.settings().trash_days;
    let views = || {
        let seen = overviews.iter().map(|it| view::overview(&context, it));
        let gone = discarded.iter().map(|it| view::discarded(&context, it));
        seen.chain(gone).collect::<Vec<_>>()
    };
    context.output.either(views, || {
        let mut lists = table::sessions(&overviews, moment);
        if !discarded.is_empty() {
            let rows: Vec<_> = discarded
                .iter()
                .map(|it| (it.session.clone(), it.trashed.destroyed, it.expires(days)))
                .collect();
            lists.push('\n');
            lists.push_str(&table::trash(&rows, moment));
        }
        lists
    })?;
    Ok(())
}

/// Prints one session.
pub(super) fn show(mut context: Context, args: &args::Show) -> Result<(), Failure> {
    let session = context.manager.session(&args.name)?;
    if let Some(left) = context.manager.left_running(&session) {
        tracing::warn!("{left}");
    }
    one(&context, session)
}

/// Prints the path of a worktree, as it is.
pub(super) fn path(mut context: Context, args: &args::Path) -> Result<(), Failure> {
    let session = context.manager.session(&args.name)?;
    let path = context.manager.workspace().worktree(session.id());
    if !path.is_dir() {
        tracing::warn!(folder = %path.display(), "the folder is not there; `wharf doctor` says why and how to get it back");
    }
    if context.output.is_json() {
        context.output.data(&path.to_string_lossy(), String::new)?;
    } else {
        let mut line = path.as_os_str().as_bytes().to_owned();
        line.push(b'\n');
        context.output.raw(&line)?;
    }
    Ok(())
}

/// Prints the session of an issue or a folder; what no session has may be a folder in the user's registry.
pub(super) fn find(global: &Global, args: &args::Find) -> Result<(), Failure> {
    let issue = parsed::<IssueRef>(args.issue.as_ref())?;
    let folder = args.folder.as_deref().map(locate::settled).transpose()?;
    match Context::open(global, Broken::Stop) {
        Ok(mut context) => {
            let session = match (&issue, &folder) {
                (Some(issue), _) => context.manager.registry()?.on_issue(issue).cloned(),
                (None, Some(folder)) => context.manager.session_in(folder)?,
                (None, None) => None,
            };
            if let Some(session) = session {
                return one(&context, session);
            }
        }
        Err(Failure::NoWorkspace { .. }) => (),
        Err(failure) => return Err(failure),
    }
    let folders = context::folders(global)?;
    let found = match (&issue, &folder) {
        (Some(issue), _) => folders.on_issue(issue)?,
        (None, Some(folder)) => folders.in_folder(folder)?,
        (None, None) => None,
    };
    let sought = issue.map(|it| it.to_string()).or(folder.map(|it| it.to_string_lossy().into_owned()));
    let found = found.ok_or_else(|| Failure::NotBound { sought: sought.unwrap_or_default() })?;
    binding::bound(Output::new(global.json), &found)
}

/// Prints a session with what its worktree looks like.
pub(super) fn one(context: &Context, session: Session) -> Result<(), Failure> {
    for overview in context.manager.look(&[session]) {
        let carried = overview.worktree.as_ref().map(|it| it.carried.as_slice()).unwrap_or_default();
        if !carried.is_empty() {
            tracing::warn!(
                "somebody had changed files in its worktree before the session began: {}",
                carried.join(", ")
            );
        }
        let view = view::overview(context, &overview);
        let text = || table::session(&overview, context.manager.workspace(), now());
        context.output.data(&view, text)?;
    }
    Ok(())
}

/// Prints a session after a change to it: its record, without a look at its worktree.
pub(super) fn record(context: &Context, session: Session) -> Result<(), Failure> {
    let view = view::record(context, &session);
    let overview = Overview { session, worktree: None, changes: None };
    let text = || table::session(&overview, context.manager.workspace(), now());
    Ok(context.output.data(&view, text)?)
}

fn unseen(sessions: Vec<Session>) -> Vec<Overview> {
    sessions.into_iter().map(|session| Overview { session, worktree: None, changes: None }).collect()
}
