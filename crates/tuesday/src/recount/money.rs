//! What the log says about money and hours that no run has: prices of an hour, entered costs, the baseline
//! by hand, releases that went live, and people who asked for help.

use std::collections::HashMap;

use tuesday_domain::time::{Timestamp, Zone};

use super::entry::{Entry, day_number};

/// A price of an hour, from a moment on.
struct HourPrice {
    whose: String,
    currency: String,
    micros: i64,
    from: Timestamp,
}

/// An entered cost, spread over days.
pub(super) struct Cost {
    pub(super) category: String,
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) amount: Option<(i64, String)>,
    pub(super) minutes: Option<i64>,
    /// It takes another one back.
    pub(super) takes_back: bool,
}

impl Cost {
    /// The part of `whole` that falls on the days from `from` to `to`, when the days that come first take
    /// one each of what does not divide.
    pub(super) fn part(&self, whole: i64, from: i64, to: i64) -> i64 {
        let days = self.to - self.from + 1;
        let (each, rest) = (whole.div_euclid(days), whole.rem_euclid(days));
        let (first, last) = (from.max(self.from), to.min(self.to));
        (first..=last)
            .map(|day| each + i64::from(day - self.from < rest))
            .sum()
    }
}

/// What a grader asked its model, outside of any run.
pub(super) struct Graded {
    pub(super) release: String,
    pub(super) day: i64,
    pub(super) unreported: i64,
    pub(super) unpriced: i64,
    pub(super) paid: Option<(String, i64)>,
    pub(super) model: String,
}

/// `2026-11-17 12 1 0 EUR 4500 judge-1`.
fn graded(told: &str, release: &str) -> Option<Graded> {
    let mut parts = told.splitn(7, ' ');
    let day = day_number(parts.next()?)?;
    let _calls = parts.next()?;
    let (unreported, unpriced) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let (currency, micros) = (parts.next()?, parts.next()?.parse().ok()?);
    Some(Graded {
        release: release.to_owned(),
        day,
        unreported,
        unpriced,
        paid: (currency != "-").then(|| (currency.to_owned(), micros)),
        model: parts.next()?.to_owned(),
    })
}

/// A sample of the work done by hand.
#[derive(Clone, Copy)]
pub(super) struct ByHand {
    pub(super) sample: i64,
    pub(super) handling_ms: i64,
    pub(super) errors: i64,
    /// Half of the tasks took no longer, in milliseconds.
    pub(super) turnaround_ms: i64,
}

/// Somebody asked for help.
pub(super) struct Asked {
    pub(super) at: Timestamp,
    pub(super) minutes: Option<i64>,
}

/// All of it, of one workflow.
#[derive(Default)]
pub(super) struct Money {
    hours: Vec<HourPrice>,
    pub(super) costs: Vec<Cost>,
    pub(super) graded: Vec<Graded>,
    pub(super) by_hand: Option<ByHand>,
    /// Currency of what upkeep may cost in a month, as the charter says.
    pub(super) budget: Option<String>,
    /// The one success metric, as the charter states it.
    pub(super) metric: Option<String>,
    approved: HashMap<String, Timestamp>,
    /// When a release was approved and when it went live.
    pub(super) live: Vec<(Timestamp, Timestamp)>,
    asked: HashMap<String, Asked>,
}

impl Money {
    /// Takes in what an entry says about the workflow.
    pub(super) fn read(&mut self, entry: &Entry, workflow: &str, is_our_run: bool, zone: &Zone) {
        let ours = is_our_run || entry.workflow.as_deref() == Some(workflow);
        if entry.kind == "prices.set" {
            let told = entry.list("prices");
            self.hours.extend(told.into_iter().filter_map(hour_price));
        }
        if let Some(report) = entry.text("report") {
            self.helped(entry, report, ours, zone);
        }
        if !ours {
            return;
        }
        match entry.kind.as_str() {
            "graders.paid" => {
                let release = entry.text("release").unwrap_or_default().to_owned();
                let told = entry.list("graders");
                self.graded
                    .extend(told.into_iter().filter_map(|t| graded(t, &release)));
            }
            "cost.entered" | "cost.reversed" => self.costs.extend(cost(entry)),
            "charter.stated" if entry.text("statement") == Some("maintenance_budget") => {
                let stated = entry.text("value").and_then(|v| v.split_once(' '));
                self.budget = stated.map(|(_, currency)| currency.to_owned());
            }
            "charter.stated" if entry.text("statement") == Some("ninety_day_metric") => {
                self.metric = entry.text("value").map(str::to_owned);
            }
            // What came from the quiz, with the installation or later.
            "release.installed" | "charter.carried" => {
                let lists = [entry.list("from_quiz"), entry.list("statements")];
                let carried = |name: &str| {
                    let mut all = lists.iter().flatten();
                    all.find_map(|t| t.strip_prefix(name))
                };
                if let Some((_, currency)) =
                    carried("maintenance_budget=").and_then(|v| v.split_once(' '))
                {
                    self.budget = Some(currency.to_owned());
                }
                if let Some(stated) = carried("ninety_day_metric=") {
                    self.metric = Some(stated.to_owned());
                }
            }
            "baseline.captured" => self.by_hand = by_hand(entry),
            "release.approved" => {
                let release = entry.text("release").unwrap_or_default().to_owned();
                self.approved.insert(release, entry.at);
            }
            "release.live" => {
                let approved = entry.text("release").and_then(|r| self.approved.get(r));
                self.live.extend(approved.map(|at| (*at, entry.at)));
            }
            _ => {}
        }
    }

    /// A report comes in, or is answered with the minutes it took, which are booked as support.
    fn helped(&mut self, entry: &Entry, report: &str, ours: bool, zone: &Zone) {
        let minutes = entry.int("minutes");
        if let Some(known) = self.asked.get_mut(report) {
            known.minutes = minutes.or(known.minutes);
            if let (Some(minutes), Some(_)) = (minutes, entry.text("cost_entry")) {
                let day = day_number(&zone.day(entry.at)).unwrap_or_default();
                self.costs.push(Cost {
                    category: "support".to_owned(),
                    from: day,
                    to: day,
                    amount: None,
                    minutes: Some(minutes),
                    takes_back: false,
                });
            }
            return;
        }
        // A wrong output that a second look found is a report of its own, in the entry of its run.
        if ours {
            let at = entry.at;
            self.asked.insert(report.to_owned(), Asked { at, minutes });
        }
    }

    /// Reports that came in within a span.
    pub(super) fn asked(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Asked> {
        let all = self.asked.values();
        all.filter(move |a| a.at >= from && a.at < to)
    }

    /// What an hour of somebody costs at the end of a day; the newest price that had begun by then.
    pub(super) fn hour(&self, whose: &str, at: Timestamp) -> Option<(i64, &str)> {
        let fits = |p: &&HourPrice| p.whose == whose && p.from <= at;
        let found = self.hours.iter().rev().find(fits)?;
        Some((found.micros, &found.currency))
    }
}

/// `hour review EUR 36000000 from 2026-01-01T00:00:00Z`.
fn hour_price(told: &str) -> Option<HourPrice> {
    let parts: Vec<&str> = told.split(' ').collect();
    let ["hour", whose, currency, micros, "from", from] = parts.as_slice() else {
        return None;
    };
    Some(HourPrice {
        whose: (*whose).to_owned(),
        currency: (*currency).to_owned(),
        micros: micros.parse().ok()?,
        from: Timestamp::parse(from).ok()?,
    })
}

fn cost(entry: &Entry) -> Option<Cost> {
    let currency = entry.text("currency").map(str::to_owned);
    Some(Cost {
        category: entry.text("category")?.to_owned(),
        from: entry.day("from")?,
        to: entry.day("to")?,
        amount: entry.int("amount_micros").zip(currency),
        minutes: entry.int("minutes"),
        takes_back: entry.kind == "cost.reversed",
    })
}

fn by_hand(entry: &Entry) -> Option<ByHand> {
    Some(ByHand {
        sample: entry.int("sample")?,
        handling_ms: entry.int("handling_ms")?,
        errors: entry.int("errors")?,
        turnaround_ms: entry.int("turnaround_ms").unwrap_or(0),
    })
}
