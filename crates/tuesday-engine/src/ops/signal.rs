//! Takes what is said about an output afterwards: a complaint, a compliance flag, a return, how it
//! turned out. Pause rules and the kill condition count it; incidents find the run it is about.

use tuesday_domain::actor::Actor;
use tuesday_domain::adoption::Uptake;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, RolloutChange, Signal, Subject};
use tuesday_domain::time::Timestamp;

use crate::engine::{Engine, apply_problem, read_problem};

/// Most characters of a kind, of a record and of an event.
const KIND: usize = 60;
const WORDS: usize = 200;
/// Most that one signal counts for.
const MOST: u32 = 10_000;

/// What is posted.
#[derive(Clone, Debug)]
pub struct PostedSignal {
    /// The sender's name for it; the same one counts once. Without one, one of a kind for each run or record.
    pub event: Option<String>,
    /// `complaint`, `compliance_flag`, `return`, `outcome`, or another word of small letters.
    pub kind: String,
    /// The run it is about, when it is known.
    pub run: Option<RunId>,
    /// The record it is about. The run that wrote it is looked up.
    pub record: Option<String>,
    /// Says that the output was wrong.
    pub wrong: bool,
    /// How many; 1 to 10,000.
    pub count: u32,
    /// When it happened; absent means now.
    pub at: Option<Timestamp>,
}

fn bad(field: &'static str, words: impl Into<String>) -> Problem {
    Problem::new("bad_request", words.into()).field(field)
}

/// 1 to 200 characters without control characters.
fn plain(field: &'static str, text: Option<&String>) -> Result<(), Problem> {
    let fits = |t: &String| {
        let length = t.chars().count();
        (1..=WORDS).contains(&length) && !t.chars().any(char::is_control)
    };
    if text.is_none_or(fits) {
        return Ok(());
    }
    let words = format!("1 to {WORDS} characters, none of them a control character");
    Err(bad(field, words))
}

impl PostedSignal {
    fn check(&self, now: Timestamp) -> Result<(), Problem> {
        let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.kind.is_empty() || self.kind.len() > KIND || !self.kind.chars().all(small) {
            let words = format!("a kind is 1 to {KIND} small letters, digits and `_`");
            return Err(bad("kind", words));
        }
        plain("event", self.event.as_ref())?;
        plain("record", self.record.as_ref())?;
        if !(1..=MOST).contains(&self.count) {
            return Err(bad("count", format!("1 to {MOST}")));
        }
        if self.at.is_some_and(|at| at > now) {
            return Err(bad("at", "it lies in the future"));
        }
        Ok(())
    }

    /// The name under which it counts once.
    fn name(&self) -> Result<String, Problem> {
        if let Some(event) = &self.event {
            return Ok(event.clone());
        }
        let about = self.run.map(|r| r.to_string()).or(self.record.clone());
        let about = about.ok_or_else(|| {
            bad("event", "without a run or a record it needs an event")
                .way_out("name the `event`, the `run_id` or the `record`, so that it counts once")
        })?;
        Ok(format!("{} {about}", self.kind))
    }
}

impl Engine {
    /// Keeps a signal. The same event again changes nothing and answers what is kept.
    ///
    /// # Errors
    /// `bad_request` at the field, `not_found` for a run that is not there or belongs to another
    /// workflow, `unknown_workflow`.
    pub async fn post_signal(
        &self,
        name: &str,
        new: PostedSignal,
        by: &Actor,
    ) -> Result<Signal, Problem> {
        let row = self.known_workflow(name).await?;
        let (workflow, now) = (row.name.clone(), self.now());
        new.check(now)?;
        let event = new.name()?;
        let kept = || self.0.reader.signal(&workflow, &event);
        if let Some(before) = kept().await.map_err(read_problem)? {
            return Ok(before);
        }
        let signal = Signal {
            run: self.run_meant(&workflow, &new).await?,
            event: event.clone(),
            workflow: workflow.clone(),
            kind: new.kind,
            record: new.record,
            wrong: new.wrong,
            count: new.count,
            at: new.at.unwrap_or(now),
            posted_by: by.to_string(),
            received_at: now,
        };
        let told = Box::pin(self.use_told(&row, &signal)).await?;
        match self.apply(taken(signal.clone(), by, told)).await {
            Ok(_) => Ok(signal),
            // Another node was told the same in this moment.
            Err(e) => match kept().await.map_err(read_problem)? {
                Some(before) => Ok(before),
                None => Err(apply_problem(e)),
            },
        }
    }

    /// The run a signal is about. A record that nobody knows is no reason to lose the signal.
    async fn run_meant(
        &self,
        workflow: &str,
        new: &PostedSignal,
    ) -> Result<Option<RunId>, Problem> {
        let reader = &self.0.reader;
        let named = match (new.run, &new.record) {
            (Some(id), _) => Some(id),
            (None, Some(record)) => reader.run_written_to(record).await.map_err(read_problem)?,
            (None, None) => None,
        };
        let Some(id) = named else { return Ok(None) };
        let run = reader.run(id).await.map_err(read_problem)?;
        let own = run.is_some_and(|r| r.workflow == workflow);
        if !own && new.run.is_some() {
            let words = format!("{id} is no run of {workflow}");
            return Err(Problem::new("not_found", words).field("run_id"));
        }
        Ok(own.then_some(id))
    }
}

/// The signal with its audit entry.
fn taken(signal: Signal, by: &Actor, (uptake, told): (Option<Uptake>, Vec<Change>)) -> Decision {
    let about = Subject::Workflow(signal.workflow.clone());
    let mut entry = AuditEntry::new(signal.received_at, by.clone(), "signal.received", about)
        .fact("kind", signal.kind.clone())
        .fact("event", signal.event.clone())
        .fact("count", signal.count)
        .fact("wrong", signal.wrong);
    if let Some(run) = signal.run {
        entry = entry.fact("run", run.to_string());
    }
    if let Some(uptake) = uptake {
        entry = entry.fact("use", uptake.word());
    }
    let insert = RolloutChange::InsertSignal(signal);
    let insert = Change::Rollout(Box::new(insert));
    Decision {
        changes: std::iter::once(insert).chain(told).collect(),
        entry,
    }
}
