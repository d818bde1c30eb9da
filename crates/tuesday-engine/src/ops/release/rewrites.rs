//! What a release answers, what was tried against it before, and the excuse for one more rewrite of the
//! prompt: somebody else classes the fix as work in another layer, or waives with a reason.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::{Definition, Package};
use tuesday_domain::eval::GateReason;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, ProblemKind, Release, ReleaseFix, ReleaseState};
use tuesday_domain::release::ReleaseEvent;
use tuesday_domain::release::layers::{self, Texts, changed};
use tuesday_domain::release::rewrites::{Answers, CLASSES, ENOUGH, failed};
use tuesday_domain::trouble::Category;
use tuesday_domain::trouble::incident::FixLayer;

use super::{GateRecord, entry, moved, reason_given};
use crate::engine::{Engine, read_problem};

/// Refuses a category that no error of the workflow can have: it would never be seen to come back.
pub(super) fn known(category: &str, def: &Definition) -> Result<(), Problem> {
    let reasons = def.review.reasons.iter().map(String::as_str);
    let reports = ProblemKind::ALL.iter().map(|k| k.word());
    let incidents = Category::ALL.iter().map(|c| c.word());
    let all: Vec<&str> = reasons.chain(reports).chain(incidents).collect();
    if all.contains(&category) {
        return Ok(());
    }
    Err(Problem::new(
        "unknown_category",
        format!(
            "`{category}` is no category of error of {}",
            def.workflow.name
        ),
    )
    .field("answers")
    .with("known", all)
    .way_out("name a reason of reviewers, a kind of problem report, or a category of incidents"))
}

impl Engine {
    /// In which layers a package differs from the live release, in words.
    pub(super) async fn layers_changed(
        &self,
        package: &Package,
        def: &Definition,
    ) -> Result<String, Problem> {
        let (_, live) = self.live(&def.workflow.name).await?;
        let old = Texts {
            package: &live.package,
            def: &live.ready.def,
        };
        Ok(layers::words(&changed(old, Texts { package, def })))
    }

    /// What a release answers, with everything that was tried against it before; nothing when it
    /// cites no category.
    ///
    /// # Errors
    /// `unavailable`, `record_damaged`.
    pub async fn answers(&self, row: &Release) -> Result<Option<(ReleaseFix, Answers)>, Problem> {
        let fix = self.0.reader.release_fix(row.id).await;
        let Some(fix) = fix.map_err(read_problem)? else {
            return Ok(None);
        };
        let cited = self.0.reader.releases_citing(&row.workflow, &fix.category);
        let mut earlier = cited.await.map_err(read_problem)?;
        earlier.retain(|c| c.number < row.number);
        let layers = layers::parse(&fix.layers)
            .map_err(|e| Problem::new("record_damaged", e.to_string()))?;
        let answers = Answers {
            category: fix.category.clone(),
            layers,
            earlier,
            excuse: fix.excused(),
        };
        Ok(Some((fix, answers)))
    }

    /// Refuses the prompt as the fix of an error that came back after three rewrites of it.
    pub(in crate::ops) async fn not_the_prompt_again(
        &self,
        workflow: &str,
        category: &str,
    ) -> Result<(), Problem> {
        let cited = self.0.reader.releases_citing(workflow, category).await;
        let cited = cited.map_err(read_problem)?;
        let failed = failed(&cited);
        if failed.len() < ENOUGH {
            return Ok(());
        }
        let numbers: Vec<u32> = failed.iter().map(|c| c.number).collect();
        Err(Problem::new(
            "three_rewrites",
            format!(
                "{category} came back after {} rewrites of the prompt of {workflow}",
                failed.len()
            ),
        )
        .field("layer")
        .with("releases", numbers)
        .way_out("class the fix as work in input, rules, connector or process"))
    }

    /// `by` says in which layer the error that a release answers is fixed, or, without a layer, why
    /// the prompt is tried once more. What only that had stopped becomes a draft again.
    ///
    /// # Errors
    /// `reason_required`, `bad_request` for a layer that is no class or a release that answers
    /// nothing, `same_person_twice` for its author, `not_allowed`, `illegal_state`.
    pub async fn excuse_release(
        &self,
        id: ReleaseId,
        by: &str,
        layer: Option<FixLayer>,
        reason: &str,
    ) -> Result<Release, Problem> {
        let reason = reason_given(reason)?;
        if let Some(layer) = layer.filter(|l| !CLASSES.contains(l)) {
            return Err(Problem::new(
                "bad_request",
                format!("a fix is not classed as work in {layer}"),
            )
            .field("layer")
            .way_out("name input, rules, connector or process; or waive"));
        }
        let actor = Actor::Person(by.to_owned());
        let mut row = self.release_row(id).await?;
        if row.created_by == actor.to_string() {
            return Err(Problem::new(
                "same_person_twice",
                "nobody excuses a release of their own: a second person is needed",
            ));
        }
        self.may_release(Act::ApproveRelease, &row.workflow, &actor)
            .await?;
        let fix = self.0.reader.release_fix(id).await.map_err(read_problem)?;
        let mut fix = fix.ok_or_else(|| {
            Problem::new("bad_request", "the release answers no category of error").field("id")
        })?;
        let now = self.now();
        fix.class = layer;
        fix.excuse = Some(reason.clone());
        fix.excused_by = Some(by.to_owned());
        fix.excused_at = Some(now);
        let mut changes = Vec::new();
        let kind = if layer.is_some() {
            "release.classed"
        } else {
            "release.waived"
        };
        let mut entry = entry(kind, &row, &actor, now)
            .fact("answers", fix.category.clone())
            .fact("reason", reason);
        if let Some(layer) = layer {
            entry = entry.fact("layer", layer.word());
        }
        if let Some((change, words)) = self.begins_anew(&mut row).await? {
            changes.push(change);
            entry.moves.push(words);
        }
        changes.push(Change::PutFix(Box::new(fix)));
        self.commit_release(Decision { changes, entry }).await?;
        Ok(row)
    }

    /// A blocked release may be evaluated again when nothing else had stopped it.
    async fn begins_anew(&self, row: &mut Release) -> Result<Option<(Change, String)>, Problem> {
        match row.state {
            ReleaseState::Draft => Ok(None),
            ReleaseState::Blocked => {
                let gate = self.0.reader.gate(row.id).await.map_err(read_problem)?;
                let judged = GateRecord::of(gate.as_ref())
                    .map_err(|why| Problem::new("illegal_state", why))?;
                let others = judged.verdict.reasons.iter();
                let others: Vec<_> = others
                    .filter(|r| r.reason != GateReason::ThreeRewrites)
                    .map(|r| r.reason.word())
                    .collect();
                if !others.is_empty() {
                    return Err(Problem::new(
                        "illegal_state",
                        format!("other things stopped it, too: {}", others.join(", ")),
                    )
                    .way_out("correct the package and create a new release"));
                }
                let (change, to, words) = moved(row, ReleaseEvent::Excuse)?;
                row.state = to;
                Ok(Some((change, words)))
            }
            ReleaseState::Evaluating
            | ReleaseState::Passed
            | ReleaseState::Approved
            | ReleaseState::Live
            | ReleaseState::Superseded
            | ReleaseState::RolledBack
            | ReleaseState::Withdrawn => Err(Problem::new(
                "illegal_state",
                format!(
                    "release {} is {}: nothing is to be excused",
                    row.number, row.state
                ),
            )
            .with("state", row.state.word())),
        }
    }
}
