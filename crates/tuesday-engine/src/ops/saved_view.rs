//! A person keeps a filter of the queue under a name, or drops it.

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, DeskChange, SavedView, Subject};

use crate::engine::{Engine, read_problem};

/// Most views one person keeps, and most characters of a name and of a filter.
const MOST: (usize, usize, usize) = (50, 60, 1_000);

impl Engine {
    /// Keeps `query`, the query string of the queue's address, under `name`.
    ///
    /// # Errors
    /// `bad_request` for an empty or too long name or filter, or one view too many.
    pub async fn save_view(&self, by: &str, name: &str, query: &str) -> Result<SavedView, Problem> {
        let bad = |field: &str, words: &str| Problem::new("bad_request", words).field(field);
        let (views, name_max, query_max) = MOST;
        let name = name.trim();
        if name.is_empty() || name.chars().count() > name_max || name.contains(char::is_control) {
            return Err(bad("name", "a view needs a name of at most 60 characters"));
        }
        let query = query.trim_start_matches('?');
        if query.len() > query_max || query.contains(char::is_control) {
            return Err(bad("query", "the filter is too long"));
        }
        let kept = self.0.reader.saved_views(by).await.map_err(read_problem)?;
        let known = kept.iter().find(|v| v.name == name);
        if known.is_none() && kept.len() >= views {
            return Err(bad("name", "fifty views are kept already; drop one first"));
        }
        let now = self.now();
        let view = SavedView {
            person: by.to_owned(),
            name: name.to_owned(),
            query: query.to_owned(),
            created_at: known.map_or(now, |v| v.created_at),
        };
        let entry = AuditEntry::new(
            now,
            Actor::Person(by.to_owned()),
            "view.saved",
            Subject::Instance,
        )
        .fact("name", name);
        self.desk(DeskChange::PutView(view.clone()), entry).await?;
        Ok(view)
    }

    /// Drops the view.
    ///
    /// # Errors
    /// `not_found` when there is none of that name.
    pub async fn drop_view(&self, by: &str, name: &str) -> Result<(), Problem> {
        let kept = self.0.reader.saved_views(by).await.map_err(read_problem)?;
        if !kept.iter().any(|v| v.name == name) {
            return Err(Problem::new(
                "not_found",
                format!("there is no view `{name}`"),
            ));
        }
        let actor = Actor::Person(by.to_owned());
        let entry = AuditEntry::new(self.now(), actor, "view.dropped", Subject::Instance)
            .fact("name", name);
        let (person, name) = (by.to_owned(), name.to_owned());
        self.desk(DeskChange::DropView { person, name }, entry)
            .await
    }
}
