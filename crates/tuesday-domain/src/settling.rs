//! What follows a change of what runs: a time in which it is watched while the next change waits, and
//! from which a broken guard takes it back. And times in which nothing is changed.

use serde::{Deserialize, Serialize};

use crate::id::ReleaseId;
use crate::release::news::ReleaseNews;
use crate::time::{Span, TimeError, Timestamp};
use crate::watch::PauseRule;

/// `[settling]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlingSpec {
    /// For so long a change is watched, and the next one waits.
    pub window: Span,
    /// Conditions that take the change back as soon as one is met. They count from the change on.
    #[serde(default)]
    pub guard: Vec<PauseRule>,
    /// How often a release that waited is tested against the one that is live then, when its model does
    /// not answer.
    #[serde(default = "tries")]
    pub tries: u32,
    /// So long after a test without an answer the next one begins.
    #[serde(default = "again_after")]
    pub again_after: Span,
}

/// Tests of a release that waited, where the package declares no number.
const fn tries() -> u32 {
    3
}

/// Pause between two of them, where the package declares none.
const fn again_after() -> Span {
    Span(std::time::Duration::from_secs(300))
}

impl SettlingSpec {
    /// How often what waited is tested, and the pause between two tests: as the live release declares
    /// it, or as if it had said nothing.
    #[must_use]
    pub fn tests(spec: Option<&Self>) -> (u32, Span) {
        spec.map_or_else(
            || (tries(), again_after()),
            |s| (s.tries.max(1), s.again_after),
        )
    }
}

/// `[[freeze]]`: no release is promoted and no rule loosened. Stopping, going back and tightening
/// never wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// It begins (RFC 3339).
    pub from: String,
    /// It ends (RFC 3339).
    pub until: String,
    /// For people.
    pub why: String,
}

impl Freeze {
    /// From when, until when.
    ///
    /// # Errors
    /// When one of them is no time.
    pub fn span(&self) -> Result<(Timestamp, Timestamp), TimeError> {
        Ok((
            Timestamp::parse(&self.from)?,
            Timestamp::parse(&self.until)?,
        ))
    }
}

/// The freeze that is on. One whose times cannot be read counts as on.
#[must_use]
pub fn frozen(all: &[Freeze], now: Timestamp) -> Option<&Freeze> {
    let on = |f: &&Freeze| {
        f.span()
            .map_or(true, |(from, until)| from <= now && now < until)
    };
    all.iter().find(on)
}

/// What was changed, and what it goes back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Changed {
    /// The live release.
    Release {
        /// It went live.
        came: ReleaseId,
        /// It was live before.
        back: ReleaseId,
    },
    /// The decision table.
    Rules {
        /// The version that came into force.
        came: u64,
        /// The version before.
        back: u64,
    },
}

/// A change that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settling {
    /// What was changed.
    pub changed: Changed,
    /// When.
    pub began_at: Timestamp,
    /// Until when it is watched.
    pub until: Timestamp,
}

/// An approved release that goes live when the change before it has settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// The release.
    pub release: ReleaseId,
    /// Handle of the person who promoted it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// It was judged beside another release than the one that is live now: how its new test stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<LineTest>,
}

/// The test of a release whose turn has come, against what is live then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineTest {
    /// Tests that were begun.
    pub tries: u32,
    /// The node that began the last one.
    pub node: String,
    /// Until then it is that node's; after a test without an answer, when the next one begins.
    pub until: Timestamp,
    /// Why the last one came to nothing; absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl LineTest {
    /// May this node begin (or go on with) the test? Its own claim without an answer is what a kill of
    /// this node left.
    #[must_use]
    pub fn free_for(&self, node: &str, now: Timestamp) -> bool {
        self.until <= now || (self.why.is_none() && self.node == node)
    }
}

impl Waiting {
    /// How its test stands, for people; nothing before it began.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let test = self.test.as_ref()?;
        Some(match &test.why {
            None => format!("test {} against the live release goes on", test.tries),
            Some(why) => format!(
                "test {} against the live release came to nothing, the next one begins at {}: {why}",
                test.tries, test.until
            ),
        })
    }
}

/// Releases whose news are kept.
const NEWS: usize = 8;

/// The changes of a workflow that are not over, as they are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// The form of this record.
    pub v: u8,
    /// The change that is watched now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settling: Option<Settling>,
    /// What comes after it, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// Releases that changed what people judge, the newest last: that one they must have read. The ones
    /// before are kept for a rollback.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub news: Vec<ReleaseNews>,
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            v: 1,
            settling: None,
            waiting: Vec::new(),
            news: Vec::new(),
        }
    }
}

impl Changes {
    /// Must a further change wait?
    #[must_use]
    pub const fn busy(&self) -> bool {
        self.settling.is_some() || !self.waiting.is_empty()
    }

    /// A release that changed what people judge is live.
    pub fn tell(&mut self, news: ReleaseNews) {
        self.news.push(news);
        if self.news.len() > NEWS {
            self.news.remove(0);
        }
    }

    /// Nothing is watched and nothing waits any more; what must be read of releases up to this number
    /// stays to be read.
    #[must_use]
    pub fn back_at(&self, number: u32) -> Self {
        let news = self.news.iter().filter(|n| n.number <= number);
        Self {
            news: news.cloned().collect(),
            ..Self::default()
        }
    }

    /// As it is stored.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From what is stored.
    ///
    /// # Errors
    /// In words: another form, or none at all.
    pub fn parse(text: &str) -> Result<Self, String> {
        let found: Self = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if found.v != 1 {
            return Err(format!("form {} is not known", found.v));
        }
        Ok(found)
    }
}

/// The watch that begins with a change; none when the package declares none.
#[must_use]
pub fn watch(spec: Option<&SettlingSpec>, changed: Changed, now: Timestamp) -> Option<Settling> {
    spec.map(|s| Settling {
        changed,
        began_at: now,
        until: now.plus(s.window.0),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_freeze_is_on_from_its_first_to_before_its_last_moment() {
        let all = [Freeze {
            from: "2026-12-18T17:00:00+01:00".into(),
            until: "2027-01-04T08:00:00+01:00".into(),
            why: "year end".into(),
        }];
        for (now, on) in [
            ("2026-12-18T15:59:59Z", false),
            ("2026-12-18T16:00:00Z", true),
            ("2027-01-04T06:59:59Z", true),
            ("2027-01-04T07:00:00Z", false),
        ] {
            assert_eq!(frozen(&all, at(now)).is_some(), on, "{now}");
        }
        let unclear = [Freeze {
            from: "soon".into(),
            ..all[0].clone()
        }];
        assert!(frozen(&unclear, at("2026-01-01T00:00:00Z")).is_some());
    }

    #[test]
    fn a_test_belongs_to_its_node_until_its_time_is_over() {
        let (now, later) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T00:30:00Z"));
        let claim = |why: Option<&str>| LineTest {
            tries: 1,
            node: "one".into(),
            until: later,
            why: why.map(str::to_owned),
        };
        for (test, node, when, free) in [
            (claim(None), "one", now, true),
            (claim(None), "two", now, false),
            (claim(None), "two", later, true),
            (claim(Some("away")), "one", now, false),
            (claim(Some("away")), "one", later, true),
        ] {
            assert_eq!(test.free_for(node, when), free, "{test:?} {node} {when}");
        }
    }

    #[test]
    fn what_is_stored_is_read_again_and_another_form_is_refused() {
        let none = Changes::default();
        assert_eq!(none.text(), r#"{"v":1}"#);
        let some = Changes {
            settling: Some(Settling {
                changed: Changed::Rules { came: 3, back: 2 },
                began_at: at("2026-01-01T00:00:00Z"),
                until: at("2026-01-01T00:05:00Z"),
            }),
            waiting: vec![Waiting {
                release: ReleaseId::new(uuid::Uuid::from_u128(7)),
                by: "tove".into(),
                at: at("2026-01-01T00:01:00Z"),
                test: None,
            }],
            ..none.clone()
        };
        let mut tested = some.clone();
        tested.waiting[0].test = Some(LineTest {
            tries: 2,
            node: "one".into(),
            until: at("2026-01-01T00:11:00Z"),
            why: Some("the model is away".into()),
        });
        for changes in [none, some, tested] {
            assert_eq!(Changes::parse(&changes.text()), Ok(changes));
        }
        assert!(Changes::parse(r#"{"v":2}"#).is_err());
        assert!(Changes::parse("{}").is_err());
    }
}
