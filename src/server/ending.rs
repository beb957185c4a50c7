//! How a session ends, what lies in the trash, and how it comes back.

use axum::{Extension, extract::State, http::StatusCode, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    app::App,
    auth::Grant,
    documents::{DestroyedDoc, SessionDoc, TrashDoc},
    problem::Problem,
    wire::{Ask, Body, Mark, Order, Page, Part, ProblemDoc, json, reply},
};
use crate::{
    json::Members,
    manager::{Comeback, Destroyed, ManagerError, Permit, Permits, TakeDown},
    session::BranchFate,
    view::{self, LossView},
};

/// How a session is to be destroyed.
#[derive(Debug, PartialEq, Eq)]
struct DestroyWish {
    how: TakeDown,
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DestroyedView {
    session: Members,
    destroyed: bool,
    branch_deleted: bool,
    would_lose: Vec<LossView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_go: Option<bool>,
}

#[derive(Serialize)]
struct TrashView {
    sessions: Vec<Members>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl DestroyWish {
    /// What stands behind the question mark; a permit may be given more than once.
    fn of(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let (mut permits, branch) = (Vec::new(), BranchFate::Keep);
        let how = TakeDown { permits: Permits::default(), branch, skip_teardown: false, force: false };
        let mut wish = Self { how, dry_run: false };
        for (key, value) in pairs {
            match key.as_str() {
                "permit" => {
                    for word in value.split(',') {
                        let known = Permit::ALL.into_iter().find(|permit| permit.flag() == word);
                        permits.push(known.ok_or_else(|| {
                            let known: Vec<&str> = Permit::ALL.iter().map(|permit| permit.flag()).collect();
                            Problem::invalid(format!("`permit` is one of {}", known.join(", ")))
                        })?);
                    }
                }
                "force" => wish.how.force = flag("force", &value)?,
                "noTeardown" => wish.how.skip_teardown = flag("noTeardown", &value)?,
                "deleteBranch" if flag("deleteBranch", &value)? => wish.how.branch = BranchFate::Delete,
                "deleteBranch" => wish.how.branch = BranchFate::Keep,
                "dryRun" => wish.dry_run = flag("dryRun", &value)?,
                _ => {
                    return Err(Problem::invalid(
                        "a destroy knows `permit`, `force`, `noTeardown`, `deleteBranch` and `dryRun`",
                    ));
                }
            }
        }
        wish.how.permits = if wish.how.force { Permits::all() } else { permits.into_iter().collect() };
        Ok(wish)
    }
}

fn flag(key: &str, value: &str) -> Result<bool, Problem> {
    value.parse().map_err(|_| Problem::invalid(format!("`{key}` is true or false")))
}

/// Nothing that belongs to a request.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Ends a session; its work goes into the trash. Refuses what nobody permits, and says what would be lost.
#[utoipa::path(delete, path = "/sessions/{who}", tag = "sessions", request_body = Nothing, params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
    ("permit" = Option<Vec<String>>, Query, description = "What may go: modified, untracked, ignored, unmerged, in-progress, occupied, running"),
    ("force" = Option<bool>, Query, description = "All of these, also when what is set to run first fails"),
    ("noTeardown" = Option<bool>, Query, description = "Do not run what is set to run first"),
    ("deleteBranch" = Option<bool>, Query, description = "Delete the branch too"),
    ("dryRun" = Option<bool>, Query, description = "Only say what would be lost, and whether it would go with these permits"),
), responses(
    (status = 200, description = "It is in the trash, or would be", body = DestroyedDoc),
    (status = "4XX", description = "No such session, or work would be lost: `losses`", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn destroy(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(who): Part,
    Ask(pairs): Ask<Vec<(String, String)>>,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Response, Problem> {
    let id = app.find(grant, &who).await?.to_string();
    let DestroyWish { how, dry_run } = DestroyWish::of(pairs)?;
    let branch = how.branch;
    let permits = how.permits.clone();
    let (done, destroyed) = if dry_run {
        (false, app.desk.verb(grant, move |manager| manager.weigh_destroy(&id, branch)).await?)
    } else {
        let taken = app.setups.run(grant, move |manager| manager.take_down(&id, &how, &mut |_| ())).await?;
        (true, taken.map_err(no_flag)?)
    };
    let Destroyed { session, obstacles, branch } = destroyed;
    let view = DestroyedView {
        session: view::record(&app.workspace, &session),
        destroyed: done,
        branch_deleted: done && branch == BranchFate::Delete,
        would_lose: obstacles.iter().map(LossView::from).collect(),
        would_go: dry_run.then(|| permits.refuse(&obstacles).is_empty()),
    };
    Ok(reply(StatusCode::OK, &view))
}

/// The next step of one whose teardown failed, in the words of a request.
fn no_flag(err: ManagerError) -> Problem {
    let ManagerError::Teardown { failed, .. } = &err else {
        return err.into();
    };
    let hint = format!(
        "nothing is destroyed, all it printed is in {}; `noTeardown=true` goes without it",
        failed.output.display()
    );
    Problem::from(err).with_hint(hint)
}

/// Lists what was destroyed and can be brought back, newest first.
#[utoipa::path(get, path = "/trash", tag = "sessions", params(Page), responses(
    (status = 200, description = "What lies in the trash", body = TrashDoc),
    (status = "4XX", description = "Not for this token", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn trash(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Ask(page): Ask<Page>,
) -> Result<Response, Problem> {
    grant.whole()?;
    let found = app.desk.verb(grant, move |manager| {
        let days = manager.settings().trash_days;
        let workspace = manager.workspace().clone();
        let views = manager.discarded()?.into_iter().map(|it| {
            let mut members = view::discarded(&workspace, &it);
            members.push("expiresAt".to_owned(), view::raw(&it.expires(days).to_string()));
            (Mark::of(it.trashed.destroyed, &it.session.id()), members)
        });
        Ok(views.collect::<Vec<_>>())
    });
    let (found, next) = page.of(found.await?, Order::NewestFirst, |(mark, _)| mark.clone())?;
    let sessions = found.into_iter().map(|(_, members)| members).collect();
    Ok(reply(StatusCode::OK, &TrashView { sessions, next }))
}

/// What to bring back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Undo {
    /// A name, an id, or the beginning of an id; what was destroyed last if none is given.
    session: Option<String>,
    /// Under another name.
    r#as: Option<String>,
    /// On a new branch, at the commit of its own.
    branch: Option<String>,
}

/// Brings a destroyed session back, with its uncommitted work.
#[utoipa::path(post, path = "/undo", tag = "sessions", request_body = Undo, responses(
    (status = 200, description = "The session", body = SessionDoc),
    (status = "4XX", description = "Nothing of that kind in the trash, or no room", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn undo(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Body(undo): Body<Undo>,
) -> Result<Response, Problem> {
    grant.full()?;
    let wanted = Comeback {
        name: undo.r#as.as_deref().map(str::parse).transpose()?,
        branch: undo.branch.as_deref().map(str::parse).transpose()?,
    };
    let session = app.desk.verb(grant, move |manager| manager.undo(undo.session.as_deref(), &wanted)).await?;
    Ok(json(StatusCode::OK, app.shown(&session).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(pairs: &[(&str, &str)]) -> Result<DestroyWish, Problem> {
        DestroyWish::of(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn permits_are_given_one_by_one_or_all() {
        let two: Permits = [Permit::Modified, Permit::Untracked].into_iter().collect();
        assert_eq!(wish(&[("permit", "modified"), ("permit", "untracked")]).unwrap().how.permits, two);
        assert_eq!(wish(&[("permit", "modified,untracked")]).unwrap().how.permits, two);
        let forced = wish(&[("force", "true")]).unwrap();
        assert!(forced.how.force && !forced.how.skip_teardown && forced.how.permits == Permits::all());
        assert!(wish(&[("noTeardown", "true")]).unwrap().how.skip_teardown);
        let none = wish(&[("deleteBranch", "false")]).unwrap();
        assert_eq!(none, wish(&[]).unwrap());
        assert_eq!((none.how.permits, none.how.branch), (Permits::default(), BranchFate::Keep));
        for pair in [("permit", "everything"), ("permit", ""), ("force", "yes"), ("deletebranch", "true")] {
            assert!(wish(&[pair]).is_err(), "{pair:?}");
        }
    }
}
