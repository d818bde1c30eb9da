//! Everything that is with one person, in one statement: a list that forgets a kind of thing is the way
//! things fall through the cracks.

use tuesday_domain::record::HandoffRow;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::limit as page;
use crate::value::{Row, Value};

/// Each part holds at most as many rows as the whole: the oldest of all are among the oldest of each.
const MINE: &str = "SELECT kind, id, number, workflow, words, since, due_at FROM (\
    SELECT * FROM (SELECT 'review' AS kind, id, CAST(NULL AS BIGINT) AS number, workflow, subject AS words, \
        created_at AS since, due_at FROM reviews WHERE owner = $1 AND state IN ('open', 'claimed', 'suspended') \
        ORDER BY created_at LIMIT $2) AS a UNION ALL \
    SELECT * FROM (SELECT 'incident' AS kind, id, CAST(NULL AS BIGINT) AS number, workflow, title AS words, \
        opened_at AS since, CAST(NULL AS BIGINT) AS due_at FROM incidents WHERE owner = $1 \
        AND (state = 'triggered' OR state = 'acknowledged' OR state = 'mitigated') ORDER BY opened_at LIMIT $2) AS b \
    UNION ALL \
    SELECT * FROM (SELECT 'correction' AS kind, c.incident_id AS id, CAST(NULL AS BIGINT) AS number, i.workflow, \
        c.words, c.created_at AS since, c.due_at FROM corrections AS c JOIN incidents AS i ON i.id = c.incident_id \
        WHERE c.owner = $1 AND c.state = 'open' ORDER BY c.created_at LIMIT $2) AS c UNION ALL \
    SELECT * FROM (SELECT 'follow_up' AS kind, id, CAST(NULL AS BIGINT) AS number, workflow, words, \
        created_at AS since, due_at FROM follow_ups WHERE owner = $1 AND state = 'open' \
        ORDER BY created_at LIMIT $2) AS d UNION ALL \
    SELECT * FROM (SELECT 'problem' AS kind, id, CAST(NULL AS BIGINT) AS number, workflow, words, \
        created_at AS since, due_at FROM problem_reports WHERE owner = $1 AND state IN ('new', 'triaged') \
        ORDER BY created_at LIMIT $2) AS e UNION ALL \
    SELECT * FROM (SELECT 'postmortem' AS kind, CAST(NULL AS UUID) AS id, seq AS number, workflow, reason AS words, \
        opened_at AS since, CAST(NULL AS BIGINT) AS due_at FROM postmortems WHERE owner = $1 AND state = 'open' \
        ORDER BY opened_at LIMIT $2) AS f UNION ALL \
    SELECT * FROM (SELECT 'drift' AS kind, CAST(NULL AS UUID) AS id, seq AS number, workflow, words, found_at AS since, \
        CAST(NULL AS BIGINT) AS due_at FROM drift_findings WHERE owner = $1 AND state = 'open' \
        ORDER BY found_at LIMIT $2) AS g UNION ALL \
    SELECT * FROM (SELECT 'duty' AS kind, id, CAST(NULL AS BIGINT) AS number, workflow, \
        item || ': ' || reason AS words, opened_at AS since, due_at FROM duties WHERE owner = $1 \
        AND state = 'open' ORDER BY opened_at LIMIT $2) AS h) AS mine ORDER BY since, kind LIMIT $2";

fn handoff(r: Row<'_>) -> Result<HandoffRow, ReadError> {
    Ok(HandoffRow {
        kind: r.word(0)?,
        id: r.opt_id(1)?,
        number: r.opt_num(2)?,
        workflow: r.opt_text(3)?,
        words: r.text(4)?,
        since: r.time(5)?,
        due_at: r.opt_time(6)?,
    })
}

impl StoreReader {
    /// What is with a person, the oldest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn handoffs_of(
        &self,
        person: &str,
        limit: usize,
    ) -> Result<Vec<HandoffRow>, ReadError> {
        let params = vec![Value::Text(person.to_owned()), page(limit)];
        self.rows(MINE, params, handoff).await
    }
}
