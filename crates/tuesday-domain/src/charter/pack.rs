//! What a pilot yields and what going live has to answer: seven parts and five questions of the
//! evidence pack, six steps in their order, fifteen questions of the decision. Their answers come from
//! records; what somebody merely says is a claim and is called so.

use serde::Serialize;

use crate::words::words;

words! {
    /// A part of the evidence pack.
    PilotPart {
        /// What it saved.
        Value = "value",
        /// How often it was right.
        Quality = "quality",
        /// What went wrong, and what could have.
        Risk = "risk",
        /// What people had to look at.
        ReviewBurden = "review_burden",
        /// What it cost, with what nobody had planned.
        Cost = "cost",
        /// Whether it fits into the work.
        WorkflowFit = "workflow_fit",
        /// What people did with it.
        UserBehaviour = "user_behaviour",
    }
}

words! {
    /// A question that the pack answers.
    PilotAsks {
        /// What was tried.
        Tested = "tested",
        /// Whether the cases were like those of every day.
        Realistic = "realistic",
        /// What was wrong with outputs.
        QualityIssues = "quality_issues",
        /// How much people had to look.
        ReviewNeeded = "review_needed",
        /// Whether it stayed inside what was agreed.
        ScopeKept = "scope_kept",
    }
}

words! {
    /// The six steps from a question to a service, in their order.
    PilotStep {
        /// The question is asked.
        Question = "question",
        /// By what it is judged.
        Criteria = "criteria",
        /// It works under real conditions.
        Conditions = "conditions",
        /// The evidence is there.
        Evidence = "evidence",
        /// Where it goes from here.
        Path = "path",
        /// It is operated and looked at.
        Operate = "operate",
    }
}

words! {
    /// A question that the decision to go live answers.
    GoLiveAsks {
        /// Production readiness.
        Owner = "owner",
        /// Users are trained.
        Trained = "trained",
        /// Outputs are looked at.
        Monitored = "monitored",
        /// Incidents and complaints.
        Complaints = "complaints",
        /// Who can pause or restrict.
        Pause = "pause",
        /// Rollout design.
        OneTeam = "one_team",
        /// Draft-only at first.
        DraftOnly = "draft_only",
        /// Read-only before write.
        ReadOnly = "read_only",
        /// What is too risky for now.
        TooRisky = "too_risky",
        /// What must be true before more.
        Expansion = "expansion",
        /// Value and cost.
        TimeSaved = "time_saved",
        /// Better, or only faster.
        Quality = "quality",
        /// What support it took.
        Support = "support",
        /// What nobody had planned.
        HiddenCosts = "hidden_costs",
        /// Whether to go on at all.
        Continue = "continue",
    }
}

impl PilotPart {
    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Value => "Value",
            Self::Quality => "Quality",
            Self::Risk => "Risk",
            Self::ReviewBurden => "Review burden",
            Self::Cost => "Cost",
            Self::WorkflowFit => "Workflow fit",
            Self::UserBehaviour => "User behaviour",
        }
    }
}

impl PilotAsks {
    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Tested => "What exactly was tested?",
            Self::Realistic => "Were the examples realistic?",
            Self::QualityIssues => "Which quality issues came up?",
            Self::ReviewNeeded => "How much review did it need?",
            Self::ScopeKept => "Was it used only within its approved scope?",
        }
    }
}

impl PilotStep {
    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Question => "Ask the question",
            Self::Criteria => "Say by what it is decided",
            Self::Conditions => "Work under real conditions",
            Self::Evidence => "Gather the evidence",
            Self::Path => "Decide the way on",
            Self::Operate => "Operate and review",
        }
    }

    /// What closes it.
    #[must_use]
    pub const fn closes(self) -> &'static str {
        match self {
            Self::Question => "tuesday charter set WORKFLOW pilot_question TEXT",
            Self::Criteria => {
                "tuesday charter set WORKFLOW pilot_criteria TEXT, then pilot_end; decide the label pilot"
            }
            Self::Conditions => "ten runs of the pilot from triggers that nobody's hand starts",
            Self::Evidence => {
                "every part of the pack shows something: tuesday pilot evidence WORKFLOW"
            }
            Self::Path => "tuesday workflow decide WORKFLOW proceed, with what it rests on",
            Self::Operate => "the label production, and a week that somebody signed since",
        }
    }
}

impl GoLiveAsks {
    /// The group it stands in.
    #[must_use]
    pub const fn group(self) -> &'static str {
        match self {
            Self::Owner | Self::Trained | Self::Monitored | Self::Complaints | Self::Pause => {
                "Production readiness"
            }
            Self::OneTeam | Self::DraftOnly | Self::ReadOnly | Self::TooRisky | Self::Expansion => {
                "Rollout design"
            }
            Self::TimeSaved
            | Self::Quality
            | Self::Support
            | Self::HiddenCosts
            | Self::Continue => "Value and cost",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Owner => "Who owns it in production?",
            Self::Trained => "Are those who use and review it trained?",
            Self::Monitored => "How are its outputs watched?",
            Self::Complaints => "How are incidents and complaints reviewed?",
            Self::Pause => "Who can pause or restrict it?",
            Self::OneTeam => "Should it be limited to one team first?",
            Self::DraftOnly => "Should it remain draft-only at first?",
            Self::ReadOnly => "Was it read-only before it wrote?",
            Self::TooRisky => "Which tasks are too risky for now?",
            Self::Expansion => "What must be true before it does more?",
            Self::TimeSaved => "Does it save time after review and rework?",
            Self::Quality => "Does it improve quality, or only speed?",
            Self::Support => "What support burden did the pilot show?",
            Self::HiddenCosts => "Which hidden costs did it show?",
            Self::Continue => "Should it continue at all?",
        }
    }
}

/// How something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// Records show it.
    Evidence,
    /// Somebody says so.
    Claim,
    /// Nothing shows it, and nobody says it.
    NoEvidence,
}

impl Known {
    /// As people read it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Claim => "claim",
            Self::NoEvidence => "no evidence",
        }
    }
}

/// The first step that is not done, where `done` says it for each in order.
#[must_use]
pub fn current(done: &[(PilotStep, bool)]) -> Option<PilotStep> {
    done.iter().find(|(_, d)| !d).map(|(s, _)| *s)
}

/// Steps before `at` that are neither done nor excused, in order: they are skipped by doing `at` now.
#[must_use]
pub fn skipped(at: PilotStep, done: &[(PilotStep, bool)], excused: &[PilotStep]) -> Vec<PilotStep> {
    let before = done.iter().take_while(|(s, _)| *s != at);
    before
        .filter(|(s, d)| !d && !excused.contains(s))
        .map(|(s, _)| *s)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_has_exactly_its_parts() {
        let sizes = [
            PilotPart::ALL.len(),
            PilotAsks::ALL.len(),
            PilotStep::ALL.len(),
            GoLiveAsks::ALL.len(),
        ];
        assert_eq!(sizes, [7, 5, 6, 15]);
        for group in ["Production readiness", "Rollout design", "Value and cost"] {
            let own = GoLiveAsks::ALL.iter().filter(|q| q.group() == group);
            assert_eq!(own.count(), 5, "{group}");
        }
    }

    #[test]
    fn a_step_that_is_jumped_over_is_named_unless_somebody_said_why() {
        use PilotStep as S;
        let done: Vec<(S, bool)> = S::ALL
            .iter()
            .map(|s| (*s, matches!(s, S::Question | S::Criteria | S::Evidence)))
            .collect();
        assert_eq!(current(&done), Some(S::Conditions));
        assert_eq!(skipped(S::Path, &done, &[]), [S::Conditions]);
        assert!(skipped(S::Path, &done, &[S::Conditions]).is_empty());
        assert!(skipped(S::Criteria, &done, &[]).is_empty());
        assert_eq!(skipped(S::Operate, &done, &[]), [S::Conditions, S::Path]);
    }
}
