//! What a workflow may be called, worked out from what can be shown.
//!
//! There is one store of statements ([`Statement`]) and one list of things that are asked about
//! ([`Topic`]). Charter, checklist, handoff, scope sheet and the question sets are lists of topics, so
//! that a thing is answered once and each list keeps its exact items. [`prove`] holds a topic against
//! the live objects and says how its evidence stands; [`label`] draws the conclusion. Nothing here is
//! ticked by hand: a statement of a person is at most a claim where the system can see for itself.

mod blank;
mod disuse;
mod evidence;
pub mod fallback;
pub mod first_shift;
pub mod friday;
pub mod label;
pub mod map;
pub mod milestone;
pub mod pack;
mod people;
mod pilot;
pub mod practice;
mod prove;
pub mod quiz;
mod records;
mod signals;
mod statement;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests;
mod topic;
pub mod turnover;
mod views;
pub mod weekly;
mod wrong;

pub use blank::is_blank;
pub use disuse::{Use, disused};
pub use evidence::{Evidence, EvidenceEvent, EvidenceState, IllegalEvidenceMove};
pub use people::curriculum;
pub use pilot::{PILOT_MOST, Pilot, PilotState};
pub use prove::{Before, Facts, Figures, GateFacts, Picture, ReleaseFacts, STILL_PILOT, prove};
pub use signals::{PilotSign, Sign, SignAnswer, past_the_pilot, signs};
pub use statement::{Fault, Statement};
pub use topic::Topic;
pub use views::{Entry, Item, Sheet, condition, sheet};
pub use wrong::{InForce, WrongPart, missing_parts};
