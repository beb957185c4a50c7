//! How a browser gets in, by a code that is good once and becomes a cookie; and how all of them are logged out.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    app::App,
    auth::{Grant, carried},
    browsers::{Admits, STAY},
    codes::LIFE,
    ending::Nothing,
    problem::Problem,
    wire::{Body, Part, ProblemDoc, reply},
};
use crate::clock::{Clock as _, SystemClock, Timestamp};

/// A link that lets one browser in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(rename_all = "camelCase")]
pub(super) struct Link {
    /// The link, under the name by which this was asked.
    url: String,
    /// Its path.
    path: String,
    /// Until when it is good.
    expires_at: String,
}

/// For what a browser is to be let in.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct OpenWish {
    /// To look, and to change nothing.
    #[serde(default)]
    read_only: bool,
}

/// Makes a link that lets one browser in, once and within a minute.
#[utoipa::path(post, path = "/open-codes", tag = "opening", request_body = OpenWish, responses(
    (status = 201, description = "The link", body = Link),
    (status = "4XX", description = "Not for this token", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn issue(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    headers: HeaderMap,
    Body(OpenWish { read_only }): Body<OpenWish>,
) -> Result<Response, Problem> {
    grant.full()?;
    let admits = if read_only { Admits::Looks } else { Admits::All };
    let code =
        app.codes.issue(admits).map_err(|err| Problem::internal(format!("no code can be made: {err}")))?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let path = format!("/api/v1/open/{}", code.reveal());
    let life = i64::try_from(LIFE.as_millis()).unwrap_or_default();
    let now = SystemClock.now();
    let expires = Timestamp::from_unix_millis(now.unix_millis() + life).unwrap_or(now);
    let link = Link { url: format!("http://{host}{path}"), path, expires_at: expires.to_string() };
    Ok(reply(StatusCode::CREATED, &link))
}

/// Lets a browser in whose code is good, and sends it to the page.
#[utoipa::path(get, path = "/open/{code}", tag = "opening", security(()), params(
    ("code" = String, Path, description = "What `wharf open` printed"),
), responses(
    (status = 303, description = "It has its cookie now"),
    (status = "4XX", description = "The code is not good, or not any more", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn redeem(
    State(app): State<App>,
    Part(code): Part,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // Who only looks ahead, as previews and browsers do, does not use it up.
    let is_ahead = ["purpose", "sec-purpose", "x-moz"]
        .iter()
        .any(|name| headers.get(*name).is_some_and(|value| value.as_bytes().starts_with(b"prefetch")));
    if method != Method::GET || is_ahead {
        let detail = "a link is opened, and not looked at before";
        return Err(Problem::of(StatusCode::METHOD_NOT_ALLOWED, "WRONG_METHOD", detail));
    }
    // Who logs all out between here and the end means this one too.
    let round = app.browsers.round();
    let refused = || {
        let problem = app.tokens.failed_code();
        problem.with_hint("`wharf open` prints another one; each is good once, for a minute")
    };
    let admits = app.codes.redeem(&code).ok_or_else(refused)?;
    let browsers = Arc::clone(&app.browsers);
    // A browser keeps one cookie, so the word that it came with would be good for nobody, and what it has open would go on.
    let instead = carried(&headers, &app.cookie).into_iter().filter(|it| it.by_cookie);
    let instead: Vec<String> = instead.map(|it| it.word.to_owned()).collect();
    let let_in = move || browsers.let_in(admits, &instead, round, SystemClock.now());
    let let_in = tokio::task::spawn_blocking(let_in).await;
    let word = let_in.map_err(|_| Problem::internal("nobody could let it in"))?;
    let word = word.map_err(|err| Problem::internal(format!("no cookie can be made: {err}")))?;
    let word = word.ok_or_else(refused)?;
    let (name, word, seconds) = (&app.cookie, word.reveal(), STAY.as_secs());
    let cookie = format!("{name}={word}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    Ok((StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, "/".to_owned())])
        .into_response())
}

/// How many browsers were logged out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(rename_all = "camelCase")]
pub(super) struct LoggedOut {
    logged_out: usize,
}

/// Logs every browser out at once, also those that show a terminal just now, and forgets the links that nobody opened yet.
#[utoipa::path(delete, path = "/browsers", tag = "opening", request_body = Nothing, responses(
    (status = 200, description = "How many there were", body = LoggedOut),
    (status = "4XX", description = "Not for this token", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn log_out(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Response, Problem> {
    grant.full()?;
    app.codes.clear();
    let browsers = Arc::clone(&app.browsers);
    let done = tokio::task::spawn_blocking(move || browsers.log_out(SystemClock.now())).await;
    let done = done.map_err(|_| Problem::internal("nobody could log them out"))?;
    let logged_out = done.map_err(|err| {
        let detail = format!("they are out until the server ends, but that cannot be written down: {err}");
        Problem::of(StatusCode::INTERNAL_SERVER_ERROR, "IO_FAILED", detail)
    })?;
    Ok(reply(StatusCode::OK, &LoggedOut { logged_out }))
}
