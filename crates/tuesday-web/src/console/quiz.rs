//! The quiz about one candidate: fifteen questions on one form, what is in the way, and what the workflow says.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use tuesday_domain::charter::quiz::{Area, Group};
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{AnswerWish, CandidateView, ChoiceView, QuestionView, Reader};

use super::html;
use super::readiness::{Way, counted, way};
use super::shell::Shell;
use super::visit::Visit;
use super::words::{code, moment, plural};
use crate::auth::PostForm;
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "quiz.html")]
struct QuizPage {
    shell: Shell,
    problem: Option<Problem>,
    /// Faults of answers, each with the link to its question.
    faults: Vec<(String, String)>,
    name: String,
    title: String,
    version: u32,
    tone: &'static str,
    group: &'static str,
    place: usize,
    answered: usize,
    of: usize,
    net: String,
    counted: String,
    said: Vec<Way>,
    open: Vec<Way>,
    parts: Vec<Part>,
    installed: bool,
    may_answer: bool,
    may_carry: bool,
    /// Answers that the charter does not have yet.
    to_carry: usize,
    changed: String,
}

/// The questions of a wall.
struct Part {
    word: &'static str,
    title: String,
    questions: Vec<Asked>,
}

struct Asked {
    id: &'static str,
    text: &'static str,
    help: &'static str,
    /// What stands in the field; of a choice its word, and the words beside it.
    value: String,
    beside: String,
    /// What was there when the form was made.
    was: String,
    choices: Vec<ChoiceView>,
    /// What is to be said beside a choice, where one asks for it.
    says: String,
    number: bool,
    long: bool,
    fault: Option<String>,
    /// Who said it, and when.
    told: String,
    /// What somebody else said since the form was made.
    meanwhile: Option<String>,
    carried: bool,
    stands: Option<(&'static str, String)>,
}

/// What came with a form that could not be kept.
#[derive(Default)]
struct Typed {
    title: Option<String>,
    /// Question, what was there when the form was made, what is there now.
    fields: Vec<(String, String, String)>,
}

/// Walls in the order of the page: what it is worth and who answers for it come first.
const AREAS: [(Area, &str); 8] = [
    (Area::Economics, "Economics"),
    (Area::Ownership, "Ownership"),
    (Area::Review, "Review"),
    (Area::Ops, "Operations"),
    (Area::Data, "Data"),
    (Area::Eval, "Evaluation"),
    (Area::Security, "Security"),
    (Area::Change, "Change"),
];

/// An answer to a choice as its word and the words beside it.
fn halves(value: &str) -> (String, String) {
    let (word, told) = value.split_once(':').unwrap_or((value, ""));
    (word.trim().to_owned(), told.trim().to_owned())
}

fn asked(q: &QuestionView, typed: &Typed, problem: Option<&Problem>) -> Asked {
    let kept = q.value.clone().unwrap_or_default();
    let sent = typed.fields.iter().find(|f| f.0 == q.question);
    // What was not touched follows what is kept now; what was typed stays.
    let touched = sent.filter(|(_, was, now)| was != now);
    let value = touched.map_or_else(|| kept.clone(), |(_, _, now)| now.clone());
    let meanwhile = touched.filter(|(_, was, now)| *was != kept && *now != kept);
    let choice = !q.choices.is_empty();
    let (value, beside) = if choice {
        halves(&value)
    } else {
        (value, String::new())
    };
    let mut says: Vec<&str> = q.choices.iter().filter_map(|c| c.says).collect();
    says.dedup();
    let faults = problem.into_iter().flat_map(|p| &p.errors);
    let fault = faults
        .filter(|f| f.field == q.question)
        .map(|f| f.detail.clone())
        .next();
    Asked {
        id: q.question,
        text: q.text,
        help: q.help,
        was: kept.clone(),
        meanwhile: meanwhile.map(|_| match (&q.by, kept.is_empty()) {
            (Some(by), false) => format!("{by} said meanwhile: {kept}"),
            _ => "somebody took the answer back meanwhile".to_owned(),
        }),
        says: says.join(", or "),
        number: q.unit.is_some() || q.question == "friction_hours",
        long: q.question == "before_after_map",
        told: match (&q.by, &q.at) {
            (Some(by), Some(at)) => format!("{by}, {}", moment(at, None)),
            _ => String::new(),
        },
        carried: q.charter_field.is_some(),
        stands: stands(q),
        choices: q.choices.clone(),
        fault,
        beside,
        value,
    }
}

/// The answer beside the workflow's own word.
fn stands(q: &QuestionView) -> Option<(&'static str, String)> {
    let b = q.beside.as_ref()?;
    let place = b.place;
    Some(match b.stands {
        "same" => ("ok", format!("the {place} says the same: {}", b.words)),
        "differs" => ("warn", format!("the {place} says otherwise: {}", b.words)),
        "unsaid" => ("plain", format!("the {place} says: {}", b.words)),
        _ => ("plain acc", format!("not in the {place} yet")),
    })
}

fn parts(view: &CandidateView, typed: &Typed, problem: Option<&Problem>) -> Vec<Part> {
    let of = |area: Area| {
        let own = view.questions.iter().filter(move |q| q.area == area.word());
        own.map(|q| asked(q, typed, problem)).collect()
    };
    let all = AREAS.iter().map(|(area, title)| Part {
        word: area.word(),
        title: (*title).to_owned(),
        questions: of(*area),
    });
    all.collect()
}

/// The quiz of a candidate.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    drawn(&app, visit, &name, None, Typed::default()).await
}

async fn drawn(
    app: &App,
    visit: Visit,
    name: &str,
    problem: Option<Problem>,
    typed: Typed,
) -> Result<Response, PageError> {
    let view = {
        let (who, rights) = visit.user.reading();
        let reader = Reader { who: &who, rights };
        Box::pin(app.engine.candidate(name, &reader)).await?
    };
    let line = &view.line;
    let here = line.installed.then(|| name.to_owned());
    let shell = visit
        .shell(app, format!("{} readiness", line.title), "hub", here)
        .await?;
    let ways = |unsaid: bool| {
        let each = line.blockers.iter().filter(move |b| b.unsaid == unsaid);
        each.map(way).collect()
    };
    let faults = problem.iter().flat_map(|p| &p.errors);
    let faults = faults.map(|f| (f.field.clone(), f.detail.clone()));
    let waits = |q: &&QuestionView| q.beside.as_ref().is_some_and(|b| b.stands == "not_yet");
    html(&QuizPage {
        faults: faults.collect(),
        parts: parts(&view, &typed, problem.as_ref()),
        title: typed.title.unwrap_or_else(|| line.title.clone()),
        version: line.version,
        tone: match line.group {
            Group::Clear => "ok",
            Group::Few => "warn",
            Group::NotYet => "esc",
        },
        group: line.group.title(),
        place: line.place,
        answered: line.answered,
        of: line.of,
        net: line.net_words.clone(),
        counted: counted(line),
        said: ways(false),
        open: ways(true),
        installed: line.installed,
        may_answer: view.may_answer,
        may_carry: view.may_carry,
        to_carry: view.questions.iter().filter(waits).count(),
        changed: format!("{}, {}", line.changed_by, moment(&line.changed_at, None)),
        name: line.name.clone(),
        problem,
        shell,
    })
}

/// A field as it was typed: browsers send their own ends of lines.
fn typed_text(form: &PostForm, field: &str) -> String {
    form.text(field).unwrap_or_default().replace("\r\n", "\n")
}

/// What the form says on a question: of a choice its word, with the words beside it where it asks for some.
fn sent(form: &PostForm, q: &QuestionView, was: &str) -> String {
    let text = |field: &str| typed_text(form, field);
    let (value, beside) = (text(q.question), text(&format!("{}.words", q.question)));
    let chosen = q.choices.iter().find(|c| c.word == value);
    let asks = chosen.is_some_and(|c| c.says.is_some());
    // Words that were there before go with the choice that was taken back; new ones want a choice.
    let loose = value.is_empty() && !beside.is_empty() && beside != halves(was).1;
    if loose || (asks && !beside.is_empty()) {
        format!("{value}: {beside}")
    } else {
        value
    }
}

/// Keeps the answers of the form.
pub(crate) async fn save(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let named = |n: &str| form.fields.iter().any(|(field, _)| field == n);
    let was = |q: &str| typed_text(&form, &format!("{q}.was"));
    // A radio that nobody chose sends nothing, so the hidden field says that the question was asked.
    let questions = app.engine.blank_quiz().into_iter();
    let there = questions.filter(|q| named(&format!("{}.was", q.question)));
    let fields: Vec<(String, String, String)> = there
        .map(|q| {
            let was = was(q.question);
            let now = sent(&form, &q, &was);
            (q.question.to_owned(), was, now)
        })
        .collect();
    let typed = Typed {
        title: form.text("title"),
        fields,
    };
    let done = kept(&app, &name, &form, &typed).await;
    let path = format!("/readiness/{name}");
    match done {
        Ok(words) => {
            app.sessions.tell(&form.user, words);
            Ok(Redirect::to(&path).into_response())
        }
        Err(problem) => {
            let visit = Visit::after(form.user, path, &headers);
            drawn(&app, visit, &name, Some(problem), typed).await
        }
    }
}

async fn kept(app: &App, name: &str, form: &PostForm, typed: &Typed) -> Result<String, Problem> {
    let seen = form.revision()?.ok_or_else(|| {
        Problem::new("bad_request", "the form says no revision").field("revision")
    })?;
    let (who, rights) = form.user.reading();
    let reader = Reader { who: &who, rights };
    let each = typed.fields.iter();
    let wish = AnswerWish {
        seen: Some(seen),
        title: typed.title.clone(),
        answers: each.map(|(q, _, now)| (q.clone(), now.clone())).collect(),
    };
    Box::pin(app.engine.answer_candidate(name, wish, &reader)).await?;
    let view = Box::pin(app.engine.candidate(name, &reader)).await?;
    Ok(match view.line.blockers.len() as u64 {
        0 => "Kept. Nothing is in the way.".to_owned(),
        n => format!("Kept. {} in the way.", plural(n, "thing")),
    })
}

/// Drops the candidate, or carries its answers into the charter; the address says which.
pub(crate) async fn act(
    State(app): State<App>,
    Path((name, verb)): Path<(String, String)>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    match Box::pin(done(&app, &name, &verb, &form)).await {
        Ok((path, words)) => {
            app.sessions.tell(&form.user, words);
            Ok(Redirect::to(&path).into_response())
        }
        Err(problem) => {
            let visit = Visit::after(form.user, format!("/readiness/{name}"), &headers);
            drawn(&app, visit, &name, Some(problem), Typed::default()).await
        }
    }
}

async fn done(
    app: &App,
    name: &str,
    verb: &str,
    form: &PostForm,
) -> Result<(String, String), Problem> {
    let (who, rights) = form.user.reading();
    let reader = Reader { who: &who, rights };
    match verb {
        "drop" => {
            app.engine
                .drop_candidate(name, form.revision()?, &reader)
                .await?;
            Ok(("/readiness".to_owned(), format!("{name} is dropped.")))
        }
        "carry" => {
            let carried = Box::pin(app.engine.carry_candidate(name, &reader)).await?;
            let fields = |list: &[(&str, String)]| {
                let each = list.iter().map(|(field, _)| code(field).to_lowercase());
                each.collect::<Vec<_>>().join(", ")
            };
            let refused: Vec<String> = carried
                .refused
                .iter()
                .map(|(field, why)| format!("Not taken: {}: {why}.", code(field).to_lowercase()))
                .collect();
            let mut words = match (carried.added.as_slice(), carried.had.as_slice()) {
                ([], []) if refused.is_empty() => {
                    "There is no answer that a charter has a field for.".to_owned()
                }
                ([], []) => String::new(),
                ([], had) => format!("The charter says already: {}.", fields(had)),
                (added, []) => format!("In the charter now: {}.", fields(added)),
                (added, had) => format!(
                    "In the charter now: {}. It said already: {}.",
                    fields(added),
                    fields(had)
                ),
            };
            for more in refused {
                words.push(' ');
                words.push_str(&more);
            }
            Ok((format!("/readiness/{name}"), words.trim().to_owned()))
        }
        other => Err(Problem::new(
            "not_found",
            format!("there is no act `{other}`"),
        )),
    }
}
