//! Asks the records what they know about a workflow at the moment it stopped.

use tuesday_domain::charter::{Evidence, EvidenceState};
use tuesday_domain::charter::{Topic, prove};
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::postmortem::{Asked, Known};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Postmortem;
use tuesday_domain::run::Reason;
use tuesday_domain::trouble::Category;
use tuesday_domain::trouble::incident::FixLayer;
use tuesday_store::IncidentFilter;

use crate::engine::{Engine, read_problem};
use crate::ops::charter::Gathered;

/// Days before the stop that counts look at.
const BACK: i64 = 30;
/// Most incidents and decisions that are looked through, the newest.
const MOST: usize = 1_000;

impl Engine {
    /// What records say, as of the moment the postmortem was opened.
    pub(super) async fn known_of(&self, p: &Postmortem) -> Result<Known, Problem> {
        let name = p.workflow.as_str();
        let g = Box::pin(self.gather_at(name, p.opened_at)).await?;
        let until = Day::parse(&g.live.ready.zone.day(p.opened_at))
            .map_err(|e| Problem::new("internal", e.to_string()))?;
        let days = Days {
            from: until.plus(1 - BACK),
            to: until,
        };
        let figures = self.day_figures(name, days).await?;
        let saved = self.net_saved(name, days).await?;
        let faults = figures.exceptions.iter().filter(|(reason, _)| {
            let reason: Result<Reason, _> = reason.parse();
            reason.is_ok_and(Reason::of_inputs)
        });
        let input_faults = faults.map(|(_, n)| n).sum();
        let (first_release, first_owner) = self.first_owner(&g).await?;
        let filter = IncidentFilter {
            workflow: Some(name.to_owned()),
            ..IncidentFilter::default()
        };
        let incidents = self.0.reader.incidents(&filter, None, MOST).await;
        let incidents = incidents.map_err(read_problem)?;
        let fixes = incidents
            .iter()
            .filter(|i| i.fix_layer == Some(FixLayer::Input));
        let over = incidents
            .iter()
            .filter(|i| i.category == Category::ReviewOverload);
        let decisions = self.0.reader.decisions(name, MOST).await;
        let cited = decisions.map_err(read_problem)?;
        let cited = cited
            .iter()
            .filter(|d| cites(&d.question) || cites(&d.evidence) || cites(d.links.json()));
        Ok(Known {
            first_owner,
            first_release,
            written_back: shown(&prove(Topic::WriteBack, &g.picture())),
            load_fit: self.load_fit(&g, over.count()).await?,
            time_saved: Asked {
                yes: Some(saved.net.value.is_some()),
                words: match saved.net.value {
                    Some(ms) => format!("net {} hours in the {BACK} days before", hours(ms)),
                    None => saved.net.means.clone(),
                },
            },
            runs: figures.runs,
            input_faults,
            input_fixes: fixes.count() as u64,
            trained: shown(&prove(Topic::Training, &g.picture())),
            cited: cited.count() as u64,
        })
    }

    /// The owner that the first release named, where it is somebody who is known here.
    async fn first_owner(&self, g: &Gathered) -> Result<(u32, Option<String>), Problem> {
        let releases = self.0.reader.releases(&g.row.name).await;
        let Some(first) = releases.map_err(read_problem)?.pop() else {
            return Ok((0, None));
        };
        let live = self.loaded(first.id).await?;
        let handle = &live.ready.def.owners.operator.handle;
        let named = g.people.iter().find(|p| p.handle == *handle);
        Ok((first.number, named.map(|p| p.name.clone())))
    }

    async fn load_fit(&self, g: &Gathered, overloads: usize) -> Result<Asked, Problem> {
        let declared = self.capacity_declared(&g.row.name, &g.live).await?;
        let (yes, words) = if overloads > 0 {
            let times = if overloads == 1 { "time" } else { "times" };
            (
                Some(false),
                format!("people could not keep up {overloads} {times}"),
            )
        } else if let Some(over) = &g.overload {
            (Some(false), over.clone())
        } else if declared {
            (
                Some(true),
                "the load stayed within the declared hours".to_owned(),
            )
        } else {
            (None, "nobody declared whose hours there are".to_owned())
        };
        Ok(Asked { yes, words })
    }
}

fn shown(evidence: &Evidence) -> Asked {
    let yes = matches!(
        evidence.state,
        EvidenceState::Verified | EvidenceState::Lapsed
    );
    Asked {
        yes: Some(yes),
        words: evidence.words.clone(),
    }
}

/// A text that names a run by its id.
fn cites(text: &str) -> bool {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words
        .into_iter()
        .any(|w| w.parse::<tuesday_domain::id::RunId>().is_ok())
}

/// Hours with one digit behind the point.
fn hours(ms: i64) -> String {
    let tenths = ms / 360_000;
    let sign = if tenths < 0 { "-" } else { "" };
    let tenths = tenths.unsigned_abs();
    format!("{sign}{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::{cites, hours};

    #[test]
    fn a_run_is_cited_by_its_whole_id_only() {
        let id = tuesday_domain::id::RunId::new(uuid::Uuid::from_u128(7)).to_string();
        assert!(cites(&format!("by {id}, as shown")));
        assert!(cites(&format!("/runs/{id}")));
        assert!(!cites("run_time was good"));
    }

    #[test]
    fn hours_keep_their_sign() {
        assert_eq!(hours(5_400_000), "1.5");
        assert_eq!(hours(-1_080_000), "-0.3");
        assert_eq!(hours(0), "0.0");
    }
}
