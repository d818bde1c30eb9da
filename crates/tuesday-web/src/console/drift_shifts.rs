//! The tables of a mix on the drift page: shift by shift and day by day, the newest and what drifted first.

use tuesday_domain::drift::{Judged, ShiftVerdict, Verdict};
use tuesday_engine::ops::DriftDimension;

use super::drift::share;
use super::words::{code, count};

/// One shift in the table.
pub(super) struct ShiftRow {
    pub(super) when: String,
    /// The day of it, as the list of runs takes it.
    pub(super) day: String,
    pub(super) runs: String,
    pub(super) tone: &'static str,
    pub(super) said: &'static str,
    pub(super) away: String,
    pub(super) evidence: String,
    pub(super) most: String,
}

pub(super) struct MixTable {
    pub(super) id: String,
    pub(super) title: String,
    /// `Shift` or `Day`.
    pub(super) of: &'static str,
    pub(super) about: String,
    /// Nothing more can be judged against this baseline.
    pub(super) spent: Option<String>,
    /// What one looks at first: the newest, and each that drifted.
    pub(super) rows: Vec<ShiftRow>,
    /// The others, folded.
    pub(super) rest: Vec<ShiftRow>,
}

fn shift_row(s: &ShiftVerdict) -> ShiftRow {
    let (tone, said) = match s.verdict {
        Verdict::Quiet => ("ok", "quiet"),
        Verdict::Found => ("bad", "drifted"),
        Verdict::NotEnough => ("plain", "not enough data"),
        Verdict::Open => ("plain", "too many still open"),
    };
    ShiftRow {
        when: format!("{} {}", s.day, s.shift).trim_end().to_owned(),
        day: s.day.to_string(),
        runs: count(s.runs),
        tone,
        said,
        away: share(s.distance_ppm),
        evidence: format!("{:.2}", s.evidence),
        most: s.moved.first().map_or_else(String::new, |m| {
            format!(
                "{}: {} instead of {}",
                code(&m.key),
                share(m.share_ppm),
                share(m.baseline_ppm)
            )
        }),
    }
}

/// The shifts of a dimension, and below them its days.
pub(super) fn tables(d: &DriftDimension) -> [MixTable; 2] {
    let title = if d.dimension == "outcome" {
        "What became of them"
    } else {
        "Where the machine sent them"
    };
    let one = |judged: &Judged, of: &'static str, by: &str, spent| {
        let (rows, rest) = folded(&judged.shifts);
        MixTable {
            id: format!("{}-{}", d.dimension, of.to_lowercase()),
            title: format!("{title}, {by}"),
            of,
            about: format!("a finding at evidence {:.0}", judged.suffices),
            spent,
            rows,
            rest,
        }
    };
    [
        one(&d.judged, "Shift", "shift by shift", d.spent()),
        one(&d.days, "Day", "day by day", None),
    ]
}

/// Shifts that are always shown; of the earlier ones those that drifted.
const NEWEST: usize = 6;

/// The newest shifts and those that drifted, and apart from them the rest, the newest first.
fn folded(shifts: &[ShiftVerdict]) -> (Vec<ShiftRow>, Vec<ShiftRow>) {
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for (back, shift) in shifts.iter().rev().enumerate() {
        let seen = back < NEWEST || matches!(shift.verdict, Verdict::Found);
        if seen { &mut first } else { &mut rest }.push(shift_row(shift));
    }
    (first, rest)
}
