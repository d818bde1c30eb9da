//! Workflows-to-be with their answers.

use tuesday_domain::record::{Candidate, CandidateChange};

use crate::change::Verb;
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::limit as page;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, Value};

pub(crate) static CANDIDATES: Table = Table::new(
    "candidates",
    &[
        ("name", Ty::Text),
        ("state", Ty::Text),
        ("title", Ty::Text),
        ("answers", Ty::Text),
        ("proposed_by", Ty::Text),
        ("proposed_at", Ty::Int),
        ("changed_by", Ty::Text),
        ("changed_at", Ty::Int),
        ("version", Ty::Int),
    ],
    1,
    9,
    true,
);

const COLUMNS: &str =
    "name, state, title, answers, proposed_by, proposed_at, changed_by, changed_at, version";

/// Binds the values of a change and says what is done with them.
pub(crate) fn bind<'a>(change: &'a CandidateChange, out: &mut Vec<Param<'a>>) -> Verb {
    let (c, verb) = match change {
        CandidateChange::Insert(c) => (c, Verb::Insert(&CANDIDATES)),
        CandidateChange::Update(c) => (c, Verb::Update(&CANDIDATES)),
    };
    out.extend([
        Param::Text(&c.name),
        Param::Text(c.state.word()),
        Param::Text(&c.title),
        Param::Text(&c.answers),
        Param::Text(&c.proposed_by),
        Param::Int(c.proposed_at.micros()),
        Param::Text(&c.changed_by),
        Param::Int(c.changed_at.micros()),
        Param::Int(i64::from(c.version)),
    ]);
    verb
}

/// The row in words, for the message of a conflict.
pub(crate) fn describe(change: &CandidateChange) -> String {
    let (CandidateChange::Insert(c) | CandidateChange::Update(c)) = change;
    format!("the candidate {}", c.name)
}

fn candidate(r: Row<'_>) -> Result<Candidate, ReadError> {
    Ok(Candidate {
        name: r.text(0)?,
        state: r.word(1)?,
        title: r.text(2)?,
        answers: r.text(3)?,
        proposed_by: r.text(4)?,
        proposed_at: r.time(5)?,
        changed_by: r.text(6)?,
        changed_at: r.time(7)?,
        version: r.num(8)?,
    })
}

impl StoreReader {
    /// The candidates that were not dropped, by name.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn candidates(&self, limit: usize) -> Result<Vec<Candidate>, ReadError> {
        let sql =
            format!("SELECT {COLUMNS} FROM candidates WHERE state = 'open' ORDER BY name LIMIT $1");
        self.rows(sql, vec![page(limit)], candidate).await
    }

    /// The candidate of a name, also when it was dropped.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn candidate(&self, name: &str) -> Result<Option<Candidate>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM candidates WHERE name = $1");
        self.first(sql, vec![Value::Text(name.to_owned())], candidate)
            .await
    }
}
