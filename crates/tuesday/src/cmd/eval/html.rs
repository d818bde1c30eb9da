//! The page for people.

use std::path::Path;

use tuesday_domain::eval::{Verdict, html};
use tuesday_domain::problem::Problem;

use super::run::Done;
use crate::out;

/// Writes it.
pub(super) fn write(file: &Path, done: &Done, verdict: &Verdict) -> Result<(), Problem> {
    let title = format!("Evaluation of {}", done.workflow);
    let page = html(&title, &done.pack, &done.evidence, verdict);
    std::fs::write(file, page)
        .map_err(|e| out::unavailable(format!("{}: {e}", file.display())).field("html"))
}
