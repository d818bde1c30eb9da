//! The pause rules and the kill condition of a workflow with their present figures.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::Definition;
use tuesday_domain::postmortem::Stopped;
use tuesday_domain::problem::Problem;
use tuesday_domain::ready::Ready;
use tuesday_domain::record::Workflow;
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::{Category, Trouble};
use tuesday_domain::watch::{Judged, KillCondition, Metric, PauseRule, Reading, judge, judge_kill};
use tuesday_domain::workflow::Switch;

use super::postmortem::Stop;
use super::standing::Move;
use crate::engine::{Engine, read_problem};

/// Most rows a rule over a span looks at.
const MOST: u32 = 20_000;

/// What stops a workflow by itself, as it stands now.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// Each rule with its figure.
    pub rules: Vec<(PauseRule, Judged)>,
    /// The kill condition with its figure.
    pub kill: Option<(KillCondition, Judged)>,
    /// Guards of the change that settles now, with their figures since it.
    pub guards: Vec<(PauseRule, Judged)>,
}

impl Engine {
    /// Every declared condition of the live release with its present figure.
    ///
    /// # Errors
    /// When the database does not answer or the release cannot be loaded.
    pub async fn watched(&self, row: &Workflow) -> Result<Watched, Problem> {
        let release = self.0.catalog.release(&self.0.reader, row.live_release);
        let release = release
            .await
            .map_err(|e| Problem::new("unavailable", e.to_string()))?;
        let def = &release.ready.def;
        let mut out = Watched {
            guards: self.guards(row, &release.ready).await?,
            ..Watched::default()
        };
        for rule in &def.pause_rule {
            let reading = self
                .figure_of(row, rule, counted_from(row), &release.ready)
                .await?;
            out.rules.push((rule.clone(), judge(rule, &reading)));
        }
        if let Some(kill) = &def.kill {
            let since = counted_from(row);
            let found = self
                .0
                .reader
                .outcomes(&row.name, &kill.signal, since, kill.over);
            let found = found.await.map_err(read_problem)?;
            let silent = self.now().since(found.newest.unwrap_or(since));
            let judged = judge_kill(kill, found.wrong, found.decided, silent);
            out.kill = Some((kill.clone(), judged));
        }
        Ok(out)
    }

    /// What a rule looks at, counted from `from`.
    pub(super) async fn figure_of(
        &self,
        row: &Workflow,
        rule: &PauseRule,
        from: Timestamp,
        ready: &Ready,
    ) -> Result<Reading, Problem> {
        let (reader, now, name) = (&self.0.reader, self.now(), row.name.as_str());
        let span = rule.over.map(|s| now.minus(s.0));
        let since = span.map_or(from, |s| s.max(from));
        let n = rule.over_runs.unwrap_or(MOST);
        Ok(match rule.metric {
            Metric::ErrorRate | Metric::RefusalRate | Metric::StaleRate => {
                let f = reader.run_figures(name, since, n).await;
                let f = f.map_err(read_problem)?;
                let part = match rule.metric {
                    Metric::ErrorRate => f.errors,
                    Metric::RefusalRate => f.refusals,
                    _ => f.stale,
                };
                Reading::Share {
                    part,
                    whole: f.runs,
                }
            }
            Metric::OverrideRate => {
                let found = reader.override_figures(name, since, n).await;
                let (whole, part) = found.map_err(read_problem)?;
                Reading::Share { part, whole }
            }
            Metric::Signals => {
                let kind = rule.signal.as_deref().unwrap_or_default();
                let found = reader.signals_since(name, kind, since).await;
                thousand(found.map_err(read_problem)?)
            }
            Metric::Silence => {
                let newest = reader.newest_event(name).await.map_err(read_problem)?;
                let last = newest.map_or(from, |at| at.max(from));
                thousand(now.since(last).as_secs() / 60)
            }
            Metric::CostPerDay => {
                let day = ready.zone.day(now);
                self.cost_today(name, &ready.def, &day).await?
            }
        })
    }

    async fn cost_today(
        &self,
        name: &str,
        def: &Definition,
        day: &str,
    ) -> Result<Reading, Problem> {
        let totals = self.0.reader.batch_totals(name, day).await;
        let totals = totals.map_err(read_problem)?;
        let unknown: u64 = totals.iter().map(|t| t.cost_unknown).sum();
        if unknown > 0 {
            let words = format!("{unknown} runs of today have a cost that nobody reported");
            return Ok(Reading::Missing(words));
        }
        if def.model.price.is_none() && !def.model.kind.is_built_in() {
            return Ok(Reading::Missing("no price is declared".to_owned()));
        }
        let micros: i64 = totals.iter().map(|t| t.cost_micros).sum();
        Ok(Reading::Amount {
            milli: u64::try_from(micros / 1_000).unwrap_or(0),
        })
    }

    /// Stops what must stop: the kill condition first, then the first rule that is met. Looks at the
    /// row again, so that two nodes do it once.
    ///
    /// # Errors
    /// When the database does not answer or the release cannot be loaded.
    pub(crate) async fn stop_by_rule(&self, seen: &Workflow) -> Result<(), Problem> {
        let watched = self.watched(seen).await?;
        let stops = |judged: &Judged| judged.standing.stops();
        if let Some((kill, judged)) = watched.kill.as_ref().filter(|(_, j)| stops(j)) {
            let met = judged.standing == tuesday_domain::watch::Standing::Met;
            let to = if met { Switch::Killed } else { Switch::Paused };
            let reason = format!("kill condition ({}): {}", kill.condition, judged.words);
            return self
                .stopped(seen, to, &reason, ("kill condition", Some(kill)))
                .await;
        }
        if let Some((rule, judged)) = watched.rules.iter().find(|(_, j)| stops(j)) {
            let reason = format!("pause rule {}: {}", rule.name, judged.words);
            return self
                .stopped(seen, Switch::Paused, &reason, (&rule.name, None))
                .await;
        }
        Ok(())
    }

    async fn stopped(
        &self,
        seen: &Workflow,
        to: Switch,
        reason: &str,
        (guard, kill): (&str, Option<&KillCondition>),
    ) -> Result<(), Problem> {
        let mut row = self.not_retired(&seen.name).await?;
        let already = match to {
            Switch::Killed => row.switch == Switch::Killed,
            _ => !row.acts(),
        };
        if already || row.version != seen.version {
            return Ok(());
        }
        let words = format!("switch {} {to}", row.switch);
        let by = Actor::System("pause_rules");
        row.switch = to;
        row.rollout.switched_at = Some(self.now());
        row.rollout.switched_by = Some(by.to_string());
        row.rollout.switch_reason = Some(reason.to_owned());
        let mut moved = Move::new(row, "workflow.switch", words);
        if let Some(kill) = kill {
            moved.facts = vec![("records", self.wrong_ones(seen, kill).await?.into())];
        }
        let subject = format!("{} {guard}", seen.name);
        let broken = Trouble::new(Category::GuardBroken, subject, Some(&seen.name), reason);
        moved.changes.push(self.report_trouble(broken));
        if to == Switch::Killed {
            let stop = Stop {
                stopped: Stopped::Killed,
                reason,
                by: &by,
                at: self.now(),
            };
            moved
                .changes
                .extend(self.postmortem_of(&moved.row, &stop).await?);
        }
        let moved = moved.tell(format!("{to}: {reason}"));
        self.commit_move(moved, &by, reason).await.map(drop)
    }

    /// The runs and records behind the figure, the newest first.
    async fn wrong_ones(
        &self,
        row: &Workflow,
        kill: &KillCondition,
    ) -> Result<Vec<String>, Problem> {
        let all = self.0.reader.signals(&row.name, kill.over as usize).await;
        let all = all.map_err(read_problem)?;
        let wrong = all.into_iter().filter(|s| s.wrong && s.kind == kill.signal);
        let named = wrong.filter_map(|s| s.run.map(|r| r.to_string()).or(s.record));
        Ok(named.take(50).collect())
    }
}

/// From when on anything counts.
pub(super) fn counted_from(row: &Workflow) -> Timestamp {
    row.rollout.counted_from.unwrap_or(row.installed_at)
}

fn thousand(n: u64) -> Reading {
    Reading::Amount {
        milli: n.saturating_mul(1_000),
    }
}

/// How often the conditions are looked at.
pub(crate) const LOOK: Duration = Duration::from_secs(1);
