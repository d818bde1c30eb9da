//! How candidates stand: the ranking with what is in the way of each, and one of them with its questions.

use serde::Serialize;
use tuesday_domain::access::Act;
use tuesday_domain::charter::is_blank;
use tuesday_domain::charter::quiz::{
    Answers, Assessment, Group, Kind, Question, Ranked, assess, beside, hours_words, rank,
};
use tuesday_domain::definition::Definition;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Candidate, CharterFact};
use tuesday_domain::time::Zone;

use super::{MOST, answers, own};
use crate::engine::{Engine, read_problem};
use crate::ops::cleared::Reader;

/// Something in the way of a candidate.
#[derive(Clone, Debug, Serialize)]
pub struct BlockerView {
    /// The question it comes from.
    pub question: &'static str,
    /// The wall it is: one of the six, or ownership or review.
    pub area: &'static str,
    /// Nobody has answered.
    pub unsaid: bool,
    /// What is in the way.
    pub words: String,
    /// What to do next.
    pub next: &'static str,
    /// Where the answer stands.
    pub path: String,
}

/// A candidate in the ranking.
#[derive(Clone, Debug, Serialize)]
pub struct CandidateLine {
    /// Its place among those that the reader may read, from 1.
    pub place: usize,
    /// The name that the workflow would have.
    pub name: String,
    /// As people read it.
    pub title: String,
    /// `clear`, `few` or `not_yet`.
    pub group: Group,
    /// Hundredths of an hour a week that it costs today, as told.
    pub today: Option<i64>,
    /// Hundredths of an hour a week for review, as told.
    pub review: Option<i64>,
    /// What would be left of the one after the other.
    pub net: Option<i64>,
    /// The same in words; `not known` while one of the two is missing.
    pub net_words: String,
    /// `estimated` where people told both, `missing` otherwise: nothing here was measured.
    pub standing: &'static str,
    /// Questions that are answered.
    pub answered: usize,
    /// Questions.
    pub of: usize,
    /// What is in the way.
    pub blockers: Vec<BlockerView>,
    /// There is a workflow of that name.
    pub installed: bool,
    /// Who put it forward.
    pub proposed_by: String,
    /// Who changed it last.
    pub changed_by: String,
    /// When.
    pub changed_at: String,
    /// Goes with every change.
    pub version: u32,
}

/// Candidates in their order.
#[derive(Clone, Debug, Serialize)]
pub struct Ranking {
    /// The best first.
    pub candidates: Vec<CandidateLine>,
    /// When this was read.
    pub at: String,
}

/// An answer that can be chosen.
#[derive(Clone, Debug, Serialize)]
pub struct ChoiceView {
    /// How it is written.
    pub word: &'static str,
    /// As people read it.
    pub title: &'static str,
    /// What has to be said beside it.
    pub says: Option<&'static str>,
}

/// What the installed workflow says on a question.
#[derive(Clone, Debug, Serialize)]
pub struct BesideView {
    /// `package` or `charter`.
    pub place: &'static str,
    /// `same`, `differs`, `unsaid` when only the workflow says something, `not_yet` when only the quiz does.
    pub stands: &'static str,
    /// What it says.
    pub words: String,
}

/// A question with its answer.
#[derive(Clone, Debug, Serialize)]
pub struct QuestionView {
    /// Its word.
    pub question: &'static str,
    /// The wall it is about.
    pub area: &'static str,
    /// As it is asked.
    pub text: &'static str,
    /// What to think of.
    pub help: &'static str,
    /// What can be chosen; empty where one types.
    pub choices: Vec<ChoiceView>,
    /// The unit, where the answer is a number of the quiz.
    pub unit: Option<&'static str>,
    /// The form, where the charter has one for it.
    pub form: Option<&'static str>,
    /// The field of the charter that the answer becomes.
    pub charter_field: Option<&'static str>,
    /// The answer.
    pub value: Option<String>,
    /// Who gave it.
    pub by: Option<String>,
    /// When.
    pub at: Option<String>,
    /// What the workflow says, once there is one.
    pub beside: Option<BesideView>,
}

/// A candidate with its questions.
#[derive(Clone, Debug, Serialize)]
pub struct CandidateView {
    /// How it stands.
    pub line: CandidateLine,
    /// Every question in order.
    pub questions: Vec<QuestionView>,
    /// The reader may answer.
    pub may_answer: bool,
    /// The reader may carry answers into the charter.
    pub may_carry: bool,
}

impl Engine {
    /// The candidates that the reader may read, in their order.
    ///
    /// # Errors
    /// When the database does not answer, or answers cannot be read.
    pub async fn ranking(&self, reader: &Reader<'_>) -> Result<Ranking, Problem> {
        let db = &self.0.reader;
        let (rows, workflows) =
            tokio::try_join!(db.candidates(MOST), db.workflows()).map_err(read_problem)?;
        let installed = |name: &str| workflows.iter().any(|w| w.name == name);
        let seen = rows.into_iter().filter(|r| {
            let own = own(r, installed(&r.name), reader);
            reader.rights.may_propose(Act::ReadWork, &r.name, own)
        });
        let seen: Vec<Candidate> = seen.collect();
        let today = self.quiz_day();
        let mut order = Vec::new();
        for row in &seen {
            order.push(Ranked {
                name: row.name.clone(),
                assessment: assess(&answers(row)?, &today),
            });
        }
        rank(&mut order);
        let placed = order.into_iter().enumerate();
        let lines = placed.filter_map(|(i, ranked)| {
            let row = seen.iter().find(|r| r.name == ranked.name)?;
            Some(line(row, ranked.assessment, (i + 1, installed(&row.name))))
        });
        Ok(Ranking {
            candidates: lines.collect(),
            at: self.now().rfc3339(),
        })
    }

    /// A candidate with every question, its answer, and what the workflow of its name says.
    ///
    /// # Errors
    /// `not_found`, `record_damaged`, `unavailable`.
    pub async fn candidate(
        &self,
        name: &str,
        reader: &Reader<'_>,
    ) -> Result<CandidateView, Problem> {
        let (row, installed) = self.open_row(name, reader).await?;
        let said = answers(&row)?;
        let db = &self.0.reader;
        let place = self.ranking(reader).await?.candidates;
        let place = place.iter().find(|l| l.name == name).map_or(0, |l| l.place);
        let workflow = db.workflow(name).await.map_err(read_problem)?;
        let live = match &workflow {
            Some(w) => Some(self.loaded(w.live_release).await?),
            None => None,
        };
        let facts = db.charter_facts(name).await.map_err(read_problem)?;
        let there = live.as_ref().map(|l| (&l.ready.def, facts.as_slice()));
        let questions = Question::ALL.iter();
        let person = reader.who.person().is_some();
        let own = own(&row, installed, reader);
        Ok(CandidateView {
            questions: questions.map(|q| question(*q, &said, there)).collect(),
            may_answer: person && reader.rights.may_propose(Act::SignCharter, name, own),
            may_carry: person && installed && reader.rights.may(Act::SignCharter, name),
            line: line(&row, assess(&said, &self.quiz_day()), (place, installed)),
        })
    }

    /// The quiz as nobody has answered it yet.
    #[must_use]
    pub fn blank_quiz(&self) -> Vec<QuestionView> {
        let none = Answers::default();
        Question::ALL
            .iter()
            .map(|q| question(*q, &none, None))
            .collect()
    }

    /// The day by which a metric's day is over.
    fn quiz_day(&self) -> String {
        Zone::utc().day(self.now())
    }
}

fn line(row: &Candidate, found: Assessment, (place, installed): (usize, bool)) -> CandidateLine {
    let path = format!("/readiness/{}", row.name);
    let blockers = found.blockers.iter().map(|b| BlockerView {
        question: b.question.word(),
        area: b.area.word(),
        unsaid: b.unsaid,
        words: b.words.clone(),
        next: b.next,
        path: format!("{path}#{}", b.question.word()),
    });
    CandidateLine {
        place,
        name: row.name.clone(),
        title: row.title.clone(),
        group: Group::of(found.blockers.len()),
        today: found.today,
        review: found.review,
        net: found.net,
        net_words: found
            .net
            .map_or_else(|| "not known".to_owned(), hours_words),
        standing: if found.net.is_some() {
            "estimated"
        } else {
            "missing"
        },
        answered: found.answered,
        of: Question::ALL.len(),
        blockers: blockers.collect(),
        installed,
        proposed_by: row.proposed_by.clone(),
        changed_by: row.changed_by.clone(),
        changed_at: row.changed_at.rfc3339(),
        version: row.version,
    }
}

fn question(
    q: Question,
    said: &Answers,
    there: Option<(&Definition, &[CharterFact])>,
) -> QuestionView {
    let answer = said.get(q);
    let value = answer.map(|a| a.value.as_str());
    let choices = match q.kind() {
        Kind::Choice(all) => all,
        Kind::Number { .. } | Kind::Text(_) | Kind::Stated(_) => &[],
    };
    QuestionView {
        question: q.word(),
        area: q.area().word(),
        text: q.text(),
        help: q.help(),
        choices: choices
            .iter()
            .map(|c| ChoiceView {
                word: c.word,
                title: c.title,
                says: c.says,
            })
            .collect(),
        unit: match q.kind() {
            Kind::Number { unit, .. } => Some(unit),
            Kind::Text(_) | Kind::Choice(_) | Kind::Stated(_) => None,
        },
        form: q.carries().map(tuesday_domain::charter::Statement::form),
        charter_field: q.carries().map(tuesday_domain::charter::Statement::word),
        by: answer.map(|a| a.by.clone()),
        at: answer.map(|a| a.at.rfc3339()),
        beside: there.and_then(|(def, facts)| set_beside(q, value, def, facts)),
        value: value.map(str::to_owned),
    }
}

/// The workflow's own word: a field of the charter, or an object of the package.
fn set_beside(
    q: Question,
    value: Option<&str>,
    def: &Definition,
    facts: &[CharterFact],
) -> Option<BesideView> {
    if let Some(statement) = q.carries() {
        let fact = facts
            .iter()
            .find(|f| f.statement == statement && f.about.is_empty() && !is_blank(&f.value));
        let stands = match (value, fact) {
            (None, None) => return None,
            (None, Some(_)) => "unsaid",
            (Some(_), None) => "not_yet",
            (Some(v), Some(f)) if v == f.value => "same",
            (Some(_), Some(_)) => "differs",
        };
        return Some(BesideView {
            place: "charter",
            stands,
            words: fact.map(|f| f.value.clone()).unwrap_or_default(),
        });
    }
    let there = beside(q, value, def)?;
    let stands = match (value, there.same) {
        (None, _) => "unsaid",
        (Some(_), true) => "same",
        (Some(_), false) => "differs",
    };
    Some(BesideView {
        place: "package",
        stands,
        words: there.words,
    })
}
