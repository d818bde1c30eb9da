//! Reading runs: one, a page, and the counts people ask for.

use tuesday_domain::id::{ReleaseId, RunId};
use tuesday_domain::ledger::figures::AUTOMATIC;
use tuesday_domain::record::Run;
use tuesday_domain::run::{Outcome, Reason, Status};
use tuesday_domain::time::Timestamp;

use super::{COLUMNS, run};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::{Select, contains, limit as page};
use crate::value::{Row, Value};

/// Which runs a page shows; absent means any.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Workflow name.
    pub workflow: Option<String>,
    /// The workflows that the reader may see; no page goes beyond them. Absent means all.
    pub among: Option<Vec<String>>,
    /// Where it stands.
    pub status: Option<Status>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Day of receipt, `YYYY-MM-DD`.
    pub day: Option<String>,
    /// Part of the subject, any case, or the whole id of the event.
    pub text: Option<String>,
    /// First and last day of receipt, both included.
    pub days: Option<(String, String)>,
    /// The records behind a figure.
    pub kind: Option<RunKind>,
    /// The code of why a person got it, or several with commas; `unclassified` for those without one.
    pub reason: Option<String>,
    /// Made with this release.
    pub release: Option<ReleaseId>,
    /// For this group, as adoption is told apart; absent inside means no group is known.
    pub group: Option<Option<String>>,
    /// Whose output this tier was asked about first; [`ANY_TIER`] for any, `automatic` for none.
    pub tier: Option<String>,
    /// With something wrong with this source when its inputs were read; the event is `input`.
    pub input: Option<String>,
}

/// Nobody but the rules decided it, and a second look found it wrong; or only the stage kept it with a
/// person, who changed or refused it, or whose approval a second look found wrong. The decision that counts
/// is the last one about an output.
const ACTED_WRONGLY: &str = "(((r.outcome = 'written_back' OR r.outcome = 'draft_placed') \
     AND NOT EXISTS (SELECT 1 FROM reviews AS v WHERE v.run_id = r.id AND v.kind = 'output') \
     AND EXISTS (SELECT 1 FROM second_looks AS l WHERE l.run_id = r.id AND l.result = 'incorrect')) \
     OR EXISTS (SELECT 1 FROM reviews AS v WHERE v.run_id = r.id AND v.kind = 'output' AND v.reason = 'stage' \
     AND v.decision IS NOT NULL AND NOT EXISTS (SELECT 1 FROM reviews AS w WHERE w.run_id = r.id AND w.kind = 'output' \
     AND w.decision IS NOT NULL AND w.id > v.id) AND (v.decision = 'approve_with_edits' OR v.decision = 'reject' \
     OR EXISTS (SELECT 1 FROM second_looks AS l WHERE l.run_id = r.id AND l.result = 'incorrect'))))";

/// The rules or a check held it back, and the last decision about it was to approve it as it stood.
const HELD_WRONGLY: &str = "(EXISTS (SELECT 1 FROM reviews AS v WHERE v.run_id = r.id AND v.kind = 'output' \
     AND v.reason IN ('rule', 'rule_input', 'unknown_tier', 'check_failed', 'uncertain_output', 'uncalibrated') \
     AND v.decision = 'approve' AND NOT EXISTS (SELECT 1 FROM reviews AS w WHERE w.run_id = r.id AND w.kind = 'output' \
     AND w.decision IS NOT NULL AND w.id > v.id)) \
     AND NOT EXISTS (SELECT 1 FROM second_looks AS l WHERE l.run_id = r.id AND l.result = 'incorrect'))";

/// The records behind a figure of the scorecard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunKind {
    /// Every run.
    All,
    /// Not ended.
    Open,
    /// Written back, or a draft placed.
    Resolved,
    /// Ended in a way that counts for the time saved.
    Ended,
    /// Put before a person.
    Exception,
    /// Looked at a second time.
    Looked,
    /// Found wrong when looked at a second time.
    Wrong,
    /// With a decision whose case was never in view.
    Untimed,
    /// With a model call whose cost nobody knows.
    Unknown,
    /// A person decided about its output.
    Decided,
    /// A person changed or refused its output.
    Overridden,
    /// Went alone, or only the stage kept it with a person, and was found wrong.
    ActedWrongly,
    /// Held back for a person, and approved as it stood.
    HeldWrongly,
    /// Delivered and used as it stood.
    UsedAsIs,
    /// Delivered, changed and used.
    UsedEdited,
    /// Delivered and not used.
    Ignored,
    /// Delivered, and the work was done the old way.
    Bypassed,
    /// Delivered; nobody can see whether it was used.
    UseUnknown,
    /// Delivered with no visit to the console.
    NoVisit,
    /// Delivered after somebody was asked, or had opened it.
    Visited,
}

/// What is known about the use of a delivered output, as [`tuesday_domain::ledger::figures::RunFacts::uptake`]
/// has it: the newest report, otherwise what a person made of what was written.
macro_rules! uptake {
    ($compared:literal) => {
        concat!(
            "((r.outcome = 'written_back' OR r.outcome = 'draft_placed') AND coalesce(\
             (SELECT u.uptake FROM use_reports AS u WHERE u.run_id = r.id ORDER BY u.at DESC, u.event DESC LIMIT 1), \
             CASE WHEN r.outcome = 'written_back' THEN (SELECT CASE v.decision WHEN 'approve' THEN 'used_as_is' \
             WHEN 'approve_with_edits' THEN 'used_edited' END FROM reviews AS v WHERE v.run_id = r.id \
             AND v.kind = 'output' AND v.decision IS NOT NULL ORDER BY v.id DESC LIMIT 1) END, 'unknown') = '",
            $compared,
            "')"
        )
    };
}

/// Whether somebody had to answer something, or opened the run before it was delivered.
macro_rules! visited {
    () => {
        "(EXISTS (SELECT 1 FROM reviews AS v WHERE v.run_id = r.id AND v.kind <> 'second_look') \
         OR EXISTS (SELECT 1 FROM run_visits AS o WHERE o.run_id = r.id AND o.first_at <= r.finished_at))"
    };
}

impl RunKind {
    /// Every kind.
    pub const ALL: [Self; 20] = [
        Self::All,
        Self::Open,
        Self::Resolved,
        Self::Ended,
        Self::Exception,
        Self::Looked,
        Self::Wrong,
        Self::Untimed,
        Self::Unknown,
        Self::Decided,
        Self::Overridden,
        Self::ActedWrongly,
        Self::HeldWrongly,
        Self::UsedAsIs,
        Self::UsedEdited,
        Self::Ignored,
        Self::Bypassed,
        Self::UseUnknown,
        Self::NoVisit,
        Self::Visited,
    ];

    /// Its word in addresses.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Open => "open",
            Self::Resolved => "resolved",
            Self::Ended => "ended",
            Self::Exception => "exception",
            Self::Looked => "looked",
            Self::Wrong => "wrong",
            Self::Untimed => "untimed",
            Self::Unknown => "unknown",
            Self::Decided => "decided",
            Self::Overridden => "overridden",
            Self::ActedWrongly => "acted_wrongly",
            Self::HeldWrongly => "held_wrongly",
            Self::UsedAsIs => "used_as_is",
            Self::UsedEdited => "used_edited",
            Self::Ignored => "ignored",
            Self::Bypassed => "bypassed",
            Self::UseUnknown => "use_unknown",
            Self::NoVisit => "no_visit",
            Self::Visited => "visited",
        }
    }

    /// The condition on `r`.
    const fn condition(self) -> &'static str {
        match self {
            Self::All => "1 = 1",
            Self::Open => "r.outcome IS NULL",
            Self::Resolved => "(r.outcome = 'written_back' OR r.outcome = 'draft_placed')",
            Self::Ended => {
                "(r.outcome = 'written_back' OR r.outcome = 'draft_placed' OR r.outcome = 'rejected' OR r.outcome = 'handed_off')"
            }
            Self::Exception => {
                "(r.review <> 'none' OR EXISTS (SELECT 1 FROM reviews AS v WHERE v.run_id = r.id AND v.kind <> 'second_look'))"
            }
            Self::Looked => {
                "EXISTS (SELECT 1 FROM second_looks AS l WHERE l.run_id = r.id AND l.result IS NOT NULL)"
            }
            Self::Wrong => {
                "EXISTS (SELECT 1 FROM second_looks AS l WHERE l.run_id = r.id AND l.result = 'incorrect')"
            }
            Self::Untimed => {
                "EXISTS (SELECT 1 FROM reviews AS v WHERE v.run_id = r.id AND v.decision IS NOT NULL \
                 AND NOT EXISTS (SELECT 1 FROM review_reads AS d WHERE d.review_id = v.id))"
            }
            Self::Unknown => {
                "EXISTS (SELECT 1 FROM attempts AS a WHERE a.run_id = r.id AND a.step = 'generate' AND a.cost_micros IS NULL)"
            }
            Self::Decided => {
                "EXISTS (SELECT 1 FROM reviews AS v WHERE v.run_id = r.id AND v.kind = 'output' AND v.decision IS NOT NULL)"
            }
            Self::Overridden => {
                "EXISTS (SELECT 1 FROM reviews AS v WHERE v.run_id = r.id AND v.kind = 'output' \
                 AND v.decision IS NOT NULL AND v.decision <> 'approve')"
            }
            Self::ActedWrongly => ACTED_WRONGLY,
            Self::HeldWrongly => HELD_WRONGLY,
            Self::UsedAsIs => uptake!("used_as_is"),
            Self::UsedEdited => uptake!("used_edited"),
            Self::Ignored => uptake!("ignored"),
            Self::Bypassed => uptake!("bypassed"),
            Self::UseUnknown => uptake!("unknown"),
            Self::NoVisit => concat!(
                "(r.outcome = 'written_back' OR r.outcome = 'draft_placed') AND NOT ",
                visited!()
            ),
            Self::Visited => concat!(
                "(r.outcome = 'written_back' OR r.outcome = 'draft_placed') AND ",
                visited!()
            ),
        }
    }
}

impl std::str::FromStr for RunKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|k| k.word() == text)
            .ok_or_else(|| {
                format!(
                    "`{text}` is not one of {}",
                    Self::ALL.map(Self::word).join(", ")
                )
            })
    }
}

/// How many runs of a workflow are in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunCount {
    /// Workflow name.
    pub workflow: String,
    /// Where they stand.
    pub status: Status,
    /// How they ended.
    pub outcome: Option<Outcome>,
    /// How many.
    pub runs: u64,
}

/// What one day of a workflow came to, by state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchTotal {
    /// Where they stand.
    pub status: Status,
    /// How they ended.
    pub outcome: Option<Outcome>,
    /// How many.
    pub runs: u64,
    /// What they cost so far, in millionths of the price's currency.
    pub cost_micros: i64,
    /// How many have a cost that nobody reported.
    pub cost_unknown: u64,
}

/// Runs of a day that a person had, by why and who.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonCount {
    /// The code; absent for a run that says none.
    pub reason: Option<Reason>,
    /// Handle of the person who has or had its last task.
    pub owner: String,
    /// How many.
    pub runs: u64,
    /// Of them, not decided yet.
    pub open: u64,
}

/// A run that carries a known error is no run of the workflow: it counts nowhere.
const NO_SEED: &str = "NOT EXISTS (SELECT 1 FROM seeds AS s WHERE s.run_id = r.id)";

const OVERDUE: &str = "WHERE r.outcome IS NULL AND r.status IN ('received', 'queued', 'running', 'retry_wait', \
    'dispatching', 'waiting_input') AND r.deadline_at <= $1 ORDER BY r.deadline_at LIMIT $2";

/// In place of a tier: that people were asked about the output at all.
pub const ANY_TIER: &str = "*";

/// The conditions on a run's tier, its group, and on what was wrong with its inputs.
fn by_inputs(q: &mut Select, filter: &RunFilter) {
    match filter.tier.as_deref() {
        None => {}
        Some(ANY_TIER) => {
            let any =
                "EXISTS (SELECT 1 FROM reviews AS t WHERE t.run_id = r.id AND t.kind = 'output')";
            q.and(any, []);
        }
        Some(AUTOMATIC) => {
            let none = "NOT EXISTS (SELECT 1 FROM reviews AS t WHERE t.run_id = r.id AND t.kind = 'output')";
            q.and(none, []);
        }
        // As the figures of a day have it.
        Some(tier) => {
            let first = "(SELECT t.tier FROM reviews AS t WHERE t.run_id = r.id AND t.kind = 'output' \
                         ORDER BY t.id LIMIT 1) = ?";
            q.and(first, [Value::Text(tier.to_owned())]);
        }
    }
    if let Some(source) = &filter.input {
        let of = "EXISTS (SELECT 1 FROM run_inputs AS i WHERE i.run_id = r.id AND i.source = ?)";
        q.and(of, [Value::Text(source.clone())]);
    }
    match &filter.group {
        Some(Some(name)) => {
            let of = "EXISTS (SELECT 1 FROM run_groups AS g WHERE g.run_id = r.id AND g.name = ?)";
            q.and(of, [Value::Text(name.clone())]);
        }
        Some(None) => {
            let none = "NOT EXISTS (SELECT 1 FROM run_groups AS g WHERE g.run_id = r.id)";
            q.and(none, []);
        }
        None => {}
    }
}

impl StoreReader {
    /// A run by its id.
    ///
    /// # Errors
    /// When the database does not answer or a row makes no sense; so for every read.
    pub async fn run(&self, id: RunId) -> Result<Option<Run>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM runs AS r WHERE r.id = $1");
        self.first(sql, vec![Value::Id(id.uuid())], run).await
    }

    /// The run an event became.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn run_by_event(
        &self,
        workflow: &str,
        source: &str,
        event_id: &str,
    ) -> Result<Option<Run>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM runs AS r WHERE r.event_id = $1 AND r.event_source = $2 AND r.workflow = $3"
        );
        let params = [event_id, source, workflow].map(|t| Value::Text(t.to_owned()));
        self.first(sql, params.into(), run).await
    }

    /// Runs of a day that a person had, by reason and owner; a run counts once, with its last task. Second looks
    /// are no exceptions.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn reasons_of_day(
        &self,
        workflow: &str,
        day: &str,
    ) -> Result<Vec<ReasonCount>, ReadError> {
        let sql = format!(
            "SELECT r.reason, v.owner, count(*), sum(CASE WHEN v.decided_at IS NULL AND r.outcome IS NULL THEN 1 ELSE 0 END) \
             FROM runs AS r JOIN reviews AS v ON v.run_id = r.id WHERE r.workflow = $1 AND r.batch = $2 \
             AND v.kind <> 'second_look' AND {NO_SEED} AND NOT EXISTS (SELECT 1 FROM reviews AS w WHERE w.run_id = r.id \
             AND w.kind <> 'second_look' AND w.id > v.id) GROUP BY r.reason, v.owner ORDER BY count(*) DESC, r.reason, v.owner"
        );
        let params = [workflow, day].map(|t| Value::Text(t.to_owned())).to_vec();
        self.rows(sql, params, |r: Row<'_>| {
            Ok(ReasonCount {
                reason: r.opt_word(0)?,
                owner: r.text(1)?,
                runs: r.num(2)?,
                open: r.num(3)?,
            })
        })
        .await
    }

    /// A page of runs, newest first; `after` is the last run of the page before.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn run_page(
        &self,
        filter: &RunFilter,
        after: Option<RunId>,
        limit: usize,
    ) -> Result<Vec<Run>, ReadError> {
        let mut q = Select::new(&format!("SELECT {COLUMNS} FROM runs AS r"));
        q.and(NO_SEED, [])
            .and_among("r.workflow", filter.among.as_deref())
            .and_text("r.workflow = ?", filter.workflow.as_deref())
            .and_text("r.batch = ?", filter.day.as_deref())
            .and_text("r.status = ?", filter.status.map(Status::word))
            .and_text("r.outcome = ?", filter.outcome.map(Outcome::word));
        if let Some((from, to)) = &filter.days {
            let ends = [Value::Text(from.clone()), Value::Text(to.clone())];
            q.and("r.batch >= ? AND r.batch <= ?", ends);
        }
        if let Some(kind) = filter.kind {
            q.and(kind.condition(), []);
        }
        match filter.reason.as_deref() {
            Some("unclassified") => {
                q.and("r.reason IS NULL", []);
            }
            Some(several) if several.contains(',') => {
                let names: Vec<String> = several.split(',').map(str::to_owned).collect();
                q.and_among("r.reason", Some(&names));
            }
            reason => {
                q.and_text("r.reason = ?", reason);
            }
        }
        by_inputs(&mut q, filter);
        if let Some(release) = filter.release {
            q.and("r.release_id = ?", [Value::Id(release.uuid())]);
        }
        if filter.status.is_some_and(|s| !s.is_terminal()) {
            // Says what the partial index on open runs needs to hear.
            q.and("r.outcome IS NULL", []);
        }
        if let Some(text) = &filter.text {
            let values = [contains(text), Value::Text(text.clone())];
            q.and(
                r"(lower(r.subject) LIKE ? ESCAPE '\' OR r.event_id = ?)",
                values,
            );
        }
        // Within a workflow runs are kept by day, and a day's ids are in order: the same order as by
        // id, but it can be read off the index.
        let by_day = filter.workflow.is_some();
        if let Some(after) = after.map(|id| Value::Id(id.uuid())) {
            if by_day {
                q.and(
                    "(r.batch, r.id) < (SELECT b.batch, b.id FROM runs AS b WHERE b.id = ?)",
                    [after],
                );
            } else {
                q.and("r.id < ?", [after]);
            }
        }
        q.push(
            if by_day {
                " ORDER BY r.batch DESC, r.id DESC"
            } else {
                " ORDER BY r.id DESC"
            },
            [],
        );
        let (sql, params) = q.push(" LIMIT ?", [page(limit)]).done();
        self.rows(sql, params, run).await
    }

    /// The releases of these runs, in no order.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn releases_of(&self, runs: &[RunId]) -> Result<Vec<(RunId, ReleaseId)>, ReadError> {
        let mut found = Vec::with_capacity(runs.len());
        for some in runs.chunks(200) {
            let mut q = Select::new("SELECT id, release_id FROM runs WHERE id IN (");
            for (i, id) in some.iter().enumerate() {
                q.push(if i == 0 { "?" } else { ", ?" }, [Value::Id(id.uuid())]);
            }
            let (sql, params) = q.push(")", []).done();
            let row = |r: Row<'_>| Ok((RunId::new(r.id(0)?), ReleaseId::new(r.id(1)?)));
            found.extend(self.rows(sql, params, row).await?);
        }
        Ok(found)
    }

    /// How many runs there are, by workflow and state. Reads every run: for totals, not for a page.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn run_counts(&self) -> Result<Vec<RunCount>, ReadError> {
        let sql = format!(
            "SELECT workflow, status, outcome, count(*) FROM runs AS r WHERE {NO_SEED} \
            GROUP BY workflow, status, outcome ORDER BY workflow, status, outcome"
        );
        self.rows(sql, vec![], |r: Row<'_>| {
            Ok(RunCount {
                workflow: r.text(0)?,
                status: r.word(1)?,
                outcome: r.opt_word(2)?,
                runs: r.num(3)?,
            })
        })
        .await
    }

    /// What one day of a workflow came to.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn batch_totals(
        &self,
        workflow: &str,
        day: &str,
    ) -> Result<Vec<BatchTotal>, ReadError> {
        let sql = format!(
            "SELECT status, outcome, count(*), CAST(sum(cost_micros) AS BIGINT), \
            CAST(sum(cost_unknown) AS BIGINT) FROM runs AS r WHERE workflow = $1 AND batch = $2 AND {NO_SEED} \
            GROUP BY status, outcome ORDER BY status, outcome"
        );
        let params = [workflow, day].map(|t| Value::Text(t.to_owned()));
        self.rows(sql, params.into(), |r: Row<'_>| {
            Ok(BatchTotal {
                status: r.word(0)?,
                outcome: r.opt_word(1)?,
                runs: r.num(2)?,
                cost_micros: r.int(3)?,
                cost_unknown: r.num(4)?,
            })
        })
        .await
    }

    /// Runs that a machine, or an owner asked for input, should have finished by `now`; the longest
    /// overdue first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn overdue_runs(&self, now: Timestamp, limit: usize) -> Result<Vec<Run>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM runs AS r {OVERDUE}");
        self.rows(sql, vec![Value::Int(now.micros()), page(limit)], run)
            .await
    }
}
