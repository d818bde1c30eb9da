//! One case through the steps of a run: event, frozen inputs, prompt, model, checks, table. The model
//! is really asked; the sources are the case's own; nothing is written anywhere.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;
use tuesday_domain::decide::{Decided, Under, confidence, decide, excluded, mismatch, plan_facts};
use tuesday_domain::definition::{FailurePlan, ModelSpec, Package, with_artefact};
use tuesday_domain::eval::{Case, Entry, Outcome, RouteWord, Tried, grade, grade_fixed};
use tuesday_domain::id::RunId;
use tuesday_domain::ledger::TokenPrice;
use tuesday_domain::port::{FaultKind, Model, ModelAnswer, ModelFault, ModelRequest};
use tuesday_domain::problem::Problem;
use tuesday_domain::ready::Ready;
use tuesday_domain::route::{Destined, tier, verdict_words};
use tuesday_domain::rules::{Route, RuleSet, Verdict, parse};
use tuesday_domain::run::{Reason, Status};
use tuesday_domain::snapshot::{Assembled, Readiness, assemble};
use tuesday_domain::validation::{Judged, judge};
use tuesday_domain::workflow::Stage;

use super::Graders;
use super::asking::Asking;
use super::graders::GraderUse;
use super::purse::Purse;
use crate::steps::generate::model_request;
use crate::steps::route::request_json;
use crate::worker::limits::Limiters;
use crate::{ids, ops};

/// A release made ready to be tried: no database, no instance.
pub struct Trial {
    ready: Arc<Ready>,
    rules: Arc<RuleSet>,
    artifact: Arc<Vec<u8>>,
    hash: [u8; 32],
    model: Arc<dyn Model>,
    limiters: Limiters,
    report: Option<Value>,
    graders: Option<Arc<Graders>>,
    /// What a call costs; the package says so where nobody else does.
    price: Option<TokenPrice>,
    purse: Option<Arc<Purse>>,
    used: Mutex<GraderUse>,
}

impl std::fmt::Debug for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trial").finish_non_exhaustive()
    }
}

/// What stands when a case stops: the outcome so far, or why there is none.
struct Stopped {
    outcome: Outcome,
    error: Option<String>,
    cost: Option<i64>,
}

impl Stopped {
    fn at(outcome: Outcome) -> Self {
        Self {
            outcome,
            error: None,
            cost: Some(0),
        }
    }
}

impl Trial {
    /// Compiles a package for trials; a built-in model is trained here, once. `texts` is the hash of the
    /// package's texts; what was trained counts beside it.
    ///
    /// # Errors
    /// `package_faulty`, with every fault.
    pub async fn new(
        package: &Package,
        vars: &BTreeMap<String, String>,
        texts: [u8; 32],
        model: Arc<dyn Model>,
    ) -> Result<Self, Problem> {
        let ready = ops::ready_of(package, vars)?;
        let (spec, files, trainer) = (
            ready.def.model.clone(),
            package.files.clone(),
            Arc::clone(&model),
        );
        let compiled = tokio::task::spawn_blocking(move || trainer.compile(&spec, &files))
            .await
            .map_err(|e| Problem::new("internal", e.to_string()))?
            .map_err(|e| Problem::new("package_faulty", e).way_out("correct the examples"))?;
        let csv = package.text("rules.csv").unwrap_or_default();
        let (artifact, report) =
            compiled.map_or((Vec::new(), None), |c| (c.artifact, Some(c.report)));
        let hash = with_artefact(texts, &artifact);
        Self::of(Arc::new(ready), csv, Arc::new(artifact), hash, model)
            .map(|t| Self { report, ..t })
    }

    /// A release that is compiled already, with a decision table as text.
    ///
    /// # Errors
    /// `package_faulty` when the table cannot be read.
    pub fn of(
        ready: Arc<Ready>,
        csv: &str,
        artifact: Arc<Vec<u8>>,
        hash: [u8; 32],
        model: Arc<dyn Model>,
    ) -> Result<Self, Problem> {
        let (rules, _) =
            parse(csv).map_err(|_| Problem::new("package_faulty", "rules.csv cannot be read"))?;
        let price = ready.model.price.as_ref();
        Ok(Self {
            price: price.and_then(TokenPrice::of_package),
            purse: None,
            used: Mutex::default(),
            ready,
            rules: Arc::new(rules),
            artifact,
            hash,
            model,
            limiters: Limiters::default(),
            report: None,
            graders: None,
        })
    }

    /// Asks these graders where a case is graded by a model; without them such a case never passes.
    #[must_use]
    pub fn graded_by(self, graders: Arc<Graders>) -> Self {
        Self {
            graders: Some(graders),
            ..self
        }
    }

    /// Calls cost this, by whoever knows the prices of the instance.
    #[must_use]
    pub(crate) fn priced(self, price: Option<TokenPrice>) -> Self {
        Self { price, ..self }
    }

    /// Each call takes its worst case from there first.
    #[must_use]
    pub(crate) fn paid_from(self, purse: Arc<Purse>) -> Self {
        Self {
            purse: Some(purse),
            ..self
        }
    }

    /// What the model was asked since the last time, and which model; it is counted once.
    pub(crate) fn take_used(&self) -> (Arc<ModelSpec>, GraderUse) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&self.ready.model), std::mem::take(&mut *used))
    }

    /// The release's parts, shared.
    #[must_use]
    pub fn shared(&self) -> Arc<Ready> {
        Arc::clone(&self.ready)
    }

    /// The release's definition and parts.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Hash of the release, hex.
    #[must_use]
    pub fn hash(&self) -> String {
        crate::catalog::hex(&self.hash)
    }

    /// Hash of the decision table, hex.
    #[must_use]
    pub fn rules_hash(&self) -> String {
        self.rules.hash()
    }

    /// Ids of the rows of the decision table.
    #[must_use]
    pub fn rows(&self) -> Vec<String> {
        self.rules.rows().iter().map(|r| r.id.clone()).collect()
    }

    /// What the built-in model reports about its training, when it was trained here.
    #[must_use]
    pub const fn report(&self) -> Option<&Value> {
        self.report.as_ref()
    }

    /// Tries a case once and grades it.
    pub async fn once(&self, case: &Case) -> Tried {
        let started = Instant::now();
        let mut stopped = self.through(case).await;
        let latency_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut faults = Vec::new();
        if stopped.error.is_none() {
            faults = grade_fixed(case, &stopped.outcome);
        }
        if stopped.error.is_none() && faults.is_empty() {
            stopped.error = self.opinions(case, &mut stopped.outcome).await.err();
            if stopped.error.is_none() {
                faults = grade(case, &stopped.outcome);
            }
        }
        Tried {
            faults,
            error: stopped.error,
            outcome: stopped.outcome,
            latency_us,
            cost_micros: stopped.cost,
        }
    }

    /// What graders that ask a model say of the output. One that gives no usable answer gives the case no
    /// result.
    async fn opinions(&self, case: &Case, outcome: &mut Outcome) -> Result<(), String> {
        let (Some(graders), Some(output)) = (&self.graders, &outcome.output) else {
            return Ok(());
        };
        let input = case.event();
        for name in case.expect.asked() {
            if outcome.opinions.contains_key(name) {
                continue;
            }
            let said = Box::pin(graders.opinion(name, Some(&input), output)).await;
            let said = said.map_err(|why| format!("grader {name}: {why}"))?;
            outcome.opinions.insert(name.to_owned(), said);
        }
        Ok(())
    }

    async fn through(&self, case: &Case) -> Stopped {
        let body = case.event().to_string().into_bytes();
        let input = match ops::readable(&self.ready, &body) {
            Ok(input) => input,
            Err(problem) => {
                return Stopped::at(Outcome {
                    intake: Some(Entry::Refused),
                    words: vec![format!("{}: {}", problem.code, problem.detail)],
                    ..Outcome::default()
                });
            }
        };
        let def = &self.ready.def;
        let assembled = assemble(
            def,
            self.ready.input.strictest(),
            &input,
            &body,
            1,
            2,
            def.source.iter().zip(case.reads(&def.source)).collect(),
            case.now(),
        );
        match &assembled.readiness {
            Readiness::Ready => self.generated(case, &assembled).await,
            Readiness::Missing(words) => {
                Stopped::at(self.held(Status::WaitingInput, Reason::MissingInput, words.clone()))
            }
            Readiness::Refused(reason, words) => {
                Stopped::at(self.held(Status::InReview, *reason, words.clone()))
            }
            Readiness::Retry { code, detail, .. } => Stopped {
                error: Some(format!("{code}: {detail}")),
                ..Stopped::at(Outcome::default())
            },
        }
    }

    /// In front of a person before the table was asked.
    fn held(&self, status: Status, reason: Reason, words: Vec<String>) -> Outcome {
        Outcome {
            intake: Some(Entry::Accepted),
            status: Some(status),
            reason: Some(reason),
            route: (status == Status::InReview).then_some(RouteWord::Review),
            tier: tier(&self.ready, "").map(|t| t.name.clone()),
            words,
            ..Outcome::default()
        }
    }

    async fn generated(&self, case: &Case, assembled: &Assembled) -> Stopped {
        let run = ids::run();
        if let Some(outcome) = self.excluded(run, assembled) {
            return Stopped::at(outcome);
        }
        let made = model_request(
            &self.ready,
            (&self.artifact, self.hash),
            run,
            &assembled.facts,
        );
        let mut request = match made {
            Ok(request) => request,
            Err(why) => {
                let words = vec![format!("the prompt cannot be rendered: {why}")];
                return Stopped::at(self.held(Status::InReview, Reason::PermanentFailure, words));
            }
        };
        let def = &self.ready.def;
        let (mut cost, mut repairs) = (Some(0), 0);
        loop {
            let answer = match self.ask(&mut request).await {
                Ok(answer) => answer,
                Err(fault) => {
                    return Stopped {
                        error: Some(error_word(&fault)),
                        outcome: Outcome::default(),
                        cost: None,
                    };
                }
            };
            cost = self.add_cost(cost, &answer);
            let mut outcome = match self.judged(case, run, &answer, assembled) {
                Ok(outcome) => outcome,
                Err(faults)
                    if def.on_failure.validate == FailurePlan::Repair
                        && repairs < def.output.repair_attempts =>
                {
                    repairs += 1;
                    request.attempt += 1;
                    request.repair = Some(faults.join("; "));
                    continue;
                }
                Err(faults) => self.held(Status::InReview, Reason::InvalidOutput, faults),
            };
            outcome.mismatch = mismatch(&self.ready, &answer);
            outcome.leaks.extend(seen(case, &request, &answer));
            return Stopped {
                outcome,
                error: None,
                cost,
            };
        }
    }

    /// What the table excludes before the model is asked.
    fn excluded(&self, run: RunId, assembled: &Assembled) -> Option<Outcome> {
        let under = Under {
            ready: &self.ready,
            rules: &self.rules,
            version: 0,
            stage: Stage::Auto,
            at_most: Stage::Auto,
            run,
            trust: None,
        };
        let facts = plan_facts(&assembled.facts, &assembled.snapshot);
        let (_, verdict) = excluded(under, &facts)?;
        let Verdict::Hit(hit) = &verdict else {
            return None;
        };
        Some(Outcome {
            intake: Some(Entry::Accepted),
            status: Some(Status::HandedOff),
            reason: Some(Reason::Manual),
            route: Some(RouteWord::Excluded),
            row: Some(hit.row.clone()),
            words: verdict_words(&verdict),
            ..Outcome::default()
        })
    }

    async fn ask(&self, request: &mut ModelRequest) -> Result<ModelAnswer, ModelFault> {
        let before = request.attempt;
        let asking = Asking {
            model: &*self.model,
            limiters: &self.limiters,
            limits: &self.ready.def.limits,
            purse: self.purse.as_deref(),
        };
        let answer = asking.ask(request).await;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.count(request.attempt - before + 1, &answer);
        answer
    }

    fn add_cost(&self, sum: Option<i64>, answer: &ModelAnswer) -> Option<i64> {
        let spec = &self.ready.model;
        let own = if spec.kind.is_built_in() {
            Some(0)
        } else {
            let price = self.price.as_ref();
            price.zip(answer.usage).and_then(|(p, used)| p.cost(used))
        };
        Some(sum? + own?)
    }

    /// What the answer leads to, or why it is not usable.
    fn judged(
        &self,
        case: &Case,
        run: RunId,
        answer: &ModelAnswer,
        assembled: &Assembled,
    ) -> Result<Outcome, Vec<String>> {
        let ready = &self.ready;
        let judged = judge(
            &ready.def.output,
            &ready.output,
            &answer.text,
            answer.refusal,
            answer.incomplete.as_deref(),
        );
        match judged {
            Judged::Invalid(faults) => Err(faults),
            Judged::Refused(sign) => Ok(self.held(
                Status::InReview,
                Reason::Refused,
                vec![format!("the model refused: {sign}")],
            )),
            Judged::Uncertain(output, sign) => Ok(Outcome {
                output: Some(output),
                ..self.held(
                    Status::InReview,
                    Reason::UncertainOutput,
                    vec![format!("the model is not sure: {sign}")],
                )
            }),
            Judged::Output(output) => {
                let sure = confidence(ready, answer, &output).map_err(|e| vec![e])?;
                let facts = plan_facts(&assembled.facts, &assembled.snapshot);
                // As far as the release may ever go: the stage of the day is no property of it.
                let under = Under {
                    ready,
                    rules: &self.rules,
                    version: 0,
                    stage: Stage::Auto,
                    at_most: Stage::Auto,
                    run,
                    trust: None,
                };
                let decided = decide(under, &facts, answer, &output, sure);
                Ok(self.routed(case, decided, output, sure))
            }
        }
    }

    fn routed(&self, case: &Case, decided: Decided, output: Value, sure: Option<f64>) -> Outcome {
        let planned = decided.planned.unwrap_or_default();
        let row = match &decided.verdict {
            Verdict::Hit(hit) => Some(hit.row.clone()),
            Verdict::Person(p) => p.row.clone(),
        };
        let base = Outcome {
            intake: Some(Entry::Accepted),
            row,
            output: Some(output),
            confidence: sure,
            actions: planned.iter().map(|p| p.intent.spec.name.clone()).collect(),
            leaks: planned
                .iter()
                .flat_map(|p| {
                    let place = format!("the request of {}", p.intent.spec.name);
                    leaks(case, &place, &request_json(&p.intent).to_string())
                })
                .collect(),
            ..Outcome::default()
        };
        match decided.destined {
            Destined::Auto => Outcome {
                status: Some(Status::Dispatching),
                route: Some(RouteWord::Auto),
                ..base
            },
            Destined::Manual(words) => Outcome {
                status: Some(Status::HandedOff),
                reason: Some(Reason::Manual),
                route: Some(if decided.verdict.route() == Route::Excluded {
                    RouteWord::Excluded
                } else {
                    RouteWord::Manual
                }),
                words,
                ..base
            },
            Destined::Review(tier, reason, words) => Outcome {
                status: Some(Status::InReview),
                reason: Some(reason),
                route: Some(if decided.verdict.route() == Route::Refuse {
                    RouteWord::Refuse
                } else {
                    RouteWord::Review
                }),
                tier: Some(tier),
                words,
                ..base
            },
            Destined::Shadow => base,
        }
    }
}

/// Which forbidden texts the model saw or gave back.
fn seen(case: &Case, request: &ModelRequest, answer: &ModelAnswer) -> Vec<String> {
    let mut found = leaks(case, "the answer", &answer.text);
    if !case.expect.unseen.is_empty() {
        let facts = request.facts.to_string();
        for (place, text) in [
            ("the facts the model sees", &facts),
            ("the prompt's framing", &request.system),
            ("the prompt", &request.prompt),
        ] {
            found.extend(held(&case.expect.unseen, place, text));
        }
    }
    found
}

/// Forbidden texts in something that goes out.
fn leaks(case: &Case, place: &str, text: &str) -> Vec<String> {
    let e = &case.expect;
    held(&e.absent, place, text)
        .chain(held(&e.unseen, place, text))
        .collect()
}

fn held<'a>(
    texts: &'a [String],
    place: &'a str,
    text: &'a str,
) -> impl Iterator<Item = String> + 'a {
    texts
        .iter()
        .filter(move |t| text.contains(t.as_str()))
        .map(move |t| format!("{t} stands in {place}"))
}

pub(super) fn error_word(fault: &ModelFault) -> String {
    if fault.kind == FaultKind::TimedOut {
        return "timeout".to_owned();
    }
    format!("{}: {}", fault.code, fault.detail)
}
