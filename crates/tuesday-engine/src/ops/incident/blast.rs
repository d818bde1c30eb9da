//! The blast radius: every output a cause has touched, and where each one went.

use tuesday_domain::action::ActionState;
use tuesday_domain::id::{ActionId, ReleaseId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_domain::snapshot::Snapshot;
use tuesday_domain::time::Timestamp;
use tuesday_store::{BlastFilter, Touched};

use crate::engine::{Engine, read_problem};

const PAGE: usize = 200;
/// Most outputs in one answer.
const MOST: usize = 100_000;

/// What to look for. All that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct BlastQuery {
    /// Workflow name; narrows, but is no cause by itself.
    pub workflow: Option<String>,
    /// A release, by id.
    pub release: Option<ReleaseId>,
    /// SHA-256 of the prompt's text in hex, or its beginning; needs a workflow.
    pub prompt: Option<String>,
    /// Version of the decision table; needs a workflow.
    pub rules: Option<u64>,
    /// `NAME=VERSION` of a frozen source; `NAME` alone is every version of it.
    pub source: Option<String>,
    /// A model: the pin, or what the provider reported.
    pub model: Option<String>,
    /// A person who decided.
    pub person: Option<String>,
    /// Received from here on.
    pub from: Option<Timestamp>,
    /// Received before.
    pub to: Option<Timestamp>,
}

/// One output and one place it went to; an output that went nowhere has one row without a place.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct BlastRow {
    /// The run that made it.
    pub run: RunId,
    /// Its workflow.
    pub workflow: String,
    /// One line that names the case.
    pub subject: String,
    /// When its event was received.
    pub received_at: Timestamp,
    /// Its release.
    pub release: ReleaseId,
    /// Version of the rules that routed it.
    pub rules: Option<u64>,
    /// Where the run stands.
    pub status: String,
    /// The action that wrote it.
    pub action: Option<ActionId>,
    /// Its name in the package.
    pub name: Option<String>,
    /// The record it was written to.
    pub target: Option<String>,
    /// Where the action stands.
    pub state: Option<String>,
    /// The destination's own id.
    pub external_id: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Blast {
    /// How many runs.
    pub runs: u64,
    /// How many of their outputs are at a destination.
    pub delivered: u64,
    /// Every output and place.
    pub rows: Vec<BlastRow>,
}

impl Engine {
    /// Lists what a cause has touched.
    ///
    /// # Errors
    /// `blast_empty` when nothing that could be a cause is given: an empty selection is a mistake, not
    /// everything. `bad_request` for a part that needs a workflow, `too_many_items`, `not_found`.
    pub async fn blast_radius(&self, query: &BlastQuery) -> Result<Blast, Problem> {
        let filter = self.blast_filter(query).await?;
        let wanted = query.source.as_deref().map(|s| match s.split_once('=') {
            Some((name, version)) => (name.to_owned(), Some(version.to_owned())),
            None => (s.to_owned(), None),
        });
        let mut out = Blast {
            runs: 0,
            delivered: 0,
            rows: Vec::new(),
        };
        let mut after = None;
        loop {
            let page = self
                .0
                .reader
                .touched(&filter, after, PAGE)
                .await
                .map_err(read_problem)?;
            let Some(last) = page.last() else { break };
            after = Some(last.run.id);
            for touched in page {
                if let Some((name, version)) = &wanted
                    && !self.read_from(&touched, name, version.as_deref()).await?
                {
                    continue;
                }
                out.add(&touched);
            }
            if out.rows.len() > MOST {
                return Err(
                    Problem::new("too_many_items", format!("more than {MOST} outputs"))
                        .way_out("narrow it: add --workflow, --from or --to"),
                );
            }
        }
        Ok(out)
    }

    async fn blast_filter(&self, q: &BlastQuery) -> Result<BlastFilter, Problem> {
        let mut filter = BlastFilter {
            workflow: q.workflow.clone(),
            releases: q.release.into_iter().collect(),
            rules: q.rules,
            model: q.model.clone(),
            person: q.person.clone(),
            from: q.from,
            to: q.to,
        };
        if filter.is_empty() && q.prompt.is_none() && q.source.is_none() {
            return Err(Problem::new(
                "blast_empty",
                "nothing is named that could be the cause",
            )
            .way_out("name a release, a prompt, a rules version, a source version, a model, a person or a time"));
        }
        if let Some(name) = &q.workflow {
            self.known_workflow(name).await?;
        } else if q.prompt.is_some() || q.rules.is_some() {
            return Err(Problem::new(
                "bad_request",
                "a prompt and a rules version belong to a workflow",
            )
            .field("workflow"));
        }
        if let (Some(hash), Some(workflow)) = (&q.prompt, &q.workflow) {
            filter.releases = self.releases_with_prompt(workflow, hash).await?;
        }
        if filter.is_empty() {
            // A source alone looks at every run; the window says so to the database.
            filter.from = Some(Timestamp::from_micros(0));
        }
        Ok(filter)
    }

    /// The releases of a workflow whose prompt has this hash.
    async fn releases_with_prompt(
        &self,
        workflow: &str,
        hash: &str,
    ) -> Result<Vec<ReleaseId>, Problem> {
        use sha2::{Digest as _, Sha256};
        let all = self
            .0
            .reader
            .releases(workflow)
            .await
            .map_err(read_problem)?;
        let mut found = Vec::new();
        for release in all {
            let live = self.loaded(release.id).await?;
            let prompt = &live.ready.def.model.prompt;
            let text = live.package.text(prompt).unwrap_or_default();
            let own = crate::catalog::hex(&Sha256::digest(text.as_bytes()));
            if hash.len() >= 8 && own.starts_with(&hash.to_lowercase()) {
                found.push(release.id);
            }
        }
        if found.is_empty() {
            return Err(Problem::new(
                "not_found",
                format!("no release of {workflow} has a prompt with the hash {hash}"),
            )
            .field("prompt"));
        }
        Ok(found)
    }

    /// Whether the run's frozen inputs hold this source in this version.
    async fn read_from(
        &self,
        touched: &Touched,
        name: &str,
        version: Option<&str>,
    ) -> Result<bool, Problem> {
        let Some(n) = touched.run.snapshot_ref else {
            return Ok(false);
        };
        let payload = self
            .0
            .reader
            .payload(touched.run.id, n)
            .await
            .map_err(read_problem)?;
        let snapshot: Option<Snapshot> =
            payload.and_then(|p| serde_json::from_slice(&p.bytes).ok());
        Ok(snapshot.is_some_and(|s| {
            s.items.iter().any(|i| {
                (i.name == name || i.system == name)
                    && version.is_none_or(|v| i.version.as_deref() == Some(v))
            })
        }))
    }
}

impl BlastRow {
    /// The output is at its destination.
    #[must_use]
    pub fn delivered(&self) -> bool {
        matches!(self.state.as_deref(), Some("confirmed" | "delivered"))
    }
}

impl Blast {
    /// Counts what the rows hold.
    pub(crate) fn count(&mut self) {
        let mut runs: Vec<RunId> = self.rows.iter().map(|r| r.run).collect();
        // The rows of a run stand together.
        runs.dedup();
        self.runs = runs.len() as u64;
        self.delivered = self.rows.iter().filter(|r| r.delivered()).count() as u64;
    }

    fn add(&mut self, t: &Touched) {
        self.runs += 1;
        let row = BlastRow {
            run: t.run.id,
            workflow: t.run.workflow.clone(),
            subject: t.run.subject.clone(),
            received_at: t.run.received_at,
            release: t.run.release,
            rules: t.run.rules_version,
            status: t.run.state.status.word().to_owned(),
            action: None,
            name: None,
            target: None,
            state: None,
            external_id: None,
        };
        let written: Vec<_> = t
            .actions
            .iter()
            .filter(|a| a.state != ActionState::Voided)
            .collect();
        if written.is_empty() {
            self.rows.push(row);
            return;
        }
        for a in written {
            self.delivered += u64::from(matches!(
                a.state,
                ActionState::Confirmed | ActionState::Delivered
            ));
            self.rows.push(BlastRow {
                action: Some(a.id),
                name: Some(a.name.clone()),
                target: Some(a.target.clone()),
                state: Some(a.state.word().to_owned()),
                external_id: a.external_id.clone(),
                ..row.clone()
            });
        }
    }
}
