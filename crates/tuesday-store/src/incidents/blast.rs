//! What a cause has touched: the runs it made outputs for, and where each output went.

use tuesday_domain::id::{ReleaseId, RunId};
use tuesday_domain::record::{Action, Run};
use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::{Select, limit as page};
use crate::value::{Value, big};
use crate::{actions, runs};

/// What to look for. All that is given must hold; a filter without anything finds nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlastFilter {
    /// Workflow name; narrows, but is no cause by itself.
    pub workflow: Option<String>,
    /// Made under one of these releases.
    pub releases: Vec<ReleaseId>,
    /// Routed by this version of the rules.
    pub rules: Option<u64>,
    /// Answered by this model: the pin, or what the provider reported.
    pub model: Option<String>,
    /// Approved, edited or decided by this person.
    pub person: Option<String>,
    /// Received from here on.
    pub from: Option<Timestamp>,
    /// Received before.
    pub to: Option<Timestamp>,
}

impl BlastFilter {
    /// Nothing that could be a cause is given.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.releases.is_empty()
            && self.rules.is_none()
            && self.model.is_none()
            && self.person.is_none()
            && self.from.is_none()
            && self.to.is_none()
    }
}

/// A run that is touched, with what it wrote.
#[derive(Clone, Debug)]
pub struct Touched {
    /// The run.
    pub run: Run,
    /// Its actions in the order of the plan.
    pub actions: Vec<Action>,
}

impl StoreReader {
    /// Runs with an output that the filter finds, oldest first, each with its actions; `after` is the
    /// last run of the page before.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn touched(
        &self,
        filter: &BlastFilter,
        after: Option<RunId>,
        limit: usize,
    ) -> Result<Vec<Touched>, ReadError> {
        if filter.is_empty() {
            return Ok(Vec::new());
        }
        let (sql, params) = query(filter, after, limit);
        let found = self.rows(sql, params, runs::run).await?;
        let ids: Vec<RunId> = found.iter().map(|r| r.id).collect();
        let mut written = self.actions_of_all(&ids).await?;
        Ok(found
            .into_iter()
            .map(|run| {
                let (own, rest) = written.drain(..).partition(|a: &Action| a.run == run.id);
                written = rest;
                Touched { run, actions: own }
            })
            .collect())
    }

    /// The actions of several runs, by run and in the order of the plan.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn actions_of_all(&self, ids: &[RunId]) -> Result<Vec<Action>, ReadError> {
        let mut out = Vec::new();
        for some in ids.chunks(100) {
            let mut q = Select::new(&format!(
                "SELECT {} FROM actions WHERE run_id IN",
                actions::COLUMNS
            ));
            for (i, id) in some.iter().enumerate() {
                let mark = if i == 0 { " (?" } else { ", ?" };
                q.push(mark, [Value::Id(id.uuid())]);
            }
            let (sql, params) = q
                .push(") ORDER BY run_id, ordinal, revision, id", [])
                .done();
            out.extend(self.rows(sql, params, actions::action).await?);
        }
        Ok(out)
    }
}

fn query(f: &BlastFilter, after: Option<RunId>, limit: usize) -> (String, Vec<Value>) {
    let mut q = Select::new(&format!("SELECT {} FROM runs AS r", runs::COLUMNS));
    q.and("r.output_ref IS NOT NULL", [])
        .and_text("r.workflow = ?", f.workflow.as_deref());
    if !f.releases.is_empty() {
        q.and("r.release_id IN", []);
        for (i, id) in f.releases.iter().enumerate() {
            let mark = if i == 0 { " (?" } else { ", ?" };
            q.push(mark, [Value::Id(id.uuid())]);
        }
        q.push(")", []);
    }
    if let Some(version) = f.rules {
        q.and("r.rules_version = ?", [Value::Int(big(version))]);
    }
    if let Some(model) = &f.model {
        let text = || Value::Text(model.clone());
        q.and(
            "EXISTS (SELECT 1 FROM attempts AS t WHERE t.run_id = r.id AND (t.model = ? OR t.model_reported = ?))",
            [text(), text()],
        );
    }
    if let Some(person) = &f.person {
        q.and(
            "(EXISTS (SELECT 1 FROM reviews AS v WHERE v.run_id = r.id AND v.decided_by = ?) \
             OR EXISTS (SELECT 1 FROM actions AS a WHERE a.run_id = r.id AND a.authorised_by = ?))",
            [
                Value::Text(person.clone()),
                Value::Text(format!("person:{person}")),
            ],
        );
    }
    if let Some(from) = f.from {
        q.and("r.received_at >= ?", [Value::Int(from.micros())]);
    }
    if let Some(to) = f.to {
        q.and("r.received_at < ?", [Value::Int(to.micros())]);
    }
    if let Some(after) = after {
        q.and("r.id > ?", [Value::Id(after.uuid())]);
    }
    q.push(" ORDER BY r.id LIMIT ?", [page(limit)]).done()
}
