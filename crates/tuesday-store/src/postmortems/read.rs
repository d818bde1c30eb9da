//! Reading postmortems and follow-ups, and counting what postmortems found.

use tuesday_domain::id::{FollowUpId, IncidentId};
use tuesday_domain::postmortem::{RootCause, Wall};
use tuesday_domain::record::{FollowUp, Postmortem};
use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::{Select, limit as page};
use crate::value::{Row, Value};

const POSTMORTEM: &str = "workflow, seq, state, owner, answers, root, wall, ruled_out, lessons, closed_by, closed_at, \
    version, stopped, reason, opened_by, opened_at";
const FOLLOW_UP: &str = "id, state, owner, due_at, told_at, note, ended_by, ended_at, version, incident_id, \
    postmortem, workflow, words, created_by, created_at";

fn postmortem(r: Row<'_>) -> Result<Postmortem, ReadError> {
    Ok(Postmortem {
        workflow: r.text(0)?,
        seq: r.num(1)?,
        state: r.word(2)?,
        owner: r.text(3)?,
        answers: r.text(4)?,
        root: r.opt_word(5)?,
        wall: r.opt_word(6)?,
        ruled_out: r.opt_text(7)?,
        lessons: r.opt_text(8)?,
        closed_by: r.opt_text(9)?,
        closed_at: r.opt_time(10)?,
        version: r.num(11)?,
        stopped: r.word(12)?,
        reason: r.text(13)?,
        opened_by: r.text(14)?,
        opened_at: r.time(15)?,
    })
}

fn follow_up(r: Row<'_>) -> Result<FollowUp, ReadError> {
    Ok(FollowUp {
        id: FollowUpId::new(r.id(0)?),
        state: r.word(1)?,
        owner: r.text(2)?,
        due_at: r.time(3)?,
        told_at: r.opt_time(4)?,
        note: r.opt_text(5)?,
        ended_by: r.opt_text(6)?,
        ended_at: r.opt_time(7)?,
        version: r.num(8)?,
        incident: r.opt_id(9)?.map(IncidentId::new),
        postmortem: r.opt_num(10)?,
        workflow: r.opt_text(11)?,
        words: r.text(12)?,
        created_by: r.text(13)?,
        created_at: r.time(14)?,
    })
}

/// Which follow-ups to list.
#[derive(Clone, Debug, Default)]
pub struct FollowUpFilter {
    /// Only those that somebody still has to do.
    pub open: bool,
    /// Of one incident.
    pub incident: Option<IncidentId>,
    /// Of one postmortem: workflow and number.
    pub postmortem: Option<(String, u32)>,
    /// Of one workflow.
    pub workflow: Option<String>,
    /// Of one person.
    pub owner: Option<String>,
}

impl StoreReader {
    /// The postmortems of a workflow, or of all of them, newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn postmortems(
        &self,
        workflow: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Postmortem>, ReadError> {
        let mut q = Select::new(&format!("SELECT {POSTMORTEM} FROM postmortems"));
        q.and_text("workflow = ?", workflow);
        let order = " ORDER BY opened_at DESC, workflow, seq DESC LIMIT ?";
        let (sql, params) = q.push(order, [page(limit)]).done();
        self.rows(sql, params, postmortem).await
    }

    /// One postmortem of a workflow.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn postmortem(
        &self,
        workflow: &str,
        seq: u32,
    ) -> Result<Option<Postmortem>, ReadError> {
        let sql = format!("SELECT {POSTMORTEM} FROM postmortems WHERE workflow = $1 AND seq = $2");
        let params = vec![Value::Text(workflow.to_owned()), Value::Int(i64::from(seq))];
        self.first(sql, params, postmortem).await
    }

    /// How often each root cause and wall was found by postmortems that were closed since `since`.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn postmortem_counts(
        &self,
        since: Timestamp,
    ) -> Result<Vec<(RootCause, Wall, u64)>, ReadError> {
        let sql = "SELECT root, wall, count(*) FROM postmortems WHERE state = 'closed' AND closed_at >= $1 \
             GROUP BY root, wall ORDER BY 3 DESC, root, wall";
        let params = vec![Value::Int(since.micros())];
        self.rows(sql, params, |r: Row<'_>| {
            Ok((r.word(0)?, r.word(1)?, r.num(2)?))
        })
        .await
    }

    /// A follow-up by its id.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn follow_up(&self, id: FollowUpId) -> Result<Option<FollowUp>, ReadError> {
        let sql = format!("SELECT {FOLLOW_UP} FROM follow_ups WHERE id = $1");
        self.first(sql, vec![Value::Id(id.uuid())], follow_up).await
    }

    /// The follow-ups the filter finds, what is due first on top.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn follow_ups(
        &self,
        filter: &FollowUpFilter,
        limit: usize,
    ) -> Result<Vec<FollowUp>, ReadError> {
        let mut q = Select::new(&format!("SELECT {FOLLOW_UP} FROM follow_ups"));
        if filter.open {
            q.and("state = 'open'", []);
        }
        if let Some(id) = filter.incident {
            q.and("incident_id = ?", [Value::Id(id.uuid())]);
        }
        if let Some((workflow, seq)) = &filter.postmortem {
            let values = [Value::Text(workflow.clone()), Value::Int(i64::from(*seq))];
            q.and("workflow = ? AND postmortem = ?", values);
        }
        q.and_text("workflow = ?", filter.workflow.as_deref())
            .and_text("owner = ?", filter.owner.as_deref());
        let (sql, params) = q.push(" ORDER BY due_at, id LIMIT ?", [page(limit)]).done();
        self.rows(sql, params, follow_up).await
    }

    /// Follow-ups that are late, and nobody was told yet.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn follow_ups_late(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<FollowUp>, ReadError> {
        let sql = format!(
            "SELECT {FOLLOW_UP} FROM follow_ups WHERE state = 'open' AND told_at IS NULL AND due_at < $1 \
             ORDER BY due_at LIMIT $2"
        );
        let params = vec![Value::Int(now.micros()), page(limit)];
        self.rows(sql, params, follow_up).await
    }
}
