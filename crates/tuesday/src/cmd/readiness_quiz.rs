//! `tuesday readiness quiz`, `rank`, `carry` and `drop`: workflows-to-be, what is in the way of each, and their
//! answers on the way into a charter.

use std::process::ExitCode;

use serde_json::Value;
use tuesday_domain::access::Rights;
use tuesday_domain::actor::Actor;
use tuesday_domain::charter::quiz::{Group, hours_words};
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{
    AnswerWish, CandidateLine, CandidateView, Carried, QuestionView, Reader,
};

use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Node, Opening};

/// What the command line says about a candidate.
pub(super) struct Wish<'a> {
    pub(super) title: Option<&'a str>,
    /// `question=value` for each answer.
    pub(super) answers: &'a [String],
}

async fn open(common: &Common) -> Result<Node, Problem> {
    wiring::open(Home::find(common)?, Opening::default()).await
}

/// Who reads: the person that was named, or whoever holds the files of the instance and so reads all of it.
async fn reading(common: &Common, node: &Node) -> Result<(Actor, Rights), Problem> {
    match &common.acting {
        Some(by) => Ok((Actor::Person(by.clone()), node.engine.rights(by).await?)),
        None => Ok((Actor::System("cli"), Rights::machine(None))),
    }
}

async fn acting(common: &Common, node: &Node) -> Result<(Actor, Rights), Problem> {
    let by = wiring::person(common)?;
    let rights = node.engine.rights(&by).await?;
    Ok((Actor::Person(by), rights))
}

fn json(of: &impl serde::Serialize) -> Result<Value, Problem> {
    serde_json::to_value(of).map_err(|e| Problem::new("internal", e.to_string()))
}

/// The questions with what is answered; with answers or a title, keeps those first.
pub(super) async fn quiz(common: &Common, name: &str, wish: Wish<'_>) -> Result<ExitCode, Problem> {
    let node = open(common).await?;
    let engine = &node.engine;
    let says = !wish.answers.is_empty() || wish.title.is_some();
    let (who, rights) = if says {
        acting(common, &node).await?
    } else {
        reading(common, &node).await?
    };
    let reader = Reader {
        who: &who,
        rights: &rights,
    };
    if says {
        let wish = AnswerWish {
            seen: None,
            title: wish.title.map(str::to_owned),
            answers: read(wish.answers)?,
        };
        Box::pin(engine.answer_candidate(name, wish, &reader)).await?;
    }
    match Box::pin(engine.candidate(name, &reader)).await {
        Ok(view) => shown(common, &view)?,
        Err(p) if p.code == "not_found" && !says => {
            let quiz = engine.blank_quiz();
            if common.json {
                out::json_line(&serde_json::json!({"name": name, "questions": json(&quiz)?}));
            } else {
                out::line(&format!(
                    "{name} is not a candidate yet: nobody has answered"
                ));
                questions(&quiz);
                how(name);
            }
        }
        Err(p) => return Err(p),
    }
    Ok(ExitCode::SUCCESS)
}

/// `question=value` for each answer.
fn read(answers: &[String]) -> Result<Vec<(String, String)>, Problem> {
    let one = |text: &String| {
        let (question, value) = text.split_once('=').ok_or_else(|| {
            Problem::new("bad_request", format!("`{text}` answers no question"))
                .field("answer")
                .way_out("--answer friction_hours=12.5")
        })?;
        Ok((question.trim().to_owned(), value.trim().to_owned()))
    };
    answers.iter().map(one).collect()
}

fn how(name: &str) {
    out::line(&format!(
        "answer: tuesday readiness quiz {name} --answer friction_hours=12.5 --answer \"inputs=fields: CRM\" …"
    ));
}

fn form(q: &QuestionView) -> String {
    if let Some(form) = q.form {
        return form.to_owned();
    }
    if let Some(unit) = q.unit {
        return format!("a number of {unit}");
    }
    let each = q.choices.iter().map(|c| match c.says {
        Some(says) => format!("`{}: {says}` ({})", c.word, c.title),
        None => format!("`{}` ({})", c.word, c.title),
    });
    let all: Vec<String> = each.collect();
    if all.is_empty() {
        "a name".to_owned()
    } else {
        all.join("\n")
    }
}

fn questions(all: &[QuestionView]) {
    let mut table = out::table(&[
        "Question",
        "Wall",
        "Answer, or its form",
        "Said by",
        "The workflow",
    ]);
    for q in all {
        let question = format!("{}\n{}", q.question, q.text);
        let beside = q.beside.as_ref();
        let beside = beside.map(|b| {
            let stands = b.stands.replace('_', " ");
            format!("{} {stands}: {}", b.place, b.words)
                .trim_end_matches(": ")
                .to_owned()
        });
        table.add_row([
            question,
            q.area.to_owned(),
            q.value.clone().unwrap_or_else(|| form(q)),
            q.by.clone().unwrap_or_else(|| "nobody".to_owned()),
            beside.unwrap_or_default(),
        ]);
    }
    out::line(&table.to_string());
}

fn shown(common: &Common, view: &CandidateView) -> Result<(), Problem> {
    if common.json {
        out::json_line(&json(view)?);
        return Ok(());
    }
    questions(&view.questions);
    let line = &view.line;
    out::line(&format!(
        "{} ({}): {} of {} answered, {}, place {}",
        line.title,
        line.name,
        line.answered,
        line.of,
        line.group.title().to_lowercase(),
        line.place
    ));
    out::line(&saved(line));
    for b in &line.blockers {
        out::line(&format!("  {}: {}; {}", b.area, b.words, b.next));
    }
    if line.answered < line.of {
        how(&line.name);
    }
    Ok(())
}

/// What it would save, with the arithmetic.
fn saved(line: &CandidateLine) -> String {
    let told = |h: Option<i64>| h.map_or_else(|| "not known".to_owned(), hours_words);
    format!(
        "would save a week: {} ({} today - {} review, as told, {})",
        line.net_words,
        told(line.today),
        told(line.review),
        line.standing
    )
}

/// The candidates in their order.
pub(super) async fn rank(common: &Common) -> Result<ExitCode, Problem> {
    let node = open(common).await?;
    let (who, rights) = reading(common, &node).await?;
    let reader = Reader {
        who: &who,
        rights: &rights,
    };
    let ranking = Box::pin(node.engine.ranking(&reader)).await?;
    if common.json {
        out::json_line(&json(&ranking)?);
        return Ok(ExitCode::SUCCESS);
    }
    if ranking.candidates.is_empty() {
        out::line("nobody has put a workflow forward: tuesday readiness quiz NAME --title \"…\"");
        return Ok(ExitCode::SUCCESS);
    }
    for group in Group::ALL {
        let own = ranking.candidates.iter().filter(|c| c.group == *group);
        let own: Vec<&CandidateLine> = own.collect();
        if own.is_empty() {
            continue;
        }
        out::line(group.title());
        let mut table = out::table(&["", "Workflow", "Hours a week", "Answered", "In the way"]);
        for c in own {
            let ways = c
                .blockers
                .iter()
                .map(|b| format!("{}: {}", b.area, b.words));
            table.add_row([
                c.place.to_string(),
                c.name.clone(),
                c.net_words.clone(),
                format!("{} of {}", c.answered, c.of),
                ways.collect::<Vec<_>>().join("\n"),
            ]);
        }
        out::line(&table.to_string());
    }
    out::line(
        "hours: those of today less those for review, as told: an estimate, nothing was measured",
    );
    Ok(ExitCode::SUCCESS)
}

/// Adds answers to the charter of the workflow of that name, where it says nothing.
pub(super) async fn carry(common: &Common, name: &str) -> Result<ExitCode, Problem> {
    let node = open(common).await?;
    let (who, rights) = acting(common, &node).await?;
    let reader = Reader {
        who: &who,
        rights: &rights,
    };
    let carried: Carried = Box::pin(node.engine.carry_candidate(name, &reader)).await?;
    if common.json {
        out::json_line(&json(&carried)?);
        return Ok(ExitCode::SUCCESS);
    }
    for (field, value) in &carried.added {
        out::line(&format!("added  {field}: {value}"));
    }
    for (field, value) in &carried.had {
        out::line(&format!("stays  {field}: {value}"));
    }
    for (field, why) in &carried.refused {
        out::line(&format!("not taken  {field}: {why}"));
    }
    if carried == Carried::default() {
        out::line("there is no answer that a charter has a field for");
    }
    Ok(ExitCode::SUCCESS)
}

/// Drops a candidate.
pub(super) async fn drop(common: &Common, name: &str) -> Result<ExitCode, Problem> {
    let node = open(common).await?;
    let (who, rights) = acting(common, &node).await?;
    let reader = Reader {
        who: &who,
        rights: &rights,
    };
    node.engine.drop_candidate(name, None, &reader).await?;
    out::say(&format!("{name} is dropped"));
    Ok(ExitCode::SUCCESS)
}
