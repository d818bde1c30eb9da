//! What was claimed or measured by hand, beside what is now, counted from the log: speed, upkeep against its
//! budget, and the hours of the problem.

use tuesday_domain::ledger::day::Days;

use super::bill::{Bill, ByCurrency, rounded};
use super::entry::day_number;
use super::money::ByHand;
use super::numbers::{Books, Named, Number, Sums};

/// How long half of the tasks took by hand, and how far now is from it.
pub(super) fn speed(out: &mut Named, by_hand: Option<ByHand>, sums: &Sums<'_>) {
    let Some(was) = by_hand.map(|b| b.turnaround_ms).filter(|ms| *ms > 0) else {
        return;
    };
    let mut put = |name: &str, n: Number| out.push((format!("figures.{name}.value"), n));
    put("turnaround_before", Number::Exact(was));
    if let Some(now) = sums.percentile(0, 50).map(Number::value) {
        put("turnaround_change", Number::Apart(now - was, now));
    }
}

/// Hours and cost of maintenance from the first of the last day's month up to that day, and what the
/// finished tasks would have taken by hand in a week.
pub(super) fn all(out: &mut Named, books: &Books<'_>, sums: &Sums<'_>, days: Days) {
    let to = day_number(&days.to.to_string()).unwrap_or_default();
    let first = format!("{}-01", &days.to.to_string()[..7]);
    let from = day_number(&first).unwrap_or(to);
    let mut put = |name: &str, n: i64| out.push((format!("figures.{name}"), Number::Exact(n)));
    let own = books
        .money
        .costs
        .iter()
        .filter(|c| c.category == "maintenance");
    let (mut any, mut timed, mut ms) = (0, 0, 0);
    for c in own.filter(|c| c.from <= to && c.to >= from) {
        // What was taken back is as never entered.
        let one = if c.takes_back { -1 } else { 1 };
        any += one;
        timed += c.minutes.map_or(0, |_| one);
        ms += c.part(c.minutes.unwrap_or(0) * 60_000, from, to);
    }
    if timed > 0 {
        put("maintenance_time.value", ms);
    }
    if let Some(currency) = books.money.budget.as_ref().filter(|_| any > 0) {
        let mut bill = Bill::default();
        books.entered(&mut bill, from, to);
        let booked = bill.by_category.get("maintenance");
        let micros = booked.and_then(|b| b.get(currency)).copied().unwrap_or(0);
        put(&format!("maintenance_cost.{currency}.value"), micros);
        let other = |b: &ByCurrency| b.iter().any(|(c, n)| c != currency && *n != 0);
        let unpriced = bill.unpriced_ms.get("maintenance").copied().unwrap_or(0);
        if booked.is_some_and(other) || unpriced != 0 {
            put(&format!("maintenance_cost.{currency}.low"), micros);
        }
    }
    if let Some(b) = books.money.by_hand.filter(|b| b.sample > 0) {
        let tasks = (sums.resolved + sums.by_people) * 7;
        put(
            "friction_measured.value",
            rounded(b.handling_ms, tasks, b.sample * days.count()),
        );
    }
}
