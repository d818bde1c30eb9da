//! What the package declares about keeping payloads: whole days, and nothing stricter is kept for longer
//! than what is harmless.

use super::super::Definition;
use super::Lint;
use crate::privacy::{CLASSES, DEFAULT_DAYS, MOST_DAYS};

impl Lint<'_> {
    pub(super) fn retention(&mut self, def: &Definition) {
        for class in CLASSES {
            let days = def.retention.days(class);
            if days.is_some_and(|d| d == 0 || d > MOST_DAYS) {
                let message = format!("retention.{} is {} days", class.word(), days.unwrap_or(0));
                self.add(
                    "[retention]",
                    "bad_retention",
                    &message,
                    "1 to 3660 days, or leave it out for the default",
                );
            }
        }
        let days = |class| def.retention.days(class).unwrap_or(DEFAULT_DAYS);
        for pair in CLASSES.windows(2) {
            let (softer, stricter) = (pair[0], pair[1]);
            let declared =
                def.retention.days(softer).is_some() || def.retention.days(stricter).is_some();
            if declared && days(stricter) > days(softer) {
                let message = format!(
                    "{} is kept for {} days, longer than {} with {}",
                    stricter.word(),
                    days(stricter),
                    softer.word(),
                    days(softer)
                );
                self.add(
                    "[retention]",
                    "retention_order",
                    &message,
                    "keep what is stricter for as long or shorter; 395 days hold where nothing is said",
                );
            }
        }
    }
}
