//! The cost report: what each kind of cost came to, by release, tier, week, day or workflow, and what a
//! resolved task cost. Every group is a sum of the same smallest parts, so the groups add up to the total.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::day::{Day, Days};
use super::figures::{DayFigures, Money};
use super::mul_div;
use super::price::PriceTable;
use super::told::count;
use super::{entry, figures, grouped};
use crate::id::ReleaseId;
use crate::record::{CostBucket, CostCategory, CostEntry, DayRow, GraderCalls, HourKind};
use crate::time::{Timestamp, Zone};
use crate::words::words;

words! {
    /// What a report is divided by.
    By {
        /// Not at all.
        Nothing = "nothing",
        /// The workflow.
        Workflow = "workflow",
        /// The release that made the output.
        Release = "release",
        /// Who looked at the output.
        Tier = "tier",
        /// The week, named by its Monday.
        Week = "week",
        /// The day.
        Day = "day",
        /// The group that the case belongs to, as the rollout tells groups apart.
        Group = "group",
        /// The budget that pays it.
        Bucket = "bucket",
    }
}

/// Where a cost is put that cannot be divided that way, such as an invoice among releases.
pub const UNDIVIDED: &str = "not divided";

/// Where runs are put that belong to no group.
pub const UNGROUPED: &str = "no group";

/// Where a cost is put that nobody has given a bucket.
pub const UNTAGGED: &str = "not tagged";

/// What came together in one group.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Costs {
    /// Millionths by kind of cost and currency.
    pub by_category: BTreeMap<CostCategory, Money>,
    /// Of the tokens, what second and later tries cost.
    pub retries: Money,
    /// Everything together, by currency; currencies are never added to each other.
    pub total: Money,
    /// What a resolved task cost, by currency; absent without resolved tasks.
    pub per_task: Option<Money>,
    /// Tasks resolved.
    pub resolved: u64,
    /// Runs received.
    pub runs: u64,
    /// Minutes of people that have no price, by kind of hour, in milliseconds.
    pub unpriced_ms: BTreeMap<CostCategory, i64>,
    /// Model calls whose usage nobody reported.
    pub unreported: u64,
    /// Model calls without a price, by model.
    pub unpriced: BTreeMap<String, u64>,
    /// Decisions of people that nobody measured the time of.
    pub untimed: u64,
}

impl Costs {
    fn book(&mut self, category: CostCategory, currency: &str, micros: i64) {
        if micros == 0 {
            return;
        }
        let sums = self.by_category.entry(category).or_default();
        *sums.entry(currency.to_owned()).or_default() += micros;
        *self.total.entry(currency.to_owned()).or_default() += micros;
    }

    fn minutes(&mut self, category: CostCategory, ms: i64, hour: Option<(i64, &str)>) {
        self.between(category, (0, ms), hour);
    }

    /// A part of some time: from so many milliseconds of it to so many.
    fn between(
        &mut self,
        category: CostCategory,
        (from, to): (i64, i64),
        hour: Option<(i64, &str)>,
    ) {
        if from == to {
            return;
        }
        let price = |ms| mul_div(ms, hour?.0, 3_600_000);
        match (price(from), price(to), hour) {
            (Some(before), Some(after), Some((_, currency))) => {
                self.book(category, currency, after - before);
            }
            _ => *self.unpriced_ms.entry(category).or_default() += to - from,
        }
    }

    fn day(&mut self, f: &DayFigures, hour: Option<(i64, &str)>) {
        self.calls(f);
        self.looked(f, hour);
    }

    /// The machine's part of a day: its calls, and what came of the runs.
    fn calls(&mut self, f: &DayFigures) {
        for (sums, again) in [(&f.first, false), (&f.again, true)] {
            for (currency, micros) in sums {
                self.book(CostCategory::Tokens, currency, *micros);
                if again {
                    *self.retries.entry(currency.clone()).or_default() += micros;
                }
            }
        }
        self.resolved += f.resolved;
        self.runs += f.runs;
        self.unreported += f.unreported;
        for (model, n) in &f.unpriced {
            *self.unpriced.entry(model.clone()).or_default() += n;
        }
    }

    /// What a grader asked its model.
    fn graded(&mut self, g: &GraderCalls) {
        if let (Some(micros), Some(currency)) = (g.cost_micros, &g.currency) {
            self.book(CostCategory::Tokens, currency, micros);
        }
        self.unreported += g.unreported;
        if g.unpriced() > 0 {
            *self.unpriced.entry(g.model.clone()).or_default() += g.unpriced();
        }
    }

    /// The people's part of a day.
    fn looked(&mut self, f: &DayFigures, hour: Option<(i64, &str)>) {
        let seen = i64::try_from(f.people_ms()).unwrap_or(i64::MAX);
        self.minutes(CostCategory::Review, seen, hour);
        self.untimed += f.untimed;
    }

    fn close(&mut self) {
        let resolved = i64::try_from(self.resolved).unwrap_or(i64::MAX);
        let each = |sum: i64| mul_div(sum, 1, resolved);
        self.per_task = (resolved > 0).then(|| {
            self.total
                .iter()
                .filter_map(|(c, sum)| Some((c.clone(), each(*sum)?)))
                .collect()
        });
    }

    /// What is lacking, so that the total is the least it can have cost; nothing when it is whole.
    #[must_use]
    pub fn lacks(&self) -> Vec<String> {
        let mut out: Vec<String> = self
            .unpriced_ms
            .iter()
            .map(|(category, ms)| {
                let minutes = ms / 60_000;
                format!("{minutes} min of {category} have no price of an hour")
            })
            .collect();
        out.extend(
            self.unpriced
                .iter()
                .map(|(model, n)| format!("{} calls of {model} have no price", count(*n))),
        );
        if self.unreported > 0 {
            out.push(format!(
                "{} calls ended without reported usage",
                count(self.unreported)
            ));
        }
        if self.untimed > 0 {
            let n = count(self.untimed);
            out.push(format!("{n} decisions without a measured time of review"));
        }
        out
    }

    /// Whether something of this kind of cost is lacking, so that its sum is the least it can be.
    #[must_use]
    pub fn lacks_of(&self, category: CostCategory) -> bool {
        let minutes = self.unpriced_ms.contains_key(&category);
        match category {
            CostCategory::Tokens => !self.unpriced.is_empty() || self.unreported > 0,
            CostCategory::Review => minutes || self.untimed > 0,
            _ => minutes,
        }
    }
}

/// What a report is made from.
pub struct Sources<'a> {
    /// Days with their figures.
    pub days: &'a [DayRow],
    /// Entered costs that touch the span.
    pub entries: &'a [CostEntry],
    /// What graders asked their models, outside of any run.
    pub graders: &'a [GraderCalls],
    /// Every version of every price.
    pub prices: &'a PriceTable,
    /// In which a day begins, for the price of an hour on it.
    pub zone: &'a Zone,
    /// The workflow that was installed first: its calls are of the first bucket for workflows.
    pub first: Option<&'a str>,
}

/// A report over a span of days.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The span.
    pub days: Days,
    /// What it is divided by.
    pub by: By,
    /// The groups, by their names; a release is named by its id.
    pub groups: BTreeMap<String, Costs>,
    /// All of them together.
    pub total: Costs,
}

/// The last minute of a day: a price that begins on it holds for all of it.
fn close_of(day: Day, zone: &Zone) -> Timestamp {
    zone.moment(&format!("{day}T23:59")).unwrap_or_default()
}

/// The report. Rows and entries outside the span are left out.
#[must_use]
pub fn report(sources: &Sources<'_>, days: Days, by: By) -> Report {
    let mut groups: BTreeMap<String, Costs> = BTreeMap::new();
    let mut total = Costs::default();
    for row in sources.days {
        let Ok(day) = Day::parse(&row.day) else {
            continue;
        };
        if !days.has(day) {
            continue;
        }
        let hour = sources
            .prices
            .hour(HourKind::Review, close_of(day, sources.zone));
        if by == By::Group {
            divided(&mut groups, &row.figures, hour);
            total.day(&row.figures, hour);
            continue;
        }
        let group = groups
            .entry(name(
                (&row.workflow, row.release, &row.tier),
                day,
                by,
                sources.first,
            ))
            .or_default();
        if by == By::Bucket {
            group.calls(&row.figures);
            // Whoever pays the machine, people who look are the people in the loop.
            if row.figures.people_ms() > 0 || row.figures.untimed > 0 {
                let people = CostBucket::HumanLoop.word().to_owned();
                groups.entry(people).or_default().looked(&row.figures, hour);
            }
        } else {
            group.day(&row.figures, hour);
        }
        total.day(&row.figures, hour);
    }
    for g in sources.graders {
        let Some(day) = Day::parse(&g.day).ok().filter(|d| days.has(*d)) else {
            continue;
        };
        let place = match by {
            By::Tier | By::Group => UNDIVIDED.to_owned(),
            other => name((&g.workflow, g.release, ""), day, other, sources.first),
        };
        groups.entry(place).or_default().graded(g);
        total.graded(g);
    }
    for entry in sources.entries {
        for (name, within) in pieces(entry, days, by) {
            let group = groups.entry(name).or_default();
            entered(group, entry, within, sources);
            entered(&mut total, entry, within, sources);
        }
    }
    groups.values_mut().for_each(Costs::close);
    total.close();
    Report {
        days,
        by,
        groups,
        total,
    }
}

/// A day among its groups. The price of people's time is rounded once for the whole of it: each group gets
/// what the time up to its end costs, less what the time before it cost.
fn divided(groups: &mut BTreeMap<String, Costs>, f: &DayFigures, hour: Option<(i64, &str)>) {
    if f.groups.is_empty() {
        groups.entry(UNDIVIDED.to_owned()).or_default().day(f, hour);
        return;
    }
    let ms = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let mut seen = 0;
    for (group, cost) in &f.groups {
        // A span keeps as few apart as a day.
        let name = if group.is_empty() {
            UNGROUPED
        } else {
            grouped::place(groups, group)
        };
        let costs = groups.entry(name.to_owned()).or_default();
        costs.calls(&cost.calls());
        let before = seen;
        seen += cost.people_ms;
        costs.untimed += cost.untimed;
        costs.between(CostCategory::Review, (ms(before), ms(seen)), hour);
    }
}

/// The group of what belongs to a workflow, a release and a tier.
fn name(
    (workflow, release, tier): (&str, ReleaseId, &str),
    day: Day,
    by: By,
    first: Option<&str>,
) -> String {
    match by {
        By::Bucket => match first {
            None => UNTAGGED.to_owned(),
            Some(first) if first == workflow => CostBucket::FirstWorkflow.word().to_owned(),
            Some(_) => CostBucket::SecondUseCase.word().to_owned(),
        },
        By::Nothing => "all".to_owned(),
        By::Workflow => workflow.to_owned(),
        By::Release => release.to_string(),
        By::Tier => tier.to_owned(),
        // Days are divided by the groups within them, see `divided`.
        By::Group => UNDIVIDED.to_owned(),
        By::Week => day.monday().to_string(),
        By::Day => day.to_string(),
    }
}

/// The days of an entry that lie in the span, each where its group is.
fn pieces(entry: &CostEntry, days: Days, by: By) -> Vec<(String, Days)> {
    let Some(own) = entry::days(entry) else {
        return Vec::new();
    };
    let (from, to) = (own.from.max(days.from), own.to.min(days.to));
    if to < from {
        return Vec::new();
    }
    // The hour's price may differ from day to day, so time is priced day by day.
    let each = |name: &dyn Fn(Day) -> String| {
        (0..=to.since(from))
            .map(|n| from.plus(n))
            .map(|day| (name(day), Days { from: day, to: day }))
            .collect()
    };
    match by {
        By::Nothing => each(&|_| "all".to_owned()),
        By::Workflow => {
            let place = entry.workflow.clone();
            each(&|_| place.clone().unwrap_or_else(|| UNDIVIDED.to_owned()))
        }
        By::Release | By::Tier | By::Group => each(&|_| UNDIVIDED.to_owned()),
        By::Bucket => {
            let bucket = entry.bucket.map_or(UNTAGGED, CostBucket::word);
            each(&|_| bucket.to_owned())
        }
        By::Week => each(&|day| day.monday().to_string()),
        By::Day => each(&|day| day.to_string()),
    }
}

fn entered(costs: &mut Costs, entry: &CostEntry, within: Days, sources: &Sources<'_>) {
    let Some(over) = entry::days(entry) else {
        return;
    };
    if let (Some(amount), Some(currency)) = (entry.amount_micros, &entry.currency) {
        costs.book(entry.category, currency, entry::part(amount, over, within));
    }
    if let Some(minutes) = entry.minutes {
        let ms = entry::part(minutes.saturating_mul(60_000), over, within);
        let kind = match entry.category {
            CostCategory::Support => HourKind::Support,
            CostCategory::Review => HourKind::Review,
            _ => HourKind::Maintenance,
        };
        let at = close_of(within.from, sources.zone);
        costs.minutes(entry.category, ms, sources.prices.hour(kind, at));
    }
}

/// The figures of all days that `keep` lets through, together.
pub fn merged<'a>(rows: impl IntoIterator<Item = &'a DayRow>) -> DayFigures {
    let mut all = figures::DayFigures::new();
    rows.into_iter().for_each(|r| all.merge(&r.figures));
    all
}

/// Currencies of a report.
#[must_use]
pub fn currencies(costs: &Costs) -> BTreeSet<String> {
    costs.total.keys().cloned().collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::grouped::GroupCost;
    use super::*;
    use crate::id::CostEntryId;
    use crate::record::{PriceKind, PriceRow};

    fn prices() -> PriceTable {
        let hour = |version, name: &str, micros, day: &str| PriceRow {
            version,
            kind: PriceKind::Hour,
            name: name.into(),
            currency: "EUR".into(),
            input_micros: None,
            output_micros: None,
            hour_micros: Some(micros),
            starts_at: Timestamp::parse(day).unwrap(),
            reason: "x".into(),
            set_by: "ada".into(),
            set_at: Timestamp::from_micros(0),
        };
        PriceTable::new(vec![
            hour(1, "review", 36_000_000, "2026-01-01"),
            hour(2, "review", 72_000_000, "2026-11-18"),
        ])
    }

    fn row(day: &str, release: u128, tier: &str, cost: i64, seen: u64, resolved: u64) -> DayRow {
        let mut figures = DayFigures::new();
        figures.runs = resolved + 1;
        figures.resolved = resolved;
        figures.review_ms = seen;
        figures.first.insert("EUR".into(), cost);
        // Two groups that share a day, so that what is rounded shows.
        let whole = GroupCost::of(&figures);
        let third = GroupCost {
            runs: 1,
            people_ms: whole.people_ms / 3,
            ..GroupCost::default()
        };
        let rest = GroupCost {
            runs: whole.runs - 1,
            people_ms: whole.people_ms - third.people_ms,
            ..whole
        };
        figures.groups = [("emea".to_owned(), third), (String::new(), rest)].into();
        DayRow {
            workflow: "w".into(),
            day: day.into(),
            release: ReleaseId::new(Uuid::from_u128(release)),
            tier: tier.into(),
            figures,
        }
    }

    #[test]
    fn a_span_keeps_some_groups_apart_and_the_rest_is_in_the_total() {
        let day = |day: &str, from: u32| {
            let mut row = row(day, 1, "auto", 0, 0, 40);
            row.figures.groups = (from..from + 40)
                .map(|n| {
                    let cost = GroupCost {
                        runs: 1,
                        first: Money::from([("EUR".to_owned(), 3)]),
                        ..GroupCost::default()
                    };
                    (format!("g{n}"), cost)
                })
                .collect();
            row.figures.first = Money::from([("EUR".to_owned(), 120)]);
            row
        };
        let days = [day("2026-11-16", 100), day("2026-11-17", 200)];
        let zone = Zone::named("UTC").unwrap();
        let table = prices();
        let sources = Sources {
            days: &days,
            graders: &[],
            entries: &[],
            prices: &table,
            zone: &zone,
            first: None,
        };
        let made = report(&sources, span("2026-11-16", "2026-11-17"), By::Group);
        assert_eq!(made.groups.len(), 51);
        assert_eq!(made.groups[grouped::OTHERS].total["EUR"], 90);
        assert_eq!(made.total.total["EUR"], 240);
        let all: i64 = made.groups.values().map(|g| g.total["EUR"]).sum();
        assert_eq!(all, 240);
    }

    fn invoice(amount: i64, from: &str, to: &str) -> CostEntry {
        CostEntry {
            id: CostEntryId::new(Uuid::from_u128(9)),
            category: CostCategory::Infrastructure,
            workflow: None,
            day_from: from.into(),
            day_to: to.into(),
            amount_micros: Some(amount),
            currency: Some("EUR".into()),
            minutes: None,
            person: None,
            vendor: None,
            bucket: None,
            words: "servers".into(),
            reference: None,
            reverses: None,
            entered_by: "ada".into(),
            entered_at: Timestamp::from_micros(0),
        }
    }

    fn span(from: &str, to: &str) -> Days {
        Days {
            from: Day::parse(from).unwrap(),
            to: Day::parse(to).unwrap(),
        }
    }

    #[test]
    fn an_hour_is_priced_by_its_day_and_a_missing_price_is_said() {
        let rows = [
            row("2026-11-17", 1, "desk", 0, 60_000, 1),
            row("2026-11-18", 1, "desk", 0, 60_000, 1),
        ];
        let zone = Zone::named("Europe/Berlin").unwrap();
        let table = prices();
        let days = span("2026-11-16", "2026-11-22");
        let mut sources = Sources {
            days: &rows,
            entries: &[],
            graders: &[],
            prices: &table,
            zone: &zone,
            first: None,
        };
        let total = report(&sources, days, By::Nothing).total;
        // A minute at 36 an hour and one at 72: 0.60 and 1.20.
        assert_eq!(total.total["EUR"], 1_800_000);
        assert_eq!(total.per_task.unwrap()["EUR"], 900_000);
        let none = PriceTable::default();
        sources.prices = &none;
        let total = report(&sources, days, By::Nothing).total;
        assert!(total.total.is_empty());
        assert_eq!(total.lacks(), ["2 min of review have no price of an hour"]);
    }

    #[test]
    fn a_decision_without_a_measured_time_is_lacking_in_every_division() {
        let mut timed = row("2026-11-17", 1, "desk", 5_000_000, 60_000, 1);
        timed.figures.groups.clear();
        let mut untimed = row("2026-11-18", 2, "desk", 7_000_000, 0, 1);
        untimed.figures.untimed = 1;
        untimed.figures.groups = [("emea".to_owned(), GroupCost::of(&untimed.figures))].into();
        let (rows, zone, table) = ([timed, untimed], Zone::named("UTC").unwrap(), prices());
        let sources = Sources {
            days: &rows,
            entries: &[],
            graders: &[],
            prices: &table,
            zone: &zone,
            first: Some("w"),
        };
        let days = span("2026-11-16", "2026-11-22");
        for by in By::ALL.iter() {
            let made = report(&sources, days, *by);
            let words = "1 decisions without a measured time of review";
            assert_eq!(made.total.lacks(), [words], "{by}");
            let parts: u64 = made.groups.values().map(|c| c.untimed).sum();
            assert_eq!(parts, 1, "{by}");
        }
        let made = report(&sources, days, By::Release);
        let whole = made.groups.values().filter(|c| c.lacks().is_empty());
        assert_eq!(
            whole.count(),
            1,
            "only the release with the decision lacks it"
        );
        assert!(made.total.lacks_of(CostCategory::Review));
        assert!(!made.total.lacks_of(CostCategory::Tokens));
    }

    #[test]
    fn without_a_resolved_task_there_is_no_cost_of_one() {
        let mut rows = [row("2026-11-17", 1, "desk", 500, 0, 0)];
        let zone = Zone::named("UTC").unwrap();
        let table = prices();
        let days = span("2026-11-17", "2026-11-17");
        let total = |rows: &[DayRow]| {
            let sources = Sources {
                days: rows,
                entries: &[],
                graders: &[],
                prices: &table,
                zone: &zone,
                first: None,
            };
            report(&sources, days, By::Nothing).total
        };
        assert_eq!(total(&rows).per_task, None);
        assert_eq!(total(&rows).total["EUR"], 500, "it cost all the same");
        rows[0].figures.resolved = 3;
        assert_eq!(total(&rows).per_task.unwrap()["EUR"], 167);
    }

    fn graded(day: &str, cost_micros: Option<i64>) -> GraderCalls {
        GraderCalls {
            id: CostEntryId::new(Uuid::from_u128(3)),
            workflow: "w".into(),
            release: ReleaseId::new(Uuid::from_u128(2)),
            day: day.into(),
            about: "gate".into(),
            grader: "tone".into(),
            model: "judge-1".into(),
            vendor: "judge".into(),
            calls: 5,
            unreported: 2,
            input_tokens: 30,
            output_tokens: 3,
            cost_micros,
            currency: cost_micros.map(|_| "EUR".into()),
            at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn what_graders_asked_is_tokens_and_what_nobody_knows_is_not_nothing() {
        let graders = [graded("2026-11-17", Some(40)), graded("2026-11-17", None)];
        let zone = Zone::named("UTC").unwrap();
        let table = prices();
        let sources = Sources {
            days: &[],
            entries: &[],
            graders: &graders,
            prices: &table,
            zone: &zone,
            first: None,
        };
        let made = report(&sources, span("2026-11-17", "2026-11-17"), By::Release);
        assert_eq!(made.total.by_category[&CostCategory::Tokens]["EUR"], 40);
        assert_eq!(made.total.unpriced["judge-1"], 3);
        assert_eq!(made.total.unreported, 4);
        assert!(made.groups.contains_key(&graders[0].release.to_string()));
        assert_eq!(made.groups.len(), 1);
    }

    #[test]
    fn each_bucket_pays_its_own_and_people_are_the_human_loop() {
        let mut rows = [
            row("2026-11-17", 1, "desk", 500, 3_600_000, 1),
            row("2026-11-17", 2, "desk", 70, 0, 0),
        ];
        rows[1].workflow = "later".into();
        let tagged = CostEntry {
            bucket: Some(CostBucket::Spine),
            ..invoice(9, "2026-11-17", "2026-11-17")
        };
        let entries = [tagged, invoice(4, "2026-11-17", "2026-11-17")];
        let zone = Zone::named("UTC").unwrap();
        let table = prices();
        let sources = Sources {
            days: &rows,
            entries: &entries,
            graders: &[],
            prices: &table,
            zone: &zone,
            first: Some("w"),
        };
        let made = report(&sources, span("2026-11-17", "2026-11-17"), By::Bucket);
        let found: Vec<_> = made
            .groups
            .iter()
            .map(|(k, c)| (k.as_str(), c.total["EUR"]))
            .collect();
        assert_eq!(
            found,
            [
                ("first_workflow", 500),
                ("human_loop", 36_000_000),
                ("not tagged", 4),
                ("second_use_case", 70),
                ("spine", 9)
            ]
        );
    }

    proptest! {
        #[test]
        fn the_groups_of_any_division_add_up_to_the_total(
            made in prop::collection::vec((0_i64..40, 1_u128..4, 0_u8..3, 0_i64..9_999_999, 0_u64..900_000, 0_u64..9), 0..40),
            amount in 1_i64..999_999_999, long in 0_i64..90,
        ) {
            let first = Day::parse("2026-10-20").unwrap();
            let rows: Vec<DayRow> = made.iter().map(|(d, release, tier, cost, seen, resolved)| {
                row(&first.plus(*d).to_string(), *release, ["a", "b", "automatic"][usize::from(*tier)], *cost, *seen, *resolved)
            }).collect();
            let entries = [
                invoice(amount, "2026-10-25", &first.plus(5 + long).to_string()),
                CostEntry {
                    category: CostCategory::Maintenance, amount_micros: None, minutes: Some(95),
                    ..invoice(1, "2026-10-20", "2026-10-26")
                },
            ];
            let graders = [graded("2026-10-25", Some(77)), graded("2026-11-02", None)];
            let zone = Zone::named("America/New_York").unwrap();
            let table = prices();
            let sources = Sources { days: &rows, entries: &entries, graders: &graders, prices: &table, zone: &zone, first: Some("w") };
            let days = span("2026-10-22", "2026-11-20");
            let whole = report(&sources, days, By::Nothing).total;
            for by in By::ALL.iter() {
                let parts = report(&sources, days, *by);
                let sum: i64 = parts.groups.values().filter_map(|c| c.total.get("EUR")).sum();
                prop_assert_eq!(sum, whole.total.get("EUR").copied().unwrap_or(0), "{}", by);
                let unpriced: i64 = parts.groups.values().filter_map(|c| c.unpriced_ms.get(&CostCategory::Maintenance)).sum();
                prop_assert_eq!(unpriced, whole.unpriced_ms.get(&CostCategory::Maintenance).copied().unwrap_or(0));
                prop_assert_eq!(&parts.total, &whole);
            }
        }
    }
}
