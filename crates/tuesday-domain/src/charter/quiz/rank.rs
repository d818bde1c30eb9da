//! Candidates in an order that can be explained: what is in the way first, then the hours, then the name.

use std::cmp::{Ordering, Reverse};

use super::assess::Assessment;
use crate::words::words;

/// So many things in the way are few.
pub const FEW: usize = 2;

words! {
    /// How far a candidate is.
    Group {
        /// Nothing is in the way.
        Clear = "clear",
        /// One or two things are.
        Few = "few",
        /// More.
        NotYet = "not_yet",
    }
}

impl Group {
    /// The group of so many blockers.
    #[must_use]
    pub const fn of(blockers: usize) -> Self {
        match blockers {
            0 => Self::Clear,
            1..=FEW => Self::Few,
            _ => Self::NotYet,
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Clear => "Nothing in the way",
            Self::Few => "One or two things in the way",
            Self::NotYet => "Not yet",
        }
    }
}

/// A candidate with how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub assessment: Assessment,
}

impl Ranked {
    /// Its group.
    #[must_use]
    pub fn group(&self) -> Group {
        Group::of(self.assessment.blockers.len())
    }
}

/// Puts the best first: by group; in a group most hours a week first and unknown hours last; then by name.
pub fn rank(all: &mut [Ranked]) {
    all.sort_by(order);
}

fn order(a: &Ranked, b: &Ranked) -> Ordering {
    let hours = |r: &Ranked| (r.assessment.net.is_none(), Reverse(r.assessment.net));
    let of = |r: &Ranked| (r.group(), hours(r));
    of(a).cmp(&of(b)).then_with(|| a.name.cmp(&b.name))
}
