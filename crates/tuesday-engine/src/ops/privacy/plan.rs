//! What an erasure on request would take, what it would leave and why, and what stands in its way: a
//! list that a person reads before anything happens. Its code stands for exactly this list.

use std::collections::BTreeMap;

use serde::Serialize;
use tuesday_domain::access::{Act, Rights};
use tuesday_domain::actor::Actor;
use tuesday_domain::id::{IntakeId, ProblemReportId, RunId};
use tuesday_domain::privacy::Finder;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Review, Run, Subject};
use tuesday_domain::snapshot::sha256_hex;

use super::find::Found;
use super::wipe::{Head, Holds};
use crate::engine::{Engine, read_problem};
use crate::ops::task::not_found;

/// What is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErasureOf {
    /// One run, with the runs that carry copies of its inputs.
    Run(RunId),
    /// Everything that holds this record as a value.
    Record(String),
    /// Everything that names this customer.
    Customer(String),
}

impl ErasureOf {
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Record(_) => "record",
            Self::Customer(_) => "customer",
        }
    }

    pub(super) fn finder(&self) -> Option<Finder> {
        match self {
            Self::Run(_) => None,
            Self::Record(id) => Some(Finder::record(id)),
            Self::Customer(name) => Some(Finder::customer(name)),
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct ErasureQuery {
    /// What is named.
    pub of: ErasureOf,
    /// Runs that a reader of the list found to be about somebody else.
    pub except: Vec<RunId>,
}

/// One run of the list.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedRun {
    /// Its id.
    pub run: String,
    /// Its workflow.
    pub workflow: String,
    /// The line that names the case.
    pub subject: String,
    /// Where it stands.
    pub status: &'static str,
    /// When it was received, RFC 3339.
    pub received_at: String,
    /// Where the name was found in it.
    pub found_in: Vec<String>,
    /// What goes, by kind: snapshots, outputs, drafts of people, requests, receipts, …
    pub payloads: BTreeMap<&'static str, u32>,
    /// Review tasks whose texts go.
    pub tasks: usize,
    /// It is not over, or somebody still has a task of it.
    pub open: bool,
}

/// A hold in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldBy {
    /// What it keeps: a run, a refused event or a problem report by id.
    pub object: String,
    /// The hold.
    pub hold: String,
    /// Who placed it.
    pub placed_by: String,
    /// Why.
    pub reason: String,
}

/// Something that stays, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptCopy {
    /// Where.
    pub place: String,
    /// Why it stays.
    pub why: String,
}

/// The list.
#[derive(Clone, Debug, Serialize)]
pub struct ErasurePlan {
    /// What was named: `run`, `record` or `customer`.
    pub about: &'static str,
    /// Runs, the oldest first.
    pub runs: Vec<PlannedRun>,
    /// Refused events.
    pub intake: Vec<String>,
    /// Problem reports.
    pub reports: Vec<String>,
    /// What stays.
    pub stays: Vec<KeptCopy>,
    /// Holds in the way.
    pub held: Vec<HeldBy>,
    /// Stands for this list; an erasure needs it.
    pub code: String,
}

impl ErasurePlan {
    /// Runs with open work.
    #[must_use]
    pub fn open(&self) -> Vec<String> {
        let open = self.runs.iter().filter(|r| r.open);
        open.map(|r| r.run.clone()).collect()
    }

    /// Whether nothing would go.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.intake.is_empty() && self.reports.is_empty()
    }
}

/// The list as the engine goes on with it.
pub(super) struct Planned {
    pub(super) plan: ErasurePlan,
    pub(super) runs: Vec<(Run, Vec<Review>)>,
    pub(super) intake: Vec<IntakeId>,
    pub(super) reports: Vec<ProblemReportId>,
    pub(super) holds: Holds,
}

impl Engine {
    /// What an erasure would take; nothing happens. Whoever asks is on record, what was asked for is not.
    ///
    /// # Errors
    /// `not_allowed` on a workflow of the list, `not_found` for a run that is not there, `bad_request`
    /// without a name, `too_many_items`.
    pub async fn plan_erasure(
        &self,
        query: &ErasureQuery,
        by: &str,
    ) -> Result<ErasurePlan, Problem> {
        let rights = self.rights(by).await?;
        if !rights.may_anywhere(Act::EraseData) {
            self.may_privately(Act::EraseData, None, by).await?;
        }
        let mut planned = Box::pin(self.planned(query)).await?;
        self.may_all(&planned, &rights, by).await?;
        let facts = [
            ("about", query.of.word().to_owned()),
            ("runs", planned.plan.runs.len().to_string()),
        ];
        let actor = Actor::Person(by.to_owned());
        self.access_event("erasure.planned", &actor, Subject::Instance, &facts)
            .await?;
        let mut rows: Vec<Run> = planned.runs.iter().map(|(run, _)| run.clone()).collect();
        self.veil_runs(&rights, &mut rows).await;
        for (shown, row) in planned.plan.runs.iter_mut().zip(rows) {
            shown.subject = row.subject;
        }
        Ok(planned.plan)
    }

    /// Passes when every workflow of the list is in reach.
    pub(super) async fn may_all(
        &self,
        planned: &Planned,
        rights: &Rights,
        by: &str,
    ) -> Result<(), Problem> {
        for (run, _) in &planned.runs {
            if !rights.may(Act::EraseData, &run.workflow) {
                self.may_privately(Act::EraseData, Some(&run.workflow), by)
                    .await?;
            }
        }
        let everywhere = planned.intake.is_empty() && planned.reports.is_empty();
        if !everywhere {
            self.may_privately(Act::EraseData, None, by).await?;
        }
        Ok(())
    }

    pub(super) async fn planned(&self, query: &ErasureQuery) -> Result<Planned, Problem> {
        let reader = &self.0.reader;
        let mut found = match (&query.of, query.of.finder()) {
            (ErasureOf::Run(id), _) => {
                let run = reader.run(*id).await.map_err(read_problem)?;
                run.ok_or_else(|| not_found(&id.to_string()))?;
                let mut found = Found::default();
                found.runs.insert(*id, std::collections::BTreeSet::new());
                found
            }
            (_, Some(finder)) if !finder.is_empty() => self.found_by(&finder).await?,
            _ => {
                return Err(
                    Problem::new("bad_request", "an erasure names what it is about")
                        .field(query.of.word()),
                );
            }
        };
        self.with_copies(&mut found).await?;
        for id in &query.except {
            found.runs.remove(id);
        }
        let holds = self.holds_now().await?;
        let mut planned = Planned {
            plan: ErasurePlan {
                about: query.of.word(),
                runs: Vec::new(),
                intake: found.intake.iter().map(ToString::to_string).collect(),
                reports: found.reports.iter().map(ToString::to_string).collect(),
                stays: Vec::new(),
                held: Vec::new(),
                code: String::new(),
            },
            runs: Vec::new(),
            intake: found.intake.into_iter().collect(),
            reports: found.reports.into_iter().collect(),
            holds,
        };
        let mut named = format!(
            "{:?}\n{}\n{}\n",
            query.of,
            planned.plan.intake.join(" "),
            planned.plan.reports.join(" ")
        );
        for (id, places) in found.runs {
            self.plan_run(id, places.into_iter().collect(), &mut planned, &mut named)
                .await?;
        }
        self.held_beside(&query.of, &mut planned).await?;
        self.copies_that_stay(&mut planned).await?;
        let code = sha256_hex(named.as_bytes()).to_uppercase();
        planned.plan.code = format!("{}-{}", &code[..4], &code[4..8]);
        Ok(planned)
    }

    async fn plan_run(
        &self,
        id: RunId,
        found_in: Vec<String>,
        planned: &mut Planned,
        named: &mut String,
    ) -> Result<(), Problem> {
        let reader = &self.0.reader;
        let (run, heads, reviews) = tokio::try_join!(
            reader.run(id),
            reader.payload_heads(id),
            reader.reviews_of(id)
        )
        .map_err(read_problem)?;
        let Some(run) = run else { return Ok(()) };
        if heads.is_empty() && run.subject == tuesday_domain::privacy::ERASED {
            return Ok(());
        }
        if let Some(hold) = self.held(&run, &planned.holds).await? {
            let held = HeldBy::of(run.id.to_string(), hold);
            planned.plan.held.push(held);
        }
        named.push_str(&format!("{id} {} {}\n", run.version, heads.len()));
        planned.plan.runs.push(PlannedRun {
            run: id.to_string(),
            workflow: run.workflow.clone(),
            subject: run.subject.clone(),
            status: run.state.status.word(),
            received_at: run.received_at.rfc3339(),
            found_in,
            payloads: counted(&heads),
            tasks: reviews.len(),
            open: !run.state.status.is_terminal() || reviews.iter().any(|r| !r.state.is_decided()),
        });
        planned.runs.push((run, reviews));
        Ok(())
    }

    /// Texts that cannot change: the timeline of an incident, and eval cases in immutable releases.
    async fn copies_that_stay(&self, planned: &mut Planned) -> Result<(), Problem> {
        if planned.runs.is_empty() {
            return Ok(());
        }
        let reader = &self.0.reader;
        let ids: Vec<RunId> = planned.runs.iter().map(|(r, _)| r.id).collect();
        for incident in reader
            .incidents_touching(&ids)
            .await
            .map_err(read_problem)?
        {
            planned.plan.stays.push(KeptCopy {
                place: format!("the timeline of {incident}"),
                why: "its lines never change; look whether a person wrote a name into it"
                    .to_owned(),
            });
        }
        let mut workflows: Vec<&str> = planned
            .runs
            .iter()
            .map(|(r, _)| r.workflow.as_str())
            .collect();
        workflows.sort_unstable();
        workflows.dedup();
        for workflow in workflows {
            for row in reader.releases(workflow).await.map_err(read_problem)? {
                let text = String::from_utf8_lossy(&row.bundle);
                let made = ids
                    .iter()
                    .filter(|id| text.contains(&format!("Made of {id}")));
                planned.plan.stays.extend(made.map(|id| KeptCopy {
                    place: format!("the eval case made of {id} in release {} of {workflow}", row.number),
                    why: "a release never changes; personal data was taken out of the case when it was made".to_owned(),
                }));
            }
        }
        Ok(())
    }
}

fn counted(heads: &[Head]) -> BTreeMap<&'static str, u32> {
    let mut counts = BTreeMap::new();
    for (_, kind, _) in heads {
        *counts.entry(kind.word()).or_insert(0) += 1;
    }
    counts
}
