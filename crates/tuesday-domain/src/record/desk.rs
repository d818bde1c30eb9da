//! The work of people around review tasks: the order of the queue, saved views, what was
//! read, second looks, seeded faults and problem reports.

use super::Duty;
use crate::id::{ProblemReportId, ReviewId, RunId};
use crate::time::Timestamp;
use crate::trouble::incident::FixLayer;
use crate::words::words;

words! {
    /// Which work of several workflows comes first. The declared order is the order of the queue.
    PriorityClass {
        /// Before everything else.
        Urgent = "urgent",
        /// Before the usual.
        High = "high",
        /// The usual.
        Normal = "normal",
        /// After the usual.
        Low = "low",
    }
}

/// The priority class of a workflow, with who set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowPriority {
    /// Workflow name.
    pub workflow: String,
    /// Its class.
    pub class: PriorityClass,
    /// Handle of the person who set it.
    pub set_by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub set_at: Timestamp,
}

/// A filter of the queue under a name of its person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedView {
    /// Handle of the person.
    pub person: String,
    /// What the person calls it.
    pub name: String,
    /// The filter as a query string without `?`.
    pub query: String,
    /// When it was first saved.
    pub created_at: Timestamp,
}

/// A revision of a task that a person had open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewRead {
    /// The task.
    pub review: ReviewId,
    /// Handle of the person.
    pub person: String,
    /// The revision that was shown.
    pub revision: u32,
    /// How long it was in view, idle time cut off, in milliseconds.
    pub visible_ms: u64,
    /// Signs of which time was dropped because no such time had passed: clocks that differ or ran backwards.
    pub dropped: u32,
    /// When it was last in view.
    pub last_at: Timestamp,
    /// The run the task is about.
    pub run: RunId,
    /// When it was first opened.
    pub opened_at: Timestamp,
}

/// Somebody has looked at a run's own page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunVisit {
    /// The run.
    pub run: RunId,
    /// Handle of the person.
    pub person: String,
    /// When last.
    pub last_at: Timestamp,
    /// When first.
    pub first_at: Timestamp,
}

words! {
    /// Who had approved what is looked at a second time.
    SecondLookBasis {
        /// The decision table.
        Automatic = "automatic",
        /// A person.
        Human = "human",
    }
}

words! {
    /// What the second person found.
    SecondLookResult {
        /// The output was right.
        Correct = "correct",
        /// The output was wrong.
        Incorrect = "incorrect",
    }
}

/// An approval that was drawn for another person to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondLook {
    /// The run that was approved.
    pub run: RunId,
    /// The task, once it is open.
    pub review: Option<ReviewId>,
    /// What was found.
    pub result: Option<SecondLookResult>,
    /// Why, when it was wrong.
    pub reason: Option<String>,
    /// Who looked.
    pub looked_by: Option<String>,
    /// When.
    pub looked_at: Option<Timestamp>,
    /// Grows by one with every change.
    pub version: u32,
    /// Workflow name.
    pub workflow: String,
    /// Tier of the approved task; empty for automatic ones.
    pub tier: String,
    /// Who had approved.
    pub basis: SecondLookBasis,
    /// Handle of the person, or the rule.
    pub approved_by: String,
    /// The declared share in millionths.
    pub share_ppm: u32,
    /// The draw, from 0 to 999 999: below the share means looked at.
    pub draw: u32,
    /// When it was drawn.
    pub drawn_at: Timestamp,
}

words! {
    /// What became of a seeded fault.
    SeedResult {
        /// A person refused it or changed it.
        Caught = "caught",
        /// It was approved as it stood.
        Missed = "missed",
    }
}

/// A known-bad output that was put into the queue to see whether it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The run that carries it.
    pub run: RunId,
    /// What became of it.
    pub result: Option<SeedResult>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Grows by one with every change.
    pub version: u32,
    /// Workflow name.
    pub workflow: String,
    /// Tier of its task.
    pub tier: String,
    /// Name of the declared fault that is in it.
    pub fault: String,
    /// The field that was spoilt, dotted.
    pub field: String,
    /// The decided run it was made from.
    pub made_from: Option<RunId>,
    /// Who put it there.
    pub placed_by: String,
    /// When.
    pub placed_at: Timestamp,
}

/// The operator owner was told that somebody may approve without looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampNotice {
    /// Workflow name.
    pub workflow: String,
    /// Handle of the person whose approvals it is about.
    pub person: String,
    /// Day of it in UTC, `YYYY-MM-DD`: once a day at most.
    pub day: String,
    /// When.
    pub at: Timestamp,
    /// Handle of the person who was told.
    pub told: String,
    /// The figures that crossed a limit.
    pub words: String,
}

words! {
    /// What somebody says about an output.
    ProblemKind {
        /// It is wrong.
        Wrong = "wrong",
        /// It came too late.
        Slow = "slow",
        /// It is in the way.
        Annoying = "annoying",
        /// Something else.
        Other = "other",
    }
}

words! {
    /// Where a problem report stands.
    ProblemState {
        /// Nobody has looked yet.
        New = "new",
        /// Somebody is on it.
        Triaged = "triaged",
        /// The output was right.
        NotAnError = "not_an_error",
        /// The output was wrong, without harm.
        QualityIssue = "quality_issue",
        /// It did harm.
        Incident = "incident",
    }
}

/// A step of a problem report that cannot happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a problem report that is {from} cannot become {to}")]
pub struct IllegalProblemMove {
    /// Where it stood.
    pub from: ProblemState,
    /// What was asked for.
    pub to: ProblemState,
}

impl ProblemState {
    /// It has an answer.
    #[must_use]
    pub const fn is_answered(self) -> bool {
        !matches!(self, Self::New | Self::Triaged)
    }

    /// What follows when a person sorts the report as `to`; the only place where it changes state.
    ///
    /// # Errors
    /// [`IllegalProblemMove`] for every pair that is not listed.
    pub const fn sorted_as(self, to: Self) -> Result<Self, IllegalProblemMove> {
        match (self, to) {
            (Self::New, Self::Triaged) => Ok(to),
            (Self::New | Self::Triaged, Self::NotAnError | Self::QualityIssue | Self::Incident) => {
                Ok(to)
            }
            _ => Err(IllegalProblemMove { from: self, to }),
        }
    }
}

words! {
    /// How a problem report was tied to its run.
    ProblemTie {
        /// The reporter named the run or its task.
        Run = "run",
        /// The reporter named the record that was written to.
        Record = "record",
        /// Words of the report were found in exactly one case.
        Words = "words",
        /// A person tied it afterwards.
        Hand = "hand",
        /// No run was found; the report is kept and owned all the same.
        Nothing = "nothing",
    }
}

/// Somebody says that an output is wrong, slow or annoying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemReport {
    /// Its id.
    pub id: ProblemReportId,
    /// Where it stands.
    pub state: ProblemState,
    /// Handle of the person who answers it.
    pub owner: String,
    /// When the answer is due.
    pub due_at: Timestamp,
    /// The answer in words.
    pub answer: Option<String>,
    /// Who answered.
    pub answered_by: Option<String>,
    /// When.
    pub answered_at: Option<Timestamp>,
    /// In which layer the error is fixed, where the output was wrong.
    pub fix_layer: Option<FixLayer>,
    /// Whether somebody who writes no code can fix the next one, where the output was wrong.
    pub without_code: Option<bool>,
    /// Minutes the answer took, where they were said.
    pub minutes: Option<u32>,
    /// Grows by one with every change.
    pub version: u32,
    /// What it says.
    pub kind: ProblemKind,
    /// Free words.
    pub words: String,
    /// Who reported: a handle, an address or `anonymous`.
    pub reported_by: String,
    /// Workflow, when it is known.
    pub workflow: Option<String>,
    /// The run it is tied to.
    pub run: Option<RunId>,
    /// How it was tied.
    pub tied_by: ProblemTie,
    /// The record or words the reporter gave to find the run.
    pub asked_for: Option<String>,
    /// When it came in.
    pub created_at: Timestamp,
}

words! {
    /// What became of a mail to the address for reports.
    MailOutcome {
        /// It is a report.
        Reported = "reported",
        /// It is a report of what its beginning says; the whole was too large to be taken.
        TooLarge = "too_large",
        /// It is a report that somebody wrote something that could not be read.
        Unreadable = "unreadable",
        /// It is a report that somebody wrote without a text.
        WithoutText = "without_text",
        /// A machine sent it; it was put aside and is no report.
        Automatic = "automatic",
        /// Its sender had sent too many within an hour; it was put aside and is no report.
        TooMany = "too_many",
    }
}

impl MailOutcome {
    /// A report stands for it.
    #[must_use]
    pub const fn is_report(self) -> bool {
        !matches!(self, Self::Automatic | Self::TooMany)
    }
}

/// A mail that was taken from the mailbox for reports. It holds nothing of the mail itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportMail {
    /// The same for the same mail, so that none becomes a second report.
    pub key: String,
    /// What became of it.
    pub outcome: MailOutcome,
    /// The report that stands for it.
    pub report: Option<ProblemReportId>,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// When it was taken.
    pub at: Timestamp,
}

/// A change of one of these rows.
#[derive(Clone, Debug)]
pub enum DeskChange {
    /// The class of a workflow.
    PutPriority(WorkflowPriority),
    /// A view under its name.
    PutView(SavedView),
    /// A view goes.
    DropView {
        /// Handle of the person.
        person: String,
        /// Name of the view.
        name: String,
    },
    /// A revision was open for so long.
    PutRead(ReviewRead),
    /// A run's page was opened.
    PutVisit(RunVisit),
    /// A claim runs on; neither the task nor its revision changes.
    RenewClaim {
        /// The task.
        review: ReviewId,
        /// The person who holds it.
        by: String,
        /// Until when now.
        until: Timestamp,
    },
    /// An approval was drawn.
    InsertSecondLook(SecondLook),
    /// The look as it is now; `version` is `expect + 1`.
    UpdateSecondLook(SecondLook),
    /// A known-bad output is in the queue.
    InsertSeed(Seed),
    /// The seed as it is now; `version` is `expect + 1`.
    UpdateSeed(Seed),
    /// The operator owner was told about somebody's approvals.
    InsertStampNotice(StampNotice),
    /// A new report.
    InsertProblem(ProblemReport),
    /// The report as it is now; `version` is `expect + 1`.
    UpdateProblem(ProblemReport),
    /// A mail was taken; a key that is known is refused.
    InsertMail(ReportMail),
    /// Somebody owes something.
    InsertDuty(Duty),
    /// The duty as it is now; `version` is `expect + 1`.
    UpdateDuty(Duty),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answered_report_stays_answered() {
        for &from in ProblemState::ALL {
            for &to in ProblemState::ALL {
                let moved = from.sorted_as(to).is_ok();
                assert!(!(moved && from.is_answered()), "{from} {to}");
                assert!(!(moved && to == ProblemState::New), "{from} {to}");
            }
        }
        assert!(ProblemState::New.sorted_as(ProblemState::Triaged).is_ok());
        assert!(
            ProblemState::Triaged
                .sorted_as(ProblemState::Incident)
                .is_ok()
        );
    }
}
