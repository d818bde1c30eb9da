//! Whether the mix of outcomes stays what it was: a frozen baseline, what later shifts say against it, a
//! finding with what had changed before, and a person who says what it was.

mod baseline;
mod canary;
mod changes;
mod close;
mod shifts;
mod view;
mod watch;

pub use canary::{Canary, CanaryShown};
pub use changes::Around;
pub use view::{Drift, DriftDimension, FrozenMix, InputWeek, MixFinding};

use tuesday_domain::actor::Actor;

/// Who looks when nobody does.
const SYSTEM: Actor = Actor::System("drift");
