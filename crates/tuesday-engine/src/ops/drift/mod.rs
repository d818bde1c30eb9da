//! Whether the mix of outcomes stays what it was: a frozen baseline, what later shifts say against it, a
//! finding with what had changed before, and a person who says what it was.

mod baseline;
mod calibration;
mod canary;
mod changes;
mod close;
mod dependence;
mod inputs;
mod moved;
mod shifts;
mod tiers;
mod view;
mod watch;

pub use calibration::{BandShown, Calibration};
pub use canary::{Canary, CanaryShown};
pub use changes::Around;
pub use dependence::{Dependence, PersonShare};
pub use inputs::InputSource;
pub use tiers::TierAgreement;
pub use view::{Drift, DriftDimension, FrozenMix, InputWeek, MixFinding};

use tuesday_domain::actor::Actor;
use tuesday_domain::record::{Change, RolloutChange, Signal};
use tuesday_domain::time::Timestamp;

/// Who looks when nobody does.
const SYSTEM: Actor = Actor::System("drift");

/// A signal that pause rules can count, posted by the look itself. The same event counts once.
fn signal(workflow: &str, kind: &str, number: u32, now: Timestamp) -> Change {
    let signal = Signal {
        workflow: workflow.to_owned(),
        event: format!("{kind} {number}"),
        kind: kind.to_owned(),
        run: None,
        record: None,
        wrong: false,
        count: 1,
        at: now,
        posted_by: SYSTEM.to_string(),
        received_at: now,
    };
    Change::Rollout(Box::new(RolloutChange::InsertSignal(signal)))
}
