//! The one success metric of a workflow, as the charter states it, with what it comes to now: on the scorecard and
//! wherever somebody decides about the workflow.

use serde::Serialize;
use tuesday_domain::charter::milestone::Target;
use tuesday_domain::charter::weekly::{keeps, week_value};
use tuesday_domain::ledger::day::Days;
use tuesday_domain::ledger::figures::DayFigures;
use tuesday_domain::ledger::shown::Shown;
use tuesday_domain::problem::Problem;

use crate::engine::Engine;

/// Days that a decision looks back.
const USUAL: i64 = 28;

/// The one metric over some days.
#[derive(Clone, Debug, Serialize)]
pub struct SuccessMetric {
    /// As the charter states it: metric, target and day of the verdict.
    pub stated: String,
    /// What it came to; absent for one that records of runs cannot tell.
    pub now: Option<Shown>,
    /// It keeps the target; absent without a value.
    pub kept: Option<bool>,
}

impl SuccessMetric {
    /// Of a statement; nothing without one.
    pub(super) fn of(
        stated: Option<&str>,
        figures: &DayFigures,
        workflow: &str,
        days: Days,
    ) -> Option<Self> {
        let stated = stated.filter(|s| !s.is_empty())?.to_owned();
        let target = Target::of(&stated);
        let now = target.as_ref().and_then(|t| {
            let shown = week_value(t.metric?, figures, days.count())?;
            let span = format!("from={}&to={}", days.from, days.to);
            Some(shown.behind(format!("/runs?workflow={workflow}&{span}&kind=all")))
        });
        let kept = target.zip(now.as_ref());
        let kept = kept.and_then(|(t, now)| keeps(now, t.at_most, t.number));
        Some(Self { stated, now, kept })
    }

    /// Whether it keeps its target, in words.
    #[must_use]
    pub const fn words(&self) -> &'static str {
        match (&self.now, self.kept) {
            (_, Some(true)) => "keeps its target",
            (_, Some(false)) => "misses its target",
            (Some(_), None) => "no value: nobody can say",
            (None, None) => "records of runs cannot tell it",
        }
    }
}

impl Engine {
    /// The one metric over the last four weeks; nothing while the charter states none.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn success_metric(&self, workflow: &str) -> Result<Option<SuccessMetric>, Problem> {
        let claims = self.claims(workflow).await?;
        if claims.metric.is_none() {
            return Ok(None);
        }
        let days = self.asked_days(Some(workflow), None, None, USUAL).await?;
        let figures = self.day_figures(workflow, days).await?;
        let stated = claims.metric.as_deref();
        Ok(SuccessMetric::of(stated, &figures, workflow, days))
    }
}
