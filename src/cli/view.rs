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

/// The record of a session in the trash, and since when it is there.
pub(super) fn discarded(context: &Context, discarded: &Discarded) -> Members {
    view::discarded(context.manager.workspace(), discarded)
}

/// The record with what its worktree looks like beside it.
pub(super) fn overview(context: &Context, overview: &Overview) -> Members {
    view::overview(context.manager.workspace(), overview)
}
