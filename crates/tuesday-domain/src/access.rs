//! Who may do what: roles, acts, and the one matrix that says which role may do which act.
//!
//! Everything that asks goes through [`Rights`]: pages, API, engine and the printed matrix. What is
//! not written here is not allowed.

use crate::actor::Class;
use crate::record::{Grant, Scope};
use crate::words::words;

words! {
    /// What a person is responsible for; held for one workflow or for the instance.
    Role {
        /// Accountable for a workflow: rules, queue, pause.
        OperatorOwner = "operator_owner",
        /// Connectors, definitions, releases; never approves content.
        TechnicalOwner = "technical_owner",
        /// Priority, budget, bounds; no daily edits.
        ExecutiveSponsor = "executive_sponsor",
        /// Decides review tasks.
        Reviewer = "reviewer",
        /// Decides review tasks of one tier.
        SpecialistReviewer = "specialist_reviewer",
        /// Receives escalations and decides them.
        EscalationOwner = "escalation_owner",
        /// Reacts when something is wrong.
        OnCall = "on_call",
        /// Approves releases that are not their own.
        ReleaseApprover = "release_approver",
        /// Sources, sensitivity classes, tool scopes, action classes.
        SecurityApprover = "security_approver",
        /// Reads what the clearance allows; verifies and exports.
        Auditor = "auditor",
        /// People, roles, vault; never approves content.
        Administrator = "administrator",
        /// A scoped token: proposes, never approves.
        MachineIdentity = "machine_identity",
    }
}

words! {
    /// Something that can be asked for; every address of the API and every page is one of them.
    Act {
        /// One's own sessions, password and passkeys.
        OwnAccount = "own_account",
        /// Queue, runs, cases and workflows, masked by clearance.
        ReadWork = "read_work",
        /// Claim, approve, edit, reject, escalate.
        DecideReview = "decide_review",
        /// Put a known error into the queue.
        SeedReview = "seed_review",
        /// Give a task to somebody else.
        ReassignReview = "reassign_review",
        /// Retry, cancel or replay a run.
        RetryRun = "retry_run",
        /// Correct what was refused at the door, and send it again.
        ResubmitIntake = "resubmit_intake",
        /// Say that an output is wrong; answer what one owes.
        ReportProblem = "report_problem",
        /// Send an event.
        SendEvent = "send_event",
        /// Change the decision table inside its bounds, and back-test changes.
        EditRules = "edit_rules",
        /// Let a rule pass its soft bound, as the second person.
        ApproveBounds = "approve_bounds",
        /// Order of work, budget, continue or retire.
        SetPriority = "set_priority",
        /// Prices, entered costs, the baseline, spend limits, signed weeks.
        KeepLedger = "keep_ledger",
        /// Stop a workflow from acting.
        PauseWorkflow = "pause_workflow",
        /// Let it act again.
        ResumeWorkflow = "resume_workflow",
        /// End automation until a decision record says otherwise.
        KillWorkflow = "kill_workflow",
        /// How much a workflow may do by itself.
        SetStage = "set_stage",
        /// Sign the charter, the checklist, the label; say that a policy changed.
        SignCharter = "sign_charter",
        /// Definitions, connectors, new releases.
        ProposeRelease = "propose_release",
        /// The second person of a release.
        ApproveRelease = "approve_release",
        /// Go back to the release before.
        RollBackRelease = "roll_back_release",
        /// Sensitivity classes, tool scopes, action classes.
        ApproveSecurity = "approve_security",
        /// Acknowledge, mitigate and resolve incidents.
        HandleIncident = "handle_incident",
        /// Read and verify the audit log.
        VerifyAudit = "verify_audit",
        /// Export the audit log, or a bundle.
        ExportAudit = "export_audit",
        /// Erase what was read, said and written, on request.
        EraseData = "erase_data",
        /// Place a legal hold, or lift one.
        HoldData = "hold_data",
        /// See who may do what, and when it was last used.
        ReviewAccess = "review_access",
        /// Invite, grant, deactivate.
        ManagePeople = "manage_people",
        /// Make and withdraw tokens of others.
        ManageTokens = "manage_tokens",
        /// Bind secrets to their vault.
        BindVault = "bind_vault",
    }
}

impl Act {
    /// Whether the act changes something; such acts leave an audit entry.
    #[must_use]
    pub const fn changes(self) -> bool {
        !matches!(
            self,
            Self::ReadWork | Self::VerifyAudit | Self::ReviewAccess
        )
    }

    /// Whether the act wants a fresh proof that the person is there (OWASP ASVS 5.0, 7.5.3).
    #[must_use]
    pub const fn step_up(self) -> bool {
        matches!(
            self,
            Self::ManagePeople
                | Self::ManageTokens
                | Self::KillWorkflow
                | Self::BindVault
                | Self::EraseData
        )
    }
}

/// The matrix. The only place that says which role may do which act.
#[must_use]
pub const fn may(role: Role, act: Act) -> bool {
    use Act as A;
    use Role as R;
    match role {
        R::OperatorOwner => operator_owner(act),
        R::TechnicalOwner => technical_owner(act),
        R::ExecutiveSponsor => matches!(
            act,
            A::OwnAccount
                | A::ReadWork
                | A::ReportProblem
                | A::ApproveBounds
                | A::SetPriority
                | A::KeepLedger
                | A::PauseWorkflow
                | A::ResumeWorkflow
                | A::KillWorkflow
                | A::SetStage
                | A::SignCharter
        ),
        R::Reviewer | R::SpecialistReviewer | R::EscalationOwner => {
            matches!(
                act,
                A::OwnAccount | A::ReadWork | A::ReportProblem | A::DecideReview
            )
        }
        R::OnCall => matches!(
            act,
            A::OwnAccount
                | A::ReadWork
                | A::ReportProblem
                | A::PauseWorkflow
                | A::RollBackRelease
                | A::HandleIncident
        ),
        R::ReleaseApprover => matches!(
            act,
            A::OwnAccount | A::ReadWork | A::ReportProblem | A::ApproveRelease
        ),
        R::SecurityApprover => matches!(
            act,
            A::OwnAccount
                | A::ReadWork
                | A::ReportProblem
                | A::ApproveSecurity
                | A::EraseData
                | A::HoldData
                | A::ReviewAccess
        ),
        R::Auditor => matches!(
            act,
            A::OwnAccount
                | A::ReadWork
                | A::ReportProblem
                | A::VerifyAudit
                | A::ExportAudit
                | A::HoldData
                | A::ReviewAccess
        ),
        R::Administrator => matches!(
            act,
            A::OwnAccount
                | A::ReviewAccess
                | A::ManagePeople
                | A::ManageTokens
                | A::BindVault
                | A::VerifyAudit
        ),
        // The log holds no content, and a watcher from outside should be able to verify it.
        R::MachineIdentity => matches!(
            act,
            A::SendEvent | A::ReadWork | A::ReportProblem | A::VerifyAudit
        ),
    }
}

/// The row of the operator owner.
const fn operator_owner(act: Act) -> bool {
    use Act as A;
    matches!(
        act,
        A::OwnAccount
            | A::ReadWork
            | A::ReportProblem
            | A::DecideReview
            | A::SeedReview
            | A::ReassignReview
            | A::RetryRun
            | A::ResubmitIntake
            | A::EditRules
            | A::SetPriority
            | A::KeepLedger
            | A::PauseWorkflow
            | A::ResumeWorkflow
            | A::KillWorkflow
            | A::SetStage
            | A::SignCharter
            | A::HandleIncident
            | A::VerifyAudit
            | A::ExportAudit
    )
}

/// The row of the technical owner.
const fn technical_owner(act: Act) -> bool {
    use Act as A;
    matches!(
        act,
        A::OwnAccount
            | A::ReadWork
            | A::ReportProblem
            | A::RetryRun
            | A::KeepLedger
            | A::PauseWorkflow
            | A::ResumeWorkflow
            | A::KillWorkflow
            | A::SignCharter
            | A::ProposeRelease
            | A::RollBackRelease
            | A::HandleIncident
            | A::VerifyAudit
    )
}

/// What a token's scope leaves of its person's rights. No scope adds any.
#[must_use]
pub const fn scope_allows(scope: Scope, act: Act) -> bool {
    match scope {
        Scope::Trigger => matches!(act, Act::SendEvent),
        Scope::Read => matches!(
            act,
            Act::ReadWork | Act::ReportProblem | Act::VerifyAudit | Act::ReviewAccess
        ),
        Scope::Review => matches!(
            act,
            Act::ReadWork
                | Act::DecideReview
                | Act::SeedReview
                | Act::ReassignReview
                | Act::SetPriority
                | Act::KeepLedger
                | Act::HandleIncident
                | Act::ReportProblem
                | Act::RetryRun
                | Act::ResubmitIntake
                | Act::VerifyAudit
                | Act::OwnAccount
        ),
        // A token is no person: what wants one in front of a screen is not for it.
        Scope::Admin => !matches!(act, Act::SendEvent),
    }
}

impl Role {
    /// The highest sensitivity class that a grant of this role shows unless it says another.
    #[must_use]
    pub const fn clearance(self) -> Class {
        match self {
            Self::OperatorOwner
            | Self::Reviewer
            | Self::SpecialistReviewer
            | Self::EscalationOwner => Class::Confidential,
            Self::TechnicalOwner
            | Self::ExecutiveSponsor
            | Self::OnCall
            | Self::ReleaseApprover
            | Self::SecurityApprover
            | Self::Auditor
            | Self::MachineIdentity => Class::Internal,
            Self::Administrator => Class::Public,
        }
    }
}

/// Everything one person or token may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    grants: Vec<Grant>,
    scope: Option<(Scope, Option<String>)>,
    /// Workflows on which nothing of it holds for now.
    suspended: Vec<String>,
    /// It was cut down to one workflow, whatever the grants say.
    narrowed: bool,
}

impl Rights {
    /// The rights that these grants give.
    #[must_use]
    pub const fn new(grants: Vec<Grant>) -> Self {
        Self {
            grants,
            scope: None,
            suspended: Vec::new(),
            narrowed: false,
        }
    }

    /// The rights of a token that names nobody: it sends events and reads, up to the clearance of a machine.
    #[must_use]
    pub fn machine(workflow: Option<String>) -> Self {
        Self::new(vec![Grant::new("", Role::MachineIdentity, workflow)])
    }

    /// The same, cut down to a token's scope and workflow.
    #[must_use]
    pub fn within(mut self, scope: Scope, workflow: Option<String>) -> Self {
        self.narrowed |= workflow.is_some();
        self.scope = Some((scope, workflow));
        self
    }

    /// The same, with nothing left on these workflows: a turnover test runs without this person.
    #[must_use]
    pub fn without(mut self, workflows: Vec<String>) -> Self {
        self.suspended = workflows;
        self
    }

    /// The same, cut down to one workflow.
    #[must_use]
    pub fn only(mut self, workflow: &str) -> Self {
        self.grants
            .retain(|g| g.workflow.as_deref().is_none_or(|w| w == workflow));
        for grant in &mut self.grants {
            grant.workflow = Some(workflow.to_owned());
        }
        self.narrowed = true;
        self
    }

    /// The grants behind them.
    #[must_use]
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    fn scoped(&self, act: Act, workflow: Option<&str>) -> bool {
        self.scope.as_ref().is_none_or(|(scope, own)| {
            scope_allows(*scope, act)
                && own
                    .as_deref()
                    .is_none_or(|o| workflow.is_none_or(|w| w == o))
        })
    }

    /// Grants that are not suspended as a whole. One for the instance stays: it is taken away on the
    /// suspended workflow alone, so that lists still show its work and nothing of it can be done.
    fn held(&self) -> impl Iterator<Item = &Grant> {
        let gone = |g: &&Grant| {
            let place = g.workflow.as_ref();
            place.is_some_and(|w| self.suspended.contains(w))
        };
        self.grants.iter().filter(move |g| !gone(g))
    }

    fn applying<'a>(&'a self, workflow: &'a str) -> impl Iterator<Item = &'a Grant> {
        let here = !self.suspended.iter().any(|s| s == workflow);
        let grants = self.grants.iter().filter(move |_| here);
        grants.filter(move |g| g.workflow.as_deref().is_none_or(|w| w == workflow))
    }

    /// Whether the act is allowed on this workflow.
    #[must_use]
    pub fn may(&self, act: Act, workflow: &str) -> bool {
        self.scoped(act, Some(workflow)) && self.applying(workflow).any(|g| grant_allows(g, act))
    }

    /// Whether the act is allowed on some workflow, or on the instance.
    #[must_use]
    pub fn may_anywhere(&self, act: Act) -> bool {
        self.scoped(act, None) && self.held().any(|g| grant_allows(g, act))
    }

    /// Whether the act is allowed on what belongs to no workflow yet and would be called `name`. What somebody
    /// put forward is theirs to go on with as long as they may do the act on some workflow; that of others takes a
    /// right for the instance, or for the workflow of that name.
    #[must_use]
    pub fn may_propose(&self, act: Act, name: &str, own: bool) -> bool {
        self.may(act, name) || (own && !self.narrowed && self.may_anywhere(act))
    }

    /// Whether a task of this tier may be decided. A grant for one tier holds for that tier alone; a
    /// closed tier is decided by its specialists and nobody else.
    #[must_use]
    pub fn decides(&self, workflow: &str, tier: &str, closed: bool) -> bool {
        self.scoped(Act::DecideReview, Some(workflow))
            && self.applying(workflow).any(|g| {
                let fits = match &g.tier {
                    Some(own) => own == tier,
                    None => !closed || g.role == Role::SpecialistReviewer,
                };
                fits && may(g.role, Act::DecideReview)
            })
    }

    /// The workflows on which the act is allowed, in order; nothing means every one.
    #[must_use]
    pub fn places(&self, act: Act) -> Option<Vec<String>> {
        if let Some((_, Some(own))) = &self.scope {
            return Some(Vec::from_iter(self.may(act, own).then(|| own.clone())));
        }
        let allowed = |g: &&Grant| self.scoped(act, None) && grant_allows(g, act);
        let places = self.held().filter(allowed);
        let mut places: Vec<String> = places.map(|g| g.workflow.clone()).collect::<Option<_>>()?;
        places.sort_unstable();
        places.dedup();
        Some(places)
    }

    /// The highest class these rights show on a workflow. Without a grant, what is public.
    #[must_use]
    pub fn clearance(&self, workflow: &str) -> Class {
        self.applying(workflow)
            .map(|g| g.clearance)
            .max()
            .unwrap_or(Class::Public)
    }
}

fn grant_allows(grant: &Grant, act: Act) -> bool {
    may(grant.role, act) || (grant.may_pause && matches!(act, Act::PauseWorkflow))
}

#[cfg(test)]
mod tests;
