//! The form of a second look: the output was right, or wrong and why.

use axum::response::Response;
use tuesday_engine::ops::SecondVerdict;

use super::decide::Desk;
use crate::api::verdicts::correct;
use crate::refusal::PageError;
use crate::verbs::Verb;

/// Keeps the verdict and goes on to the next case.
pub(crate) async fn post(desk: Desk) -> Result<Response, PageError> {
    let form = &desk.form;
    let verdict = SecondVerdict {
        correct: correct(&form.text("verdict").unwrap_or_default())?,
        reason: form.text("reason").unwrap_or_default(),
        revision: form.revision()?,
        key: None,
    };
    desk.act(Verb::Verdict(verdict)).await
}
