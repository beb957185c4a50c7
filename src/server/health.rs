//! Whether the server is there and can work, and what it has counted.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::{
    Extension,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    app::App,
    auth::Grant,
    documents::HealthDoc,
    problem::Problem,
    wire::{ProblemDoc, json},
};
use crate::session::SessionStatus;

/// The five classes of answers.
const CLASSES: usize = 5;

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    asked: AtomicU64,
    answered: [AtomicU64; CLASSES],
    turned_away: AtomicU64,
    sent_bytes: AtomicU64,
}

impl Metrics {
    /// A request came.
    pub(super) fn asked(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// It was answered.
    pub(super) fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES) - 1;
        self.answered[class].fetch_add(1, Ordering::Relaxed);
    }

    /// A connection had no place.
    pub(super) fn turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    /// So much of a terminal went out.
    pub(super) fn sent(&self, bytes: usize) {
        self.sent_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Says that the server is there.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses(
    (status = 200, description = "It is", content_type = "application/json", body = HealthDoc),
))]
pub(super) async fn healthz() -> Response {
    json(StatusCode::OK, "{\"status\":\"ok\"}".to_owned())
}

/// Says whether sessions can be read and kept.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()), responses(
    (status = 200, description = "They can", content_type = "application/json", body = HealthDoc),
    (status = 503, description = "They cannot, or the server ends", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn readyz(State(app): State<App>) -> Result<Response, Problem> {
    if app.closing.is_closed() {
        return Err(Problem::busy("the server ends"));
    }
    // Anybody may ask this, so it says no more than whether.
    let fresh = app.roll.fresh().await;
    fresh.map_err(|_| Problem::busy("the sessions cannot be read"))?;
    Ok(json(StatusCode::OK, "{\"status\":\"ready\"}".to_owned()))
}

/// Says what was counted, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "Counters and gauges", content_type = "text/plain", body = String),
    (status = "4XX", description = "Not for this token", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn metrics(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
) -> Result<Response, Problem> {
    grant.whole()?;
    let snapshot = app.roll.fresh().await.unwrap_or_else(|_| app.roll.last());
    let mut out = String::new();
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let gauges = [
        ("wharf_up_seconds", "gauge", "Since when it serves.", app.began.elapsed().as_secs()),
        ("wharf_generation", "counter", "Changes of the table of sessions.", snapshot.generation),
        (
            "wharf_sessions_running",
            "gauge",
            "Sessions with a program.",
            count(snapshot.seen.iter().filter(|it| it.running).count()),
        ),
        ("wharf_http_requests_total", "counter", "Requests.", load(&app.metrics.asked)),
        (
            "wharf_http_turned_away_total",
            "counter",
            "Connections without a place.",
            load(&app.metrics.turned_away),
        ),
        ("wharf_terminals", "gauge", "Terminals that are shown.", count(app.terminals.taken())),
        (
            "wharf_terminal_bytes_total",
            "counter",
            "Bytes of terminals that went out.",
            load(&app.metrics.sent_bytes),
        ),
        ("wharf_event_readers", "gauge", "Readers of events.", count(app.listeners.taken())),
    ];
    for (name, kind, help, value) in gauges {
        // Writing into a text cannot fail.
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
    }
    out.push_str(
        "# HELP wharf_http_responses_total Answers by class.\n# TYPE wharf_http_responses_total counter\n",
    );
    for (class, counter) in (1..).zip(&app.metrics.answered) {
        let _ = writeln!(out, "wharf_http_responses_total{{class=\"{class}xx\"}} {}", load(counter));
    }
    out.push_str("# HELP wharf_sessions Sessions by status.\n# TYPE wharf_sessions gauge\n");
    for status in SessionStatus::ALL {
        let found = snapshot.seen.iter().filter(|it| it.session.status() == status).count();
        let _ = writeln!(out, "wharf_sessions{{status=\"{status}\"}} {found}");
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], out).into_response())
}

fn count(number: usize) -> u64 {
    number as u64
}
