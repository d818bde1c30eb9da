//! A change of the rules tried on a real history: the same reading and judging as the page does, over
//! runs that stand in the database with everything that belongs to them.

use std::time::Instant;

use serde::Serialize;
use serde_json::{Map, Value, json};
use tuesday_bench::drive;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{ReviewDecision, Routed};
use tuesday_domain::rules::{CellEdit, Facts, Lane, Route, pack, parse};
use tuesday_domain::run::Status;
use tuesday_engine::ops::{Backtest as Tried, BacktestWindow, RulesEdit};

use super::copies::{self, Model};
use super::package::{Bed, RULES, TABLE};
use super::problem;
use crate::out::unavailable;

/// Passes over the whole history; the first one finds cold pages.
const PASSES: usize = 3;

/// Back-tests over a history.
#[derive(Serialize)]
pub(super) struct Backtest {
    /// Runs added, and tried in every pass.
    pub(super) runs: u64,
    pub(super) fill_seconds: f64,
    /// Runs a second of each pass, end to end: reading, judging under both tables, counting.
    pub(super) runs_per_second: Vec<f64>,
    /// Runs that go from review to automatic, as counted by the back-test.
    pub(super) moved: u64,
    /// The same by plain arithmetic over what was written.
    pub(super) moved_by_hand: u64,
    /// Runs that a pass did not judge; must be 0.
    pub(super) missed: u64,
}

impl Backtest {
    /// Every run was judged, and as arithmetic says.
    pub(super) const fn holds(&self) -> bool {
        self.missed == 0 && self.moved == self.moved_by_hand
    }
}

/// The values of run number `n`: whole dollars up to 1,499, two of three sure enough, every tenth a no.
const fn values(n: u64) -> (u64, bool, bool) {
    (n * 7 % 1_500, !n.is_multiple_of(3), !n.is_multiple_of(10))
}

/// Under 750 and not under 500 dollars, sure enough, and a yes.
const fn moves(n: u64) -> bool {
    let (amount, sure, yes) = values(n);
    amount > 500 && amount <= 750 && sure && yes
}

pub(super) async fn run(bed: &Bed, runs: u64) -> Result<Backtest, Problem> {
    let written = bed.written()?;
    drive(bed.events(RULES, "model", 1), &written)
        .await
        .map_err(|e| problem(&e))?;
    let began = Instant::now();
    fill(bed, runs).await?;
    let fill_seconds = began.elapsed().as_secs_f64();
    let mut out = Backtest {
        runs,
        fill_seconds,
        runs_per_second: Vec::with_capacity(PASSES),
        moved: 0,
        moved_by_hand: (0..runs).filter(|n| moves(*n)).count() as u64,
        missed: 0,
    };
    for _ in 0..PASSES {
        let began = Instant::now();
        let tried = pass(bed, runs).await?;
        let seconds = began.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 runs")]
        out.runs_per_second.push(runs as f64 / seconds);
        let moved = tried.tally.moved.get(&(Lane::Review, Lane::Auto));
        out.moved = moved.map_or(0, |m| m.runs);
        out.missed += runs.saturating_sub(tried.tally.runs);
    }
    Ok(out)
}

/// The newest so many runs, all of which were added here.
async fn pass(bed: &Bed, runs: u64) -> Result<Tried, Problem> {
    let edit = RulesEdit::Cells(vec![CellEdit {
        row: "a".to_owned(),
        column: "amount".to_owned(),
        value: "750".to_owned(),
    }]);
    let window = BacktestWindow {
        last: Some(runs),
        days: None,
    };
    bed.engine()
        .backtest_rules(RULES, "olga", &edit, window)
        .await
}

async fn fill(bed: &Bed, runs: u64) -> Result<(), Problem> {
    let model = &Model::read(bed, RULES, Status::Completed).await?;
    let (rules, _) = parse(TABLE).map_err(|_| unavailable("the bench table cannot be read"))?;
    let columns = rules.columns();
    let routed = |n: u64| {
        let (amount, sure, yes) = values(n);
        let mut facts = Map::<String, Value>::new();
        facts.insert("amount".to_owned(), json!(format!("{amount}.00")));
        facts.insert(
            "confidence".to_owned(),
            json!(if sure { 0.93 } else { 0.61 }),
        );
        facts.insert("answer".to_owned(), json!(if yes { "yes" } else { "no" }));
        let auto = amount <= 500 && sure && yes;
        let row = if auto {
            "a"
        } else if amount > 1_000 {
            "b"
        } else {
            "p"
        };
        let said = [
            ReviewDecision::Approve,
            ReviewDecision::Approve,
            ReviewDecision::ApproveWithEdits,
            ReviewDecision::Reject,
        ];
        Routed {
            run: model.run_id(),
            workflow: RULES.to_owned(),
            rules_version: 1,
            row: Some(row.to_owned()),
            route: if auto { Route::Auto } else { Route::Review },
            facts: pack(columns, &Facts::new(&facts)),
            at: bed.now(),
            decision: (!auto).then(|| said[(n % 4) as usize]),
            confidence_ppm: None,
        }
    };
    copies::write(
        bed,
        (0..runs).map(|n| model.copy_routed(n, routed(n))),
        |_, _| {},
    )
    .await
}
