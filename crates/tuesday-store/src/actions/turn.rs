//! Whose turn it is to write to a record: one run at a time among all nodes.

use crate::error::ApplyError;
use crate::postgres::turn;
use crate::{Back, Store};

/// The right to write to a record now; given back when dropped.
pub struct Turn {
    _held: Option<turn::Held>,
}

impl Store {
    /// Waits until no other process writes to the record `place`. On SQLite one process serves, so
    /// there is nobody to wait for; a database that only speaks the protocol (the portable flag)
    /// cannot tell, and there the destination's own precondition is what guards between nodes.
    /// Within this process the caller takes care: a second turn at a place is granted at once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn turn(&self, place: &str) -> Result<Turn, ApplyError> {
        let held = match &self.back {
            Back::Postgres(p) if !p.portable() => Some(p.turn(place).await?),
            _ => None,
        };
        Ok(Turn { _held: held })
    }
}
