//! On whom the work hangs: who made the decisions, the reruns and the fixes of the last thirty days. More than
//! sixty in a hundred by one person is the finding `hero_dependence`.

use std::collections::BTreeMap;

use serde::Serialize;
use tuesday_domain::charter::turnover::{Hero, hero};
use tuesday_domain::ledger::day::Day;
use tuesday_domain::problem::Problem;
use tuesday_store::DayState;

use crate::engine::{Engine, read_problem};

/// Days that are looked at.
const DAYS: i64 = 30;

/// What one person did.
#[derive(Clone, Debug, Serialize)]
pub struct PersonShare {
    /// Handle.
    pub person: String,
    /// Outputs approved, edited or refused.
    pub decisions: u64,
    /// Runs started again.
    pub reruns: u64,
    /// Corrections settled and changes of the rules.
    pub fixes: u64,
    /// The audit entries behind it.
    pub records: String,
}

impl PersonShare {
    fn acts(&self) -> u64 {
        self.decisions + self.reruns + self.fixes
    }
}

/// Whether the work hangs on one person.
#[derive(Clone, Debug, Serialize)]
pub struct Dependence {
    /// First day.
    pub from: Day,
    /// Last day.
    pub to: Day,
    /// Who did how much, the most first.
    pub shares: Vec<PersonShare>,
    /// On whom it hangs.
    pub hero: Option<Hero>,
    /// `hero_dependence` while it hangs on somebody.
    pub finding: Option<&'static str>,
}

impl Engine {
    /// Who did the work of the last thirty days, from the figures of days (`recent` has
    /// them) and a few short lists.
    pub(super) async fn dependence(
        &self,
        name: &str,
        recent: &[DayState],
        today: Day,
    ) -> Result<Dependence, Problem> {
        let from = today.plus(1 - DAYS);
        let first = from.to_string();
        let since = self
            .now()
            .minus(std::time::Duration::from_secs(86_400 * DAYS.unsigned_abs()));
        let repairs = self.0.reader.repairs_by_person(name, &first, since).await;
        let repairs = repairs.map_err(read_problem)?;
        let mut people: BTreeMap<String, [u64; 3]> = BTreeMap::new();
        let within = recent.iter().filter(|s| s.day >= first);
        let mixes = within.flat_map(|s| &s.rows);
        for mix in mixes.flat_map(|r| r.figures.mix.values()) {
            for (person, n) in &mix.people {
                people.entry(person.clone()).or_default()[0] += n;
            }
        }
        for repair in repairs {
            let at = if repair.rerun { 1 } else { 2 };
            people.entry(repair.person).or_default()[at] += repair.count;
        }
        Ok(shared(name, people, (from, today)))
    }
}

fn shared(name: &str, people: BTreeMap<String, [u64; 3]>, (from, to): (Day, Day)) -> Dependence {
    let mut shares: Vec<PersonShare> = people
        .into_iter()
        .map(|(person, [decisions, reruns, fixes])| PersonShare {
            records: format!("/audit?workflow={name}&who={person}&from={from}&to={to}"),
            person,
            decisions,
            reruns,
            fixes,
        })
        .collect();
    shares.sort_by_key(|s| std::cmp::Reverse(s.acts()));
    let acts: Vec<(String, u64)> = shares
        .iter()
        .map(|s| (s.person.clone(), s.acts()))
        .collect();
    let hero = hero(&acts);
    Dependence {
        from,
        to,
        finding: hero.as_ref().map(|_| "hero_dependence"),
        hero,
        shares,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn decisions_reruns_and_fixes_count_together() {
        let day = Day::parse("2026-11-28").unwrap();
        let people = |nils| [("lena".to_owned(), [9, 0, 1]), ("nils".to_owned(), nils)];
        let of = |nils| shared("w", people(nils).into(), (day.plus(-29), day));
        let found = of([80, 8, 2]);
        assert_eq!(found.finding, Some("hero_dependence"));
        let hero = found.hero.unwrap();
        assert_eq!(
            (hero.person.as_str(), hero.acts, hero.of),
            ("nils", 90, 100)
        );
        assert_eq!(found.shares[0].person, "nils");
        assert_eq!(of([15, 0, 0]).finding, None, "15 of 25 are 60 in a hundred");
    }
}
