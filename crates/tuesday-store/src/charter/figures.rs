//! What proofs of the charter count, all in one statement, however many runs there are: shares are
//! taken over the newest thousand of the last 30 days.

use std::time::Duration;

use tuesday_domain::charter::Figures;
use tuesday_domain::charter::fallback::Fallback;
use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::{Row, Value};

const WINDOW: Duration = Duration::from_secs(30 * 86_400);

const FIGURES: &str = "SELECT r.finished, r.failed, r.cost, r.unknown, v.decided, v.stood, o.waiting, o.overdue, \
    (SELECT decided_at FROM reviews WHERE override_kind IS NOT NULL AND decided_at >= $3 AND workflow = $1 \
        ORDER BY decided_at DESC LIMIT 1), \
    (SELECT count(*) FROM corrections AS c JOIN incidents AS i ON i.id = c.incident_id \
        WHERE c.state = 'open' AND i.workflow = $1), \
    (SELECT at FROM signals WHERE workflow = $1 AND kind IN ($5, 'old_path')/*not then*/ ORDER BY at DESC LIMIT 1), \
    (SELECT at FROM audit_checkpoints ORDER BY size DESC LIMIT 1), \
    (SELECT count(*) FROM releases WHERE workflow = $1 AND state = 'superseded'), \
    (SELECT created_at FROM releases WHERE id = (SELECT live_release FROM workflows WHERE name = $1)) \
    FROM (SELECT count(*) AS finished, CAST(coalesce(sum(bad), 0) AS BIGINT) AS failed, \
            CAST(coalesce(sum(cost_micros), 0) AS BIGINT) AS cost, \
            CAST(coalesce(sum(cost_unknown), 0) AS BIGINT) AS unknown FROM \
            (SELECT cost_micros, cost_unknown, CASE WHEN outcome = 'failed' OR reason = 'permanent_failure' OR \
                reason = 'attempts_spent' OR reason = 'action_failed' OR reason = 'source_unavailable' \
                THEN 1 ELSE 0 END AS bad FROM runs WHERE workflow = $1 AND batch >= $2 AND outcome IS NOT NULL \
                ORDER BY batch DESC, id DESC LIMIT 1000) AS newest) AS r, \
        (SELECT count(*) AS decided, CAST(coalesce(sum(kept), 0) AS BIGINT) AS stood FROM \
            (SELECT CASE WHEN override_kind IS NULL THEN 1 ELSE 0 END AS kept FROM reviews WHERE workflow = $1 \
                AND kind = 'output' AND decided_by IS NOT NULL AND decided_at >= $3 \
                ORDER BY decided_at DESC LIMIT 1000) AS outputs) AS v, \
        (SELECT count(*) AS waiting, CAST(coalesce(sum(CASE WHEN due_at < $4 THEN 1 ELSE 0 END), 0) AS BIGINT) \
            AS overdue FROM reviews WHERE workflow = $1 AND state IN ('open', 'claimed', 'suspended')) AS o";

/// What proofs count, and what is known about the live release without its files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CharterFigures {
    /// Counts of work.
    pub figures: Figures,
    /// Releases that can be gone back to.
    pub releases_before: usize,
    /// When the live release was made.
    pub released_at: Option<Timestamp>,
}

impl StoreReader {
    /// What proofs count at `now`; `old_path` is the kind of signal that the old way sends, if another than the
    /// plain `old_path` is declared, which always counts, and `fallback` the times in which its use was declared: that does not count.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn charter_figures(
        &self,
        workflow: &str,
        old_path: Option<&str>,
        fallback: &[Fallback],
        now: Timestamp,
    ) -> Result<CharterFigures, ReadError> {
        let since = now.minus(WINDOW);
        let params = vec![
            Value::Text(workflow.to_owned()),
            // A batch is a day of the workflow's zone: no zone's day of that moment is earlier.
            Value::Text(day_before(since)),
            Value::Int(since.micros()),
            Value::Int(now.micros()),
            Value::Text(old_path.unwrap_or_default().to_owned()),
        ];
        // Numbers of our own, and few: no parameter list of a length that changes.
        let not_then: String = fallback
            .iter()
            .map(|f| {
                let until = f.until.unwrap_or(now).micros();
                format!(" AND NOT (at >= {} AND at <= {until})", f.from.micros())
            })
            .collect();
        let figures = FIGURES.replace("/*not then*/", &not_then);
        let found = self.first(figures, params, |r: Row<'_>| {
            Ok(CharterFigures {
                figures: Figures {
                    finished: r.num(0)?,
                    failed: r.num(1)?,
                    cost_micros: r.num(2)?,
                    cost_unknown: r.num(3)?,
                    decided: r.num(4)?,
                    stood: r.num(5)?,
                    open: r.num(6)?,
                    overdue: r.num(7)?,
                    // Only who knows the packages can say which destinations count.
                    written_back_at: None,
                    override_at: r.opt_time(8)?,
                    uncorrected: r.num(9)?,
                    old_path_at: r.opt_time(10)?,
                    sealed_at: r.opt_time(11)?,
                },
                releases_before: r.num(12)?,
                released_at: r.opt_time(13)?,
            })
        });
        Ok(found.await?.unwrap_or_default())
    }
}

fn day_before(at: Timestamp) -> String {
    let before = at.minus(Duration::from_secs(86_400));
    before.rfc3339().chars().take(10).collect()
}
