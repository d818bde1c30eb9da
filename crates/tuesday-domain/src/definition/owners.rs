//! The named persons behind a workflow. Never a group, never a mailing list.

use serde::{Deserialize, Serialize};

/// `[owners]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owners {
    /// The one accountable person: rules, queue, pause.
    pub operator: PersonSpec,
    /// Stands in for the operator.
    pub backup: PersonSpec,
    /// Connectors, definitions, releases.
    pub technical: PersonSpec,
    /// Receives escalations.
    pub escalation: PersonSpec,
    /// Budget, bounds, continue or retire.
    #[serde(default)]
    pub sponsor: Option<PersonSpec>,
    /// Is asked by those who use it and by customers, once it is live; somebody else than the builder.
    #[serde(default)]
    pub support: Option<PersonSpec>,
    /// Others who review.
    #[serde(default)]
    pub reviewers: Vec<PersonSpec>,
}

/// One person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonSpec {
    /// Short unique handle used in commands and records.
    pub handle: String,
    /// Name for people.
    pub name: String,
    /// Where notices go.
    pub email: String,
}

impl Owners {
    /// Everybody named, in a fixed order, each handle once.
    #[must_use]
    pub fn people(&self) -> Vec<&PersonSpec> {
        let mut seen = std::collections::BTreeSet::new();
        [
            Some(&self.operator),
            Some(&self.backup),
            Some(&self.technical),
            Some(&self.escalation),
            self.sponsor.as_ref(),
            self.support.as_ref(),
        ]
        .into_iter()
        .flatten()
        .chain(&self.reviewers)
        .filter(|p| seen.insert(p.handle.as_str()))
        .collect()
    }
}
