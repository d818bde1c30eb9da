//! How closed errors were answered: by fix layer, and whether somebody who writes no code can fix the next.

use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::incident::FixLayer;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::Select;
use crate::value::{Row, Value};

/// How many errors of one record were answered alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixCount {
    /// In which layer; none for those closed before it was asked.
    pub layer: Option<FixLayer>,
    /// The answer; none for those closed before it was asked.
    pub without_code: Option<bool>,
    /// How many.
    pub count: u64,
}

fn count(r: Row<'_>) -> Result<FixCount, ReadError> {
    Ok(FixCount {
        layer: r.opt_word(0)?,
        without_code: r.opt_flag(1)?,
        count: r.num(2)?,
    })
}

impl StoreReader {
    /// Incidents that were looked back upon, by when they were resolved; `among` are the workflows the
    /// reader may see, absent for all.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn fixed_incidents(
        &self,
        workflow: Option<&str>,
        among: Option<&[String]>,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<FixCount>, ReadError> {
        // Word for word the condition of the partial index.
        self.fixed(
            "incidents",
            "state = 'reviewed'",
            "resolved_at",
            (workflow, among),
            (from, to),
        )
        .await
    }

    /// Problem reports whose output was wrong, by when they were answered; as
    /// [`StoreReader::fixed_incidents`]. Those that became an incident are counted there.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn fixed_reports(
        &self,
        workflow: Option<&str>,
        among: Option<&[String]>,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<FixCount>, ReadError> {
        let closed = "state = 'quality_issue'";
        self.fixed(
            "problem_reports",
            closed,
            "answered_at",
            (workflow, among),
            (from, to),
        )
        .await
    }

    async fn fixed(
        &self,
        table: &'static str,
        closed: &'static str,
        at: &'static str,
        (workflow, among): (Option<&str>, Option<&[String]>),
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<FixCount>, ReadError> {
        let mut q = Select::new(&format!(
            "SELECT fix_layer, without_code, count(*) FROM {table}"
        ));
        q.and(closed, [])
            .and(&format!("{at} >= ?"), [Value::Int(from.micros())])
            .and(&format!("{at} < ?"), [Value::Int(to.micros())])
            .and_among("workflow", among)
            .and_text("workflow = ?", workflow)
            .push(" GROUP BY fix_layer, without_code", []);
        let (sql, params) = q.done();
        self.rows(sql, params, count).await
    }
}
