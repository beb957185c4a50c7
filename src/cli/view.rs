//! How sessions look to whoever typed a command: their records with the workspace of the command.

use super::context::Context;
use crate::{
    json::Members,
    manager::{Discarded, Overview},
    session::Session,
    view,
};

/// The record of a session, exactly as the state file has it.
pub(super) fn record(context: &Context, session: &Session) -> Members {
    view::record(context.manager.workspace(), session)
}

/// The record of a session in the trash, since when it is there, and until when.
pub(super) fn discarded(context: &Context, discarded: &Discarded) -> Members {
    let mut members = view::discarded(context.manager.workspace(), discarded);
    let expires = discarded.expires(context.manager.settings().trash_days);
    members.push("expiresAt".to_owned(), view::raw(&expires.to_string()));
    members
}

/// The record with what its worktree looks like beside it.
pub(super) fn overview(context: &Context, overview: &Overview) -> Members {
    view::overview(context.manager.workspace(), overview)
}
