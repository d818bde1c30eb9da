//! Whether anybody uses what a workflow makes. The quarterly look at its label asks about one that nobody
//! uses: retire it?

use std::time::Duration;

use super::Figures;
use crate::adoption::Adopted;
use crate::time::Timestamp;

/// Nothing that was used for so long is not in use.
const AFTER: Duration = Duration::from_secs(30 * 86_400);

/// What is known about the use of a workflow; figures are of the last 30 days.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// Counts of work.
    pub figures: Figures,
    /// What became of the delivered outputs.
    pub adopted: Adopted,
    /// Since when it is there.
    pub installed_at: Timestamp,
    /// Persons who decide.
    pub deciders: usize,
    /// Of them, trained.
    pub trained: usize,
}

/// Why it should be asked whether to retire it, with the numbers beside which that is decided; nothing while
/// somebody uses its outputs, or it is younger than a month.
#[must_use]
pub fn disused(of: &Use, now: Timestamp) -> Option<String> {
    let since = now.minus(AFTER);
    let f = &of.figures;
    let written = f.written_back_at.is_some_and(|at| at >= since);
    if of.installed_at > since {
        return None;
    }
    if f.decided > 0 || written {
        return passed_by(&of.adopted);
    }
    let made = match f.finished {
        0 => "no run ended".to_owned(),
        1 => "1 run ended".to_owned(),
        n => format!("{n} runs ended"),
    };
    let day = |at: Timestamp| at.rfc3339().chars().take(10).collect::<String>();
    let old_way = match f.old_path_at {
        Some(at) => format!("the old way was last used on {}", day(at)),
        None => "nothing is known of the old way".to_owned(),
    };
    Some(format!(
        "retire? Nobody used an output for 30 days: {made}, {} wait for a person, none was decided and none \
         written back; {} of {} who decide are trained; {old_way}",
        f.open, of.trained, of.deciders
    ))
}

/// Outputs came, and of those whose use is known nobody used one. What is unknown says nothing for it, and
/// nothing against it.
fn passed_by(n: &Adopted) -> Option<String> {
    if n.known() == 0 || n.as_is + n.edited > 0 {
        return None;
    }
    Some(format!(
        "retire? Of {} outputs delivered in 30 days nobody used one whose use is known: {} ignored, for {} \
         the work was done the old way, {} unknown",
        n.delivered,
        n.ignored,
        n.bypassed,
        n.unknown()
    ))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn what_nobody_used_for_a_month_is_asked_about() {
        let now = at("2026-12-01T00:00:00Z");
        let mut of = Use {
            figures: Figures {
                finished: 12,
                open: 3,
                old_path_at: Some(at("2026-11-29T00:00:00Z")),
                ..Figures::default()
            },
            adopted: Adopted::default(),
            installed_at: at("2026-06-01T00:00:00Z"),
            deciders: 5,
            trained: 2,
        };
        let words = disused(&of, now).unwrap();
        for part in [
            "retire?",
            "12 runs ended, 3 wait",
            "2 of 5",
            "old way was last used on 2026-11-29",
        ] {
            assert!(words.contains(part), "{part} in {words}");
        }
        let young = Use {
            installed_at: at("2026-11-02T00:00:00Z"),
            ..of
        };
        assert_eq!(disused(&young, now), None);
        of.figures.decided = 1;
        assert_eq!(disused(&of, now), None, "somebody decided on one");
        of.figures.decided = 0;
        of.figures.written_back_at = Some(at("2026-11-20T00:00:00Z"));
        assert_eq!(disused(&of, now), None, "one was written back");
        // Written, and passed by: whoever wrote it back is not whoever uses it.
        of.adopted = Adopted {
            delivered: 40,
            ignored: 7,
            bypassed: 2,
            ..Adopted::default()
        };
        let words = disused(&of, now).unwrap();
        for part in ["Of 40 outputs", "7 ignored", "for 2 ", "31 unknown"] {
            assert!(words.contains(part), "{part} in {words}");
        }
        of.adopted.edited = 1;
        assert_eq!(disused(&of, now), None, "somebody used one");
    }
}
