//! Trouble and who answers for it: causes, incidents, alerts, the rotation, and when a watcher speaks.
//!
//! A [`Trouble`] is something that was found. Its [`Category`] and subject make one key: what has the
//! same key has the same cause and joins one incident; what has another key is never hidden by it.

pub mod alert;
pub mod contract;
pub mod incident;
pub mod rotation;
pub mod sort;
pub mod watch;

use crate::id::RunId;
use crate::words::words;

words! {
    /// What kind of cause an incident has. Each has a runbook.
    Category {
        /// A model provider does not answer.
        ProviderOutage = "provider_outage",
        /// A source cannot be read.
        SourceOutage = "source_outage",
        /// A destination does not take writes.
        DestinationOutage = "destination_outage",
        /// Somebody refused our credentials, or will soon.
        CredentialRefused = "credential_refused",
        /// A connector refuses what it used to take, or no longer keeps its contract.
        ConnectorFailing = "connector_failing",
        /// A credential ends soon, by what is declared about it.
        CredentialExpiring = "credential_expiring",
        /// A credential has ended, by what is declared about it.
        CredentialExpired = "credential_expired",
        /// The contract of a vendor on whom a workflow depends ends soon, or has ended.
        ContractEnding = "contract_ending",
        /// A run does not move, although a machine should move it.
        StuckWork = "stuck_work",
        /// More arrives than is done, or something waits too long.
        BacklogGrowing = "backlog_growing",
        /// Expected events do not arrive.
        TriggerSilent = "trigger_silent",
        /// The promised delivery time is not kept.
        DeliveryLate = "delivery_late",
        /// A release cannot be used, or was changed behind our back.
        ReleaseFault = "release_fault",
        /// A declared guard was broken: a pause rule, a kill condition, a rollout guard.
        GuardBroken = "guard_broken",
        /// A wrong output reached somebody.
        WrongAnswer = "wrong_answer",
        /// Data reached somebody who must not have it.
        DataExposed = "data_exposed",
        /// What was confirmed is no longer at its destination.
        RecordMissing = "record_missing",
        /// What was confirmed reads otherwise at its destination now.
        RecordChanged = "record_changed",
        /// The disk is filling.
        StorageFilling = "storage_filling",
        /// The audit log does not verify.
        AuditBroken = "audit_broken",
        /// An alert reached nobody.
        AlertUndelivered = "alert_undelivered",
        /// At some time of the week nobody is on call.
        RotationGap = "rotation_gap",
        /// There is more to review than people have hours for.
        ReviewOverload = "review_overload",
        /// The mix of outcomes left its baseline.
        DriftFound = "drift_found",
        /// The live model answers fixed cases otherwise than it did, or not at all.
        CanaryFailed = "canary_failed",
        /// Stated confidence does not come true.
        Miscalibrated = "miscalibrated",
        /// Another model than the pinned one answers.
        ModelMismatch = "model_mismatch",
        /// For some time no node worked.
        NodeDown = "node_down",
    }
}

words! {
    /// How bad it is.
    Severity {
        /// Customers, money or the law are touched, or nothing works.
        Critical = "critical",
        /// Work stands still or comes late.
        High = "high",
        /// Nobody is harmed yet.
        Low = "low",
    }
}

impl Category {
    /// How bad it is unless a person says otherwise.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::WrongAnswer
            | Self::DataExposed
            | Self::RecordMissing
            | Self::ReleaseFault
            | Self::AuditBroken
            | Self::StorageFilling => Severity::Critical,
            Self::ProviderOutage
            | Self::SourceOutage
            | Self::DestinationOutage
            | Self::CredentialRefused
            | Self::CredentialExpired
            | Self::ConnectorFailing
            | Self::StuckWork
            | Self::BacklogGrowing
            | Self::DeliveryLate
            | Self::GuardBroken
            | Self::AlertUndelivered
            | Self::ReviewOverload
            | Self::DriftFound
            | Self::CanaryFailed
            | Self::Miscalibrated
            | Self::ModelMismatch
            | Self::NodeDown => Severity::High,
            Self::TriggerSilent
            | Self::RotationGap
            | Self::CredentialExpiring
            | Self::ContractEnding
            | Self::RecordChanged => Severity::Low,
        }
    }

    /// In words for a title.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::ProviderOutage => "Model provider does not answer",
            Self::SourceOutage => "Source cannot be read",
            Self::DestinationOutage => "Destination takes no writes",
            Self::CredentialRefused => "Credentials are refused",
            Self::CredentialExpiring => "Credentials end soon",
            Self::CredentialExpired => "Credentials have ended",
            Self::ContractEnding => "A vendor's contract ends",
            Self::ConnectorFailing => "Connector does not keep its contract",
            Self::StuckWork => "Work is stuck",
            Self::BacklogGrowing => "Backlog grows",
            Self::TriggerSilent => "Trigger is silent",
            Self::DeliveryLate => "Delivery is later than promised",
            Self::ReleaseFault => "Release cannot be used",
            Self::GuardBroken => "A guard was broken",
            Self::WrongAnswer => "A wrong answer reached somebody",
            Self::DataExposed => "Data reached somebody who must not have it",
            Self::RecordMissing => "A confirmed record is not at its destination",
            Self::RecordChanged => "A confirmed record reads otherwise now",
            Self::StorageFilling => "Disk is filling",
            Self::AuditBroken => "Audit log does not verify",
            Self::AlertUndelivered => "An alert reached nobody",
            Self::RotationGap => "Nobody is on call for a part of the week",
            Self::ReviewOverload => "People cannot keep up with the review",
            Self::DriftFound => "The mix of outcomes has drifted",
            Self::CanaryFailed => "The model answers otherwise than it did",
            Self::Miscalibrated => "Stated confidence does not come true",
            Self::ModelMismatch => "Another model than the pinned one answers",
            Self::NodeDown => "No node was at work",
        }
    }

    /// The runbook's name: `docs/runbooks/NAME.md`, and `/runbooks/NAME` in the console.
    #[must_use]
    pub const fn runbook(self) -> &'static str {
        match self {
            Self::ProviderOutage => "provider-outage",
            Self::SourceOutage => "source-outage",
            Self::DestinationOutage => "destination-outage",
            Self::CredentialRefused => "credential-refused",
            Self::CredentialExpiring | Self::CredentialExpired => "credential-expiring",
            Self::ContractEnding => "contract-ending",
            Self::ConnectorFailing => "connector-failing",
            Self::StuckWork => "stuck-run",
            Self::BacklogGrowing => "backlog-growing",
            Self::TriggerSilent => "trigger-silent",
            Self::DeliveryLate => "delivery-late",
            Self::ReleaseFault => "release-fault",
            Self::GuardBroken => "guard-broken",
            Self::WrongAnswer => "wrong-answer",
            Self::DataExposed => "data-exposed",
            Self::RecordMissing => "record-missing",
            Self::RecordChanged => "record-changed",
            Self::StorageFilling => "disk-full",
            Self::AuditBroken => "audit-broken",
            Self::AlertUndelivered => "alert-undelivered",
            Self::RotationGap => "rotation-gap",
            Self::ReviewOverload => "review-overload",
            Self::DriftFound => "drift-found",
            Self::CanaryFailed => "canary-failed",
            Self::Miscalibrated => "miscalibrated",
            Self::ModelMismatch => "model-mismatch",
            Self::NodeDown => "node-down",
        }
    }

    /// The technical owner is asked before the one who is on call.
    #[must_use]
    pub const fn is_technical(self) -> bool {
        matches!(
            self,
            Self::CredentialRefused
                | Self::CredentialExpiring
                | Self::CredentialExpired
                | Self::ConnectorFailing
                | Self::ReleaseFault
                | Self::CanaryFailed
                | Self::ModelMismatch
                | Self::NodeDown
                | Self::StorageFilling
                | Self::AuditBroken
        )
    }

    /// A dependency is gone and may come back by itself.
    #[must_use]
    pub const fn is_outage(self) -> bool {
        matches!(
            self,
            Self::ProviderOutage | Self::SourceOutage | Self::DestinationOutage
        )
    }

    /// Wrong outputs are out: it is not resolved before a case guards against the next one.
    #[must_use]
    pub const fn needs_case(self) -> bool {
        matches!(self, Self::WrongAnswer)
    }

    /// The cause can be gone without a person having done anything.
    #[must_use]
    pub const fn passes_by_itself(self) -> bool {
        self.is_outage()
            || matches!(
                self,
                Self::CredentialRefused
                    | Self::CredentialExpiring
                    | Self::CredentialExpired
                    | Self::ContractEnding
                    | Self::StuckWork
                    | Self::BacklogGrowing
                    | Self::TriggerSilent
                    | Self::DeliveryLate
                    | Self::StorageFilling
                    | Self::RotationGap
            )
    }
}

/// Something that was found, on its way to its incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What kind of cause.
    pub category: Category,
    /// What it is about: the provider, the system, the workflow and step. The same subject in the
    /// same category is the same cause.
    pub subject: String,
    /// The workflow, where it concerns one.
    pub workflow: Option<String>,
    /// The run that met it.
    pub run: Option<RunId>,
    /// What was seen, in words without content of a case and without secrets.
    pub words: String,
    /// It counts by itself. A soft one opens an incident only with others of its kind: one answer of
    /// 503 is no outage.
    pub hard: bool,
}

impl Trouble {
    /// A trouble that counts by itself.
    #[must_use]
    pub fn new(
        category: Category,
        subject: impl Into<String>,
        workflow: Option<&str>,
        words: impl Into<String>,
    ) -> Self {
        Self {
            category,
            subject: subject.into(),
            workflow: workflow.map(str::to_owned),
            run: None,
            words: words.into(),
            hard: true,
        }
    }

    /// Names the run that met it.
    #[must_use]
    pub const fn of_run(mut self, run: RunId) -> Self {
        self.run = Some(run);
        self
    }

    /// Counts only with others of its kind.
    #[must_use]
    pub const fn soft(mut self) -> Self {
        self.hard = false;
        self
    }

    /// The name of its cause.
    #[must_use]
    pub fn key(&self) -> String {
        key(self.category, &self.subject)
    }
}

/// The name of a cause.
#[must_use]
pub fn key(category: Category, subject: &str) -> String {
    format!("{category}:{subject}")
}
