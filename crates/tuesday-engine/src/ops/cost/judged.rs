//! How often the machine was wrong about going alone, release by release: estimated from reviews and second
//! looks, with the interval and the sample it rests on.

use std::collections::BTreeMap;

use serde::Serialize;
use tuesday_domain::ledger::day::Days;
use tuesday_domain::ledger::judged::Judged;
use tuesday_domain::ledger::shown::Shown;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::DayRow;

use crate::engine::Engine;

/// One release, or all of them together.
#[derive(Clone, Debug, Serialize)]
pub struct JudgedRelease {
    /// Id of the release; `all` for all together.
    pub key: String,
    /// For people.
    pub name: String,
    /// What was counted.
    pub counts: Judged,
    /// Acted on wrongly: false positives.
    pub acted: Shown,
    /// Held back wrongly: false negatives.
    pub held: Shown,
}

/// The report.
#[derive(Clone, Debug, Serialize)]
pub struct JudgedReport {
    /// Workflow name.
    pub workflow: String,
    /// The span.
    pub days: Days,
    /// All releases together.
    pub all: JudgedRelease,
    /// By release.
    pub releases: Vec<JudgedRelease>,
}

/// The runs of a kind, with their release where it is one.
fn behind(shown: Shown, workflow: &str, days: Days, release: Option<&str>) -> Shown {
    let release = release.map_or_else(String::new, |r| format!("&release={r}"));
    let page = format!(
        "/runs?workflow={workflow}&from={}&to={}&kind={}{release}",
        days.from, days.to, shown.key
    );
    shown.behind(page)
}

fn one(
    (key, name): (&str, &str),
    counts: Judged,
    workflow: &str,
    days: Days,
    release: Option<&str>,
) -> JudgedRelease {
    let [acted, held] = counts.shown();
    JudgedRelease {
        key: key.to_owned(),
        name: name.to_owned(),
        counts,
        acted: behind(acted, workflow, days, release),
        held: behind(held, workflow, days, release),
    }
}

/// All together, then release by release in the order of their ids. `rows` are of the span.
pub(super) fn judged<'a>(
    rows: impl Iterator<Item = &'a DayRow>,
    titles: &BTreeMap<String, String>,
    workflow: &str,
    days: Days,
) -> (JudgedRelease, Vec<JudgedRelease>) {
    let (mut all, mut by) = (Judged::default(), BTreeMap::<String, Judged>::new());
    for row in rows {
        all.merge(&row.figures.judged);
        by.entry(row.release.to_string())
            .or_default()
            .merge(&row.figures.judged);
    }
    let each = by.into_iter().map(|(id, counts)| {
        let name = titles.get(&id).map_or(id.as_str(), String::as_str);
        one((&id, name), counts, workflow, days, Some(&id))
    });
    let each = each.collect();
    (
        one(("all", "All releases"), all, workflow, days, None),
        each,
    )
}

impl Engine {
    /// What went alone and was found wrong, and what was held back and stood as it was, on these days.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn judged_report(&self, workflow: &str, days: Days) -> Result<JudgedReport, Problem> {
        let gathered = self.gathered(Some(workflow), None, days).await?;
        let titles = self.release_titles(workflow).await?;
        let rows = super::scorecard::within(&gathered.rows, days);
        let (all, releases) = judged(rows, &titles, workflow, days);
        Ok(JudgedReport {
            workflow: workflow.to_owned(),
            days,
            all,
            releases,
        })
    }
}
