//! Erasure on request: one act of a person, after a list that was read. It is ordered in one decision,
//! with everything that belongs to no run; each run follows in a decision of its own, and a pass of
//! maintenance finishes what a node left. Nothing is begun while a hold or open work stands in the way.

use serde::Serialize;
use tuesday_domain::action::ActionState;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::{ErasureId, RunId};
use tuesday_domain::privacy::CLASSES;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Decision, ErasureOrder, PrivacyChange, Subject};
use tuesday_domain::review::ReviewKind;

use super::hold::{boxed, reasoned};
use super::plan::{ErasureOf, ErasureQuery, Planned};
use super::wipe::Wipe;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;

/// Named in a refusal.
const NAMED: usize = 20;
/// A run that moved while it was erased is read again so often.
const TRIES: usize = 5;

/// What a person says with an erasure.
#[derive(Clone, Debug, Default)]
pub struct Erase {
    /// The code of the list that was read.
    pub code: Option<String>,
    /// Why.
    pub reason: String,
    /// The policy or law it is done under; `erasure on request` when absent.
    pub policy: Option<String>,
    /// Open work goes to people first.
    pub hand_over: bool,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErasureDone {
    /// Its id.
    pub erasure: String,
    /// Runs that were erased now.
    pub runs: usize,
    /// Refused events.
    pub intake: usize,
    /// Problem reports.
    pub reports: usize,
    /// Runs that a hold placed meanwhile keeps; they follow when it is lifted.
    pub waiting: usize,
}

impl Engine {
    /// `by` erases what the query names.
    ///
    /// # Errors
    /// `reason_required`, `not_allowed`, `not_found` when nothing is named by it; `preview_required`
    /// without a code, `revision_moved` with one of another list; `legal_hold` naming the holds,
    /// `open_work` naming the runs, `sending` while something may be on its way.
    pub async fn erase(
        &self,
        query: &ErasureQuery,
        how: &Erase,
        by: &str,
    ) -> Result<ErasureDone, Problem> {
        let reason = reasoned(&how.reason, "an erasure needs a reason")?;
        let rights = self.rights(by).await?;
        let mut planned = Box::pin(self.planned(query)).await?;
        self.may_all(&planned, &rights, by).await?;
        if planned.runs.is_empty() {
            self.may_privately(tuesday_domain::access::Act::EraseData, None, by)
                .await?;
        }
        if planned.plan.is_empty() {
            return Err(Problem::new("not_found", "nothing is kept under that name")
                .way_out("look whether it was erased before: tuesday erase list"));
        }
        agreed(&planned, how.code.as_deref())?;
        unheld(&planned)?;
        let open = planned.plan.open();
        if !open.is_empty() && !how.hand_over {
            let words = format!("{} runs have open work", open.len());
            let named: Vec<_> = open.into_iter().take(NAMED).collect();
            return Err(Problem::new("open_work", words)
                .with("runs", named)
                .way_out("decide or cancel it first, or give it to people with --hand-over"));
        }
        if !open.is_empty() {
            for (run, _) in &planned.runs {
                if !run.state.status.is_terminal() {
                    self.hand_before_erasure(run.id, by).await?;
                }
            }
            planned = Box::pin(self.planned(query)).await?;
            unheld(&planned)?;
        }
        let policy = how
            .policy
            .as_deref()
            .map(str::trim)
            .filter(|p| !p.is_empty());
        let order = ErasureOrder {
            id: ids::erasure(),
            done_at: None,
            version: 1,
            about: query.of.word().to_owned(),
            policy: policy.unwrap_or("erasure on request").to_owned(),
            reason,
            objects: planned
                .runs
                .iter()
                .map(|(r, _)| r.id.to_string())
                .collect::<Vec<_>>()
                .join(" "),
            ordered_by: by.to_owned(),
            ordered_at: self.now(),
        };
        self.order(&order, &planned, &query.of).await?;
        let (runs, waiting) = Box::pin(self.erase_ordered(order.clone())).await?;
        self.scrub().await;
        Ok(ErasureDone {
            erasure: order.id.to_string(),
            runs,
            intake: planned.intake.len(),
            reports: planned.reports.len(),
            waiting,
        })
    }

    /// A person gets what is not over, before its contents go.
    async fn hand_before_erasure(&self, id: RunId, by: &str) -> Result<(), Problem> {
        let found = self.0.reader.work(id).await.map_err(read_problem)?;
        let Some(found) = found else { return Ok(()) };
        let on_its_way = |s| {
            matches!(
                s,
                ActionState::Sending | ActionState::Delivered | ActionState::Uncertain
            )
        };
        if found.actions.iter().any(|a| on_its_way(a.state)) {
            return Err(Problem::new(
                "sending",
                format!("an action of {id} is being sent, or may have been"),
            )
            .with("run", id.to_string())
            .way_out("wait for its receipt, or say in its task what became of it"));
        }
        let words = vec![
            "what is stored of this case is erased on request; look into the source systems for what is left to do"
                .to_owned(),
        ];
        self.hand_over_run(found, Actor::Person(by.to_owned()), words)
            .await
    }

    /// Puts the order on record, with all that belongs to no run.
    async fn order(
        &self,
        order: &ErasureOrder,
        planned: &Planned,
        of: &ErasureOf,
    ) -> Result<(), Problem> {
        let actor = Actor::Person(order.ordered_by.clone());
        let entry = AuditEntry::new(
            order.ordered_at,
            actor,
            "erasure.ordered",
            Subject::Instance,
        )
        .fact("erasure", order.id.to_string())
        .fact("about", order.about.clone())
        .fact("policy", order.policy.clone())
        .fact("reason", order.reason.clone())
        .fact("runs", planned.runs.len())
        .fact("intake", planned.plan.intake.clone())
        .fact("reports", planned.plan.reports.clone());
        let mut changes = vec![
            PrivacyChange::CheckHolds {
                seen: planned.holds.seen,
            },
            PrivacyChange::InsertErasure(Box::new(order.clone())),
        ];
        changes.extend(
            planned
                .intake
                .iter()
                .map(|id| PrivacyChange::EraseIntake { id: *id }),
        );
        changes.extend(
            planned
                .reports
                .iter()
                .map(|id| PrivacyChange::EraseReport { id: *id }),
        );
        if let ErasureOf::Record(name) | ErasureOf::Customer(name) = of {
            changes.push(PrivacyChange::EraseSignals {
                record: name.trim().to_lowercase(),
            });
        }
        let changes = changes.into_iter().map(boxed).collect();
        let ordered = self.apply_at(
            "erase.before_order_commit",
            "erase.after_order_commit",
            Decision { changes, entry },
        );
        ordered.await.map(drop).map_err(apply_problem)
    }

    /// Every erasure that is not done goes on.
    pub(super) async fn finish_erasures(&self) -> Result<usize, Problem> {
        let mut erased = 0;
        for order in self.0.reader.open_erasures().await.map_err(read_problem)? {
            erased += Box::pin(self.erase_ordered(order)).await?.0;
        }
        Ok(erased)
    }

    /// Erases the runs of an order that are still there; answers how many went and how many wait.
    async fn erase_ordered(&self, mut order: ErasureOrder) -> Result<(usize, usize), Problem> {
        let (mut gone, mut waiting) = (0, 0);
        for name in order.objects.split_whitespace() {
            let id: RunId = name
                .parse()
                .map_err(|e| Problem::new("record_damaged", format!("{}: {e}", order.id)))?;
            match self.erase_run(id, &order).await? {
                Some(true) => gone += 1,
                Some(false) => {}
                None => waiting += 1,
            }
        }
        if waiting == 0 {
            let now = self.now();
            order.done_at = Some(now);
            order.version += 1;
            let actor = Actor::Person(order.ordered_by.clone());
            let entry = AuditEntry::new(now, actor, "erasure.done", Subject::Instance)
                .fact("erasure", order.id.to_string())
                .fact("runs", order.objects.split_whitespace().count());
            let changes = vec![boxed(PrivacyChange::UpdateErasure(Box::new(order)))];
            let done = self.apply_at(
                "erase.before_done_commit",
                "erase.after_done_commit",
                Decision { changes, entry },
            );
            match done.await.map(drop).map_err(apply_problem) {
                // Two nodes finished it.
                Err(p) if p.code == "revision_moved" => {}
                other => other?,
            }
        }
        Ok((gone, waiting))
    }

    /// `true` when it went now, `false` when it was gone, nothing while a hold keeps it.
    async fn erase_run(&self, id: RunId, order: &ErasureOrder) -> Result<Option<bool>, Problem> {
        let reader = &self.0.reader;
        for _ in 0..TRIES {
            let holds = self.holds_now().await?;
            let (run, heads, reviews) = tokio::try_join!(
                reader.run(id),
                reader.payload_heads(id),
                reader.reviews_of(id)
            )
            .map_err(read_problem)?;
            let Some(run) = run else {
                return Ok(Some(false));
            };
            if heads.is_empty() && run.subject == tuesday_domain::privacy::ERASED {
                return Ok(Some(false));
            }
            if self.held(&run, &holds).await?.is_some() || !run.state.status.is_terminal() {
                return Ok(None);
            }
            // What people were told to do by hand stays with them; nobody looks again at what is gone.
            let open = reviews
                .into_iter()
                .filter(|r| !r.state.is_decided() && r.kind != ReviewKind::Manual);
            let wipe = Wipe {
                classes: &CLASSES,
                policy: &order.policy,
                by: Actor::Person(order.ordered_by.clone()),
                order: Some((order.id, &order.reason)),
                seen: holds.seen,
            };
            match self.wipe(&run, &heads, open.collect(), &wipe).await {
                Ok(()) => return Ok(Some(true)),
                Err(p) if p.code == "revision_moved" => {}
                Err(p) => return Err(p),
            }
        }
        Ok(None)
    }

    /// What was ordered, for pages and lists: by id.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn erasures(
        &self,
        after: Option<ErasureId>,
        limit: usize,
    ) -> Result<Vec<ErasureOrder>, Problem> {
        self.0
            .reader
            .erasures(after, limit)
            .await
            .map_err(read_problem)
    }
}

/// Nobody erases by a list they have not read.
fn agreed(planned: &Planned, code: Option<&str>) -> Result<(), Problem> {
    let Some(code) = code.map(str::trim).filter(|c| !c.is_empty()) else {
        return Err(Problem::new(
            "preview_required",
            "an erasure needs the code of the list of what goes",
        )
        .field("code")
        .way_out("read the list first, then repeat with its code"));
    };
    if code.eq_ignore_ascii_case(&planned.plan.code) {
        return Ok(());
    }
    Err(
        Problem::new("revision_moved", "what would go is not what was listed")
            .field("code")
            .way_out("read the list again; something moved, or the code is of another list"),
    )
}

fn unheld(planned: &Planned) -> Result<(), Problem> {
    let Some(first) = planned.plan.held.first() else {
        return Ok(());
    };
    let count = planned.plan.held.len();
    let words = format!(
        "{} is kept by {} ({} placed it: {}){}",
        first.object,
        first.hold,
        first.placed_by,
        first.reason,
        if count > 1 {
            format!(", and {} more are held", count - 1)
        } else {
            String::new()
        }
    );
    let named: Vec<_> = planned.plan.held.iter().take(NAMED).collect();
    Err(Problem::new("legal_hold", words)
        .with("held", serde_json::json!(named))
        .way_out("lift the hold when its reason is over: tuesday hold lift ID --reason WHY"))
}
