//! Reading notices.

use tuesday_domain::id::NoticeId;
use tuesday_domain::record::Notice;
use tuesday_domain::time::Timestamp;

use super::{COLUMNS, notice};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::limit as page;
use crate::value::Value;

impl StoreReader {
    /// Notices that wait to be sent and are due by `now`, the longest waiting first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn waiting_notices(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Notice>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM notices WHERE state = 'waiting' AND due_at <= $1 ORDER BY due_at, id LIMIT $2"
        );
        self.rows(sql, vec![Value::Int(now.micros()), page(limit)], notice)
            .await
    }

    /// A notice by its id.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn notice(&self, id: NoticeId) -> Result<Option<Notice>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM notices WHERE id = $1");
        self.first(sql, vec![Value::Id(id.uuid())], notice).await
    }

    /// The newest notices of a person, whatever became of them.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn notices_of(&self, person: &str, limit: usize) -> Result<Vec<Notice>, ReadError> {
        let sql =
            format!("SELECT {COLUMNS} FROM notices WHERE person = $1 ORDER BY id DESC LIMIT $2");
        self.rows(
            sql,
            vec![Value::Text(person.to_owned()), page(limit)],
            notice,
        )
        .await
    }
}
