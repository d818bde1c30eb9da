//! The picture behind a cutoff: how much would go without a person against how wrong that may be.

use tuesday_domain::rules::{Advice, CutoffStep};

/// Size of the drawing and its margins in pixels.
const WIDTH: f64 = 620.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 40.0;

/// One cutoff.
pub(super) struct Point {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) tone: &'static str,
    /// It is the advised one.
    pub(super) advised: bool,
    pub(super) cutoff: String,
    pub(super) automatic: String,
    pub(super) errors: String,
    pub(super) upper: String,
    pub(super) verdict: &'static str,
}

/// A line across with its label.
pub(super) struct Tick {
    pub(super) at: String,
    pub(super) words: String,
}

/// Everything the template draws.
pub(super) struct Plot {
    /// In one sentence, for those who do not see it.
    pub(super) words: String,
    pub(super) points: Vec<Point>,
    /// The points as a line.
    pub(super) line: String,
    pub(super) rows: Vec<Tick>,
    pub(super) columns: Vec<Tick>,
    pub(super) budget_y: String,
    pub(super) budget: String,
    /// Words at the advised point, and where they stand.
    pub(super) label: Option<(String, String, String, &'static str)>,
}

/// A share in percent with one digit.
pub(super) fn share(of: f64) -> String {
    format!("{:.1} %", of * 100.0)
}

/// Number of decimals that tells cutoffs apart.
fn plain(n: f64) -> String {
    let text = format!("{n:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of cases are far below 2^52"
)]
fn automatic(step: &CutoffStep, all: u64) -> f64 {
    step.cases as f64 / all.max(1) as f64
}

/// Draws the advice. The height ends a little above the budget, or where the curve ends if that is
/// lower than four budgets, so that what matters is not squeezed to the ground.
pub(super) fn plot(advice: &Advice, budget: f64, column: &str, side: &str) -> Plot {
    let highest = advice.steps.iter().map(|s| s.upper).fold(0.0, f64::max);
    let top = highest.clamp(budget * 1.6, budget * 8.0).min(1.0);
    let x = |share: f64| LEFT + share * (WIDTH - LEFT - RIGHT);
    let y = |share: f64| HEIGHT - BOTTOM - (share.min(top) / top) * (HEIGHT - TOP - BOTTOM);
    let at = |n: f64| format!("{n:.1}");
    let name = column.replace('_', " ");
    let points: Vec<Point> = advice
        .steps
        .iter()
        .map(|s| Point {
            x: at(x(automatic(s, advice.cases))),
            y: at(y(s.upper)),
            tone: match s.passed {
                Some(true) => "ok",
                Some(false) => "bad",
                None => "plain",
            },
            advised: advice.cutoff == Some(s.cutoff),
            cutoff: format!("{side} {}", plain(s.cutoff)),
            automatic: share(automatic(s, advice.cases)),
            errors: format!("{} of {}", s.errors, s.cases),
            upper: share(s.upper),
            verdict: match s.passed {
                Some(true) => "holds",
                Some(false) => "fails",
                None => "not tested",
            },
        })
        .collect();
    let line = points.iter().map(|p| format!("{},{}", p.x, p.y));
    let line = line.collect::<Vec<_>>().join(" ");
    let label = points.iter().find(|p| p.advised).map(|p| {
        let far = p.x.parse::<f64>().is_ok_and(|x| x > WIDTH * 0.6);
        let words = format!("{} {}: {} without a person", name, p.cutoff, p.automatic);
        (
            words,
            p.x.clone(),
            p.y.clone(),
            if far { "end" } else { "start" },
        )
    });
    let words = match &label {
        Some((words, ..)) => format!("The error stays under {} up to {words}.", share(budget)),
        None => format!(
            "No cutoff of {name} keeps the error under {}.",
            share(budget)
        ),
    };
    let rows = [0.0, 0.25, 0.5, 0.75, 1.0].map(|part| Tick {
        at: at(y(top * part)),
        words: share(top * part),
    });
    let columns = [0.0, 0.25, 0.5, 0.75, 1.0].map(|part| Tick {
        at: at(x(part)),
        words: format!("{:.0} %", part * 100.0),
    });
    Plot {
        words,
        points,
        line,
        rows: rows.into(),
        columns: columns.into(),
        budget_y: at(y(budget)),
        budget: share(budget),
        label,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn step(cutoff: f64, cases: u64, upper: f64, passed: Option<bool>) -> CutoffStep {
        CutoffStep {
            cutoff,
            cases,
            errors: 1,
            upper,
            p_value: 0.01,
            passed,
        }
    }

    #[test]
    fn the_advised_point_lies_under_the_budget_and_keeps_its_words_inside() {
        let advice = Advice {
            cutoff: Some(0.8),
            steps: vec![
                step(0.95, 100, 0.03, None),
                step(0.8, 800, 0.015, Some(true)),
                step(0.5, 1_000, 0.9, Some(false)),
            ],
            cases: 1_000,
            needed: 149,
        };
        let drawn = plot(&advice, 0.02, "confidence", ">=");
        let n = |t: &str| t.parse::<f64>().unwrap();
        let best = &drawn.points[1];
        assert!(
            best.advised && n(&best.y) > n(&drawn.budget_y),
            "lower on the page is less"
        );
        assert_eq!(best.automatic, "80.0 %");
        let (words, _, _, anchor) = drawn.label.unwrap();
        assert_eq!(
            (words.as_str(), anchor),
            ("confidence >= 0.8: 80.0 % without a person", "end")
        );
        assert!(
            n(&drawn.points[2].y) >= TOP,
            "what is far off the scale stays on the paper"
        );
        assert!(drawn.points[0].x < drawn.points[1].x);
    }

    #[test]
    fn without_a_case_there_is_a_sentence_and_no_point() {
        let none = Advice {
            cutoff: None,
            steps: Vec::new(),
            cases: 0,
            needed: 149,
        };
        let drawn = plot(&none, 0.02, "amount_eur", "<=");
        assert!(drawn.points.is_empty() && drawn.label.is_none());
        assert_eq!(
            drawn.words,
            "No cutoff of amount eur keeps the error under 2.0 %."
        );
    }
}
