//! What changed, told over a WebSocket: a browser keeps only a few other connections to one server, for all its pages together.

use std::time::Duration;

use axum::{
    Extension,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use serde::Deserialize;
use tokio::time::{interval, timeout};
use utoipa::IntoParams;

use super::{
    app::App,
    auth::Grant,
    browsers::Stay,
    events::{ALIVE_EVERY, Reader},
    problem::Problem,
    terminal::no_upgrade,
    wire::{Ask, ProblemDoc},
};

/// The longest message of somebody who has nothing to say.
const SAID_BYTES_MAX: usize = 4_096;
/// How long one message may take to go out.
const SEND_WAIT_MAX: Duration = Duration::from_secs(30);

/// Where to go on.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Heard {
    /// The number of the last event that was heard.
    after: Option<u64>,
}

/// Tells what changes, as it happens, over a WebSocket.
///
/// Each message is an object with the members `event`, `id` and `data`, which are those of the stream of events; `alive` comes
/// now and then and means nothing else.
#[utoipa::path(get, path = "/events/socket", tag = "events", params(Heard), responses(
    (status = 101, description = "The connection is a WebSocket now"),
    (status = "4XX", description = "No WebSocket", body = ProblemDoc, content_type = "application/problem+json"),
    (status = 503, description = "Too many wait for events", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn event_socket(
    State(app): State<App>,
    Extension((grant, stay)): Extension<(Grant, Stay)>,
    Ask(Heard { after }): Ask<Heard>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|_| no_upgrade())?;
    let reader = Reader::of(app, grant, stay, after)?;
    let upgrade = upgrade.max_message_size(SAID_BYTES_MAX).max_frame_size(SAID_BYTES_MAX);
    Ok(upgrade.on_upgrade(|socket| tell(socket, reader)))
}

async fn tell(mut socket: WebSocket, mut reader: Reader) {
    let mut alive = interval(ALIVE_EVERY);
    alive.tick().await;
    loop {
        let text = tokio::select! {
            told = reader.next() => match told {
                Some(told) => format!("{{\"event\":\"{}\",\"id\":{},\"data\":{}}}", told.event, told.id, told.data),
                None => break,
            },
            said = socket.recv() => match said {
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
            _ = alive.tick() => "{\"event\":\"alive\"}".to_owned(),
        };
        if !matches!(timeout(SEND_WAIT_MAX, socket.send(Message::Text(text.into()))).await, Ok(Ok(()))) {
            return;
        }
    }
    let (code, reason) = if reader.is_closing() {
        (close_code::AWAY, "the server ends")
    } else {
        (close_code::POLICY, "this browser is not let in any more")
    };
    let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    // Who does not take it learns it by the end of the connection.
    drop(timeout(SEND_WAIT_MAX, socket.send(close)).await);
}
