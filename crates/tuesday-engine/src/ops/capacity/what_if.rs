//! What would be if the next tier or group were served, or a cutoff were another: tasks a week,
//! utilisation, and what people had decided about exactly the runs that would move. Changes nothing.

use serde::Serialize;
use tuesday_domain::capacity::{LoadForecast, Range};
use tuesday_domain::problem::Problem;
use tuesday_domain::rules::{CellEdit, Lane, Moved, Route, RuleSet, Tally};
use tuesday_domain::scope::{Axis, Restriction};
use tuesday_domain::workflow::Stage;

use super::declare::undeclared;
use super::picture::BACK;
use super::room::hours;
use crate::engine::Engine;
use crate::ops::{BacktestWindow, RulesEdit};

/// How sure the interval around past errors is.
const SURE: f64 = 0.95;
/// Past errors may be at most so many, at the upper end, for a cutoff to be of low risk.
const LOW_RISK: f64 = 0.05;

/// What is asked.
#[derive(Clone, Debug)]
pub enum WhatIfWish {
    /// These values of an axis were served too.
    Serve(Axis, Vec<String>),
    /// Everything that is declared were served.
    ServeAll,
    /// The decision table were another.
    Rules(RulesEdit),
    /// Amounts up to this went without a person.
    AutoMax(String),
}

/// Past runs that would move, with what people had decided.
#[derive(Clone, Debug, Serialize)]
pub struct MovedRuns {
    /// Where the table in force sends them: `auto`, `review` or `refused`.
    pub from: Lane,
    /// Where the other table would.
    pub to: Lane,
    /// How many, and by decision.
    #[serde(flatten)]
    pub runs: Moved,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct WhatIf {
    /// Workflow name.
    pub workflow: String,
    /// What was asked, in words.
    pub what: String,
    /// Tasks a week now, over the next 14 days.
    pub tasks_now: Range,
    /// Tasks a week then.
    pub tasks_then: Range,
    /// Utilisation over the next 14 days now, in millionths.
    pub now_ppm: Option<Range>,
    /// And then.
    pub then_ppm: Option<Range>,
    /// Reviewer hours a week that would be lacking.
    pub lacking_hours: Option<String>,
    /// What it rests on.
    pub rests_on: String,
    /// Past runs that were asked again; 0 for a question about the scope.
    pub runs: u64,
    /// Past runs that could not be asked.
    pub left_out: u64,
    /// Past runs that would move.
    pub moved: Vec<MovedRuns>,
    /// Share of errors among past runs that would go without a person: lower and upper end at 95 %.
    pub errors: Option<(f64, f64)>,
    /// What would go without a person was of low risk: at most 5 in 100 were wrong, at the upper end of the
    /// interval. Not low while nobody had decided any; absent for a question that moves no past run.
    pub low_risk: Option<bool>,
    /// The cells that would change.
    pub cells: Vec<String>,
    /// What must be known to read it rightly.
    pub notes: Vec<String>,
}

/// Tasks of a week from the load of 14 days.
fn tasks(f: &LoadForecast) -> Range {
    let each = f.task.mean_ms.max(1);
    let sum =
        |get: fn(&Range) -> i64| f.days.iter().map(|d| get(&d.load_ms)).sum::<i64>() / 2 / each;
    Range {
        low: sum(|r| r.low),
        point: f
            .next_ppm
            .is_none_or(|r| r.point.is_some())
            .then(|| sum(|r| r.point.unwrap_or(0))),
        high: sum(|r| r.high),
    }
}

/// The limit of a cell such as `> 500` or `<= 500`.
fn limit(text: &str) -> Option<(&str, f64)> {
    let sign = [">=", "<=", ">", "<"]
        .into_iter()
        .find(|s| text.starts_with(s))?;
    Some((sign, text[sign.len()..].trim().parse().ok()?))
}

/// The cells that say up to which amount the machine goes without a person.
fn amount_cells(rules: &RuleSet, to: &str) -> Result<Vec<CellEdit>, Problem> {
    let bad = |words: String| {
        Problem::new("bad_request", words)
            .field("auto_max")
            .way_out("name the cells instead, such as 'r3.amount=> 50'")
    };
    if to.trim().parse::<f64>().is_err() {
        return Err(bad(format!("`{to}` is not a number")));
    }
    let mut found: Vec<(usize, f64, CellEdit)> = Vec::new();
    for row in rules.rows() {
        for (at, (column, cell)) in rules.columns().iter().zip(&row.cells).enumerate() {
            let Some((sign, number)) = limit(cell.text()).filter(|_| column.is_numeric()) else {
                continue;
            };
            let caps = match row.route {
                Route::Auto => sign.starts_with('<'),
                Route::Review => sign.starts_with('>'),
                _ => false,
            };
            if caps {
                let edit = CellEdit {
                    row: row.id.clone(),
                    column: column.name.clone(),
                    value: format!("{sign} {}", to.trim()),
                };
                found.push((at, number, edit));
            }
        }
    }
    let mut columns: Vec<usize> = found.iter().map(|f| f.0).collect();
    columns.sort_unstable();
    columns.dedup();
    let [_] = columns[..] else {
        let names = columns.iter().filter_map(|at| rules.columns().get(*at));
        let names: Vec<&str> = names.map(|c| c.name.as_str()).collect();
        return Err(bad(format!(
            "the table has {} columns whose limit could be meant: {}",
            names.len(),
            names.join(", ")
        )));
    };
    // The lowest limit is where people begin.
    let least = found.iter().map(|f| f.1).fold(f64::INFINITY, f64::min);
    let cells = found.into_iter().filter(|f| f.1 <= least);
    Ok(cells.map(|f| f.2).collect())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of runs stay far below 2^52"
)]
fn part(n: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { n as f64 / of as f64 }
}

impl Engine {
    /// Answers what would be.
    ///
    /// # Errors
    /// `capacity_undeclared`; `bad_request` at the field; those of a back-test; `unknown_workflow`.
    pub async fn capacity_what_if(
        &self,
        name: &str,
        wish: WhatIfWish,
        by: &str,
    ) -> Result<WhatIf, Problem> {
        match wish {
            WhatIfWish::Serve(axis, values) => self.what_if_served(name, axis, &values).await,
            WhatIfWish::ServeAll => {
                let scope = Restriction::default();
                self.what_if_scope(name, scope, "everything declared is served".to_owned())
                    .await
            }
            WhatIfWish::Rules(edit) => Box::pin(self.what_if_rules(name, edit, by)).await,
            WhatIfWish::AutoMax(to) => {
                let row = self.standing(name).await?;
                let rules = self
                    .0
                    .catalog
                    .rules(&self.0.reader, name, row.rules_version);
                let rules = rules.await;
                let rules = rules.map_err(|e| Problem::new("record_damaged", e.to_string()))?;
                let edit = RulesEdit::Cells(amount_cells(&rules, &to)?);
                Box::pin(self.what_if_rules(name, edit, by)).await
            }
        }
    }

    async fn what_if_served(
        &self,
        name: &str,
        axis: Axis,
        values: &[String],
    ) -> Result<WhatIf, Problem> {
        let row = self.standing(name).await?;
        let mut scope = row.rollout.scope;
        let list = match axis {
            Axis::Group => &mut scope.groups,
            Axis::Department => &mut scope.departments,
            Axis::Tier => &mut scope.tiers,
            Axis::Type => &mut scope.types,
        };
        if list.is_empty() {
            let words = format!("every {axis} that is declared is served already");
            return Err(Problem::new("bad_request", words).field("scope"));
        }
        list.extend(values.iter().cloned());
        list.dedup();
        let what = format!("{axis} {} is served too", values.join(", "));
        self.what_if_scope(name, scope, what).await
    }

    async fn what_if_scope(
        &self,
        name: &str,
        scope: Restriction,
        what: String,
    ) -> Result<WhatIf, Problem> {
        let row = self.standing(name).await?;
        let live = self.loaded(row.live_release).await?;
        let plan = self.plan_in_force(name, &live).await?;
        let spec = plan.ok_or_else(|| undeclared(name))?.spec;
        let present = row.rollout.scope.clone();
        let picture = self
            .load_picture(&row, &live, &spec, &present, BACK)
            .await?;
        let picture = self.assuming(picture, &live).await?;
        let mut wider = self.wider(&row, &spec, &scope).await?;
        wider.picture.assumed.clone_from(&picture.assumed);
        let now = picture.forecast(&spec, 1.0);
        let then = wider.picture.forecast(&spec, wider.factor);
        let mut answer = answer(name, what, (&now, &then), spec.limit_percent);
        answer.rests_on = wider.words;
        Ok(answer)
    }

    async fn what_if_rules(
        &self,
        name: &str,
        edit: RulesEdit,
        by: &str,
    ) -> Result<WhatIf, Problem> {
        let row = self.standing(name).await?;
        let live = self.loaded(row.live_release).await?;
        let plan = self.plan_in_force(name, &live).await?;
        let spec = plan.ok_or_else(|| undeclared(name))?.spec;
        let scope = row.rollout.scope.clone();
        let picture = self.load_picture(&row, &live, &spec, &scope, BACK).await?;
        let picture = self.assuming(picture, &live).await?;
        let now = picture.forecast(&spec, 1.0);
        let window = BacktestWindow {
            last: None,
            days: Some(u32::try_from(BACK).unwrap_or(28)),
        };
        let cells = match &edit {
            RulesEdit::Cells(cells) => cells
                .iter()
                .map(|c| format!("{}.{} = {}", c.row, c.column, c.value))
                .collect(),
            RulesEdit::Text(_) => vec!["another table".to_owned()],
            RulesEdit::Version(v) => vec![format!("version {v}")],
        };
        let tested = self.backtest_rules(name, by, &edit, window).await?;
        let t = &tested.tally;
        let share = now.share_ppm.point.unwrap_or(0).max(1);
        let delta = delta_share(t);
        #[expect(clippy::cast_precision_loss, reason = "a share in millionths fits")]
        let factor = (1.0 + delta / (share as f64 / 1e6)).max(0.0);
        let then = picture.forecast(&spec, factor);
        let what = cells.join("; ");
        let mut answer = answer(name, what, (&now, &then), spec.limit_percent);
        answer.runs = t.runs;
        answer.left_out = t.left_out;
        answer.moved = t
            .moved
            .iter()
            .map(|((from, to), runs)| MovedRuns {
                from: *from,
                to: *to,
                runs: *runs,
            })
            .collect();
        let auto = t.newly_auto();
        answer.errors = (auto.decided() > 0).then(|| auto.error_interval(SURE));
        answer.low_risk = Some(low_risk(answer.errors));
        answer.cells = cells;
        answer.rests_on = format!(
            "the table in force and the other one, asked about {} runs of 28 days",
            t.runs
        );
        if row.stage_in_force() < Stage::Auto {
            answer.notes.push(format!(
                "stage {} puts every output before a person: tasks are avoided once the stage is auto",
                row.stage_in_force()
            ));
        }
        for f in &tested.second_person {
            answer
                .notes
                .push(format!("a second person must agree: {}", f.message));
        }
        if t.runs == 0 {
            answer
                .notes
                .push("no past run could be asked: nothing is known".to_owned());
        }
        Ok(answer)
    }
}

/// Whether the upper end of past errors is low; what nobody decided is not.
fn low_risk(errors: Option<(f64, f64)>) -> bool {
    errors.is_some_and(|(_, high)| high <= LOW_RISK)
}

/// Reviews that the other table adds for each run, or saves when negative.
fn delta_share(t: &Tally) -> f64 {
    let count = |lanes: &std::collections::BTreeMap<Lane, u64>| {
        part(lanes.get(&Lane::Review).copied().unwrap_or(0), t.runs)
    };
    count(&t.after) - count(&t.before)
}

fn answer(
    name: &str,
    what: String,
    (now, then): (&LoadForecast, &LoadForecast),
    limit_percent: u32,
) -> WhatIf {
    WhatIf {
        workflow: name.to_owned(),
        what,
        tasks_now: tasks(now),
        tasks_then: tasks(then),
        now_ppm: now.next_ppm,
        then_ppm: then.next_ppm,
        lacking_hours: then.shortfall_week_ms(limit_percent).map(hours),
        rests_on: String::new(),
        runs: 0,
        left_out: 0,
        moved: Vec::new(),
        errors: None,
        low_risk: None,
        cells: Vec::new(),
        notes: now
            .warning
            .iter()
            .cloned()
            .chain([format!("the share of people: {}", now.share_from)])
            .collect(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn rules(text: &str) -> RuleSet {
        tuesday_domain::rules::parse(text).unwrap().0
    }

    #[test]
    fn what_nobody_decided_is_not_of_low_risk() {
        assert!(low_risk(Some((0.0, 0.05))));
        assert!(!low_risk(Some((0.0, 0.051))));
        assert!(!low_risk(None));
    }

    #[test]
    fn the_amount_up_to_which_nobody_looks_is_found_or_asked_for() {
        let one = rules(
            "row,amount:money[EUR] soft 0..5000 hard 0..9000,risk:one of low|high,route,review_tier,reason,note\n\
             r1,> 5000,any,review,boss,Large,\nr2,> 100,any,review,desk,Not small,\nr3,any,high,review,desk,Risky,\n\
             r4,<= 100,low,auto,,,\nr5,any,any,review,desk,Rest,\n",
        );
        let cells = amount_cells(&one, "50").unwrap();
        let shown: Vec<String> = cells
            .iter()
            .map(|c| format!("{}.{}={}", c.row, c.column, c.value))
            .collect();
        assert_eq!(shown, ["r2.amount=> 50", "r4.amount=<= 50"]);
        assert_eq!(amount_cells(&one, "much").unwrap_err().code, "bad_request");
        let none = rules(
            "row,risk:one of low|high,route,review_tier,reason,note\nr1,any,review,desk,All,\n",
        );
        assert_eq!(
            amount_cells(&none, "50").unwrap_err().field.as_deref(),
            Some("auto_max")
        );
    }
}
