//! The named persons behind a workflow. Never a group, never a mailing list.

use serde::{Deserialize, Serialize};

use crate::words::words;

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
    /// Stands in for the technical owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub technical_backup: Option<PersonSpec>,
    /// Receives escalations.
    pub escalation: PersonSpec,
    /// Budget, bounds, continue or retire.
    #[serde(default)]
    pub sponsor: Option<PersonSpec>,
    /// Stands in for the sponsor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sponsor_backup: Option<PersonSpec>,
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
    /// The vendor that they work for; absent for somebody inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
}

/// `[[vendor]]`: somebody outside on whom the workflow depends, by a contract with an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorSpec {
    /// Its name.
    pub name: String,
    /// What comes from it.
    pub provides: String,
    /// The last day of the contract, such as `2027-03-31`.
    pub contract_ends: String,
    /// Handle of the person inside who answers for it.
    pub owner: String,
}

words! {
    /// What a named person answers for.
    OwnerRole {
        /// The workflow as a whole.
        Operator = "operator_owner",
        /// The same, while the operator owner is not there.
        Backup = "backup",
        /// Connectors, definitions, releases.
        Technical = "technical_owner",
        /// The same, while the technical owner is not there.
        TechnicalBackup = "technical_backup",
        /// Budget and priority.
        Sponsor = "executive_sponsor",
        /// The same, while the sponsor is not there.
        SponsorBackup = "sponsor_backup",
    }
}

impl OwnerRole {
    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Operator => "operator owner",
            Self::Backup => "backup",
            Self::Technical => "technical owner",
            Self::TechnicalBackup => "backup of the technical owner",
            Self::Sponsor => "executive sponsor",
            Self::SponsorBackup => "backup of the sponsor",
        }
    }
}

impl Owners {
    /// Who answers for the workflow as a whole: the operator owner, the backup when the owner left, the
    /// sponsor when both did. Nobody, when all have.
    #[must_use]
    pub fn answering(&self, is_active: impl Fn(&str) -> bool) -> Option<&PersonSpec> {
        [
            Some(&self.operator),
            Some(&self.backup),
            self.sponsor.as_ref(),
        ]
        .into_iter()
        .flatten()
        .find(|p| is_active(&p.handle))
    }

    /// The sponsor, where neither the operator owner nor the backup is left.
    #[must_use]
    pub fn sponsor_answers(&self, is_active: impl Fn(&str) -> bool) -> Option<&PersonSpec> {
        let left = !is_active(&self.operator.handle) && !is_active(&self.backup.handle);
        let sponsor = self.sponsor.as_ref().filter(|_| left);
        sponsor.filter(|s| is_active(&s.handle))
    }

    /// Who holds a place.
    #[must_use]
    pub const fn holder(&self, role: OwnerRole) -> Option<&PersonSpec> {
        match role {
            OwnerRole::Operator => Some(&self.operator),
            OwnerRole::Backup => Some(&self.backup),
            OwnerRole::Technical => Some(&self.technical),
            OwnerRole::TechnicalBackup => self.technical_backup.as_ref(),
            OwnerRole::Sponsor => self.sponsor.as_ref(),
            OwnerRole::SponsorBackup => self.sponsor_backup.as_ref(),
        }
    }

    /// What a person is named for who is not active any more, in order of weight. A sponsor who was never
    /// named is not one who left.
    #[must_use]
    pub fn vacant(&self, is_active: impl Fn(&str) -> bool) -> Vec<(OwnerRole, &PersonSpec)> {
        let named = OwnerRole::ALL.iter();
        let named = named.filter_map(|role| Some((*role, self.holder(*role)?)));
        named.filter(|(_, p)| !is_active(&p.handle)).collect()
    }

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
            self.technical_backup.as_ref(),
            self.sponsor_backup.as_ref(),
        ]
        .into_iter()
        .flatten()
        .chain(&self.reviewers)
        .filter(|p| seen.insert(p.handle.as_str()))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(handle: &str) -> PersonSpec {
        PersonSpec {
            handle: handle.to_owned(),
            name: handle.to_owned(),
            email: format!("{handle}@example.com"),
            vendor: None,
        }
    }

    fn owners(sponsor: bool) -> Owners {
        Owners {
            operator: person("olga"),
            backup: person("bert"),
            technical: person("tess"),
            technical_backup: sponsor.then(|| person("theo")),
            escalation: person("edda"),
            sponsor: sponsor.then(|| person("sam")),
            sponsor_backup: sponsor.then(|| person("sue")),
            support: None,
            reviewers: Vec::new(),
        }
    }

    #[test]
    fn one_after_the_other_answers_and_then_nobody() {
        let answering = |o: &Owners, left: &[&str]| {
            let found = o.answering(|h| !left.contains(&h));
            found.map(|p| p.handle.clone())
        };
        let o = owners(true);
        assert_eq!(answering(&o, &[]).as_deref(), Some("olga"));
        assert_eq!(answering(&o, &["olga"]).as_deref(), Some("bert"));
        assert_eq!(answering(&o, &["olga", "bert"]).as_deref(), Some("sam"));
        assert_eq!(answering(&o, &["olga", "bert", "sam"]), None);
        assert_eq!(answering(&owners(false), &["olga", "bert"]), None);
        let sponsor = |left: &[&str]| o.sponsor_answers(|h| !left.contains(&h)).is_some();
        assert!(sponsor(&["olga", "bert"]) && !sponsor(&["bert"]) && !sponsor(&["olga"]));
        assert!(!sponsor(&["olga", "bert", "sam"]));
    }

    #[test]
    fn who_left_is_missed_and_who_was_never_named_is_not() {
        let roles = |o: &Owners, left: &[&str]| -> Vec<OwnerRole> {
            let found = o.vacant(|h| !left.contains(&h));
            found.into_iter().map(|(role, _)| role).collect()
        };
        assert!(roles(&owners(false), &[]).is_empty());
        assert_eq!(roles(&owners(true), &["bert"]), [OwnerRole::Backup]);
        assert_eq!(
            roles(&owners(true), &["sam", "olga"]),
            [OwnerRole::Operator, OwnerRole::Sponsor]
        );
        assert_eq!(
            roles(&owners(true), &["sue", "theo"]),
            [OwnerRole::TechnicalBackup, OwnerRole::SponsorBackup]
        );
    }
}
