//! A person puts a workflow forward, or answers questions about it.

use tuesday_domain::charter::quiz::{Answers, Kind, Question, is_name};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Candidate, CandidateChange, CandidateState, Change};
use tuesday_domain::schema::FieldError;

use super::{MOST, answers, entry, seen_is};
use crate::engine::{Engine, read_problem};
use crate::ops::cleared::Reader;

/// Most characters of a title.
const TITLE: usize = 80;

/// What is said about a candidate.
#[derive(Clone, Debug, Default)]
pub struct AnswerWish {
    /// The version that was read, 0 for a new one. Absent: on top of whatever there is.
    pub seen: Option<u32>,
    /// As people read it; absent or blank leaves it as it is.
    pub title: Option<String>,
    /// Question to answer; a blank one takes the answer back, and what is not named stays.
    pub answers: Vec<(String, String)>,
}

impl Engine {
    /// Keeps answers under the name of who gives them, and puts the candidate forward where there is none yet.
    /// What changes nothing leaves no trace.
    ///
    /// # Errors
    /// `bad_request` naming each field, `not_allowed`, `revision_moved` when somebody else was quicker,
    /// `too_many_items`.
    pub async fn answer_candidate(
        &self,
        name: &str,
        wish: AnswerWish,
        reader: &Reader<'_>,
    ) -> Result<Candidate, Problem> {
        if !is_name(name) {
            let words = format!("`{name}` is not a name for a workflow");
            return Err(Problem::new("bad_request", words)
                .field("name")
                .way_out("small letters, digits and hyphens, beginning with a letter"));
        }
        let (kept, installed) = self.row(name).await?;
        let open = kept.as_ref().filter(|r| r.state == CandidateState::Open);
        self.may_change(name, open, installed, reader).await?;
        seen_is(open.map_or(0, |r| r.version), wish.seen, name)?;
        let said = read(&wish.answers)?;
        let by = reader.who.person().unwrap_or_default().to_owned();
        let now = self.now();
        let mut all = open.map_or_else(|| Ok(Answers::default()), answers)?;
        let mut told = Vec::new();
        for (question, value) in said {
            if all.put(question, value.clone(), &by, now) {
                let shown = if value.is_empty() { "blank" } else { &value };
                told.push(format!("{question}: {shown}"));
            }
        }
        let title = title(wish.title.as_deref())?;
        let row = match (open, &title) {
            (Some(row), None) if told.is_empty() => return Ok(row.clone()),
            (Some(row), Some(title)) if told.is_empty() && row.title == *title => {
                return Ok(row.clone());
            }
            _ => Candidate {
                name: name.to_owned(),
                state: CandidateState::Open,
                title: title
                    .or_else(|| open.map(|r| r.title.clone()))
                    .unwrap_or_else(|| name.to_owned()),
                answers: all.text(),
                proposed_by: open.map_or_else(|| by.clone(), |r| r.proposed_by.clone()),
                proposed_at: open.map_or(now, |r| r.proposed_at),
                changed_by: by,
                changed_at: now,
                version: kept.as_ref().map_or(0, |r| r.version) + 1,
            },
        };
        if open.is_none() {
            self.room_for_one().await?;
        }
        let entry = entry(&row, "candidate.answered", reader)
            .fact("title", row.title.clone())
            .fact("answers", told);
        let change = match kept {
            Some(_) => CandidateChange::Update(row.clone()),
            None => CandidateChange::Insert(row.clone()),
        };
        self.commit(vec![Change::Candidate(Box::new(change))], entry)
            .await?;
        Ok(row)
    }

    async fn room_for_one(&self) -> Result<(), Problem> {
        let all = self.0.reader.candidates(MOST).await.map_err(read_problem)?;
        if all.len() < MOST {
            return Ok(());
        }
        let words = format!("{MOST} candidates are there already");
        Err(Problem::new("too_many_items", words).way_out("drop those that nobody will build"))
    }
}

fn title(text: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(text) = text.map(str::trim).filter(|t| !t.is_empty()) else {
        return Ok(None);
    };
    if text.chars().count() > TITLE || text.chars().any(char::is_control) {
        let words = format!("a title is plain text of at most {TITLE} characters");
        return Err(Problem::new("bad_request", words).field("title"));
    }
    Ok(Some(text.to_owned()))
}

/// Every answer in its one form, or every fault.
fn read(said: &[(String, String)]) -> Result<Vec<(Question, String)>, Problem> {
    let mut out = Vec::new();
    let mut faults: Vec<(FieldError, String)> = Vec::new();
    let mut wrong = |field: &str, detail: String, way_out: String| {
        let field = field.to_owned();
        faults.push((FieldError { field, detail }, way_out));
    };
    for (name, text) in said {
        let Ok(question) = name.parse::<Question>() else {
            let known: Vec<&str> = Question::ALL.iter().map(|q| q.word()).collect();
            let way_out = format!("one of {}", known.join(", "));
            wrong(name, format!("there is no question `{name}`"), way_out);
            continue;
        };
        // Words beside a choice that nobody made.
        if matches!(question.kind(), Kind::Choice(_)) && text.trim_start().starts_with(':') {
            let way_out = "choose one of the answers, or take the words away".to_owned();
            wrong(name, "none of the answers is chosen".to_owned(), way_out);
            continue;
        }
        match question.read(text) {
            Ok(value) => out.push((question, value)),
            Err(f) => wrong(name, f.words, f.way_out.to_owned()),
        }
    }
    let Some((first, way_out)) = faults.first().cloned() else {
        return Ok(out);
    };
    let words = format!("{}: {}", first.field, first.detail);
    let mut problem = Problem::new("bad_request", words)
        .field(first.field)
        .way_out(way_out);
    problem.errors = faults.into_iter().map(|(f, _)| f).collect();
    Err(problem)
}
