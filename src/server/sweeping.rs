//! Clients that are never heard of again: their tickets are given up after a while, and what is known of the others is
//! written down meanwhile.

use std::{sync::Arc, time::Duration};

use super::{
    app::App,
    clients::cleaned,
    tickets::{Cleaned, Ticket},
};
use crate::clock::{Clock as _, SystemClock};

/// How often that is looked after, at least and at most.
const EVERY_MIN: Duration = Duration::from_millis(250);
const EVERY_MAX: Duration = Duration::from_secs(10);

/// Looks after the clients until the server ends.
pub(super) async fn sweep(app: App) {
    let every = (app.settings.client_timeout / 4).clamp(EVERY_MIN, EVERY_MAX);
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => (),
            () = app.closing.wait() => return,
        }
        note(&app).await;
        if app.policy.is_exclusive() {
            for ticket in silent(&app).await {
                match cleaned(&app, &ticket).await {
                    Ok(Cleaned::Destroyed(_) | Cleaned::Untouched(_)) => {
                        tracing::info!("a silent client was given up");
                    }
                    Ok(Cleaned::Kept(id, _)) => {
                        tracing::info!(sessionId = %id, "a silent client was given up, its session holds work and stays");
                    }
                    Err(problem) => {
                        tracing::warn!(why = problem.detail(), "a silent client cannot be given up yet");
                    }
                }
            }
        }
    }
}

/// Writes down when clients were heard of.
pub(super) async fn note(app: &App) {
    let (live, book) = (Arc::clone(&app.live), Arc::clone(&app.book));
    match app.desk.run(move |_| live.note(&book)).await {
        Ok(Ok(())) => (),
        Ok(Err(err)) => tracing::warn!(error = %err, "when clients were heard of is not written down"),
        Err(problem) => {
            tracing::warn!(why = problem.detail(), "when clients were heard of is not written down");
        }
    }
}

/// The clients that nobody shows and that were not heard of for too long.
async fn silent(app: &App) -> Vec<Ticket> {
    let book = Arc::clone(&app.book);
    let Ok(Ok(clients)) = app.desk.run(move |_| book.clients()).await else {
        return Vec::new();
    };
    let now = SystemClock.now();
    let limit = app.settings.client_timeout.as_millis();
    let is_silent = |at: crate::clock::Timestamp| {
        let since = now.unix_millis().saturating_sub(at.unix_millis());
        u128::try_from(since).is_ok_and(|since| since > limit)
    };
    let clients = app.live.over(clients).into_iter();
    clients
        .filter(|client| !client.ticket.is_global() && is_silent(client.last_activity))
        .filter(|client| client.session.is_some() && !app.live.is_shown(&client.ticket))
        .map(|client| client.ticket)
        .collect()
}

/// Ends what runs for clients, where that was set.
pub(super) async fn end(app: &App) {
    note(app).await;
    if !app.settings.end_clients {
        return;
    }
    let book = Arc::clone(&app.book);
    let ended = app.desk.run(move |manager| {
        for id in book.clients().unwrap_or_default().into_iter().filter_map(|client| client.session) {
            let stop = manager.default_stop();
            if let Err(err) = manager.stop(&id.to_string(), stop) {
                tracing::debug!(sessionId = %id, error = %err, "nothing of a client was ended");
            }
        }
    });
    if let Err(problem) = ended.await {
        tracing::warn!(why = problem.detail(), "what runs for clients was not ended");
    }
}
