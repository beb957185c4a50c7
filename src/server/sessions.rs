//! Sessions: which there are, one of them, a new one, a change, an end.

use std::collections::{BTreeMap, HashSet};

use axum::{Extension, extract::State, http::StatusCode, response::Response};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::{
    app::{App, seen},
    auth::Grant,
    documents::{ListDoc, SessionDoc},
    problem::Problem,
    roll::Seen,
    running::{Start, start_request},
    tickets::{CLIENT, is_shared_name},
    wire::{Ask, Body, Mark, Object, PAGE, Part, ProblemDoc, json, limit},
};
use crate::{
    json::Members,
    manager::{Amend, BindIssue, CreateSession, MetadataChange},
    session::{IssueRef, Label, RepositoryPath, Session, SessionId, SessionName, SessionStatus},
    view::{overview, raw},
};

/// Which sessions are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct SessionFilter {
    /// Those with this status.
    #[param(pattern = "^(active|waiting|idle|error|stopped)$")]
    status: Option<String>,
    /// Those with these ids, separated by commas.
    ids: Option<String>,
    /// The one on this issue: `owner/repo#number`.
    issue: Option<String>,
    /// Those with this text in their name, branch, phase or issue.
    q: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Where the answer before this one ended: its `next`.
    cursor: Option<String>,
    /// Also how the worktrees differ from what is committed.
    changes: Option<bool>,
}

/// Lists the sessions, oldest first.
#[utoipa::path(get, path = "/sessions", tag = "sessions", params(SessionFilter), responses(
    (status = 200, description = "The sessions", body = ListDoc),
    (status = 422, description = "A filter that makes no sense", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Ask(wanted): Ask<SessionFilter>,
) -> Result<Response, Problem> {
    let status: Option<SessionStatus> = wanted.status.as_deref().map(str::parse).transpose()?;
    let issue: Option<IssueRef> = wanted.issue.as_deref().map(str::parse).transpose()?;
    let ids = wanted.ids.as_deref().map(ids).transpose()?;
    let limit = limit(wanted.limit, PAGE)?;
    let after = wanted.cursor.as_deref().map(Mark::read).transpose()?;
    let sought = wanted.q.as_deref().map(str::to_lowercase);
    let snapshot = app.roll.fresh().await?;
    let admits = |it: &&Seen| {
        let session = &it.session;
        grant.may_see(session.id())
            && ids.as_ref().is_none_or(|ids| ids.contains(&session.id()))
            && status.is_none_or(|status| session.status() == status)
            && issue.as_ref().is_none_or(|issue| session.issue().is_some_and(|it| it.reference == *issue))
            && sought.as_ref().is_none_or(|text| mentions(session, text))
            && after.as_ref().is_none_or(|after| mark(session) > *after)
    };
    let mut found: Vec<&Seen> = snapshot.seen.iter().filter(admits).take(limit + 1).collect();
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|it| mark(&it.session));
    let texts = if wanted.changes == Some(true) {
        let sessions: Vec<Session> = found.iter().map(|it| it.session.clone()).collect();
        let running: Vec<bool> = found.iter().map(|it| it.running).collect();
        let seen = app.long_desk.run(grant, move |manager| {
            let workspace = manager.workspace().clone();
            let seen = manager.look(&sessions);
            seen.iter().map(|it| overview(&workspace, it)).collect::<Vec<_>>()
        });
        let with = |(mut members, running): (Members, bool)| {
            members.push("running".to_owned(), raw(&running));
            text_of(&members)
        };
        seen.await?.into_iter().zip(running).map(with).collect::<Vec<_>>().join(",")
    } else {
        found.iter().map(|it| it.json.as_str()).collect::<Vec<_>>().join(",")
    };
    let next = next.map(|next| format!(",\"next\":\"{next}\"")).unwrap_or_default();
    let generation = snapshot.generation;
    Ok(json(StatusCode::OK, format!("{{\"sessions\":[{texts}],\"generation\":{generation}{next}}}")))
}

fn mark(session: &Session) -> Mark {
    Mark::of(session.created_at(), &session.id())
}

fn ids(text: &str) -> Result<HashSet<SessionId>, Problem> {
    let ids = text.split(',').map(str::parse).collect::<Result<_, _>>();
    ids.map_err(|_| Problem::invalid("`ids` are whole ids of sessions, separated by commas"))
}

fn mentions(session: &Session, text: &str) -> bool {
    let has = |part: &str| part.to_lowercase().contains(text);
    has(session.name().as_str())
        || has(session.branch().as_str())
        || session.phase().is_some_and(|phase| has(phase.as_str()))
        || session.issue().is_some_and(|issue| has(&issue.reference.to_string()))
}

fn text_of(members: &Members) -> String {
    serde_json::to_string(members).expect("members are JSON already")
}

/// Shows one session: its record, how its worktree is, and what runs in it.
#[utoipa::path(get, path = "/sessions/{who}", tag = "sessions", params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
), responses(
    (status = 200, description = "The session", body = SessionDoc),
    (status = 404, description = "No such session", body = ProblemDoc, content_type = "application/problem+json"),
    (status = 409, description = "Several go by this", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(who): Part,
) -> Result<Response, Problem> {
    let id = app.find(grant, &who).await?;
    let snapshot = app.roll.last();
    let Some(it) = seen(&snapshot, id) else {
        return Err(Problem::not_found("the session is gone"));
    };
    if !it.running {
        return Ok(json(StatusCode::OK, it.json.clone()));
    }
    let mut text = it.json.clone();
    let path = app.runtime.socket(id);
    let asked = app.desk.run(grant, move |_| crate::terminal::Connection::open(&path)?.info()).await?;
    // A holder that does not answer is told by what is missing.
    if let Ok(info) = asked {
        text.truncate(text.len() - 1);
        text.push_str(",\"terminal\":");
        text.push_str(raw(&info).get());
        text.push('}');
    }
    Ok(json(StatusCode::OK, text))
}

/// What an issue is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct IssueBody {
    /// `owner/repo`.
    repository: String,
    /// Its number.
    number: u64,
    /// Where it stands in its workflow.
    label: Option<String>,
    /// Whether a person stepped in; what a bound issue has stays when nothing is said.
    intervention: Option<bool>,
}

impl IssueBody {
    fn into_bind(self) -> Result<BindIssue, Problem> {
        Ok(BindIssue {
            issue: IssueRef::new(&self.repository, self.number)?,
            label: self.label.as_deref().map(str::parse).transpose()?,
            intervention: self.intervention,
        })
    }
}

/// What to create.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Create {
    /// Its name; `feature-<date>-<number>` if none is given.
    name: Option<String>,
    /// Its branch; a new `feature/<name>` if none is given.
    branch: Option<String>,
    /// The revision a new branch begins at.
    from: Option<String>,
    /// The repository, below the workspace, if there are several.
    repository: Option<String>,
    /// The issue it works on.
    #[schema(value_type = Option<IssueBody>)]
    issue: Option<Object<IssueBody>>,
    /// What it is about to do.
    phase: Option<String>,
    /// What is kept with it.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Members>,
    /// What to start in it at once.
    #[schema(value_type = Option<Start>)]
    start: Option<Object<Start>>,
}

/// Creates a session, and starts a program in it where that is wanted.
#[utoipa::path(post, path = "/sessions", tag = "sessions", request_body = Create, responses(
    (status = 201, description = "The session", body = SessionDoc),
    (status = "4XX", description = "Taken, full, or no such thing", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn create(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Body(create): Body<Create>,
) -> Result<Response, Problem> {
    grant.full()?;
    let start = create.start.map(|Object(start)| start_request(start)).transpose()?;
    let issue = create.issue.map(|Object(issue)| issue.into_bind()).transpose()?;
    let request = CreateSession {
        name: create.name.as_deref().map(str::parse).transpose()?,
        branch: create.branch.as_deref().map(str::parse).transpose()?,
        from: create.from,
        repository: None,
        standing: None,
        issue: issue.map(BindIssue::into_issue),
        phase: create.phase.as_deref().map(str::parse).transpose()?,
        metadata: create.metadata.unwrap_or_default(),
        skip_setup: false,
    };
    ensure_no_ticket(request.metadata.iter().map(|(key, _)| key))?;
    let repository = create.repository.as_deref().map(repository_of).transpose()?;
    let request = CreateSession { repository, ..request };
    let session = app.setups.verb(grant, move |manager| match start {
        Some(start) => manager.bring_up_running(&request, &start, &mut |_| ()),
        None => manager.bring_up(&request, &mut |_| ()),
    });
    let session = session.await?;
    Ok(json(StatusCode::CREATED, app.shown(&session).await?))
}

fn repository_of(text: &str) -> Result<RepositoryPath, Problem> {
    text.parse()
        .map_err(|_| Problem::invalid("`repository` is a path below the workspace, such as services/api"))
}

/// What to change; what is not named stays. `null` takes away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(clippy::option_option, reason = "`null` and nothing are two things to ask for")]
pub(super) struct Change {
    /// Another name.
    name: Option<String>,
    /// `active`, `waiting`, `idle`, `error` or `stopped`.
    status: Option<String>,
    /// What it is about to do.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    phase: Option<Option<String>>,
    /// Values to keep; `null` takes one out.
    #[schema(value_type = Option<Object>)]
    metadata: Option<BTreeMap<String, Box<RawValue>>>,
    /// The issue it works on.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<IssueBody>)]
    issue: Option<Option<Object<IssueBody>>>,
    /// Notes that somebody works in it.
    #[serde(default)]
    touch: bool,
}

/// Something that may be `null`, apart from what is not there.
#[expect(clippy::option_option, reason = "`null` and nothing are two things to ask for")]
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Changes one session.
#[utoipa::path(patch, path = "/sessions/{who}", tag = "sessions", request_body = Change, params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
), responses(
    (status = 200, description = "The session", body = SessionDoc),
    (status = "4XX", description = "No such session, taken, or a value that makes no sense", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn change(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(who): Part,
    Body(change): Body<Change>,
) -> Result<Response, Problem> {
    let id = app.find(grant, &who).await?.to_string();
    // All of it makes sense before any of it is done.
    let name: Option<SessionName> = change.name.as_deref().map(str::parse).transpose()?;
    if name.as_ref().is_some_and(is_shared_name) && grant.full().is_err() {
        // Whoever has that name gets the clients of a server on which all share a session.
        return Err(Problem::forbidden(
            "the name of the session that all clients share is not for this token",
        ));
    }
    let status: Option<SessionStatus> = change.status.as_deref().map(str::parse).transpose()?;
    let label = |text: String| text.parse::<Label>();
    let phase = change.phase.map(|phase| phase.map(label).transpose()).transpose()?;
    let bind = |Object(issue): Object<IssueBody>| issue.into_bind();
    let issue = change.issue.map(|issue| issue.map(bind).transpose()).transpose()?;
    ensure_no_ticket(change.metadata.iter().flat_map(BTreeMap::keys))?;
    let metadata = change.metadata.map(|values| values.into_iter().map(metadata_change).collect::<Vec<_>>());
    let touch = change.touch;
    let amend = Amend { name, issue, phase, metadata: metadata.unwrap_or_default(), status, touch };
    let session = app.desk.verb(grant, move |manager| manager.amend(&id, amend));
    let session = session.await?;
    Ok(json(StatusCode::OK, app.shown(&session).await?))
}

/// Refuses who says whose session it is: that is for those alone who give tickets.
fn ensure_no_ticket(mut keys: impl Iterator<Item = impl AsRef<str>>) -> Result<(), Problem> {
    let detail = "`metadata.client` says whose ticket leads to a session, and nobody can set it";
    if keys.any(|key| key.as_ref() == CLIENT) { Err(Problem::invalid(detail)) } else { Ok(()) }
}

fn metadata_change((key, value): (String, Box<RawValue>)) -> MetadataChange {
    if value.get() == "null" { MetadataChange::Unset(key) } else { MetadataChange::Set(key, value) }
}
