//! The evaluation itself: the pack twice, once to know it and once to try it, with results folded,
//! stored and told as they come.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::StreamExt as _;
use tuesday_connectors::models::Recorded;
use tuesday_domain::definition::PackageFault;
use tuesday_domain::eval::{
    Agreement, Case, CaseResult, Evidence, Mode, Pack, Paired, Summary, Verdict, Wanted, gate,
    junit_case, junit_close, junit_graders, junit_open,
};
use tuesday_domain::port::Model;
use tuesday_domain::problem::Problem;
use tuesday_domain::workflow::Label;
use tuesday_engine::Clock;
use tuesday_engine::eval::{Graders, Item, Trial};

use super::results::{Earlier, Head, Left, Results, settled};
use super::source::Source;
use crate::cli::Common;
use crate::config::Home;
use crate::{out, wiring};

/// How an evaluation was asked for.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) repeat: u32,
    pub(crate) concurrency: Option<u32>,
    pub(crate) junit: Option<PathBuf>,
    pub(crate) results: Option<PathBuf>,
    pub(crate) resume: bool,
    pub(crate) baseline: Option<Source>,
    /// Keep what the model answers here.
    pub(crate) record: Option<PathBuf>,
    /// Answer from here.
    pub(crate) recorded: Option<PathBuf>,
    /// Take what leaves nothing to chance from here, and keep it here.
    pub(crate) cache: Option<PathBuf>,
    /// The pack is tried, no release is judged: recorded answers are enough.
    pub(crate) tries_only: bool,
}

impl Asked {
    fn mode(&self) -> Mode {
        if self.recorded.is_some() {
            Mode::Recorded
        } else {
            Mode::Live
        }
    }

    /// The record that answers are kept in or taken from; nothing where the model is simply asked.
    pub(super) fn tape(&self, model: &Arc<dyn Model>) -> Result<Option<Arc<Recorded>>, Problem> {
        let model = Arc::clone(model);
        let (field, made) = match (&self.record, &self.recorded, &self.cache) {
            (Some(file), _, _) => ("record", Recorded::recording(model, file)),
            (None, Some(file), _) => ("recorded", Recorded::given(model, file)),
            (None, None, Some(file)) => ("cache", Recorded::cached(model, file)),
            (None, None, None) => return Ok(None),
        };
        let made = made.map_err(|e| Problem::new("bad_request", e).field(field))?;
        Ok(Some(Arc::new(made)))
    }
}

/// What came of it.
pub(crate) struct Done {
    pub(crate) workflow: String,
    pub(crate) pack: Pack,
    pub(crate) evidence: Evidence,
    pub(crate) wanted: Wanted,
    /// The same figures of what it was compared with.
    pub(crate) beside: Option<Summary>,
    pub(crate) reused: u64,
    pub(crate) seconds: f64,
}

impl Done {
    /// The gate's verdict over this evaluation and the package's faults.
    pub(crate) fn verdict(&self, faults: &[PackageFault]) -> Verdict {
        gate(&self.wanted, faults, &self.pack, Some(&self.evidence), 0)
    }
}

/// The model behind its record.
pub(super) fn through(tape: Option<&Arc<Recorded>>, model: Arc<dyn Model>) -> Arc<dyn Model> {
    match tape {
        Some(tape) => Arc::<Recorded>::clone(tape),
        None => model,
    }
}

/// Evaluates a package.
pub(crate) async fn evaluate(
    common: &Common,
    source: &Source,
    asked: Asked,
) -> Result<Done, Problem> {
    let started = std::time::Instant::now();
    let clock = Clock::System;
    let pack = source.pack()?;
    let home = Home::find(common)?;
    let ports = wiring::ports(&home)?;
    let tape = asked.tape(&ports.model)?;
    let model = through(tape.as_ref(), ports.model);
    let (trial, other, graders) = sides(source, asked.baseline.as_ref(), model).await?;
    let repeats = asked.repeat.max(pack.limits.repeats);
    let started_at = clock.now().rfc3339();
    let mut fold = Fold::open(source, &pack, &trial, repeats, &asked)?;
    let earlier = fold.earlier.take();
    let at_once = asked
        .concurrency
        .map_or_else(|| default_at_once(&trial), |n| n as usize);
    let reused = AtomicU64::new(0);
    let items = items(source, earlier, repeats, &reused);
    {
        let told = tuesday_engine::eval::evaluate(&trial, other.as_ref(), items, repeats, at_once);
        let mut told = std::pin::pin!(told);
        while let Some((case, result, beside)) = told.next().await {
            fold.take(&case, &result, beside.as_ref())?;
        }
    }
    let compared = asked
        .baseline
        .as_ref()
        .zip(other)
        .map(|(b, t)| std::mem::take(&mut fold.paired).finish(&b.title, &t.hash()));
    let agreed = Box::pin(graders.agreements(&pack.graders_used())).await;
    let beside = asked
        .baseline
        .as_ref()
        .map(|_| std::mem::take(&mut fold.beside));
    let summary = fold.finish(&agreed)?;
    if let Some(path) = &asked.results {
        settled(path);
    }
    let def = &trial.ready().def;
    let evidence = Evidence {
        v: 1,
        release_hash: trial.hash(),
        pack_hash: pack.hash.clone(),
        rules_hash: trial.rules_hash(),
        table: Some(source.table.clone()),
        model: def.model.pin.clone(),
        mode: asked.mode(),
        cached: asked.cache.as_ref().and(tape).map(|t| t.from_cache()),
        repeats,
        started_at,
        finished_at: Some(clock.now().rfc3339()),
        summary,
        compared,
        graders: agreed,
    };
    let wanted = wanted(&trial, &asked, repeats, &evidence);
    Ok(Done {
        workflow: def.workflow.name.clone(),
        pack,
        evidence,
        wanted,
        beside,
        reused: reused.load(Ordering::Relaxed),
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// What the gate asks of this evaluation.
fn wanted(trial: &Trial, asked: &Asked, repeats: u32, evidence: &Evidence) -> Wanted {
    Wanted {
        release_hash: trial.hash(),
        rules_hash: trial.rules_hash(),
        rows: trial.rows(),
        recorded: asked.tries_only,
        repeats,
        max_age_s: None,
        production: trial.ready().def.rollout.label == Label::Production,
        baseline_hash: evidence.compared.as_ref().map(|c| c.baseline_hash.clone()),
        // Only an instance knows what was live and what came back.
        answers: None,
        standing: Vec::new(),
    }
}

/// The release, what it is compared with, and the graders that both are graded by.
async fn sides(
    source: &Source,
    baseline: Option<&Source>,
    model: Arc<dyn Model>,
) -> Result<(Arc<Trial>, Option<Arc<Trial>>, Arc<Graders>), Problem> {
    let trial = source.trial(Arc::clone(&model)).await?;
    let graders = source.graders(&trial, Arc::clone(&model));
    let graded = |t: Trial| Arc::new(t.graded_by(Arc::clone(&graders)));
    let other = match baseline {
        Some(b) => Some(graded(b.trial(model).await?)),
        None => None,
    };
    Ok((graded(trial), other, graders))
}

/// Calls that wait for a network may be many; arithmetic wants a core each.
fn default_at_once(trial: &Trial) -> usize {
    let def = &trial.ready().def;
    if def.model.kind.is_built_in() {
        std::thread::available_parallelism().map_or(2, |n| n.get() * 4)
    } else {
        def.limits.model_concurrency as usize
    }
}

/// The cases of a pack that can be read; the others are faults of the pack already.
fn items<'a>(
    source: &'a Source,
    mut earlier: Option<Earlier>,
    repeats: u32,
    reused: &'a AtomicU64,
) -> impl Iterator<Item = Item> + Send + 'a {
    source.lines().filter_map(move |line| {
        let (_, _, text) = line.ok()?;
        let case = Case::parse(text.trim()).ok()?;
        let hash = Case::hash(&text);
        let known = match earlier.as_mut().map(|e| e.next(&hash, repeats)) {
            Some(Left::Result(result)) => {
                reused.fetch_add(1, Ordering::Relaxed);
                Some(result)
            }
            Some(Left::Again) | None => None,
            Some(Left::End) => {
                earlier = None;
                None
            }
        };
        Some(Item { case, hash, known })
    })
}

/// Where each result goes.
struct Fold {
    summary: Summary,
    beside: Summary,
    paired: Paired,
    agreement: f64,
    repeats: u32,
    bar: indicatif::ProgressBar,
    junit: Option<(std::io::BufWriter<std::fs::File>, String)>,
    results: Option<Results>,
    earlier: Option<Earlier>,
}

impl Fold {
    fn open(
        source: &Source,
        pack: &Pack,
        trial: &Trial,
        repeats: u32,
        asked: &Asked,
    ) -> Result<Self, Problem> {
        let mut head = Head::new(trial.hash(), pack.hash.clone(), trial.rules_hash(), repeats);
        head.recorded = asked.recorded.is_some();
        let (results, earlier) = match &asked.results {
            Some(path) => {
                let (results, earlier) = Results::open(path, &head, asked.resume)?;
                (Some(results), earlier)
            }
            None => (None, None),
        };
        let junit = match &asked.junit {
            Some(path) => Some((junit_file(path, &source.title, pack)?, source.title.clone())),
            None => None,
        };
        Ok(Self {
            summary: Summary::default(),
            beside: Summary::default(),
            paired: Paired::default(),
            agreement: pack.limits.agreement,
            repeats,
            bar: out::progress(pack.cases, "cases"),
            junit,
            results,
            earlier,
        })
    }

    fn take(
        &mut self,
        case: &Case,
        result: &CaseResult,
        beside: Option<&CaseResult>,
    ) -> Result<(), Problem> {
        if let Some(results) = &mut self.results {
            results.add(result)?;
        }
        if let Some((file, _)) = &mut self.junit {
            file.write_all(junit_case(case, result, self.agreement).as_bytes())
                .map_err(|e| cannot_junit(&e))?;
        }
        if let Some(beside) = beside {
            self.paired.add(case, result, beside, self.agreement);
            self.beside.add(case, beside, self.agreement, self.repeats);
        }
        self.summary.add(case, result, self.agreement, self.repeats);
        self.bar.inc(1);
        Ok(())
    }

    fn finish(mut self, graders: &[Agreement]) -> Result<Summary, Problem> {
        self.bar.finish_and_clear();
        if let Some((mut file, title)) = self.junit.take() {
            let s = &self.summary;
            let errors = s.errors.count + s.timeouts.count;
            let failures = s.failed_count.saturating_sub(errors);
            let head = junit_open(&title, s.cases.of, failures, errors);
            file.write_all(junit_close(graders).as_bytes())
                .and_then(|()| file.seek(SeekFrom::Start(0)).map(drop))
                .and_then(|()| file.write_all(head.as_bytes()))
                .and_then(|()| file.flush())
                .map_err(|e| cannot_junit(&e))?;
        }
        Ok(self.summary)
    }
}

fn junit_file(
    path: &Path,
    title: &str,
    pack: &Pack,
) -> Result<std::io::BufWriter<std::fs::File>, Problem> {
    let file = std::fs::File::create(path).map_err(|e| cannot_junit(&e))?;
    let mut file = std::io::BufWriter::new(file);
    file.write_all(junit_open(title, 0, 0, 0).as_bytes())
        .and_then(|()| file.write_all(junit_graders(pack).as_bytes()))
        .map_err(|e| cannot_junit(&e))?;
    Ok(file)
}

fn cannot_junit(e: &std::io::Error) -> Problem {
    out::unavailable(format!("the JUnit file: {e}")).field("junit")
}
