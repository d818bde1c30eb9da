//! What is shown of first shifts: the queue for who takes one, without a word of what is right, and the
//! results for everybody who reads the workflow.

use serde::Serialize;
use tuesday_domain::charter::first_shift::{FirstShiftState, ShiftAnswers, ShiftCase, ShiftReport};
use tuesday_domain::charter::practice::Exercise;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::FirstShift;

use super::first_shift::{damaged, kept_answers, kept_cases};
use super::practice::Graded;
use crate::engine::{Engine, read_problem};

const SHOWN: usize = 50;

/// The first shifts of a workflow.
#[derive(Clone, Debug, Serialize)]
pub struct FirstShiftView {
    /// Workflow name.
    pub workflow: String,
    /// Its title.
    pub title: String,
    /// The reader's own that runs, with its queue.
    pub open: Option<FirstShiftOpen>,
    /// Who else takes one now: who builds the workflow does nothing to it meanwhile.
    pub running: Vec<String>,
    /// Those that ended, newest first.
    pub tests: Vec<FirstShiftCard>,
}

/// A shift that runs, for who takes it.
#[derive(Clone, Debug, Serialize)]
pub struct FirstShiftOpen {
    /// Its number.
    pub seq: u32,
    /// When it began, RFC 3339.
    pub from: String,
    /// Cases of the queue.
    pub of: usize,
    /// Cases that are still to be decided.
    pub left: Vec<Exercise>,
}

/// A shift that ended.
#[derive(Clone, Debug, Serialize)]
pub struct FirstShiftCard {
    /// Its number.
    pub seq: u32,
    /// How it ended.
    pub state: FirstShiftState,
    /// Who took it.
    pub person: String,
    /// When it began, RFC 3339.
    pub from: String,
    /// When the last case was decided, RFC 3339.
    pub ended_at: Option<String>,
    /// The result.
    pub report: ShiftReport,
    /// Every case with what is right; only who took it is told.
    pub cases: Vec<Graded>,
}

/// A shift after some of its cases were decided.
#[derive(Clone, Debug, Serialize)]
pub struct ShiftProgress {
    /// Workflow name.
    pub workflow: String,
    /// Its number.
    pub seq: u32,
    /// How it stands.
    pub state: FirstShiftState,
    /// Cases that are still to be decided.
    pub left: usize,
    /// The result once it ended.
    pub report: Option<ShiftReport>,
    /// Every case with what is right once it ended.
    pub cases: Vec<Graded>,
}

impl ShiftProgress {
    pub(super) fn going_on(shift: &FirstShift, left: usize) -> Self {
        Self {
            workflow: shift.workflow.clone(),
            seq: shift.seq,
            state: shift.state,
            left,
            report: None,
            cases: Vec::new(),
        }
    }

    pub(super) fn ended(
        shift: &FirstShift,
        report: ShiftReport,
        cases: Vec<ShiftCase>,
        said: &ShiftAnswers,
    ) -> Self {
        Self {
            report: Some(report),
            cases: graded(cases, said),
            ..Self::going_on(shift, 0)
        }
    }
}

fn graded(cases: Vec<ShiftCase>, said: &ShiftAnswers) -> Vec<Graded> {
    let one = |case: ShiftCase| Graded {
        approved: said.get(&case.number).copied().unwrap_or(!case.approve),
        approve: case.approve,
        why: case.why.clone(),
        case: case.into(),
    };
    cases.into_iter().map(one).collect()
}

impl Engine {
    /// The first shifts of a workflow; the queue of one that runs only for who takes it.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn first_shift(&self, name: &str, person: &str) -> Result<FirstShiftView, Problem> {
        let row = self.standing(name).await?;
        let (all, own) = tokio::try_join!(
            self.0.reader.first_shifts(name, SHOWN),
            self.0.reader.first_shift_of(name, person)
        )
        .map_err(read_problem)?;
        // One's own that runs is found also behind many newer ones.
        let own = own.filter(|t| t.state == FirstShiftState::Running);
        let open = own.as_ref().map(opened).transpose()?;
        let (mut running, mut tests) = (Vec::new(), Vec::new());
        for shift in all {
            if shift.state != FirstShiftState::Running {
                tests.push(card(shift, person)?);
            } else if shift.person != person {
                running.push(shift.person);
            }
        }
        Ok(FirstShiftView {
            workflow: name.to_owned(),
            title: row.title,
            open,
            running,
            tests,
        })
    }
}

fn opened(shift: &FirstShift) -> Result<FirstShiftOpen, Problem> {
    let said = kept_answers(shift)?;
    let cases = kept_cases(shift)?;
    Ok(FirstShiftOpen {
        seq: shift.seq,
        from: shift.from.rfc3339(),
        of: cases.len(),
        left: cases
            .into_iter()
            .filter(|c| !said.contains_key(&c.number))
            .map(Exercise::from)
            .collect(),
    })
}

fn card(shift: FirstShift, person: &str) -> Result<FirstShiftCard, Problem> {
    let kept = shift.report.as_deref().unwrap_or_default();
    let report = serde_json::from_str(kept).map_err(|e| damaged(&shift, &e))?;
    let cases = if shift.person == person {
        graded(kept_cases(&shift)?, &kept_answers(&shift)?)
    } else {
        Vec::new()
    };
    Ok(FirstShiftCard {
        seq: shift.seq,
        state: shift.state,
        from: shift.from.rfc3339(),
        ended_at: shift.ended_at.map(|at| at.rfc3339()),
        person: shift.person,
        report,
        cases,
    })
}
