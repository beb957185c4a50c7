//! What changed, told to everybody who waits: the last of it is kept, so that whoever was away for a moment misses nothing.

use std::{collections::VecDeque, convert::Infallible, sync::Mutex, time::Duration};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, stream};
use serde::Serialize;
use tokio::sync::watch;

use super::{app::App, auth::Grant, browsers::Stay, places::Taken, problem::Problem};
use crate::session::SessionId;

/// How many changes are kept for those who were away.
const KEPT_MAX: usize = 1_024;
/// How often somebody who hears nothing is told that the server is there.
pub(super) const ALIVE_EVERY: Duration = Duration::from_secs(15);

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    id: u64,
    generation: u64,
    sessions: Vec<SessionId>,
}

#[derive(Serialize)]
struct ChangeView<'a> {
    generation: u64,
    sessions: &'a [String],
}

/// The changes, newest last, and a way to wait for the next.
#[derive(Debug)]
pub(super) struct Events {
    kept: Mutex<VecDeque<Change>>,
    newest: watch::Sender<u64>,
}

/// More happened meanwhile than is kept; the reader has to ask for everything.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gap;

impl Events {
    /// Nothing yet; numbers begin above all that an earlier server can have given.
    pub(super) fn beginning_at(unix_millis: i64) -> Self {
        let first = u64::try_from(unix_millis).unwrap_or_default();
        Self { kept: Mutex::default(), newest: watch::channel(first).0 }
    }

    /// Tells everybody that these sessions changed.
    pub(super) fn tell(&self, generation: u64, sessions: Vec<SessionId>) {
        let mut kept = self.kept.lock().expect("nobody panics while holding this");
        let id = *self.newest.borrow() + 1;
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back(Change { id, generation, sessions });
        self.newest.send_replace(id);
    }

    /// The number of the newest change.
    pub(super) fn newest(&self) -> u64 {
        *self.newest.borrow()
    }

    /// The first change after a number, if there is one yet.
    fn after(&self, seen: u64) -> Result<Option<Change>, Gap> {
        let kept = self.kept.lock().expect("nobody panics while holding this");
        let newest = *self.newest.borrow();
        if seen == newest {
            return Ok(None);
        }
        let is_next = |change: &&Change| change.id > seen;
        match kept.iter().find(is_next) {
            Some(change) if change.id == seen + 1 => Ok(Some(change.clone())),
            Some(_) | None => Err(Gap),
        }
    }
}

/// One event, as it is told.
pub(super) struct Told {
    /// What happened.
    pub(super) event: &'static str,
    /// Its number.
    pub(super) id: u64,
    /// More about it, in JSON.
    pub(super) data: String,
}

/// How far one reader is.
pub(super) struct Reader {
    app: App,
    grant: Grant,
    stay: Stay,
    heard: watch::Receiver<u64>,
    seen: u64,
    greeted: bool,
    _place: Taken,
}

/// Tells what changes, as it happens.
///
/// The stream begins with `hello`; `changed` names the sessions to ask for again; `reset` says that something was missed, so
/// that everything is to be asked for. `Last-Event-ID` goes on behind an event that was heard.
#[utoipa::path(get, path = "/events", tag = "events", params(
    ("Last-Event-ID" = Option<String>, Header, description = "The number of the last event that was heard"),
), responses(
    (status = 200, description = "Events without end", content_type = "text/event-stream", body = String),
    (status = 503, description = "Too many wait for events", body = super::wire::ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn events(
    State(app): State<App>,
    Extension((grant, stay)): Extension<(Grant, Stay)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let last = headers.get("last-event-id").map(|id| {
        let number = id.to_str().ok().and_then(|id| id.parse().ok());
        number.unwrap_or_default()
    });
    let reader = Reader::of(app, grant, stay, last)?;
    let sse = Sse::new(stream_of(reader)).keep_alive(KeepAlive::new().interval(ALIVE_EVERY));
    // A proxy in between is not to gather events before it hands them on.
    Ok((
        [(header::CACHE_CONTROL, "no-store"), (header::HeaderName::from_static("x-accel-buffering"), "no")],
        sse,
    )
        .into_response())
}

fn stream_of(reader: Reader) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(reader, |mut reader| async move {
        let Told { event, id, data } = reader.next().await?;
        Some((Ok(Event::default().event(event).id(id.to_string()).data(data)), reader))
    })
}

impl Reader {
    /// For somebody who heard all up to a number, or wants what comes from now on.
    pub(super) fn of(app: App, grant: Grant, stay: Stay, last: Option<u64>) -> Result<Self, Problem> {
        let place = app.listeners.try_take(grant);
        let place = place.ok_or_else(|| Problem::busy("too many wait for events"))?;
        let heard = app.events.newest.subscribe();
        // A number that was never given is one of an earlier server, or nonsense; both have missed something.
        let seen = last.unwrap_or_else(|| app.events.newest());
        Ok(Self { app, grant, stay, heard, seen, greeted: false, _place: place })
    }

    /// Whether it ends because the server does.
    pub(super) fn is_closing(&self) -> bool {
        self.app.closing.is_closed()
    }

    /// The next event; none when the server ends, or the browser may not stay. Whoever does not wait to the end of it misses
    /// nothing.
    pub(super) async fn next(&mut self) -> Option<Told> {
        if !self.greeted {
            self.greeted = true;
            let snapshot = self.app.roll.last();
            let data = format!("{{\"generation\":{}}}", snapshot.generation);
            return Some(Told { event: "hello", id: self.seen, data });
        }
        loop {
            match self.app.events.after(self.seen) {
                Ok(Some(change)) => {
                    self.seen = change.id;
                    if let Some(event) = self.told(change) {
                        return Some(event);
                    }
                }
                Ok(None) => {
                    tokio::select! {
                        heard = self.heard.changed() => heard.ok()?,
                        () = self.app.closing.wait() => return None,
                        () = self.stay.over() => return None,
                    }
                }
                Err(Gap) => {
                    self.seen = self.app.events.newest();
                    return Some(Told { event: "reset", id: self.seen, data: "{}".to_owned() });
                }
            }
        }
    }

    /// The event as this reader may hear it.
    fn told(&self, mut change: Change) -> Option<Told> {
        change.sessions.retain(|id| self.grant.may_see(*id));
        if change.sessions.is_empty() {
            return None;
        }
        let sessions: Vec<String> = change.sessions.iter().map(ToString::to_string).collect();
        let view = ChangeView { generation: change.generation, sessions: &sessions };
        let data = serde_json::to_string(&view).expect("numbers and ids always have a JSON form");
        Some(Told { event: "changed", id: change.id, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_was_away_goes_on_where_it_was_or_hears_of_the_gap() {
        let events = Events::beginning_at(1_000);
        assert_eq!(events.after(1_000), Ok(None));
        assert_eq!(events.after(999), Err(Gap), "a server before this one gave that number");
        events.tell(1, Vec::new());
        events.tell(2, Vec::new());
        assert_eq!(events.after(1_000).unwrap().unwrap().generation, 1);
        assert_eq!(events.after(1_001).unwrap().unwrap().generation, 2);
        assert_eq!(events.after(1_002), Ok(None));
        assert_eq!(events.after(5_000), Err(Gap), "no such number was given");
        for generation in 0..KEPT_MAX as u64 {
            events.tell(generation, Vec::new());
        }
        assert_eq!(events.after(1_001), Err(Gap));
        assert_eq!(events.kept.lock().unwrap().len(), KEPT_MAX);
    }
}
