//! Declared conditions under which a workflow stops by itself: pause rules, and the one kill
//! condition. What is measured is read elsewhere; what it means is decided here, in whole numbers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Span;
use crate::words::words;
use crate::workflow::Stage;

words! {
    /// What a pause rule looks at.
    Metric {
        /// Share of runs that ended before a person because something failed, in percent.
        ErrorRate = "error_rate",
        /// Share of reviewed outputs that people changed or rejected, in percent.
        OverrideRate = "override_rate",
        /// Share of runs in which the model refused or was not sure, in percent.
        RefusalRate = "refusal_rate",
        /// Share of runs with a stale, unreadable or contradictory source, in percent.
        StaleRate = "stale_rate",
        /// What the runs of today cost, in the price's currency.
        CostPerDay = "cost_per_day",
        /// Signals of one kind that arrived.
        Signals = "signals",
        /// Minutes since the last event.
        Silence = "silence",
    }
}

words! {
    /// How a figure is held against the number.
    Comparison {
        /// Strictly more.
        Above = "above",
        /// As much or more.
        AtLeast = "at_least",
        /// Strictly less.
        Below = "below",
    }
}

words! {
    /// What a figure means that cannot be read.
    OnMissing {
        /// The condition counts as met.
        Pause = "pause",
        /// The condition counts as not met.
        Ignore = "ignore",
    }
}

/// `[[pause_rule]]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PauseRule {
    /// Unique in the workflow; shown to people.
    pub name: String,
    /// What it looks at.
    pub metric: Metric,
    /// How it is compared.
    #[serde(default = "above")]
    pub comparison: Comparison,
    /// The number: percent, money, a count, or minutes, as the metric says.
    pub number: f64,
    /// Over the newest so many runs or decisions; not judged before there are as many.
    #[serde(default)]
    pub over_runs: Option<u32>,
    /// Over what came in this span.
    #[serde(default)]
    pub over: Option<Span>,
    /// signals: which kind.
    #[serde(default)]
    pub signal: Option<String>,
    /// What it means when the figure cannot be read.
    #[serde(default = "pause")]
    pub on_missing: OnMissing,
}

const fn above() -> Comparison {
    Comparison::Above
}
const fn pause() -> OnMissing {
    OnMissing::Pause
}

/// `[kill]`: the one condition that ends automation until a person decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KillCondition {
    /// In words, for people.
    pub condition: String,
    /// The kind of signal that says how an output turned out.
    pub signal: String,
    /// Met strictly above this share of wrong ones, in percent.
    pub above: f64,
    /// Judged over exactly so many of the newest ones.
    pub over: u32,
    /// The feed counts as gone when nothing arrived for so long: then the workflow is paused.
    #[serde(default)]
    pub feed_within: Option<Span>,
}

/// `[[rollout.entry]]`: what must be true before a stage begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryCondition {
    /// The stage it guards.
    pub stage: Stage,
    /// What it looks at.
    pub metric: Metric,
    /// How it is compared.
    pub comparison: Comparison,
    /// The number, as for a pause rule.
    pub number: f64,
    /// Over the newest so many runs or decisions of the present stage.
    #[serde(default)]
    pub over_runs: Option<u32>,
    /// Over what came in this span.
    #[serde(default)]
    pub over: Option<Span>,
    /// signals: which kind.
    #[serde(default)]
    pub signal: Option<String>,
}

impl EntryCondition {
    /// The condition in the form that is judged; what cannot be read is not true.
    #[must_use]
    pub fn as_rule(&self) -> PauseRule {
        PauseRule {
            name: format!("entry to {}", self.stage),
            metric: self.metric,
            comparison: self.comparison,
            number: self.number,
            over_runs: self.over_runs,
            over: self.over,
            signal: self.signal.clone(),
            on_missing: OnMissing::Ignore,
        }
    }
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// So many of so many.
    Share {
        /// Those that count.
        part: u64,
        /// All of them.
        whole: u64,
    },
    /// A number in thousandths.
    Amount {
        /// Thousandths.
        milli: u64,
    },
    /// Nobody knows, for this reason.
    Missing(String),
}

/// How a condition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is met.
    Met,
    /// It is not met.
    Clear,
    /// There is not enough to judge by.
    Counting,
    /// The figure is missing, and that counts as met.
    Missing,
}

impl Standing {
    /// Must the workflow stop?
    #[must_use]
    pub const fn stops(self) -> bool {
        matches!(self, Self::Met | Self::Missing)
    }

    /// One word for tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Clear => "clear",
            Self::Counting => "counting",
            Self::Missing => "missing",
        }
    }
}

/// A condition with its present figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// How it stands.
    pub standing: Standing,
    /// The figure and the limit in words: `override_rate 34 % (17 of 50), limit above 30 %`.
    pub words: String,
}

/// Thousandths of a declared number; the lint has refused what is none.
fn milli(number: f64) -> u64 {
    let scaled = (number * 1_000.0).round();
    if scaled.is_finite() && scaled > 0.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "finite and positive; a larger one saturates"
        )]
        {
            scaled as u64
        }
    } else {
        0
    }
}

/// `34` or `34.5` from thousandths.
fn plain(milli: u64) -> String {
    let text = format!("{}.{:03}", milli / 1_000, milli % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn holds(comparison: Comparison, figure: u128, limit: u128) -> bool {
    match comparison {
        Comparison::Above => figure > limit,
        Comparison::AtLeast => figure >= limit,
        Comparison::Below => figure < limit,
    }
}

impl Metric {
    const fn unit(self) -> &'static str {
        match self {
            Self::ErrorRate | Self::OverrideRate | Self::RefusalRate | Self::StaleRate => " %",
            Self::Silence => " minutes",
            Self::CostPerDay | Self::Signals => "",
        }
    }

    /// Is it a share of something?
    #[must_use]
    pub const fn is_rate(self) -> bool {
        matches!(
            self,
            Self::ErrorRate | Self::OverrideRate | Self::RefusalRate | Self::StaleRate
        )
    }
}

/// How a pause rule stands with this reading.
#[must_use]
pub fn judge(rule: &PauseRule, reading: &Reading) -> Judged {
    let limit = milli(rule.number);
    let (name, unit) = (rule.metric, rule.metric.unit());
    let comparison = rule.comparison.word().replace('_', " ");
    let against = format!("limit {comparison} {}{unit}", plain(limit));
    let verdict = |met| if met { Standing::Met } else { Standing::Clear };
    let (standing, figure) = match reading {
        Reading::Missing(why) => {
            let standing = match rule.on_missing {
                OnMissing::Pause => Standing::Missing,
                OnMissing::Ignore => Standing::Clear,
            };
            (standing, format!("cannot be read: {why}"))
        }
        Reading::Share { part, whole } => {
            let wanted = u64::from(rule.over_runs.unwrap_or(1).max(1));
            if *whole < wanted {
                (Standing::Counting, format!("{whole} of {wanted}"))
            } else {
                let met = holds(
                    rule.comparison,
                    u128::from(*part) * 100_000,
                    u128::from(limit) * u128::from(*whole),
                );
                (
                    verdict(met),
                    format!("{} ({part} of {whole})", percent(*part, *whole)),
                )
            }
        }
        Reading::Amount { milli } => {
            let met = holds(rule.comparison, u128::from(*milli), u128::from(limit));
            (verdict(met), format!("{}{unit}", plain(*milli)))
        }
    };
    Judged {
        standing,
        words: format!("{name} {figure}, {against}"),
    }
}

/// `34 %` or `33.3 %`, cut, so that a share never looks larger than it is.
fn percent(part: u64, whole: u64) -> String {
    let tenths = u128::from(part) * 1_000 / u128::from(whole.max(1));
    let tenths = u64::try_from(tenths).unwrap_or(u64::MAX);
    format!("{} %", plain(tenths.saturating_mul(100)))
}

/// How the kill condition stands: so many wrong of so many decided, and how long ago the newest came.
#[must_use]
pub fn judge_kill(kill: &KillCondition, wrong: u64, decided: u64, silent: Duration) -> Judged {
    let over = u64::from(kill.over.max(1));
    let limit = milli(kill.above);
    let gone = kill.feed_within.filter(|span| silent > span.0);
    let (standing, words) = if decided < over {
        let counting = format!("{decided} of {over} decided, {wrong} of them wrong");
        match gone {
            Some(span) => (Standing::Missing, missing(span, &counting)),
            None => (Standing::Counting, counting),
        }
    } else {
        let figure = format!(
            "{} wrong ({wrong} of {decided}), limit above {} %",
            percent(wrong, decided),
            plain(limit)
        );
        if u128::from(wrong) * 100_000 > u128::from(limit) * u128::from(decided) {
            (Standing::Met, figure)
        } else if let Some(span) = gone {
            (Standing::Missing, missing(span, &figure))
        } else {
            (Standing::Clear, figure)
        }
    };
    Judged { standing, words }
}

fn missing(span: Span, figure: &str) -> String {
    format!("no outcome arrived for {span}, so nobody knows whether it is met; {figure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kill() -> KillCondition {
        KillCondition {
            condition: "false negatives above 20 %".into(),
            signal: "outcome".into(),
            above: 20.0,
            over: 100,
            feed_within: Some(Span(Duration::from_secs(3_600))),
        }
    }

    #[test]
    fn the_kill_condition_is_strictly_above_and_over_exactly_its_number() {
        let now = Duration::ZERO;
        for (wrong, decided, standing) in [
            (99, 99, Standing::Counting),
            (20, 100, Standing::Clear),
            (21, 100, Standing::Met),
            (23, 100, Standing::Met),
        ] {
            assert_eq!(
                judge_kill(&kill(), wrong, decided, now).standing,
                standing,
                "{wrong}"
            );
        }
        let counting = judge_kill(&kill(), 50, 99, now);
        assert_eq!(counting.words, "99 of 100 decided, 50 of them wrong");
        let late = Duration::from_secs(3_601);
        assert_eq!(judge_kill(&kill(), 0, 10, late).standing, Standing::Missing);
        assert_eq!(
            judge_kill(&kill(), 0, 100, late).standing,
            Standing::Missing
        );
        assert_eq!(judge_kill(&kill(), 21, 100, late).standing, Standing::Met);
    }

    fn rule() -> PauseRule {
        PauseRule {
            name: "overrides".into(),
            metric: Metric::OverrideRate,
            comparison: Comparison::Above,
            number: 30.0,
            over_runs: Some(50),
            over: None,
            signal: None,
            on_missing: OnMissing::Pause,
        }
    }

    #[test]
    fn a_rule_waits_for_enough_and_counts_what_is_missing_as_met() {
        let share = |part, whole| judge(&rule(), &Reading::Share { part, whole });
        assert_eq!(share(49, 49).standing, Standing::Counting);
        assert_eq!(share(15, 50).standing, Standing::Clear);
        assert_eq!(share(16, 50).standing, Standing::Met);
        assert_eq!(
            share(17, 50).words,
            "override_rate 34 % (17 of 50), limit above 30 %"
        );
        let gone = Reading::Missing("no price is declared".into());
        assert_eq!(judge(&rule(), &gone).standing, Standing::Missing);
        let lenient = PauseRule {
            on_missing: OnMissing::Ignore,
            ..rule()
        };
        assert_eq!(judge(&lenient, &gone).standing, Standing::Clear);
    }

    #[test]
    fn amounts_are_compared_to_the_thousandth() {
        let cost = PauseRule {
            metric: Metric::CostPerDay,
            comparison: Comparison::AtLeast,
            number: 2.5,
            over_runs: None,
            ..rule()
        };
        let at = |milli| judge(&cost, &Reading::Amount { milli }).standing;
        assert_eq!((at(2_499), at(2_500)), (Standing::Clear, Standing::Met));
    }
}
