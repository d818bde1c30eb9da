//! The lists in which topics are asked, each with its exact items in order.

use super::evidence::{Evidence, EvidenceState};
use super::prove::{Picture, prove};
use super::topic::Topic;
use crate::words::words;
use Topic as T;

words! {
    /// A list of questions about a workflow.
    Sheet {
        /// The nine fields of the one-page charter.
        Charter = "charter",
        /// The ten items that gate the label production.
        Checklist = "checklist",
        /// The six groups of the handoff from pilot to production.
        Handoff = "handoff",
        /// The six things of which there is exactly one.
        Scope = "scope",
        /// The seven questions of operators.
        Operators = "operators",
        /// The four questions before production.
        Questions = "questions",
        /// The four questions before a pilot gets a budget.
        Budget = "budget",
        /// The six parts of a scoped bet.
        Bet = "bet",
        /// The four signs of an institution.
        Institution = "institution",
        /// The five criteria that are set anew at go-live.
        Goals = "goals",
        /// The six conditions of production.
        Conditions = "conditions",
        /// The six walls that stop pilots.
        Walls = "walls",
        /// The four tools that make Tuesday's output that of Thursday.
        Repeatability = "repeatability",
        /// What to do next, in order; prompts come last.
        Order = "order",
    }
}

/// One question of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The group it stands in; empty where the list has none.
    pub group: &'static str,
    /// As people read it.
    pub title: &'static str,
    /// What it asks about.
    pub topic: Topic,
}

/// A question with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The question.
    pub item: Item,
    /// How it stands.
    pub evidence: Evidence,
}

impl Entry {
    /// A blank or lapsed field says nothing.
    #[must_use]
    pub fn answered(&self) -> bool {
        matches!(
            self.evidence.state,
            EvidenceState::Claimed | EvidenceState::Verified
        )
    }

    /// Shown, or stated where nothing could show it.
    #[must_use]
    pub fn clean(&self) -> bool {
        match self.evidence.state {
            EvidenceState::Verified => true,
            EvidenceState::Claimed => self.item.topic.attested(),
            EvidenceState::Missing | EvidenceState::Lapsed => false,
        }
    }
}

/// A list with its answers.
#[must_use]
pub fn sheet(sheet: Sheet, picture: &Picture<'_>) -> Vec<Entry> {
    let items = sheet.items().iter();
    items
        .map(|item| Entry {
            item: *item,
            evidence: prove(item.topic, picture),
        })
        .collect()
}

const fn ask(title: &'static str, topic: Topic) -> Item {
    Item {
        group: "",
        title,
        topic,
    }
}

const fn part(group: &'static str, title: &'static str, topic: Topic) -> Item {
    Item {
        group,
        title,
        topic,
    }
}

const SCOPE: &str = "Scope and value";
const DATA: &str = "Data and permissions";
const EVALS: &str = "Evals and gates";
const OPERATIONS: &str = "Operations";
const SECURITY: &str = "Security and audit";
const ECONOMICS: &str = "Economics";

impl Sheet {
    /// What the list is called.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Charter => "Charter",
            Self::Checklist => "Production checklist",
            Self::Handoff => "Handoff from pilot to production",
            Self::Scope => "Scope sheet",
            Self::Operators => "What operators ask",
            Self::Questions => "Four questions before production",
            Self::Budget => "Four questions before a budget",
            Self::Bet => "Scoped bet",
            Self::Institution => "Institution",
            Self::Goals => "Criteria at go-live",
            Self::Conditions => "Conditions of production",
            Self::Walls => "Six walls",
            Self::Repeatability => "Repeatability",
            Self::Order => "What to do next",
        }
    }

    /// Its items in order.
    #[must_use]
    pub const fn items(self) -> &'static [Item] {
        match self {
            Self::Charter => CHARTER,
            Self::Checklist => CHECKLIST,
            Self::Handoff => HANDOFF,
            Self::Scope => SCOPE_SHEET,
            Self::Operators => OPERATORS,
            Self::Questions => QUESTIONS,
            Self::Budget => BUDGET,
            Self::Bet => BET,
            Self::Institution => INSTITUTION,
            Self::Goals => GOALS,
            Self::Conditions => CONDITIONS,
            Self::Walls => WALLS,
            Self::Repeatability => REPEATABILITY,
            Self::Order => ORDER,
        }
    }
}

const CHARTER: &[Item] = &[
    ask("Problem friction hours", T::FrictionHours),
    ask("Workflow owner", T::OperatorOwner),
    ask("Technical owner", T::TechnicalOwner),
    ask("Input schema", T::InputSchema),
    ask("Review tiers", T::ReviewTiers),
    ask("Write-back destination", T::Destination),
    ask("Ninety-day metric", T::NinetyDayMetric),
    ask("Turnover test date", T::TurnoverDate),
    ask("Maintenance budget", T::MaintenanceBudget),
];

const CHECKLIST: &[Item] = &[
    ask("Named operator owner", T::OperatorOwner),
    ask("Named technical owner", T::TechnicalOwner),
    ask("Structured inputs documented", T::InputSchema),
    ask("Review tiers defined", T::ReviewTiers),
    ask("Write-back integration live", T::WriteBack),
    ask("Override logging enabled", T::OverrideLogging),
    ask("Weekly metric reviewed", T::WeeklyReview),
    ask("Turnover test passed", T::TurnoverTest),
    ask("Training completed", T::Training),
    ask("Parallel manual path retired", T::ManualPathRetired),
];

const SCOPE_SHEET: &[Item] = &[
    ask("One owner", T::OperatorOwner),
    ask("One workflow", T::OneWorkflow),
    ask("One before-and-after map", T::BeforeAfterMap),
    ask("One success metric", T::NinetyDayMetric),
    ask("One kill condition", T::KillCondition),
    ask("One escalation path", T::EscalationPath),
];

const OPERATORS: &[Item] = &[
    ask("What triggers it?", T::Trigger),
    ask("What are the inputs?", T::InputSchema),
    ask("What is the format of the output?", T::OutputFormat),
    ask("Who reviews?", T::ReviewTiers),
    ask("What is approved automatically?", T::AutoApproved),
    ask("Where does the result go?", T::Destination),
    ask("What happens when it is wrong?", T::WhenWrong),
];

const QUESTIONS: &[Item] = &[
    ask("Who owns it in production?", T::OperatorOwner),
    ask("What exact trigger starts it?", T::Trigger),
    ask("Where does the output land?", T::Destination),
    ask("How is it measured in 30 days?", T::NinetyDayMetric),
];

const BUDGET: &[Item] = &[
    ask("Who owns it?", T::OperatorOwner),
    ask("Where does it write?", T::Destination),
    ask("What metric proves value?", T::NinetyDayMetric),
    ask("What happens when it is wrong?", T::WhenWrong),
];

const BET: &[Item] = &[
    ask("Inputs", T::Provenance),
    ask("Outputs", T::OutputFormat),
    ask("Owners", T::OperatorOwner),
    ask("Risks", T::KillCondition),
    ask("Costs", T::MaintenanceBudget),
    ask("Path to production", T::ProductionPath),
];

const INSTITUTION: &[Item] = &[
    ask("Budget line", T::MaintenanceBudget),
    ask("On-call rotation", T::OnCall),
    ask("Change log", T::ChangeLog),
    ask("Executive sponsor", T::Sponsor),
];

const GOALS: &[Item] = &[
    ask("Acceptable consistently", T::GoalAcceptable),
    ask("Review load sustainable", T::GoalReviewLoad),
    ask("Integration stable", T::GoalIntegration),
    ask("Owner accountable", T::GoalAccountable),
    ask("Errors detected and corrected", T::GoalErrors),
];

const CONDITIONS: &[Item] = &[
    ask("Users", T::Training),
    ask("Data", T::Sources),
    ask("Review", T::ReviewTiers),
    ask("Support", T::Support),
    ask("Measurement", T::WeeklyReview),
    ask("Accountability", T::OperatorOwner),
];

/// What each condition is in a pilot and in production; nothing for what is none of the six.
#[must_use]
pub const fn condition(topic: Topic) -> Option<(&'static str, &'static str)> {
    Some(match topic {
        T::Training => (
            "a few people who were chosen",
            "everybody who decides is trained for it",
        ),
        T::Sources => (
            "data that somebody put together",
            "live sources with rank and freshness",
        ),
        T::ReviewTiers => (
            "its builders look at everything",
            "tiers with owner, backup, guidance and due time",
        ),
        T::Support => (
            "its builder is asked",
            "a declared place where help is given",
        ),
        T::WeeklyReview => (
            "impressions, looked at when somebody asks",
            "a metric that somebody signs every week",
        ),
        T::OperatorOwner => ("whoever is enthusiastic", "a named owner with a backup"),
        _ => return None,
    })
}

const HANDOFF: &[Item] = &[
    part(SCOPE, "One owner", T::OperatorOwner),
    part(SCOPE, "One workflow", T::OneWorkflow),
    part(SCOPE, "One before-and-after map", T::BeforeAfterMap),
    part(SCOPE, "One success metric", T::NinetyDayMetric),
    part(SCOPE, "One kill condition", T::KillCondition),
    part(SCOPE, "One escalation path", T::EscalationPath),
    part(DATA, "Approved sources with freshness", T::Sources),
    part(DATA, "Provenance of every input", T::Provenance),
    part(DATA, "Sensitivity of every field", T::Sensitivity),
    part(
        DATA,
        "Cases for stale, conflicting, missing and restricted data",
        T::DataCases,
    ),
    part(
        EVALS,
        "Happy path, edge, refusal, escalation, uncertainty, regression",
        T::CaseKinds,
    ),
    part(EVALS, "The release in force passed the gate", T::Gate),
    part(OPERATIONS, "Support ownership", T::SupportOwner),
    part(OPERATIONS, "Rollback path", T::Rollback),
    part(OPERATIONS, "Runbook", T::Runbook),
    part(OPERATIONS, "Alerts reach somebody all week", T::OnCall),
    part(OPERATIONS, "Degraded mode", T::DegradedMode),
    part(OPERATIONS, "Manual fallback", T::ManualFallback),
    part(SECURITY, "Secrets in a vault", T::Secrets),
    part(SECURITY, "Approval for high-impact actions", T::Approvals),
    part(SECURITY, "Audit trail", T::AuditTrail),
    part(ECONOMICS, "Cost per task", T::CostPerTask),
    part(ECONOMICS, "Review load", T::GoalReviewLoad),
    part(ECONOMICS, "Maintenance budget", T::MaintenanceBudget),
];

const WALLS: &[Item] = &[
    part("Data", "Sources with rank and freshness", T::Sources),
    part("Data", "Provenance of every input", T::Provenance),
    part("Data", "Sensitivity of every field", T::Sensitivity),
    part("Data", "Cases of bad data", T::DataCases),
    part("Eval", "Every kind of case", T::CaseKinds),
    part("Eval", "The gate", T::Gate),
    part("Ops", "Support", T::Support),
    part("Ops", "Runbook", T::Runbook),
    part("Ops", "On-call rotation", T::OnCall),
    part("Ops", "Degraded mode", T::DegradedMode),
    part("Ops", "Rollback path", T::Rollback),
    part("Ops", "Friday test", T::FridayTest),
    part("Security", "Secrets in a vault", T::Secrets),
    part("Security", "Approval for high-impact actions", T::Approvals),
    part("Security", "Audit trail", T::AuditTrail),
    part("Change", "Review tiers with guidance", T::ReviewTiers),
    part("Change", "Training", T::Training),
    part("Change", "Steps before and after", T::BeforeAfterMap),
    part(
        "Economics",
        "Hours that the problem costs",
        T::FrictionHours,
    ),
    part("Economics", "One metric with a target", T::NinetyDayMetric),
    part("Economics", "Cost per task", T::CostPerTask),
    part("Economics", "Maintenance budget", T::MaintenanceBudget),
];

const REPEATABILITY: &[Item] = &[
    ask("Versioned prompts", T::PromptVersions),
    ask("Structured inputs", T::InputSchema),
    ask("Review checklists", T::ReviewChecklists),
    ask("Logged overrides", T::OverrideLogging),
];

const ORDER: &[Item] = &[
    ask("State and audit", T::AuditTrail),
    ask("Reviewer queue", T::ReviewTiers),
    ask("Overrides are kept", T::OverrideLogging),
    ask("Write-back", T::WriteBack),
    ask("Cases", T::CaseKinds),
    ask("Gate", T::Gate),
];
