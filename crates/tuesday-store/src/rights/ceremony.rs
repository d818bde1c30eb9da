//! Challenges that wait for their answer, and guesses that are counted before they are judged.
//!
//! Both are bookkeeping of the door, like a heartbeat: nobody has decided anything yet, so there is
//! no audit entry. What follows from an answer is a decision and has one.

use tuesday_domain::record::{Ceremony, Guesses};
use tuesday_domain::time::Timestamp;

use crate::Store;
use crate::error::{ApplyError, ReadError};
use crate::reader::StoreReader;
use crate::value::{Row, Value};

/// A new challenge, unless the door has too many open ones.
pub(crate) const BEGIN_CEREMONY: &str = "INSERT INTO ceremonies (hash, kind, person, door, data, expires_at) \
    SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT count(*) FROM ceremonies WHERE door = $4) < $7";
/// Takes a challenge; only one taker touches a row.
pub(crate) const END_CEREMONY: &str = "DELETE FROM ceremonies WHERE hash = $1";
pub(crate) const TIDY_CEREMONIES: &str = "DELETE FROM ceremonies WHERE expires_at <= $1";
/// Counts a guess when the count is still the one that was read.
pub(crate) const COUNT_GUESS: &str = "INSERT INTO guesses (door, failures, last_at) VALUES ($1, $2, $3) \
    ON CONFLICT (door) DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at \
    WHERE guesses.failures = $4";
pub(crate) const FORGIVE_GUESS: &str =
    "UPDATE guesses SET failures = failures - 1 WHERE door = $1 AND failures > 0";

fn ceremony(r: Row<'_>) -> Result<Ceremony, ReadError> {
    Ok(Ceremony {
        hash: r.fixed(0)?,
        kind: r.word(1)?,
        person: r.opt_text(2)?,
        door: r.text(3)?,
        data: r.text(4)?,
        expires_at: r.time(5)?,
    })
}

impl Store {
    /// Keeps a challenge and forgets those that are over; false when the door has `most` open ones.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_ceremony(
        &self,
        c: &Ceremony,
        most: u32,
        now: Timestamp,
    ) -> Result<bool, ApplyError> {
        self.execute(TIDY_CEREMONIES, vec![Value::Int(now.micros())])
            .await?;
        let params = vec![
            Value::Blob(c.hash.to_vec()),
            Value::Text(c.kind.word().to_owned()),
            c.person.clone().map_or(Value::Null, Value::Text),
            Value::Text(c.door.clone()),
            Value::Text(c.data.clone()),
            Value::Int(c.expires_at.micros()),
            Value::Int(i64::from(most)),
        ];
        Ok(self.execute(BEGIN_CEREMONY, params).await? == 1)
    }

    /// Takes a challenge away; true for the one caller who got it, on whichever node.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_ceremony(&self, hash: &[u8; 32]) -> Result<bool, ApplyError> {
        let params = vec![Value::Blob(hash.to_vec())];
        Ok(self.execute(END_CEREMONY, params).await? == 1)
    }

    /// Counts a guess before it is judged; false when somebody else counted one since `was` was read.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_guess(&self, g: &Guesses, was: u32) -> Result<bool, ApplyError> {
        let params = vec![
            Value::Text(g.door.clone()),
            Value::Int(i64::from(g.failures)),
            Value::Int(g.last_at.micros()),
            Value::Int(i64::from(was)),
        ];
        Ok(self.execute(COUNT_GUESS, params).await? == 1)
    }

    /// Takes one count back: the guess was right.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forgive_guess(&self, door: &str) -> Result<(), ApplyError> {
        let params = vec![Value::Text(door.to_owned())];
        self.execute(FORGIVE_GUESS, params).await.map(drop)
    }
}

impl StoreReader {
    /// A challenge by the hash of its handle, also when it is over: the caller decides.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn ceremony(&self, hash: &[u8; 32]) -> Result<Option<Ceremony>, ReadError> {
        let sql =
            "SELECT hash, kind, person, door, data, expires_at FROM ceremonies WHERE hash = $1";
        self.first(sql, vec![Value::Blob(hash.to_vec())], ceremony)
            .await
    }
}
