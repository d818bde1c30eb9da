//! Asks the rules in force again about tasks that wait for people, because somebody said so: first a
//! preview of who moves where, then exactly that. A change of the rules alone moves no open task.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::decide::{doubted, plan_facts, ppm};
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::SecondLookBasis;
use tuesday_domain::reroute::{Goes, Move, code, counts, goes, of_destined, stays};
use tuesday_domain::review::{ReviewEvent, ReviewKind};
use tuesday_domain::route::{Destined, Planned, ask, destine, plan};
use tuesday_domain::rules::{FactTable, Landing, RuleSet, Verdict};
use tuesday_domain::run::{Reason, RunEvent};
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::Stage;

use super::{Desk, reason_given};
use crate::catalog::LoadFault;
use crate::draft::Draft;
use crate::engine::{Engine, read_problem};
use crate::ops::second_look::Approved;
use crate::ops::task::Task;
use crate::steps::route::{bound_to, recallable, remember, stamp};
use crate::steps::{Ask, open_review};
use crate::worker::drive::Work;

/// Tasks read at once.
const PAGE: usize = 2_000;
/// Tasks that one act moves; the next act takes the rest.
const MOST: usize = 10_000;

/// Who would move where.
#[derive(Clone, Debug)]
pub struct Rerouting {
    /// Rules version in force.
    pub version: u64,
    /// Open tasks that were looked at.
    pub open: u64,
    /// Every task that moves, at most ten thousand.
    pub moves: Vec<Move>,
    /// How many from which tier to where.
    pub counts: BTreeMap<(String, Goes), u64>,
    /// Tasks that stay whatever the rules say, by the reason.
    pub stay: BTreeMap<&'static str, u64>,
    /// There are more to move than one act takes.
    pub more: bool,
    /// What the confirmation must name.
    pub code: String,
}

/// What became of a re-routing.
#[derive(Clone, Debug, Default)]
pub struct Rerouted {
    /// Tasks that moved, from where to where.
    pub moved: BTreeMap<(String, Goes), u64>,
    /// Runs that stayed after all, and why.
    pub stayed: Vec<(RunId, String)>,
}

/// Everything the rules in force say about one task.
struct Again {
    verdict: Verdict,
    facts: Map<String, Value>,
    record: Value,
    planned: Vec<Planned>,
    destined: Destined,
    bound: String,
}

impl Again {
    /// The confidence with which it was routed, as it was recorded.
    fn stated_ppm(&self) -> Option<u32> {
        let stated = self.record.get("confidence").and_then(Value::as_f64);
        stated.and_then(ppm)
    }
}

impl Engine {
    /// Who would move where under the rules in force. Changes nothing.
    ///
    /// # Errors
    /// `not_allowed`, `unknown_workflow`, `unavailable`, `record_damaged`.
    pub async fn preview_reroute(&self, workflow: &str, by: &str) -> Result<Rerouting, Problem> {
        self.may_about_rules(Act::EditRules, workflow, by, "ask the operator owner")
            .await?;
        let desk = self.rules_desk(workflow).await?;
        self.rerouting(&desk).await
    }

    async fn rerouting(&self, desk: &Desk) -> Result<Rerouting, Problem> {
        let name = &desk.workflow.name;
        let mut found = Rerouting {
            version: desk.active.version,
            open: 0,
            moves: Vec::new(),
            counts: BTreeMap::new(),
            stay: BTreeMap::new(),
            more: false,
            code: String::new(),
        };
        let mut after = None;
        loop {
            let page = self.0.reader.open_outputs(name, after, PAGE).await;
            let page = page.map_err(read_problem)?;
            let Some(last) = page.last() else { break };
            after = Some(last.review.run);
            found.open += page.len() as u64;
            for task in page {
                if let Some(why) = stays(&task.review) {
                    *found.stay.entry(why).or_insert(0) += 1;
                    continue;
                }
                let Some(goes) = self.lands(desk, &task).await? else {
                    *found.stay.entry("its values are not kept").or_insert(0) += 1;
                    continue;
                };
                if goes == Goes::Tier(task.review.tier.clone()) {
                    *found
                        .stay
                        .entry("the rules leave it where it is")
                        .or_insert(0) += 1;
                } else if found.moves.len() == MOST {
                    found.more = true;
                } else {
                    found.moves.push(Move {
                        run: task.review.run,
                        review: task.review.id,
                        revision: task.review.revision,
                        subject: task.review.subject,
                        from: task.review.tier,
                        goes,
                    });
                }
            }
        }
        found.counts = counts(&found.moves);
        found.code = code(name, found.version, &found.moves);
        Ok(found)
    }

    /// Where the rules in force would send the stored values of a run.
    async fn lands(
        &self,
        desk: &Desk,
        task: &tuesday_store::OpenOutput,
    ) -> Result<Option<Goes>, Problem> {
        let catalog = &self.0.catalog;
        let damaged = |e: LoadFault| Problem::new("record_damaged", e.to_string());
        let reader = &self.0.reader;
        let then = catalog
            .rules(reader, &desk.workflow.name, task.version)
            .await;
        let then = then.map_err(damaged)?;
        let release = catalog
            .release(reader, task.release)
            .await
            .map_err(damaged)?;
        let mut table = FactTable::new(desk.rules.columns());
        let landing = table
            .layout(then.columns())
            .filter(|layout| table.push_packed(layout, &task.facts))
            .and_then(|_| table.land(&desk.rules).ok())
            .and_then(|landings| landings.first().copied());
        let row = |landing| match landing {
            Landing::Row(at) => desk.rules.rows().get(at as usize),
            Landing::Person => None,
        };
        Ok(landing.map(|l| goes(&release.ready, task.stage, row(l))))
    }

    /// `by` moves the open tasks exactly as the preview with this code showed it.
    ///
    /// # Errors
    /// `preview_required` without a code, `revision_moved` when it is not that of the tasks and rules
    /// as they are now, `reason_required`, `not_allowed`, `illegal_state` when nothing would move.
    pub async fn reroute(
        &self,
        workflow: &str,
        by: &str,
        confirm: Option<&str>,
        reason: &str,
    ) -> Result<Rerouted, Problem> {
        self.may_about_rules(Act::EditRules, workflow, by, "ask the operator owner")
            .await?;
        let desk = self.rules_desk(workflow).await?;
        let Some(confirm) = confirm.map(str::trim).filter(|c| !c.is_empty()) else {
            return Err(Problem::new(
                "preview_required",
                "moving open tasks needs the code of a preview that somebody has read",
            )
            .field("confirm")
            .way_out("read the preview, then confirm it with its code"));
        };
        let reason = reason_given(reason)?;
        let found = self.rerouting(&desk).await?;
        if found.code != confirm {
            return Err(Problem::new(
                "revision_moved",
                "the tasks or the rules changed since the preview",
            )
            .field("confirm")
            .way_out("read the preview again"));
        }
        if found.moves.is_empty() {
            return Err(Problem::new("illegal_state", "no open task would move"));
        }
        let mut done = Rerouted::default();
        for m in found.moves {
            let moved = Box::pin(self.move_task(&desk, by, &reason, confirm, &m)).await;
            match moved {
                Ok(()) => *done.moved.entry((m.from, m.goes)).or_insert(0) += 1,
                Err(p) if p.code == "unavailable" => return Err(p),
                Err(p) => done.stayed.push((m.run, p.detail)),
            }
        }
        Ok(done)
    }

    /// Moves one task in one decision, after asking the rules with everything that is stored.
    async fn move_task(
        &self,
        desk: &Desk,
        by: &str,
        reason: &str,
        confirm: &str,
        m: &Move,
    ) -> Result<(), Problem> {
        let task = self.task(m.review).await?;
        let now = self.now();
        let again = asked(&task, &desk.rules, desk.active.version, m)?;
        if again.destined == Destined::Auto && task.run.stage == Stage::Auto {
            self.sure_enough(&task, &desk.rules, &again, now).await?;
        }
        let ready = &task.release.ready;
        let actor = Actor::Person(by.to_owned());
        let mut draft = Draft::on(&task.run, ready.strictest(), actor, "run.rerouted", now);
        draft.fact("reason", reason);
        draft.fact("from", m.from.as_str());
        draft.fact("to", m.goes.to_string());
        draft.fact("confirm", confirm);
        draft.review(&mut task.review.clone(), ReviewEvent::Supersede)?;
        stamp(
            &mut draft,
            (desk.active.version, task.run.stage),
            &again.verdict,
            &again.record,
        );
        remember(
            &mut draft,
            &desk.rules,
            &again.verdict,
            &again.facts,
            again.stated_ppm(),
        );
        let mut then = None;
        match again.destined {
            Destined::Auto => {
                then = Some(self.let_through(&task, &mut draft, again.planned).await?)
            }
            Destined::Manual(words) => {
                let ask = Ask {
                    kind: ReviewKind::Manual,
                    ..Ask::output(Reason::Manual, words, RunEvent::RoutedManual)
                };
                draft.event(RunEvent::RoutedManual)?;
                self.open_again(&task, &mut draft, ask);
                draft.run.owner = None;
            }
            Destined::Review(tier, why, words) => {
                let ask = Ask {
                    tier,
                    bound_to: again.bound,
                    ..Ask::output(why, words, RunEvent::RoutedReview)
                };
                draft.event(RunEvent::RoutedReview)?;
                self.open_again(&task, &mut draft, ask);
            }
            Destined::Shadow => return Err(Problem::new("illegal_state", "the stage is shadow")),
        }
        self.crash_point("reroute.before_commit");
        let run = self.commit_task(m.review, draft).await?;
        self.crash_point("reroute.after_commit");
        if let Some((place, actions)) = then
            && !run.state.status.is_terminal()
        {
            self.go_on(place, Work::from_task(&task, run, actions));
        }
        Ok(())
    }

    /// Refuses to let a run through by a rule that rests on a confidence which cannot be relied on now.
    async fn sure_enough(
        &self,
        task: &Task,
        rules: &RuleSet,
        again: &Again,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let (ready, run) = (&task.release.ready, &task.run);
        let trust = self.standing(&run.workflow).await?.rollout.trust;
        let said = (&again.verdict, &again.facts);
        let trust = (&*trust, run.release, now);
        match doubted((ready, rules), said, trust, again.stated_ppm()) {
            Some(words) => Err(Problem::new("illegal_state", words)),
            None => Ok(()),
        }
    }

    /// The task that takes the place of the old one; its age keeps counting.
    fn open_again(&self, task: &Task, draft: &mut Draft, ask: Ask) {
        let mut review = open_review(&task.release.ready.def, &draft.run, ask, self.now());
        review.created_at = task.review.created_at;
        review.output_ref = task.review.output_ref;
        draft.open_review(review);
    }

    /// Authorised by the row that fired, as if it had been in force when the run was routed.
    async fn let_through(
        &self,
        task: &Task,
        draft: &mut Draft,
        planned: Vec<Planned>,
    ) -> Result<super::super::approve::Authorised, Problem> {
        let def = &task.release.ready.def;
        let now = draft.run.updated_at;
        let row = draft.run.rules_row.clone().unwrap_or_default();
        let by = format!("rule:{row}@{}", draft.run.rules_version.unwrap_or(0));
        draft.event(RunEvent::RoutedAuto)?;
        draft.run.owner = None;
        draft.run.reason = None;
        let approved = Approved {
            basis: SecondLookBasis::Automatic,
            by: by.clone(),
            tier: "",
            stored: &task.payloads,
        };
        self.draw_second_look(draft, def, approved)
            .await
            .map_err(read_problem)?;
        let wait = recallable(def.review.automatic_recall_seconds, now);
        self.authorise_by(task, draft, planned, &by, wait, now)
    }
}

/// Asks the rules in force about what is stored, and holds the answer against the preview.
fn asked(task: &Task, rules: &RuleSet, version: u64, m: &Move) -> Result<Again, Problem> {
    let stayed = |why: &str| Problem::new("illegal_state", why.to_owned());
    if task.review.revision != m.revision {
        return Err(stayed("it changed since the preview"));
    }
    if let Some(why) = stays(&task.review) {
        return Err(stayed(why));
    }
    if let Some(what) = &task.damaged {
        return Err(stayed(what));
    }
    let lost = || stayed("what it was routed by cannot be read");
    let stored = task
        .run
        .verdict_ref
        .and_then(|n| task.bytes(n))
        .ok_or_else(lost)?;
    let mut record: Value = serde_json::from_slice(&stored).map_err(|_| lost())?;
    let facts = record
        .get("facts")
        .and_then(Value::as_object)
        .cloned()
        .ok_or_else(lost)?;
    let verdict = ask(rules, version, &facts);
    let (ready, run) = (&task.release.ready, &task.run);
    let snapshot = task.snapshot().ok_or_else(lost)?;
    let inputs = plan_facts(&task.facts().ok_or_else(lost)?, &snapshot);
    let (text, output) = task.output().ok_or_else(lost)?;
    let planned = plan(ready, run.id, run.stage, &inputs, &output).map_err(|f| stayed(&f.words))?;
    let bound = bound_to(&text, &snapshot, &planned);
    if bound != task.review.bound_to {
        return Err(stayed(
            "its output, inputs or effect are not what they were",
        ));
    }
    let destined = destine(ready, &verdict, run.stage, &planned, &[]);
    if of_destined(&destined).as_ref() != Some(&m.goes) {
        return Err(stayed(
            "asked again with everything that is stored, the rules say otherwise",
        ));
    }
    record["verdict"] = json!(verdict);
    Ok(Again {
        verdict,
        facts,
        record,
        planned,
        destined,
        bound,
    })
}
