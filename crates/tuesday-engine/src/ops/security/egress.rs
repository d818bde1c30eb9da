//! What data left: which fields, to which provider and destination, when, under which release. What
//! evaluations asked of models left too.

use std::collections::HashMap;

use serde::Serialize;
use tuesday_domain::eval::ModelGrader;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::outlet::{Outlet, OutletKind, grader, outlets};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{GraderCalls, RELEASE_MODEL};
use tuesday_domain::time::{Span, Timestamp, parse_day};
use tuesday_store::Sent;

use crate::engine::{Engine, read_problem};

/// Days without a word of when it should begin.
const WEEK: &str = "6d";

/// Which days; the runs received on them are counted.
#[derive(Clone, Debug, Default)]
pub struct EgressDays {
    /// First day, `YYYY-MM-DD` in the workflow's time zone, or how long ago (`7d`); six days ago when absent.
    pub from: Option<String>,
    /// Last day, written likewise; today when absent.
    pub to: Option<String>,
}

/// One way out of one release.
#[derive(Clone, Debug, Serialize)]
pub struct Egress {
    /// Workflow name.
    pub workflow: String,
    /// Release number within the workflow.
    pub release: u32,
    /// Its hash, hex.
    pub release_hash: String,
    /// First and last day that were looked at.
    pub days: (String, String),
    /// Where to, and which fields.
    #[serde(flatten)]
    pub outlet: Outlet,
    /// Requests that left, repeats included; absent for sources, whose readings are not counted.
    pub requests: Option<u64>,
    /// When the first left, RFC 3339.
    pub first_at: Option<String>,
    /// When the last left or was last heard of, RFC 3339.
    pub last_at: Option<String>,
}

impl Engine {
    /// What the runs and evaluations of these days sent out of one workflow, or of all. Releases that sent
    /// nothing are listed only while they are live, graders only when they were asked.
    ///
    /// # Errors
    /// `bad_request` for a day that is none, `not_found`, `unavailable`, `record_damaged`.
    pub async fn egress(
        &self,
        workflow: Option<&str>,
        days: &EgressDays,
    ) -> Result<Vec<Egress>, Problem> {
        let mut all = Vec::new();
        for name in self.names(workflow).await? {
            all.extend(self.egress_of(&name, days).await?);
        }
        Ok(all)
    }

    /// One workflow, which must be there, or every one.
    pub(super) async fn names(&self, workflow: Option<&str>) -> Result<Vec<String>, Problem> {
        if let Some(name) = workflow {
            return Ok(vec![self.known_workflow(name).await?.name.clone()]);
        }
        let rows = self.reader().workflows().await.map_err(read_problem)?;
        Ok(rows.into_iter().map(|w| w.name).collect())
    }

    async fn egress_of(&self, workflow: &str, days: &EgressDays) -> Result<Vec<Egress>, Problem> {
        let (_, live) = self.live(workflow).await?;
        let zone = &live.ready.zone;
        let now = self.now();
        let day = |given: &Option<String>, field: &str, otherwise: &str| {
            let text = given.as_deref().unwrap_or(otherwise);
            match text.parse::<Span>() {
                Ok(ago) => Ok(zone.day(now.minus(ago.0))),
                Err(_) => parse_day(text)
                    .map_err(|e| Problem::new("bad_request", e.to_string()).field(field)),
            }
        };
        let (from, to) = (day(&days.from, "from", WEEK)?, day(&days.to, "to", "0s")?);
        let sent = self.reader().sent(workflow, &from, &to).await;
        let mut by_release: HashMap<ReleaseId, Vec<Sent>> = HashMap::new();
        by_release.insert(live.id, Vec::new());
        for s in sent.map_err(read_problem)? {
            by_release.entry(s.release).or_default().push(s);
        }
        let span = (from.as_str(), to.as_str());
        let evaluated = self.reader().graded_calls(Some(workflow), None, span).await;
        let mut asked: HashMap<ReleaseId, Vec<GraderCalls>> = HashMap::new();
        for g in evaluated.map_err(read_problem)? {
            by_release.entry(g.release).or_default();
            asked.entry(g.release).or_default().push(g);
        }
        let mut all = Vec::new();
        for (id, sent) in by_release {
            let release = self.loaded(id).await?;
            let asked = asked.remove(&id).unwrap_or_default();
            let (graders, _) = ModelGrader::all(&release.package.files, &release.ready.def.vars);
            let used = graders
                .values()
                .filter(|g| asked.iter().any(|a| a.grader == g.name));
            let graders = used.map(|g| grader(&release.ready, g));
            for outlet in outlets(&release.ready).into_iter().chain(graders) {
                let counted = counted(&outlet, &sent, &asked);
                all.push(Egress {
                    workflow: workflow.to_owned(),
                    release: release.number,
                    release_hash: crate::catalog::hex(&release.hash),
                    days: (from.clone(), to.clone()),
                    requests: match outlet.kind {
                        OutletKind::Source => None,
                        _ => Some(counted.map_or(0, |(n, ..)| n)),
                    },
                    first_at: counted.map(|(_, first, _)| first.rfc3339()),
                    last_at: counted.map(|(.., last)| last.rfc3339()),
                    outlet,
                });
            }
        }
        all.sort_by(|a, b| (b.release, a.outlet.kind).cmp(&(a.release, b.outlet.kind)));
        Ok(all)
    }
}

/// How many requests left there, when the first and the last; runs and evaluations together.
fn counted(
    outlet: &Outlet,
    sent: &[Sent],
    asked: &[GraderCalls],
) -> Option<(u64, Timestamp, Timestamp)> {
    let of_runs = sent.iter().filter(|s| belongs(s, outlet));
    let of_runs = of_runs.map(|s| (s.requests, s.first_at, s.last_at));
    let here = |g: &&GraderCalls| {
        outlet.kind == OutletKind::Model
            && match outlet.name.strip_prefix("grader ") {
                Some(name) => g.grader == name,
                None => g.grader == RELEASE_MODEL,
            }
    };
    let of_evaluations = asked.iter().filter(here).map(|g| (g.calls, g.at, g.at));
    let all = of_runs.chain(of_evaluations);
    all.reduce(|a, b| (a.0 + b.0, a.1.min(b.1), a.2.max(b.2)))
}

fn belongs(sent: &Sent, outlet: &Outlet) -> bool {
    match (&sent.action, outlet.kind) {
        (None, OutletKind::Model) => outlet.name == "model",
        (Some(action), OutletKind::Destination) => *action == outlet.name,
        _ => false,
    }
}
