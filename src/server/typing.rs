//! What is typed into a session, and what its screen shows.

use axum::{
    Extension,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    app::App,
    auth::Grant,
    documents::ScreenDoc,
    problem::Problem,
    wire::{Ask, Body, Part, ProblemDoc, json},
};
use crate::{
    manager::ManagerError,
    session::SessionName,
    terminal::{Connection, Question, TerminalError, Typing, is_key, type_into},
};

/// How many keys one request may press.
const KEYS_MAX: usize = 1_000;

/// What to type, in this order.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "the words of the request")]
pub(super) struct Keys {
    /// The text; the end of a line is enter.
    text: String,
    /// Keys such as `enter`, `ctrl-c`, `alt-x` or `f5`.
    #[schema(max_items = 1000)]
    keys: Vec<String>,
    /// Press enter at the end.
    enter: bool,
    /// Paste the text, where the program knows pastes.
    paste: bool,
}

/// Does something with the holder of a session.
async fn with_holder<T: Send + 'static>(
    app: &App,
    grant: Grant,
    who: &str,
    act: impl FnOnce(&mut Connection) -> Result<T, TerminalError> + Send + 'static,
) -> Result<T, Problem> {
    let id = app.find(grant, who).await?;
    let name: SessionName = match app.roll.last().registry.session(id) {
        Some(session) => session.name().clone(),
        None => return Err(Problem::not_found("the session is gone")),
    };
    if grant.may_change() {
        app.heard(id);
    }
    let path = app.runtime.socket(id);
    let done = app.desk.run(grant, move |_| act(&mut Connection::open(&path)?)).await?;
    done.map_err(|source| ManagerError::Terminal { name, source }.into())
}

/// Types into a session; done when the program can read it.
#[utoipa::path(post, path = "/sessions/{who}/send", tag = "running", request_body = Keys, params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
), responses(
    (status = 204, description = "The program can read it"),
    (status = "4XX", description = "No such session, nothing runs in it, or no such key", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn send(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(who): Part,
    Body(keys): Body<Keys>,
) -> Result<Response, Problem> {
    if keys.keys.len() > KEYS_MAX {
        return Err(Problem::invalid(format!("at most {KEYS_MAX} keys at once")));
    }
    if let Some(unknown) = keys.keys.iter().find(|name| !is_key(name)) {
        let detail = format!("`{}` is not a key such as enter, ctrl-c, alt-x or f5", unknown.escape_debug());
        return Err(Problem::invalid(detail));
    }
    let act = move |connection: &mut Connection| {
        let Keys { text, keys, enter, paste } = &keys;
        type_into(connection, &Typing { text: text.as_bytes(), is_paste: *paste, keys, enter: *enter })
    };
    with_holder(&app, grant, &who, act).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// How a screen is to be shown.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Look {
    #[param(inline)]
    format: Format,
}

/// How a screen is written down.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// Text alone.
    #[default]
    Text,
    /// Text with colours.
    Ansi,
    /// Cell by cell, in JSON.
    Cells,
}

/// Shows what is to be seen on the screen of a session now.
#[utoipa::path(get, path = "/sessions/{who}/screen", tag = "running", params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
    Look,
), responses(
    (status = 200, description = "The screen", content(
        (String = "text/plain"),
        (ScreenDoc = "application/json"),
    )),
    (status = "4XX", description = "No such session, or nothing runs in it", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn screen(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(who): Part,
    Ask(look): Ask<Look>,
) -> Result<Response, Problem> {
    let question = match look.format {
        Format::Text => Question::Text,
        Format::Ansi => Question::Ansi,
        Format::Cells => Question::Cells,
    };
    let seen = with_holder(&app, grant, &who, move |connection| connection.ask(question)).await?;
    let text = String::from_utf8_lossy(&seen).into_owned();
    Ok(match look.format {
        Format::Cells => json(StatusCode::OK, text),
        Format::Text | Format::Ansi => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
        }
    })
}
