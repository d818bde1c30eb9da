//! The things that are asked about a workflow. Each is asked in one or more lists and has one proof.

use super::statement::Statement;
use crate::words::words;

words! {
    /// One thing that is asked about.
    Topic {
        /// Hours that the problem costs.
        FrictionHours = "friction_hours",
        /// The accountable person, with a backup.
        OperatorOwner = "operator_owner",
        /// The person for connectors and releases.
        TechnicalOwner = "technical_owner",
        /// The person for priority and budget.
        Sponsor = "sponsor",
        /// Who gets what nobody else decides.
        EscalationPath = "escalation_path",
        /// There is exactly one workflow under this name.
        OneWorkflow = "one_workflow",
        /// What starts a run.
        Trigger = "trigger",
        /// What an event looks like.
        InputSchema = "input_schema",
        /// Every input has a source that answers for it.
        Provenance = "provenance",
        /// What the model must answer.
        OutputFormat = "output_format",
        /// Who looks at what.
        ReviewTiers = "review_tiers",
        /// What happens without a person.
        AutoApproved = "auto_approved",
        /// Where the result goes.
        Destination = "destination",
        /// Results arrive there.
        WriteBack = "write_back",
        /// What happens when it is wrong.
        WhenWrong = "when_wrong",
        /// Every part of the answer to that is in force.
        WrongPage = "wrong_page",
        /// The one metric.
        NinetyDayMetric = "ninety_day_metric",
        /// The day of the test without the builder.
        TurnoverDate = "turnover_date",
        /// What keeping it alive may cost.
        MaintenanceBudget = "maintenance_budget",
        /// Steps before and after.
        BeforeAfterMap = "before_after_map",
        /// How the work was by hand, measured.
        Baseline = "baseline",
        /// When it ends for good.
        KillCondition = "kill_condition",
        /// What the pilot is to answer.
        PilotQuestion = "pilot_question",
        /// By what.
        PilotCriteria = "pilot_criteria",
        /// Until when.
        PilotEnd = "pilot_end",
        /// Where it is to go after the pilot.
        ProductionPath = "production_path",
        /// What the model is told has a version.
        PromptVersions = "prompt_versions",
        /// Who decides goes through the same points each time.
        ReviewChecklists = "review_checklists",
        /// People's changes are kept.
        OverrideLogging = "override_logging",
        /// Somebody looks at the metric every week.
        WeeklyReview = "weekly_review",
        /// It ran without its builder.
        TurnoverTest = "turnover_test",
        /// Somebody who builds nothing tells a run from its record in twenty minutes.
        FridayTest = "friday_test",
        /// Who decides has learnt to.
        Training = "training",
        /// The old way is not used any more.
        ManualPathRetired = "manual_path_retired",
        /// People can still do the work.
        ManualFallback = "manual_fallback",
        /// Sources are declared, ranked and fresh.
        Sources = "sources",
        /// Fields have a class.
        Sensitivity = "sensitivity",
        /// The pack tries what data can do.
        DataCases = "data_cases",
        /// The pack tries every kind of case.
        CaseKinds = "case_kinds",
        /// The live release passed the gate.
        Gate = "gate",
        /// Somebody can be asked.
        Support = "support",
        /// A person answers requests, and not the builder alone.
        SupportOwner = "support_owner",
        /// There is a release to go back to, or the package to install again.
        Rollback = "rollback",
        /// Steps for when something is wrong.
        Runbook = "runbook",
        /// What happens while a dependency is gone.
        DegradedMode = "degraded_mode",
        /// Somebody is on call all week.
        OnCall = "on_call",
        /// Secrets are references.
        Secrets = "secrets",
        /// Sensitive actions need a person or a rule.
        Approvals = "approvals",
        /// Changes are kept.
        ChangeLog = "change_log",
        /// None of the last ten runs was found that cannot be told.
        LastTen = "last_ten",
        /// The log is sealed.
        AuditTrail = "audit_trail",
        /// What a resolved task costs.
        CostPerTask = "cost_per_task",
        /// What is decided stands as it was.
        GoalAcceptable = "goal_acceptable",
        /// Review keeps up.
        GoalReviewLoad = "goal_review_load",
        /// Runs end without a failure.
        GoalIntegration = "goal_integration",
        /// Who answers for it looks at it every week.
        GoalAccountable = "goal_accountable",
        /// Errors are corrected.
        GoalErrors = "goal_errors",
    }
}

impl Topic {
    /// The statement it rests on, where people state it.
    #[must_use]
    pub const fn statement(self) -> Option<Statement> {
        Some(match self {
            Self::FrictionHours => Statement::FrictionHours,
            Self::NinetyDayMetric => Statement::NinetyDayMetric,
            Self::TurnoverDate => Statement::TurnoverDate,
            Self::MaintenanceBudget => Statement::MaintenanceBudget,
            Self::BeforeAfterMap => Statement::BeforeAfterMap,
            Self::PilotQuestion => Statement::PilotQuestion,
            Self::PilotCriteria => Statement::PilotCriteria,
            Self::PilotEnd => Statement::PilotEnd,
            Self::ManualPathRetired => Statement::OldPathSignal,
            Self::GoalAcceptable => Statement::GoalAcceptable,
            Self::GoalReviewLoad => Statement::GoalReviewLoad,
            Self::GoalIntegration => Statement::GoalIntegration,
            Self::GoalAccountable => Statement::GoalAccountable,
            Self::GoalErrors => Statement::GoalErrors,
            _ => return None,
        })
    }

    /// Nothing in the system can show it: the signed statement of a person is all there can be.
    #[must_use]
    pub const fn attested(self) -> bool {
        matches!(
            self,
            Self::FrictionHours
                | Self::NinetyDayMetric
                | Self::MaintenanceBudget
                | Self::BeforeAfterMap
                | Self::PilotQuestion
                | Self::PilotCriteria
        )
    }

    /// What to do about it.
    #[must_use]
    pub const fn way_out(self) -> &'static str {
        match self {
            Self::OperatorOwner | Self::EscalationPath => {
                "name an active person under [owners] and install the package"
            }
            Self::TechnicalOwner => {
                "name an active person and a technical_backup under [owners] and install the package"
            }
            Self::Sponsor => {
                "name an active person and a sponsor_backup under [owners] and install the package"
            }
            Self::Baseline => {
                "measure some tasks by hand: tuesday cost baseline --workflow WORKFLOW --sample …"
            }
            Self::LastTen => "tuesday readiness last-ten WORKFLOW names what each run lacks",
            Self::Trigger => "declare a [[trigger]] that needs nobody's hand",
            Self::InputSchema | Self::Sensitivity => {
                "describe every field of the input schema and give it a class"
            }
            Self::Provenance | Self::Sources => {
                "declare a [[source]] with rank and freshness for every input"
            }
            Self::OutputFormat => "declare the output schema",
            Self::ReviewTiers => {
                "give every tier an active owner, a backup, guidance and a due time"
            }
            Self::PromptVersions => {
                "keep the prompt in the package, and what it includes under texts/NAME.vN.md"
            }
            Self::ReviewChecklists => "give every tier that rules send to a checklist",
            Self::AutoApproved => "correct rules.csv",
            Self::Destination => "declare an [[action]]",
            Self::WriteBack => {
                "let a run write to the real system; drafts and stand-ins do not count"
            }
            Self::WrongPage => "open /workflows/WORKFLOW/wrong and set what is missing there",
            Self::WhenWrong | Self::ManualFallback => {
                "say what people do under [manual] and in runbook.md"
            }
            Self::KillCondition => "declare [kill] and install the package",
            Self::ProductionPath => {
                "declare what a later stage needs under [[rollout.entry]], and an action that writes"
            }
            Self::OverrideLogging => "edit or reject an output once: the log must show it",
            Self::WeeklyReview => "sign the week: /workflows/WORKFLOW/weekly",
            Self::TurnoverTest => "tuesday turnover start WORKFLOW --without BUILDER, then sign it",
            Self::FridayTest => {
                "let somebody who builds nothing take it: /workflows/WORKFLOW/friday"
            }
            Self::Training => {
                "let everybody who decides pass the practice: /workflows/WORKFLOW/practice"
            }
            Self::ManualPathRetired => {
                "state the signal of the old way, and let it fall silent for 14 days"
            }
            Self::DataCases | Self::CaseKinds => "add the missing kinds of cases to evals/",
            Self::Gate => "tuesday release eval ID of the live release, or promote one that passed",
            Self::Support => "fill workflow.support",
            Self::SupportOwner => {
                "name support under [owners]: an active person who is not the technical owner"
            }
            Self::Rollback => "promote a second release, so that there is one to go back to",
            Self::Runbook => "write runbook.md",
            Self::DegradedMode => "declare [degraded] for model, source and destination",
            Self::OnCall => "declare shifts under [[on_call.shift]] that cover the week",
            Self::Secrets => {
                "write secrets as env: or file: references that lead to a value: tuesday secret check"
            }
            Self::Approvals => "let no rule authorise what pays or cannot be undone",
            Self::AuditTrail => "let a node with a signing key seal the log",
            Self::CostPerTask => "declare [model.price], so that usage becomes money",
            Self::OneWorkflow | Self::ChangeLog => "install the package",
            _ => "tuesday charter set WORKFLOW FIELD VALUE",
        }
    }

    /// Where the live object is shown, below the workflow's address.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::ReviewTiers | Self::ReviewChecklists | Self::AutoApproved => "/rules",
            Self::TurnoverTest | Self::TurnoverDate => "/turnover",
            Self::Training => "/practice",
            Self::FridayTest => "/friday",
            Self::PilotQuestion | Self::PilotCriteria | Self::PilotEnd => "/pilot",
            Self::PromptVersions
            | Self::Gate
            | Self::DataCases
            | Self::CaseKinds
            | Self::Rollback
            | Self::ChangeLog => "/releases",
            Self::WriteBack | Self::OverrideLogging | Self::CostPerTask => "/batches",
            Self::WhenWrong | Self::WrongPage | Self::Runbook | Self::ManualFallback => "/wrong",
            Self::Baseline => "/scorecard",
            Self::LastTen => "/charter#last-ten",
            Self::GoalAccountable | Self::WeeklyReview => "/weekly",
            Self::OperatorOwner
            | Self::TechnicalOwner
            | Self::Sponsor
            | Self::EscalationPath
            | Self::SupportOwner
            | Self::OnCall => "#people",
            Self::Trigger
            | Self::InputSchema
            | Self::Sources
            | Self::Destination
            | Self::OutputFormat => "#map",
            _ => "",
        }
    }
}
