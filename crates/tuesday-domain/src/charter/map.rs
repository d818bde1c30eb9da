//! The before-and-after map counted: steps, handoffs and minutes of the old way and of the new one. A new way
//! with more steps than the old one takes coordination away from nobody.

/// One way of doing the work, as far as it is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// Steps.
    pub steps: Option<u32>,
    /// Times that somebody else goes on.
    pub handoffs: Option<u32>,
    /// Minutes of a case.
    pub minutes: Option<u32>,
}

/// Both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Map {
    /// Before.
    pub before: Way,
    /// After.
    pub after: Way,
}

impl Way {
    /// Counts the numbers that stand before `steps`, `handoffs` and `minutes`.
    fn read(text: &str) -> Self {
        let mut way = Self::default();
        let plain = |w: &str| {
            w.trim_matches(|c: char| !c.is_alphanumeric())
                .to_lowercase()
        };
        let words: Vec<String> = text.split_whitespace().map(plain).collect();
        for pair in words.windows(2) {
            let Ok(n) = pair[0].parse() else {
                continue;
            };
            let place = match pair[1].as_str() {
                "step" | "steps" => &mut way.steps,
                "handoff" | "handoffs" => &mut way.handoffs,
                "min" | "minute" | "minutes" => &mut way.minutes,
                _ => continue,
            };
            *place = Some(n);
        }
        way
    }

    const fn parts(self) -> [(&'static str, Option<u32>); 3] {
        [
            ("steps", self.steps),
            ("handoffs", self.handoffs),
            ("minutes", self.minutes),
        ]
    }
}

impl Map {
    /// The map in the text of the field; nothing where it is not `before: …; after: …`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let lower = text.to_lowercase();
        let (before, after) = lower.split_once("after:")?;
        let (_, before) = before.split_once("before:")?;
        Some(Self {
            before: Way::read(before),
            after: Way::read(after),
        })
    }

    /// `steps 9 to 4, handoffs 3 to 1`; what is not counted on both sides is left out.
    #[must_use]
    pub fn words(self) -> String {
        let both = self.before.parts().into_iter().zip(self.after.parts());
        let each = both.filter_map(|((name, before), (_, after))| {
            Some(format!("{name} {} to {}", before?, after?))
        });
        each.collect::<Vec<_>>().join(", ")
    }

    /// The new way has more steps.
    #[must_use]
    pub fn has_more_steps(self) -> bool {
        matches!((self.before.steps, self.after.steps), (Some(b), Some(a)) if a > b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_on_both_sides_is_compared() {
        let read = |text: &str| Map::read(text).unwrap_or_else(|| panic!("{text}"));
        let fewer =
            read("before: 9 steps, 3 handoffs, 40 minutes; after: 4 steps, 1 handoff, 6 min.");
        assert_eq!(
            fewer.words(),
            "steps 9 to 4, handoffs 3 to 1, minutes 40 to 6"
        );
        assert!(!fewer.has_more_steps());
        let more = read("Before: mail, copy, 3 steps in all\nAfter: 5 steps");
        assert_eq!(
            (more.words().as_str(), more.has_more_steps()),
            ("steps 3 to 5", true)
        );
        let open = read("before: many steps; after: 4 steps");
        assert!(open.words().is_empty() && !open.has_more_steps());
        assert_eq!(Map::read("9 steps became 4"), None);
    }
}
