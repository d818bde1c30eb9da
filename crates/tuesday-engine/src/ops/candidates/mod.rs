//! Workflows-to-be: people answer the quiz about each, and the answers rank them and go on into the charter.
//! A candidate belongs to the instance. It is read and changed by whoever may do so for the instance or for the
//! workflow of its name, and by who put it forward as long as no workflow of that name exists.

mod answer;
mod carry;
mod drop;
mod view;

pub use answer::AnswerWish;
pub use carry::Carried;
pub use view::{
    BesideView, BlockerView, CandidateLine, CandidateView, ChoiceView, QuestionView, Ranking,
};

use tuesday_domain::access::Act;
use tuesday_domain::charter::quiz::Answers;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Candidate, CandidateState, Subject};

use super::cleared::Reader;
use crate::engine::{Engine, read_problem};

/// More candidates than this are no choice but a list of wishes.
const MOST: usize = 200;

/// The answers of a stored candidate.
fn answers(row: &Candidate) -> Result<Answers, Problem> {
    let words = || format!("the answers of the candidate {} cannot be read", row.name);
    Answers::parse(&row.answers).ok_or_else(|| Problem::new("record_damaged", words()))
}

fn unknown(name: &str) -> Problem {
    Problem::new(
        "not_found",
        format!("there is no candidate `{name}` for you"),
    )
    .way_out("see /readiness, or `tuesday readiness rank`")
}

impl Engine {
    /// The candidate of a name with whether it is still one.
    async fn row(&self, name: &str) -> Result<(Option<Candidate>, bool), Problem> {
        let reader = &self.0.reader;
        let (row, workflow) = tokio::try_join!(reader.candidate(name), reader.workflow(name))
            .map_err(read_problem)?;
        Ok((row, workflow.is_some()))
    }

    /// A candidate that the reader may read.
    async fn open_row(
        &self,
        name: &str,
        reader: &Reader<'_>,
    ) -> Result<(Candidate, bool), Problem> {
        let (row, installed) = self.row(name).await?;
        let open = row.filter(|r| r.state == CandidateState::Open);
        let row = open.ok_or_else(|| unknown(name))?;
        let read = reader
            .rights
            .may_propose(Act::ReadWork, name, own(&row, installed, reader));
        if read {
            Ok((row, installed))
        } else {
            Err(unknown(name))
        }
    }

    /// Refuses who may not change this candidate, and keeps that they tried.
    async fn may_change(
        &self,
        name: &str,
        row: Option<&Candidate>,
        installed: bool,
        reader: &Reader<'_>,
    ) -> Result<(), Problem> {
        let own = row.map_or(!installed, |r| own(r, installed, reader));
        let act = Act::SignCharter;
        if reader.who.person().is_some() && reader.rights.may_propose(act, name, own) {
            return Ok(());
        }
        let facts = [
            ("act", act.word().to_owned()),
            ("candidate", name.to_owned()),
        ];
        self.access_event("access.refused", reader.who, Subject::Instance, &facts)
            .await?;
        let words = match row {
            Some(_) => {
                format!("`{name}` was put forward by somebody else, and your roles do not reach it")
            }
            None if installed => format!("your roles do not reach the workflow `{name}`"),
            None => "your roles do not allow it to put a workflow forward".to_owned(),
        };
        Err(Problem::new("not_allowed", words).way_out(
            "choose another name, or ask for a role that signs charters, for the instance",
        ))
    }
}

/// Whether the reader put it forward, and no workflow of the name has rights of its own.
fn own(row: &Candidate, installed: bool, reader: &Reader<'_>) -> bool {
    !installed && reader.who.person() == Some(row.proposed_by.as_str())
}

/// The version that somebody saw is the one there is; nothing seen means on top of whatever there is.
fn seen_is(now: u32, seen: Option<u32>, name: &str) -> Result<(), Problem> {
    if seen.is_none_or(|s| s == now) {
        return Ok(());
    }
    let words = if seen == Some(0) {
        format!("the candidate {name} was put forward already")
    } else {
        format!("the candidate {name} changed since it was read")
    };
    Err(Problem::new("revision_moved", words)
        .with("version", now)
        .way_out("read it again; what you typed is still in the form"))
}

/// An entry about a candidate.
fn entry(row: &Candidate, kind: &'static str, reader: &Reader<'_>) -> AuditEntry {
    AuditEntry::new(row.changed_at, reader.who.clone(), kind, Subject::Instance)
        .fact("candidate", row.name.clone())
        .fact("version", row.version)
}
