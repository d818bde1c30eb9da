//! The rows that are stored. Each is a plain struct of what is true; the store maps them to columns
//! of both databases and knows nothing else about them.

mod attempt;
mod candidate;
mod change;
mod charter;
mod desk;
mod duty;
mod gate;
mod handoff;
mod load;
mod money;
mod people;
mod postmortem;
mod privacy;
mod rights;
mod rollout;
mod rules;
mod run;
mod task;
mod trouble;
mod workflow;

pub use attempt::{Attempt, AttemptResult, Usage};
pub use candidate::{Candidate, CandidateChange, CandidateState};
pub use change::{AuditEntry, Change, Decision, Subject};
pub use charter::{
    CharterChange, CharterFact, FirstShift, FridayTest, LabelEvent, LabelMove, QuarterChoice,
    QuarterDecision, Turnover,
};
pub use desk::{
    DeskChange, IllegalProblemMove, MailOutcome, PriorityClass, ProblemKind, ProblemReport,
    ProblemState, ProblemTie, ReportMail, ReviewRead, RunVisit, SavedView, SecondLook,
    SecondLookBasis, SecondLookResult, Seed, SeedResult, StampNotice, WorkflowPriority,
};
pub use duty::{Duty, DutyAnswer, DutyKind, DutyState};
pub use gate::{EvalPart, GateRow, Judgement, ReleaseFix};
pub use handoff::{HandoffKind, HandoffRow};
pub use load::{CanaryTry, CapacityPlan, DriftBaseline, DriftFinding, DriftState, LoadChange};
pub use money::{
    BaselineRow, CostBucket, CostCategory, CostEntry, DayRow, ExitEstimate, GraderCalls, HourKind,
    MoneyChange, PriceKind, PriceRow, RELEASE_MODEL, Spend, SpendAct, SpendHold, SpendLimit,
    SpendPeriod, SwapDrill, WeeklyReview,
};
pub use people::{Notice, NoticeState, Person, Scope, Token};
pub use postmortem::{FollowUp, Postmortem};
pub use privacy::{ErasureOrder, PrivacyChange, TextsOf};
pub use rights::{
    Away, Ceremony, CeremonyKind, Credential, CredentialKind, Grant, Guesses, Invite, RightUse,
    Session, SignedInBy,
};
pub use rollout::{Choice, DecisionRecord, Rollout, RolloutChange, Signal, TextList, UseReport};
pub use rules::{
    IllegalRuleSetEvent, ReleaseAck, Routed, RuleSetEvent, RuleSetRow, RuleSetState, RulesAck,
    Unmapped,
};
pub use run::{Event, Intake, IntakeVerdict, Job, Lease, Payload, PayloadKind, PayloadRef, Run};
pub use task::{Action, OverrideKind, Review, ReviewDecision};
pub use trouble::{
    Alert, AlertDelivery, Correction, DeliveryKind, Finding, Gap, Incident, IncidentEntry,
    IncidentRun, TroubleChange,
};
pub use workflow::{Checkpoint, Cursor, Release, ReleaseState, Workflow};
