//! How requests are read and answers written: JSON in both directions, and every mistake as a problem.

use std::{cmp::Ordering, convert::Infallible, fmt};

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{error::Category, value::RawValue};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::{app::App, places::Taken, problem::Problem};
use crate::{clock::Timestamp, text, view::LossView};

const JSON: &str = "application/json";
/// How much of a long answer is handed on at once.
const PIECE_BYTES: usize = 64 << 10;

/// The body of a request that changes something, read as JSON; an empty one is an empty object.
pub(super) struct Body<T>(pub(super) T);

/// An object that is written as one: a list with the same values in their order is none.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        if !text.get().starts_with('{') {
            return Err(D::Error::custom("it is not a JSON object"));
        }
        serde_json::from_str(text.get()).map(Self).map_err(D::Error::custom)
    }
}

/// What stands behind the question mark.
pub(super) struct Ask<T>(pub(super) T);

/// How much of a list one answer has, unless somebody says otherwise, and at most.
pub(super) const PAGE: usize = 200;
const PAGE_MAX: usize = 1_000;

/// Which part of a list is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// How many at most.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Where the answer before this one ended: its `next`.
    cursor: Option<String>,
}

/// Which comes first in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// What is there for the longest.
    OldestFirst,
    /// What came last.
    NewestFirst,
}

/// Where something stands in a list: its moment, and its id among those of one moment. It stays where it is, whatever comes and
/// goes between two answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    millis: i64,
    id: String,
}

impl Mark {
    /// Of one with this id.
    pub(super) fn of(moment: Timestamp, id: &impl fmt::Display) -> Self {
        Self { millis: moment.unix_millis(), id: id.to_string() }
    }

    /// As a `cursor` says it.
    pub(super) fn read(text: &str) -> Result<Self, Problem> {
        let parts = text.split_once('.').and_then(|(millis, id)| Some((millis.parse().ok()?, id.to_owned())));
        let (millis, id) =
            parts.ok_or_else(|| Problem::invalid("`cursor` is the `next` of an earlier answer"))?;
        Ok(Self { millis, id })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.millis, self.id)
    }
}

impl Page {
    /// That part, and where the next one begins.
    pub(super) fn of<T>(
        &self,
        all: Vec<T>,
        order: Order,
        mark: impl Fn(&T) -> Mark,
    ) -> Result<(Vec<T>, Option<String>), Problem> {
        let limit = limit(self.limit, PAGE)?;
        let after = self.cursor.as_deref().map(Mark::read).transpose()?;
        let compare = |one: &Mark, other: &Mark| match order {
            Order::OldestFirst => one.cmp(other),
            Order::NewestFirst => other.cmp(one),
        };
        let mut marked: Vec<(Mark, T)> = all.into_iter().map(|it| (mark(&it), it)).collect();
        marked
            .retain(|(mark, _)| after.as_ref().is_none_or(|after| compare(mark, after) == Ordering::Greater));
        marked.sort_by(|(one, _), (other, _)| compare(one, other));
        let has_more = marked.len() > limit;
        marked.truncate(limit);
        let next = marked.last().filter(|_| has_more).map(|(mark, _)| mark.to_string());
        Ok((marked.into_iter().map(|(_, it)| it).collect(), next))
    }
}

/// How many one answer has: so many where nobody says otherwise.
pub(super) fn limit(wanted: Option<usize>, otherwise: usize) -> Result<usize, Problem> {
    let limit = wanted.unwrap_or(otherwise);
    let is_fine = (1..=PAGE_MAX).contains(&limit);
    is_fine.then_some(limit).ok_or_else(|| Problem::invalid(format!("`limit` is 1 to {PAGE_MAX}")))
}

/// What stands in the path.
pub(super) struct Part(pub(super) String);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        // A page from elsewhere cannot send this without asking first, and nobody answers that question.
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(JSON) {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let problem =
                Problem::of(status, "WRONG_CONTENT_TYPE", "a change needs `Content-Type: application/json`");
            return Err(problem);
        }
        let limit = app.settings.body_bytes_max;
        let read = timeout(app.settings.stall_timeout, to_bytes(request.into_body(), limit)).await;
        let late = |_| Problem::of(StatusCode::REQUEST_TIMEOUT, "TOO_SLOW", "the body did not come in time");
        let too_large = |_| {
            let detail = format!("the body is longer than {limit} bytes, or did not come whole");
            Problem::of(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", detail)
        };
        let bytes = read.map_err(late)?.map_err(too_large)?;
        let bytes = if bytes.is_empty() { &b"{}"[..] } else { &bytes };
        serde_json::from_slice(bytes).map(|Object(body)| Self(body)).map_err(|err| {
            let detail = format!("the body cannot be taken: {}", text::line(&err.to_string()));
            match err.classify() {
                Category::Data => Problem::invalid(detail),
                Category::Syntax | Category::Eof | Category::Io => {
                    Problem::of(StatusCode::BAD_REQUEST, "INVALID_JSON", detail)
                }
            }
        })
    }
}

impl<T: DeserializeOwned> FromRequestParts<App> for Ask<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let read = Query::try_from_uri(&parts.uri);
        read.map(|Query(asked)| Self(asked)).map_err(|err| {
            Problem::invalid(format!("the query cannot be taken: {}", text::line(&err.body_text())))
        })
    }
}

impl FromRequestParts<App> for Part {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let read = Path::<String>::from_request_parts(parts, app).await;
        read.map(|Path(text)| Self(text)).map_err(|_| Problem::not_found("the path is no text"))
    }
}

/// An answer in JSON.
pub(super) fn reply<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => json(status, text),
        Err(_) => Problem::internal("the answer has no JSON form").into_response(),
    }
}

/// An answer that is JSON already.
pub(super) fn json(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, JSON)], text).into_response()
}

/// The same for one that may be long: in pieces, of which only a few are under way, and with a place that is kept until the
/// last of them is taken or nobody wants them any more.
pub(super) fn json_held(status: StatusCode, text: String, place: Taken) -> Response {
    let headers = [(header::CONTENT_TYPE, JSON.to_owned()), (header::CONTENT_LENGTH, text.len().to_string())];
    // A piece is a copy, so that what is sent keeps no more than itself.
    let rest = (Bytes::from(text), place);
    let pieces = stream::unfold(rest, |(mut rest, place)| async move {
        let piece = rest.split_to(rest.len().min(PIECE_BYTES));
        (!piece.is_empty()).then(|| (Ok::<_, Infallible>(Bytes::copy_from_slice(&piece)), (rest, place)))
    });
    (status, headers, axum::body::Body::from_stream(pieces)).into_response()
}

/// What went wrong, as RFC 9457 has it.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "it describes what is written elsewhere")]
pub(super) struct ProblemDoc {
    r#type: String,
    title: String,
    status: u16,
    detail: String,
    /// The stable word.
    code: String,
    /// What to do next.
    hint: Option<String>,
    /// What a destroy would lose; `permit` lets it go.
    losses: Option<Vec<LossView>>,
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;
    use crate::server::{auth::Grant, places::Places};

    /// The names on one page of a list, and where the next one begins.
    fn page(list: &[(i64, &str)], cursor: Option<String>, order: Order) -> (String, Option<String>) {
        let at = |millis| Timestamp::from_unix_millis(millis).unwrap();
        let page = Page { limit: Some(2), cursor };
        let (found, next) = page.of(list.to_vec(), order, |(millis, id)| Mark::of(at(*millis), id)).unwrap();
        (found.into_iter().map(|(_, id)| id).collect(), next)
    }

    #[test]
    fn what_goes_or_comes_between_two_pages_hides_nothing_and_tells_nothing_twice() {
        let list = [(1, "a"), (2, "c"), (2, "b"), (3, "d"), (4, "e")];
        let (first, next) = page(&list, None, Order::OldestFirst);
        assert_eq!((first.as_str(), next.as_deref()), ("ab", Some("2.b")));
        assert_eq!(page(&list[1..], next, Order::OldestFirst), ("cd".to_owned(), Some("3.d".to_owned())));
        assert_eq!(page(&list[..4], Some("3.d".into()), Order::OldestFirst), (String::new(), None));
        let (first, next) = page(&list[..4], None, Order::NewestFirst);
        assert_eq!((first.as_str(), next.as_deref()), ("dc", Some("2.c")));
        assert_eq!(page(&list, next, Order::NewestFirst), ("ba".to_owned(), None));
        for wrong in ["1", "x.a", ""] {
            assert!(Mark::read(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_long_answer_keeps_its_place_until_it_is_sent_or_given_up() {
        let places = Places::of(2);
        let text = "x".repeat(PIECE_BYTES + 1);
        let answer = || json_held(StatusCode::OK, text.clone(), places.try_take(Grant::Full).unwrap());
        let mut body = answer().into_body().into_data_stream();
        let given_up = answer();
        assert_eq!(places.taken(), 2);
        drop(given_up);
        assert_eq!(body.next().await.unwrap().unwrap().len(), PIECE_BYTES);
        assert_eq!(places.taken(), 1);
        assert_eq!(body.next().await.unwrap().unwrap().len(), 1);
        assert!(body.next().await.is_none());
        drop(body);
        assert_eq!(places.taken(), 0);
    }
}
