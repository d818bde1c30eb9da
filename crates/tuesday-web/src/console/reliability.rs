//! Stated confidence against what people found right: a point for each band with its interval, and the line
//! on which every point would lie.

use std::fmt::Write as _;

use tuesday_domain::drift::calibration::BandState;
use tuesday_domain::ledger::shown::Unit;
use tuesday_engine::ops::{BandShown, Calibration};

use super::chart::Chart;
use super::scorecard::Drawn;
use super::shown::text;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 26.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 40.0;

/// A band in the table.
pub(super) struct BandRow {
    pub(super) band: String,
    pub(super) tone: &'static str,
    pub(super) said: &'static str,
    pub(super) runs: String,
    pub(super) stated: String,
    pub(super) right: String,
    pub(super) ends: String,
    pub(super) words: String,
    /// A person may rely on it all the same.
    pub(super) off: bool,
}

fn share(ppm: Option<i64>) -> String {
    ppm.map_or_else(|| "missing".to_owned(), |n| text(n, Unit::Share, None))
}

/// A band in the table.
pub(super) fn row(b: &BandShown) -> BandRow {
    let (tone, said) = match b.state {
        BandState::Few if b.holds => ("plain", "granted"),
        BandState::Few => ("plain", "too few"),
        BandState::Current => ("ok", "current"),
        BandState::Modest => ("ok", "says too little"),
        BandState::Miscalibrated => ("bad", "miscalibrated"),
        BandState::Relied => ("warn", "relied on"),
    };
    let since = b
        .from
        .map_or_else(String::new, |day| format!("outcomes since {day} count"));
    let found = b.words.clone().unwrap_or_default();
    BandRow {
        band: b.band.to_string(),
        tone,
        said,
        runs: b.runs.to_string(),
        stated: share(b.stated_ppm),
        right: share(b.right_ppm),
        ends: match (b.low_ppm, b.high_ppm) {
            (Some(low), Some(high)) => format!("{} to {}", share(Some(low)), share(Some(high))),
            _ => String::new(),
        },
        words: [found, since]
            .into_iter()
            .filter(|w| !w.is_empty())
            .collect::<Vec<_>>()
            .join("; "),
        off: b.state == BandState::Miscalibrated,
    }
}

#[expect(clippy::cast_precision_loss, reason = "millionths on a drawing")]
fn part(ppm: i64) -> f64 {
    ppm as f64 / 1e6
}

fn x(share: f64) -> f64 {
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

fn y(share: f64) -> f64 {
    HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
}

fn frame(svg: &mut String) {
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let words = format!("{:.0} %", tick * 100.0);
        let class = if tick == 0.0 { "zero" } else { "grid" };
        let _ = write!(
            svg,
            "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{words}</text><text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{words}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            y(tick) + 4.0,
            x(tick),
            HEIGHT - BOTTOM + 16.0,
            at = y(tick),
        );
    }
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">stated confidence</text><line class=\"zero\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/><text class=\"name\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">as stated</text>",
        f64::midpoint(x(0.0), x(1.0)),
        HEIGHT - 4.0,
        x(0.0),
        y(0.0),
        x(1.0),
        y(1.0),
        x(0.62),
        y(0.66),
    );
}

/// The picture with its figures.
pub(super) fn drawn(c: &Calibration) -> Drawn {
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Share that people found right, by stated confidence\">"
    );
    frame(&mut svg);
    for b in &c.bands {
        let (Some(said), Some(right), Some(low), Some(high)) =
            (b.stated_ppm, b.right_ppm, b.low_ppm, b.high_ppm)
        else {
            continue;
        };
        let (at, class) = (
            x(part(said)),
            if b.state == BandState::Miscalibrated {
                "c2"
            } else {
                "c1"
            },
        );
        let _ = write!(
            svg,
            "<path class=\"{class}\" d=\"M{at:.1} {:.1}L{at:.1} {:.1}\"/><circle class=\"{class}\" cx=\"{at:.1}\" cy=\"{:.1}\" r=\"4\"/>",
            y(part(low)),
            y(part(high)),
            y(part(right)),
        );
    }
    if c.bands.iter().all(|b| b.runs == 0) {
        let (at, half) = (f64::midpoint(x(0.0), x(1.0)), y(0.25) - 8.0);
        let _ = write!(
            svg,
            "<text class=\"none\" x=\"{at:.1}\" y=\"{half:.1}\" text-anchor=\"middle\">Nothing is known yet</text>"
        );
    }
    svg.push_str("</svg>");
    let head = [
        "Confidence",
        "Outcomes",
        "Stated",
        "Right",
        "At least",
        "At most",
    ];
    let rows = c.bands.iter().map(|b| {
        vec![
            b.band.to_string(),
            b.runs.to_string(),
            share(b.stated_ppm),
            share(b.right_ppm),
            share(b.low_ppm),
            share(b.high_ppm),
        ]
    });
    Drawn {
        id: "chart-reliability",
        title: "Does stated confidence come true?",
        about: format!(
            "the share that people found right, with its 95 % interval; {} days, {}",
            c.window_days, c.model
        ),
        chart: Chart {
            svg,
            head: head.map(str::to_owned).to_vec(),
            rows: rows.collect(),
        },
    }
}
