//! Three independent fields of a workflow, never merged: what it may be called (label), how much it
//! may do by itself (stage), whether it acts now (switch).

use crate::words::words;

words! {
    /// What a workflow may be called.
    Label {
        /// Being explored; drafts only.
        Research = "research",
        /// On trial; everything approved by people.
        Pilot = "pilot",
        /// Earned by evidence; may act by rule.
        Production = "production",
        /// Final.
        Retired = "retired",
    }
}

words! {
    /// How much a workflow may do by itself.
    Stage {
        /// Nothing runs.
        Off = "off",
        /// Runs beside people; nothing is touched.
        Shadow = "shadow",
        /// Places drafts only.
        DraftOnly = "draft_only",
        /// Acts after a person approved.
        ApprovalFirst = "approval_first",
        /// Acts by rule where the decision table says so.
        Auto = "auto",
    }
}

words! {
    /// Whether a workflow acts now.
    Switch {
        /// Accepts and acts.
        Running = "running",
        /// Acts for part of its scope.
        Restricted = "restricted",
        /// Accepts and holds.
        Paused = "paused",
        /// Refuses, until a decision record says otherwise.
        Killed = "killed",
    }
}

impl Label {
    /// The highest stage this label allows.
    #[must_use]
    pub const fn cap(self) -> Stage {
        match self {
            Self::Retired => Stage::Off,
            Self::Research => Stage::DraftOnly,
            Self::Pilot => Stage::ApprovalFirst,
            Self::Production => Stage::Auto,
        }
    }
}

impl Switch {
    /// May a model call or a write start, in this stage?
    #[must_use]
    pub const fn acts(self, stage: Stage) -> bool {
        matches!(self, Self::Running | Self::Restricted) && !matches!(stage, Stage::Off)
    }
}

impl Stage {
    /// Is it at most one step up? Down is free.
    #[must_use]
    pub fn follows(self, from: Self) -> bool {
        let place = |stage| Self::ALL.iter().position(|s| *s == stage);
        place(self) <= place(from).map(|p| p + 1)
    }

    /// This stage, or the label's cap where that is lower.
    #[must_use]
    pub fn capped_by(self, label: Label) -> Self {
        self.min(label.cap())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_climbed_one_at_a_time() {
        assert!(Stage::DraftOnly.follows(Stage::Shadow));
        assert!(!Stage::Auto.follows(Stage::Shadow));
        assert!(Stage::Off.follows(Stage::Auto));
    }

    #[test]
    fn the_label_caps_the_stage() {
        assert_eq!(Stage::Auto.capped_by(Label::Pilot), Stage::ApprovalFirst);
        assert_eq!(Stage::Shadow.capped_by(Label::Production), Stage::Shadow);
        assert_eq!(Stage::Auto.capped_by(Label::Retired), Stage::Off);
    }
}
