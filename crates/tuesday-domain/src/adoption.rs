//! Whether people use what a workflow delivers, group by group: as it is, edited, ignored or bypassed. What
//! nobody can see is unknown; it is counted, and never spread over the four.

use serde::{Deserialize, Serialize};

use crate::charter::is_blank;
use crate::scope::{Axis, ScopeSpec};
use crate::words::words;

/// The kind of signal that says that the old way was used, whatever else a workflow declares.
pub const OLD_PATH: &str = "old_path";

words! {
    /// What became of a delivered output.
    Uptake {
        /// It was used as it stood.
        AsIs = "used_as_is",
        /// It was changed and used.
        Edited = "used_edited",
        /// Nobody used it.
        Ignored = "ignored",
        /// The work was done the old way, although the output was there.
        Bypassed = "bypassed",
    }
}

impl Uptake {
    /// What a signal from outside says about the use of an output; `old_path` is the kind that the workflow's
    /// charter declares.
    #[must_use]
    pub fn of_signal(kind: &str, old_path: Option<&str>) -> Option<Self> {
        match kind {
            "output_used" => Some(Self::AsIs),
            "output_edited" => Some(Self::Edited),
            "output_ignored" => Some(Self::Ignored),
            OLD_PATH => Some(Self::Bypassed),
            other => (old_path == Some(other)).then_some(Self::Bypassed),
        }
    }
}

/// What became of the delivered outputs of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adopted {
    /// Outputs that were written back or placed as a draft.
    pub delivered: u64,
    /// Of them, used as they stood.
    pub as_is: u64,
    /// Changed and used.
    pub edited: u64,
    /// Not used.
    pub ignored: u64,
    /// Done the old way all the same.
    pub bypassed: u64,
    /// Delivered with nothing for a person to answer.
    pub automatic: u64,
    /// Of those, opened by nobody before they were delivered.
    pub unvisited: u64,
}

impl Adopted {
    /// Counts a delivered output.
    pub fn add(&mut self, uptake: Option<Uptake>, asked: bool, opened: bool) {
        self.delivered += 1;
        match uptake {
            Some(Uptake::AsIs) => self.as_is += 1,
            Some(Uptake::Edited) => self.edited += 1,
            Some(Uptake::Ignored) => self.ignored += 1,
            Some(Uptake::Bypassed) => self.bypassed += 1,
            None => {}
        }
        self.automatic += u64::from(!asked);
        self.unvisited += u64::from(!asked && !opened);
    }

    /// Adds what another came to.
    pub const fn merge(&mut self, o: &Self) {
        self.delivered += o.delivered;
        self.as_is += o.as_is;
        self.edited += o.edited;
        self.ignored += o.ignored;
        self.bypassed += o.bypassed;
        self.automatic += o.automatic;
        self.unvisited += o.unvisited;
    }

    /// Outputs whose use is known.
    #[must_use]
    pub const fn known(&self) -> u64 {
        self.as_is + self.edited + self.ignored + self.bypassed
    }

    /// Outputs whose use nobody can see.
    #[must_use]
    pub const fn unknown(&self) -> u64 {
        self.delivered.saturating_sub(self.known())
    }
}

words! {
    /// Which figure says that a change of behaviour has stuck.
    AdoptionMetric {
        /// Outputs used, as they stood or edited.
        Used = "used",
        /// Outputs used as they stood.
        AsIs = "used_as_is",
        /// Outputs for which the old way was not used.
        NotBypassed = "not_bypassed",
        /// Outputs delivered with no visit to the console.
        NoVisit = "no_visit",
    }
}

impl AdoptionMetric {
    /// The part and the whole.
    #[must_use]
    pub const fn of(self, n: &Adopted) -> (u64, u64) {
        match self {
            Self::Used => (n.as_is + n.edited, n.known()),
            Self::AsIs => (n.as_is, n.known()),
            Self::NotBypassed => (n.known() - n.bypassed, n.known()),
            Self::NoVisit => (n.unvisited, n.delivered),
        }
    }

    /// For people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Used => "Outputs used",
            Self::AsIs => "Outputs used as they stood",
            Self::NotBypassed => "The old way not used",
            Self::NoVisit => "Delivered with no console visit",
        }
    }
}

/// `[rollout.plan]`: who changes what, and which figure says that it stuck.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlanSpec {
    /// The figure.
    pub metric: Option<AdoptionMetric>,
    /// From this share on it has stuck, in percent: 1 to 100.
    pub target_percent: Option<u32>,
    /// Group by group; one without a name is for everybody who is not named.
    pub group: Vec<GroupPlan>,
}

/// `[[rollout.plan.group]]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GroupPlan {
    /// The group, or department where the package reads no group; empty for everybody.
    pub name: String,
    /// Which users.
    pub who: String,
    /// What they do otherwise from now on.
    pub changes: String,
}

impl GroupPlan {
    /// In words, for a message.
    fn place(&self) -> String {
        match self.name.as_str() {
            "" => "everybody".to_owned(),
            name => name.to_owned(),
        }
    }
}

impl ScopeSpec {
    /// What adoption is told apart by: the group, otherwise the department; nothing where neither is read.
    #[must_use]
    pub fn audience(&self) -> Option<Axis> {
        [Axis::Group, Axis::Department]
            .into_iter()
            .find(|a| self.expr(*a).is_some())
    }
}

impl PlanSpec {
    /// Whether anything is planned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The plan of a group, or that for everybody.
    #[must_use]
    pub fn of(&self, group: &str) -> Option<&GroupPlan> {
        let named = |name: &str| self.group.iter().find(|g| g.name == name);
        named(group).or_else(|| named(""))
    }

    /// What is wrong: the key and why.
    #[must_use]
    pub fn faults(&self, scope: &ScopeSpec) -> Vec<(&'static str, String)> {
        let mut out = Vec::new();
        if self.target_percent.is_some_and(|p| !(1..=100).contains(&p)) {
            out.push(("target_percent", "1 to 100".to_owned()));
        }
        if self.target_percent.is_some() && self.metric.is_none() {
            let why = "a target of no figure: name the metric";
            out.push(("target_percent", why.to_owned()));
        }
        let known = scope.audience().map(|axis| scope.values(axis));
        for (i, g) in self.group.iter().enumerate() {
            if self.group[..i].iter().any(|o| o.name == g.name) {
                out.push(("group", format!("{} stands there twice", g.place())));
            }
            if g.name.is_empty() {
                continue;
            }
            match known {
                None => out.push((
                    "group",
                    format!(
                        "{}: [rollout.scope] reads neither group nor department",
                        g.name
                    ),
                )),
                Some(list) if !list.is_empty() && !list.contains(&g.name) => {
                    let why = format!("{} is not in the rollout", g.name);
                    out.push(("group", why));
                }
                Some(_) => {}
            }
        }
        out
    }

    /// What the plan leaves open, group by group: who changes what, and what would show it.
    #[must_use]
    pub fn blanks(&self, scope: &ScopeSpec) -> Vec<String> {
        let mut out = Vec::new();
        if self.metric.is_none() {
            out.push(
                "the rollout plan names no figure that shows whether the change stuck".to_owned(),
            );
        }
        let mut wanted: Vec<&str> = scope
            .audience()
            .map(|axis| scope.values(axis).iter().map(String::as_str).collect())
            .unwrap_or_default();
        if wanted.is_empty() {
            wanted = self.group.iter().map(|g| g.name.as_str()).collect();
        }
        if wanted.is_empty() {
            wanted.push("");
        }
        for name in wanted {
            let place = if name.is_empty() { "everybody" } else { name };
            let plan = self.of(name);
            let open = |text: Option<&String>| text.is_none_or(|t| is_blank(t));
            let (who, changes) = (plan.map(|p| &p.who), plan.map(|p| &p.changes));
            let lacks = match (open(who), open(changes)) {
                (true, true) => "who changes what",
                (true, false) => "who",
                (false, true) => "what changes",
                (false, false) => continue,
            };
            out.push(format!(
                "the rollout plan does not say for {place}: {lacks}"
            ));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(group: Option<&str>, groups: &[&str]) -> ScopeSpec {
        ScopeSpec {
            group: group.map(str::to_owned),
            groups: groups.iter().map(|g| (*g).to_owned()).collect(),
            ..ScopeSpec::default()
        }
    }

    fn group(name: &str, who: &str, changes: &str) -> GroupPlan {
        GroupPlan {
            name: name.to_owned(),
            who: who.to_owned(),
            changes: changes.to_owned(),
        }
    }

    #[test]
    fn the_four_and_the_unknown_add_up_to_what_was_delivered() {
        let mut n = Adopted::default();
        let each = [
            (Some(Uptake::AsIs), true, true),
            (Some(Uptake::AsIs), true, false),
            (Some(Uptake::Edited), true, true),
            (Some(Uptake::Ignored), false, false),
            (Some(Uptake::Bypassed), false, true),
            (None, false, false),
            (None, false, false),
        ];
        for (uptake, asked, opened) in each {
            n.add(uptake, asked, opened);
        }
        assert_eq!((n.delivered, n.known(), n.unknown()), (7, 5, 2));
        assert_eq!((n.automatic, n.unvisited), (4, 3));
        assert_eq!(AdoptionMetric::Used.of(&n), (3, 5));
        assert_eq!(AdoptionMetric::AsIs.of(&n), (2, 5));
        assert_eq!(AdoptionMetric::NotBypassed.of(&n), (4, 5));
        assert_eq!(AdoptionMetric::NoVisit.of(&n), (3, 7));
        let mut twice = n;
        twice.merge(&n);
        assert_eq!(
            (twice.delivered, twice.unknown(), twice.unvisited),
            (14, 4, 6)
        );
    }

    #[test]
    fn a_declared_kind_is_the_old_way_and_another_says_nothing() {
        let of = |kind| Uptake::of_signal(kind, Some("shared_mailbox"));
        assert_eq!(of("old_path"), Some(Uptake::Bypassed));
        assert_eq!(of("shared_mailbox"), Some(Uptake::Bypassed));
        assert_eq!(of("output_ignored"), Some(Uptake::Ignored));
        assert_eq!(of("complaint"), None);
        assert_eq!(Uptake::of_signal("shared_mailbox", None), None);
    }

    #[test]
    fn a_plan_says_for_every_group_who_changes_what() {
        let two = scope(Some("input.team"), &["emea", "apac"]);
        let blank = PlanSpec::default().blanks(&two);
        assert_eq!(blank.len(), 3, "{blank:?}");
        assert!(blank[1].contains("for emea: who changes what"), "{blank:?}");
        let mut plan = PlanSpec {
            metric: Some(AdoptionMetric::Used),
            target_percent: Some(80),
            group: vec![
                group("emea", "Claims desk", "opens the sorted list"),
                group("apac", "Claims desk", "TBD"),
            ],
        };
        assert_eq!(
            plan.blanks(&two),
            ["the rollout plan does not say for apac: what changes"]
        );
        plan.group[1].changes = "answers from the draft".to_owned();
        assert!(plan.blanks(&two).is_empty() && plan.faults(&two).is_empty());
        // One line for everybody is enough where it says something.
        plan.group = vec![group("", "All desks", "stop keeping the spreadsheet")];
        assert!(plan.blanks(&two).is_empty() && plan.blanks(&scope(None, &[])).is_empty());
        assert_eq!(PlanSpec::default().blanks(&scope(None, &[])).len(), 2);
    }

    #[test]
    fn a_plan_for_nobody_or_a_target_of_nothing_is_a_fault() {
        let two = scope(Some("input.team"), &["emea"]);
        let plan = PlanSpec {
            metric: None,
            target_percent: Some(101),
            group: vec![
                group("emea", "a", "b"),
                group("emea", "a", "b"),
                group("latam", "a", "b"),
            ],
        };
        let keys: Vec<_> = plan.faults(&two).into_iter().map(|f| f.0).collect();
        assert_eq!(keys, ["target_percent", "target_percent", "group", "group"]);
        let unread = plan.faults(&scope(None, &[]));
        assert!(
            unread
                .iter()
                .any(|f| f.1.contains("neither group nor department"))
        );
    }
}
