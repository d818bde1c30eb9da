//! A person drops a candidate that nobody will build. Its answers go; what was said stays in the log.

use tuesday_domain::charter::quiz::Answers;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Candidate, CandidateChange, CandidateState, Change};

use super::{entry, seen_is};
use crate::engine::Engine;
use crate::ops::cleared::Reader;

impl Engine {
    /// Drops a candidate; `seen` is the version that was read.
    ///
    /// # Errors
    /// `not_found`, `not_allowed`, `revision_moved`.
    pub async fn drop_candidate(
        &self,
        name: &str,
        seen: Option<u32>,
        reader: &Reader<'_>,
    ) -> Result<(), Problem> {
        let (row, installed) = self.open_row(name, reader).await?;
        self.may_change(name, Some(&row), installed, reader).await?;
        seen_is(row.version, seen, name)?;
        let row = Candidate {
            state: CandidateState::Dropped,
            answers: Answers::default().text(),
            changed_by: reader.who.person().unwrap_or_default().to_owned(),
            changed_at: self.now(),
            version: row.version + 1,
            ..row
        };
        let entry = entry(&row, "candidate.dropped", reader).fact("title", row.title.clone());
        let change = CandidateChange::Update(row);
        self.commit(vec![Change::Candidate(Box::new(change))], entry)
            .await
    }
}
