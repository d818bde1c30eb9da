//! Everything that is with one person on one list, the oldest first: what it is, since when, until when,
//! and what comes next. Nothing that waits for somebody is left to be looked for.

use serde::Serialize;
use tuesday_domain::access::{Act, Rights};
use tuesday_domain::charter::Sheet;
use tuesday_domain::id::{DutyId, IncidentId, ProblemReportId, ReviewId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{HandoffKind, HandoffRow, Person, ReleaseState, Workflow};
use tuesday_domain::time::Timestamp;

use crate::engine::{Engine, read_problem};

/// Most things on a list.
const MOST: usize = 500;
/// Most bytes of a line.
const LINE: usize = 160;

/// One thing that is with a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Handoff {
    /// What kind of thing.
    pub kind: &'static str,
    /// What it is, in one line.
    pub words: String,
    /// Workflow name.
    pub workflow: Option<String>,
    /// Since when it is there, RFC 3339.
    pub since: String,
    /// Whole hours since then.
    pub age_hours: u64,
    /// When it is due, RFC 3339.
    pub due_at: Option<String>,
    /// That moment is over.
    pub overdue: bool,
    /// What the person does next.
    pub next: &'static str,
    /// Where.
    pub path: String,
}

/// What is with a person.
#[derive(Clone, Debug, Serialize)]
pub struct Handoffs {
    /// Handle.
    pub person: String,
    /// The oldest first.
    pub items: Vec<Handoff>,
    /// How many are past their time.
    pub overdue: usize,
    /// There is more than the list holds.
    pub more: bool,
}

impl Engine {
    /// Everything that is with a person.
    ///
    /// # Errors
    /// `not_found` for nobody, `unavailable`.
    pub async fn handoffs(&self, person: &str) -> Result<Handoffs, Problem> {
        let known = self.0.reader.person(person).await.map_err(read_problem)?;
        if known.is_none() {
            return Err(Problem::new("not_found", format!("there is no {person}")));
        }
        let rows = self.0.reader.handoffs_of(person, MOST).await;
        let mut rows = rows.map_err(read_problem)?;
        let rights = self.rights(person).await?;
        rows.extend(self.releases_waiting(person, &rights).await?);
        rows.extend(self.rules_waiting(person, &rights).await?);
        rows.extend(self.gaps_of(person).await?);
        rows.sort_by_key(|r| r.since);
        let now = self.now();
        let more = rows.len() > MOST;
        let items: Vec<Handoff> = rows
            .into_iter()
            .take(MOST)
            .map(|row| handoff(row, now))
            .collect();
        Ok(Handoffs {
            person: person.to_owned(),
            overdue: items.iter().filter(|i| i.overdue).count(),
            items,
            more,
        })
    }

    /// Releases of others that passed the gate and wait for somebody who may approve them.
    async fn releases_waiting(
        &self,
        person: &str,
        rights: &Rights,
    ) -> Result<Vec<HandoffRow>, Problem> {
        let passed = Some(ReleaseState::Passed);
        let all = self.0.reader.release_page(None, None, passed, None, MOST);
        let own = format!("person:{person}");
        let all = all.await.map_err(read_problem)?.into_iter();
        let mine =
            all.filter(|r| r.created_by != own && rights.may(Act::ApproveRelease, &r.workflow));
        Ok(mine
            .map(|r| HandoffRow {
                kind: HandoffKind::Release,
                id: Some(r.id.uuid()),
                number: Some(r.number),
                words: format!("release {} passed the gate", r.number),
                workflow: Some(r.workflow),
                since: r.created_at,
                due_at: None,
            })
            .collect())
    }

    /// Rule changes of others that wait for the owner of a bound, or for who may stand in.
    async fn rules_waiting(
        &self,
        person: &str,
        rights: &Rights,
    ) -> Result<Vec<HandoffRow>, Problem> {
        let own = format!("person:{person}");
        let all = self.0.reader.proposed_rulesets().await;
        let mine = all.map_err(read_problem)?.into_iter().filter(|r| {
            let named = r.bound_owner.as_deref() == Some(person);
            r.created_by != own && (named || rights.may(Act::ApproveBounds, &r.workflow))
        });
        Ok(mine
            .map(|r| HandoffRow {
                kind: HandoffKind::Rules,
                id: None,
                number: u32::try_from(r.version).ok(),
                words: format!(
                    "rules version {} asks for your word: {}",
                    r.version, r.reason
                ),
                workflow: Some(r.workflow),
                since: r.created_at,
                due_at: r.starts_at,
            })
            .collect())
    }

    /// Who answers for a workflow now: whoever stands in for an owner that left has what lacks as well.
    async fn answers_now(&self, row: &Workflow, people: &[Person]) -> String {
        let is_active = |h: &str| people.iter().any(|p| p.active && p.handle == h);
        // A release that cannot be read still has an owner in its workflow's row.
        let Ok(live) = self.loaded(row.live_release).await else {
            return row.owner.clone();
        };
        let found = live.ready.def.owners.answering(is_active);
        found.map_or_else(|| row.owner.clone(), |p| p.handle.clone())
    }

    /// What the charters of the person's own workflows lack: each thing that lets the label fall, and the
    /// open items of charter and checklist counted.
    async fn gaps_of(&self, person: &str) -> Result<Vec<HandoffRow>, Problem> {
        let reader = &self.0.reader;
        let (all, people) =
            tokio::try_join!(reader.workflows(), reader.people()).map_err(read_problem)?;
        let mut out = Vec::new();
        for row in all {
            if self.answers_now(&row, &people).await != person {
                continue;
            }
            let view = Box::pin(self.charter(&row.name)).await?;
            let time = |text: &Option<String>| {
                let text = text.as_deref();
                text.and_then(|t| Timestamp::parse(t).ok())
            };
            let (lost_at, falls) = (time(&view.label.lapsing_since), time(&view.label.falls_at));
            let gap = |words: String, since, due_at| HandoffRow {
                kind: HandoffKind::Gap,
                id: None,
                number: None,
                words,
                workflow: Some(row.name.clone()),
                since,
                due_at,
            };
            if let [first, rest @ ..] = view.label.lost.as_slice() {
                let more = match rest.len() {
                    0 => String::new(),
                    n => format!(" and {n} more"),
                };
                let words = format!("the label falls without {}{more}", first.title);
                out.push(gap(words, lost_at.unwrap_or(row.installed_at), falls));
            }
            for which in [Sheet::Charter, Sheet::Checklist] {
                let Some(sheet) = view.sheet(which).filter(|s| s.clean < s.of) else {
                    continue;
                };
                let open = sheet.of - sheet.clean;
                let words = format!(
                    "{open} of {} items of the {} are open",
                    sheet.of, sheet.title
                );
                out.push(gap(words, row.installed_at, None));
            }
            if view.label.review_overdue {
                let due = time(&Some(view.label.review_due.clone()));
                let words = "the quarterly decision is due: expand, keep, narrow, pause or retire"
                    .to_owned();
                out.push(gap(words, due.unwrap_or(row.installed_at), due));
            }
        }
        Ok(out)
    }
}

fn handoff(row: HandoffRow, now: Timestamp) -> Handoff {
    let (next, path) = next_step(&row);
    let mut words = row.words.replace('\n', " ");
    if words.len() > LINE {
        let end = (0..=LINE).rev().find(|i| words.is_char_boundary(*i));
        words.truncate(end.unwrap_or(0));
        words.push('…');
    }
    Handoff {
        kind: row.kind.word(),
        words,
        workflow: row.workflow,
        since: row.since.rfc3339(),
        age_hours: now.since(row.since).as_secs() / 3_600,
        due_at: row.due_at.map(Timestamp::rfc3339),
        overdue: row.due_at.is_some_and(|due| due < now),
        next,
        path,
    }
}

/// What comes next, and where.
fn next_step(row: &HandoffRow) -> (&'static str, String) {
    let of = |place: &str| {
        let name = row.workflow.as_deref().unwrap_or_default();
        format!("/workflows/{name}{place}")
    };
    let incident = || {
        let id = row.id.map(|id| IncidentId::new(id).to_string());
        format!("/incidents/{}", id.unwrap_or_default())
    };
    match row.kind {
        HandoffKind::Review => {
            let id = row.id.map(|id| ReviewId::new(id).to_string());
            ("decide", format!("/reviews/{}", id.unwrap_or_default()))
        }
        HandoffKind::Incident => ("contain and resolve", incident()),
        HandoffKind::Correction => ("put it right", incident()),
        HandoffKind::FollowUp => ("do it, then say what shows it", "/handoffs".to_owned()),
        HandoffKind::Problem => {
            let id = row.id.map(|id| ProblemReportId::new(id).to_string());
            let path = format!("/problem-reports/{}", id.unwrap_or_default());
            ("answer", path)
        }
        HandoffKind::Postmortem => ("answer seven questions", of("/postmortem")),
        HandoffKind::Drift => ("say what it was", of("/drift")),
        HandoffKind::Duty => {
            let id = row.id.map(|id| DutyId::new(id).to_string());
            let path = format!("/duties/{}", id.unwrap_or_default());
            ("bring it up to date, or say why not", path)
        }
        HandoffKind::Release => ("approve, or leave it", of("/releases")),
        HandoffKind::Rules => ("agree or refuse", of("/rules")),
        HandoffKind::Gap => ("fill it in", of("/charter")),
    }
}
