//! The numbers themselves, by the names that they have on the scorecard.

use std::collections::BTreeMap;

use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::time::{Timestamp, Zone};

use super::bill::{Bill, ByCurrency, rounded};
use super::entry::day_number;
use super::money::{ByHand, Money};
use super::runs::{Run, Runs, Task};

/// Weeks of the trend.
const WEEKS: i64 = 12;
/// Fewer second looks than this show no share.
pub(super) const LEAST_LOOKS: i64 = 30;
/// The 0.975 quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A number, and how near another may be to count as the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    /// The same to the last digit.
    Exact(i64),
    /// The end of an interval: one millionth may differ by rounding.
    End(i64),
    /// The difference of a percentile, the second number, to something exact.
    Apart(i64, i64),
    /// A percentile: the ledger keeps durations in classes and is off by up to 0.8 %, and a millisecond.
    Percentile(i64),
}

impl Number {
    /// What was counted.
    pub(crate) const fn value(self) -> i64 {
        match self {
            Self::Exact(n) | Self::End(n) | Self::Percentile(n) | Self::Apart(n, _) => n,
        }
    }

    /// Whether the other one is the same number.
    pub(crate) const fn is(self, other: i64) -> bool {
        match self {
            Self::Exact(n) => n == other,
            Self::End(n) => n.abs_diff(other) <= 1,
            Self::Percentile(n) => n.abs_diff(other) * 1_000 <= n.unsigned_abs() * 8 + 1_000,
            Self::Apart(n, of) => n.abs_diff(other) * 1_000 <= of.unsigned_abs() * 8 + 1_000,
        }
    }
}

/// Numbers by name, as they come together.
pub(super) type Named = Vec<(String, Number)>;

/// What some runs came to.
#[derive(Default)]
pub(super) struct Sums<'a> {
    pub(super) runs: i64,
    open: i64,
    pub(super) resolved: i64,
    pub(super) by_people: i64,
    pub(super) reasons: BTreeMap<&'a str, i64>,
    pub(super) first: ByCurrency,
    pub(super) again: ByCurrency,
    pub(super) unreported: i64,
    pub(super) unpriced: BTreeMap<&'a str, i64>,
    timed: i64,
    untimed: i64,
    /// Decided outputs, and those of them that a person changed or refused.
    pub(super) decided: i64,
    pub(super) changed: i64,
    review_ms: i64,
    rework_ms: i64,
    exception_ms: i64,
    look_ms: i64,
    looks: i64,
    wrong: i64,
    /// Time in view by day, release and tier: each is priced by itself.
    seen: BTreeMap<(i64, u16, Option<u16>), i64>,
    /// Whole, queue, each call of the model, people, destination; milliseconds.
    took: [Vec<i64>; 5],
}

impl<'a> Sums<'a> {
    fn of(runs: &'a Runs, which: impl Fn(&Run) -> bool) -> Self {
        let picked = || runs.all.iter().filter(|r| which(r));
        let mut sums = Self {
            reasons: runs.reasons(picked()),
            ..Self::default()
        };
        for run in picked() {
            sums.add(run, runs);
        }
        sums.took.iter_mut().for_each(|t| t.sort_unstable());
        sums
    }

    fn add(&mut self, run: &'a Run, runs: &'a Runs) {
        self.runs += 1;
        match run.outcome.map(|w| runs.said(w)) {
            None => self.open += 1,
            Some("written_back" | "draft_placed") => {
                self.resolved += 1;
                self.durations(run, runs);
            }
            Some("rejected" | "handed_off") => self.by_people += 1,
            Some(_) => {}
        }
        let calls = run.calls_ms.iter().map(|ms| i64::from(*ms));
        self.took[2].extend(calls);
        for paid in &run.paid {
            let sums = if paid.again {
                &mut self.again
            } else {
                &mut self.first
            };
            *sums.entry(runs.said(paid.currency).to_owned()).or_default() += paid.micros;
        }
        self.unreported += i64::try_from(run.unreported).unwrap_or(0);
        for model in &run.unpriced {
            *self.unpriced.entry(runs.said(*model)).or_default() += 1;
        }
        for task in &run.tasks {
            self.task(task, run, runs);
        }
        if let Some(wrong) = run.wrong {
            self.looks += 1;
            self.wrong += i64::from(wrong);
        }
    }

    fn task(&mut self, task: &Task, run: &Run, runs: &Runs) {
        let ms = task.seen_ms.and_then(|ms| i64::try_from(ms).ok());
        let seen = ms.unwrap_or(0);
        let said = task.decision.map(|w| runs.said(w));
        match (runs.said(task.kind), said) {
            ("second_look", _) => self.look_ms += seen,
            ("output", None | Some("approve")) => self.review_ms += seen,
            ("output", _) => self.rework_ms += seen,
            _ => self.exception_ms += seen,
        }
        if let Some(said) = said.filter(|_| runs.said(task.kind) == "output") {
            self.decided += 1;
            self.changed += i64::from(said != "approve");
        }
        if said.is_some() {
            self.timed += i64::from(ms.is_some());
            self.untimed += i64::from(ms.is_none());
        }
        let place = (run.day, run.release, run.tier);
        *self.seen.entry(place).or_default() += seen;
    }

    /// What was neither at the model nor with people nor at the destination waited for a machine.
    fn durations(&mut self, run: &Run, runs: &Runs) {
        let Some(finished) = run.finished else { return };
        let ms = |from: i64, to: i64| ((to - from) / 1_000).max(0);
        let total = ms(run.received, finished);
        let model = (run.model_us / 1_000).min(total);
        let asked = run
            .tasks
            .iter()
            .filter(|t| runs.said(t.kind) != "second_look");
        let people: i64 = asked
            .filter_map(|t| Some(ms(t.opened, t.decided?.min(finished))))
            .sum();
        let people = people.min(total - model);
        let write = run.sent.map_or(0, |at| ms(at, finished));
        let write = write.min(total - model - people);
        let queue = total - model - people - write;
        for (part, ms) in [(0, total), (1, queue), (3, people), (4, write)] {
            self.took[part].push(ms);
        }
    }

    fn asked(&self) -> i64 {
        self.reasons.values().sum()
    }

    pub(super) fn percentile(&self, part: usize, percent: usize) -> Option<Number> {
        let list = &self.took[part];
        let rank = (list.len() * percent).div_ceil(100).max(1);
        list.get(rank - 1).copied().map(Number::Percentile)
    }
}

/// Where everything that is not of the runs comes from.
pub(super) struct Books<'a> {
    pub(super) money: &'a Money,
    zone: &'a Zone,
}

impl Books<'_> {
    /// The last minute of a day: a price that begins on it holds for all of it.
    fn close_of(&self, day: i64) -> Timestamp {
        let day = jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(day));
        let text = format!("{day}T23:59");
        self.zone.moment(&text).unwrap_or_default()
    }

    fn bill(&self, sums: &Sums<'_>, days: Option<(i64, i64)>) -> Bill {
        let mut bill = Bill::default();
        for sum in [&sums.first, &sums.again] {
            for (currency, micros) in sum {
                bill.book("tokens", currency, *micros);
            }
        }
        for ((day, ..), ms) in &sums.seen {
            bill.time(
                "review",
                *ms,
                self.money.hour("review", self.close_of(*day)),
            );
        }
        if let Some((from, to)) = days {
            self.entered(&mut bill, from, to);
            self.graded(from, to).for_each(|g| bill.graded(g));
        }
        bill
    }

    fn graded(&self, from: i64, to: i64) -> impl Iterator<Item = &super::money::Graded> {
        let all = self.money.graded.iter();
        all.filter(move |g| (from..=to).contains(&g.day))
    }

    pub(super) fn entered(&self, bill: &mut Bill, from: i64, to: i64) {
        for cost in &self.money.costs {
            if let Some((amount, currency)) = &cost.amount {
                bill.book(&cost.category, currency, cost.part(*amount, from, to));
            }
            let whose = match cost.category.as_str() {
                "support" | "review" => cost.category.as_str(),
                _ => "maintenance",
            };
            for day in from.max(cost.from)..=to.min(cost.to) {
                let ms = cost.part(cost.minutes.unwrap_or(0) * 60_000, day, day);
                let hour = self.money.hour(whose, self.close_of(day));
                bill.time(&cost.category, ms, hour);
            }
        }
    }

    /// Minutes of maintenance and support on these days, in milliseconds.
    fn upkeep_ms(&self, from: i64, to: i64) -> i64 {
        let upkeep =
            |c: &&super::money::Cost| matches!(c.category.as_str(), "maintenance" | "support");
        let all = self.money.costs.iter().filter(upkeep);
        all.map(|c| c.part(c.minutes.unwrap_or(0) * 60_000, from, to))
            .sum()
    }
}

/// Every number over these days.
pub(super) fn all(runs: &Runs, money: &Money, zone: &Zone, days: Days) -> Named {
    let books = Books { money, zone };
    let number = |day: Day| day_number(&day.to_string()).unwrap_or_default();
    let (from, to) = (number(days.from), number(days.to));
    let within = move |r: &Run| (from..=to).contains(&r.day);
    let sums = Sums::of(runs, within);
    let mut out = Named::new();
    let bill = books.bill(&sums, Some((from, to)));
    saved(&mut out, &books, &sums, (from, to));
    errors(&mut out, money.by_hand, &sums);
    figures(&mut out, &sums, &bill);
    super::claims::speed(&mut out, money.by_hand, &sums);
    super::metric::all(&mut out, &books, &sums, days.count());
    around(&mut out, &books, days);
    super::claims::all(&mut out, &books, &sums, days);
    costs(&mut out, "costs", &sums, &bill);
    for (reason, n) in &sums.reasons {
        out.push((format!("reasons.{reason}"), Number::Exact(*n)));
    }
    for (part, key) in ["total", "queue", "model", "review", "write"]
        .into_iter()
        .enumerate()
    {
        for percent in [50, 95, 99] {
            let name = format!("turnaround.{key}.p{percent}_ms");
            out.extend(sums.percentile(part, percent).map(|n| (name, n)));
        }
    }
    super::judged::all(&mut out, runs, (from, to));
    divided(&mut out, &books, runs, (from, to));
    let first = number(days.to.monday()) - 7 * (WEEKS - 1);
    for week in 0..WEEKS {
        let monday = first + 7 * week;
        one_week(&mut out, &books, runs, (monday, (monday + 6).min(to)));
    }
    out
}

/// By release and by who looked; what was entered belongs to neither.
fn divided(out: &mut Named, books: &Books<'_>, runs: &Runs, (from, to): (i64, i64)) {
    let within = |r: &&Run| (from..=to).contains(&r.day);
    let releases: std::collections::BTreeSet<u16> =
        runs.all.iter().filter(within).map(|r| r.release).collect();
    let tiers: std::collections::BTreeSet<Option<u16>> =
        runs.all.iter().filter(within).map(|r| r.tier).collect();
    let mut graded: std::collections::BTreeSet<&str> =
        books.graded(from, to).map(|g| g.release.as_str()).collect();
    for release in releases {
        let (sums, id) = (
            Sums::of(runs, |r| within(&r) && r.release == release),
            runs.said(release),
        );
        let mut bill = books.bill(&sums, None);
        let own = books.graded(from, to).filter(|g| g.release == id);
        own.for_each(|g| bill.graded(g));
        graded.remove(id);
        costs(out, &format!("releases.{id}.costs"), &sums, &bill);
    }
    // A release that was only evaluated.
    for id in graded {
        let mut bill = Bill::default();
        let own = books.graded(from, to).filter(|g| g.release == id);
        own.for_each(|g| bill.graded(g));
        costs(
            out,
            &format!("releases.{id}.costs"),
            &Sums::default(),
            &bill,
        );
    }
    for tier in tiers {
        let sums = Sums::of(runs, |r| within(&r) && r.tier == tier);
        let name = format!("tiers.{}.costs", tier.map_or("automatic", |w| runs.said(w)));
        costs(out, &name, &sums, &books.bill(&sums, None));
    }
    let mut entered = Bill::default();
    books.entered(&mut entered, from, to);
    let mut all = books.money.costs.iter();
    let some = all.any(|c| c.from <= to && c.to >= from);
    if some {
        let name = "releases.not divided.costs";
        costs(out, name, &Sums::default(), &entered);
    }
    books.graded(from, to).for_each(|g| entered.graded(g));
    if some || books.graded(from, to).next().is_some() {
        costs(out, "tiers.not divided.costs", &Sums::default(), &entered);
    }
}

fn one_week(out: &mut Named, books: &Books<'_>, runs: &Runs, (from, to): (i64, i64)) {
    let sums = Sums::of(runs, |r| (from..=to).contains(&r.day));
    let bill = books.bill(&sums, Some((from, to)));
    let monday = jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(from));
    let mut put = |name: &str, n: Number| out.push((format!("weeks.{monday}.{name}"), n));
    put("runs", Number::Exact(sums.runs));
    put("resolved", Number::Exact(sums.resolved));
    put("exceptions", Number::Exact(sums.asked()));
    for (reason, n) in &sums.reasons {
        put(&format!("reasons.{reason}"), Number::Exact(*n));
    }
    for (currency, micros) in &bill.total {
        put(&format!("total.{currency}"), Number::Exact(*micros));
        if sums.resolved > 0 {
            let each = rounded(*micros, 1, sums.resolved);
            put(&format!("per_task.{currency}"), Number::Exact(each));
        }
    }
    if let Some((net, ..)) = net(books, &sums, (from, to)) {
        put("net_ms", Number::Exact(net));
    }
    for percent in [50, 95] {
        if let Some(n) = sums.percentile(0, percent) {
            put(&format!("p{percent}_ms"), n);
        }
    }
}

/// The time saved, what it is at least where some of it was not measured, and its lines.
type Net = (i64, Option<i64>, [(&'static str, i64); 7]);

fn net(books: &Books<'_>, sums: &Sums<'_>, (from, to): (i64, i64)) -> Option<Net> {
    let by_hand = books.money.by_hand?;
    let finished = sums.resolved + sums.by_people;
    if by_hand.sample <= 0 || finished == 0 || (sums.timed == 0 && sums.untimed > 0) {
        return None;
    }
    let hand = |tasks: i64| rounded(by_hand.handling_ms, tasks, by_hand.sample);
    let lines = [
        ("gross", hand(finished)),
        ("manual", -hand(sums.by_people)),
        ("review", -sums.review_ms),
        ("rework", -sums.rework_ms),
        ("exceptions", -sums.exception_ms),
        ("second_looks", -sums.look_ms),
        ("upkeep", -books.upkeep_ms(from, to)),
    ];
    let net = lines.iter().map(|(_, ms)| ms).sum();
    let low = (sums.untimed > 0).then(|| net - hand(sums.untimed));
    Some((net, low, lines))
}

fn saved(out: &mut Named, books: &Books<'_>, sums: &Sums<'_>, span: (i64, i64)) {
    let Some((net, low, lines)) = net(books, sums, span) else {
        return;
    };
    for (key, ms) in lines {
        out.push((format!("saved.lines.{key}.ms"), Number::Exact(ms)));
    }
    for place in ["saved.net", "figures.net_saved"] {
        out.push((format!("{place}.value"), Number::Exact(net)));
        if let Some(low) = low {
            out.push((format!("{place}.low"), Number::Exact(low)));
            out.push((format!("{place}.high"), Number::Exact(net)));
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of cases stay far below 2^52"
)]
pub(super) fn score(hits: i64, of: i64) -> (f64, f64, f64) {
    let (n, p) = (of as f64, hits as f64 / of as f64);
    let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    (p, (centre - half).max(0.0), (centre + half).min(1.0))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a share times a million fits"
)]
pub(super) fn ppm(share: f64) -> i64 {
    (share * 1e6).round() as i64
}

fn errors(out: &mut Named, by_hand: Option<ByHand>, sums: &Sums<'_>) {
    let before = by_hand
        .filter(|b| b.sample > 0)
        .map(|b| (b.errors, b.sample));
    let after = (sums.looks >= LEAST_LOOKS).then_some((sums.wrong, sums.looks));
    let mut put = |short: &str, key: &str, value: i64, low: f64, high: f64| {
        for place in [format!("errors.{short}"), format!("figures.{key}")] {
            out.push((format!("{place}.value"), Number::Exact(value)));
            out.push((format!("{place}.low"), Number::End(ppm(low))));
            out.push((format!("{place}.high"), Number::End(ppm(high))));
        }
    };
    let share = |(hits, of): (i64, i64)| rounded(hits, 1_000_000, of);
    for (short, key, found) in [
        ("before", "error_before", before),
        ("after", "error_after", after),
    ] {
        if let Some(found) = found {
            let (_, low, high) = score(found.0, found.1);
            put(short, key, share(found), low, high);
        }
    }
    if let (Some(before), Some(after)) = (before, after) {
        let (q, l2, u2) = score(before.0, before.1);
        let (p, l1, u1) = score(after.0, after.1);
        let low = p - q - (p - l1).hypot(u2 - q);
        let high = p - q + (u1 - p).hypot(q - l2);
        let value = share(after) - share(before);
        put(
            "change",
            "error_change",
            value,
            low.max(-1.0),
            high.min(1.0),
        );
    }
}

fn figures(out: &mut Named, sums: &Sums<'_>, bill: &Bill) {
    let mut put = |name: &str, n: Number| out.push((format!("figures.{name}"), n));
    for (key, n) in [
        ("runs", sums.runs),
        ("resolved", sums.resolved),
        ("open", sums.open),
    ] {
        put(&format!("{key}.value"), Number::Exact(n));
    }
    if sums.runs > 0 {
        let ppm = rounded(sums.asked(), 1_000_000, sums.runs);
        put("exception_rate.value", Number::Exact(ppm));
    }
    for percent in [50, 95] {
        if let Some(n) = sums.percentile(0, percent) {
            put(&format!("turnaround_p{percent}.value"), n);
        }
    }
    let of_runs = sums.unpriced.is_empty() && sums.unreported == 0;
    let of_graders = bill.unpriced.is_empty() && bill.unreported == 0;
    // A decision that nobody timed cost something, and nobody knows how much.
    let whole = bill.unpriced_ms.is_empty() && of_runs && of_graders && sums.untimed == 0;
    for (currency, micros) in bill.total.iter().filter(|_| sums.resolved > 0) {
        let each = Number::Exact(rounded(*micros, 1, sums.resolved));
        put(&format!("cost_per_task.{currency}.value"), each);
        if !whole {
            put(&format!("cost_per_task.{currency}.low"), each);
        }
    }
}

/// Releases that went live and people who asked for help, by their moments.
fn around(out: &mut Named, books: &Books<'_>, days: Days) {
    let start = |day: Day| {
        books
            .zone
            .moment(&format!("{day}T00:00"))
            .unwrap_or_default()
    };
    let (from, to) = (start(days.from), start(days.to.plus(1)));
    let mut put =
        |name: &str, n: i64| out.push((format!("figures.{name}.value"), Number::Exact(n)));
    let live = books.money.live.iter();
    let mut waited: Vec<i64> = live
        .filter(|(_, at)| *at >= from && *at < to)
        .map(|(approved, at)| i64::try_from(at.since(*approved).as_millis()).unwrap_or(i64::MAX))
        .collect();
    waited.sort_unstable();
    for (key, percent) in [("lead_p50", 50), ("lead_p95", 95)] {
        let rank = (waited.len() * percent).div_ceil(100);
        if let Some(ms) = rank.checked_sub(1).and_then(|at| waited.get(at)) {
            put(key, *ms);
        }
    }
    put("released", i64::try_from(waited.len()).unwrap_or(i64::MAX));
    let (mut reports, mut timed, mut minutes) = (0, 0, 0);
    for asked in books.money.asked(from, to) {
        reports += 1;
        timed += i64::from(asked.minutes.is_some());
        minutes += asked.minutes.unwrap_or(0);
    }
    put("support_requests", reports);
    if reports == 0 || timed > 0 {
        put("support_time", minutes * 60_000);
    }
    if timed > 0 && timed < reports {
        // The others took time as well.
        let low = Number::Exact(minutes * 60_000);
        out.push(("figures.support_time.low".to_owned(), low));
    }
}

fn costs(out: &mut Named, name: &str, sums: &Sums<'_>, bill: &Bill) {
    let mut put = |more: &str, n: i64| out.push((format!("{name}.{more}"), Number::Exact(n)));
    for (category, money) in &bill.by_category {
        for (currency, micros) in money {
            put(&format!("by_category.{category}.{currency}"), *micros);
        }
    }
    for (currency, micros) in &sums.again {
        put(&format!("retries.{currency}"), *micros);
    }
    for (currency, micros) in &bill.total {
        put(&format!("total.{currency}"), *micros);
        if sums.resolved > 0 {
            let each = rounded(*micros, 1, sums.resolved);
            put(&format!("per_task.{currency}"), each);
        }
    }
    put("resolved", sums.resolved);
    put("runs", sums.runs);
    put("unreported", sums.unreported + bill.unreported);
    put("untimed", sums.untimed);
    for (category, ms) in &bill.unpriced_ms {
        put(&format!("unpriced_ms.{category}"), *ms);
    }
    let mut unpriced = bill.unpriced.clone();
    for (model, n) in &sums.unpriced {
        *unpriced.entry((*model).to_owned()).or_default() += n;
    }
    for (model, n) in &unpriced {
        put(&format!("unpriced.{model}"), *n);
    }
}
