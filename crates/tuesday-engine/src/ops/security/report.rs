//! Where secrets are, who can call which tool, where the audit trail is. An answer that cannot be
//! derived is a finding, never a blank.

use serde::Serialize;
use tuesday_domain::outlet::{Outlet, outlets, permitted};
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Timestamp;

use super::{Egress, EgressDays};
use crate::engine::{Engine, read_problem};
use crate::ops::secret_uses;

/// Without a signed head for this long the trail is not being sealed.
const SEALED_WITHIN: i64 = 24 * 3_600_000_000;

/// The answers about one workflow.
#[derive(Clone, Debug, Serialize)]
pub struct WorkflowSecurity {
    /// Workflow name.
    pub workflow: String,
    /// Its release, label, stage and switch: what the answers follow from.
    pub release: u32,
    /// As above.
    pub label: &'static str,
    /// As above.
    pub stage: &'static str,
    /// As above.
    pub switch: &'static str,
    /// Highest class the model may receive.
    pub model_clearance: &'static str,
    /// References of its secrets and whether they lead to a value.
    pub secrets: Vec<SecretPlace>,
    /// Everything it can call.
    pub tools: Vec<Tool>,
    /// Why the answers about it cannot be given.
    pub finding: Option<String>,
}

/// Where one secret is kept.
#[derive(Clone, Debug, Serialize)]
pub struct SecretPlace {
    /// The reference; never the value.
    pub reference: String,
    /// What needs it.
    pub used_by: String,
    /// Whole days since it last changed, where that can be seen.
    pub age_days: Option<u64>,
    /// Why it does not resolve on this node.
    pub finding: Option<String>,
}

/// One thing that can be called.
#[derive(Clone, Debug, Serialize)]
pub struct Tool {
    /// Where to and with what.
    #[serde(flatten)]
    pub outlet: Outlet,
    /// Whether it is called in the present stage, and on whose word.
    pub permitted: &'static str,
    /// A write that shares its credential with a reading, or has none outside this machine.
    pub finding: Option<String>,
}

/// Where the record is, and whether it is sealed.
#[derive(Clone, Debug, Serialize)]
pub struct Trail {
    /// Entries in the tree.
    pub entries: u64,
    /// Entries under the last signed head.
    pub sealed: u64,
    /// When that was signed, RFC 3339.
    pub sealed_at: Option<String>,
    /// The file heads are published to, beside the database.
    pub published_to: Option<String>,
    /// Why somebody should look.
    pub finding: Option<String>,
}

/// The four answers.
#[derive(Clone, Debug, Serialize)]
pub struct SecurityReport {
    /// When it was derived, RFC 3339.
    pub at: String,
    /// By workflow.
    pub workflows: Vec<WorkflowSecurity>,
    /// What data left in the last seven days.
    pub left: Vec<Egress>,
    /// The audit trail.
    pub trail: Trail,
    /// How many findings the answers hold.
    pub findings: usize,
}

impl WorkflowSecurity {
    /// Answers of it that somebody should look at.
    #[must_use]
    pub fn findings(&self) -> usize {
        self.secrets.iter().filter(|s| s.finding.is_some()).count()
            + self.tools.iter().filter(|t| t.finding.is_some()).count()
            + usize::from(self.finding.is_some())
    }
}

impl Engine {
    /// The answers for one workflow, or for all; what data left in other days is [`Engine::egress`].
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn security_report(&self, workflow: Option<&str>) -> Result<SecurityReport, Problem> {
        let (mut workflows, mut left) = (Vec::new(), Vec::new());
        for name in self.names(workflow).await? {
            let mut of = self.security_of(&name).await?;
            match Box::pin(self.egress(Some(&name), &EgressDays::default())).await {
                Ok(ways) => left.extend(ways),
                Err(p) if p.code != "unavailable" => {
                    let words = format!("what it sent cannot be told: {}", p.detail);
                    of.finding.get_or_insert(words);
                }
                Err(p) => return Err(p),
            }
            workflows.push(of);
        }
        let trail = self.trail().await?;
        let findings = workflows.iter().map(WorkflowSecurity::findings);
        Ok(SecurityReport {
            at: self.now().rfc3339(),
            findings: findings.sum::<usize>() + usize::from(trail.finding.is_some()),
            workflows,
            left,
            trail,
        })
    }

    async fn security_of(&self, name: &str) -> Result<WorkflowSecurity, Problem> {
        let row = self.known_workflow(name).await?.clone();
        let stage = row.stage_in_force();
        let blank = WorkflowSecurity {
            workflow: name.to_owned(),
            release: 0,
            label: row.label.word(),
            stage: stage.word(),
            switch: row.switch.word(),
            model_clearance: "",
            secrets: Vec::new(),
            tools: Vec::new(),
            finding: None,
        };
        let live = match self.loaded(row.live_release).await {
            Ok(live) => live,
            Err(p) if p.code != "unavailable" => {
                let words = format!("its release cannot be read: {}", p.detail);
                return Ok(WorkflowSecurity {
                    finding: Some(words),
                    ..blank
                });
            }
            Err(p) => return Err(p),
        };
        let ways = outlets(&live.ready);
        let now = self.now();
        let keeps = &self.0.ports.secrets;
        let secrets = secret_uses(&live.ready.def, &live.package)
            .into_iter()
            .map(|s| SecretPlace {
                finding: keeps.resolve(&s.reference).err(),
                age_days: keeps
                    .changed_at(&s.reference)
                    .map(|at| now.since(at).as_secs() / 86_400),
                reference: s.reference,
                used_by: s.used_by,
            })
            .collect();
        let tools = ways
            .iter()
            .map(|way| Tool {
                outlet: way.clone(),
                permitted: permitted(way, stage, row.switch, row.rollout.fallback),
                finding: shared(way, &ways),
            })
            .collect();
        Ok(WorkflowSecurity {
            release: live.number,
            model_clearance: live.ready.def.model.clearance.word(),
            secrets,
            tools,
            ..blank
        })
    }

    async fn trail(&self) -> Result<Trail, Problem> {
        let reader = self.reader();
        let (entries, head) = tokio::try_join!(reader.audit_size(), reader.latest_checkpoint())
            .map_err(read_problem)?;
        let now = self.now();
        let finding = match &head {
            None if entries > 0 => Some("no head of the log was ever signed".to_owned()),
            Some(h) if h.size < entries && late(h.at, now) => {
                Some("newer entries have had no signed head for a day".to_owned())
            }
            _ => None,
        };
        let file = self.0.config.checkpoint_file.as_ref();
        Ok(Trail {
            entries,
            sealed: head.as_ref().map_or(0, |h| h.size),
            sealed_at: head.map(|h| h.at.rfc3339()),
            published_to: file.map(|f| f.display().to_string()),
            finding,
        })
    }
}

const fn late(at: Timestamp, now: Timestamp) -> bool {
    now.micros() - at.micros() > SEALED_WITHIN
}

/// Reading and writing are two risks: one credential for both is a finding.
fn shared(way: &Outlet, all: &[Outlet]) -> Option<String> {
    use tuesday_domain::outlet::OutletKind::{Destination, Source};
    let secret = way.secret.as_ref()?;
    let other = all
        .iter()
        .find(|o| o.kind == Source && o.secret.as_ref() == Some(secret))?;
    (way.kind == Destination)
        .then(|| format!("writes with the credential that {} reads with", other.name))
}
