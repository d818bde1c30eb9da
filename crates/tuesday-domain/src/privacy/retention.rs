//! Retention: for how many days payloads of a class are kept after their run has ended. The package
//! declares it, the instance bounds it, and what nobody declared has a default.

use serde::{Deserialize, Serialize};

use crate::actor::Class;

/// Every class, from harmless to strictest.
pub const CLASSES: [Class; 4] = [
    Class::Public,
    Class::Internal,
    Class::Confidential,
    Class::Restricted,
];

/// Days for a class that nobody says anything about: thirteen months.
pub const DEFAULT_DAYS: u32 = 395;

/// Ten years; what is to be kept for longer is an archive's matter.
pub const MOST_DAYS: u32 = 3_660;

/// `[retention]`: days by class; absent means the instance's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionSpec {
    /// Days for what may be published.
    pub public: Option<u32>,
    /// Days for what is for people inside.
    pub internal: Option<u32>,
    /// Days for what is for those who work on the case.
    pub confidential: Option<u32>,
    /// Days for what needs a named clearance.
    pub restricted: Option<u32>,
}

impl RetentionSpec {
    /// The declared days of a class.
    #[must_use]
    pub const fn days(&self, class: Class) -> Option<u32> {
        match class {
            Class::Public => self.public,
            Class::Internal => self.internal,
            Class::Confidential => self.confidential,
            Class::Restricted => self.restricted,
        }
    }
}

/// `[retention]` of `tuesday.toml`: what no package goes beyond, and what holds where it is silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionLimits {
    /// Nothing is erased by retention before so many days.
    pub least_days: u32,
    /// Days by class where a package declares none.
    pub default: RetentionSpec,
    /// Most days by class, whatever a package declares.
    pub most: RetentionSpec,
}

/// How long a class of a workflow is kept, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Days after the end of the run.
    pub days: u32,
    /// The policy in words, as an erasure names it.
    pub policy: String,
}

impl RetentionLimits {
    /// What cannot be meant: the key below `[retention]`, and why.
    #[must_use]
    pub fn fault(&self) -> Option<(String, String)> {
        let mut each = Vec::new();
        for (table, spec) in [("default", &self.default), ("most", &self.most)] {
            let days = CLASSES.map(|class| (format!("{table}.{}", class.word()), spec.days(class)));
            each.extend(days.into_iter().filter_map(|(key, n)| Some((key, n?, 1))));
        }
        each.push(("least_days".to_owned(), self.least_days, 0));
        let (key, days, least) = each
            .into_iter()
            .find(|(_, days, least)| !(*least..=MOST_DAYS).contains(days))?;
        let why = format!("{days} days; it is {least} to {MOST_DAYS}");
        Some((key, why))
    }

    /// The rule in force for a class: declared, otherwise the default; never beyond the bounds. Where
    /// the bounds contradict each other, keeping wins: erased bytes do not come back.
    #[must_use]
    pub fn kept(&self, declared: &RetentionSpec, class: Class) -> Kept {
        let wished = declared.days(class);
        let fallback = self.default.days(class).unwrap_or(DEFAULT_DAYS);
        let most = self.most.days(class).unwrap_or(u32::MAX);
        let asked = wished.unwrap_or(fallback);
        let days = asked.min(most).max(self.least_days);
        let source = if days != asked {
            "bound of the instance"
        } else if wished.is_some() {
            "declared by the package"
        } else {
            "default"
        };
        Kept {
            days,
            policy: format!("retention of {}: {days} days ({source})", class.word()),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn limits(least: u32, most: Option<u32>) -> RetentionLimits {
        RetentionLimits {
            least_days: least,
            most: RetentionSpec {
                restricted: most,
                ..RetentionSpec::default()
            },
            ..RetentionLimits::default()
        }
    }

    fn declared(days: u32) -> RetentionSpec {
        RetentionSpec {
            restricted: Some(days),
            ..RetentionSpec::default()
        }
    }

    #[test]
    fn a_bound_that_nobody_can_mean_is_a_fault() {
        assert_eq!(limits(0, Some(1)).fault(), None);
        assert_eq!(limits(3_660, Some(3_660)).fault(), None);
        let key = |l: RetentionLimits| l.fault().unwrap().0;
        assert_eq!(key(limits(3_661, None)), "least_days");
        assert_eq!(key(limits(0, Some(0))), "most.restricted");
        let silent = RetentionLimits {
            default: declared(9_999),
            ..RetentionLimits::default()
        };
        let (key, why) = silent.fault().unwrap();
        assert_eq!(key, "default.restricted");
        assert_eq!(why, "9999 days; it is 1 to 3660");
    }

    #[test]
    fn declared_default_and_bounds_are_told_apart() {
        let silent = RetentionSpec::default();
        let by = |l: &RetentionLimits, s: &RetentionSpec| l.kept(s, Class::Restricted);
        let none = RetentionLimits::default();
        assert_eq!(by(&none, &silent).days, 395);
        assert_eq!(
            by(&none, &declared(30)).policy,
            "retention of restricted: 30 days (declared by the package)"
        );
        assert_eq!(
            by(&limits(0, Some(20)), &declared(30)).policy,
            "retention of restricted: 20 days (bound of the instance)"
        );
        assert_eq!(by(&limits(90, None), &declared(30)).days, 90);
        // A floor above the ceiling: nothing is erased too early.
        assert_eq!(by(&limits(90, Some(20)), &declared(30)).days, 90);
    }
}
