//! Who is paid and delivers nothing: vendors with a cost in the last 30 days and no confirmed result through what
//! they are paid for. Where nothing ties a cost to a part of the package, that is said, and it is not taken
//! for something that delivers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::entry;
use tuesday_domain::ledger::figures::Money;
use tuesday_domain::ledger::paid_for::{Delivers, Known, PaidPart, Part, paid_for};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::CostEntry;

use super::report::Gathered;
use crate::catalog::LiveRelease;
use crate::engine::{Engine, read_problem};

/// Days that are looked back at.
const BACK: i64 = 30;

/// A vendor with a cost and nothing that was confirmed, or nothing that could be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdleVendor {
    /// Its name.
    pub vendor: String,
    /// What it was paid in these days, by currency.
    pub paid: Money,
    /// The days.
    pub days: Days,
    /// What it is paid for; empty when that cannot be told.
    pub paid_for: Vec<PaidPart>,
    /// Whether it delivers.
    pub delivers: Delivers,
    /// The same in words, for people.
    pub words: String,
}

/// What a sum is for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum For {
    /// These parts of the package.
    Parts(Vec<PaidPart>),
    /// Graders: they judge releases, no run goes through them.
    Graders,
    /// Why nobody can tell.
    Untold(String),
}

/// Sums by vendor and what they are for.
type Sums = BTreeMap<(String, For), Money>;

/// What releases name and what came of them.
pub(super) struct Releases {
    known: Vec<Known>,
    /// What the packages say that a vendor provides, by its name in lower case.
    provides: BTreeMap<String, Vec<String>>,
    /// Model and sources of each release, in lower case where it is a model.
    parts: BTreeMap<ReleaseId, BTreeSet<PaidPart>>,
}

impl Engine {
    /// Vendors of a workflow that cost something in the 30 days until `until` and delivered no confirmed
    /// result: a model by the runs it answered, a source by the runs of releases that read it, a destination by
    /// what was confirmed there. A vendor whose cost names nothing delivers nothing while the workflow
    /// does not; otherwise it cannot be told. What is paid for all workflows together is held against
    /// all of them, and listed with each.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn idle_vendors(
        &self,
        workflow: &str,
        until: Day,
    ) -> Result<Vec<IdleVendor>, Problem> {
        let days = Days {
            from: until.plus(1 - BACK),
            to: until,
        };
        let gathered = self.gathered(Some(workflow), None, days).await?;
        let releases = self.known_parts(workflow).await?;
        let any = rows(&gathered, days).any(|r| r.figures.resolved > 0);
        let mut out = Vec::new();
        for ((vendor, what), paid) in self.sums(&gathered, &releases, days).await {
            if paid.values().all(|micros| *micros <= 0) {
                continue;
            }
            let idle = |paid_for, delivers, words: String| IdleVendor {
                vendor: vendor.clone(),
                paid: paid.clone(),
                days,
                paid_for,
                delivers,
                words,
            };
            match what {
                For::Parts(parts) => {
                    let mut delivers = false;
                    for part in &parts {
                        delivers |= self
                            .delivers(workflow, part, &gathered, &releases, days)
                            .await?;
                    }
                    if !delivers {
                        let named: Vec<String> = parts.iter().map(name).collect();
                        let words = format!("no confirmed result through {}", named.join(", "));
                        out.push(idle(parts, Delivers::Nothing, words));
                    }
                }
                _ if !any => {
                    let words = "no result of the workflow was confirmed".to_owned();
                    out.push(idle(Vec::new(), Delivers::Nothing, words));
                }
                For::Graders => {}
                For::Untold(why) => out.push(idle(Vec::new(), Delivers::CannotBeTold, why)),
            }
        }
        out.extend(self.idle_shared(days).await?);
        Ok(out)
    }

    /// What was paid, by vendor and by what it is for.
    async fn sums(&self, gathered: &Gathered, releases: &Releases, days: Days) -> Sums {
        let mut sums = Sums::new();
        let mut add = |vendor: &str, what: For, currency: &str, micros: i64| {
            let sum = sums.entry((vendor.to_owned(), what)).or_default();
            *sum.entry(currency.to_owned()).or_default() += micros;
        };
        let measured = self.measured(gathered, days).await;
        for row in rows(gathered, days) {
            let Some(of) = measured.get(&row.release) else {
                continue;
            };
            for (currency, micros) in row.figures.first.iter().chain(&row.figures.again) {
                let what = if releases.parts.contains_key(&row.release) {
                    For::Parts(vec![model(&of.vendor)])
                } else {
                    For::Untold("the release that it answered for cannot be loaded".to_owned())
                };
                add(&of.vendor, what, currency, *micros);
            }
        }
        for g in gathered.graders.iter().filter(|g| inside(&g.day, days)) {
            if let (Some(micros), Some(currency)) = (g.cost_micros, &g.currency) {
                add(&g.vendor, For::Graders, currency, micros);
            }
        }
        for e in &gathered.entries {
            if let (Some(vendor), Some(amount), Some(currency), Some(over)) =
                (&e.vendor, e.amount_micros, &e.currency, entry::days(e))
            {
                let what = releases.what_for(vendor, e, &gathered.entries);
                add(vendor, what, currency, entry::part(amount, over, days));
            }
        }
        sums
    }

    /// Whether something was confirmed through this part.
    pub(super) async fn delivers(
        &self,
        workflow: &str,
        part: &PaidPart,
        gathered: &Gathered,
        releases: &Releases,
        days: Days,
    ) -> Result<bool, Problem> {
        if part.part == Part::Destination {
            let span = (days.from.to_string(), days.to.to_string());
            let reader = &self.0.reader;
            let found = reader.has_confirmed(workflow, &part.name, (&span.0, &span.1));
            return found.await.map_err(read_problem);
        }
        let (mut resolved, mut runs, mut without) = (0, 0, 0);
        for row in rows(gathered, days) {
            let own = releases.parts.get(&row.release);
            if own.is_none_or(|parts| !parts.contains(part)) {
                continue;
            }
            resolved += row.figures.resolved;
            runs += row.figures.runs;
            if part.part == Part::Source {
                let faults = row.figures.inputs.get(&part.name);
                without += faults.map_or(0, |f| f.missing.max(f.invalid));
            }
        }
        // A source that answered in no run has no part in what was resolved without it.
        Ok(resolved > 0 && runs > without)
    }

    /// What all releases name.
    pub(super) async fn known_parts(&self, workflow: &str) -> Result<Releases, Problem> {
        let releases = self.0.reader.releases(workflow).await;
        let mut out = Releases {
            known: Vec::new(),
            provides: BTreeMap::new(),
            parts: BTreeMap::new(),
        };
        for release in releases.map_err(read_problem)? {
            // One that cannot be loaded is told of by the release watch.
            if let Ok(found) = self.loaded(release.id).await {
                out.add(release.id, &found);
            }
        }
        Ok(out)
    }
}

impl Releases {
    fn add(&mut self, id: ReleaseId, found: &LiveRelease) {
        let def = &found.ready.def;
        let spec = &found.ready.model;
        let of = |part, name: &str, also: &str| Known {
            paid: PaidPart {
                part,
                name: name.to_owned(),
            },
            also: vec![also.to_owned()],
        };
        let mut all = vec![Known {
            paid: model(&crate::steps::found::provider(spec)),
            also: vec![spec.pin.clone()],
        }];
        let sources = def.source.iter();
        all.extend(sources.map(|s| of(Part::Source, &s.name, &s.system)));
        let actions = def.action.iter();
        all.extend(actions.map(|a| of(Part::Destination, &a.name, &a.system)));
        let own = all.iter().map(|k| k.paid.clone()).collect();
        self.parts.insert(id, own);
        self.known.extend(all);
        for v in &def.vendor {
            let said = self.provides.entry(v.name.to_lowercase()).or_default();
            said.push(v.provides.clone());
        }
    }

    /// What an entry is for. One that takes another back is for what that one was for.
    pub(super) fn what_for(&self, vendor: &str, e: &CostEntry, all: &[CostEntry]) -> For {
        let taken_back = e.reverses.and_then(|id| all.iter().find(|o| o.id == id));
        let said = self.provides.get(&vendor.to_lowercase());
        let mut texts = vec![taken_back.unwrap_or(e).words.as_str()];
        texts.extend(said.into_iter().flatten().map(String::as_str));
        match paid_for(vendor, &texts, &self.known) {
            Ok(parts) => For::Parts(parts),
            Err(why) => For::Untold(why),
        }
    }
}

/// Who answers for a model; vendors are told apart without regard to case.
fn model(vendor: &str) -> PaidPart {
    PaidPart {
        part: Part::Model,
        name: vendor.to_lowercase(),
    }
}

pub(super) fn name(part: &PaidPart) -> String {
    format!("{} {}", part.part, part.name)
}

fn inside(day: &str, days: Days) -> bool {
    Day::parse(day).is_ok_and(|day| days.has(day))
}

pub(super) fn rows(
    gathered: &Gathered,
    days: Days,
) -> impl Iterator<Item = &tuesday_domain::record::DayRow> {
    let all = gathered.rows.iter();
    all.filter(move |r| inside(&r.day, days))
}
