//! What happened in a session: the commands that ran, and what was said with an agent. And what is wrong with all of them.

use std::time::{Duration, Instant};

use axum::{Extension, extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    app::App,
    auth::Grant,
    problem::Problem,
    wire::{Ask, Part, ProblemDoc, json_held, limit, reply},
};
use crate::{
    manager::ManagerError,
    shell::log::Entry,
    view::{self, ChainView, EntryView, FindingView, Newest},
};

/// How many commands or turns one answer has, unless somebody says otherwise.
const PAGE: usize = 100;
/// How large an answer may grow before it ends.
const ANSWER_BYTES: usize = 8 << 20;
/// How long a history may be looked through.
const LOOK_MAX: Duration = Duration::from_secs(10);
/// The longest expression.
const GREP_BYTES_MAX: usize = 4_096;

/// Which commands are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryFilter {
    /// How many at most, the newest.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Only those before this number.
    #[param(minimum = 0)]
    before: Option<i64>,
    /// Only those that failed.
    failed: Option<bool>,
    /// Only those that match this regular expression.
    grep: Option<String>,
    /// With what is kept of their output.
    output: Option<bool>,
}

/// Lists the commands that ran in a session, oldest first. An answer has at most about 8 MiB: go on with `before`, the number
/// of its first command, until nothing more comes.
#[utoipa::path(get, path = "/sessions/{who}/history", tag = "running", params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
    HistoryFilter,
), responses(
    (status = 200, description = "The commands", body = Vec<EntryView<'static>>),
    (status = "4XX", description = "No such session, no expression, or too long to be looked through", body = ProblemDoc, content_type = "application/problem+json"),
    (status = 503, description = "Too many commands run, or their answers are still on their way", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn history(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(who): Part,
    Ask(asked): Ask<HistoryFilter>,
) -> Result<Response, Problem> {
    let id = app.find(grant, &who).await?.to_string();
    let limit = limit(asked.limit, PAGE)?;
    if asked.grep.as_ref().is_some_and(|grep| grep.len() > GREP_BYTES_MAX) {
        return Err(Problem::invalid(format!("`grep` has at most {GREP_BYTES_MAX} bytes")));
    }
    let wanted = view::Wanted::of(asked.grep.as_deref(), asked.failed == Some(true));
    let wanted = wanted.ok_or_else(|| Problem::invalid("`grep` is a regular expression"))?;
    let before = number(asked.before)?;
    let with_output = asked.output == Some(true);
    let found = app.commands.run_at_once(grant, move |manager| {
        let (session, found) = manager.history(&id)?;
        let failed = |source| ManagerError::Shell { name: session.name().clone(), source };
        let admits =
            |entry: &Entry| before.is_none_or(|before| entry.number < before) && wanted.admits(entry);
        let found = found.map(|entry| entry.map_err(failed));
        gathered(found, limit, Instant::now() + LOOK_MAX, |entry| {
            admits(entry).then(|| view::raw(&EntryView::of(entry, with_output)).get().to_owned())
        })
    });
    let (found, place) = found.await?;
    Ok(json_held(StatusCode::OK, found?, place))
}

/// What `before` says; the document knows no numbers without a sign.
fn number(before: Option<i64>) -> Result<Option<u64>, Problem> {
    before
        .map(u64::try_from)
        .transpose()
        .map_err(|_| Problem::invalid("`before` is a number of an earlier answer"))
}

/// Entries as they are shown, oldest first; found from the newest on until there are so many, or so many bytes of them.
fn gathered<T>(
    found: impl Iterator<Item = Result<T, ManagerError>>,
    limit: usize,
    deadline: Instant,
    shown: impl Fn(&T) -> Option<String>,
) -> Result<String, Problem> {
    let (mut texts, mut bytes) = (Vec::new(), 0);
    for entry in found {
        if Instant::now() >= deadline {
            let detail = format!("the history is too long to be looked through in {} s", LOOK_MAX.as_secs());
            let problem = Problem::of(StatusCode::UNPROCESSABLE_ENTITY, "TOO_LONG", detail);
            return Err(
                problem.with_hint("ask with a smaller `limit`, or `wharf history` on the command line")
            );
        }
        let Some(text) = shown(&entry?) else { continue };
        bytes += text.len();
        texts.push(text);
        if texts.len() == limit || bytes >= ANSWER_BYTES {
            break;
        }
    }
    texts.reverse();
    Ok(format!("[{}]", texts.join(",")))
}

/// Which turns are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Turns {
    /// How many at most, the newest.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Only those before this number: the `first` of an earlier answer.
    #[param(minimum = 0)]
    before: Option<i64>,
}

/// Shows what was said with the agent of a session, turn by turn. An answer has the newest 100, or as many as `limit` says, and
/// at most about 8 MiB: go on with `before`, the `first` of this one, until that is not more than `dropped`.
#[utoipa::path(get, path = "/sessions/{who}/conversations", tag = "running", params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
    Turns,
), responses(
    (status = 200, description = "The chain of conversations", body = ChainView),
    (status = "4XX", description = "No such session", body = ProblemDoc, content_type = "application/problem+json"),
    (status = 503, description = "Too many commands run, or their answers are still on their way", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn conversations(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(who): Part,
    Ask(turns): Ask<Turns>,
) -> Result<Response, Problem> {
    let (limit, before) = (limit(turns.limit, PAGE)?, number(turns.before)?);
    let id = app.find(grant, &who).await?.to_string();
    let part = app.commands.run_at_once(grant, move |manager| {
        let talk = manager.talk(&id)?;
        let part = ChainView::part(&talk, Newest { turns_max: limit, before, bytes_max: ANSWER_BYTES });
        Ok::<_, ManagerError>(view::raw(&part).get().to_owned())
    });
    let (part, place) = part.await?;
    Ok(json_held(StatusCode::OK, part?, place))
}

/// No question takes anything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Holds file, git, folders and processes against each other. Changes nothing.
#[utoipa::path(get, path = "/doctor", tag = "health", responses(
    (status = 200, description = "What was found, worst first", body = Vec<FindingView>),
    (status = "4XX", description = "Not for this token", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn doctor(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Ask(Nothing {}): Ask<Nothing>,
) -> Result<Response, Problem> {
    grant.whole()?;
    let findings = app.long_desk.run(grant, crate::manager::SessionManager::examine).await?;
    let views: Vec<FindingView> = findings.iter().map(|finding| FindingView::of(finding, None)).collect();
    Ok(reply(StatusCode::OK, &views))
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    fn lengths(
        found: impl Iterator<Item = usize>,
        limit: usize,
        deadline: Instant,
    ) -> Result<String, Problem> {
        let shown = |length: &usize| (*length > 0).then(|| format!("{length}{}", " ".repeat(length - 1)));
        gathered(found.map(Ok), limit, deadline, shown)
    }

    #[test]
    fn an_answer_ends_at_a_number_of_commands_of_bytes_and_after_a_time() {
        let later = Instant::now() + Duration::from_mins(1);
        assert_eq!(lengths([1, 0, 2, 3].into_iter(), 2, later).unwrap(), "[2 ,1]");
        assert_eq!(lengths([].into_iter(), 2, later).unwrap(), "[]");
        let long = lengths(std::iter::repeat(ANSWER_BYTES / 2), 1_000, later).unwrap();
        assert!(long.len() < ANSWER_BYTES + 100, "{}", long.len());
        let late = lengths(std::iter::repeat(0), 1, Instant::now()).unwrap_err();
        assert_eq!(late.into_response().status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
}
