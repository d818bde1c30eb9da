//! Somebody says that a policy changed: whoever keeps a template or a rule that cites it owes a look.

use std::collections::BTreeSet;
use std::time::Duration;

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Decision, Duty, DutyKind, Subject};

use super::Owed;
use crate::engine::{Engine, apply_problem};
use crate::ops::people::reasoned;

/// How long an update may take unless somebody says otherwise.
const DUE: Duration = Duration::from_secs(7 * 86_400);

impl Engine {
    /// Opens a duty for each template and each rule, of any workflow, that cites the policy; all of them or
    /// none. A policy that changes twice leaves two duties: each change has its answer.
    ///
    /// # Errors
    /// `reason_required`, `not_found` when nothing cites the policy, `not_allowed` unless `by` answers for a
    /// workflow that does, `bad_request` for a time of nothing.
    pub async fn policy_changed(
        &self,
        policy: &str,
        due: Option<Duration>,
        reason: &str,
        by: &Actor,
    ) -> Result<Vec<Duty>, Problem> {
        let reason = reasoned(reason)?;
        let policy = policy.trim();
        let due = due.unwrap_or(DUE);
        if due.is_zero() || due > Duration::from_secs(366 * 86_400) {
            return Err(
                Problem::new("bad_request", "an update takes between a day and a year")
                    .field("days"),
            );
        }
        let all = self.upkeep(None).await?;
        let cites = |p: &Vec<String>| p.iter().any(|name| name == policy);
        let mut known: Vec<String> = all.iter().flat_map(|k| k.policies.clone()).collect();
        known.sort();
        known.dedup();
        let citing: Vec<_> = all.into_iter().filter(|k| cites(&k.policies)).collect();
        if citing.is_empty() {
            return Err(Problem::new(
                "not_found",
                format!("no template and no rule of a live release cites the policy `{policy}`"),
            )
            .field("policy")
            .with("policies", known)
            .way_out(
                "name one of the policies, or cite it: [prompt] policies, [text.NAME], [rule.ID]",
            ));
        }
        let places: BTreeSet<&str> = citing.iter().map(|k| k.workflow.as_str()).collect();
        self.answers_for_one_of(&places, by).await?;
        let now = self.now();
        let (mut duties, mut changes) = (Vec::new(), Vec::new());
        for item in &citing {
            let owner = self.keeper(&item.workflow, item.owner.as_deref()).await?;
            let owed = Owed {
                kind: DutyKind::PolicyUpdate,
                owner,
                within: due,
                about: policy,
                item: item.item.clone(),
                reason,
            };
            let (duty, made) = self.owed(&item.workflow, owed, by);
            duties.push(duty);
            changes.extend(made);
        }
        let told = duties
            .iter()
            .map(|d| format!("{} {}: {}", d.workflow, d.item, d.owner));
        let entry = AuditEntry::new(now, by.clone(), "policy.changed", Subject::Instance)
            .fact("policy", policy)
            .fact("reason", reason)
            .fact("duties", told.collect::<Vec<_>>());
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(duties)
    }

    async fn answers_for_one_of(&self, places: &BTreeSet<&str>, by: &Actor) -> Result<(), Problem> {
        if let Some(person) = by.person() {
            let rights = self.rights(person).await?;
            if places.iter().any(|w| rights.may(Act::SignCharter, w)) {
                return Ok(());
            }
        }
        let names: Vec<&str> = places.iter().copied().collect();
        let words = format!("{by} answers for none of the workflows that cite it");
        Err(Problem::new("not_allowed", words)
            .with("workflows", names)
            .way_out("ask an owner or the sponsor of one of them"))
    }

    /// Who owes it: the person who keeps it, or, when nobody is there, the first of those who answer for the
    /// workflow who is.
    pub(super) async fn keeper(
        &self,
        workflow: &str,
        owner: Option<&str>,
    ) -> Result<String, Problem> {
        let (row, live) = self.live(workflow).await?;
        let o = &live.ready.def.owners;
        let people = self.0.reader.people().await;
        let people = people.map_err(crate::engine::read_problem)?;
        let here = |h: &&str| people.iter().any(|p| p.active && p.handle == **h);
        let answering = [
            Some(&o.operator),
            Some(&o.backup),
            o.sponsor.as_ref(),
            Some(&o.technical),
        ];
        let answering = answering.into_iter().flatten().map(|p| p.handle.as_str());
        let found = owner.into_iter().chain(answering).find(here);
        Ok(found.map_or(row.owner.clone(), str::to_owned))
    }
}
