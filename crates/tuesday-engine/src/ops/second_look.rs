//! A share of what was approved is looked at again by somebody else: drawn with the approval, opened as
//! a task once the run is over, answered with right or wrong. Wrong opens a problem report.

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::Definition;
use tuesday_domain::id::ReviewId;
use tuesday_domain::oversight::draw;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    Change, DeskChange, Payload, ProblemKind, ProblemReport, ProblemState, ProblemTie, Review,
    ReviewDecision, Run, SecondLook, SecondLookBasis, SecondLookResult,
};
use tuesday_domain::review::{ReviewEvent, ReviewKind};
use tuesday_domain::run::{Reason, RunEvent};
use tuesday_store::ReadError;

use super::cleared::cleared;
use super::problem::ANSWER;
use super::settle::decided;
use super::task::{Request, Task, draft, may_decide};
use crate::draft::Draft;
use crate::engine::{Engine, read_problem};
use crate::ids;
use crate::maintenance::notice;
use crate::steps::{Ask, open_review};

/// What the second person says.
#[derive(Clone, Debug, Default)]
pub struct SecondVerdict {
    /// The output was right.
    pub correct: bool,
    /// Why, when it was wrong.
    pub reason: String,
    /// The revision that was seen.
    pub revision: Option<u32>,
    /// Idempotency key of the request: repeated, it has no second effect.
    pub key: Option<String>,
}

/// An approval that may be drawn.
pub(crate) struct Approved<'a> {
    pub(crate) basis: SecondLookBasis,
    /// Handles, or the rule.
    pub(crate) by: String,
    pub(crate) tier: &'a str,
    /// Payloads that were stored before this decision.
    pub(crate) stored: &'a [Payload],
}

impl Engine {
    /// Draws: the look is kept in the same decision as the approval. A run is drawn once.
    pub(crate) async fn draw_second_look(
        &self,
        draft: &mut Draft,
        def: &Definition,
        approved: Approved<'_>,
    ) -> Result<(), ReadError> {
        let declared = def.review.second_look.share_ppm(approved.basis);
        let row = self.0.catalog.cached_workflow(&draft.run.workflow);
        let sampled = row.and_then(|w| w.rollout.load.sampled);
        let share_ppm = sampled.map_or(declared, |s| s.share_ppm(approved.basis, declared));
        let Some(salt) = draft.output_salt(approved.stored) else {
            return Ok(());
        };
        let run = draft.run.id;
        let drawn = draw(run, &salt);
        if drawn >= share_ppm || self.0.reader.second_look(run).await?.is_some() {
            return Ok(());
        }
        draft.change(Change::Desk(Box::new(DeskChange::InsertSecondLook(
            SecondLook {
                run,
                review: None,
                result: None,
                reason: None,
                looked_by: None,
                looked_at: None,
                version: 0,
                workflow: draft.run.workflow.clone(),
                tier: approved.tier.to_owned(),
                basis: approved.basis,
                approved_by: approved.by,
                share_ppm,
                draw: drawn,
                drawn_at: draft.run.updated_at,
            },
        ))));
        Ok(())
    }

    /// Opens the task of a drawn approval whose run is over, for somebody who had no part in it.
    /// `false` when there is nobody.
    pub(crate) async fn open_second_look(&self, look: SecondLook) -> Result<bool, Problem> {
        let reader = &self.0.reader;
        let run = reader.run(look.run).await.map_err(read_problem)?;
        let run = run.ok_or_else(|| super::task::not_found(&look.run.to_string()))?;
        let release = self.loaded(run.release).await?;
        let def = &release.ready.def;
        let now = self.now();
        let words = vec![
            "This was approved and drawn by chance. Say whether it was right; nothing waits for it."
                .to_owned(),
        ];
        let ask = Ask {
            kind: ReviewKind::SecondLook,
            tier: look.tier.clone(),
            ..Ask::output(Reason::SecondLook, words, RunEvent::RoutedReview)
        };
        let mut review = open_review(def, &run, ask, now);
        let gone = self.gone(Some(&run.workflow), now).await?;
        let reviewers = def.owners.reviewers.iter().map(|p| p.handle.clone());
        for person in reviewers {
            if !review.chain.contains(&person) {
                review.chain.push(person);
            }
        }
        review.chain.retain(|p| !had_part(&look, p));
        let free = review.chain.iter().find(|p| gone.is_here(p)).cloned();
        let Some(owner) = free else {
            return Ok(false);
        };
        review.owner = owner;
        let class = release.ready.strictest();
        let actor = Actor::System("second_looks");
        let mut draft = Draft::on(&run, class, actor, "review.second_look_opened", now);
        draft.fact("draw", i64::from(look.draw));
        draft.fact("share_ppm", i64::from(look.share_ppm));
        let look = SecondLook {
            review: Some(review.id),
            version: look.version + 1,
            ..look
        };
        draft.open_aside(review);
        draft.change(Change::Desk(Box::new(DeskChange::UpdateSecondLook(look))));
        let (decision, _) = draft.finish();
        self.crash_point("look.before_open_commit");
        self.apply(decision)
            .await
            .map_err(crate::engine::apply_problem)?;
        self.crash_point("look.after_open_commit");
        Ok(true)
    }

    /// `by` says whether the approved output was right.
    ///
    /// # Errors
    /// The refusals of a decision; `same_person_twice` for who approved it, `reason_required` for a
    /// wrong one, `illegal_state` for a task of another kind.
    pub async fn second_verdict(
        &self,
        id: ReviewId,
        by: &str,
        verdict: SecondVerdict,
    ) -> Result<Review, Problem> {
        let task = self.task(id).await?;
        let reason = verdict.reason.trim();
        let act = serde_json::json!(["verdict", verdict.revision, verdict.correct, reason]);
        let request = Request::new(by, verdict.key.as_deref(), &act);
        if let Some(done) = task.repeated(request.as_ref())? {
            return Ok(done.review);
        }
        let now = self.now();
        may_decide(&task, by, verdict.revision, now)?;
        let look = self.looked_at(&task, by).await?;
        if !verdict.correct && reason.is_empty() {
            return Err(
                Problem::new("reason_required", "a wrong output needs a reason").field("reason"),
            );
        }
        let (what, event, result) = if verdict.correct {
            let event = ReviewEvent::Approve { edited: false };
            (ReviewDecision::Correct, event, SecondLookResult::Correct)
        } else {
            let wrong = SecondLookResult::Incorrect;
            (ReviewDecision::Incorrect, ReviewEvent::Reject, wrong)
        };
        let mut review = decided(&task.review, by, what, now);
        let said = (!reason.is_empty()).then(|| reason.to_owned());
        review.note.clone_from(&said);
        review.request_keys.extend(request.map(|r| r.text()));
        let mut draft = draft(&task, by, "review.second_look", now);
        draft.fact("result", result.word());
        draft.fact("approved_by", look.approved_by.clone());
        draft.review(&mut review, event)?;
        let look = SecondLook {
            result: Some(result),
            reason: said,
            looked_by: Some(by.to_owned()),
            looked_at: Some(now),
            version: look.version + 1,
            ..look
        };
        draft.change(Change::Desk(Box::new(DeskChange::UpdateSecondLook(look))));
        if !verdict.correct {
            reported(&mut draft, &task, by, reason);
        }
        self.crash_point("look.before_commit");
        self.commit_task(id, draft).await?;
        self.crash_point("look.after_commit");
        Ok(review)
    }

    /// Who cannot answer this task, because they approved what it asks about.
    pub(crate) async fn had_part(&self, review: &Review) -> Result<Vec<String>, Problem> {
        if review.kind != ReviewKind::SecondLook {
            return Ok(Vec::new());
        }
        let look = self.0.reader.second_look(review.run).await;
        let look = look.map_err(read_problem)?;
        let by = look.map(|l| l.approved_by).unwrap_or_default();
        Ok(by.split(", ").map(str::to_owned).collect())
    }

    /// The look behind a task, unless `by` had a part in the approval or may not see it.
    async fn looked_at(&self, task: &Task, by: &str) -> Result<SecondLook, Problem> {
        let look = self.0.reader.second_look(task.run.id).await;
        let look = look.map_err(read_problem)?;
        let (ReviewKind::SecondLook, Some(look)) = (task.review.kind, look) else {
            return Err(Problem::new("illegal_state", "this task is no second look")
                .way_out("approve, reject or settle it"));
        };
        if had_part(&look, by) {
            return Err(Problem::new(
                "same_person_twice",
                format!("{by} approved this; somebody else looks at it"),
            ));
        }
        cleared(task, by)?;
        Ok(look)
    }
}

/// Whether the person approved it, or wrote its text.
fn had_part(look: &SecondLook, person: &str) -> bool {
    look.approved_by.split(", ").any(|p| p == person)
}

/// A wrong output becomes a report to the operator owner, in the same decision.
fn reported(draft: &mut Draft, task: &Task, by: &str, reason: &str) {
    let run: &Run = &task.run;
    let now = draft.run.updated_at;
    let owner = task.release.ready.def.owners.operator.handle.clone();
    let report = ProblemReport {
        id: ids::problem_report(),
        state: ProblemState::New,
        owner: owner.clone(),
        due_at: now.plus(ANSWER),
        answer: None,
        answered_by: None,
        answered_at: None,
        fix_layer: None,
        without_code: None,
        minutes: None,
        version: 1,
        kind: ProblemKind::Wrong,
        words: reason.to_owned(),
        reported_by: by.to_owned(),
        workflow: Some(run.workflow.clone()),
        run: Some(run.id),
        tied_by: ProblemTie::Run,
        asked_for: None,
        created_at: now,
    };
    draft.fact("report", report.id.to_string());
    let title = format!("{}: a second look found a wrong output", run.workflow);
    let path = format!("/problem-reports/{}", report.id);
    let told = notice(
        owner,
        run.workflow.clone(),
        "problem_reported",
        title,
        path,
        now,
    );
    draft.change(Change::Desk(Box::new(DeskChange::InsertProblem(report))));
    draft.change(Change::InsertNotice(Box::new(told)));
}
