//! The charter of a workflow on one page: its label with what it rests on, the nine fields, the ten
//! items, and every other list with its evidence and its age. Made to be printed.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use tuesday_domain::access::Act;
use tuesday_domain::charter::{Sheet, Sign};
use tuesday_domain::problem::Problem;
use tuesday_domain::time::{Timestamp, Zone};
use tuesday_engine::ops::{
    CharterView, ItemView, LabelView, LabelWish, LastTen, QuarterWish, SheetView, SignView,
    UnmetView,
};

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::{author, code, local, plural};
use crate::auth::PostForm;
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "charter.html")]
struct CharterPage {
    shell: Shell,
    problem: Option<Problem>,
    name: String,
    title: String,
    badge: Badge,
    /// Lost evidence, an overdue look, or a pilot that ended; in sentences.
    notices: Vec<String>,
    pilot: Option<PilotCard>,
    charter: List,
    checklist: List,
    others: Vec<List>,
    /// The last ten runs, where they put the label at risk.
    last_ten: Option<LastTen>,
    signs: Vec<SignView>,
    past: bool,
    next: Option<NextLabel>,
    below: &'static [&'static str],
    /// The reader may sign.
    may: bool,
    review_due: String,
    /// What was decided about the last quarter.
    quarter: Option<String>,
    fields: Vec<Field>,
    at: String,
}

/// A label as every page shows it: word, state and colour.
pub(crate) struct Badge {
    pub(crate) tone: &'static str,
    pub(crate) words: String,
}

struct PilotCard {
    tone: &'static str,
    state: String,
    told: String,
    question: String,
    criteria: String,
    changed: String,
}

struct NextLabel {
    label: &'static str,
    told: String,
    lacking: Vec<UnmetView>,
}

struct List {
    word: &'static str,
    title: &'static str,
    told: String,
    clean: usize,
    of: usize,
    rows: Vec<Row>,
}

struct Row {
    /// Set on the first row of a group.
    group: &'static str,
    title: &'static str,
    words: String,
    tone: &'static str,
    state: String,
    age: String,
    path: String,
    way_out: String,
    clean: bool,
}

/// A field that can be stated here.
struct Field {
    word: &'static str,
    title: &'static str,
    form: &'static str,
    value: String,
}

/// Label and state in words: `Pilot · lapsing (test instance)`.
pub(crate) fn badge(label: &LabelView) -> Badge {
    let mut words = code(label.label);
    let lapsing = label.lapsing_since.is_some();
    if lapsing {
        words.push_str(" · lapsing");
    }
    let at_risk = label.at_risk.is_some();
    if at_risk {
        words.push_str(" · at risk");
    }
    if label.test_instance {
        words.push_str(" (test instance)");
    }
    let tone = match label.label {
        _ if lapsing || at_risk => "warn",
        "production" => "ok",
        "pilot" => "acc",
        "retired" => "bad",
        _ => "esc",
    };
    Badge { tone, words }
}

fn tone(item: &ItemView) -> &'static str {
    match item.state {
        "verified" => "ok",
        "claimed" if item.clean => "acc",
        "claimed" => "warn",
        "lapsed" => "bad",
        _ => "plain",
    }
}

fn age(item: &ItemView) -> String {
    match item.age_days {
        None => String::new(),
        Some(0) => "today".to_owned(),
        Some(days) => plural(days, "day"),
    }
}

fn list(workflow: &str, sheet: &SheetView, told: &str) -> List {
    let mut last = "";
    let rows = sheet.items.iter().map(|item| {
        let group = if item.group == last { "" } else { item.group };
        last = item.group;
        Row {
            group,
            title: item.title,
            words: match &item.condition {
                Some(c) if c.like == "production" => {
                    format!("Production condition: {}. {}", c.production, item.words)
                }
                Some(c) => format!(
                    "Pilot condition: {}; in production: {}. {}",
                    c.pilot, c.production, item.words
                ),
                None => item.words.clone(),
            },
            tone: tone(item),
            state: code(item.state),
            age: age(item),
            path: item.path.clone(),
            way_out: item
                .way_out
                .replace("WORKFLOW", workflow)
                .replace("FIELD", item.field.unwrap_or("FIELD")),
            clean: item.clean,
        }
    });
    List {
        word: sheet.sheet,
        title: sheet.title,
        told: told.to_owned(),
        clean: sheet.clean,
        of: sheet.of,
        rows: rows.collect(),
    }
}

fn about(sheet: Sheet) -> &'static str {
    match sheet {
        Sheet::Charter => "A blank field means research.",
        Sheet::Checklist => "All ten, shown by live records, gate the label production.",
        Sheet::Handoff => "Six groups; all clean before the move to production.",
        Sheet::Scope => "Each exactly once; they gate the label pilot.",
        Sheet::Operators => "Answered from live configuration.",
        Sheet::Questions => "Before anything is called production.",
        Sheet::Budget => "No answer means research.",
        Sheet::Bet => "Without a path to production it is not a pilot.",
        Sheet::Institution => "What stays when people move on.",
        Sheet::Goals => "Set anew for production; the pilot's are not taken over.",
        Sheet::Conditions => "What differs between a pilot and production.",
        Sheet::Walls => "Where pilots stop: data, eval, ops, security, change, economics.",
        Sheet::Repeatability => {
            "The same case on Tuesday as on Thursday; missing keeps it from production."
        }
        Sheet::Order => "In this order; work on prompts comes after all of them.",
    }
}

fn day(text: Option<&str>, zone: &Zone) -> String {
    let at = text.and_then(|t| Timestamp::parse(t).ok());
    at.map(|at| zone.day(at)).unwrap_or_default()
}

fn notices(view: &CharterView, zone: &Zone) -> Vec<String> {
    let mut out = Vec::new();
    let label = &view.label;
    if label.lapsing_since.is_some() {
        let lost: Vec<String> = label
            .lost
            .iter()
            .map(|u| format!("{} ({})", u.title, u.words))
            .collect();
        let what = if lost.is_empty() {
            "nobody has decided in time whether it goes on".to_owned()
        } else {
            lost.join("; ")
        };
        let falls = day(label.falls_at.as_deref(), zone);
        out.push(format!(
            "Evidence is lost: {what}. On {falls} the label falls one step unless it is back."
        ));
    }
    if label.review_overdue {
        out.push(
            "The quarterly decision is due: expand, keep, narrow, pause or retire.".to_owned(),
        );
    }
    if let Some(risk) = &label.at_risk {
        let since = day(Some(&risk.since), zone);
        out.push(format!("Label at risk since {since}: {}.", risk.words));
    }
    if let Some(retire) = &label.retire {
        out.push(format!("R{}.", retire.get(1..).unwrap_or_default()));
    }
    if view.pilot.state == "lapsed" {
        out.push("The pilot's last day is over and nobody has decided: it is paused until somebody does.".to_owned());
    }
    out.extend(view.warnings.iter().cloned());
    out
}

fn pilot(view: &CharterView) -> Option<PilotCard> {
    let p = &view.pilot;
    if view.label.label != "pilot" && p.question.is_none() {
        return None;
    }
    let end = p.end.clone().unwrap_or_else(|| "no end is set".to_owned());
    let left = p
        .days_left
        .map(|n| format!(", {} left", plural(u64::from(n), "day")));
    Some(PilotCard {
        tone: match p.state {
            "running" => "acc",
            "decided" => "ok",
            "evidence_due" => "warn",
            "lapsed" => "bad",
            _ => "plain",
        },
        state: code(p.state),
        told: format!("{end}{}", left.unwrap_or_default()),
        question: p.question.clone().unwrap_or_else(|| "blank".to_owned()),
        criteria: p.criteria.clone().unwrap_or_else(|| "blank".to_owned()),
        changed: p
            .changed_after_start
            .iter()
            .map(|w| code(w).to_lowercase())
            .collect::<Vec<_>>()
            .join(", "),
    })
}

/// Every field that people state, once, in the order of the lists.
fn fields(view: &CharterView) -> Vec<Field> {
    let mut out: Vec<Field> = Vec::new();
    let own: [(&str, &str); 4] = [
        ("pilot_question", "Pilot question"),
        ("pilot_criteria", "Pilot criteria"),
        ("pilot_end", "Pilot end"),
        ("owner_exception", "One person owns both: why"),
    ];
    for item in view.sheets.iter().flat_map(|s| &s.items) {
        if let (Some(word), Some(form)) = (item.field, item.form)
            && !out.iter().any(|f| f.word == word)
        {
            let title = if word == "old_path_signal" {
                "Signal of the old way"
            } else {
                item.title
            };
            out.push(Field {
                word,
                title,
                form,
                value: String::new(),
            });
        }
    }
    for (word, title) in own {
        let form = word
            .parse::<tuesday_domain::charter::Statement>()
            .map_or("", tuesday_domain::charter::Statement::form);
        out.push(Field {
            word,
            title,
            form,
            value: String::new(),
        });
    }
    out
}

/// The charter of a workflow.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    drawn(&app, visit, &name, None).await
}

async fn drawn(
    app: &App,
    visit: Visit,
    name: &str,
    problem: Option<Problem>,
) -> Result<Response, PageError> {
    visit.user.sees(name)?;
    let view = Box::pin(app.engine.charter(name)).await?;
    let reader = app.engine.reader();
    let (_, known) = app.workflow(name).await?;
    let zone = &known.zone;
    let facts = reader.charter_facts(name).await?;
    let mut fields = fields(&view);
    for field in &mut fields {
        let stated = facts
            .iter()
            .find(|f| f.statement.word() == field.word && f.about.is_empty());
        field.value = stated.map(|f| f.value.clone()).unwrap_or_default();
    }
    let take = |which: Sheet| {
        view.sheet(which)
            .map(|s| list(&view.workflow, s, about(which)))
    };
    let missing = || Problem::new("internal", "a list is missing");
    let shell = visit
        .shell(
            app,
            format!("{} charter", view.title),
            "workflow",
            Some(name.to_owned()),
        )
        .await?;
    html(&CharterPage {
        problem,
        badge: badge(&view.label),
        notices: notices(&view, zone),
        pilot: pilot(&view),
        charter: take(Sheet::Charter).ok_or_else(missing)?,
        checklist: take(Sheet::Checklist).ok_or_else(missing)?,
        others: Sheet::ALL
            .iter()
            .filter(|s| !matches!(s, Sheet::Charter | Sheet::Checklist))
            .filter_map(|s| take(*s))
            .collect(),
        last_ten: match &view.label.at_risk {
            Some(_) => Some(Box::pin(app.engine.last_ten(name)).await?),
            None => None,
        },
        signs: view.signs.clone(),
        past: view.past_the_pilot,
        next: next(&view),
        below: match view.label.label {
            "production" => &["pilot", "research"],
            "pilot" => &["research"],
            _ => &[],
        },
        may: visit.user.rights.may(Act::SignCharter, name) && view.label.label != "retired",
        review_due: day(Some(&view.label.review_due), zone),
        quarter: view.label.quarter.as_ref().map(|q| {
            let at = day(Some(&q.at), zone);
            format!("{} ({at}, {})", q.words, author(&q.by))
        }),
        at: local(app.engine.now(), Some(zone)),
        fields,
        name: view.workflow,
        title: view.title,
        shell,
    })
}

fn next(view: &CharterView) -> Option<NextLabel> {
    let label = view.label.next?;
    let lacking = view.label.lacking.clone();
    let told = match lacking.len() {
        0 => format!("Everything that {label} needs is there. Somebody has to decide."),
        n => format!("{} keep it from {label}.", plural(n as u64, "thing")),
    };
    Some(NextLabel {
        label,
        told,
        lacking,
    })
}

/// What is done on the page; the address says which.
pub(crate) async fn act(
    State(app): State<App>,
    Path((name, verb)): Path<(String, String)>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let path = format!("/workflows/{name}/charter");
    match Box::pin(done(&app, &name, &verb, &form)).await {
        Ok(words) => {
            app.sessions.tell(&form.user, words);
            Ok(Redirect::to(&path).into_response())
        }
        Err(problem) => {
            drawn(
                &app,
                Visit::after(form.user, path, &headers),
                &name,
                Some(problem),
            )
            .await
        }
    }
}

async fn done(app: &App, name: &str, verb: &str, form: &PostForm) -> Result<String, Problem> {
    let (engine, by) = (&app.engine, form.user.session.person.as_str());
    engine.allowed(Act::SignCharter, name, by).await?;
    let text = |field: &str| form.text(field).unwrap_or_default();
    match verb {
        "label" => {
            let to = query::word("label", form.text("label").as_deref())?;
            let to =
                to.ok_or_else(|| Problem::new("bad_request", "a label is missing").field("label"))?;
            let wish = LabelWish {
                to,
                question: text("question"),
                evidence: text("evidence"),
                reason: text("reason"),
            };
            let row = engine.set_label(name, wish, by).await?;
            Ok(format!("It is called {} now.", row.label))
        }
        "review" => {
            let wish = QuarterWish::read(&text("choice"), &text("evidence"), &text("reason"))?;
            let choice = wish.choice;
            Box::pin(engine.review_label(name, wish, by)).await?;
            Ok(format!("Decided for the quarter: {choice}."))
        }
        "sign" => {
            let sign: Option<Sign> = query::word("sign", form.text("sign").as_deref())?;
            let sign =
                sign.ok_or_else(|| Problem::new("bad_request", "a sign is missing").field("sign"))?;
            let said = format!("{}: {}", text("like"), text("words"));
            let said = engine.answer_sign(name, sign, &said, by).await?;
            Ok(format!("{}: {}", sign.title(), said.value))
        }
        "field" => {
            let fact = engine
                .state_charter(name, &text("field"), &text("value"), by)
                .await?;
            let title = code(fact.statement.word());
            Ok(if fact.value.is_empty() {
                format!("{title} is blank now.")
            } else {
                format!("{title}: {}", fact.value)
            })
        }
        _ => Err(Problem::new(
            "not_found",
            format!("there is no such act: {verb}"),
        )),
    }
}
