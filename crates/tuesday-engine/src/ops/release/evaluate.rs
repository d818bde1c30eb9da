//! Evaluates a release: results are stored in parts as they come, so that a killed runner leaves
//! `evaluating`, which never passes, and the next one goes on behind the last part. The gate's verdict
//! is the end of it.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::StreamExt as _;
use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::{Package, lint};
use tuesday_domain::eval::{
    Case, CaseResult, Evidence, Mode, Pack, PackReader, Paired, Summary, Wanted, gate, holds_cases,
};
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, Decision, EvalPart, GateRow, Release, ReleaseFix, ReleaseState,
};
use tuesday_domain::release::rewrites::Answers;
use tuesday_domain::release::{ReleaseEvent, layers};
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::Label;

use super::{GateRecord, entry, moved};
use crate::engine::{Engine, read_problem};
use crate::eval::{Graders, Item, Purse, Trial, evaluate};
use crate::ops::GradedOf;

/// Cases of one stored part.
const PART: usize = 100;

/// How a release is evaluated.
pub struct Evaluation<'a> {
    /// Tries of each case at least; the pack may ask for more.
    pub repeats: u32,
    /// Cases under way at once; the workflow's own number when 0.
    pub at_once: usize,
    /// Told after each case: done, and all.
    pub progress: &'a (dyn Fn(u64, u64) + Send + Sync),
}

/// What came of an evaluation.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The release as it stands now.
    pub release: Release,
    /// Evidence and verdict.
    pub record: GateRecord,
    /// Cases whose results an earlier, killed evaluation had stored.
    pub reused: u64,
}

/// What an evaluation works with.
pub(super) struct Bench {
    pub(super) row: Release,
    package: Package,
    trial: Arc<Trial>,
    other: Option<(String, ReleaseId, Arc<Trial>)>,
    graders: Arc<Graders>,
    purse: Arc<Purse>,
    pack: Pack,
    cases: Vec<(Case, String)>,
    pub(super) repeats: u32,
    /// Version of the decision table that is asked.
    rules: u64,
}

impl Bench {
    /// What a started evaluation says of itself.
    pub(super) fn facts(&self, entry: AuditEntry) -> AuditEntry {
        entry
            .fact("pack", self.pack.hash.clone())
            .fact("cases", self.pack.cases)
            .fact("repeats", self.repeats)
    }

    /// A gate whose evaluation starts now; nobody has decided anything.
    pub(super) fn gate(&self, by: &Actor, now: Timestamp) -> GateRow {
        GateRow {
            release: self.row.id,
            repeats: self.repeats,
            started_at: now,
            started_by: by.to_string(),
            finished_at: None,
            judged: None,
            judged_hash: None,
            decided_at: None,
            decided_by: None,
            reason: None,
            live_at: None,
            cleared_at: None,
            cleared_by: None,
        }
    }
}

/// First line of a stored part: the decision table its cases were tried under.
fn under(bench: &Bench) -> String {
    serde_json::json!({ "rules": bench.trial.rules_hash() }).to_string()
}

impl Engine {
    /// Evaluates a release and lets the gate judge it.
    ///
    /// # Errors
    /// `not_allowed`, `illegal_state`, `record_damaged`, `unavailable`.
    pub async fn evaluate_release(
        &self,
        id: ReleaseId,
        how: Evaluation<'_>,
        by: &Actor,
    ) -> Result<Evaluated, Problem> {
        let row = self.release_row(id).await?;
        self.may_release(Act::ProposeRelease, &row.workflow, by)
            .await?;
        if row.state == ReleaseState::Live {
            return Box::pin(self.judge_live(row, how, by)).await;
        }
        let bench = self.bench(row, how.repeats).await?;
        let gate = self.evaluation_started(&bench, by).await?;
        let earlier = self.results_so_far(&bench).await?;
        let (summary, paired, reused) = self.cases_tried(&bench, earlier, &how, Some(by)).await?;
        self.gate_judges(&bench, gate, summary, paired, by)
            .await
            .map(|(release, record)| Evaluated {
                release,
                record,
                reused,
            })
    }

    pub(super) async fn bench(&self, row: Release, repeats: u32) -> Result<Bench, Problem> {
        let loaded = self.loaded(row.id).await?;
        let (workflow, live) = self.live(&row.workflow).await?;
        let rules = self.live_rules(&row.workflow).await?;
        let model = &self.0.ports.model;
        let (name, zone) = (row.workflow.clone(), loaded.ready.zone.clone());
        let purse = Arc::new(Purse::new(self.clone(), name, zone, "gate"));
        // Both sides of a comparison are graded alike.
        let graders = Graders::of(
            &loaded.package,
            Arc::clone(&loaded.ready),
            Arc::clone(model),
        );
        let graders = Arc::new(graders.paid_from(Arc::clone(&purse)));
        let trial = |r: &crate::LiveRelease| {
            Trial::of(
                Arc::clone(&r.ready),
                &rules.csv,
                Arc::clone(&r.artifact),
                r.hash,
                Arc::clone(model),
            )
            .map(|t| {
                let price = self.token_price(&r.ready, self.now());
                let paid = t.priced(price).paid_from(Arc::clone(&purse));
                Arc::new(paid.graded_by(Arc::clone(&graders)))
            })
        };
        let other = if workflow.live_release == row.id {
            None
        } else {
            let name = format!("release {}", live.number);
            Some((name, live.id, trial(&live)?))
        };
        let mut reader = PackReader::of(&loaded.package, &loaded.ready.def.vars);
        let mut cases = Vec::new();
        let files = loaded.package.files.iter();
        for (name, text) in files.filter(|(n, _)| holds_cases(n)) {
            for (line, number) in text.lines().zip(1..) {
                if let Some(case) = reader.line(name, number, line) {
                    cases.push((case, Case::hash(line)));
                }
            }
        }
        let pack = reader.finish();
        Ok(Bench {
            trial: trial(&loaded)?,
            package: loaded.package.clone(),
            repeats: repeats.max(pack.limits.repeats),
            rules: rules.version,
            row,
            other,
            graders,
            purse,
            pack,
            cases,
        })
    }

    /// `evaluating`, with the results so far when the same was asked before.
    async fn evaluation_started(&self, bench: &Bench, by: &Actor) -> Result<GateRow, Problem> {
        let before = self
            .0
            .reader
            .gate(bench.row.id)
            .await
            .map_err(read_problem)?;
        // A gate with an approval is a test of the line: whoever evaluates anew begins anew, without it.
        if bench.row.state == ReleaseState::Evaluating
            && let Some(gate) = &before
            && gate.repeats == bench.repeats
            && gate.decided_by.is_none()
        {
            return Ok(gate.clone());
        }
        let now = self.now();
        let (change, _, words) = moved(&bench.row, ReleaseEvent::Evaluate)?;
        let gate = bench.gate(by, now);
        let mut entry = bench.facts(entry("release.evaluating", &bench.row, by, now));
        entry.moves.push(words);
        let changes = vec![
            change,
            Change::DropEvalParts {
                release: bench.row.id,
            },
            Change::PutGate(Box::new(gate.clone())),
        ];
        self.commit_release(Decision { changes, entry }).await?;
        Ok(gate)
    }

    /// Whole results that a killed evaluation left, from the first case on.
    pub(super) async fn results_so_far(
        &self,
        bench: &Bench,
    ) -> Result<VecDeque<CaseResult>, Problem> {
        let mut found = VecDeque::new();
        for part in 0.. {
            let stored = self.0.reader.eval_part(bench.row.id, part).await;
            let Some(stored) = stored.map_err(read_problem)? else {
                break;
            };
            let mut lines = stored
                .results
                .split(|b| *b == b'\n')
                .filter(|l| !l.is_empty());
            // What was tried under another decision table says nothing about this one.
            if lines.next() != Some(under(bench).as_bytes()) {
                return Ok(found);
            }
            for line in lines {
                let Ok(result) = serde_json::from_slice::<CaseResult>(line) else {
                    return Ok(found);
                };
                let place = bench.cases.get(found.len());
                if place.is_none_or(|(_, hash)| *hash != result.hash) {
                    return Ok(found);
                }
                found.push_back(result);
            }
        }
        Ok(found)
    }

    /// Tries every case, and keeps the results in parts where `by` is named.
    pub(super) async fn cases_tried(
        &self,
        bench: &Bench,
        mut earlier: VecDeque<CaseResult>,
        how: &Evaluation<'_>,
        by: Option<&Actor>,
    ) -> Result<(Summary, Paired, u64), Problem> {
        let whole = |r: &CaseResult| r.trials.iter().all(|t| t.error.is_none());
        let mut reused = 0;
        let items: Vec<Item> = bench
            .cases
            .iter()
            .map(|(case, hash)| {
                let known = earlier.pop_front().filter(whole);
                reused += u64::from(known.is_some());
                Item {
                    case: case.clone(),
                    hash: hash.clone(),
                    known,
                }
            })
            .collect();
        let limits = &bench.trial.ready().def.limits;
        let at_once = if how.at_once > 0 {
            how.at_once
        } else {
            limits.model_concurrency as usize
        };
        let agreement = bench.pack.limits.agreement;
        let (mut summary, mut paired) = (Summary::default(), Paired::default());
        let (mut part, mut lines) = (0, Vec::new());
        let told = evaluate(
            &bench.trial,
            bench.other.as_ref().map(|o| &o.2),
            items.into_iter(),
            bench.repeats,
            at_once,
        );
        let mut told = std::pin::pin!(told);
        while let Some((case, result, beside)) = told.next().await {
            // What is under way ends, so that its calls are known; nothing new starts.
            if bench.purse.refused().is_some() {
                continue;
            }
            summary.add(&case, &result, agreement, bench.repeats);
            if let Some(beside) = beside {
                paired.add(&case, &result, &beside, agreement);
            }
            (how.progress)(summary.cases.of, bench.pack.cases);
            let Some(by) = by else { continue };
            lines.extend(serde_json::to_vec(&result).unwrap_or_default());
            lines.push(b'\n');
            if summary.cases.of.is_multiple_of(PART as u64) {
                self.store_part(bench, part, std::mem::take(&mut lines), by)
                    .await?;
                part += 1;
                self.paid_so_far(bench).await?;
            }
        }
        if let Some(by) = by.filter(|_| !lines.is_empty()) {
            self.store_part(bench, part, lines, by).await?;
        }
        self.paid_so_far(bench).await?;
        Ok((summary, paired, reused))
    }

    /// Keeps what was asked since the last time. What the limit stopped is no evaluation: it goes on behind what
    /// is stored when somebody asks again.
    async fn paid_so_far(&self, bench: &Bench) -> Result<(), Problem> {
        let zone = &bench.trial.ready().zone;
        let of = |release| GradedOf {
            workflow: &bench.row.workflow,
            release,
            zone,
            about: "gate",
        };
        self.keep_graded(&bench.graders, of(bench.row.id)).await?;
        self.keep_tried(&bench.trial, of(bench.row.id)).await?;
        if let Some((_, id, other)) = &bench.other {
            self.keep_tried(other, of(*id)).await?;
        }
        match bench.purse.refused() {
            None => Ok(()),
            Some(words) => Err(Problem::new(
                "spend_limit_reached",
                format!("the evaluation was stopped: {words}"),
            )
            .way_out("raise the limit or wait for its next period, then evaluate again")),
        }
    }

    async fn store_part(
        &self,
        bench: &Bench,
        part: u32,
        results: Vec<u8>,
        by: &Actor,
    ) -> Result<(), Problem> {
        let entry = entry("release.evaluated_part", &bench.row, by, self.now()).fact("part", part);
        let results = [under(bench).as_bytes(), b"\n", &results].concat();
        let part = EvalPart {
            release: bench.row.id,
            part,
            results,
        };
        let changes = vec![Change::PutEvalPart(Box::new(part))];
        self.commit_release(Decision { changes, entry }).await
    }

    async fn gate_judges(
        &self,
        bench: &Bench,
        mut row: GateRow,
        summary: Summary,
        paired: Paired,
        by: &Actor,
    ) -> Result<(Release, GateRecord), Problem> {
        let now = self.now();
        let (record, fix) = self
            .judgement(bench, row.started_at, summary, paired)
            .await?;
        let event = if record.verdict.passed {
            ReleaseEvent::Pass
        } else {
            ReleaseEvent::Block
        };
        let (bytes, hash) = record.bytes();
        row.finished_at = Some(now);
        row.judged = Some(bytes);
        row.judged_hash = Some(hash);
        let mut release = self.release_row(bench.row.id).await?;
        let (change, to, words) = moved(&release, event)?;
        release.state = to;
        let mut entry = record.told(entry("release.judged", &release, by, now));
        entry.moves.push(words);
        let mut changes = vec![change, Change::PutGate(Box::new(row))];
        changes.extend(fix.map(|fix| Change::PutFix(Box::new(fix))));
        self.commit_release(Decision { changes, entry }).await?;
        Ok((release, record))
    }

    /// What the gate says of the figures; and what the release answers, compared with what is live now.
    pub(super) async fn judgement(
        &self,
        bench: &Bench,
        started_at: Timestamp,
        summary: Summary,
        paired: Paired,
    ) -> Result<(GateRecord, Option<ReleaseFix>), Problem> {
        let trial = &bench.trial;
        let def = &trial.ready().def;
        let compared = bench
            .other
            .as_ref()
            .map(|(name, _, other)| paired.finish(name, &other.hash()));
        let fix = self.fix_compared(bench).await?;
        let wanted = Wanted {
            answers: fix.as_ref().map(|(_, answers)| answers.clone()),
            release_hash: crate::catalog::hex(&bench.row.hash),
            rules_hash: trial.rules_hash(),
            rows: trial.rows(),
            recorded: false,
            repeats: bench.repeats,
            max_age_s: None,
            // What the workflow is counts as well as what the package asks for.
            production: def.rollout.label == Label::Production
                || self.standing(&bench.row.workflow).await?.label == Label::Production,
            baseline_hash: bench.other.as_ref().map(|(_, _, t)| t.hash()),
            standing: self.ungoverned(&*self.loaded(bench.row.id).await?).await?,
        };
        let used = bench.pack.graders_used();
        let graders = Box::pin(bench.graders.agreements(&used)).await;
        self.paid_so_far(bench).await?;
        let evidence = Evidence {
            v: 1,
            release_hash: trial.hash(),
            pack_hash: bench.pack.hash.clone(),
            rules_hash: trial.rules_hash(),
            table: Some(format!("rules version {}, in force", bench.rules)),
            model: def.model.pin.clone(),
            mode: Mode::Live,
            cached: None,
            repeats: bench.repeats,
            started_at: started_at.rfc3339(),
            finished_at: Some(self.now().rfc3339()),
            summary,
            compared,
            graders,
        };
        let faults = lint::check(&bench.package, &def.vars);
        let mut verdict = gate(&wanted, &faults, &bench.pack, Some(&evidence), 0);
        let loaded = self.loaded(bench.row.id).await?;
        let other = self.ships_other_rules(&bench.row.workflow, &loaded).await?;
        verdict.warnings.extend(other);
        let record = GateRecord {
            v: 1,
            evidence,
            verdict,
        };
        Ok((record, fix.map(|(fix, _)| fix)))
    }

    /// What the release answers, compared with the release that is live now.
    async fn fix_compared(&self, bench: &Bench) -> Result<Option<(ReleaseFix, Answers)>, Problem> {
        let Some((mut fix, mut answers)) = self.answers(&bench.row).await? else {
            return Ok(None);
        };
        if bench.other.is_some() {
            let def = &bench.trial.ready().def;
            fix.layers = self.layers_changed(&bench.package, def).await?;
            answers.layers = layers::parse(&fix.layers)
                .map_err(|e| Problem::new("record_damaged", e.to_string()))?;
        }
        Ok(Some((fix, answers)))
    }
}
