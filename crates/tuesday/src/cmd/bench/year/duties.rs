//! What the house does besides the cases: prices and costs, the weekly look, people who leave and come, help
//! for those who ask, and what follows when the mix drifts.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::entry::NewCost;
use tuesday_domain::ledger::price::NewPrice;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{CostCategory, DriftState, PriceKind, ProblemState};
use tuesday_domain::trouble::incident::FixLayer;
use tuesday_engine::ops::{Answer, NewBaseline, QuarterWish};
use tuesday_store::ProblemFilter;

use super::bed::{Bed, COMES, LEAVES, NAME, OPERATOR};
use super::plan::{Part, Plan, dice};
use crate::out::unavailable;

/// Days of the new mix that are frozen after a drift.
const AGAIN: u64 = 14;

/// The day begins.
pub(super) async fn morning(bed: &Bed, plan: &Plan, part: &Part) -> Result<(), Problem> {
    bed.at(part.at.minus(Duration::from_secs(3_600))).await?;
    let (engine, today) = (bed.engine(), plan.day(part.day));
    if part.day == 0 {
        first(bed, today).await?;
    }
    if part.day == plan.on(250) || part.day == plan.on(660) {
        let dearer = i64::from(part.day == plan.on(660));
        let why = "the provider's new list";
        prices(bed, 2_000_000 + 3_000_000 * dearer, 44_000_000, why).await?;
    }
    if part.day == plan.on(330) {
        let by = Actor::Person(OPERATOR.to_owned());
        engine
            .set_active(LEAVES, false, "left the house", &by)
            .await?;
        bed.install(COMES).await?;
    }
    if part.day.is_multiple_of(7) && part.day >= 7 {
        week(bed, today.plus(-7), part.day).await?;
    }
    if part.day.is_multiple_of(30) {
        let cost = cost(CostCategory::Infrastructure, today, today.plus(29));
        let invoice = NewCost {
            amount_micros: Some(249_990_000),
            currency: Some("EUR".to_owned()),
            vendor: Some("Rack House".to_owned()),
            ..cost
        };
        engine.enter_cost(invoice, OPERATOR).await?;
    }
    if part.day % 85 == 84 {
        let why = "the label still says what it is";
        let wish = QuarterWish::read("keep", "", why)?;
        Box::pin(engine.review_label(NAME, wish, OPERATOR)).await?;
    }
    Ok(())
}

fn cost(category: CostCategory, from: Day, to: Day) -> NewCost {
    NewCost {
        category,
        workflow: Some(NAME.to_owned()),
        from,
        to,
        amount_micros: None,
        currency: None,
        minutes: None,
        person: None,
        vendor: None,
        bucket: None,
        words: "for the cases of the year".to_owned(),
        reference: None,
    }
}

async fn first(bed: &Bed, today: Day) -> Result<(), Problem> {
    let baseline = NewBaseline {
        sample: 120,
        handling_ms: 120 * 312_000,
        errors: 7,
        turnaround_ms: 3_600_000,
        method: "stopwatch at the desk".to_owned(),
        from: today.plus(-10),
        to: today.plus(-3),
    };
    bed.engine()
        .capture_baseline(NAME, baseline, OPERATOR)
        .await?;
    // What the weekly look is about; without it no week can be signed.
    let metric = format!("error_rate at most 20 by {}", today.plus(90));
    bed.engine()
        .state_charter(NAME, "ninety_day_metric", &metric, OPERATOR)
        .await?;
    prices(bed, 3_000_000, 36_000_000, "as agreed").await
}

/// Prices of tokens and hours from now on, in millionths.
async fn prices(bed: &Bed, input: i64, hour: i64, reason: &str) -> Result<(), Problem> {
    let price = |kind, name: &str| NewPrice {
        kind,
        name: name.to_owned(),
        currency: "EUR".to_owned(),
        input_micros: None,
        output_micros: None,
        hour_micros: None,
        from: None,
    };
    let of_hour = |name: &str, micros| NewPrice {
        hour_micros: Some(micros),
        ..price(PriceKind::Hour, name)
    };
    let all = [
        NewPrice {
            input_micros: Some(input),
            output_micros: Some(5 * input),
            ..price(PriceKind::Model, "stub")
        },
        of_hour("review", hour),
        of_hour("maintenance", 2 * hour),
        of_hour("support", hour / 2),
    ];
    bed.engine().set_prices(&all, reason, OPERATOR).await?;
    Ok(())
}

/// The week that is over is looked at, its hours are booked, and one who asked gets an answer.
async fn week(bed: &Bed, monday: Day, day: u64) -> Result<(), Problem> {
    let engine = bed.engine();
    engine.make_figures().await?;
    let note = "nothing to decide";
    engine.sign_week(NAME, monday, note, OPERATOR).await?;
    let minutes = i64::try_from(45 + dice(day, 21, 90)).unwrap_or(45);
    let hours = NewCost {
        minutes: Some(minutes),
        person: Some("tess".to_owned()),
        ..cost(CostCategory::Maintenance, monday, monday.plus(6))
    };
    engine.enter_cost(hours, OPERATOR).await?;
    let filter = ProblemFilter {
        open: true,
        ..ProblemFilter::default()
    };
    let open = engine.reader().problem_reports(&filter, None, 1).await;
    for report in open.map_err(|e| unavailable(e.to_string()))? {
        let answer = Answer {
            words: "the prompt says it now".to_owned(),
            layer: Some(FixLayer::Prompt),
            without_code: Some(true),
            minutes: Some(7 + u32::try_from(dice(day, 22, 40)).unwrap_or(0)),
        };
        let to = ProblemState::QualityIssue;
        Box::pin(engine.triage(report.id, to, &report.owner, answer)).await?;
    }
    Ok(())
}

/// The mix is looked at after each part of a day. What is found stays open for a while, then the new mix
/// becomes the baseline and the finding is closed. Answers the numbers of what was found.
pub(super) async fn mix(bed: &Bed, plan: &Plan, part: &Part) -> Result<Vec<u32>, Problem> {
    let engine = bed.engine();
    // Only what this part of the day moved: all that moved lately, by the clock on the wall, is many weeks
    // of this one.
    for day in [part.day.saturating_sub(1), part.day] {
        engine.make_day(NAME, &plan.day(day).to_string()).await?;
    }
    engine.watch_mixes().await?;
    let found = engine.reader().drift_findings(NAME, 1_000).await;
    let found = found.map_err(|e| unavailable(e.to_string()))?;
    let open = found.iter().filter(|f| f.state == DriftState::Open);
    let now = engine.now();
    let age = Duration::from_secs(86_400 * (AGAIN + 1));
    let old: Vec<u32> = open
        .filter(|f| now.since(f.found_at) > age)
        .map(|f| f.seq)
        .collect();
    if !old.is_empty() && part.opens_day {
        let to = plan.day(part.day).plus(-1);
        let from = to.plus(1 - i64::try_from(AGAIN).unwrap_or(0));
        let why = "the provider changed the model; the new mix was looked at and is right";
        engine
            .freeze_mix(NAME, Days { from, to }, why, OPERATOR)
            .await?;
        for seq in old {
            engine.close_drift(NAME, seq, why, OPERATOR).await?;
        }
    }
    Ok(found.iter().map(|f| f.seq).collect())
}
