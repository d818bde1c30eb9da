//! What changed around a finding, in order of time: what came before the drift, the nearest first, then what
//! came after it; from the audit log, the releases that were at work and the mix of the inputs. Last what
//! moved over days, such as who reviewed.

use serde::{Deserialize, Serialize};
use tuesday_domain::definition::Package;
use tuesday_domain::drift::{Found, shifts};
use tuesday_domain::ledger::day::Day;
use tuesday_domain::problem::Problem;
use tuesday_domain::release::news::told_differently;
use tuesday_domain::time::Timestamp;
use tuesday_store::{AuditFilter, AuditRow};

use super::moved::inputs_moved;
use super::shifts::{DayMix, Frozen};
use crate::catalog::LiveRelease;
use crate::engine::{Engine, read_problem};
use crate::ops::release::side;

/// Changes before the drift that are kept, the nearest ones; and after it.
const MOST: usize = 60;
const AFTER: usize = 20;
/// Entries that are read at once, and how often at most.
const PAGE: usize = 200;
const PAGES: usize = 50;
/// How long before the first day of the drift something may have changed, in days.
const BEFORE: i64 = 3;
/// Shares of reviewers that differ by less are no change, in percent.
const REVIEWERS_PERCENT: u64 = 20;

/// One thing that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Around {
    /// When, RFC 3339; absent for what moved over days.
    pub at: Option<String>,
    /// `rules`, `prompt`, `model`, `style`, `fields`, `source`, `release`, `release at work`,
    /// `workflow`, `people`, `input mix`, `reviewers`.
    pub what: String,
    /// In words.
    pub words: String,
    /// Who, as an actor.
    pub by: Option<String>,
}

/// A release that came to work, with what is different in it.
const AT_WORK: &str = "release at work";

/// Entries after which everything decides as before.
const PAPER: [&str; 14] = [
    "release.created",
    "release.evaluating",
    "release.evaluated_part",
    "release.judged",
    "release.judged_live",
    "release.tested",
    "release.returned",
    "release.approved",
    "release.waits",
    "release.read",
    "rules.read",
    "rules.proposed",
    "rules.refused",
    "drift.baseline",
];

/// Another release or another rule decides otherwise, and so does a confidence that is relied on no more; a
/// pause, a stage or a person's hours do not.
fn causes(around: &Around) -> bool {
    around.what == AT_WORK || around.what == "rules" || around.what == "calibration"
}

/// What is said when nothing is recorded.
pub(super) const NOTHING: &str = "no recorded change; suspect the provider or the input mix";

fn entry(row: &AuditRow) -> Option<Around> {
    // What the workflow did to itself because of its load is listed too: it changes who is served.
    let (what, verb) = row.kind.split_once('.')?;
    if PAPER.contains(&row.kind.as_str()) {
        return None;
    }
    let leaf: serde_json::Value = match serde_json::from_slice(&row.leaf) {
        Ok(leaf) => leaf,
        Err(e) => {
            let verb = verb.replace('_', " ");
            return Some(Around {
                at: Some(row.at.rfc3339()),
                what: what.to_owned(),
                words: format!("{verb}; the rest of the entry cannot be read: {e}"),
                by: None,
            });
        }
    };
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let facts = &leaf["facts"];
    if row.kind == "release.live" && facts["changed"].is_string() {
        // Known before the first run with it is counted.
        let words = format!(
            "{}, release {} → {}",
            text(&facts["changed"]),
            facts["before"],
            facts["number"]
        );
        return Some(Around {
            at: Some(row.at.rfc3339()),
            what: AT_WORK.to_owned(),
            words,
            by: leaf["actor"].as_str().map(str::to_owned),
        });
    }
    let moves = leaf["moves"].as_array().cloned().unwrap_or_default();
    let moved: Vec<String> = moves.iter().map(text).collect();
    let reason = text(&leaf["facts"]["reason"]);
    let words: Vec<String> = std::iter::once(verb.replace('_', " "))
        .chain(moved)
        .chain((!reason.is_empty()).then_some(reason))
        .collect();
    Some(Around {
        at: Some(row.at.rfc3339()),
        what: what.to_owned(),
        words: words.join(": "),
        by: leaf["actor"].as_str().map(str::to_owned),
    })
}

/// The parts of two packages that differ; texts and prompt are told with their versions.
fn parts(old: &Package, new: &Package) -> Vec<&'static str> {
    let mut out = Vec::new();
    let names = old.files.keys().chain(new.files.keys());
    for name in names {
        if old.text(name) == new.text(name) {
            continue;
        }
        let part = match name.as_str() {
            "rules.csv" => "rules",
            "workflow.toml" => "definition",
            "examples.jsonl" => "examples",
            n if n.ends_with(".schema.json") => "fields",
            _ => continue,
        };
        if !out.contains(&part) {
            out.push(part);
        }
    }
    out
}

/// What differs between two releases, in words: first what the model is told, and which model.
fn between(old: &LiveRelease, new: &LiveRelease) -> String {
    let mut all = told_differently(side(old), side(new));
    all.extend(
        parts(&old.package, &new.package)
            .into_iter()
            .map(str::to_owned),
    );
    let sources = |r: &LiveRelease| {
        let list = r.ready.def.source.iter();
        list.map(|s| serde_json::to_string(s).unwrap_or_default())
            .collect::<Vec<_>>()
    };
    if sources(old) != sources(new) {
        all.push("sources".to_owned());
    }
    if all.is_empty() {
        all.push("nothing that a run depends on".to_owned());
    }
    format!(
        "{}, release {} → {}",
        all.join(", "),
        old.number,
        new.number
    )
}

/// How the shares of those who decided differ from the baseline.
fn reviewers(frozen: &Frozen, days: &[DayMix], since: Day) -> Option<Around> {
    let mut now = std::collections::BTreeMap::<&str, u64>::new();
    for (_, mix) in days
        .iter()
        .filter(|d| d.day >= since)
        .flat_map(|d| &d.shifts)
    {
        for (person, n) in &mix.people {
            *now.entry(person).or_default() += n;
        }
    }
    let all: u64 = now.values().sum();
    let then: u64 = frozen.mix.people.values().sum();
    if all == 0 || then == 0 {
        return None;
    }
    let percent = |n: u64, of: u64| n * 100 / of;
    let mut names: Vec<&str> = now.keys().copied().collect();
    names.extend(frozen.mix.people.keys().map(String::as_str));
    names.sort_unstable();
    names.dedup();
    let moved: Vec<String> = names
        .into_iter()
        .filter_map(|name| {
            let was = percent(frozen.mix.people.get(name).copied().unwrap_or(0), then);
            let is = percent(now.get(name).copied().unwrap_or(0), all);
            (was.abs_diff(is) >= REVIEWERS_PERCENT)
                .then(|| format!("{name} decided {is} % instead of {was} %"))
        })
        .collect();
    (!moved.is_empty()).then(|| Around {
        at: None,
        what: "reviewers".to_owned(),
        words: moved.join(", "),
        by: None,
    })
}

/// A change with its moment.
type Timed = (Timestamp, Around);

/// The end of the shift, or of the day, from which on the mix is another: what is recorded before it can be
/// the cause, what comes after cannot.
fn onset(live: &LiveRelease, found: &Found, now: Timestamp) -> Timestamp {
    let zone = &live.ready.zone;
    let Ok(start) = zone.moment(&format!("{}T00:00", found.since)) else {
        return now;
    };
    let order = shifts(&live.ready.def.shift);
    let own = order
        .iter()
        .position(|(_, name)| *name == found.since_shift);
    let next = own.and_then(|i| order.get(i + 1)).and_then(|(minute, _)| {
        let at = format!("{}T{:02}:{:02}", found.since, minute / 60, minute % 60);
        zone.moment(&at).ok()
    });
    next.unwrap_or_else(|| zone.day_end(start)).min(now)
}

/// What the workflow did to itself, such as a pause by a rule, answers what was seen and is no cause of it, also
/// within the shift in which it began.
fn answers(around: &Around) -> bool {
    let by = around.by.as_deref().unwrap_or_default();
    let itself = by.starts_with("system:") || by.starts_with("rule:");
    itself && matches!(around.what.as_str(), "workflow" | "capacity")
}

/// In order of time: before the onset the nearest first, then what came after it, the nearest first.
fn ordered(mut all: Vec<Timed>, onset: Timestamp) -> Vec<Around> {
    all.sort_by_key(|(at, around)| {
        let after = *at >= onset || answers(around);
        let away = at.micros().abs_diff(onset.micros());
        (after, away)
    });
    all.into_iter().map(|(_, around)| around).collect()
}

impl Engine {
    /// Changes of the audit log, at most so many: the newest ones, or the oldest ones.
    async fn logged(
        &self,
        filter: AuditFilter,
        most: usize,
        newest: bool,
    ) -> Result<Vec<Timed>, Problem> {
        let (mut out, mut after): (Vec<Timed>, Option<u64>) = (Vec::new(), None);
        for _ in 0..PAGES {
            let rows = self.0.reader.audit_page(&filter, after, PAGE).await;
            let rows = rows.map_err(read_problem)?;
            after = rows.last().and_then(|r| r.index);
            out.extend(rows.iter().filter_map(|r| Some((r.at, entry(r)?))));
            if rows.len() < PAGE || (newest && out.len() >= most) {
                break;
            }
        }
        if newest {
            out.truncate(most);
        } else {
            out.drain(..out.len().saturating_sub(most));
        }
        Ok(out)
    }

    /// What changed from some days before the drift until now.
    pub(super) async fn around(
        &self,
        name: &str,
        frozen: &Frozen,
        days: &[DayMix],
        found: &Found,
        now: Timestamp,
    ) -> Result<Vec<Around>, Problem> {
        let (_, live) = self.live(name).await?;
        let midnight = |day: Day| {
            let moment = live.ready.zone.moment(&format!("{day}T00:00"));
            moment.map_err(|e| Problem::new("internal", e.to_string()))
        };
        let onset = onset(&live, found, now);
        let changes = AuditFilter {
            workflow: Some(name.to_owned()),
            changes: true,
            ..AuditFilter::default()
        };
        let before = AuditFilter {
            from: Some(midnight(found.since.plus(-BEFORE))?),
            to: Some(onset),
            ..changes.clone()
        };
        let after = AuditFilter {
            from: Some(onset),
            ..changes
        };
        let mut out = self.logged(before, MOST, true).await?;
        out.extend(self.logged(after, AFTER, false).await?);
        // Releases that came to work after the baseline, with what is different in them.
        let mut before = days
            .iter()
            .rev()
            .find(|d| d.day <= frozen.to)
            .and_then(|d| d.releases.last().copied());
        for day in days.iter().filter(|d| d.day > frozen.to) {
            for id in &day.releases {
                let new = before.replace(*id).filter(|old| old != id);
                let Some(old) = new else { continue };
                let (Ok(old), Ok(new)) = (self.loaded(old).await, self.loaded(*id).await) else {
                    continue;
                };
                if old.number < new.number && day.day >= found.since.plus(-BEFORE) {
                    let step = format!("release {} → {}", old.number, new.number);
                    out.retain(|(_, a)| a.what != AT_WORK || !a.words.ends_with(&step));
                    let gate = self.0.reader.gate(*id).await.map_err(read_problem)?;
                    let live_at = gate.and_then(|g| g.live_at);
                    let around = Around {
                        at: live_at.map(Timestamp::rfc3339),
                        what: AT_WORK.to_owned(),
                        words: format!("{} (at work since {})", between(&old, &new), day.day),
                        by: None,
                    };
                    out.push((live_at.map_or_else(|| midnight(day.day), Ok)?, around));
                }
            }
        }
        for (day, words) in self.input_mix(name, frozen, found.since, &live).await? {
            let around = Around {
                at: None,
                what: "input mix".to_owned(),
                words,
                by: None,
            };
            out.push((midnight(day)?, around));
        }
        let mut out = ordered(out, onset);
        out.extend(reviewers(frozen, days, found.since));
        Ok(out)
    }

    /// How the mix of the inputs moved: the day from which on, and words.
    async fn input_mix(
        &self,
        name: &str,
        frozen: &Frozen,
        since: Day,
        live: &LiveRelease,
    ) -> Result<Vec<(Day, String)>, Problem> {
        let row = &frozen.row;
        let states = |from: String, to: String| async move {
            let found = self.0.reader.day_figures(Some(name), None, (&from, &to));
            found.await.map_err(read_problem)
        };
        let then = states(row.day_from.clone(), row.day_to.clone()).await?;
        let today = self.today(Some(name)).await?;
        // What the baseline was frozen over is no part of what came after it.
        let first = since.plus(-BEFORE).max(frozen.to.plus(1));
        let now = states(first.to_string(), today.to_string()).await?;
        Ok(inputs_moved(&then, &now, since, &live.ready.def.drift))
    }
}

/// A finding that is older says nothing about a stop.
const RECENT: std::time::Duration = std::time::Duration::from_secs(30 * 86_400);
/// Findings that are looked at.
const FINDINGS: usize = 20;

impl Engine {
    /// What changed what the model does shortly before the mix moved away, where a finding says so: then
    /// the change passed every gate and still surprised people.
    pub(in crate::ops) async fn changed_unnoticed(
        &self,
        name: &str,
        at: Timestamp,
    ) -> Result<Option<String>, Problem> {
        let found = self.0.reader.drift_findings(name, FINDINGS).await;
        let mut found = found.map_err(read_problem)?.into_iter();
        let finding = found.find(|f| f.found_at <= at && at.since(f.found_at) <= RECENT);
        let Some(finding) = finding else {
            return Ok(None);
        };
        let changes: Vec<Around> = serde_json::from_str(&finding.changes).map_err(|e| {
            let words = format!("what changed around finding {} of {name}: {e}", finding.seq);
            Problem::new("record_damaged", words)
        })?;
        let first = changes.into_iter().find(causes);
        Ok(first.map(|c| format!("{}; then {}", c.words, finding.words)))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_stands_first_and_the_nearest_of_it_before_all() {
        let at = |minutes: i64| Timestamp::from_micros(minutes * 60_000_000);
        let timed = |minutes: i64, what: &str| {
            let around = Around {
                at: Some(at(minutes).rfc3339()),
                what: what.to_owned(),
                words: what.to_owned(),
                by: None,
            };
            (at(minutes), around)
        };
        // A rule at 10:00, the drift until 11:00; a release the day before and one after it.
        let all = vec![
            timed(-1_200, "release at work"),
            timed(720, "release at work, after"),
            timed(600, "rules"),
            timed(662, "workflow"),
            timed(300, "people"),
            // The workflow paused itself before the shift was over.
            (
                at(640),
                Around {
                    by: Some("system:pause".to_owned()),
                    ..timed(640, "workflow").1
                },
            ),
        ];
        let said: Vec<String> = ordered(all, at(660)).into_iter().map(|a| a.what).collect();
        assert_eq!(
            said,
            [
                "rules",
                "people",
                "release at work",
                "workflow",
                "workflow",
                "release at work, after"
            ]
        );
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_told() {
        let row = AuditRow {
            index: Some(1),
            run: None,
            workflow: Some("small".into()),
            seq: Some(1),
            at: Timestamp::from_micros(0),
            kind: "rules.activated".into(),
            leaf: b"{\"facts\":".to_vec(),
        };
        let told = entry(&row).unwrap();
        assert_eq!(told.what, "rules");
        assert!(told.words.contains("cannot be read"), "{told:?}");
    }
}
