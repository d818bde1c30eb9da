//! tmp
use askama::Template;
use super::diff::Part;
use super::forms::{Field, FieldKind};
use super::shell::Shell;
use super::views::*;

#[derive(Template)]
#[template(path = "review.html")]
pub(crate) struct ReviewPage {
    pub(crate) shell: Shell,
    pub(crate) queue: QueueView,
    pub(crate) case: CaseView,
    pub(crate) panel: Option<Panel>,
    pub(crate) editing: bool,
    pub(crate) changed: bool,
    pub(crate) open: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) changes: Vec<ChangedField>,
    pub(crate) faults: Vec<String>,
    pub(crate) reason: String,
    pub(crate) note: String,
    pub(crate) next: Option<NextCase>,
}
#[derive(Template)]
#[template(path = "queue.html")]
pub(crate) struct QueuePage {
    pub(crate) shell: Shell,
    pub(crate) queue: QueueView,
    pub(crate) headline: String,
    pub(crate) told: String,
    pub(crate) first: Option<String>,
}
