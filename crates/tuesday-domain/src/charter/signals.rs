//! Four signs that a workflow is past the pilot, read off what it does and not off what it is called.

use super::prove::Picture;
use crate::workflow::{Label, Stage};

/// So many of the four say that it is past the pilot.
const ENOUGH: usize = 3;

/// One sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PilotSign {
    /// What is looked at.
    pub title: &'static str,
    /// It behaves like production.
    pub production: bool,
    /// What was seen.
    pub words: String,
}

/// The four signs in order; `stage` is the one in force.
#[must_use]
pub fn signs(p: &Picture<'_>, stage: Stage) -> [PilotSign; 4] {
    let n = &p.figures;
    let acts = stage >= Stage::ApprovalFirst && n.written_back_at.is_some();
    let overridden = n.decided.saturating_sub(n.stood);
    let handled = n.failed > 0 || n.open > 0;
    [
        PilotSign {
            title: "Naming",
            production: acts,
            words: if acts {
                format!("it writes to systems that people use, at stage {stage}")
            } else {
                "nothing was written to a live system in 30 days".to_owned()
            },
        },
        PilotSign {
            title: "Wrong output",
            production: overridden > 0 || n.uncorrected > 0,
            words: format!(
                "{overridden} outputs were changed or rejected, {} corrections are open",
                n.uncorrected
            ),
        },
        PilotSign {
            title: "Error handling",
            production: handled,
            words: format!(
                "{} runs failed and {} tasks wait for named people",
                n.failed, n.open
            ),
        },
        PilotSign {
            title: "Rule changes",
            production: p.rules_version > 1,
            words: match p.rules_version {
                0 | 1 => "the rules are as they came with the package".to_owned(),
                v => format!("people changed the rules {} times", v - 1),
            },
        },
    ]
}

/// It is past the pilot whether or not anyone has said so.
#[must_use]
pub fn past_the_pilot(signs: &[PilotSign; 4], label: Label) -> bool {
    let says = signs.iter().filter(|s| s.production).count();
    says >= ENOUGH && matches!(label, Label::Research | Label::Pilot)
}
