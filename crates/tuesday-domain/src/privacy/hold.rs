//! Legal holds: while one is in force, nothing it covers is erased, neither by retention nor on request.

use super::Finder;
use crate::id::HoldId;
use crate::time::Timestamp;

/// What a hold covers: everything that is given must fit; a hold without anything is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoldScope {
    /// Runs of this workflow.
    pub workflow: Option<String>,
    /// Runs that read or wrote this record.
    pub record: Option<String>,
    /// Received from here on.
    pub from: Option<Timestamp>,
    /// Received before.
    pub to: Option<Timestamp>,
}

impl HoldScope {
    /// Whether it says anything at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.workflow.is_none() && self.record.is_none() && self.from.is_none() && self.to.is_none()
    }

    /// Whether it fits, by what stands in a run's row; the record is looked for only where the rest fits.
    #[must_use]
    pub fn fits(&self, workflow: &str, received: Timestamp) -> bool {
        self.workflow.as_deref().is_none_or(|w| w == workflow)
            && self.from.is_none_or(|from| received >= from)
            && self.to.is_none_or(|to| received < to)
    }

    /// What it covers, for people.
    #[must_use]
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.record.as_ref().map(|r| format!("record {r}")));
        parts.extend(self.workflow.as_ref().map(|w| format!("workflow {w}")));
        parts.extend(self.from.map(|t| format!("received from {}", t.rfc3339())));
        parts.extend(self.to.map(|t| format!("received before {}", t.rfc3339())));
        parts.join(", ")
    }
}

/// A hold that somebody placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// What it covers.
    pub scope: HoldScope,
    /// Why.
    pub reason: String,
    /// Handle of who placed it.
    pub placed_by: String,
    /// When.
    pub placed_at: Timestamp,
    /// Who lifted it, why and when.
    pub lifted: Option<(String, String, Timestamp)>,
    /// Version of the row.
    pub version: u32,
}

/// The first hold in force that covers a run; `mentions` says whether the run has to do with a record.
pub fn holding<'a>(
    holds: &'a [Hold],
    workflow: &str,
    received: Timestamp,
    mentions: impl Fn(&Finder) -> bool,
) -> Option<&'a Hold> {
    holds.iter().find(|hold| {
        let record = hold.scope.record.as_ref();
        hold.lifted.is_none()
            && hold.scope.fits(workflow, received)
            && record.is_none_or(|r| mentions(&Finder::record(r)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_micros(secs * 1_000_000)
    }

    fn hold(scope: HoldScope) -> Hold {
        Hold {
            id: HoldId::new(uuid::Uuid::nil()),
            scope,
            reason: "a dispute".into(),
            placed_by: "sia".into(),
            placed_at: at(0),
            lifted: None,
            version: 1,
        }
    }

    #[test]
    fn a_hold_covers_what_all_of_its_parts_cover() {
        let scope = HoldScope {
            workflow: Some("small".into()),
            record: Some("D-7".into()),
            from: Some(at(10)),
            to: Some(at(20)),
        };
        let mut holds = [hold(scope)];
        let yes = |_: &Finder| true;
        assert!(holding(&holds, "small", at(10), yes).is_some());
        assert!(holding(&holds, "other", at(10), yes).is_none());
        assert!(holding(&holds, "small", at(9), yes).is_none());
        assert!(holding(&holds, "small", at(20), yes).is_none());
        assert!(holding(&holds, "small", at(10), |_| false).is_none());
        holds[0].lifted = Some(("sia".into(), "settled".into(), at(30)));
        assert!(holding(&holds, "small", at(10), yes).is_none());
        assert!(HoldScope::default().is_empty());
    }
}
