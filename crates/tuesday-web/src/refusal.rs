//! Refusals as answers: problem documents (RFC 9457) for machines, a page for people.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use tuesday_domain::problem::Problem;
use tuesday_store::ReadError;
use utoipa::ToSchema;

use crate::console::problem_page;

/// A refusal to a machine.
#[derive(Debug)]
pub(crate) struct ApiError(pub(crate) Problem);

/// A refusal to a person.
#[derive(Debug)]
pub(crate) enum PageError {
    /// Nobody is signed in; afterwards the browser comes back here.
    SignIn,
    /// Half signed in; the second half is set up on the account page.
    Account,
    /// Said in words.
    Refused(Problem),
}

impl From<Problem> for ApiError {
    fn from(p: Problem) -> Self {
        Self(p)
    }
}

impl From<ReadError> for ApiError {
    fn from(e: ReadError) -> Self {
        Self(read_problem(e))
    }
}

impl From<Problem> for PageError {
    fn from(p: Problem) -> Self {
        Self::Refused(p)
    }
}

impl From<ReadError> for PageError {
    fn from(e: ReadError) -> Self {
        Self::Refused(read_problem(e))
    }
}

/// What a failed read means to the one who asked.
pub(crate) fn read_problem(e: ReadError) -> Problem {
    match e {
        ReadError::Unavailable(why) => {
            tracing::warn!(%why, "the database did not answer");
            Problem::new("unavailable", "the database does not answer")
                .way_out("try again in a moment")
        }
        ReadError::Corrupt(why) => {
            tracing::error!(%why, "a stored row makes no sense");
            Problem::new("record_damaged", "a stored record cannot be read")
                .way_out("run `tuesday audit verify`")
        }
    }
}

/// A problem document.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// Address of the page about this code.
    r#type: String,
    title: &'static str,
    /// HTTP status.
    status: u16,
    /// What happened, naming the field.
    detail: String,
    /// Stable code.
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    way_out: Option<String>,
    /// Every wrong field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldFault>,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    more: serde_json::Map<String, serde_json::Value>,
}

/// A wrong field.
#[derive(Serialize, ToSchema)]
pub(crate) struct FieldFault {
    /// JSON pointer; empty for the whole.
    field: String,
    detail: String,
}

impl From<Problem> for ProblemBody {
    fn from(p: Problem) -> Self {
        Self {
            r#type: format!("/errors/{}", p.code),
            title: p.title(),
            status: p.status(),
            code: p.code,
            detail: p.detail,
            field: p.field,
            way_out: p.way_out,
            errors: p
                .errors
                .into_iter()
                .map(|e| FieldFault {
                    field: e.field,
                    detail: e.detail,
                })
                .collect(),
            more: p.more,
        }
    }
}

/// The HTTP status of a problem.
pub(crate) fn status(p: &Problem) -> StatusCode {
    StatusCode::from_u16(p.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = (status(&self.0), self.0.code);
        let mut answer = (status, Json(ProblemBody::from(self.0))).into_response();
        let headers = answer.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if code == "rate_limited" || status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn => Redirect::to("/sign-in").into_response(),
            Self::Account => Redirect::to("/account").into_response(),
            Self::Refused(p) => problem_page(&p),
        }
    }
}
