//! Reading findings, incidents, their timeline, runs and corrections.

use tuesday_domain::id::{ActionId, CorrectionId, FindingId, IncidentId, RunId};
use tuesday_domain::record::{Correction, Finding, Incident, IncidentEntry};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::incident::IncidentState;
use tuesday_domain::trouble::{Category, Severity};

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::{Select, limit as page};
use crate::value::{Row, Value};

const FINDING: &str = "id, incident_id, key, category, workflow, run_id, words, hard, at";
const INCIDENT: &str = "id, state, severity, owner, count, last_at, acknowledged_by, acknowledged_at, resolution, \
    resolved_by, resolved_at, case_name, waiver, fix_layer, without_code, reviewed_by, version, key, category, title, \
    workflow, opened_by, opened_at";
const CORRECTION: &str = "id, state, owner, due_at, receipt, settled_by, settled_at, note, proof, version, \
    incident_id, run_id, action_id, place, words, created_at";
/// Word for word the condition of the index on open incidents.
const OPEN: &str = "(state = 'triggered' OR state = 'acknowledged' OR state = 'mitigated')";

/// Which incidents a page shows; absent means any.
#[derive(Clone, Debug, Default)]
pub struct IncidentFilter {
    /// Workflow name.
    pub workflow: Option<String>,
    /// The workflows that the reader may see, and what belongs to none. Absent means all.
    pub among: Option<Vec<String>>,
    /// Where it stands.
    pub state: Option<IncidentState>,
    /// Only those that are somebody's work.
    pub open: bool,
    /// What kind of cause.
    pub category: Option<Category>,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// Handle of the owner.
    pub owner: Option<String>,
    /// Opened from this moment on, and before that one.
    pub opened: Option<(Timestamp, Timestamp)>,
}

fn finding(r: Row<'_>) -> Result<Finding, ReadError> {
    Ok(Finding {
        id: FindingId::new(r.id(0)?),
        incident: r.opt_id(1)?.map(IncidentId::new),
        key: r.text(2)?,
        category: r.word(3)?,
        workflow: r.opt_text(4)?,
        run: r.opt_id(5)?.map(RunId::new),
        words: r.text(6)?,
        hard: r.flag(7)?,
        at: r.time(8)?,
    })
}

fn incident(r: Row<'_>) -> Result<Incident, ReadError> {
    Ok(Incident {
        id: IncidentId::new(r.id(0)?),
        state: r.word(1)?,
        severity: r.word(2)?,
        owner: r.text(3)?,
        count: r.num(4)?,
        last_at: r.time(5)?,
        acknowledged_by: r.opt_text(6)?,
        acknowledged_at: r.opt_time(7)?,
        resolution: r.opt_text(8)?,
        resolved_by: r.opt_text(9)?,
        resolved_at: r.opt_time(10)?,
        case: r.opt_text(11)?,
        waiver: r.opt_text(12)?,
        fix_layer: r.opt_word(13)?,
        without_code: r.opt_flag(14)?,
        reviewed_by: r.opt_text(15)?,
        version: r.num(16)?,
        key: r.text(17)?,
        category: r.word(18)?,
        title: r.text(19)?,
        workflow: r.opt_text(20)?,
        opened_by: r.text(21)?,
        opened_at: r.time(22)?,
    })
}

fn entry(r: Row<'_>) -> Result<IncidentEntry, ReadError> {
    Ok(IncidentEntry {
        incident: IncidentId::new(r.id(0)?),
        seq: r.num(1)?,
        at: r.time(2)?,
        about: r.opt_time(3)?,
        actor: r.text(4)?,
        kind: r.text(5)?,
        words: r.text(6)?,
    })
}

fn correction(r: Row<'_>) -> Result<Correction, ReadError> {
    Ok(Correction {
        id: CorrectionId::new(r.id(0)?),
        state: r.word(1)?,
        owner: r.text(2)?,
        due_at: r.time(3)?,
        receipt: r.opt_text(4)?,
        settled_by: r.opt_text(5)?,
        settled_at: r.opt_time(6)?,
        note: r.opt_text(7)?,
        proof: r.opt_word(8)?,
        version: r.num(9)?,
        incident: IncidentId::new(r.id(10)?),
        run: RunId::new(r.id(11)?),
        action: r.opt_id(12)?.map(ActionId::new),
        place: r.text(13)?,
        words: r.text(14)?,
        created_at: r.time(15)?,
    })
}

impl StoreReader {
    /// Findings that no incident has taken yet, those of one cause together, oldest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn new_findings(&self, limit: usize) -> Result<Vec<Finding>, ReadError> {
        let sql = format!(
            "SELECT {FINDING} FROM findings WHERE incident_id IS NULL ORDER BY key, at LIMIT $1"
        );
        self.rows(sql, vec![page(limit)], finding).await
    }

    /// The newest findings of an incident.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn findings_of(
        &self,
        id: IncidentId,
        limit: usize,
    ) -> Result<Vec<Finding>, ReadError> {
        let sql = format!(
            "SELECT {FINDING} FROM findings WHERE incident_id = $1 ORDER BY at DESC LIMIT $2"
        );
        self.rows(sql, vec![Value::Id(id.uuid()), page(limit)], finding)
            .await
    }

    /// An incident by its id.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, ReadError> {
        let sql = format!("SELECT {INCIDENT} FROM incidents WHERE id = $1");
        self.first(sql, vec![Value::Id(id.uuid())], incident).await
    }

    /// The newest incident of a cause, open or not.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn incident_of_cause(&self, key: &str) -> Result<Option<Incident>, ReadError> {
        let sql = format!(
            "SELECT {INCIDENT} FROM incidents WHERE key = $1 ORDER BY opened_at DESC, id DESC LIMIT 1"
        );
        self.first(sql, vec![Value::Text(key.to_owned())], incident)
            .await
    }

    /// Every incident that is somebody's work, oldest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn open_incidents(&self) -> Result<Vec<Incident>, ReadError> {
        let sql = format!("SELECT {INCIDENT} FROM incidents WHERE {OPEN} ORDER BY opened_at, id");
        self.rows(sql, vec![], incident).await
    }

    /// Incidents the filter finds, newest first; `after` is the last one of the page before.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn incidents(
        &self,
        filter: &IncidentFilter,
        after: Option<IncidentId>,
        limit: usize,
    ) -> Result<Vec<Incident>, ReadError> {
        let mut q = Select::new(&format!("SELECT {INCIDENT} FROM incidents"));
        if filter.open {
            q.and(OPEN, []);
        }
        q.and_text("workflow = ?", filter.workflow.as_deref())
            .and_text("state = ?", filter.state.map(IncidentState::word))
            .and_text("category = ?", filter.category.map(Category::word))
            .and_text("severity = ?", filter.severity.map(Severity::word))
            .and_text("owner = ?", filter.owner.as_deref());
        if let Some((from, to)) = filter.opened {
            q.and("opened_at >= ?", [Value::Int(from.micros())])
                .and("opened_at < ?", [Value::Int(to.micros())]);
        }
        if let Some(names) = filter.among.as_ref().filter(|n| !n.is_empty()) {
            q.and("(workflow IS NULL OR workflow IN", [])
                .list(names)
                .push(")", []);
        } else if filter.among.is_some() {
            q.and("workflow IS NULL", []);
        }
        if let Some(after) = after {
            q.and("id < ?", [Value::Id(after.uuid())]);
        }
        let (sql, params) = q.push(" ORDER BY id DESC LIMIT ?", [page(limit)]).done();
        self.rows(sql, params, incident).await
    }

    /// The timeline of an incident, in the order it was written.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn incident_entries(&self, id: IncidentId) -> Result<Vec<IncidentEntry>, ReadError> {
        let sql = "SELECT incident_id, seq, at, about, actor, kind, words FROM incident_entries \
            WHERE incident_id = $1 ORDER BY seq";
        self.rows(sql, vec![Value::Id(id.uuid())], entry).await
    }

    /// The runs an incident touches, oldest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn incident_runs(
        &self,
        id: IncidentId,
        after: Option<RunId>,
        limit: usize,
    ) -> Result<Vec<RunId>, ReadError> {
        let mut q = Select::new("SELECT run_id FROM incident_runs");
        q.and("incident_id = ?", [Value::Id(id.uuid())]);
        if let Some(after) = after {
            q.and("run_id > ?", [Value::Id(after.uuid())]);
        }
        let (sql, params) = q.push(" ORDER BY run_id LIMIT ?", [page(limit)]).done();
        self.rows(sql, params, |r: Row<'_>| r.id(0).map(RunId::new))
            .await
    }

    /// How many runs an incident touches.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn incident_run_count(&self, id: IncidentId) -> Result<u64, ReadError> {
        let sql = "SELECT count(*) FROM incident_runs WHERE incident_id = $1";
        let found = self
            .first(sql, vec![Value::Id(id.uuid())], |r: Row<'_>| r.num(0))
            .await?;
        Ok(found.unwrap_or(0))
    }

    /// The incidents a run is part of, newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn incidents_of_run(&self, run: RunId) -> Result<Vec<Incident>, ReadError> {
        let sql = format!(
            "SELECT {INCIDENT} FROM incidents WHERE id IN (SELECT incident_id FROM incident_runs WHERE run_id = $1) \
             ORDER BY id DESC"
        );
        self.rows(sql, vec![Value::Id(run.uuid())], incident).await
    }

    /// A correction by its id.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn correction(&self, id: CorrectionId) -> Result<Option<Correction>, ReadError> {
        let sql = format!("SELECT {CORRECTION} FROM corrections WHERE id = $1");
        self.first(sql, vec![Value::Id(id.uuid())], correction)
            .await
    }

    /// The corrections of an incident, in the order they were made.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn corrections_of(&self, id: IncidentId) -> Result<Vec<Correction>, ReadError> {
        let sql =
            format!("SELECT {CORRECTION} FROM corrections WHERE incident_id = $1 ORDER BY id");
        self.rows(sql, vec![Value::Id(id.uuid())], correction).await
    }

    /// The corrections of an action, in the order they were made.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn corrections_of_action(
        &self,
        run: RunId,
        action: ActionId,
    ) -> Result<Vec<Correction>, ReadError> {
        let sql = format!(
            "SELECT {CORRECTION} FROM corrections WHERE incident_id IN \
             (SELECT incident_id FROM incident_runs WHERE run_id = $1) AND action_id = $2 ORDER BY id"
        );
        let params = vec![Value::Id(run.uuid()), Value::Id(action.uuid())];
        self.rows(sql, params, correction).await
    }

    /// Open corrections whose wrong value was put back.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn corrections_undone(&self, limit: usize) -> Result<Vec<Correction>, ReadError> {
        let sql = format!(
            "SELECT {CORRECTION} FROM corrections WHERE state = 'open' AND EXISTS (SELECT 1 FROM actions AS a \
             WHERE a.run_id = corrections.run_id AND a.id = corrections.action_id AND a.state = 'compensated') \
             ORDER BY due_at LIMIT $1"
        );
        self.rows(sql, vec![page(limit)], correction).await
    }
}
