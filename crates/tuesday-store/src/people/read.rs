//! Reading persons and tokens.

use tuesday_domain::record::{Person, Token};

use super::{PERSON_COLUMNS, TOKEN_COLUMNS, person, token};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::Value;

impl StoreReader {
    /// Everybody, active or not, by handle.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn people(&self) -> Result<Vec<Person>, ReadError> {
        self.rows(
            format!("SELECT {PERSON_COLUMNS} FROM people ORDER BY handle"),
            vec![],
            person,
        )
        .await
    }

    /// A person by handle.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn person(&self, handle: &str) -> Result<Option<Person>, ReadError> {
        let sql = format!("SELECT {PERSON_COLUMNS} FROM people WHERE handle = $1");
        self.first(sql, vec![Value::Text(handle.to_owned())], person)
            .await
    }

    /// The active people with this mail address, whatever its case.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn people_with_email(&self, email: &str) -> Result<Vec<Person>, ReadError> {
        let sql = format!(
            "SELECT {PERSON_COLUMNS} FROM people WHERE lower(email) = $1 AND active = 1 ORDER BY handle"
        );
        self.rows(sql, vec![Value::Text(email.to_lowercase())], person)
            .await
    }

    /// A token by the SHA-256 of its text, also when it is expired or revoked: the caller decides.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Token>, ReadError> {
        let sql = format!("SELECT {TOKEN_COLUMNS} FROM tokens WHERE hash = $1");
        self.first(sql, vec![Value::Blob(hash.to_vec())], token)
            .await
    }

    /// All tokens, newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn tokens(&self) -> Result<Vec<Token>, ReadError> {
        self.rows(
            format!("SELECT {TOKEN_COLUMNS} FROM tokens ORDER BY id DESC"),
            vec![],
            token,
        )
        .await
    }
}
