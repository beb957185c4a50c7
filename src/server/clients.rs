//! Clients: each gets a ticket and a session, and comes back to it (SPEC CL-1 to CL-4). The same under both policies.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::StatusCode,
    response::Response,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    app::App,
    auth::Grant,
    browsers::Stay,
    ending::Nothing,
    problem::Problem,
    reading::policy_word,
    relay::{Reach, Relay},
    terminal::{TerminalWish, begin, no_upgrade, reach_holder},
    tickets::{Cleaned, Client, Ticket, TicketError},
    wire::{Ask, Body, Mark, Order, Page, Part, ProblemDoc, reply},
};
use crate::{
    clock::{Clock as _, SystemClock, Timestamp},
    manager::SessionManager,
    text,
    view::LossView,
};

/// A client, as it is told.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Client, rename_all = "camelCase")]
pub(super) struct ClientView {
    /// What it comes back with.
    ticket: String,
    /// The id of its session; none while that is made.
    session: Option<String>,
    /// `shared` or `isolated`.
    policy: &'static str,
    /// Since when it is known.
    created_at: String,
    /// When it was heard of last.
    last_activity: String,
}

/// What became of a client's session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CleanedUp, rename_all = "camelCase")]
pub(super) struct CleanedView {
    /// The ticket.
    ticket: String,
    /// The session.
    session: Option<String>,
    /// Whether it is in the trash.
    destroyed: bool,
    /// Whether it stays: because others use it, or because it holds work.
    kept: bool,
    /// The work that it holds.
    losses: Vec<LossView>,
}

/// Clients, oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Clients)]
pub(super) struct ClientsView {
    clients: Vec<ClientView>,
    /// Where to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

fn view(app: &App, client: &Client) -> ClientView {
    ClientView {
        ticket: client.ticket.to_string(),
        session: client.session.map(|id| id.to_string()),
        policy: policy_word(app.settings.policy),
        created_at: client.created_at.to_string(),
        last_activity: client.last_activity.to_string(),
    }
}

impl From<TicketError> for Problem {
    fn from(err: TicketError) -> Self {
        let detail = text::lines(&text::because(&err));
        match err {
            TicketError::NoSession => {
                Self::not_found(detail).with_hint("register again: `POST /api/v1/clients`")
            }
            TicketError::Leaving => Self::of(StatusCode::CONFLICT, "IN_USE", detail)
                .with_hint("register again: `POST /api/v1/clients`"),
            TicketError::Full { .. } => Self::of(StatusCode::CONFLICT, "MAX_CLIENTS", detail)
                .with_hint("clean one up, or raise `server.clients_max` in the settings"),
            TicketError::Newer { .. } => Self::of(StatusCode::SERVICE_UNAVAILABLE, "STATE_NEWER", detail),
            TicketError::Io { .. } => Self::of(StatusCode::INTERNAL_SERVER_ERROR, "IO_FAILED", detail),
            TicketError::Lock(_) => Self::of(StatusCode::SERVICE_UNAVAILABLE, "STATE_LOCKED", detail),
            TicketError::Manager(err) => err.into(),
        }
    }
}

/// The ticket in a path; what is none belongs to nobody.
fn ticket_of(text: &str) -> Result<Ticket, Problem> {
    text.parse().map_err(|_| TicketError::NoSession.into())
}

/// Gives a client a ticket and a session in which something runs.
#[utoipa::path(post, path = "/clients", tag = "clients", request_body = Nothing, responses(
    (status = 201, description = "The client", body = ClientView),
    (status = "4XX", description = "No room for one more", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn register(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Response, Problem> {
    grant.full()?;
    let policy = Arc::clone(&app.policy);
    let client = app.setups.run(grant, move |manager| policy.register(manager, &SystemClock)).await??;
    Ok(reply(StatusCode::CREATED, &view(&app, &client)))
}

/// Brings a client back to its session; what was ended meanwhile runs again.
#[utoipa::path(post, path = "/clients/{ticket}/resume", tag = "clients", request_body = Nothing, params(
    ("ticket" = String, Path, description = "What the client got when it registered"),
), responses(
    (status = 200, description = "The client", body = ClientView),
    (status = "4XX", description = "No such session", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn resume(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(ticket): Part,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Response, Problem> {
    grant.full()?;
    let client = resumed(&app, ticket_of(&ticket)?).await?;
    Ok(reply(StatusCode::OK, &view(&app, &client)))
}

async fn resumed(app: &App, ticket: Ticket) -> Result<Client, Problem> {
    let now = SystemClock.now();
    let (policy, asked) = (Arc::clone(&app.policy), ticket.clone());
    // The session that all share is set up anew where somebody destroyed it, which takes what it takes.
    let desk = if policy.is_exclusive() { &app.desk } else { &app.setups };
    match desk.run(Grant::Full, move |manager| policy.resume(manager, &asked, now)).await? {
        Ok(client) => {
            app.live.heard(&ticket, now);
            Ok(client)
        }
        Err(err) => Err(err.into()),
    }
}

/// Lists the clients, oldest first.
#[utoipa::path(get, path = "/clients", tag = "clients", params(Page), responses(
    (status = 200, description = "The clients", body = ClientsView),
    (status = "4XX", description = "Not for this token", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Ask(page): Ask<Page>,
) -> Result<Response, Problem> {
    grant.whole()?;
    let book = Arc::clone(&app.book);
    let mut clients = app.desk.run(grant, move |_| book.clients()).await??;
    // What was set decides who is a client just now; the others come back with the other policy.
    clients.retain(|client| is_of_policy(&app, &client.ticket));
    // A session that was destroyed takes its client along; an undo brings both back, unless somebody needed the place or came
    // with the ticket meanwhile.
    let sessions = app.roll.fresh().await?;
    clients.retain(|client| client.session.is_none_or(|id| sessions.registry.session(id).is_some()));
    let mark = |client: &Client| Mark::of(client.created_at, &client.ticket);
    let (clients, next) = page.of(clients, Order::OldestFirst, mark)?;
    let clients = app.live.over(clients).iter().map(|client| view(&app, client)).collect();
    Ok(reply(StatusCode::OK, &ClientsView { clients, next }))
}

/// Ends the session of a client and forgets its ticket. A session that holds work is ended and kept; one that is shared
/// goes on.
#[utoipa::path(delete, path = "/clients/{ticket}", tag = "clients", request_body = Nothing, params(
    ("ticket" = String, Path, description = "What the client got when it registered"),
), responses(
    (status = 200, description = "What became of its session", body = CleanedView),
    (status = "4XX", description = "No such session", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn clean_up(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(ticket): Part,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Response, Problem> {
    grant.full()?;
    let ticket = ticket_of(&ticket)?;
    let cleaned = cleaned(&app, &ticket, None).await?;
    let (session, destroyed, losses) = match &cleaned {
        Cleaned::Destroyed(id) => (*id, true, Vec::new()),
        Cleaned::Kept(id, obstacles) => (Some(*id), false, obstacles.iter().map(LossView::from).collect()),
        Cleaned::Untouched(id) => (Some(*id), false, Vec::new()),
    };
    let session = session.map(|id| id.to_string());
    Ok(reply(
        StatusCode::OK,
        &CleanedView { ticket: ticket.to_string(), session, destroyed, kept: !destroyed, losses },
    ))
}

/// Cleans one client up; only if it was not heard of since then, where that is given.
pub(super) async fn cleaned(
    app: &App,
    ticket: &Ticket,
    silent_since: Option<Timestamp>,
) -> Result<Cleaned, Problem> {
    let (policy, asked) = (Arc::clone(&app.policy), ticket.clone());
    let verb = move |manager: &mut SessionManager| policy.clean_up(manager, &asked, silent_since);
    let cleaned = app.setups.run(Grant::Full, verb).await??;
    match cleaned {
        Cleaned::Destroyed(_) | Cleaned::Kept(..) => app.live.forget(ticket),
        Cleaned::Untouched(_) => (),
    }
    Ok(cleaned)
}

/// Shows the terminal of a client's session. Under `isolated`, the connection that it had before is closed.
#[utoipa::path(get, path = "/clients/{ticket}/terminal", tag = "clients", params(
    ("ticket" = String, Path, description = "What the client got when it registered"),
    TerminalWish,
), responses(
    (status = 101, description = "The connection is a WebSocket now"),
    (status = "4XX", description = "No WebSocket, or no such session", body = ProblemDoc, content_type = "application/problem+json"),
    (status = 503, description = "Too many terminals are shown", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn terminal(
    State(app): State<App>,
    Extension((grant, stay)): Extension<(Grant, Stay)>,
    Part(ticket): Part,
    Ask(wish): Ask<TerminalWish>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    grant.whole()?;
    let ticket = ticket_of(&ticket)?;
    let reach = wish.reach(grant);
    let upgrade = upgrade.map_err(|_| no_upgrade())?;
    let place = app.terminal_place(grant)?;
    let client = match reach {
        Reach::Control => resumed(&app, ticket.clone()).await?,
        // Who looks on starts nothing and is no sign of life.
        Reach::Observe => {
            let book = Arc::clone(&app.book);
            let clients = app.desk.run(grant, move |_| book.clients()).await??;
            let known = clients.into_iter().find(|client| client.ticket == ticket);
            let known = known.filter(|client| is_of_policy(&app, &client.ticket));
            known.ok_or(TicketError::NoSession)?
        }
    };
    let id = client.session.ok_or(TicketError::NoSession)?;
    let snapshot = app.roll.fresh().await?;
    let name = snapshot.registry.session(id).map(|session| session.name().clone());
    let holder = reach_holder(&app, id, name.ok_or(TicketError::NoSession)?).await?;
    let is_owner = reach == Reach::Control && app.policy.is_exclusive();
    let replaced = is_owner.then(|| app.live.take_place(&ticket, SystemClock.now()));
    let live = Arc::clone(&app.live);
    let typed: Arc<dyn Fn() + Send + Sync> = Arc::new(move || live.heard(&ticket, SystemClock.now()));
    Ok(begin(upgrade, Relay { app, holder, reach, stay, replaced, typed: Some(typed), place }))
}

/// Whether a ticket leads anywhere under the policy of this server; those of the other one wait for it to come back.
fn is_of_policy(app: &App, ticket: &Ticket) -> bool {
    ticket.is_global() != app.policy.is_exclusive()
}
