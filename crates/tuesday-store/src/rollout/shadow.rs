//! Shadow runs beside what people did about the same event.

use tuesday_domain::id::{ReleaseId, RunId};
use tuesday_domain::run::ReviewStatus;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::limit as page;
use crate::value::{Row, Value};

/// A shadow run with what is known of what people did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowRow {
    /// The shadow run.
    pub run: RunId,
    /// Its day, for the next page.
    pub day: String,
    /// Its release.
    pub release: ReleaseId,
    /// The bytes of its output; absent when there is no valid one.
    pub output: Option<Vec<u8>>,
    /// How people decided the other run of the event, and the bytes of the output that stood then.
    pub people: Option<(ReviewStatus, ReleaseId, Option<Vec<u8>>)>,
    /// The newest outcome that was posted about the shadow run: decided otherwise.
    pub otherwise: Option<bool>,
    /// Its actions that left.
    pub sent: u64,
}

/// The other run of an event is the one that the shadow run repeats, or, in a workflow that is named,
/// the run of the same event. It counts when people decided it. Parameters are numbered as they first
/// appear: SQLite binds them in that order.
const SHADOWS: &str = "SELECT r.id, r.batch, r.release_id, p.bytes, h.review, h.release_id, q.bytes, \
    (SELECT s.wrong FROM signals s WHERE s.run_id = r.id AND s.kind = 'outcome' \
        ORDER BY s.received_at DESC, s.event DESC LIMIT 1), \
    (SELECT count(*) FROM actions a WHERE a.run_id = r.id AND a.first_sent_at IS NOT NULL) \
    FROM runs r \
    LEFT JOIN payloads p ON p.run_id = r.id AND p.n = r.output_ref \
    LEFT JOIN runs h ON h.id = coalesce( \
        (SELECT x.id FROM runs x WHERE x.id = r.rerun_of AND x.stage <> 'shadow' \
            AND (x.review = 'approved' OR x.review = 'approved_with_edits' OR x.review = 'rejected')), \
        (SELECT x.id FROM runs x WHERE x.event_id = r.event_id AND x.workflow = $1 AND x.stage <> 'shadow' \
            AND (x.review = 'approved' OR x.review = 'approved_with_edits' OR x.review = 'rejected') \
            ORDER BY x.id LIMIT 1)) \
    LEFT JOIN payloads q ON q.run_id = h.id AND q.n = h.output_ref \
    WHERE r.workflow = $2 AND r.batch >= $3 AND r.batch <= $4 AND (r.batch, r.id) > ($5, $6) \
        AND r.stage = 'shadow' AND r.outcome IS NOT NULL \
    ORDER BY r.batch, r.id LIMIT $7";

impl StoreReader {
    /// Shadow runs of a workflow that are over, by day from `from` to `to` (inclusive) and behind
    /// `after`, each beside what people did about its event; `against` is the workflow in which they
    /// did it, when that is another one.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn shadow_runs(
        &self,
        workflow: &str,
        against: Option<&str>,
        (from, to): (&str, &str),
        after: Option<(&str, RunId)>,
        limit: usize,
    ) -> Result<Vec<ShadowRow>, ReadError> {
        let (day, id) = after.map_or(("", uuid::Uuid::nil()), |(d, id)| (d, id.uuid()));
        let text = |t: &str| Value::Text(t.to_owned());
        let params = vec![
            text(against.unwrap_or_default()),
            text(workflow),
            text(from),
            text(to),
            text(day),
            Value::Id(id),
            page(limit),
        ];
        self.rows(SHADOWS, params, |r: Row<'_>| {
            let review: Option<ReviewStatus> = r.opt_word(4)?;
            let people = match (review, r.opt_id(5)?) {
                (Some(review), Some(release)) => {
                    Some((review, ReleaseId::new(release), r.opt_blob(6)?))
                }
                _ => None,
            };
            Ok(ShadowRow {
                run: RunId::new(r.id(0)?),
                day: r.text(1)?,
                release: ReleaseId::new(r.id(2)?),
                output: r.opt_blob(3)?,
                people,
                otherwise: r.opt_num::<u8>(7)?.map(|n| n != 0),
                sent: r.num(8)?,
            })
        })
        .await
    }
}
