//! Everything that has to do with a name: a walk over all that is stored, some rows at a time.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use tuesday_domain::id::{IntakeId, ProblemReportId, RunId};
use tuesday_domain::privacy::Finder;
use tuesday_domain::problem::Problem;
use uuid::Uuid;

use crate::engine::{Engine, read_problem};

/// Runs in a stretch; payloads and rows read at once.
const STRETCH: usize = 500;
const ROWS: usize = 100;
/// More than this is no customer, and a list that nobody reads.
pub(super) const MOST: usize = 20_000;

/// Where a name was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Runs, each with the places in it.
    pub(super) runs: BTreeMap<RunId, BTreeSet<String>>,
    pub(super) intake: BTreeSet<IntakeId>,
    pub(super) reports: BTreeSet<ProblemReportId>,
}

impl Engine {
    pub(super) async fn found_by(&self, finder: &Finder) -> Result<Found, Problem> {
        let mut found = Found::default();
        let reader = &self.0.reader;
        let mut after = Uuid::nil();
        while let Some(upto) = reader
            .run_stretch(after, STRETCH)
            .await
            .map_err(read_problem)?
        {
            for text in reader
                .texts_between(after, upto)
                .await
                .map_err(read_problem)?
            {
                if finder.in_bytes(&text.bytes) {
                    found.runs.entry(text.run).or_default().insert(text.place);
                }
            }
            let mut from = (after, u32::MAX);
            loop {
                let page = reader.payloads_between(from, upto, ROWS).await;
                let page = page.map_err(read_problem)?;
                let full = page.len() == ROWS;
                for (n, text) in page {
                    from = (text.run.uuid(), n);
                    if finder.in_bytes(&text.bytes) {
                        found.runs.entry(text.run).or_default().insert(text.place);
                    }
                }
                if !full {
                    break;
                }
            }
            if found.runs.len() > MOST {
                return Err(Problem::new(
                    "too_many_items",
                    format!("more than {MOST} runs name that"),
                )
                .way_out("name the record, or the customer in full"));
            }
            after = upto;
        }
        self.also_beside(finder, &mut found).await?;
        Ok(found)
    }

    /// Refused events and problem reports, which may belong to no run.
    async fn also_beside(&self, finder: &Finder, found: &mut Found) -> Result<(), Problem> {
        let reader = &self.0.reader;
        let mut after = None;
        loop {
            let page = reader
                .intake_bodies(after, ROWS)
                .await
                .map_err(read_problem)?;
            after = page.last().map(|p| p.0);
            let full = page.len() == ROWS;
            let hits = page.iter().filter(|p| finder.in_bytes(&p.2));
            found.intake.extend(hits.map(|p| p.0));
            if !full {
                break;
            }
        }
        let mut after = None;
        loop {
            let page = reader
                .report_words(after, ROWS)
                .await
                .map_err(read_problem)?;
            after = page.last().map(|p| p.0);
            let full = page.len() == ROWS;
            let hits = page
                .iter()
                .filter(|p| p.1.iter().any(|t| finder.in_text(t)));
            found.reports.extend(hits.map(|p| p.0));
            if !full {
                return Ok(());
            }
        }
    }

    /// The runs that carry copies of these runs' inputs join them.
    pub(super) async fn with_copies(&self, found: &mut Found) -> Result<(), Problem> {
        let mut todo: Vec<RunId> = found.runs.keys().copied().collect();
        while let Some(run) = todo.pop() {
            for copy in self.0.reader.copies_of(run).await.map_err(read_problem)? {
                if let Entry::Vacant(new) = found.runs.entry(copy) {
                    new.insert(BTreeSet::from([format!("a copy of {run}")]));
                    todo.push(copy);
                }
            }
        }
        Ok(())
    }
}
