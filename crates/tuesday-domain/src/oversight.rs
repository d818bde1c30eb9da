//! Which approvals are looked at a second time, and what the looks say.
//!
//! The draw follows from the run and the random salt of the output that was approved: nobody who
//! decides can know it before, and everybody who has the record can draw it again.

use sha2::{Digest, Sha256};

use crate::definition::OversightSpec;
use crate::id::RunId;
use crate::rules::clopper_pearson;

/// Draws are made out of this many.
pub const OUT_OF: u32 = 1_000_000;

/// The draw of an approved output, from 0 to 999 999. Below the share in millionths means looked at.
#[must_use]
pub fn draw(run: RunId, salt: &[u8; 16]) -> u32 {
    let mut hash = Sha256::new();
    hash.update(b"tuesday second look 1");
    hash.update(run.uuid().as_bytes());
    hash.update(salt);
    let bytes: [u8; 32] = hash.finalize().into();
    let wide = bytes
        .iter()
        .take(8)
        .fold(0_u64, |n, b| (n << 8) | u64::from(*b));
    u32::try_from(wide % u64::from(OUT_OF)).unwrap_or(0)
}

/// A share of cases with the interval that holds the true one at 95 %; so wide that few cases prove
/// little.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Rate {
    /// How many it happened to.
    pub hits: u64,
    /// Of how many.
    pub of: u64,
    /// The observed share; absent without cases.
    pub share: Option<f64>,
    /// Lower end, 0 to 1.
    pub low: f64,
    /// Upper end, 0 to 1.
    pub high: f64,
}

impl Rate {
    /// `hits` of `of`.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of cases stay far below 2^52"
    )]
    pub fn new(hits: u64, of: u64) -> Self {
        let (low, high) = clopper_pearson(hits, of, 0.95);
        Self {
            hits,
            of,
            share: (of > 0).then(|| hits as f64 / of as f64),
            low,
            high,
        }
    }

    /// In words: `2 of 40 (5 %, 0.6 to 17 %)`.
    #[must_use]
    pub fn words(&self) -> String {
        self.share.map_or_else(
            || "no cases yet".to_owned(),
            |share| {
                format!(
                    "{} of {} ({:.1} %, {:.1} to {:.1} %)",
                    self.hits,
                    self.of,
                    share * 100.0,
                    self.low * 100.0,
                    self.high * 100.0
                )
            },
        )
    }
}

/// What one person approved within a span, and how much of it nobody can have read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Approving {
    /// Outputs approved as they stood.
    pub approvals: u64,
    /// Of those, never opened.
    pub unopened: u64,
    /// Of those, open for less than the floor.
    pub hasty: u64,
    /// Known errors decided.
    pub seeds: u64,
    /// Of those, let through.
    pub missed: u64,
}

/// So many decided known errors say something.
const SEEDS_LEAST: u64 = 2;

impl Approving {
    /// What crosses a declared limit, in words with figures; nothing while all is well.
    #[must_use]
    pub fn crossed(&self, limits: &OversightSpec) -> Vec<String> {
        let mut out = Vec::new();
        let unread = self.unopened + self.hasty;
        if self.approvals >= u64::from(limits.at_least)
            && over(unread, self.approvals, limits.unread_percent)
        {
            out.push(format!(
                "{unread} of {} approvals not read ({} never opened, {} under 3 s)",
                self.approvals, self.unopened, self.hasty
            ));
        }
        if self.seeds >= SEEDS_LEAST && over(self.missed, self.seeds, limits.missed_percent) {
            out.push(format!(
                "{} of {} known errors let through",
                self.missed, self.seeds
            ));
        }
        out
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of cases stay far below 2^52"
)]
fn over(hits: u64, of: u64, percent: f64) -> bool {
    hits as f64 * 100.0 >= of as f64 * percent
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_draw_can_be_repeated_and_hits_its_share() {
        let drawn = |i: u128| {
            let run = RunId::new(Uuid::from_u128(i));
            draw(run, &(i * 7 + 1).to_be_bytes())
        };
        assert_eq!(drawn(5), drawn(5));
        let run = RunId::new(Uuid::from_u128(5));
        assert_ne!(draw(run, &[1; 16]), draw(run, &[2; 16]), "the salt decides");
        // 5 % of 1,000: 50, give or take 15.
        let hits = (0..1_000).filter(|i| drawn(*i) < 50_000).count();
        assert!((35..=65).contains(&hits), "{hits}");
    }

    #[test]
    fn a_limit_is_crossed_with_figures_and_not_by_few_approvals() {
        let limits = OversightSpec::default();
        let hasty = |approvals, hasty| Approving {
            approvals,
            hasty,
            ..Approving::default()
        };
        assert!(hasty(19, 19).crossed(&limits).is_empty(), "too few");
        assert!(hasty(20, 15).crossed(&limits).is_empty(), "under the limit");
        assert_eq!(
            hasty(20, 16).crossed(&limits),
            ["16 of 20 approvals not read (0 never opened, 16 under 3 s)"]
        );
        let seeds = |seeds, missed| Approving {
            seeds,
            missed,
            ..Approving::default()
        };
        assert!(seeds(1, 1).crossed(&limits).is_empty());
        assert!(seeds(3, 1).crossed(&limits).is_empty());
        assert_eq!(
            seeds(2, 1).crossed(&limits),
            ["1 of 2 known errors let through"]
        );
    }

    #[test]
    fn few_cases_prove_little() {
        let few = Rate::new(0, 3);
        assert!(few.low == 0.0 && few.high > 0.7, "{few:?}");
        assert!(Rate::new(0, 300).high < 0.02);
        assert_eq!(Rate::new(0, 0).words(), "no cases yet");
        assert_eq!(Rate::new(1, 4).words(), "1 of 4 (25.0 %, 0.6 to 80.6 %)");
    }
}
