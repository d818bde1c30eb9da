//! Reading prices, entered costs, baselines, limits and signed weeks.

use tuesday_domain::id::{CostEntryId, ReleaseId, RunId};
use tuesday_domain::record::{
    BaselineRow, CostCategory, CostEntry, ExitEstimate, GraderCalls, PriceRow, Spend, SpendHold,
    SpendLimit, SwapDrill, WeeklyReview,
};
use uuid::Uuid;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::{Select, limit as page};
use crate::value::{Row, Value};

/// Which entered costs; absent means any.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    /// Of this workflow.
    pub workflow: Option<String>,
    /// With a workflow, also those that several share.
    pub shared: bool,
    /// Only of workflows in this list, and shared ones; absent means all.
    pub among: Option<Vec<String>>,
    /// Touching the span that begins here, `YYYY-MM-DD`.
    pub from: Option<String>,
    /// And ends here.
    pub to: Option<String>,
    /// Of this kind.
    pub category: Option<CostCategory>,
}

/// A release by its id and number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRelease {
    /// Its id.
    pub id: ReleaseId,
    /// Its number within the workflow.
    pub number: u32,
}

const ENTRY: &str = "id, category, workflow, day_from, day_to, amount_micros, currency, minutes, person, vendor, \
    bucket, words, reference, reverses, entered_by, entered_at";
const LIMIT: &str =
    "workflow, period, warn_micros, stop_micros, currency, act, set_by, reason, set_at, version";

fn entry(r: Row<'_>) -> Result<CostEntry, ReadError> {
    Ok(CostEntry {
        id: CostEntryId::new(r.id(0)?),
        category: r.word(1)?,
        workflow: r.opt_text(2)?,
        day_from: r.text(3)?,
        day_to: r.text(4)?,
        amount_micros: r.opt_int(5)?,
        currency: r.opt_text(6)?,
        minutes: r.opt_int(7)?,
        person: r.opt_text(8)?,
        vendor: r.opt_text(9)?,
        bucket: r.opt_word(10)?,
        words: r.text(11)?,
        reference: r.opt_text(12)?,
        reverses: r.opt_id(13)?.map(CostEntryId::new),
        entered_by: r.text(14)?,
        entered_at: r.time(15)?,
    })
}

fn spend_limit(r: Row<'_>) -> Result<SpendLimit, ReadError> {
    Ok(SpendLimit {
        workflow: r.text(0)?,
        period: r.word(1)?,
        warn_micros: r.opt_int(2)?,
        stop_micros: r.int(3)?,
        currency: r.text(4)?,
        act: r.word(5)?,
        set_by: r.text(6)?,
        reason: r.text(7)?,
        set_at: r.time(8)?,
        version: r.num(9)?,
    })
}

fn hold(r: Row<'_>) -> Result<SpendHold, ReadError> {
    Ok(SpendHold {
        run: RunId::new(r.id(0)?),
        workflow: r.text(1)?,
        period: r.text(2)?,
        micros: r.int(3)?,
    })
}

fn weekly(r: Row<'_>) -> Result<WeeklyReview, ReadError> {
    Ok(WeeklyReview {
        workflow: r.text(0)?,
        week: r.text(1)?,
        figures: r.text(2)?,
        note: r.text(3)?,
        signed_by: r.text(4)?,
        signed_at: r.time(5)?,
    })
}

fn text(t: &str) -> Value {
    Value::Text(t.to_owned())
}

impl StoreReader {
    /// Every version of every price, oldest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn prices(&self) -> Result<Vec<PriceRow>, ReadError> {
        let sql = "SELECT version, kind, name, currency, input_micros, output_micros, hour_micros, starts_at, reason, \
                   set_by, set_at FROM prices ORDER BY version, kind, name";
        self.rows(sql, vec![], |r: Row<'_>| {
            Ok(PriceRow {
                version: r.num(0)?,
                kind: r.word(1)?,
                name: r.text(2)?,
                currency: r.text(3)?,
                input_micros: r.opt_int(4)?,
                output_micros: r.opt_int(5)?,
                hour_micros: r.opt_int(6)?,
                starts_at: r.time(7)?,
                reason: r.text(8)?,
                set_by: r.text(9)?,
                set_at: r.time(10)?,
            })
        })
        .await
    }

    /// Entered costs, the latest day first; `after` is the last entry of the page before.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn cost_entries(
        &self,
        filter: &EntryFilter,
        after: Option<CostEntryId>,
        limit: usize,
    ) -> Result<Vec<CostEntry>, ReadError> {
        let mut q = Select::new(&format!("SELECT {ENTRY} FROM cost_entries AS e"));
        if let Some(workflow) = &filter.workflow {
            let own = if filter.shared {
                "(workflow = ? OR workflow IS NULL)"
            } else {
                "workflow = ?"
            };
            q.and(own, [text(workflow)]);
        }
        match filter.among.as_deref() {
            None => {}
            Some([]) => {
                q.and("workflow IS NULL", []);
            }
            Some(names) => {
                q.and("(workflow IS NULL OR workflow IN", [])
                    .list(names)
                    .push(")", []);
            }
        }
        q.and_text("day_to >= ?", filter.from.as_deref())
            .and_text("day_from <= ?", filter.to.as_deref())
            .and_text("category = ?", filter.category.map(CostCategory::word));
        if let Some(after) = after {
            q.and(
                "(day_to, id) < (SELECT b.day_to, b.id FROM cost_entries AS b WHERE b.id = ?)",
                [Value::Id(after.uuid())],
            );
        }
        let order = " ORDER BY day_to DESC, id DESC LIMIT ?";
        let (sql, params) = q.push(order, [page(limit)]).done();
        self.rows(sql, params, entry).await
    }

    /// One entered cost, and the entry that takes it back.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn cost_entry(
        &self,
        id: CostEntryId,
    ) -> Result<Option<(CostEntry, Option<CostEntryId>)>, ReadError> {
        let sql = format!("SELECT {ENTRY} FROM cost_entries WHERE id = $1");
        let id = Value::Id(id.uuid());
        let Some(found) = self.first(sql, vec![id.clone()], entry).await? else {
            return Ok(None);
        };
        let sql = "SELECT id FROM cost_entries WHERE reverses = $1";
        let by = self
            .first(sql, vec![id], |r: Row<'_>| Ok(CostEntryId::new(r.id(0)?)))
            .await?;
        Ok(Some((found, by)))
    }

    /// Tries of other providers, the newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn swap_drills(
        &self,
        workflow: &str,
        limit: usize,
    ) -> Result<Vec<SwapDrill>, ReadError> {
        let sql = "SELECT workflow, seq, release_id, provider_live, model_live, provider, model, pack_hash, cases, \
                   passed_live, passed, standing, cost_live_micros, cost_micros, currency, run_by, at FROM swap_drills \
                   WHERE workflow = $1 ORDER BY seq DESC LIMIT $2";
        self.rows(sql, vec![text(workflow), page(limit)], |r: Row<'_>| {
            Ok(SwapDrill {
                workflow: r.text(0)?,
                seq: r.num(1)?,
                release: ReleaseId::new(r.id(2)?),
                provider_live: r.text(3)?,
                model_live: r.text(4)?,
                provider: r.text(5)?,
                model: r.text(6)?,
                pack_hash: r.text(7)?,
                cases: r.num(8)?,
                passed_live: r.num(9)?,
                passed: r.num(10)?,
                standing: r.text(11)?,
                cost_live_micros: r.opt_int(12)?,
                cost_micros: r.opt_int(13)?,
                currency: r.opt_text(14)?,
                by: r.text(15)?,
                at: r.time(16)?,
            })
        })
        .await
    }

    /// What people say leaving each vendor would take, the newest version of each first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn exit_estimates(&self, workflow: &str) -> Result<Vec<ExitEstimate>, ReadError> {
        let sql = "SELECT workflow, vendor, version, days_tenths, reason, set_by, at FROM exit_estimates \
                   WHERE workflow = $1 ORDER BY vendor, version DESC";
        self.rows(sql, vec![text(workflow)], |r: Row<'_>| {
            Ok(ExitEstimate {
                workflow: r.text(0)?,
                vendor: r.text(1)?,
                version: r.num(2)?,
                days_tenths: r.num(3)?,
                reason: r.text(4)?,
                by: r.text(5)?,
                at: r.time(6)?,
            })
        })
        .await
    }

    /// What graders asked on these days, of a workflow or of those that the reader may see.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn graded_calls(
        &self,
        workflow: Option<&str>,
        among: Option<&[String]>,
        (from, to): (&str, &str),
    ) -> Result<Vec<GraderCalls>, ReadError> {
        let mut q = Select::new(
            "SELECT id, workflow, release_id, day, about, grader, model, vendor, calls, unreported, input_tokens, \
             output_tokens, cost_micros, currency, at FROM grader_calls",
        );
        q.and_text("workflow = ?", workflow)
            .and_among("workflow", among)
            .and("day >= ?", [text(from)])
            .and("day <= ?", [text(to)]);
        let (sql, params) = q.push(" ORDER BY day, id", []).done();
        self.rows(sql, params, |r: Row<'_>| {
            Ok(GraderCalls {
                id: CostEntryId::new(r.id(0)?),
                workflow: r.text(1)?,
                release: ReleaseId::new(r.id(2)?),
                day: r.text(3)?,
                about: r.text(4)?,
                grader: r.text(5)?,
                model: r.text(6)?,
                vendor: r.text(7)?,
                calls: r.num(8)?,
                unreported: r.num(9)?,
                input_tokens: r.num(10)?,
                output_tokens: r.num(11)?,
                cost_micros: r.opt_int(12)?,
                currency: r.opt_text(13)?,
                at: r.time(14)?,
            })
        })
        .await
    }

    /// Baselines of a workflow, the newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn baselines(&self, workflow: &str) -> Result<Vec<BaselineRow>, ReadError> {
        let sql = "SELECT workflow, version, sample, handling_ms, errors, turnaround_ms, method, sampled_from, \
                   sampled_to, after_launch, captured_by, captured_at FROM baselines WHERE workflow = $1 ORDER BY version DESC";
        self.rows(sql, vec![text(workflow)], |r: Row<'_>| {
            Ok(BaselineRow {
                workflow: r.text(0)?,
                version: r.num(1)?,
                sample: r.num(2)?,
                handling_ms: r.num(3)?,
                errors: r.num(4)?,
                turnaround_ms: r.num(5)?,
                method: r.text(6)?,
                sampled_from: r.text(7)?,
                sampled_to: r.text(8)?,
                after_launch: r.flag(9)?,
                captured_by: r.text(10)?,
                captured_at: r.time(11)?,
            })
        })
        .await
    }

    /// Every spend limit.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn spend_limits(&self) -> Result<Vec<SpendLimit>, ReadError> {
        let sql = format!("SELECT {LIMIT} FROM spend_limits ORDER BY workflow");
        self.rows(sql, vec![], spend_limit).await
    }

    /// The spend limit of a workflow.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn spend_limit(&self, workflow: &str) -> Result<Option<SpendLimit>, ReadError> {
        let sql = format!("SELECT {LIMIT} FROM spend_limits WHERE workflow = $1");
        self.first(sql, vec![text(workflow)], spend_limit).await
    }

    /// What a workflow has spent in a period, where a limit counts it.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn spend(&self, workflow: &str, period: &str) -> Result<Option<Spend>, ReadError> {
        let sql = "SELECT workflow, period, spent_micros, reserved_micros, assumed_micros, warned_at, stopped_at \
                   FROM spends WHERE workflow = $1 AND period = $2";
        self.first(sql, vec![text(workflow), text(period)], |r: Row<'_>| {
            Ok(Spend {
                workflow: r.text(0)?,
                period: r.text(1)?,
                spent_micros: r.int(2)?,
                reserved_micros: r.int(3)?,
                assumed_micros: r.int(4)?,
                warned_at: r.opt_time(5)?,
                stopped_at: r.opt_time(6)?,
            })
        })
        .await
    }

    /// What a run holds of a limit.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn spend_hold(&self, run: RunId) -> Result<Option<SpendHold>, ReadError> {
        let sql = "SELECT run_id, workflow, period, micros FROM spend_holds WHERE run_id = $1";
        self.first(sql, vec![Value::Id(run.uuid())], hold).await
    }

    /// Holds that no call can be in flight for, of runs, and of evaluations when they were taken before `old`:
    /// nobody saw how theirs ended.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn stranded_holds(
        &self,
        old: Uuid,
        limit: usize,
    ) -> Result<Vec<SpendHold>, ReadError> {
        let sql = "SELECT h.run_id, h.workflow, h.period, h.micros FROM spend_holds AS h \
                   LEFT JOIN runs AS r ON r.id = h.run_id \
                   WHERE r.status <> 'running' OR (r.id IS NULL AND h.run_id < $1) ORDER BY h.run_id LIMIT $2";
        self.rows(sql, vec![Value::Id(old), page(limit)], hold)
            .await
    }

    /// Signed weeks of a workflow, the newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn weekly_reviews(
        &self,
        workflow: &str,
        limit: usize,
    ) -> Result<Vec<WeeklyReview>, ReadError> {
        let sql = "SELECT workflow, week, figures, note, signed_by, signed_at FROM weekly_reviews \
                   WHERE workflow = $1 ORDER BY week DESC LIMIT $2";
        self.rows(sql, vec![text(workflow), page(limit)], weekly)
            .await
    }

    /// Ids and numbers of a workflow's releases, without their files.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn release_names(&self, workflow: &str) -> Result<Vec<NamedRelease>, ReadError> {
        let sql = "SELECT id, number FROM releases WHERE workflow = $1 ORDER BY number";
        self.rows(sql, vec![text(workflow)], |r: Row<'_>| {
            Ok(NamedRelease {
                id: ReleaseId::new(r.id(0)?),
                number: r.num(1)?,
            })
        })
        .await
    }
}
