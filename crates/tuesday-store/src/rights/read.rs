//! Reading what people may do and how they get in.

use tuesday_domain::record::{Away, Credential, Grant, Guesses, Invite, RightUse, Session};

use super::{
    CREDENTIAL_COLUMNS, GRANT_COLUMNS, SESSION_COLUMNS, away, credential, grant, guesses, invite,
    right_use, session,
};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::Value;

impl StoreReader {
    /// Every grant, by person, role and place.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn grants(&self) -> Result<Vec<Grant>, ReadError> {
        let sql =
            format!("SELECT {GRANT_COLUMNS} FROM grants ORDER BY person, workflow, role, tier");
        self.rows(sql, vec![], grant).await
    }

    /// The grants of one person.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn grants_of(&self, person: &str) -> Result<Vec<Grant>, ReadError> {
        let sql = format!(
            "SELECT {GRANT_COLUMNS} FROM grants WHERE person = $1 ORDER BY workflow, role, tier"
        );
        self.rows(sql, vec![Value::Text(person.to_owned())], grant)
            .await
    }

    /// What active persons hold on a workflow or on the whole instance, by person, role and tier; not
    /// those whose rights a turnover test suspends.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn grants_on(&self, workflow: &str) -> Result<Vec<Grant>, ReadError> {
        let columns = GRANT_COLUMNS
            .split(", ")
            .map(|c| format!("g.{c}"))
            .collect::<Vec<_>>()
            .join(", ");
        let sql = format!(
            "SELECT {columns} FROM grants AS g JOIN people AS p ON p.handle = g.person \
             WHERE p.active = 1 AND (g.workflow = '' OR g.workflow = $1) AND NOT EXISTS (SELECT 1 FROM turnovers AS t \
             WHERE t.state = 'running' AND t.without = g.person AND t.workflow = $1) \
             ORDER BY g.person, g.role, g.tier"
        );
        self.rows(sql, vec![Value::Text(workflow.to_owned())], grant)
            .await
    }

    /// The ways of one person to sign in.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn credentials(&self, person: &str) -> Result<Vec<Credential>, ReadError> {
        let sql = format!(
            "SELECT {CREDENTIAL_COLUMNS} FROM credentials WHERE person = $1 ORDER BY kind, created_at, name"
        );
        self.rows(sql, vec![Value::Text(person.to_owned())], credential)
            .await
    }

    /// The credential of this kind and name, whoever has it: a passkey's id, or issuer and subject.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn credential_named(
        &self,
        kind: &'static str,
        name: &str,
    ) -> Result<Option<Credential>, ReadError> {
        let sql = format!(
            "SELECT {CREDENTIAL_COLUMNS} FROM credentials WHERE kind = $1 AND name = $2 AND name <> ''"
        );
        let params = vec![Value::Text(kind.to_owned()), Value::Text(name.to_owned())];
        self.first(sql, params, credential).await
    }

    /// A one-time link by the hash of its code, also when it is used or expired: the caller decides.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn invite(&self, hash: &[u8; 32]) -> Result<Option<Invite>, ReadError> {
        let sql =
            "SELECT hash, person, created_at, expires_at, used_at FROM invites WHERE hash = $1";
        self.first(sql, vec![Value::Blob(hash.to_vec())], invite)
            .await
    }

    /// A session by the hash of its token, also when it is over: the caller decides.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn session(&self, hash: &[u8; 32]) -> Result<Option<Session>, ReadError> {
        let sql = format!("SELECT {SESSION_COLUMNS} FROM sessions WHERE hash = $1");
        self.first(sql, vec![Value::Blob(hash.to_vec())], session)
            .await
    }

    /// The sessions of one person, newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn sessions_of(&self, person: &str) -> Result<Vec<Session>, ReadError> {
        let sql = format!(
            "SELECT {SESSION_COLUMNS} FROM sessions WHERE person = $1 ORDER BY started_at DESC"
        );
        self.rows(sql, vec![Value::Text(person.to_owned())], session)
            .await
    }

    /// Wrong guesses at a door.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn guesses(&self, door: &str) -> Result<Option<Guesses>, ReadError> {
        let sql = "SELECT door, failures, last_at FROM guesses WHERE door = $1";
        self.first(sql, vec![Value::Text(door.to_owned())], guesses)
            .await
    }

    /// Everybody who said they are away, also when that is over.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn absences(&self) -> Result<Vec<Away>, ReadError> {
        let sql = "SELECT person, away_until, stand_in FROM away ORDER BY person";
        self.rows(sql, vec![], away).await
    }

    /// When each right was last used, by person.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn right_uses(&self) -> Result<Vec<RightUse>, ReadError> {
        let sql =
            "SELECT person, act, workflow, used_at FROM right_uses ORDER BY person, act, workflow";
        self.rows(sql, vec![], right_use).await
    }
}
