//! What a hold keeps beside runs: refused events, problem reports and signals. Whoever leaves a held run
//! out of the list does not get at what belongs to it through another table.

use tuesday_domain::id::{IntakeId, ProblemReportId};
use tuesday_domain::privacy::{Finder, Hold};
use tuesday_domain::problem::Problem;

use super::plan::{ErasureOf, HeldBy, Planned};
use super::wipe::Holds;
use crate::engine::{Engine, read_problem};

impl HeldBy {
    pub(super) fn of(object: String, hold: &Hold) -> Self {
        Self {
            object,
            hold: hold.id.to_string(),
            placed_by: hold.placed_by.clone(),
            reason: hold.reason.clone(),
        }
    }
}

impl Engine {
    /// Names every hold that keeps something of the list that is no run.
    pub(super) async fn held_beside(
        &self,
        of: &ErasureOf,
        planned: &mut Planned,
    ) -> Result<(), Problem> {
        if planned.holds.all.is_empty() {
            return Ok(());
        }
        let mut held = Vec::new();
        for id in &planned.intake {
            let hold = self.intake_held(*id, &planned.holds).await?;
            held.extend(hold.map(|h| HeldBy::of(id.to_string(), h)));
        }
        for id in &planned.reports {
            let hold = self.report_held(*id, &planned.holds).await?;
            held.extend(hold.map(|h| HeldBy::of(id.to_string(), h)));
        }
        if let ErasureOf::Record(name) | ErasureOf::Customer(name) = of {
            let hold = self.signals_held(name, &planned.holds).await?;
            held.extend(hold.map(|h| HeldBy::of("a signal without a run".to_owned(), h)));
        }
        planned.plan.held.extend(held);
        Ok(())
    }

    async fn intake_held<'a>(
        &self,
        id: IntakeId,
        holds: &'a Holds,
    ) -> Result<Option<&'a Hold>, Problem> {
        let found = self.0.reader.intake(id).await.map_err(read_problem)?;
        Ok(found.and_then(|row| {
            holds.all.iter().find(|h| {
                h.scope.fits(&row.workflow, row.received_at)
                    && names(h, |f| f.in_bytes(&row.body) || f.in_text(&row.detail))
            })
        }))
    }

    /// A report belongs to the run it is tied to, and is about what its own words say.
    async fn report_held<'a>(
        &self,
        id: ProblemReportId,
        holds: &'a Holds,
    ) -> Result<Option<&'a Hold>, Problem> {
        let reader = &self.0.reader;
        let found = reader.problem_report(id).await.map_err(read_problem)?;
        let Some(report) = found else { return Ok(None) };
        if let Some(run) = report.run
            && let Some(run) = reader.run(run).await.map_err(read_problem)?
            && let Some(hold) = self.held(&run, holds).await?
        {
            return Ok(Some(hold));
        }
        let texts = [
            Some(&report.words),
            report.asked_for.as_ref(),
            report.answer.as_ref(),
        ];
        let at = report.created_at;
        Ok(holds.all.iter().find(|h| {
            // Nobody knows which workflow it is about: a hold on any of them may mean it.
            let workflow = report.workflow.as_deref().or(h.scope.workflow.as_deref());
            h.scope.fits(workflow.unwrap_or_default(), at)
                && names(h, |f| texts.iter().flatten().any(|t| f.in_text(t)))
        }))
    }

    /// Signals of a record that name no run: by the span in which each workflow received them.
    async fn signals_held<'a>(
        &self,
        record: &str,
        holds: &'a Holds,
    ) -> Result<Option<&'a Hold>, Problem> {
        let record = record.trim().to_lowercase();
        let spans = self.0.reader.loose_signals(&record).await;
        let spans = spans.map_err(read_problem)?;
        let touches = |h: &&Hold| {
            spans.iter().any(|(workflow, first, last)| {
                h.scope.workflow.as_ref().is_none_or(|w| w == workflow)
                    && h.scope.from.is_none_or(|from| *last >= from)
                    && h.scope.to.is_none_or(|to| *first < to)
            }) && names(h, |f| f.in_text(&record))
        };
        Ok(holds.all.iter().find(touches))
    }
}

/// A hold on a record keeps what names it; one without keeps everything it fits.
fn names(hold: &Hold, mentions: impl Fn(&Finder) -> bool) -> bool {
    hold.lifted.is_none()
        && hold
            .scope
            .record
            .as_deref()
            .is_none_or(|r| mentions(&Finder::record(r)))
}
