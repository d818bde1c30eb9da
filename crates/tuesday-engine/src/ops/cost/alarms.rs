//! What the figures lack is an alarm, and never counted as nothing: calls of a model that has no price, and
//! runs that were put before a person for a reason that nobody has named. Told once for each day.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tuesday_domain::actor::Actor;
use tuesday_domain::id::NoticeId;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::figures::{DayFigures, UNCLASSIFIED};
use tuesday_domain::ledger::report::merged;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, Subject};
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::Label;
use tuesday_store::ApplyError;

use crate::engine::{Engine, apply_problem, read_problem};
use crate::maintenance::notice;

/// Figures made again in this time are looked at; the looks are far closer together.
const MOVED: Duration = Duration::from_secs(2 * 3_600);
/// Earlier days that are looked at at once.
const MOST: usize = 100;

/// Something that a day's figures lack.
#[derive(Debug, PartialEq, Eq)]
struct Gap {
    /// `unpriced` or `unclassified`.
    kind: &'static str,
    /// The model, or nothing.
    about: String,
    count: u64,
}

fn gaps(figures: &DayFigures) -> Vec<Gap> {
    let unpriced = figures.unpriced.iter().map(|(model, n)| Gap {
        kind: "unpriced",
        about: model.clone(),
        count: *n,
    });
    let unclassified = figures.exceptions.get(UNCLASSIFIED).map(|n| Gap {
        kind: UNCLASSIFIED,
        about: String::new(),
        count: *n,
    });
    let all = unpriced.chain(unclassified);
    all.filter(|g| g.count > 0).collect()
}

impl Engine {
    /// Looks at the figures of every workflow: of today, yesterday, and each earlier day whose records moved
    /// lately, such as that of a run which was held for long and called its model only now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn look_for_gaps(&self) -> Result<(), Problem> {
        for row in self.0.reader.workflows().await.map_err(read_problem)? {
            if row.label == Label::Retired {
                continue;
            }
            if let Err(e) = Box::pin(self.look_at_upkeep(&row.name)).await {
                tracing::warn!(workflow = %row.name, error = %e, "its upkeep could not be looked at");
            }
            // One workflow that cannot be read must not keep the others from being looked at.
            if let Err(e) = Box::pin(self.lack_of(&row.name)).await {
                tracing::warn!(workflow = %row.name, error = %e, "its figures could not be looked at");
            }
        }
        Ok(())
    }

    async fn lack_of(&self, workflow: &str) -> Result<(), Problem> {
        let today = self.today(Some(workflow)).await?;
        let recent = today.plus(-1);
        let since = self.now().minus(MOVED);
        let reader = &self.0.reader;
        let before = recent.to_string();
        let moved = reader.days_made_since(workflow, &before, since, MOST);
        let moved = moved.await.map_err(read_problem)?;
        let moved = moved.iter().filter_map(|day| Day::parse(day).ok());
        for day in moved.chain([recent, today]) {
            let days = Days { from: day, to: day };
            let gathered = self.gathered(Some(workflow), None, days).await?;
            let mut figures = merged(&gathered.rows);
            for (release, of) in self.measured(&gathered, days).await {
                if self.has_no_price(release, &of).await {
                    *figures.unpriced.entry(of.model).or_default() += of.unreported;
                }
            }
            for g in gathered.graders.iter().filter(|g| g.cost_micros.is_none()) {
                *figures.unpriced.entry(g.model.clone()).or_default() += g.calls;
            }
            for gap in gaps(&figures) {
                self.tell_gap(workflow, day, &gap).await?;
            }
        }
        Ok(())
    }

    async fn tell_gap(&self, workflow: &str, day: Day, gap: &Gap) -> Result<(), Problem> {
        let (_, live) = self.live(workflow).await?;
        let o = &live.ready.def.owners;
        let span = format!("from={day}&to={day}");
        let (title, path) = if gap.kind == UNCLASSIFIED {
            (
                format!(
                    "{workflow}, {day}: runs were put before a person for a reason that nobody has named"
                ),
                format!("/runs?workflow={workflow}&{span}&kind=exception&reason={UNCLASSIFIED}"),
            )
        } else {
            (
                format!(
                    "{workflow}, {day}: calls of {} have no price, so they are in no cost",
                    gap.about
                ),
                format!("/workflows/{workflow}/costs?{span}"),
            )
        };
        let mut people = vec![o.operator.handle.as_str(), o.technical.handle.as_str()];
        people.dedup();
        let mut changes = Vec::new();
        for person in people {
            let mut told = notice(
                person.to_owned(),
                workflow.to_owned(),
                "figures_lack",
                title.clone(),
                path.clone(),
                self.now(),
            );
            // The same on every node and at every look.
            told.id = named(day, [workflow, gap.kind, &gap.about, person]);
            let known = self.0.reader.notice(told.id).await.map_err(read_problem)?;
            if known.is_none() {
                changes.push(Change::InsertNotice(Box::new(told)));
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        let subject = Subject::Workflow(workflow.to_owned());
        let by = Actor::System("figures");
        let entry = AuditEntry::new(self.now(), by, "figures.lack", subject)
            .fact("what", gap.kind)
            .fact("about", gap.about.clone())
            .fact("day", day.to_string())
            .fact("count", gap.count);
        match self.apply(Decision { changes, entry }).await {
            // Another node was faster.
            Ok(_) | Err(ApplyError::Conflict { .. }) => Ok(()),
            Err(e) => Err(apply_problem(e)),
        }
    }
}

/// An id that sorts by its day, as every other one does by its moment.
pub(super) fn named(day: Day, parts: [&str; 4]) -> NoticeId {
    let mut hash = Sha256::new();
    for part in [day.to_string().as_str()].iter().chain(&parts) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hash: [u8; 32] = hash.finalize().into();
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&hash[..10]);
    let start = Timestamp::parse(&format!("{day}T00:00:00Z"));
    let ms = start.map_or(0, |t| t.micros() / 1_000);
    let ms = u64::try_from(ms).unwrap_or_default();
    NoticeId::new(uuid::Builder::from_unix_timestamp_millis(ms, &bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_without_a_price_and_each_reason_without_a_name_is_a_gap() {
        let mut figures = DayFigures::default();
        assert_eq!(gaps(&figures), []);
        figures.exceptions.insert("rule".into(), 4);
        figures.exceptions.insert(UNCLASSIFIED.into(), 0);
        assert_eq!(gaps(&figures), [], "none is above zero");
        figures.exceptions.insert(UNCLASSIFIED.into(), 1);
        figures.unpriced.insert("m-1".into(), 3);
        let gap = |kind, about: &str, count| Gap {
            kind,
            about: about.into(),
            count,
        };
        assert_eq!(
            gaps(&figures),
            [gap("unpriced", "m-1", 3), gap(UNCLASSIFIED, "", 1)]
        );
    }
}
