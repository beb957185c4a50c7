//! What happened in a session: the commands that ran, and what was said with an agent. And what is wrong with all of them.

use axum::{Extension, extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    app::App,
    auth::Grant,
    problem::Problem,
    wire::{Ask, Part, ProblemDoc, json, reply},
};
use crate::{
    manager::ManagerError,
    view::{self, ChainView, EntryView, FindingView},
};

/// How many commands one answer has, unless somebody says otherwise, and at most.
const PAGE: usize = 100;
const PAGE_MAX: usize = 1_000;
/// The longest expression.
const GREP_BYTES_MAX: usize = 4_096;

/// Which commands are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// How many at most, the newest.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Only those before this number.
    before: Option<u64>,
    /// Only those that failed.
    failed: Option<bool>,
    /// Only those that match this regular expression.
    grep: Option<String>,
    /// With what is kept of their output.
    output: Option<bool>,
}

/// Lists the commands that ran in a session, oldest first.
#[utoipa::path(get, path = "/sessions/{who}/history", tag = "running", params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
    Wanted,
), responses(
    (status = 200, description = "The commands", body = Vec<serde_json::Value>),
    (status = "4XX", description = "No such session, or no expression", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn history(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(who): Part,
    Ask(asked): Ask<Wanted>,
) -> Result<Response, Problem> {
    let id = app.find(grant, &who).await?.to_string();
    let limit = asked.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::invalid(format!("`limit` is 1 to {PAGE_MAX}")));
    }
    if asked.grep.as_ref().is_some_and(|grep| grep.len() > GREP_BYTES_MAX) {
        return Err(Problem::invalid(format!("`grep` has at most {GREP_BYTES_MAX} bytes")));
    }
    let wanted = view::Wanted::of(asked.grep.as_deref(), asked.failed == Some(true));
    let wanted = wanted.ok_or_else(|| Problem::invalid("`grep` is a regular expression"))?;
    let (before, with_output) = (asked.before, asked.output == Some(true));
    let text = app.long_desk.verb(grant, move |manager| {
        let (session, found) = manager.history(&id)?;
        let mut texts = Vec::new();
        for entry in found {
            let entry =
                entry.map_err(|source| ManagerError::Shell { name: session.name().clone(), source })?;
            if before.is_none_or(|before| entry.number < before) && wanted.admits(&entry) {
                texts.push(view::raw(&EntryView::of(&entry, with_output)).get().to_owned());
            }
            if texts.len() == limit {
                break;
            }
        }
        texts.reverse();
        Ok(format!("[{}]", texts.join(",")))
    });
    Ok(json(StatusCode::OK, text.await?))
}

/// Shows what was said with the agent of a session, turn by turn.
#[utoipa::path(get, path = "/sessions/{who}/conversations", tag = "running", params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
), responses(
    (status = 200, description = "The chain of conversations", body = serde_json::Value),
    (status = "4XX", description = "No such session", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn conversations(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(who): Part,
) -> Result<Response, Problem> {
    let id = app.find(grant, &who).await?.to_string();
    let chain = app.desk.verb(grant, move |manager| Ok(ChainView::of(&manager.talk(&id)?))).await?;
    Ok(reply(StatusCode::OK, &chain))
}

/// Holds file, git, folders and processes against each other. Changes nothing.
#[utoipa::path(get, path = "/doctor", tag = "health", responses(
    (status = 200, description = "What was found, worst first", body = Vec<serde_json::Value>),
    (status = "4XX", description = "Not for this token", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn doctor(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
) -> Result<Response, Problem> {
    grant.whole()?;
    let findings = app.long_desk.run(grant, crate::manager::SessionManager::examine).await?;
    let views: Vec<FindingView> = findings.iter().map(|finding| FindingView::of(finding, None)).collect();
    Ok(reply(StatusCode::OK, &views))
}
