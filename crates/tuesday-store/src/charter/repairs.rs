//! Who starts runs again and who puts things right: short lists, each by an index or of few rows.

use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::{Row, Value};

/// How often a person did so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repairs {
    /// Handle.
    pub person: String,
    /// Runs started again; otherwise corrections settled and changes of the rules.
    pub rerun: bool,
    /// How often.
    pub count: u64,
}

const AGAIN: &str = "SELECT requester, count(*) FROM runs WHERE workflow = $1 AND batch >= $2 AND rerun_of IS NOT NULL \
    GROUP BY requester ORDER BY requester";
const SETTLED: &str = "SELECT c.settled_by, count(*) FROM corrections AS c JOIN runs AS r ON r.id = c.run_id \
    WHERE r.workflow = $1 AND c.settled_at >= $2 GROUP BY c.settled_by ORDER BY c.settled_by";
const RULES: &str = "SELECT created_by, count(*) FROM rulesets WHERE workflow = $1 AND created_at >= $2 AND version > 1 \
    GROUP BY created_by ORDER BY created_by";

fn by(r: Row<'_>, rerun: bool) -> Result<Repairs, ReadError> {
    let by = r.text(0)?;
    Ok(Repairs {
        person: by.strip_prefix("person:").unwrap_or(&by).to_owned(),
        rerun,
        count: r.num(1)?,
    })
}

fn again(r: Row<'_>) -> Result<Repairs, ReadError> {
    by(r, true)
}

fn fixed(r: Row<'_>) -> Result<Repairs, ReadError> {
    by(r, false)
}

impl StoreReader {
    /// Reruns, settled corrections and changed rules of a workflow by person, from a day and a moment on.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn repairs_by_person(
        &self,
        workflow: &str,
        first_day: &str,
        since: Timestamp,
    ) -> Result<Vec<Repairs>, ReadError> {
        let text = |t: &str| Value::Text(t.to_owned());
        let moment = || vec![text(workflow), Value::Int(since.micros())];
        let (mut again, settled, rules) = tokio::try_join!(
            self.rows(AGAIN, vec![text(workflow), text(first_day)], again),
            self.rows(SETTLED, moment(), fixed),
            self.rows(RULES, moment(), fixed),
        )?;
        again.extend(settled);
        again.extend(rules);
        // What the system did by itself hangs on nobody.
        again.retain(|r| !r.person.contains(':'));
        Ok(again)
    }
}
