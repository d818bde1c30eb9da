//! What the work is worth to the people who do it: from day thirty on the team sees what it saves and how
//! often the result is wrong, as plainly when it saves nothing as when it does.

use serde::Serialize;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::report::merged;
use tuesday_domain::ledger::shown::Shown;
use tuesday_domain::ledger::value::{Errors, errors, saved};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Workflow;
use tuesday_domain::workflow::Label;

use crate::engine::{Engine, read_problem};

/// Before so many days nothing is said: a first week is no figure.
const DAYS: i64 = 30;

/// One workflow, as its team sees it.
#[derive(Clone, Debug, Serialize)]
pub struct TeamValue {
    /// Workflow name.
    pub workflow: String,
    /// For people.
    pub title: String,
    /// The day from which on there is something to show; absent once it is past.
    pub measuring_until: Option<Day>,
    /// The thirty days that are shown.
    pub days: Days,
    /// Time saved, net of everything people still spend; absent while it is measured.
    pub net: Option<Shown>,
    /// Wrong results now, by hand, and the difference; absent while it is measured.
    pub errors: Option<Errors>,
}

impl Engine {
    /// The workflows that are not retired, of those that the reader may see, by their titles. `workflow`
    /// narrows it to one.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn team_values(
        &self,
        among: Option<&[String]>,
        workflow: Option<&str>,
    ) -> Result<Vec<TeamValue>, Problem> {
        let all = self.0.reader.workflows().await.map_err(read_problem)?;
        let wanted = |w: &&Workflow| {
            w.label != Label::Retired
                && among.is_none_or(|a| a.contains(&w.name))
                && workflow.is_none_or(|name| name == w.name)
        };
        let mut out = Vec::new();
        for row in all.iter().filter(wanted) {
            // What cannot be loaded is told of elsewhere; the others are shown all the same.
            if let Ok(value) = self.team_value(row).await {
                out.push(value);
            }
        }
        out.sort_by(|a, b| a.title.cmp(&b.title));
        Ok(out)
    }

    async fn team_value(&self, row: &Workflow) -> Result<TeamValue, Problem> {
        let (_, live) = self.live(&row.name).await?;
        let zone = &live.ready.zone;
        let day =
            |text: String| Day::parse(&text).map_err(|e| Problem::new("internal", e.to_string()));
        let today = day(zone.day(self.now()))?;
        let from = day(zone.day(row.installed_at))?.plus(DAYS);
        let days = Days {
            from: today.plus(1 - DAYS),
            to: today,
        };
        let mut value = TeamValue {
            workflow: row.name.clone(),
            title: row.title.clone(),
            measuring_until: (today < from).then_some(from),
            days,
            net: None,
            errors: None,
        };
        if value.measuring_until.is_none() {
            let (gathered, baseline) = tokio::try_join!(
                self.gathered(Some(&row.name), None, days),
                self.baseline(&row.name)
            )?;
            let figures = merged(&gathered.rows);
            let upkeep_ms = gathered.upkeep_ms(days);
            value.net = Some(saved(&figures, baseline.as_ref(), upkeep_ms).net);
            value.errors = Some(errors(&figures, baseline.as_ref()));
        }
        Ok(value)
    }
}
