//! How what went wrong is told over HTTP (RFC 9457), with the words and statuses of DESIGN 6.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{
    manager::{Code, Kind, ManagerError},
    session::{
        AgentNameError, BranchNameError, CommandError, IssueRefError, LabelError, SessionNameError,
        SessionStatusError,
    },
    text,
    view::LossView,
};

const CONTENT_TYPE: &str = "application/problem+json";

/// What went wrong.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    hint: Option<String>,
    losses: Vec<LossView>,
    retry_after: Option<Duration>,
}

#[derive(Serialize)]
struct ProblemView<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    losses: &'a [LossView],
}

impl Problem {
    /// Something with its own status.
    pub(super) fn of(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), hint: None, losses: Vec::new(), retry_after: None }
    }

    /// A value that makes no sense.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::UNPROCESSABLE_ENTITY, Code::InvalidValue.word(), detail)
    }

    /// Somebody who may not.
    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::FORBIDDEN, "FORBIDDEN", detail)
    }

    /// Nothing there.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::NOT_FOUND, Code::NotFound.word(), detail)
    }

    /// More than may be at once; it is worth trying again.
    pub(super) fn busy(detail: impl Into<String>) -> Self {
        let problem = Self::of(StatusCode::SERVICE_UNAVAILABLE, "BUSY", detail);
        Self { retry_after: Some(Duration::from_secs(1)), ..problem }
    }

    /// More often than may be.
    pub(super) fn too_often(wait: Duration) -> Self {
        let problem = Self::of(StatusCode::TOO_MANY_REQUESTS, "TOO_OFTEN", "that is asked for too often");
        Self { retry_after: Some(wait), ..problem }
    }

    /// We made a mistake.
    pub(super) fn internal(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal.word(), detail)
    }

    /// With what to do next.
    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// What it says.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let view = ProblemView {
            r#type: format!("urn:wharf:problem:{}", self.code.to_ascii_lowercase().replace('_', "-")),
            title: self.status.canonical_reason().unwrap_or("Problem"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            hint: self.hint.as_deref(),
            losses: &self.losses,
        };
        let body = serde_json::to_vec(&view).expect("texts and numbers always have a JSON form");
        let mut response = (self.status, [(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response();
        if let Some(wait) = self.retry_after {
            let seconds = HeaderValue::from(wait.as_secs().max(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"wharf\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

impl From<ManagerError> for Problem {
    fn from(err: ManagerError) -> Self {
        let losses = if let ManagerError::UnsavedWork { obstacles, .. } = &err {
            obstacles.iter().map(LossView::from).collect()
        } else {
            Vec::new()
        };
        let problem = Self::of(status(err.code()), err.code().word(), text::lines(&text::because(&err)));
        // Who held a lock lets go of it; what does not answer may again.
        let passes = matches!(err.code().kind(), Kind::Locked | Kind::Unreachable);
        let retry_after = passes.then_some(Duration::from_secs(1));
        Self { hint: err.hint(), losses, retry_after, ..problem }
    }
}

/// Texts that are no names, branches and the like.
macro_rules! of_text_errors {
    ($($error:ty => $code:literal),+ $(,)?) => {$(
        impl From<$error> for Problem {
            fn from(err: $error) -> Self {
                Self::of(StatusCode::UNPROCESSABLE_ENTITY, $code, text::lines(&text::because(&err)))
            }
        }
    )+};
}

of_text_errors! {
    SessionNameError => "INVALID_NAME",
    BranchNameError => "INVALID_BRANCH",
    SessionStatusError => "INVALID_VALUE",
    IssueRefError => "INVALID_VALUE",
    LabelError => "INVALID_VALUE",
    AgentNameError => "INVALID_VALUE",
    CommandError => "INVALID_VALUE",
}

fn status(code: Code) -> StatusCode {
    match (code, code.kind()) {
        // Who asks for a program that is not there asks for something that makes no sense.
        (Code::StartFailed | Code::SetupFailed, _) | (_, Kind::Invalid) => StatusCode::UNPROCESSABLE_ENTITY,
        (Code::UnsafePath | Code::UnsafeOwnership, _) => StatusCode::FORBIDDEN,
        (_, Kind::NotFound) => StatusCode::NOT_FOUND,
        (_, Kind::Conflict | Kind::Full | Kind::Unsafe) => StatusCode::CONFLICT,
        (_, Kind::Unreachable | Kind::Locked | Kind::State) => StatusCode::SERVICE_UNAVAILABLE,
        (_, Kind::Failed) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
