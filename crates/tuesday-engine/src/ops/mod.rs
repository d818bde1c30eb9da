//! What people and machines can do, one file per verb.

mod accept;
mod access_review;
mod adoption;
mod approve;
mod archive;
mod away;
mod backfill;
mod batch;
mod cancel;
mod candidates;
mod capacity;
mod case;
mod case_of_run;
mod ceremony;
mod charter;
mod claim_review;
mod cleared;
mod compensate;
mod cost;
mod credential;
mod decide_many;
mod decide_workflow;
mod downtime;
mod drift;
mod escalate;
mod export;
mod figures;
mod follow_up;
mod grant;
mod hand_over_run;
mod handoffs;
mod hub;
mod identity;
mod incident;
mod inclusion;
mod install;
mod late_report;
mod live;
mod manual_fallback;
mod map;
mod overrides;
mod oversight;
mod passkey;
mod password;
mod pause;
mod people;
mod pilot;
mod postmortem;
mod presence;
mod preview;
mod priority;
mod privacy;
mod problem;
mod queue;
mod reading;
mod reassign;
mod recall;
mod receive;
mod recheck;
mod reject;
pub mod release;
mod report_by_mail;
mod rerun;
mod restore;
mod restrict;
mod resubmit;
mod retire;
mod retry;
mod rights;
mod rolled_back;
mod rules;
mod saved_view;
mod second_look;
mod second_workflow;
mod secrets;
mod security;
mod seed;
mod seed_decided;
mod session;
mod settle;
mod settling;
mod shadow;
mod sign_in;
mod signal;
mod stage;
mod stamps;
mod standing;
mod story;
mod switch;
mod task;
mod tie_report;
mod together;
mod token;
mod upkeep;
mod use_report;
mod verify;
mod watch;
mod writeback;

pub use access_review::AccessRow;
pub use adoption::{Adoption, GroupAdoption, NO_GROUP, OldPathUse};
pub use approve::{Approval, Decided};
pub use archive::{
    Compared, ExportSource, ExportWish, FileEntry, KeptContent, KeptRun, MANIFEST, Manifest, Sheet,
    checked_export, pieces,
};
pub use away::{Away, Behaviour, Meanwhile};
pub use backfill::Backfilled;
pub use batch::{Batch, OpenCase, ReasonOwner, Versions};
pub use candidates::{
    AnswerWish, BesideView, BlockerView, CandidateLine, CandidateView, Carried, ChoiceView,
    QuestionView, Ranking,
};
pub use capacity::{
    Capacity, DeclaredCapacity, LoadWeek, MovedRuns, OldCapacity, PersonHours, WhatIf, WhatIfWish,
};
pub use case::{Case, CaseAction, CaseItem, CaseMade, CaseWrite};
pub use ceremony::CEREMONY_LIFE;
pub(crate) use charter::Told;
pub use charter::{
    AtRisk, CharterView, ConditionView, FirstShiftCard, FirstShiftOpen, FirstShiftView, FridayCard,
    FridayOpen, FridayView, Graded, ItemView, LabelView, LabelWish, LastTen, OpenedRun, PilotView,
    Practice, PracticeResult, QuarterView, QuarterWish, SheetView, ShiftProgress, SignSaid,
    SignView, TierTaught, TrainedPerson, TrainingView, TurnoverCard, TurnoverView, UnmetView,
    WallView,
};
pub use cleared::Reader;
pub use compensate::Compensation;
pub(crate) use cost::Evaluated as GradedOf;
pub use cost::{
    CategoryLine, CostReport, ExitCost, Forecast, IdleVendor, JudgedRelease, JudgedReport,
    LimitState, MetricWeek, NamedCosts, NewBaseline, NewDrill, NewLimit, PartTime, Scorecard,
    SignedWeek, SpanIncidents, SuccessMetric, TeamValue, Tested, VendorExit, VendorShare, Week,
    Weekly, WeeklyFigure, WeeklyItem, WeeklyMetric, WeeklyTalk, provider_of,
};
pub use credential::TotpOffer;
pub use decide_many::Together;
pub use decide_workflow::{DecisionView, WorkflowDecision};
pub use downtime::{Downtime, SIGN};
pub use drift::{
    Around, BandShown, Calibration, Canary, CanaryShown, Dependence, Drift, DriftDimension,
    FrozenMix, InputSource, InputWeek, MixFinding, PersonShare, TierAgreement,
};
pub use export::{ExportQuery, Exported};
pub(crate) use figures::bound;
pub use follow_up::{FollowUpOf, NewFollowUp};
pub use handoffs::{Handoff, Handoffs};
pub use hub::{HubFact, HubLine};
pub use identity::Identity;
pub(crate) use incident::Handling;
pub(crate) use incident::alerts::told;
pub use incident::{
    AlertsView, Blast, BlastQuery, BlastRow, ChannelView, Closed, FixLine, FixTally, Fixes,
    KindView, Looked, NewCorrection, NewIncident, Settled, SortedReport,
};
pub use inclusion::Inclusion;
pub use install::{InstallOptions, Installed, ready_of};
pub(crate) use late_report::LateTold;
pub use map::{Map, MapStep};
pub use oversight::{FLOOR_MS, LookOversight, Oversight, StampTold, TierOversight};
pub use passkey::{FoundPasskey, KeptPasskey};
pub use people::{INVITE_LIFE, PersonCard};
pub use pilot::{Mistake, PilotAnswer, PilotLine, PilotPack, PilotPartView, StepView};
pub use postmortem::{ClosedWith, OfferedCause, PostmortemAnswer, PostmortemView};
pub use preview::EditPreview;
pub use privacy::{
    Erase, ErasureDone, ErasureOf, ErasurePlan, ErasureQuery, HeldBy, KeptCopy, NewHold,
    PlannedRun, Retained, RetentionRule,
};
pub use problem::{Answer, Complaint};
pub(crate) use reading::Presence;
pub use reading::{Doing, There};
pub(crate) use receive::readable;
pub use receive::{Accepted, Incoming, IncomingAuth};
pub use reject::Refusal;
pub use rerun::{Inputs, Rerun, With};
pub use restore::Restored;
pub use retire::OpenWork;
pub(crate) use rights::Uses;
pub use rules::{
    Backtest, BacktestWindow, CutoffAdvice, Rerouted, Rerouting, RowReport, RulesChange,
    RulesChanged, RulesDraft, RulesEdit, RulesNews, WaitingWord,
};
pub(crate) use second_look::Approved;
pub use second_look::SecondVerdict;
pub use secrets::{SecretUse, secret_uses};
pub use security::{
    Egress, EgressDays, SecretPlace, SecurityReport, Tool, Trail, WorkflowSecurity,
};
pub use seed::{SeedPlaced, SeedTally, SeedWish};
pub use session::{ABSOLUTE, NewSession, is_fresh, is_over};
pub use settle::Settlement;
pub use shadow::ShadowQuery;
pub use sign_in::Proof;
pub use signal::PostedSignal;
pub use stage::NextStage;
pub(crate) use task::{damaged, parsed};
pub(crate) use token::TokenCache;
pub use token::{NewToken, checksum_ok};
pub use upkeep::{Answered, KeptRow};
pub(crate) use verify::record_trouble;
pub use verify::{Verified, published_notes, verify_log};
pub(crate) use watch::LOOK;
pub use watch::Watched;
pub use writeback::Writeback;
