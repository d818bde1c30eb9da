//! For whom and what a workflow works: what its package declares, narrowed by a restriction that a
//! person sets. An item whose value is unknown where a limit stands is outside.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::words::words;
use crate::workflow::Stage;

words! {
    /// What an item can be told apart by.
    Axis {
        /// Who it belongs to.
        Group = "group",
        /// The part of the company.
        Department = "department",
        /// The customer's tier.
        Tier = "tier",
        /// The kind of task.
        Type = "type",
    }
}

/// `[rollout.scope]`: where an item's values are read, and which of them the workflow is made for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScopeSpec {
    /// Expression over `input` and the sources.
    pub group: Option<String>,
    /// As `group`.
    pub department: Option<String>,
    /// As `group`.
    pub tier: Option<String>,
    /// As `group`; once it is given, a type that is not in `types` counts as risky and is outside.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The only groups; empty for all.
    pub groups: Vec<String>,
    /// The only departments; empty for all.
    pub departments: Vec<String>,
    /// The only tiers; empty for all.
    pub tiers: Vec<String>,
    /// The types that are not too risky.
    pub types: Vec<String>,
    /// The types that are known to be too risky: they are outside, and the reason says so.
    pub risky: Vec<String>,
}

impl ScopeSpec {
    /// The expression of an axis.
    #[must_use]
    pub fn expr(&self, axis: Axis) -> Option<&str> {
        match axis {
            Axis::Group => self.group.as_deref(),
            Axis::Department => self.department.as_deref(),
            Axis::Tier => self.tier.as_deref(),
            Axis::Type => self.kind.as_deref(),
        }
    }

    /// The declared values of an axis.
    #[must_use]
    pub fn values(&self, axis: Axis) -> &[String] {
        match axis {
            Axis::Group => &self.groups,
            Axis::Department => &self.departments,
            Axis::Tier => &self.tiers,
            Axis::Type => &self.types,
        }
    }
}

/// What a person narrowed it to; empty for everything that is declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Restriction {
    /// Only these groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Only these departments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub departments: Vec<String>,
    /// Only these tiers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<String>,
    /// Only these types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Only this share of the events, by their ids; 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// At most this stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_stage: Option<Stage>,
}

/// How much of the declared scope a restriction leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Not one item.
    Nothing,
    /// Every item.
    Everything,
    /// Some.
    Part,
}

/// The values of one item, in the order of [`Axis::ALL`]; absent where they cannot be read.
pub type Item = [Option<String>; 4];

impl Restriction {
    /// The values of an axis.
    #[must_use]
    pub fn values(&self, axis: Axis) -> &[String] {
        match axis {
            Axis::Group => &self.groups,
            Axis::Department => &self.departments,
            Axis::Tier => &self.tiers,
            Axis::Type => &self.types,
        }
    }

    /// Does it narrow anything?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// In words, such as `groups emea, apac; 10 % of the events`.
    #[must_use]
    pub fn words(&self) -> String {
        let lists = Axis::ALL.iter().filter(|a| !self.values(**a).is_empty());
        let mut parts: Vec<String> = lists
            .map(|a| format!("{a}s {}", self.values(*a).join(", ")))
            .collect();
        parts.extend(self.percent.map(|p| format!("{p} % of the events")));
        parts.extend(self.to_stage.map(|s| format!("at most stage {s}")));
        if parts.is_empty() {
            return "everything declared".to_owned();
        }
        parts.join("; ")
    }

    /// An axis it names for which the package says no place to read the value: then everything is outside.
    #[must_use]
    pub fn unreadable(&self, declared: &ScopeSpec) -> Option<Axis> {
        let mut named = Axis::ALL.iter().copied();
        named.find(|a| !self.values(*a).is_empty() && declared.expr(*a).is_none())
    }

    /// Does it serve nobody and do nothing that `other` would not?
    #[must_use]
    pub fn within(&self, other: &Self) -> bool {
        let narrower = |axis: &Axis| {
            let (mine, theirs) = (self.values(*axis), other.values(*axis));
            theirs.is_empty() || (!mine.is_empty() && mine.iter().all(|v| theirs.contains(v)))
        };
        Axis::ALL.iter().all(narrower)
            && self.percent.unwrap_or(100) <= other.percent.unwrap_or(100)
            && self.to_stage.unwrap_or(Stage::Auto) <= other.to_stage.unwrap_or(Stage::Auto)
    }

    /// What it leaves of what is declared, as far as that can be said without an item.
    #[must_use]
    pub fn reach(&self, declared: &ScopeSpec, stage: Stage) -> Reach {
        let closed = |axis: &Axis| {
            let (mine, theirs) = (self.values(*axis), declared.values(*axis));
            !mine.is_empty() && !theirs.is_empty() && mine.iter().all(|v| !theirs.contains(v))
        };
        let open = |axis: &Axis| {
            let (mine, theirs) = (self.values(*axis), declared.values(*axis));
            mine.is_empty() || (!theirs.is_empty() && theirs.iter().all(|v| mine.contains(v)))
        };
        if self.percent == Some(0)
            || self.unreadable(declared).is_some()
            || Axis::ALL.iter().any(closed)
        {
            Reach::Nothing
        } else if self.percent.is_none_or(|p| p >= 100)
            && self.to_stage.is_none_or(|s| s >= stage)
            && Axis::ALL.iter().all(open)
        {
            Reach::Everything
        } else {
            Reach::Part
        }
    }
}

/// Why an item is outside; absent when it is served.
#[must_use]
pub fn outside(
    declared: &ScopeSpec,
    limit: &Restriction,
    item: &Item,
    event: &str,
) -> Option<String> {
    for (axis, value) in Axis::ALL.iter().zip(item) {
        let lists = [declared.values(*axis), limit.values(*axis)];
        let limited = lists.iter().any(|l| !l.is_empty())
            || (*axis == Axis::Type && declared.expr(*axis).is_some());
        let Some(value) = value else {
            if limited {
                return Some(format!("its {axis} is not known"));
            }
            continue;
        };
        if *axis == Axis::Type && declared.expr(*axis).is_some() {
            if declared.risky.contains(value) {
                return Some(format!("type {value} is declared too risky"));
            }
            if !declared.types.contains(value) {
                return Some(format!("type {value} is not listed, so it counts as risky"));
            }
        }
        if lists.iter().any(|l| !l.is_empty() && !l.contains(value)) {
            return Some(format!("{axis} {value} is not in the rollout"));
        }
    }
    let percent = limit.percent?;
    (place(event) >= u64::from(percent) * 100)
        .then(|| format!("only {percent} % of the events are in the rollout"))
}

/// Where an event stands between 0 and 9999, the same on every node and at every time.
fn place(event: &str) -> u64 {
    let hash = Sha256::digest(event.as_bytes());
    hash[..8].iter().fold(0, |n, b| (n << 8) | u64::from(*b)) % 10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> ScopeSpec {
        ScopeSpec {
            group: Some("input.team".into()),
            kind: Some("input.kind".into()),
            groups: vec!["a".into(), "b".into()],
            types: vec!["question".into(), "refund".into()],
            risky: vec!["legal".into()],
            ..ScopeSpec::default()
        }
    }

    fn item(group: Option<&str>, kind: Option<&str>) -> Item {
        [
            group.map(str::to_owned),
            None,
            None,
            kind.map(str::to_owned),
        ]
    }

    fn only(groups: &[&str]) -> Restriction {
        Restriction {
            groups: groups.iter().map(|g| (*g).to_owned()).collect(),
            ..Restriction::default()
        }
    }

    #[test]
    fn what_is_unknown_unlisted_or_risky_is_outside() {
        let served = |item: Item, limit: &Restriction| outside(&declared(), limit, &item, "e");
        let (all, a) = (Restriction::default(), only(&["a"]));
        assert_eq!(served(item(Some("a"), Some("refund")), &all), None);
        for (what, limit, words) in [
            (item(None, Some("refund")), &all, "its group is not known"),
            (
                item(Some("c"), Some("refund")),
                &all,
                "group c is not in the rollout",
            ),
            (
                item(Some("b"), Some("refund")),
                &a,
                "group b is not in the rollout",
            ),
            (
                item(Some("a"), Some("legal")),
                &all,
                "type legal is declared too risky",
            ),
            (
                item(Some("a"), Some("new")),
                &all,
                "type new is not listed, so it counts as risky",
            ),
            (item(Some("a"), None), &all, "its type is not known"),
        ] {
            assert_eq!(served(what, limit).as_deref(), Some(words));
        }
    }

    #[test]
    fn a_percentage_is_stable_and_near_its_share() {
        let ten = Restriction {
            percent: Some(10),
            ..Restriction::default()
        };
        let spec = ScopeSpec::default();
        let picked = |i: u32| {
            outside(
                &spec,
                &ten,
                &[const { None }; 4],
                &format!("flow\0hook\0{i}"),
            )
            .is_none()
        };
        let first: Vec<bool> = (0..10_000).map(picked).collect();
        assert_eq!(first, (0..10_000).map(picked).collect::<Vec<_>>());
        let share = first.iter().filter(|p| **p).count();
        assert!((900..1100).contains(&share), "{share}");
    }

    #[test]
    fn a_restriction_says_when_it_leaves_nothing_or_everything() {
        let reach = |r: &Restriction| r.reach(&declared(), Stage::Auto);
        assert_eq!(reach(&Restriction::default()), Reach::Everything);
        assert_eq!(reach(&only(&["a", "b"])), Reach::Everything);
        assert_eq!(reach(&only(&["a"])), Reach::Part);
        assert_eq!(reach(&only(&["z"])), Reach::Nothing);
        let unread = Restriction {
            tiers: vec!["C".into()],
            ..Restriction::default()
        };
        assert_eq!(reach(&unread), Reach::Nothing, "no place to read the tier");
        let lower = Restriction {
            to_stage: Some(Stage::DraftOnly),
            ..Restriction::default()
        };
        assert_eq!(reach(&lower), Reach::Part);
    }
}
