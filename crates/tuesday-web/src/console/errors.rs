//! `/errors/CODE`: what a problem document's `type` points to, readable without signing in.

use axum::extract::Path;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use tuesday_domain::problem::Problem;

use crate::refusal::ApiError;

#[derive(rust_embed::RustEmbed)]
#[folder = "../../docs/errors"]
struct Pages;

/// The page of one code, as plain text.
pub(crate) async fn show(Path(code): Path<String>) -> Response {
    match Pages::get(&format!("{code}.md")) {
        Some(page) => (
            [(CONTENT_TYPE, "text/plain; charset=utf-8")],
            page.data.into_owned(),
        )
            .into_response(),
        None => {
            let problem = Problem::new("not_found", format!("there is no error code {code}"));
            ApiError::from(problem).into_response()
        }
    }
}
