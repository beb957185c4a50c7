//! What can be read about the server itself.

use axum::{Extension, extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::{app::App, auth::Grant, page, problem::Problem, wire::reply};
use crate::config::ClientPolicy;

/// What a page needs to know before it shows anything.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Settings, rename_all = "camelCase")]
pub(super) struct SettingsView {
    /// Which session a client gets: `shared` or `isolated`.
    policy: &'static str,
    /// Whether this token only reads.
    read_only: bool,
    /// The session that this token is good for, where it is good for one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    /// Whether the program carries the full page.
    full_page: bool,
    /// The version of wharf.
    version: &'static str,
    /// Where the workspace is.
    workspace: String,
    /// The agents that can be started.
    agents: Vec<String>,
}

/// Says what a page needs to know before it shows anything.
#[utoipa::path(get, path = "/settings", tag = "health", responses(
    (status = 200, description = "What was set", body = SettingsView),
))]
pub(super) async fn settings(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
) -> Result<Response, Problem> {
    let session = match grant {
        Grant::Session(id) => Some(id.to_string()),
        Grant::Full | Grant::ReadOnly => None,
    };
    let view = SettingsView {
        policy: policy_word(app.settings.policy),
        read_only: !grant.may_change(),
        session,
        full_page: page::IS_FULL,
        version: env!("CARGO_PKG_VERSION"),
        workspace: app.workspace.root().to_string_lossy().into_owned(),
        agents: app.agents.clone(),
    };
    Ok(reply(StatusCode::OK, &view))
}

/// The stable word for a policy.
pub(super) fn policy_word(policy: ClientPolicy) -> &'static str {
    match policy {
        ClientPolicy::Shared => "shared",
        ClientPolicy::Isolated => "isolated",
    }
}
