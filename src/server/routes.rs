//! Which path leads where, and the document that says so.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, OpenApi as Document, Ref, ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    app::App, clients, ending, event_socket, events, executing, guard, health, history, opening, page,
    problem::Problem, reading, running, sessions, terminal, typing, wire::json,
};

/// Where all of the API is.
const API: &str = "/api/v1";
/// How long a file of the page may be kept whose name says what it holds.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

#[derive(OpenApi)]
#[openapi(
    info(title = "wharf", description = "Parallel development sessions: each one a branch, a worktree, and what runs in it."),
    modifiers(&Locks),
    tags(
        (name = "sessions", description = "Branch, worktree, record"),
        (name = "running", description = "What runs in a session"),
        (name = "terminal", description = "A live terminal"),
        (name = "clients", description = "Who comes back to which session"),
        (name = "events", description = "What changed"),
        (name = "opening", description = "How a browser gets in"),
        (name = "health", description = "Whether the server is there"),
    )
)]
struct Api;

/// A token is needed wherever a path does not say otherwise.
struct Locks;

impl Modify for Locks {
    fn modify(&self, document: &mut Document) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", scheme);
        document.security = Some(vec![SecurityRequirement::new::<_, _, String>("token", [])]);
    }
}

/// Everything that can be asked, behind the checks that every request passes.
pub(super) fn router(app: &App) -> Router {
    let api = OpenApiRouter::new()
        .routes(routes!(sessions::list, sessions::create))
        .routes(routes!(sessions::show, sessions::change, ending::destroy))
        .routes(routes!(ending::trash))
        .routes(routes!(ending::undo))
        .routes(routes!(running::start))
        .routes(routes!(running::stop))
        .routes(routes!(running::kill))
        .routes(routes!(running::restart))
        .routes(routes!(running::resume))
        .routes(routes!(typing::send))
        .routes(routes!(typing::screen))
        .routes(routes!(executing::exec))
        .routes(routes!(history::history))
        .routes(routes!(history::conversations))
        .routes(routes!(history::doctor))
        .routes(routes!(clients::list, clients::register))
        .routes(routes!(clients::resume))
        .routes(routes!(clients::clean_up))
        .routes(routes!(clients::terminal))
        .routes(routes!(reading::settings))
        .routes(routes!(terminal::terminal))
        .routes(routes!(events::events))
        .routes(routes!(event_socket::event_socket))
        .routes(routes!(opening::issue))
        .routes(routes!(opening::redeem))
        .routes(routes!(opening::log_out));
    let all = OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .nest(API, api);
    let (router, mut document) = all.split_for_parts();
    complete(&mut document);
    let text = document.to_json().expect("a document has a JSON form");
    let document = move || std::future::ready(json(StatusCode::OK, text.clone()));
    router
        .route("/openapi.json", get(document))
        .route("/", get(file))
        .route("/assets/{*path}", get(file))
        .fallback(|| std::future::ready(Problem::not_found("there is nothing at this path")))
        .method_not_allowed_fallback(|| {
            let detail = "this path does not know that method";
            std::future::ready(Problem::of(StatusCode::METHOD_NOT_ALLOWED, "WRONG_METHOD", detail))
        })
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .with_state(app.clone())
}

/// What every path can answer: who asks may not, asks for nonsense or too often, or the server cannot just now.
fn complete(document: &mut Document) {
    let content = || Content::new(Some(Ref::from_schema_name("Problem")));
    let problem = |what: &str| {
        ResponseBuilder::new().description(what).content("application/problem+json", content()).build()
    };
    for item in document.paths.paths.values_mut() {
        let methods = [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in methods.into_iter().flatten() {
            let responses = &mut operation.responses.responses;
            for (status, what) in [("4XX", "It is not done"), ("5XX", "It cannot be done just now")] {
                responses.entry(status.to_owned()).or_insert_with(|| problem(what).into());
            }
        }
    }
}

/// A file of the page.
async fn file(State(_): State<App>, request: Request) -> Response {
    let path = request.uri().path();
    let Some(asset) = page::asset(path) else {
        return Problem::not_found("the page has no such file").into_response();
    };
    debug_assert!(matches!(*request.method(), Method::GET | Method::HEAD), "the route knows no other");
    let keep = HeaderValue::from_static(if asset.is_lasting { FOR_EVER } else { "no-cache" });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (header::ETAG, HeaderValue::from_static(asset.etag)),
        (header::CACHE_CONTROL, keep),
    ];
    let known = request.headers().get(header::IF_NONE_MATCH);
    if known.is_some_and(|known| known.as_bytes() == asset.etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, asset.bytes).into_response()
}
