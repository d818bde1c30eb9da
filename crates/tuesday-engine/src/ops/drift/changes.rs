//! What changed around a finding: from the audit log and the releases that were at work, the nearest
//! first; then what moved by itself, such as who reviewed.

use serde::{Deserialize, Serialize};
use tuesday_domain::definition::Package;
use tuesday_domain::drift::Found;
use tuesday_domain::ledger::day::Day;
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Timestamp;
use tuesday_store::{AuditFilter, AuditRow};

use super::shifts::{DayMix, Frozen};
use crate::catalog::LiveRelease;
use crate::engine::{Engine, read_problem};

/// Entries that are looked at.
const MOST: usize = 60;
/// How long before the first day of the drift something may have changed, in days.
const BEFORE: i64 = 3;
/// Shares of reviewers that differ by less are no change, in percent.
const REVIEWERS_PERCENT: u64 = 20;

/// One thing that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Around {
    /// When, RFC 3339; absent for what moved over days.
    pub at: Option<String>,
    /// `rules`, `prompt`, `model`, `style`, `fields`, `source`, `release`, `workflow`, `people`, `reviewers`.
    pub what: String,
    /// In words.
    pub words: String,
    /// Who, as an actor.
    pub by: Option<String>,
}

/// What is said when nothing is recorded.
pub(super) const NOTHING: &str = "no recorded change; suspect the provider or the input mix";

fn entry(row: &AuditRow) -> Option<Around> {
    // What the workflow did to itself because of its load is listed too: it changes who is served.
    let (what, verb) = row.kind.split_once('.')?;
    let leaf: serde_json::Value = serde_json::from_slice(&row.leaf).unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
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

/// The parts of two packages that differ.
fn parts(old: &Package, new: &Package) -> Vec<&'static str> {
    let mut out = Vec::new();
    let names = old.files.keys().chain(new.files.keys());
    for name in names {
        if old.text(name) == new.text(name) {
            continue;
        }
        let part = match name.as_str() {
            "prompt.md" => "prompt",
            "rules.csv" => "rules",
            "workflow.toml" => "definition",
            "examples.jsonl" => "examples",
            n if n.ends_with(".schema.json") => "fields",
            n if n.starts_with("evals/") => continue,
            _ => "style text",
        };
        if !out.contains(&part) {
            out.push(part);
        }
    }
    out
}

/// What differs between two releases, in words.
fn between(old: &LiveRelease, new: &LiveRelease) -> String {
    let mut all: Vec<String> = parts(&old.package, &new.package)
        .into_iter()
        .map(str::to_owned)
        .collect();
    let (a, b) = (&old.ready.model.pin, &new.ready.model.pin);
    if a != b {
        all.insert(0, format!("model {a} → {b}"));
    }
    let sources = |r: &LiveRelease| {
        let list = r.ready.def.source.iter();
        list.map(|s| serde_json::to_string(s).unwrap_or_default())
            .collect::<Vec<_>>()
    };
    if sources(old) != sources(new) {
        all.push("sources".to_owned());
    }
    format!(
        "release {} → {}: {}",
        old.number,
        new.number,
        all.join(", ")
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

impl Engine {
    /// What changed from some days before the drift until now, the nearest to its end first.
    pub(super) async fn around(
        &self,
        name: &str,
        frozen: &Frozen,
        days: &[DayMix],
        found: &Found,
        now: Timestamp,
    ) -> Result<Vec<Around>, Problem> {
        let (_, live) = self.live(name).await?;
        let back = u64::try_from(found.since.plus(-BEFORE).since(frozen.to)).unwrap_or(0);
        let since = found.since.plus(-BEFORE).to_string();
        let from = live
            .ready
            .zone
            .moment(&format!("{since}T00:00"))
            .unwrap_or_else(|_| now.minus(std::time::Duration::from_secs(back.max(1) * 86_400)));
        let filter = AuditFilter {
            workflow: Some(name.to_owned()),
            from: Some(from),
            changes: true,
            ..AuditFilter::default()
        };
        let rows = self.0.reader.audit_page(&filter, None, MOST).await;
        let rows = rows.map_err(read_problem)?;
        let mut out: Vec<Around> = rows.iter().filter_map(entry).collect();
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
                    out.push(Around {
                        at: None,
                        what: "release".to_owned(),
                        words: format!("{} (at work since {})", between(&old, &new), day.day),
                        by: None,
                    });
                }
            }
        }
        out.extend(reviewers(frozen, days, found.since));
        Ok(out)
    }
}
