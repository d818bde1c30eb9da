//! Evals: cases with frozen inputs, what is expected of them, what came of it, and the one gate.
//!
//! A pack is the `evals/*.jsonl` of a package and its `evals/gate.toml`. A case is tried through the
//! very steps a run takes ([`crate::decide`]), graded by [`grade`], folded into a [`Summary`], and
//! judged by [`gate`]. Where a model grades, it is first held against what people said ([`Agreement`]). All of it is pure: the engine brings the model's answers, the binary the bytes.

mod agreement;
mod case;
mod compare;
mod from_run;
mod gate;
mod grade;
mod grader;
mod measure;
mod pack;
mod report;
#[cfg(test)]
mod tests;

pub use agreement::Agreement;
pub use case::{Case, Expect, Kind, NOW, Reads, Truth};
pub use compare::{Changed, Comparison, Paired, Standing, mcnemar};
pub use from_run::{Frozen, case_of, closed_fields};
pub use gate::{Evidence, GateReason, Stopped, Verdict, Wanted, gate};
pub use grade::{Entry, Grader, Outcome, RouteWord, grade, grade_fixed};
pub use grader::{GraderTerms, Label, ModelGrader, Opinion, Question, Said, holds_cases};
pub use measure::{
    CaseResult, ClassScore, Count, Escalation, Failed, LATENCY_BOUNDS_MS, Mode, Names, Summary,
    Tried,
};
pub use pack::{Limits, Pack, PackFault, PackReader, Sample};
pub use report::{html, junit_case, junit_close, junit_graders, junit_open};
