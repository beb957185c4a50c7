//! A terminal over WebSocket.

use std::{io, time::Duration};

use axum::{
    Extension,
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use tokio::{
    net::UnixStream,
    time::{Instant, sleep},
};
use utoipa::IntoParams;

use super::{
    app::App,
    auth::Grant,
    browsers::Stay,
    problem::Problem,
    relay::{MESSAGE_BYTES_MAX, Reach, Relay},
    wire::{Ask, Part, ProblemDoc},
};
use crate::{
    manager::ManagerError,
    session::{SessionId, SessionName},
    socket::{self, SocketError},
    terminal::TerminalError,
};

/// What both sides speak over the WebSocket.
pub(super) const PROTOCOL: &str = "wharf.terminal.v1";
/// How long a holder may take to answer.
const KNOCK_WAIT_MAX: Duration = Duration::from_secs(2);
/// How long to wait before the next knock.
const KNOCK_AGAIN: Duration = Duration::from_millis(20);
/// How much is gathered before it is written.
const GATHERED_BYTES: usize = 16 << 10;

/// How a terminal is to be shown.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TerminalWish {
    /// `observe`: whatever the client says, it only looks on.
    #[serde(default)]
    #[param(inline)]
    role: Option<Role>,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Role {
    Control,
    Take,
    Observe,
}

impl TerminalWish {
    /// What such a connection may do at most.
    pub(super) fn reach(&self, grant: Grant) -> Reach {
        if grant.may_change() && self.role != Some(Role::Observe) { Reach::Control } else { Reach::Observe }
    }
}

/// Shows the terminal of a session.
///
/// Binary messages, each of one or more frames of the terminal's protocol. The client says `A` (attach) first.
#[utoipa::path(get, path = "/sessions/{who}/terminal", tag = "terminal", params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
    TerminalWish,
), responses(
    (status = 101, description = "The connection is a WebSocket now"),
    (status = "4XX", description = "No WebSocket, no such session, or nothing runs in it", body = ProblemDoc, content_type = "application/problem+json"),
    (status = 503, description = "Too many terminals are shown", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn terminal(
    State(app): State<App>,
    Extension((grant, stay)): Extension<(Grant, Stay)>,
    Part(who): Part,
    Ask(wish): Ask<TerminalWish>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let id = app.find(grant, &who).await?;
    let upgrade = upgrade.map_err(|_| no_upgrade())?;
    let name = app.roll.last().registry.session(id).map(|session| session.name().clone());
    let name = name.ok_or_else(|| Problem::not_found("the session is gone"))?;
    let place = app.terminal_place(grant)?;
    let holder = reach_holder(&app, id, name).await?;
    let reach = wish.reach(grant);
    Ok(begin(upgrade, Relay { app, holder, reach, stay, replaced: None, typed: None, place }))
}

/// Goes on as a WebSocket.
pub(super) fn begin(upgrade: WebSocketUpgrade, relay: Relay) -> Response {
    let upgrade = upgrade.protocols([PROTOCOL]);
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    let upgrade = upgrade.write_buffer_size(GATHERED_BYTES).max_write_buffer_size(2 * MESSAGE_BYTES_MAX);
    upgrade.on_upgrade(|socket| relay.run(socket))
}

/// What somebody hears who did not ask for a WebSocket.
pub(super) fn no_upgrade() -> Problem {
    let detail = "this is told over a WebSocket";
    Problem::of(StatusCode::UPGRADE_REQUIRED, "NO_WEBSOCKET", detail)
}

/// Connects to the holder of a session.
pub(super) async fn reach_holder(app: &App, id: SessionId, name: SessionName) -> Result<UnixStream, Problem> {
    let path = app.runtime.socket(id);
    let deadline = Instant::now() + KNOCK_WAIT_MAX;
    // Each knock ends at once, so no thread waits for a holder that does not answer.
    let knocked = loop {
        match socket::connect(&path, Duration::ZERO) {
            Err(SocketError::Silent { .. }) if Instant::now() < deadline => sleep(KNOCK_AGAIN).await,
            knocked => break knocked,
        }
    };
    let failed = |source: TerminalError| Problem::from(ManagerError::Terminal { name, source });
    let unusable = |err: io::Error| Problem::internal(format!("the connection cannot be used: {err}"));
    UnixStream::from_std(knocked.map_err(|err| failed(err.into()))?).map_err(unusable)
}
