//! A strange answer or a production incident: the written criteria, in one function.
//!
//! Three questions decide: whom did it reach, how many outputs are wrong, can it be taken back. What
//! stayed inside, is one of its kind and can be taken back is a quality issue: it is put right by day
//! and wakes nobody. Everything else is an incident.

use super::{Category, Severity};
use crate::words::words;

words! {
    /// Whom a wrong output reached.
    Reach {
        /// Nobody but the people who work here.
        Inside = "inside",
        /// A customer or another outsider read it, or acts on it.
        Customer = "customer",
        /// Money moved, or a bill went out.
        Billing = "billing",
        /// A promise to somebody was broken.
        Sla = "sla",
        /// A duty by law or contract, or data of a person.
        Legal = "legal",
    }
}

words! {
    /// Whether it can be taken back.
    Reversibility {
        /// By us, without a trace at the other side.
        Easily = "easily",
        /// By us, but the other side has to be told.
        WithEffort = "with_effort",
        /// Not at all.
        Not = "not",
    }
}

/// The answers of the person who sorts a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whom it reached.
    pub reach: Reach,
    /// How many outputs are wrong, as far as is known; at least 1.
    pub count: u32,
    /// Whether it can be taken back.
    pub reversibility: Reversibility,
}

/// Outputs that are wrong in the same way before it counts as more than one strange answer.
pub const MANY: u32 = 5;

/// What a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sorted {
    /// Wrong, without harm.
    QualityIssue,
    /// A production problem.
    Incident(Severity),
}

/// Applies the criteria.
#[must_use]
pub fn sort(facts: Facts) -> Sorted {
    let grave = matches!(facts.reach, Reach::Billing | Reach::Legal);
    let outside = facts.reach != Reach::Inside;
    let stays = facts.reversibility == Reversibility::Not;
    if grave || stays && outside {
        return Sorted::Incident(Severity::Critical);
    }
    if outside || stays {
        return Sorted::Incident(if facts.count >= MANY {
            Severity::Critical
        } else {
            Severity::High
        });
    }
    if facts.count >= MANY {
        return Sorted::Incident(Severity::High);
    }
    Sorted::QualityIssue
}

/// Categories a person may give a report that is an incident.
pub const OF_REPORTS: [Category; 6] = [
    Category::WrongAnswer,
    Category::DataExposed,
    Category::DeliveryLate,
    Category::RecordMissing,
    Category::ConnectorFailing,
    Category::SourceOutage,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_strange_answer_that_stayed_inside_wakes_nobody_and_a_customer_does() {
        let is = |reach, count, reversibility| {
            sort(Facts {
                reach,
                count,
                reversibility,
            })
        };
        use Reversibility as R;
        assert_eq!(is(Reach::Inside, 1, R::Easily), Sorted::QualityIssue);
        assert_eq!(is(Reach::Inside, 4, R::WithEffort), Sorted::QualityIssue);
        assert_eq!(
            is(Reach::Inside, 5, R::Easily),
            Sorted::Incident(Severity::High)
        );
        assert_eq!(
            is(Reach::Inside, 1, R::Not),
            Sorted::Incident(Severity::High)
        );
        assert_eq!(
            is(Reach::Customer, 1, R::Easily),
            Sorted::Incident(Severity::High)
        );
        assert_eq!(
            is(Reach::Customer, 14, R::Easily),
            Sorted::Incident(Severity::Critical)
        );
        assert_eq!(
            is(Reach::Customer, 1, R::Not),
            Sorted::Incident(Severity::Critical)
        );
        assert_eq!(
            is(Reach::Billing, 1, R::Easily),
            Sorted::Incident(Severity::Critical)
        );
        assert_eq!(
            is(Reach::Legal, 1, R::Easily),
            Sorted::Incident(Severity::Critical)
        );
        assert_eq!(
            is(Reach::Sla, 1, R::WithEffort),
            Sorted::Incident(Severity::High)
        );
    }
}
