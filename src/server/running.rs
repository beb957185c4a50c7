//! What runs in a session: start, stop, kill, restart, resume.

use axum::{Extension, extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    app::App,
    auth::Grant,
    desk::Desk,
    documents::SessionDoc,
    ending::Nothing,
    problem::Problem,
    wire::{Body, Part, ProblemDoc, json},
};
use crate::{
    manager::{AgentRequest, ManagerError, Opening, SessionManager, StartSession},
    process::signal_named,
    screen::Size,
    session::{Command, Session},
    terminal::Stop,
};

/// The longest grace of each step of a stop: a minute.
const GRACE_MS_MAX: u64 = 60_000;

/// What to start.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Start {
    /// The program and its arguments, or what the user adds to the agent's; what ran before, else a shell.
    command: Option<Vec<String>>,
    /// The agent.
    agent: Option<String>,
    /// What the agent is asked at once.
    prompt: Option<String>,
    /// Rows of the terminal until somebody attaches.
    #[schema(minimum = 1, maximum = 1000)]
    rows: Option<u16>,
    /// Columns of the terminal until somebody attaches.
    #[schema(minimum = 2, maximum = 1000)]
    cols: Option<u16>,
}

/// How to stop.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct StopWish {
    /// The signal to begin with, such as `INT`.
    signal: Option<String>,
    /// How long each step may take before the next, harder one.
    #[schema(minimum = 0, maximum = 60_000)]
    timeout_ms: Option<u64>,
}

/// What a request asks for, as a manager wants it.
pub(super) fn start_request(start: Start) -> Result<StartSession, Problem> {
    let size = match (start.rows, start.cols) {
        (None, None) => Size::default(),
        (rows, cols) => {
            let own = Size::default();
            Size::new(rows.unwrap_or(own.rows()), cols.unwrap_or(own.cols()))
                .ok_or_else(|| Problem::invalid("a terminal has 1 to 1000 rows and 2 to 1000 columns"))?
        }
    };
    let words = start.command.unwrap_or_default();
    let shell = std::env::var("SHELL").ok().filter(|shell| !shell.is_empty());
    let shell = shell.and_then(|shell| Command::of(vec![shell]).ok());
    let Some(agent) = start.agent else {
        if start.prompt.is_some() {
            return Err(Problem::invalid("`prompt` needs an `agent`"));
        }
        let command = if words.is_empty() { None } else { Some(Command::of(words)?) };
        return Ok(StartSession { agent: None, command, shell, size });
    };
    let agent = AgentRequest {
        name: agent.parse()?,
        arguments: words,
        prompt: start.prompt.filter(|prompt| !prompt.trim().is_empty()),
        conversation: Opening::New,
    };
    Ok(StartSession { agent: Some(agent), command: None, shell, size })
}

fn stop_of(wish: &StopWish, default: Stop) -> Result<Stop, Problem> {
    let signal = wish.signal.as_deref().map(|text| {
        signal_named(text).ok_or_else(|| Problem::invalid("`signal` is a signal such as INT or 2"))
    });
    let grace_ms = wish.timeout_ms.unwrap_or(default.grace_ms);
    if grace_ms > GRACE_MS_MAX {
        return Err(Problem::invalid(format!("`timeoutMs` is at most {GRACE_MS_MAX}")));
    }
    Ok(Stop { signal: signal.transpose()?, grace_ms, ..default })
}

/// Runs a verb on the session a path names, and answers how it is then.
async fn done(
    (app, desk): (&App, &Desk),
    grant: Grant,
    who: &str,
    verb: impl FnOnce(&mut SessionManager, &str) -> Result<Session, ManagerError> + Send + 'static,
) -> Result<Response, Problem> {
    let id = app.find(grant, who).await?.to_string();
    let session = desk.verb(grant, move |manager| verb(manager, &id)).await?;
    Ok(json(StatusCode::OK, app.shown(&session).await?))
}

/// Starts a program in a session.
#[utoipa::path(post, path = "/sessions/{who}/start", tag = "running", request_body = Start, params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
), responses(
    (status = 200, description = "The session", body = SessionDoc),
    (status = "4XX", description = "It runs already, or the program cannot be started", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn start(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(who): Part,
    Body(start): Body<Start>,
) -> Result<Response, Problem> {
    let request = start_request(start)?;
    done((&app, &app.desk), grant, &who, move |manager, id| manager.start(id, &request)).await
}

/// Ends what runs in a session, and everything it started; the session stays.
#[utoipa::path(post, path = "/sessions/{who}/stop", tag = "running", request_body = StopWish, params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
), responses(
    (status = 200, description = "The session", body = SessionDoc),
    (status = "4XX", description = "No such session, or nothing runs in it", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn stop(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(who): Part,
    Body(wish): Body<StopWish>,
) -> Result<Response, Problem> {
    // It makes sense before anything is looked up.
    stop_of(&wish, Stop { signal: None, grace_ms: 0, shutdown: false })?;
    let verb = move |manager: &mut SessionManager, id: &str| {
        let default = manager.default_stop();
        manager.stop(id, stop_of(&wish, default).unwrap_or(default))
    };
    done((&app, &app.long_desk), grant, &who, verb).await
}

/// Ends what runs in a session at once.
#[utoipa::path(post, path = "/sessions/{who}/kill", tag = "running", request_body = Nothing, params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
), responses(
    (status = 200, description = "The session", body = SessionDoc),
    (status = "4XX", description = "No such session, or nothing runs in it", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn kill(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(who): Part,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Response, Problem> {
    done((&app, &app.desk), grant, &who, SessionManager::kill).await
}

/// Ends what runs in a session and starts it again, or another program.
#[utoipa::path(post, path = "/sessions/{who}/restart", tag = "running", request_body = Start, params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
), responses(
    (status = 200, description = "The session", body = SessionDoc),
    (status = "4XX", description = "No such session, or the program cannot be started", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn restart(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(who): Part,
    Body(start): Body<Start>,
) -> Result<Response, Problem> {
    let request = start_request(start)?;
    let verb = move |manager: &mut SessionManager, id: &str| {
        let stop = manager.default_stop();
        manager.restart(id, &request, stop)
    };
    done((&app, &app.long_desk), grant, &who, verb).await
}

/// Starts again what ran in a session; an agent goes on with its conversation.
#[utoipa::path(post, path = "/sessions/{who}/resume", tag = "running", request_body = Nothing, params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
), responses(
    (status = 200, description = "The session", body = SessionDoc),
    (status = "4XX", description = "It runs already, or the program cannot be started", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn resume(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(who): Part,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Response, Problem> {
    let request = start_request(Start::default())?;
    done((&app, &app.long_desk), grant, &who, move |manager, id| manager.resume(id, &request)).await
}
