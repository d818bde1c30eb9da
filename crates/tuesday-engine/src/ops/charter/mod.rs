//! Charter, checklist and label: what is stated, what live records show, and what a workflow may be
//! called by it.

mod answer_sign;
mod first_shift;
mod first_shift_view;
mod friday;
mod friday_record;
mod gather;
mod keep;
mod label;
mod last_ten;
mod leaves;
mod milestones;
mod practice;
mod review_label;
mod show;
mod state;
mod train;
mod training;
mod turnover;
mod vacancy;

pub use first_shift_view::{FirstShiftCard, FirstShiftOpen, FirstShiftView, ShiftProgress};
pub use friday::{FridayCard, FridayOpen, FridayView};
pub(crate) use gather::Gathered;
pub use label::LabelWish;
pub use last_ten::{LastTen, OpenedRun};
pub(in crate::ops) use milestones::named;
pub use practice::{Graded, Practice, PracticeResult};
pub use review_label::QuarterWish;
pub(crate) use show::pilot as pilot_view;
pub use show::{
    AtRisk, CharterView, ConditionView, ItemView, LabelView, PilotView, QuarterView, SheetView,
    SignSaid, SignView, UnmetView, WallView,
};
pub use training::{TierTaught, TrainedPerson, TrainingView};
pub use turnover::{TurnoverCard, TurnoverView};

use tuesday_domain::charter::label::Standing;
use tuesday_domain::id::DecisionId;
use tuesday_domain::record::{Change, CharterChange, LabelEvent, LabelMove, QuarterDecision};
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::Label;

/// An event of a label in the making.
pub(crate) struct Told<'a> {
    pub(crate) workflow: &'a str,
    pub(crate) kind: LabelMove,
    pub(crate) label: Label,
    pub(crate) reasons: String,
    pub(crate) until: Option<Timestamp>,
    pub(crate) decision: Option<DecisionId>,
    pub(crate) quarter: Option<QuarterDecision>,
    pub(crate) by: String,
}

impl Told<'_> {
    /// The change that adds it behind the newest event.
    pub(crate) fn behind(self, last: u32, at: Timestamp) -> Change {
        let event = LabelEvent {
            workflow: self.workflow.to_owned(),
            seq: last + 1,
            kind: self.kind,
            label: self.label,
            reasons: self.reasons,
            until: self.until,
            decision: self.decision,
            quarter: self.quarter,
            by: self.by,
            at,
        };
        Change::Charter(Box::new(CharterChange::InsertLabelEvent(event)))
    }
}

/// What was lost, one a line: the list for the history and for notices.
fn lines(
    unmet: &[tuesday_domain::charter::label::Unmet],
    standing: &Standing,
    now: Timestamp,
) -> String {
    let mut out: Vec<String> = unmet.iter().map(ToString::to_string).collect();
    if standing.unreviewed(now) {
        out.push("Quarterly decision: nobody has decided whether it goes on".to_owned());
    }
    out.join("\n")
}
