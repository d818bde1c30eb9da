//! Which parts of the answer to "what happens when the model is wrong?" nothing in force gives. The page
//! that tells people and the label that rests on it ask here, so that they cannot differ.

use super::is_blank;
use crate::definition::{Definition, DegradedPlan};
use crate::trouble::rotation;
use crate::words::words;
use crate::workflow::Stage;

words! {
    /// A part of the answer.
    WrongPart {
        /// Somebody looks again at what the rules approved.
        SecondLook = "second_look",
        /// Somebody may stop it.
        Stop = "stop",
        /// What happens to work while a system is away.
        Meanwhile = "meanwhile",
        /// Somebody is told at every hour, and the last one in the chain can decide.
        Told = "told",
        /// Where customers and colleagues say so.
        Support = "support",
    }
}

impl WrongPart {
    /// What is missing, in words.
    #[must_use]
    pub const fn lacks(self) -> &'static str {
        match self {
            Self::SecondLook => "nobody looks again at what is approved without a person",
            Self::Stop => "nobody may stop it",
            Self::Meanwhile => "what happens while a system is away is not declared, or not there",
            Self::Told => "nobody is told at some hour, or no sponsor ends the chain",
            Self::Support => "nobody says where to report a wrong output",
        }
    }
}

/// What the settings in force say beside the package.
#[derive(Clone, Copy, Debug)]
pub struct InForce {
    /// How much it does by itself.
    pub stage: Stage,
    /// A release was approved to stand by.
    pub alternative: bool,
    /// Somebody who is there holds the right to pause it.
    pub can_be_stopped: bool,
}

/// The parts that are missing, in the order of the page.
#[must_use]
pub fn missing_parts(def: &Definition, now: InForce) -> Vec<WrongPart> {
    let look = &def.review.second_look;
    let drawn = look.automatic_percent > 0.0 || look.human_percent > 0.0;
    let d = &def.degraded;
    let plan = match d.model {
        None => false,
        Some(DegradedPlan::Alternative) => now.alternative,
        Some(DegradedPlan::Hold | DegradedPlan::People) => true,
    };
    let covered = rotation::gaps(&def.on_call.shift).is_empty() && def.owners.sponsor.is_some();
    let parts = [
        // Where a person approves everything, everything was looked at.
        (WrongPart::SecondLook, drawn || now.stage != Stage::Auto),
        (WrongPart::Stop, now.can_be_stopped),
        (
            WrongPart::Meanwhile,
            plan && d.source.is_some() && d.destination.is_some(),
        ),
        (WrongPart::Told, covered),
        (WrongPart::Support, !is_blank(&def.workflow.support)),
    ];
    parts
        .into_iter()
        .filter_map(|(part, there)| (!there).then_some(part))
        .collect()
}
