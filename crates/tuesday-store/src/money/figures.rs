//! What each day came to: finding the days whose records moved, reading the records of a day page by
//! page, and keeping what follows.
//!
//! The rows are bookkeeping that anybody can make again from the records; nobody has decided anything,
//! so there is no audit entry, as with heartbeats.

use std::collections::BTreeSet;

use tuesday_domain::id::{ReleaseId, RunId};
use tuesday_domain::ledger::figures::{CallFacts, DayFigures, RunFacts, TaskFacts};
use tuesday_domain::record::{DayRow, Usage};
use tuesday_domain::time::Timestamp;
use uuid::Uuid;

use crate::Store;
use crate::error::{ApplyError, ReadError};
use crate::reader::StoreReader;
use crate::select::{Select, limit as page};
use crate::value::{Row, Value, big};

/// A slower look that began earlier does not replace a newer one; a mark set meanwhile stays.
pub(crate) const PUT_DAY: &str = "INSERT INTO day_figures (workflow, day, figures, open, made_at) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (workflow, day) DO UPDATE SET figures = excluded.figures, open = excluded.open, made_at = excluded.made_at, \
    stale_at = CASE WHEN day_figures.stale_at >= excluded.made_at THEN day_figures.stale_at END \
    WHERE day_figures.made_at <= excluded.made_at";
pub(crate) const MARK: &str = "INSERT INTO figure_mark (one, run_id, at) VALUES (1, $1, $2) \
    ON CONFLICT (one) DO UPDATE SET run_id = excluded.run_id, at = excluded.at WHERE figure_mark.at <= excluded.at";

/// A run that carries a known error is no run of the workflow.
const NO_SEED: &str = "NOT EXISTS (SELECT 1 FROM seeds AS s WHERE s.run_id = r.id)";
const OF_DAY: &str = "r.workflow = $1 AND r.batch = $2 AND r.id > $3";

/// Up to where the records were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FigureMark {
    /// Runs with an earlier id were seen.
    pub run: Uuid,
    /// What moved before this was seen.
    pub at: Timestamp,
}

/// A day as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct DayState {
    /// Workflow name.
    pub workflow: String,
    /// `YYYY-MM-DD` in the workflow's time zone.
    pub day: String,
    /// Its rows.
    pub rows: Vec<DayRow>,
    /// Runs that had not ended.
    pub open: u64,
    /// When its records were read.
    pub made_at: Timestamp,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    release: ReleaseId,
    tier: String,
    figures: DayFigures,
}

fn text(t: &str) -> Value {
    Value::Text(t.to_owned())
}

type Place = (String, String);

fn place(r: Row<'_>) -> Result<Place, ReadError> {
    Ok((r.text(0)?, r.text(1)?))
}

impl Store {
    /// Keeps what a day came to, unless a newer look at it is kept.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_day(&self, day: &DayState) -> Result<(), ApplyError> {
        let kept: Vec<Kept> = day
            .rows
            .iter()
            .map(|r| Kept {
                release: r.release,
                tier: r.tier.clone(),
                figures: r.figures.clone(),
            })
            .collect();
        let figures =
            serde_json::to_string(&kept).map_err(|e| ApplyError::Illegal(e.to_string()))?;
        let params = vec![
            text(&day.workflow),
            text(&day.day),
            Value::Text(figures),
            Value::Int(big(day.open)),
            Value::Int(day.made_at.micros()),
        ];
        self.execute(PUT_DAY, params).await.map(drop)
    }

    /// Remembers up to where the records were looked at.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_figure_mark(&self, mark: FigureMark) -> Result<(), ApplyError> {
        let params = vec![Value::Id(mark.run), Value::Int(mark.at.micros())];
        self.execute(MARK, params).await.map(drop)
    }
}

impl StoreReader {
    /// Up to where the records were looked at; absent before the first time.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn figure_mark(&self) -> Result<Option<FigureMark>, ReadError> {
        self.first(
            "SELECT run_id, at FROM figure_mark",
            vec![],
            |r: Row<'_>| {
                Ok(FigureMark {
                    run: r.id(0)?,
                    at: r.time(1)?,
                })
            },
        )
        .await
    }

    /// Workflow and day of everything that moved since the mark, or of everything: new runs, tasks
    /// that were looked at or decided, open runs that went on or ended.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn moved_days(&self, mark: Option<FigureMark>) -> Result<BTreeSet<Place>, ReadError> {
        let Some(mark) = mark else {
            let all = "SELECT DISTINCT workflow, batch FROM runs";
            return Ok(self.rows(all, vec![], place).await?.into_iter().collect());
        };
        let since = || vec![Value::Int(mark.at.micros())];
        let fresh = self.rows(
            // In the order of ids, so that the new ones are read and not an index of all.
            "SELECT DISTINCT workflow, batch FROM (SELECT workflow, batch FROM runs WHERE id >= $1 ORDER BY id \
             LIMIT 100000000) AS fresh",
            vec![Value::Id(mark.run)],
            place,
        );
        let seen = self.rows(
            "SELECT DISTINCT r.workflow, r.batch FROM review_reads AS d JOIN runs AS r ON r.id = d.run_id WHERE d.last_at >= $1",
            since(),
            place,
        );
        let decided = self.rows(
            "SELECT DISTINCT r.workflow, r.batch FROM reviews AS v JOIN runs AS r ON r.id = v.run_id \
             WHERE v.decided_by IS NOT NULL AND v.decided_at >= $1",
            since(),
            place,
        );
        let told = self.rows(
            "SELECT DISTINCT r.workflow, r.batch FROM use_reports AS u JOIN runs AS r ON r.id = u.run_id \
             WHERE u.received_at >= $1",
            since(),
            place,
        );
        let open = self.rows(
            format!(
                "SELECT workflow, batch, count(*), max(updated_at) FROM runs AS r WHERE r.outcome IS NULL AND {NO_SEED} \
                 GROUP BY workflow, batch"
            ),
            vec![],
            |r: Row<'_>| Ok((place(r)?, r.int(2)?, r.time(3)?)),
        );
        let waiting = self.rows(
            "SELECT workflow, day, open, stale_at FROM day_figures WHERE open > 0 OR stale_at IS NOT NULL",
            vec![],
            |r: Row<'_>| Ok((place(r)?, r.int(2)?, r.opt_time(3)?)),
        );
        let (fresh, seen, decided, told, open, waiting) =
            tokio::try_join!(fresh, seen, decided, told, open, waiting)?;
        let new = fresh.into_iter().chain(seen);
        let mut out: BTreeSet<Place> = new.chain(decided).chain(told).collect();
        let went_on = open.iter().filter(|(_, _, updated)| *updated >= mark.at);
        out.extend(went_on.map(|(place, ..)| place.clone()));
        for (place, kept, stale) in waiting {
            let now = open.iter().find(|(p, ..)| *p == place).map_or(0, |o| o.1);
            if now != kept || stale.is_some() {
                out.insert(place);
            }
        }
        Ok(out)
    }

    /// Runs of a day with what belongs to them, in the order of their ids; `after` is the last run of
    /// the page before.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn run_facts(
        &self,
        workflow: &str,
        day: &str,
        after: Option<RunId>,
        limit: usize,
    ) -> Result<Vec<(RunId, RunFacts)>, ReadError> {
        let after = after.map_or(Uuid::nil(), RunId::uuid);
        let of_day = || vec![text(workflow), text(day), Value::Id(after)];
        let sql = format!(
            "SELECT r.id, r.release_id, r.outcome, r.review, r.reason, r.received_at, r.finished_at, r.rules_row, r.event_source FROM runs AS r \
             WHERE {OF_DAY} AND {NO_SEED} ORDER BY r.id LIMIT $4"
        );
        let mut params = of_day();
        params.push(page(limit));
        let mut runs = self.rows(sql, params, facts).await?;
        let Some((last, _)) = runs.last() else {
            return Ok(runs);
        };
        let upto = Value::Id(last.uuid());
        let within = || {
            let mut params = of_day();
            params.push(upto.clone());
            params
        };
        let of_runs = |what: &str, table: &str, rest: &str| {
            format!(
                "SELECT {what} FROM runs AS r JOIN {table} ON x.run_id = r.id WHERE {OF_DAY} AND r.id <= $4 {rest}"
            )
        };
        let calls = of_runs(
            "x.run_id, x.model, x.number, x.result, x.duration_us, x.input_tokens, x.output_tokens, x.cost_micros, x.currency",
            "attempts AS x",
            "AND x.step = 'generate' ORDER BY x.run_id, x.seq",
        );
        let tasks = of_runs(
            "x.run_id, x.kind, x.tier, x.decision, x.created_at, x.decided_at, \
             (SELECT CAST(sum(d.visible_ms) AS BIGINT) FROM review_reads AS d WHERE d.review_id = x.id), \
             x.decided_by, CASE WHEN x.reason = 'out_of_rollout' THEN x.reasons END, x.reason",
            "reviews AS x",
            "ORDER BY x.run_id, x.id",
        );
        let sends = of_runs(
            "x.run_id, min(x.first_sent_at)",
            "actions AS x",
            "GROUP BY x.run_id ORDER BY x.run_id",
        );
        let looks = of_runs(
            "x.run_id, x.result",
            "second_looks AS x",
            "AND x.result IS NOT NULL ORDER BY x.run_id",
        );
        let stated = of_runs(
            "x.run_id, x.confidence_ppm",
            "routed AS x",
            "AND x.workflow = r.workflow AND x.confidence_ppm IS NOT NULL ORDER BY x.run_id",
        );
        let (calls, tasks, sends, looks, stated) = tokio::try_join!(
            self.rows(calls, within(), call),
            self.rows(tasks, within(), task),
            self.rows(sends, within(), |r: Row<'_>| Ok((r.id(0)?, r.opt_time(1)?))),
            self.rows(looks, within(), |r: Row<'_>| Ok((r.id(0)?, r.opt_word(1)?))),
            self.rows(stated, within(), |r: Row<'_>| Ok((r.id(0)?, r.opt_num(1)?))),
        )?;
        // Everything comes in the order of the runs; seeds among the others are passed over.
        deal(&mut runs, calls, |run, call| run.calls.push(call));
        deal(&mut runs, tasks, |run, task| run.tasks.push(task));
        deal(&mut runs, sends, |run, at| run.first_sent_at = at);
        deal(&mut runs, looks, |run, look| run.look = look);
        deal(&mut runs, stated, |run, ppm| run.confidence_ppm = ppm);
        self.adoption_facts(&mut runs, within, of_runs).await?;
        Ok(runs)
    }

    /// Whose cases these runs are, what was said about the use of their outputs, and who opened them.
    async fn adoption_facts(
        &self,
        runs: &mut [(RunId, RunFacts)],
        within: impl Fn() -> Vec<Value>,
        of_runs: impl Fn(&str, &str, &str) -> String,
    ) -> Result<(), ReadError> {
        let groups = of_runs("x.run_id, x.name", "run_groups AS x", "ORDER BY x.run_id");
        // The newest word about a run comes last.
        let uses = of_runs(
            "x.run_id, x.uptake",
            "use_reports AS x",
            "ORDER BY x.run_id, x.at, x.event",
        );
        let visits = of_runs(
            "x.run_id, min(x.first_at)",
            "run_visits AS x",
            "GROUP BY x.run_id ORDER BY x.run_id",
        );
        let inputs = of_runs(
            "x.run_id, x.source, x.fault",
            "run_inputs AS x",
            "ORDER BY x.run_id, x.source, x.fault",
        );
        let (groups, uses, visits, inputs) = tokio::try_join!(
            self.rows(groups, within(), |r: Row<'_>| Ok((r.id(0)?, r.text(1)?))),
            self.rows(uses, within(), |r: Row<'_>| Ok((r.id(0)?, r.word(1)?))),
            self.rows(visits, within(), |r: Row<'_>| Ok((
                r.id(0)?,
                r.opt_time(1)?
            ))),
            self.rows(inputs, within(), |r: Row<'_>| Ok((
                r.id(0)?,
                (r.text(1)?, r.word(2)?)
            ))),
        )?;
        deal(runs, inputs, |run, fault| run.faults.push(fault));
        deal(runs, groups, |run, name| run.group = Some(name));
        deal(runs, uses, |run, word| run.reported = Some(word));
        deal(runs, visits, |run, at| run.opened_at = at);
        Ok(())
    }

    /// Days of a workflow, or of these, from the first to the last, both included.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn day_figures(
        &self,
        workflow: Option<&str>,
        among: Option<&[String]>,
        (from, to): (&str, &str),
    ) -> Result<Vec<DayState>, ReadError> {
        let mut q = Select::new("SELECT workflow, day, figures, open, made_at FROM day_figures");
        q.and_text("workflow = ?", workflow)
            .and_among("workflow", among)
            .and("day >= ?", [text(from)])
            .and("day <= ?", [text(to)]);
        let (sql, params) = q.push(" ORDER BY workflow, day", []).done();
        self.rows(sql, params, day_state).await
    }

    /// Days of a workflow before a day whose figures were made since a moment, the newest look first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn days_made_since(
        &self,
        workflow: &str,
        before: &str,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<String>, ReadError> {
        let sql = "SELECT day FROM day_figures WHERE workflow = $1 AND day < $2 AND made_at >= $3 \
                   ORDER BY made_at DESC, day DESC LIMIT $4";
        let params = vec![
            text(workflow),
            text(before),
            Value::Int(since.micros()),
            page(limit),
        ];
        self.rows(sql, params, |r: Row<'_>| r.text(0)).await
    }

    /// Whether a run of the workflow has ended.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn has_ended_runs(&self, workflow: &str) -> Result<bool, ReadError> {
        let sql = "SELECT 1 FROM runs WHERE workflow = $1 AND outcome IS NOT NULL LIMIT 1";
        let found = self.first(sql, vec![text(workflow)], |_| Ok(())).await?;
        Ok(found.is_some())
    }
}

fn deal<T>(
    runs: &mut [(RunId, RunFacts)],
    rows: Vec<(Uuid, T)>,
    mut give: impl FnMut(&mut RunFacts, T),
) {
    let mut rows = rows.into_iter().peekable();
    for (id, run) in runs {
        while rows.next_if(|(of, _)| *of < id.uuid()).is_some() {}
        while let Some((_, row)) = rows.next_if(|(of, _)| *of == id.uuid()) {
            give(run, row);
        }
    }
}

fn facts(r: Row<'_>) -> Result<(RunId, RunFacts), ReadError> {
    let run = RunFacts {
        release: ReleaseId::new(r.id(1)?),
        source: r.text(8)?,
        outcome: r.opt_word(2)?,
        review: r.word(3)?,
        reason: r.opt_word(4)?,
        received_at: r.time(5)?,
        finished_at: r.opt_time(6)?,
        calls: Vec::new(),
        tasks: Vec::new(),
        first_sent_at: None,
        look: None,
        row: r.opt_text(7)?,
        confidence_ppm: None,
        shift: String::new(),
        group: None,
        reported: None,
        opened_at: None,
        faults: Vec::new(),
    };
    Ok((RunId::new(r.id(0)?), run))
}

fn call(r: Row<'_>) -> Result<(Uuid, CallFacts), ReadError> {
    let usage = match (r.opt_num(5)?, r.opt_num(6)?) {
        (Some(input_tokens), Some(output_tokens)) => Some(Usage {
            input_tokens,
            output_tokens,
        }),
        _ => None,
    };
    let call = CallFacts {
        model: r.opt_text(1)?,
        number: r.num(2)?,
        result: r.word(3)?,
        duration_us: r.int(4)?,
        usage,
        cost_micros: r.opt_int(7)?,
        currency: r.opt_text(8)?,
    };
    Ok((r.id(0)?, call))
}

/// The first sentence of a stored list of reasons.
fn first_words(list: &str) -> String {
    let all: Vec<String> = serde_json::from_str(list).unwrap_or_default();
    all.into_iter().next().unwrap_or_default()
}

fn task(r: Row<'_>) -> Result<(Uuid, TaskFacts), ReadError> {
    let task = TaskFacts {
        kind: r.word(1)?,
        tier: r.text(2)?,
        decision: r.opt_word(3)?,
        created_at: r.time(4)?,
        decided_at: r.opt_time(5)?,
        visible_ms: r.opt_num(6)?,
        decided_by: r.opt_text(7)?,
        outside: r.opt_text(8)?.map(|list| first_words(&list)),
        reason: r.word(9)?,
    };
    Ok((r.id(0)?, task))
}

fn day_state(r: Row<'_>) -> Result<DayState, ReadError> {
    let (workflow, day) = place(r)?;
    let kept: Vec<Kept> = serde_json::from_str(&r.text(2)?)
        .map_err(|e| ReadError::Corrupt(format!("the figures of {day} of {workflow}: {e}")))?;
    let rows = kept
        .into_iter()
        .map(|k| DayRow {
            workflow: workflow.clone(),
            day: day.clone(),
            release: k.release,
            tier: k.tier,
            figures: k.figures,
        })
        .collect();
    Ok(DayState {
        rows,
        open: r.num(3)?,
        made_at: r.time(4)?,
        workflow,
        day,
    })
}
