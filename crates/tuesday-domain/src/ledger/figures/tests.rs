//! Figures by hand against figures by fold.
#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::id::ReleaseId;
use crate::record::{AttemptResult, Usage};

fn at(secs: u64) -> Timestamp {
    Timestamp::from_micros(1_795_078_800_000_000).plus(Duration::from_secs(secs))
}

fn run(outcome: Option<Outcome>) -> RunFacts {
    RunFacts {
        release: ReleaseId::new(Uuid::from_u128(1)),
        source: "webhook:ticket".into(),
        outcome,
        review: ReviewStatus::None,
        reason: None,
        received_at: at(0),
        finished_at: outcome.map(|_| at(100)),
        calls: Vec::new(),
        tasks: Vec::new(),
        first_sent_at: None,
        look: None,
        row: None,
        confidence_ppm: None,
        shift: "day".into(),
        group: None,
        reported: None,
        opened_at: None,
        faults: Vec::new(),
    }
}

fn call(number: u32, cost_micros: Option<i64>, usage: Option<Usage>) -> CallFacts {
    CallFacts {
        model: Some("m-1".into()),
        number,
        result: AttemptResult::Done,
        duration_us: 4_000_000,
        usage,
        cost_micros,
        currency: cost_micros.map(|_| "EUR".into()),
    }
}

fn task(kind: ReviewKind, decision: Option<ReviewDecision>, visible_ms: Option<u64>) -> TaskFacts {
    TaskFacts {
        kind,
        tier: "desk".into(),
        reason: Reason::Rule,
        decision,
        created_at: at(10),
        decided_at: decision.map(|_| at(70)),
        visible_ms,
        decided_by: decision.map(|_| "pia".into()),
        outside: None,
    }
}

const TOKENS: Option<Usage> = Some(Usage {
    input_tokens: 100,
    output_tokens: 20,
});

#[test]
fn a_resolved_run_is_split_into_parts_that_add_up() {
    let mut one = run(Some(Outcome::WrittenBack));
    one.review = ReviewStatus::Approved;
    one.reason = Some(Reason::Rule);
    one.calls = vec![call(1, None, None), call(2, Some(30), TOKENS)];
    one.tasks = vec![task(
        ReviewKind::Output,
        Some(ReviewDecision::Approve),
        Some(40_000),
    )];
    one.first_sent_at = Some(at(95));
    let mut figures = DayFigures::new();
    figures.add(&one);
    assert_eq!(one.tier(), "desk");
    let p50 = |h: &Histogram| h.percentile(50).unwrap();
    let parts = [
        p50(&figures.queue),
        p50(&figures.model),
        p50(&figures.review),
        p50(&figures.write),
    ];
    // 100 s: 8 at the model in two calls, 60 with people, 5 at the destination, 27 in the queue.
    for (found, hand) in parts.iter().zip([27_000, 4_000, 60_000, 5_000]) {
        assert!(found.abs_diff(hand) * 100 <= hand, "{parts:?}");
    }
    assert_eq!((figures.unreported, figures.retries), (1, 1));
    assert_eq!(figures.again["EUR"], 30);
    assert_eq!(figures.exceptions["rule"], 1);
    assert_eq!(
        (figures.approved, figures.timed, figures.review_ms),
        (1, 1, 40_000)
    );
}

#[test]
fn calls_that_timed_out_are_in_the_percentiles_of_the_model() {
    let mut figures = DayFigures::new();
    let mut quick = run(Some(Outcome::WrittenBack));
    quick.calls = vec![call(1, Some(0), TOKENS)];
    figures.add(&quick);
    // Every call of this one timed out; people have it, and it is open.
    let mut lost = run(None);
    let timed_out = |number| CallFacts {
        result: AttemptResult::TimedOut,
        duration_us: 30_000_000,
        ..call(number, None, None)
    };
    lost.calls = vec![timed_out(1), timed_out(2), timed_out(3)];
    figures.add(&lost);
    let half = figures.model.percentile(50).unwrap();
    assert!(half.abs_diff(30_000) * 100 <= 30_000, "{half}");
    let whole = figures.total.percentile(99).unwrap();
    assert!(
        whole.abs_diff(100_000) * 100 <= 100_000,
        "only the resolved one: {whole}"
    );
}

#[test]
fn what_is_unknown_is_counted_and_never_zero_money() {
    let mut figures = DayFigures::new();
    let mut one = run(Some(Outcome::HandedOff));
    one.review = ReviewStatus::Pending;
    one.calls = vec![call(1, None, TOKENS), call(1, Some(0), None)];
    one.tasks = vec![
        task(ReviewKind::Manual, Some(ReviewDecision::HandOver), None),
        task(ReviewKind::SecondLook, None, Some(500)),
    ];
    figures.add(&one);
    figures.add(&run(None));
    assert_eq!(figures.unpriced["m-1"], 1);
    assert!(figures.first.is_empty(), "a built-in model costs nothing");
    assert_eq!(figures.exceptions[UNCLASSIFIED], 1);
    assert_eq!((figures.untimed, figures.look_ms), (1, 500));
    assert_eq!(
        (figures.runs, figures.open, figures.resolved),
        (2, 1, 0),
        "an open run is counted and not resolved"
    );
    let text = serde_json::to_string(&figures).unwrap();
    assert_eq!(serde_json::from_str::<DayFigures>(&text).unwrap(), figures);
}

proptest! {
    #[test]
    fn days_merged_are_the_days_counted_together(
        kinds in prop::collection::vec((0_u8..5, 0_i64..1_000, 0_u64..90_000), 1..60), cut in 0_usize..60,
    ) {
        let made: Vec<RunFacts> = kinds.iter().map(|(kind, cost, seen)| {
            let outcome = [None, Some(Outcome::WrittenBack), Some(Outcome::HandedOff),
                Some(Outcome::Rejected), Some(Outcome::DraftPlaced)][usize::from(*kind)];
            let mut one = run(outcome);
            one.calls = vec![call(1 + u32::from(*kind % 2), Some(*cost), TOKENS)];
            one.tasks = vec![task(ReviewKind::Output, Some(ReviewDecision::Approve), Some(*seen))];
            one
        }).collect();
        let (left, right) = made.split_at(cut.min(made.len()));
        let sum = |runs: &[RunFacts]| {
            let mut f = DayFigures::new();
            runs.iter().for_each(|r| f.add(r));
            f
        };
        let mut merged = sum(left);
        merged.merge(&sum(right));
        prop_assert_eq!(merged, sum(&made));
    }
}

#[test]
fn a_day_keeps_some_sources_apart_and_counts_all() {
    let mut day = DayFigures::new();
    for n in 0..100 {
        let source = format!("webhook:{}", n % 30);
        day.add(&RunFacts {
            source,
            ..run(None)
        });
    }
    assert_eq!((day.sources.len(), day.sources.values().sum()), (21, 100));
    let mut other = DayFigures::new();
    other.add(&run(None));
    day.merge(&other);
    assert_eq!((day.sources.len(), day.sources[OTHERS]), (21, 31));
}

#[test]
fn groups_of_a_day_cost_what_their_runs_cost() {
    let mut day = DayFigures::new();
    let run = |group: Option<&str>, micros| RunFacts {
        group: group.map(str::to_owned),
        calls: vec![call(1, Some(micros), TOKENS)],
        ..run(Some(Outcome::WrittenBack))
    };
    day.add(&run(Some("emea"), 5));
    day.add(&run(Some("emea"), 6));
    day.add(&run(None, 7));
    let cost = |group: &str| day.groups[group].first["EUR"];
    assert_eq!((cost("emea"), cost("")), (11, 7));
    assert_eq!(day.groups["emea"].resolved, 2);
    let mut twice = day.clone();
    twice.merge(&day);
    assert_eq!((twice.groups["emea"].runs, twice.groups[""].runs), (4, 2));
}

#[test]
fn a_day_keeps_some_groups_apart_in_adoption_too_and_counts_all() {
    let of = |from: u32, to: u32| {
        let mut day = DayFigures::new();
        for n in from..to {
            day.add(&RunFacts {
                group: Some(format!("g{n}")),
                ..run(Some(Outcome::WrittenBack))
            });
        }
        day
    };
    let mut day = of(0, 80);
    let delivered = |d: &DayFigures| d.adopted.values().map(|n| n.delivered).sum::<u64>();
    assert_eq!((day.adopted.len(), delivered(&day)), (51, 80));
    assert_eq!(day.adopted[OTHERS].delivered, 30);
    day.merge(&of(80, 160));
    assert_eq!((day.adopted.len(), delivered(&day)), (51, 160));
    assert_eq!(day.adopted[OTHERS].delivered, 110);
}
