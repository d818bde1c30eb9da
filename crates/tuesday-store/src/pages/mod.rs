//! Read models that join more than one table.

mod health;
mod work;

pub use health::Health;
pub use work::Work;
