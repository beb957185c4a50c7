//! What nobody else looks after: clients that are never heard of again, whose tickets are given up after a while, what is
//! known of the others, which is written down meanwhile, work with sessions that was begun and given up, and memory that nobody
//! needs any more.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    app::App,
    auth::Grant,
    clients::cleaned,
    tickets::{Cleaned, Ticket},
};
use crate::{
    clock::{Clock as _, SystemClock, Timestamp},
    manager::{SessionManager, is_abandoned},
    process::give_back_memory,
    terminal::{Connection, Stop},
};

/// How often that is looked after, at least and at most.
const EVERY_MIN: Duration = Duration::from_millis(250);
const EVERY_MAX: Duration = Duration::from_secs(10);
/// How long work that could not be ended is left alone before it is tried again.
const ABANDONED_EVERY: Duration = Duration::from_secs(30);
/// How often what a look, a list or a crowd needed for a moment is given back to the system.
const GIVE_BACK_EVERY: Duration = Duration::from_secs(20);
/// How long each step may take where a stop of the server ends what runs for clients.
const END_GRACE_MS: u64 = 1_000;

/// Looks after the clients until the server ends.
pub(super) async fn sweep(app: App) {
    let every = (app.settings.client_timeout / 4).clamp(EVERY_MIN, EVERY_MAX);
    let mut last_end: Option<Instant> = None;
    let mut given_back = Instant::now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => (),
            () = app.closing.wait() => return,
        }
        note(&app).await;
        if given_back.elapsed() >= GIVE_BACK_EVERY {
            given_back = Instant::now();
            // It changes nothing but what is free.
            drop(tokio::task::spawn_blocking(give_back_memory).await);
        }
        if last_end.is_none_or(|at| at.elapsed() >= ABANDONED_EVERY) && end_abandoned(&app).await {
            last_end = Some(Instant::now());
        }
        if app.policy.is_exclusive() {
            for ticket in silent(&app).await {
                // Each of those before may have taken a while.
                if app.closing.is_closed() || !is_still_silent(&app, &ticket).await {
                    continue;
                }
                match cleaned(&app, &ticket, Some(silent_since(&app))).await {
                    Ok(Cleaned::Untouched(_)) => tracing::debug!("a silent client came back in time"),
                    Ok(Cleaned::Destroyed(_)) => {
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

/// Ends work with sessions that was begun and given up, by this server or by anybody who died; says whether there was any.
async fn end_abandoned(app: &App) -> bool {
    if !app.roll.last().registry.iter().any(is_abandoned) {
        return false;
    }
    match app.long_desk.run(Grant::Full, SessionManager::end_abandoned).await {
        Ok(Ok(count)) => tracing::info!(count, "work that was given up is ended"),
        Ok(Err(err)) => tracing::warn!(error = %err, "work that was given up cannot be ended yet"),
        Err(problem) => tracing::warn!(why = problem.detail(), "work that was given up cannot be ended yet"),
    }
    true
}

/// Who was not heard of since then is silent.
fn silent_since(app: &App) -> Timestamp {
    let now = SystemClock.now();
    let limit = i64::try_from(app.settings.client_timeout.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_millis(now.unix_millis().saturating_sub(limit)).unwrap_or(now)
}

/// Writes down when clients were heard of.
pub(super) async fn note(app: &App) {
    let (live, book) = (Arc::clone(&app.live), Arc::clone(&app.book));
    match app.desk.run(Grant::Full, move |_| live.note(&book)).await {
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
    let Ok(Ok(clients)) = app.desk.run(Grant::Full, move |_| book.clients()).await else {
        return Vec::new();
    };
    let since = silent_since(app);
    // Who could not come back before this server was there has all the time again.
    if app.began.elapsed() <= app.settings.client_timeout {
        return Vec::new();
    }
    let clients = app.live.over(clients).into_iter();
    clients
        .filter(|client| !client.ticket.is_global() && client.last_activity < since)
        .filter(|client| client.session.is_some() && !app.live.is_shown(&client.ticket))
        .map(|client| client.ticket)
        .collect()
}

/// Whether a client has still given no sign of life, and nobody looks at what runs in its session in another way.
async fn is_still_silent(app: &App, ticket: &Ticket) -> bool {
    let session = {
        let book = Arc::clone(&app.book);
        let clients = app.desk.run(Grant::Full, move |_| book.clients()).await;
        let clients = app.live.over(clients.ok().and_then(Result::ok).unwrap_or_default());
        let known = clients.into_iter().find(|client| client.ticket == *ticket);
        known.filter(|client| client.last_activity < silent_since(app))
    };
    let Some(id) = session.and_then(|client| client.session) else {
        return false;
    };
    if app.live.is_shown(ticket) {
        return false;
    }
    let path = app.runtime.socket(id);
    let is_used = move |manager: &mut SessionManager| {
        // Whoever waits for a command is there, as is whoever looks at the terminal.
        manager.is_executing(id)
            || Connection::open(&path).and_then(|mut it| it.info()).is_ok_and(|info| info.clients > 0)
    };
    !app.desk.run(Grant::Full, is_used).await.unwrap_or(false)
}

/// Ends what runs for clients, where that was set.
pub(super) async fn end(app: &App) {
    note(app).await;
    if !app.settings.end_clients {
        return;
    }
    let book = Arc::clone(&app.book);
    let Ok(Ok(clients)) = app.desk.run(Grant::Full, move |_| book.clients()).await else {
        return;
    };
    let mut ending = tokio::task::JoinSet::new();
    for id in clients.into_iter().filter_map(|client| client.session) {
        let app = app.clone();
        ending.spawn(async move {
            let stop = Stop { signal: None, grace_ms: END_GRACE_MS, shutdown: false };
            app.long_desk.run(Grant::Full, move |manager| manager.stop(&id.to_string(), stop).map(drop)).await
        });
    }
    while let Some(ended) = ending.join_next().await {
        if let Ok(Ok(Err(err))) = ended {
            tracing::debug!(error = %err, "nothing of a client was ended");
        }
    }
}
