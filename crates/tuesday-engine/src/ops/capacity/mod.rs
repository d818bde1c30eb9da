//! Whether people keep up with a workflow: what is declared, what is to be expected, what the system does
//! by itself when it is too much, and what would be if somebody changed something.

mod declare;
mod ease;
mod picture;
mod respond;
mod room;
mod view;
mod what_if;

pub use picture::PersonHours;
pub use view::{Capacity, DeclaredCapacity, LoadWeek, OldCapacity};
pub use what_if::{MovedRuns, WhatIf, WhatIfWish};

use tuesday_domain::actor::Actor;

/// Who acts when nobody does.
const SYSTEM: Actor = Actor::System("capacity");
