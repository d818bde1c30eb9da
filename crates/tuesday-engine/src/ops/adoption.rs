//! Whether people use what a workflow delivers, group by group, against its rollout plan: the four ways and
//! the unknown, use of the old way, and how much reaches its system with no visit to the console.

use std::collections::BTreeMap;

use serde::Serialize;
use tuesday_domain::adoption::{Adopted, AdoptionMetric, GroupPlan, PlanSpec, Uptake};
use tuesday_domain::csv::line;
use tuesday_domain::ledger::day::Days;
use tuesday_domain::ledger::grouped::{GROUPS, OTHERS, fewer};
use tuesday_domain::ledger::interval::share_ppm;
use tuesday_domain::ledger::shown::{Shown, Unit};
use tuesday_domain::ledger::told::count;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Workflow;
use tuesday_domain::scope::{Axis, ScopeSpec};
use tuesday_store::OldPathEvent;

use crate::engine::{Engine, read_problem};

/// Uses of the old way that are shown.
const EVENTS: usize = 50;
/// How an address names those without a known group.
pub const NO_GROUP: &str = "?";

/// One group, or all of them.
#[derive(Clone, Debug, Serialize)]
pub struct GroupAdoption {
    /// The group; empty where none is known, absent for all together.
    pub group: Option<String>,
    /// For people.
    pub title: String,
    /// Which users, by the plan.
    pub who: Option<String>,
    /// What they do otherwise, by the plan.
    pub changes: Option<String>,
    /// Delivered outputs, and of them used as they stood, edited, ignored, bypassed and unknown.
    pub counts: Vec<Shown>,
    /// The figure that the plan names.
    pub metric: Option<Shown>,
    /// Whether it reaches its target; absent without a figure or a target.
    pub met: Option<bool>,
}

/// A use of the old way.
#[derive(Clone, Debug, Serialize)]
pub struct OldPathUse {
    /// The sender's name for it.
    pub event: String,
    /// The run whose output was there, when one is known.
    pub run: Option<String>,
    /// The record, in the sender's words.
    pub record: Option<String>,
    /// How many.
    pub count: u32,
    /// The day.
    pub day: String,
    /// When, RFC 3339.
    pub at: String,
    /// Who posted it.
    pub posted_by: String,
}

/// Everything about the use of a workflow's outputs.
#[derive(Clone, Debug, Serialize)]
pub struct Adoption {
    /// Workflow name.
    pub workflow: String,
    /// For people.
    pub title: String,
    /// What it is called.
    pub label: &'static str,
    /// The days that are counted, by when the event was received.
    pub days: Days,
    /// What groups are told apart by: `group`, `department`, or nothing.
    pub by: Option<&'static str>,
    /// The figure that the plan names.
    pub metric: Option<AdoptionMetric>,
    /// Its target, in percent.
    pub target_percent: Option<u32>,
    /// What the plan leaves open.
    pub blanks: Vec<String>,
    /// All groups together.
    pub all: GroupAdoption,
    /// Each group; beyond fifty they are one, `others`.
    pub groups: Vec<GroupAdoption>,
    /// What to know about `others` when they are there.
    pub others: Option<String>,
    /// Share of the old way among everything whose use is known.
    pub bypass: Shown,
    /// The same over as many days before.
    pub bypass_before: Shown,
    /// Uses of the old way where no output is known.
    pub loose: u64,
    /// The newest uses of the old way.
    pub old_path: Vec<OldPathUse>,
    /// Share of the delivered runs that nobody had to open, and nobody opened before.
    pub no_visit: Shown,
    /// The same of the runs that asked nobody.
    pub automatic: Shown,
}

/// What `others` are.
fn beyond() -> String {
    format!(
        "{GROUPS} groups of a day are kept apart. The rest of them is in {OTHERS}, so a group may have more than its own \
         line says; a number of {OTHERS} opens the runs of all groups"
    )
}

/// Where the records behind a figure are.
struct Records<'a> {
    workflow: &'a str,
    days: Days,
}

impl Records<'_> {
    fn page(&self, kind: &str, group: Option<&str>) -> String {
        // Which groups the others are differs from day to day: what opens is the runs of all groups.
        let group = group.filter(|g| *g != OTHERS);
        let group = group.map_or_else(String::new, |g| {
            let name = if g.is_empty() { NO_GROUP } else { g };
            format!("&group={}", escaped(name))
        });
        let Days { from, to } = self.days;
        format!(
            "/runs?workflow={}&from={from}&to={to}&kind={kind}{group}",
            self.workflow
        )
    }
}

/// A value as it stands in an address.
pub(super) fn escaped(text: &str) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.~".contains(b);
    let each = text.bytes().map(|b| {
        if plain(&b) {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    });
    each.collect()
}

fn counts(n: &Adopted, group: Option<&str>, at: &Records<'_>) -> Vec<Shown> {
    let each = [
        (
            "delivered",
            "Delivered",
            n.delivered,
            "resolved",
            "written back, or placed as a draft",
        ),
        (
            "as_is",
            "Used as it stood",
            n.as_is,
            Uptake::AsIs.word(),
            "approved as it stood and written, or reported as used",
        ),
        (
            "edited",
            "Edited",
            n.edited,
            Uptake::Edited.word(),
            "changed by a reviewer and written, or reported as changed",
        ),
        (
            "ignored",
            "Ignored",
            n.ignored,
            Uptake::Ignored.word(),
            "reported as not used",
        ),
        (
            "bypassed",
            "Bypassed",
            n.bypassed,
            Uptake::Bypassed.word(),
            "the work was done the old way all the same",
        ),
        (
            "unknown",
            "Unknown",
            n.unknown(),
            "use_unknown",
            "delivered, and nobody can see whether it was used",
        ),
    ];
    let shown = |(key, title, value, kind, means): (&'static str, &str, u64, &str, &str)| {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        Shown::measured(key, title, Unit::Count, value, means).behind(at.page(kind, group))
    };
    each.into_iter().map(shown).collect()
}

/// The figure of the plan, over what is known.
fn figure(metric: AdoptionMetric, n: &Adopted, group: Option<&str>, at: &Records<'_>) -> Shown {
    let (part, of) = metric.of(n);
    let (key, title) = (metric.word(), metric.title());
    let Some(value) = share_ppm(part, of) else {
        let lacks = match n.delivered {
            0 => "nothing was delivered in these days".to_owned(),
            d => format!(
                "the use of none of {} outputs can be seen: let their system report it",
                count(d)
            ),
        };
        return Shown::missing(key, title, Unit::Share, &lacks);
    };
    let (part, of) = (count(part), count(of));
    let (means, kind) = match metric {
        AdoptionMetric::NoVisit => (format!("{part} of {of} delivered outputs"), "no_visit"),
        _ => (
            format!(
                "{part} of {of} outputs whose use is known; {} are unknown",
                count(n.unknown())
            ),
            match metric {
                AdoptionMetric::NotBypassed => "bypassed",
                AdoptionMetric::AsIs => "used_as_is",
                _ => "resolved",
            },
        ),
    };
    Shown::measured(key, title, Unit::Share, value, &means).behind(at.page(kind, group))
}

fn bypass(key: &'static str, n: &Adopted, loose: u64, at: &Records<'_>) -> Shown {
    const TITLE: &str = "Old way used";
    let (part, of) = (n.bypassed + loose, n.known() + loose);
    match share_ppm(part, of) {
        Some(value) => {
            let (part, of, loose) = (count(part), count(of), count(loose));
            let means = format!(
                "{part} of {of} cases whose handling is known; in {loose} of them no output is known"
            );
            Shown::measured(key, TITLE, Unit::Share, value, &means)
                .behind(at.page("bypassed", None))
        }
        None => Shown::missing(
            key,
            TITLE,
            Unit::Share,
            "nothing is known of the use of any output, or of the old way",
        ),
    }
}

fn visits(n: &Adopted, at: &Records<'_>) -> (Shown, Shown) {
    let share = |key, title: &str, of: u64, what: &str, kind| match share_ppm(n.unvisited, of) {
        Some(value) => {
            let means = format!("{} of {} {what}", count(n.unvisited), count(of));
            Shown::measured(key, title, Unit::Share, value, &means).behind(at.page(kind, None))
        }
        None => Shown::missing(key, title, Unit::Share, &format!("no {what}")),
    };
    (
        share(
            "no_visit",
            "Delivered with no console visit",
            n.delivered,
            "delivered runs; whoever had to answer a notice, or opened the run before, came to the console",
            "no_visit",
        ),
        share(
            "automatic_no_visit",
            "Of those that asked nobody",
            n.automatic,
            "delivered runs that put nothing before a person",
            "no_visit",
        ),
    )
}

impl From<OldPathEvent> for OldPathUse {
    fn from(e: OldPathEvent) -> Self {
        Self {
            event: e.event,
            run: e.run.map(|r| r.to_string()),
            record: e.record,
            count: e.count,
            day: e.day,
            at: e.at.rfc3339(),
            posted_by: e.posted_by,
        }
    }
}

/// The groups that are shown: those with outputs, and those that are declared or planned.
fn named(sums: &BTreeMap<String, Adopted>, plan: &PlanSpec, scope: &ScopeSpec) -> Vec<String> {
    let mut names: Vec<String> = sums.keys().cloned().collect();
    let declared = scope.audience().map(|axis| scope.values(axis));
    names.extend(declared.into_iter().flatten().cloned());
    names.extend(plan.group.iter().map(|g| g.name.clone()));
    names.retain(|n| !n.is_empty());
    names.sort();
    names.dedup();
    if sums.contains_key("") || scope.audience().is_none() {
        names.push(String::new());
    }
    names
}

impl Adoption {
    /// One row for each figure of each group, exact integers.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = line(&["group", "key", "unit", "value", "standing", "records"]);
        let mut told = |group: &str, s: &Shown| {
            let value = s.value.map_or_else(String::new, |n| n.to_string());
            let records = s.records.as_deref().unwrap_or_default();
            text.push_str(&line(&[
                group,
                s.key,
                s.unit.word(),
                &value,
                s.standing.word(),
                records,
            ]));
        };
        for g in std::iter::once(&self.all).chain(&self.groups) {
            let name = match &g.group {
                None => "(all)",
                Some(name) if name.is_empty() => "(not known)",
                Some(name) => name,
            };
            g.counts.iter().chain(&g.metric).for_each(|s| told(name, s));
        }
        for s in [
            &self.bypass,
            &self.bypass_before,
            &self.no_visit,
            &self.automatic,
        ] {
            told("(all)", s);
        }
        text
    }
}

impl Engine {
    /// Whether what a workflow delivered in these days was used.
    ///
    /// # Errors
    /// `unknown_workflow`, `record_damaged`, `unavailable`.
    pub async fn adoption(&self, name: &str, days: Days) -> Result<Adoption, Problem> {
        let (row, live) = self.live(name).await?;
        let before = days.before();
        let span = (days.from.to_string(), days.to.to_string());
        let ((sums, loose), (old, old_loose), events) = tokio::try_join!(
            self.adopted(name, days),
            self.adopted(name, before),
            async {
                let found = self
                    .0
                    .reader
                    .old_path_events(name, (&span.0, &span.1), EVENTS);
                found.await.map_err(read_problem)
            }
        )?;
        let rollout = &live.ready.def.rollout;
        let (plan, scope) = (&rollout.plan, &rollout.scope);
        let (all, was) = (total(&sums), total(&old));
        let at = Records {
            workflow: name,
            days,
        };
        let earlier = Records {
            workflow: name,
            days: before,
        };
        let (no_visit, automatic) = visits(&all, &at);
        let group = |key: Option<String>, n: &Adopted| grouped(key, n, plan, scope, &at);
        let declared = scope.audience().map(|axis| scope.values(axis));
        let sums = fewer(sums, |name| {
            let listed = declared.is_some_and(|all| all.iter().any(|g| g == name));
            listed || plan.group.iter().any(|g| g.name == name)
        });
        let names = named(&sums, plan, scope);
        let groups = names.into_iter().map(|key| {
            let n = sums.get(&key).copied().unwrap_or_default();
            group(Some(key), &n)
        });
        Ok(Adoption {
            workflow: row.name.clone(),
            title: row.title.clone(),
            label: row.label.word(),
            days,
            by: scope.audience().map(Axis::word),
            metric: plan.metric,
            target_percent: plan.target_percent,
            blanks: plan.blanks(scope),
            groups: groups.collect(),
            others: sums.contains_key(OTHERS).then(beyond),
            bypass: bypass("bypass", &all, loose, &at),
            bypass_before: bypass("bypass_before", &was, old_loose, &earlier),
            loose,
            old_path: events.into_iter().map(OldPathUse::from).collect(),
            no_visit,
            automatic,
            all: group(None, &all),
        })
    }

    /// Group by group what became of the outputs of these days, and how often the old way was used where no
    /// output is known.
    pub(in crate::ops) async fn adopted(
        &self,
        name: &str,
        days: Days,
    ) -> Result<(BTreeMap<String, Adopted>, u64), Problem> {
        let (from, to) = (days.from.to_string(), days.to.to_string());
        let span = (from.as_str(), to.as_str());
        let reader = &self.0.reader;
        let (states, uses) = tokio::try_join!(
            reader.day_figures(Some(name), None, span),
            reader.old_path_uses(name, span)
        )
        .map_err(read_problem)?;
        let (_, loose) = uses;
        let mut sums: BTreeMap<String, Adopted> = BTreeMap::new();
        for row in states.iter().flat_map(|s| &s.rows) {
            for (group, n) in &row.figures.adopted {
                sums.entry(group.clone()).or_default().merge(n);
            }
        }
        Ok((sums, loose))
    }

    /// How often the old way was used in the last 28 days, with `more` that are not kept yet, and in the 28
    /// before.
    pub(super) async fn old_path_words(
        &self,
        row: &Workflow,
        more: u32,
    ) -> Result<String, Problem> {
        let to = self.today(Some(&row.name)).await?;
        let days = Days {
            from: to.plus(-27),
            to,
        };
        let uses = async |days: Days| {
            let (from, to) = (days.from.to_string(), days.to.to_string());
            let found = self.0.reader.old_path_uses(&row.name, (&from, &to)).await;
            found.map(|(all, _)| all).map_err(read_problem)
        };
        let (now, before) = (uses(days).await?, uses(days.before()).await?);
        Ok(format!(
            "{} times in 28 days, {before} in the 28 days before",
            now + u64::from(more)
        ))
    }
}

fn total(sums: &BTreeMap<String, Adopted>) -> Adopted {
    let mut all = Adopted::default();
    sums.values().for_each(|n| all.merge(n));
    all
}

fn grouped(
    key: Option<String>,
    n: &Adopted,
    plan: &PlanSpec,
    scope: &ScopeSpec,
    at: &Records<'_>,
) -> GroupAdoption {
    let group = key.as_deref();
    let title = match group {
        None => "All".to_owned(),
        Some("") if scope.audience().is_none() => "Everybody".to_owned(),
        Some("") => "Group not known".to_owned(),
        Some(name) => name.to_owned(),
    };
    let metric = plan.metric.map(|m| figure(m, n, group, at));
    let met = metric.as_ref().and_then(|m| {
        let target = i64::from(plan.target_percent?) * 10_000;
        Some(m.value? >= target)
    });
    let planned: Option<&GroupPlan> = group.and_then(|g| plan.of(g));
    let said = |text: &String| (!text.trim().is_empty()).then(|| text.clone());
    GroupAdoption {
        title,
        who: planned.and_then(|p| said(&p.who)),
        changes: planned.and_then(|p| said(&p.changes)),
        counts: counts(n, group, at),
        metric,
        met,
        group: key,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use tuesday_domain::ledger::day::Day;

    use super::*;

    fn at() -> Records<'static> {
        let day = |t: &str| Day::parse(t).unwrap();
        Records {
            workflow: "w",
            days: Days {
                from: day("2026-11-01"),
                to: day("2026-11-28"),
            },
        }
    }

    #[test]
    fn a_figure_opens_its_records_and_what_nobody_can_see_is_missing() {
        let n = Adopted {
            delivered: 10,
            as_is: 3,
            bypassed: 1,
            ..Adopted::default()
        };
        let shown = counts(&n, Some("a&b c"), &at());
        let values: Vec<_> = shown.iter().map(|s| s.value.unwrap()).collect();
        assert_eq!(values, [10, 3, 0, 0, 1, 6]);
        assert_eq!(
            shown[1].records.as_deref(),
            Some("/runs?workflow=w&from=2026-11-01&to=2026-11-28&kind=used_as_is&group=a%26b%20c")
        );
        let used = figure(AdoptionMetric::Used, &n, None, &at());
        assert_eq!(used.value, Some(750_000), "{}", used.means);
        assert!(used.means.contains("6 are unknown"), "{}", used.means);
        let blind = Adopted {
            delivered: 10,
            ..Adopted::default()
        };
        let used = figure(AdoptionMetric::Used, &blind, Some(""), &at());
        assert_eq!(used.value, None, "{}", used.means);
        assert_eq!(bypass("bypass", &n, 4, &at()).value, Some(625_000));
        assert_eq!(bypass("bypass", &blind, 0, &at()).value, None);
    }
}
