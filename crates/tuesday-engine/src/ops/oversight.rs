//! Whether people really look: how long they read, what they let through, what second looks found.

use std::collections::BTreeMap;

use serde::Serialize;
use tuesday_domain::oversight::Rate;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    ReviewDecision, SecondLookBasis, SecondLookResult, SeedResult, StampNotice,
};
use tuesday_domain::time::Timestamp;
use tuesday_store::ReadFigure;

use crate::engine::{Engine, read_problem};

/// Shorter than this in view, and nobody has read it, in milliseconds.
pub const FLOOR_MS: u64 = 3_000;
/// So many approvals in a row under the floor, by one person, are a signal.
const STREAK: usize = 10;

/// One workflow and tier.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TierOversight {
    /// Workflow name.
    pub workflow: String,
    /// Tier.
    pub tier: String,
    /// Decided tasks about outputs.
    pub decided: u64,
    /// Of those, approved as they stood.
    pub approved: u64,
    /// Median time in view of those that were opened, in milliseconds.
    pub visible_ms_median: Option<u64>,
    /// Signs of reading of which time was dropped: no such time had passed by the clock of the house.
    pub dropped: u64,
    /// Approvals of what was never open in the console.
    pub unopened: Option<Rate>,
    /// Approvals that were open for less than the floor.
    pub hasty: Option<Rate>,
    /// Persons with a row of hasty or unopened approvals: handle and the longest row.
    pub streaks: Vec<(String, u64)>,
    /// Seeded faults that were caught.
    pub caught: Option<Rate>,
    /// Seeded faults that nobody has decided.
    pub seeds_open: u64,
}

/// Second looks of one workflow and basis.
#[derive(Clone, Debug, Serialize)]
pub struct LookOversight {
    /// Workflow name.
    pub workflow: String,
    /// `automatic` or `human`.
    pub basis: &'static str,
    /// Drawn.
    pub drawn: u64,
    /// Not looked at yet.
    pub open: u64,
    /// Found wrong, of those that were looked at.
    pub wrong: Rate,
}

/// The oversight report of a span of time.
#[derive(Clone, Debug, Serialize)]
pub struct Oversight {
    /// By workflow and tier.
    pub tiers: Vec<TierOversight>,
    /// By workflow and basis.
    pub second_looks: Vec<LookOversight>,
    /// What operator owners were told about somebody's approvals.
    pub rubber_stamps: Vec<StampTold>,
}

/// A notice to the operator owner.
#[derive(Clone, Debug, Serialize)]
pub struct StampTold {
    /// Workflow name.
    pub workflow: String,
    /// Handle of the person whose approvals it is about.
    pub person: String,
    /// When, RFC 3339.
    pub at: String,
    /// Handle of the person who was told.
    pub told: String,
    /// The figures that crossed a limit.
    pub figures: String,
}

impl Engine {
    /// Reads the report for what was decided, seeded and drawn from `from` until `to`.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn oversight(&self, from: Timestamp, to: Timestamp) -> Result<Oversight, Problem> {
        let reader = &self.0.reader;
        let (reads, seeds, looks, stamps) = tokio::try_join!(
            reader.read_figures(from, to),
            reader.seed_figures(from, to),
            reader.look_figures(None, from, to),
            reader.stamp_notices(from, to),
        )
        .map_err(read_problem)?;
        let mut tiers = by_tier(&reads);
        for s in &seeds {
            let place = (s.workflow.clone(), s.tier.clone());
            let tier = tiers.entry(place.clone()).or_insert_with(|| TierOversight {
                workflow: place.0,
                tier: place.1,
                ..TierOversight::default()
            });
            match s.result {
                None => tier.seeds_open += s.seeds,
                Some(result) => {
                    let before = tier.caught.unwrap_or_else(|| Rate::new(0, 0));
                    let hit = if result == SeedResult::Caught {
                        s.seeds
                    } else {
                        0
                    };
                    tier.caught = Some(Rate::new(before.hits + hit, before.of + s.seeds));
                }
            }
        }
        let mut second: BTreeMap<(String, &'static str), [u64; 3]> = BTreeMap::new();
        for l in &looks {
            let basis = match l.basis {
                SecondLookBasis::Automatic => "automatic",
                SecondLookBasis::Human => "human",
            };
            let counts = second.entry((l.workflow.clone(), basis)).or_default();
            let slot = match l.result {
                None => 0,
                Some(SecondLookResult::Correct) => 1,
                Some(SecondLookResult::Incorrect) => 2,
            };
            counts[slot] += l.looks;
        }
        Ok(Oversight {
            tiers: tiers.into_values().collect(),
            rubber_stamps: stamps.into_iter().map(stamp).collect(),
            second_looks: second
                .into_iter()
                .map(|((workflow, basis), [open, right, wrong])| LookOversight {
                    workflow,
                    basis,
                    drawn: open + right + wrong,
                    open,
                    wrong: Rate::new(wrong, right + wrong),
                })
                .collect(),
        })
    }
}

fn stamp(n: StampNotice) -> StampTold {
    StampTold {
        at: n.at.rfc3339(),
        workflow: n.workflow,
        person: n.person,
        told: n.told,
        figures: n.words,
    }
}

fn by_tier(reads: &[ReadFigure]) -> BTreeMap<(String, String), TierOversight> {
    let mut groups: BTreeMap<(String, String), Vec<&ReadFigure>> = BTreeMap::new();
    for r in reads {
        let place = (r.workflow.clone(), r.tier.clone());
        groups.entry(place).or_default().push(r);
    }
    groups
        .into_iter()
        .map(|(place, rows)| {
            let tier = tier_of(&place, &rows);
            (place, tier)
        })
        .collect()
}

fn tier_of(place: &(String, String), rows: &[&ReadFigure]) -> TierOversight {
    let approved: Vec<_> = rows
        .iter()
        .filter(|r| r.decision == ReviewDecision::Approve)
        .collect();
    let all = approved.len() as u64;
    let unopened = approved.iter().filter(|r| r.visible_ms.is_none()).count() as u64;
    let hasty = approved
        .iter()
        .filter(|r| r.visible_ms.is_some_and(|ms| ms < FLOOR_MS))
        .count() as u64;
    let mut seen: Vec<u64> = rows.iter().filter_map(|r| r.visible_ms).collect();
    seen.sort_unstable();
    TierOversight {
        workflow: place.0.clone(),
        tier: place.1.clone(),
        decided: rows.len() as u64,
        approved: all,
        visible_ms_median: seen.get(seen.len() / 2).copied(),
        dropped: rows.iter().map(|r| r.dropped).sum(),
        unopened: Some(Rate::new(unopened, all)),
        hasty: Some(Rate::new(hasty, all)),
        streaks: streaks(rows),
        caught: None,
        seeds_open: 0,
    }
}

/// The longest rows of approvals without a real look, by person; rows come in order of time.
fn streaks(rows: &[&ReadFigure]) -> Vec<(String, u64)> {
    let mut now: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for r in rows {
        let (run, longest) = now.entry(&r.decided_by).or_default();
        let blind =
            r.decision == ReviewDecision::Approve && r.visible_ms.is_none_or(|ms| ms < FLOOR_MS);
        *run = if blind { *run + 1 } else { 0 };
        *longest = (*longest).max(*run);
    }
    now.into_iter()
        .filter(|(_, (_, longest))| *longest >= STREAK)
        .map(|(person, (_, longest))| (person.to_owned(), longest as u64))
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn read(by: &str, decision: ReviewDecision, visible_ms: Option<u64>) -> ReadFigure {
        ReadFigure {
            workflow: "deals".into(),
            tier: "desk".into(),
            decided_by: by.into(),
            decision,
            visible_ms,
            dropped: 0,
            decided_at: Timestamp::from_micros(1),
        }
    }

    #[test]
    fn approvals_without_a_look_are_counted_and_rows_of_them_named() {
        let yes = ReviewDecision::Approve;
        let mut all: Vec<_> = (0..12).map(|_| read("pia", yes, Some(900))).collect();
        all.extend((0..9).map(|_| read("boris", yes, None)));
        all.push(read("boris", ReviewDecision::Reject, Some(60_000)));
        all.extend((0..9).map(|_| read("boris", yes, None)));
        let tiers = by_tier(&all);
        let tier = tiers.values().next().unwrap();
        assert_eq!((tier.decided, tier.approved), (31, 30));
        assert_eq!(tier.unopened.unwrap().hits, 18);
        assert_eq!(tier.hasty.unwrap().hits, 12);
        assert_eq!(tier.streaks, [("pia".to_owned(), 12)], "a look ends a row");
        assert_eq!(tier.visible_ms_median, Some(900));
    }
}
