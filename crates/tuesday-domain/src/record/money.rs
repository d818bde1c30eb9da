//! What money and time are kept as: prices, entered costs, the baseline, spend limits, signed weeks, and
//! what one day came to.

use crate::id::{CostEntryId, ReleaseId, RunId};
use crate::ledger::figures::DayFigures;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// What a price is of.
    PriceKind {
        /// A million tokens of a model, by its pin.
        Model = "model",
        /// An hour of somebody's time.
        Hour = "hour",
    }
}

words! {
    /// Whose hour it is.
    HourKind {
        /// Looking at cases.
        Review = "review",
        /// Prompts, connectors, rules.
        Maintenance = "maintenance",
        /// Answering people who use the outputs.
        Support = "support",
    }
}

/// A version of one price. Rows are added, never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRow {
    /// Version of the table it came with, from 1.
    pub version: u32,
    /// What it is of.
    pub kind: PriceKind,
    /// The model's pin, or whose hour.
    pub name: String,
    /// ISO 4217.
    pub currency: String,
    /// Millionths for a million input tokens.
    pub input_micros: Option<i64>,
    /// Millionths for a million output tokens.
    pub output_micros: Option<i64>,
    /// Millionths for an hour.
    pub hour_micros: Option<i64>,
    /// From when on.
    pub starts_at: Timestamp,
    /// Why.
    pub reason: String,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
}

words! {
    /// The six kinds of cost.
    CostCategory {
        /// What the model provider charges; follows from the runs alone.
        Tokens = "tokens",
        /// Machines, storage, licences.
        Infrastructure = "infrastructure",
        /// People who look at cases; measured by the console.
        Review = "review",
        /// Hours on prompts, connectors and rules.
        Maintenance = "maintenance",
        /// Answering people who use the outputs.
        Support = "support",
        /// What leaving would cost, or did.
        Exit = "exit",
    }
}

words! {
    /// The four budgets.
    CostBucket {
        /// What every workflow stands on.
        Spine = "spine",
        /// The first workflow.
        FirstWorkflow = "first_workflow",
        /// The people in the loop.
        HumanLoop = "human_loop",
        /// What comes after the first.
        SecondUseCase = "second_use_case",
    }
}

/// A cost that somebody entered: money, or minutes of a person. Entries are added, never changed; a
/// wrong one is reversed by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostEntry {
    /// Its id.
    pub id: CostEntryId,
    /// What kind.
    pub category: CostCategory,
    /// The workflow; absent for what several share.
    pub workflow: Option<String>,
    /// First day it is spread over, `YYYY-MM-DD`.
    pub day_from: String,
    /// Last day, included.
    pub day_to: String,
    /// Millionths of the currency; negative in a reversal. Either this or minutes.
    pub amount_micros: Option<i64>,
    /// ISO 4217, with an amount.
    pub currency: Option<String>,
    /// Minutes; negative in a reversal.
    pub minutes: Option<i64>,
    /// Handle or name of the person whose minutes they are.
    pub person: Option<String>,
    /// Who is paid.
    pub vendor: Option<String>,
    /// Which budget.
    pub bucket: Option<CostBucket>,
    /// What for.
    pub words: String,
    /// The number of the invoice or time sheet; the same one counts once.
    pub reference: Option<String>,
    /// The entry it takes back.
    pub reverses: Option<CostEntryId>,
    /// Who entered it.
    pub entered_by: String,
    /// When.
    pub entered_at: Timestamp,
}

/// What the pack came to with the model of another provider, beside the one that is live. Rows are added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwapDrill {
    /// Workflow name.
    pub workflow: String,
    /// Number within the workflow, from 1.
    pub seq: u32,
    /// The release that was live.
    pub release: ReleaseId,
    /// Its provider.
    pub provider_live: String,
    /// Its pinned model.
    pub model_live: String,
    /// The provider that was tried.
    pub provider: String,
    /// The model that was tried.
    pub model: String,
    /// Hash of the pack, hex.
    pub pack_hash: String,
    /// Cases.
    pub cases: u64,
    /// Passed by the live model.
    pub passed_live: u64,
    /// Passed by the other one.
    pub passed: u64,
    /// Better, worse or cannot tell.
    pub standing: String,
    /// What the live model cost; absent when that is unknown.
    pub cost_live_micros: Option<i64>,
    /// What the other one cost.
    pub cost_micros: Option<i64>,
    /// Of both; absent when they differ or no price is known.
    pub currency: Option<String>,
    /// Who tried it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// How long leaving a vendor would take, as somebody says. Rows are added; the newest holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitEstimate {
    /// Workflow name.
    pub workflow: String,
    /// In the words of the package.
    pub vendor: String,
    /// From 1.
    pub version: u32,
    /// Days of work, in tenths.
    pub days_tenths: u32,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// How the work was before the machine: a sample of tasks done by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineRow {
    /// Workflow name.
    pub workflow: String,
    /// From 1; the newest holds.
    pub version: u32,
    /// Tasks in the sample.
    pub sample: u64,
    /// Milliseconds of work in all of them together.
    pub handling_ms: u64,
    /// How many were wrong in the end.
    pub errors: u64,
    /// Median time from receipt to result, in milliseconds.
    pub turnaround_ms: u64,
    /// How it was measured.
    pub method: String,
    /// First day of the sample, `YYYY-MM-DD`.
    pub sampled_from: String,
    /// Last day.
    pub sampled_to: String,
    /// The workflow had ended a run before this was captured.
    pub after_launch: bool,
    /// Who captured it.
    pub captured_by: String,
    /// When.
    pub captured_at: Timestamp,
}

words! {
    /// For how long a limit counts.
    SpendPeriod {
        /// A day of the workflow's time zone.
        Day = "day",
        /// A calendar month there.
        Month = "month",
    }
}

words! {
    /// What happens at the limit.
    SpendAct {
        /// Runs wait before their model call until the period is over or the limit is raised.
        Hold = "hold",
        /// The workflow is paused until a person resumes it.
        Pause = "pause",
    }
}

/// How much a workflow may spend on its model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendLimit {
    /// Workflow name.
    pub workflow: String,
    /// For how long it counts.
    pub period: SpendPeriod,
    /// The owner is told from here on, in millionths.
    pub warn_micros: Option<i64>,
    /// No call starts that could pass this.
    pub stop_micros: i64,
    /// ISO 4217.
    pub currency: String,
    /// What happens then.
    pub act: SpendAct,
    /// Who set it.
    pub set_by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub set_at: Timestamp,
    /// Grows by one with every change, from 0.
    pub version: u32,
}

/// What a workflow has spent in a period, counted in the transactions of the calls themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spend {
    /// Workflow name.
    pub workflow: String,
    /// `2026-11-17` or `2026-11`.
    pub period: String,
    /// What finished calls cost, in millionths.
    pub spent_micros: i64,
    /// The most that calls in flight can cost.
    pub reserved_micros: i64,
    /// Calls whose end nobody saw or whose usage nobody reported: counted with the most they can have
    /// cost.
    pub assumed_micros: i64,
    /// When the owner was told.
    pub warned_at: Option<Timestamp>,
    /// When a call was refused first.
    pub stopped_at: Option<Timestamp>,
}

/// What a run holds of its workflow's limit while its call is in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendHold {
    /// The run; one call at a time.
    pub run: RunId,
    /// Its workflow.
    pub workflow: String,
    /// The period it counts in.
    pub period: String,
    /// The most that the call can cost.
    pub micros: i64,
}

/// A week of a workflow that a named person has looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeeklyReview {
    /// Workflow name.
    pub workflow: String,
    /// Its Monday, `YYYY-MM-DD`.
    pub week: String,
    /// The figures as they stood, a JSON object.
    pub figures: String,
    /// What was decided.
    pub note: String,
    /// Who signed.
    pub signed_by: String,
    /// When.
    pub signed_at: Timestamp,
}

/// What one release came to on one day, for the cases of one tier. Derived: made again from the records
/// whenever they move.
#[derive(Clone, Debug, PartialEq)]
pub struct DayRow {
    /// Workflow name.
    pub workflow: String,
    /// Day of receipt in the workflow's time zone.
    pub day: String,
    /// The release.
    pub release: ReleaseId,
    /// The tier that looked at the output; `automatic` where nobody did.
    pub tier: String,
    /// The figures.
    pub figures: DayFigures,
}

/// Who asked, where it was no grader but the release under evaluation its own model. No grader is called so.
pub const RELEASE_MODEL: &str = "the release itself";

/// What a grader that asks a model, or the release itself, asked in one evaluation. It belongs to no run. Rows
/// are added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraderCalls {
    /// Its id.
    pub id: CostEntryId,
    /// Workflow name.
    pub workflow: String,
    /// The release that was evaluated; for [`RELEASE_MODEL`] the one whose model was asked.
    pub release: ReleaseId,
    /// Day in the workflow's time zone.
    pub day: String,
    /// `gate` or `canary`.
    pub about: String,
    /// Name of the grader, or [`RELEASE_MODEL`].
    pub grader: String,
    /// The model's pin.
    pub model: String,
    /// Who answers for the model.
    pub vendor: String,
    /// Calls, those that failed included.
    pub calls: u64,
    /// Of them, without reported usage.
    pub unreported: u64,
    /// Reported input tokens.
    pub input_tokens: u64,
    /// Reported output tokens.
    pub output_tokens: u64,
    /// What the reported tokens cost, in millionths; absent without a price.
    pub cost_micros: Option<i64>,
    /// Of which currency; absent without a price, and for a model that is built in.
    pub currency: Option<String>,
    /// When it was kept.
    pub at: Timestamp,
}

impl GraderCalls {
    /// Calls with reported usage that no price is known for.
    #[must_use]
    pub const fn unpriced(&self) -> u64 {
        match self.cost_micros {
            Some(_) => 0,
            None => self.calls.saturating_sub(self.unreported),
        }
    }
}

/// A change of one of these rows.
#[derive(Clone, Debug)]
pub enum MoneyChange {
    /// A version of a price.
    InsertPrice(PriceRow),
    /// An entered cost, or a reversal.
    InsertEntry(CostEntry),
    /// Another provider was tried.
    InsertDrill(Box<SwapDrill>),
    /// Somebody says how long leaving a vendor would take.
    InsertEstimate(ExitEstimate),
    /// Graders asked their models.
    InsertGraded(Box<GraderCalls>),
    /// A newer baseline.
    InsertBaseline(BaselineRow),
    /// A limit: new (version 0), or as it is now (`version` is `expect + 1`).
    PutLimit(SpendLimit),
    /// The period has a row to count in, if it had none.
    OpenSpend {
        /// Workflow name.
        workflow: String,
        /// The period.
        period: String,
    },
    /// A run takes a part of the limit for its call; refused when the limit cannot hold it.
    Reserve {
        /// What it takes.
        hold: SpendHold,
        /// The limit that must not be passed, in millionths.
        stop_micros: i64,
    },
    /// What the run took, until its call is over.
    InsertHold(SpendHold),
    /// The call is over: its part is given back and its cost counts.
    Settle {
        /// What it had taken.
        hold: SpendHold,
        /// What it cost; absent means that nobody knows, and the whole part counts.
        cost_micros: Option<i64>,
    },
    /// The run holds nothing any more; it must hold something.
    DropHold {
        /// The run.
        run: RunId,
    },
    /// The owner was told that the limit comes near; once for each limit in a period.
    Warned {
        /// Workflow name.
        workflow: String,
        /// The period.
        period: String,
        /// When.
        at: Timestamp,
        /// When the limit was set.
        limit_at: Timestamp,
    },
    /// A call was refused; once for each limit in a period.
    Stopped {
        /// Workflow name.
        workflow: String,
        /// The period.
        period: String,
        /// When.
        at: Timestamp,
        /// When the limit was set.
        limit_at: Timestamp,
    },
    /// A week is signed; once.
    InsertWeekly(WeeklyReview),
    /// The figures of a day no longer follow from its records.
    StaleDay {
        /// Workflow name.
        workflow: String,
        /// The day.
        day: String,
        /// When.
        at: Timestamp,
    },
}
