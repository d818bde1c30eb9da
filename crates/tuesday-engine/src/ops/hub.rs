//! One line for each workflow: who answers for it, what is wrong with it, whether people keep up, what it
//! saves. What is red names where its cause is shown.

use serde::Serialize;
use tuesday_domain::ledger::day::Days;
use tuesday_domain::ledger::told;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Incident;

use crate::engine::{Engine, read_problem};

/// Days that value and load look back at.
const BACK: i64 = 28;

/// Something that is said with where it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HubFact {
    /// In words.
    pub words: String,
    /// Where.
    pub path: String,
    /// It wants somebody.
    pub bad: bool,
}

/// A workflow on the hub.
#[derive(Clone, Debug, Serialize)]
pub struct HubLine {
    /// Workflow name.
    pub workflow: String,
    /// Role and name of who answers for it.
    pub owners: Vec<(&'static str, String)>,
    /// Incidents that are open.
    pub health: HubFact,
    /// Whether people keep up.
    pub load: HubFact,
    /// Net time saved.
    pub value: HubFact,
}

impl Engine {
    /// The line of one workflow; `open` are the open incidents of all.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn hub_line(&self, name: &str, open: &[Incident]) -> Result<HubLine, Problem> {
        let (row, live) = self.live(name).await?;
        let owners = &live.ready.def.owners;
        let people = [
            ("Operator", Some(&owners.operator)),
            ("Technical", Some(&owners.technical)),
            ("Sponsor", owners.sponsor.as_ref()),
        ];
        let named = people.into_iter().map(|(role, person)| {
            let name = person.map_or_else(|| "nobody".to_owned(), |p| p.name.clone());
            (role, name)
        });
        let until = self.today(Some(name)).await?;
        let days = Days {
            from: until.plus(1 - BACK),
            to: until,
        };
        let saved = self.net_saved(name, days).await?;
        let overload = self.overload(&row, &live).await?;
        let declared = self.capacity_declared(name, &live).await?;
        let place = |path: &str| format!("/workflows/{name}{path}");
        Ok(HubLine {
            workflow: name.to_owned(),
            owners: named.collect(),
            health: health(name, open),
            load: HubFact {
                bad: overload.is_some(),
                words: match overload {
                    Some(over) => over,
                    None if declared => "people keep up".to_owned(),
                    None => "no hours are declared".to_owned(),
                },
                path: place("/capacity"),
            },
            value: HubFact {
                bad: saved.net.value.is_some_and(|ms| ms < 0),
                words: match saved.net.value {
                    Some(ms) => format!("{} net in {BACK} days", told::time(ms)),
                    None => saved.net.means.clone(),
                },
                path: place("/scorecard"),
            },
        })
    }

    /// The open incidents of every workflow, the oldest first.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn open_incidents(&self) -> Result<Vec<Incident>, Problem> {
        self.0.reader.open_incidents().await.map_err(read_problem)
    }
}

fn health(name: &str, open: &[Incident]) -> HubFact {
    let own: Vec<&Incident> = open
        .iter()
        .filter(|i| i.workflow.as_deref() == Some(name))
        .collect();
    match own.as_slice() {
        [] => HubFact {
            words: "no open incident".to_owned(),
            path: "/incidents".to_owned(),
            bad: false,
        },
        [first, rest @ ..] => {
            let more = match rest.len() {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            HubFact {
                words: format!("{}{more}", first.title),
                path: format!("/incidents/{}", first.id),
                bad: true,
            }
        }
    }
}
