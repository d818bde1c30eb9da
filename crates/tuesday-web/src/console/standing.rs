//! The card of a workflow's page that says how it stands, and the doors for changing that.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use tuesday_domain::access::Act;
use tuesday_domain::ledger::shown::Shown;
use tuesday_domain::link::Link;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Choice, Workflow};
use tuesday_domain::scope::{Axis, Restriction, ScopeSpec};
use tuesday_domain::settling::Changed;
use tuesday_domain::time::Zone;
use tuesday_domain::watch::{EntryCondition, Judged, Standing};
use tuesday_domain::workflow::{Label, Stage, Switch};
use tuesday_engine::ops::{DecisionView, NextStage, WorkflowDecision};

use super::shown::text;
use super::views::{Pair, pair};
use super::visit::Visit;
use super::words::{code, local};
use crate::api::rollout::open_work;
use crate::auth::PostForm;
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

/// How it stands.
pub(crate) struct StandingCard {
    pub(crate) facts: Vec<Pair>,
    /// What keeps it from working as it should, in a sentence.
    pub(crate) notice: Option<String>,
    pub(crate) conditions: Vec<Condition>,
    /// The next stage up, with what must be true for it.
    pub(crate) next: Option<NextCard>,
    /// What an item can be told apart by: where the package says how.
    pub(crate) axes: Vec<&'static str>,
    pub(crate) doors: Vec<DoorCard>,
    /// The one success metric, for who decides: what is stated, and what it comes to.
    pub(crate) metric: Option<(String, String)>,
    pub(crate) decisions: Vec<Decided>,
}

/// The next stage up.
pub(crate) struct NextCard {
    pub(crate) stage: String,
    pub(crate) remark: Option<&'static str>,
    pub(crate) conditions: Vec<Condition>,
    /// What the rollout plan leaves open.
    pub(crate) blanks: Vec<String>,
}

/// A condition with its figure.
pub(crate) struct Condition {
    pub(crate) name: String,
    pub(crate) tone: &'static str,
    pub(crate) standing: &'static str,
    pub(crate) figure: String,
}

/// Something that can be done, by whom.
pub(crate) struct DoorCard {
    pub(crate) verb: &'static str,
    pub(crate) title: &'static str,
    pub(crate) told: &'static str,
    pub(crate) may: bool,
    pub(crate) people: String,
}

/// A decision about it.
pub(crate) struct Decided {
    pub(crate) id: String,
    pub(crate) choice: String,
    pub(crate) told: String,
    /// Where it opens, when it has a page, and the link itself.
    pub(crate) links: Vec<(Option<String>, String)>,
    pub(crate) conditions: Vec<String>,
    /// Id and choice of the decision in its place.
    pub(crate) superseded: Option<(String, String)>,
    pub(crate) made: String,
}

const fn tone(standing: Standing) -> &'static str {
    match standing {
        Standing::Clear => "ok",
        Standing::Counting => "plain",
        Standing::Met | Standing::Missing => "bad",
    }
}

fn told(name: String, judged: Judged) -> Condition {
    Condition {
        name,
        tone: tone(judged.standing),
        standing: judged.standing.word(),
        figure: judged.words,
    }
}

fn next_card(next: NextStage) -> NextCard {
    // True is good here, and what stops elsewhere.
    let entry = |(entry, judged): (EntryCondition, Judged)| Condition {
        tone: if judged.standing == Standing::Met {
            "ok"
        } else {
            "warn"
        },
        standing: if judged.standing == Standing::Met {
            "true"
        } else {
            "not yet"
        },
        ..told(code(entry.metric.word()), judged)
    };
    NextCard {
        stage: code(next.stage.word()).to_lowercase(),
        remark: next.remark(),
        blanks: next.blanks,
        conditions: next.conditions.into_iter().map(entry).collect(),
    }
}

/// What can be done while it stands like this.
fn open_doors(w: &Workflow) -> Vec<(&'static str, &'static str, &'static str, Act)> {
    if w.label == Label::Retired {
        return Vec::new();
    }
    let mut out = Vec::new();
    if w.switch.acts(w.stage) {
        out.push((
            "pause",
            "Pause",
            "New events wait and nothing is written by itself, on every node within a second.",
            Act::PauseWorkflow,
        ));
        out.push((
            "restrict",
            "Restrict",
            "Serve fewer, a share of the events, or at a lower stage. Everybody else's work goes to people. To serve more again wants the right to set the stage, and reviewed evidence.",
            Act::PauseWorkflow,
        ));
    } else {
        out.push((
            "resume",
            "Resume",
            "Held work goes on, the oldest first, with fresh inputs.",
            Act::ResumeWorkflow,
        ));
    }
    out.push((
        "stage",
        "Change the stage",
        "One step up when its conditions are true, or any step down at any time.",
        Act::SetStage,
    ));
    if w.switch != Switch::Killed {
        out.push((
            "kill",
            "Kill",
            "Events are refused, what is unsent is voided, open work goes to people. Nobody resumes it without a decision record.",
            Act::KillWorkflow,
        ));
    }
    out.push((
        "retire",
        "Retire",
        "For good: its tokens are withdrawn; what it did can still be read.",
        Act::KillWorkflow,
    ));
    out.push((
        "decisions",
        "Record a decision",
        "What was asked, what the answer rests on, and what becomes of the workflow.",
        Act::ResumeWorkflow,
    ));
    out
}

/// Builds the card.
pub(crate) async fn card(
    app: &App,
    visit: &Visit,
    w: &Workflow,
    (declared, zone): (&ScopeSpec, &Zone),
) -> Result<StandingCard, PageError> {
    let engine = &app.engine;
    let watched = engine.watched(w).await?;
    let mut conditions: Vec<_> = watched
        .rules
        .into_iter()
        .map(|(rule, judged)| told(rule.name, judged))
        .collect();
    let guards = watched.guards.into_iter();
    conditions.extend(
        guards.map(|(g, judged)| told(format!("Takes the change back: {}", g.name), judged)),
    );
    let kill = watched.kill;
    conditions.extend(kill.map(|(k, judged)| told(format!("Kill: {}", k.condition), judged)));
    let next = engine.next_stage(w).await?.map(next_card);
    let mut doors = Vec::new();
    let open = open_doors(w);
    let acts: Vec<Act> = open.iter().map(|door| door.3).collect();
    let people = engine.who_may_each(&acts, &w.name).await?;
    for ((verb, title, words, _), people) in open.into_iter().zip(people) {
        let own = &visit.user.session.person;
        doors.push(DoorCard {
            verb,
            title,
            told: words,
            may: people.iter().any(|(handle, _)| handle == own),
            people: people
                .into_iter()
                .map(|(_, name)| name)
                .collect::<Vec<_>>()
                .join(", "),
        });
    }
    let decisions = engine.decisions_of(&w.name, 20).await?;
    let metric = engine.success_metric(&w.name).await?;
    Ok(StandingCard {
        facts: facts(w, zone),
        notice: notice(w),
        axes: Axis::ALL
            .iter()
            .filter(|axis| declared.expr(**axis).is_some())
            .map(|axis| axis.word())
            .collect(),
        conditions,
        next,
        doors,
        metric: metric.map(|m| {
            let told = |s: &Shown| s.value.map(|n| text(n, s.unit, s.currency.as_deref()));
            let value = m
                .now
                .as_ref()
                .map(|s| told(s).unwrap_or_else(|| s.means.clone()));
            let value = value.map_or_else(String::new, |v| format!("{v}: "));
            (m.stated.clone(), format!("{value}{}", m.words()))
        }),
        decisions: decisions
            .into_iter()
            .map(|view| decided(view, zone))
            .collect(),
    })
}

fn decided(view: DecisionView, zone: &Zone) -> Decided {
    let d = view.record;
    let links = d.links.all().into_iter().map(|text| {
        let parsed = Link::parse(&text).ok();
        (parsed.and_then(|l| l.address()), text)
    });
    Decided {
        id: d.id.to_string(),
        choice: code(d.choice.word()),
        told: format!("{} {} Evidence: {}", d.question, d.reason, d.evidence),
        links: links.collect(),
        conditions: d.conditions.all(),
        superseded: view.superseded_by.map(|by| {
            let on = local(by.decided_at, Some(zone));
            (
                by.id.to_string(),
                format!("{} on {on}", code(by.choice.word())),
            )
        }),
        made: format!("{}, {}", d.decided_by, local(d.decided_at, Some(zone))),
    }
}

fn facts(w: &Workflow, zone: &Zone) -> Vec<Pair> {
    let mut out = vec![
        pair("Label", code(w.label.word())),
        pair("Stage", code(w.stage.word())),
        pair("Serves", w.rollout.scope.words()),
        pair("Switch", code(w.switch.word())),
    ];
    if let Some(open) = w.rollout.changes.settling {
        let what = match open.changed {
            Changed::Release { .. } => "Release",
            Changed::Rules { .. } => "Rules",
        };
        let until = local(open.until, Some(zone));
        out.push(pair("Settling", format!("{what}, watched until {until}")));
    }
    let waiting = &w.rollout.changes.waiting;
    if let Some(first) = waiting.first() {
        let test = first.words().map(|t| format!("; {t}")).unwrap_or_default();
        let words = format!("{} waiting{test}", waiting.len());
        out.push(pair("Goes live next", words));
    }
    let in_force = w.stage_in_force();
    if in_force != w.stage {
        out[1].value = format!(
            "{}, held at {}",
            code(w.stage.word()),
            code(in_force.word())
        );
    }
    if let Some(at) = w.rollout.switched_at {
        out.push(pair("Switched", local(at, Some(zone))));
    }
    out
}

fn notice(w: &Workflow) -> Option<String> {
    let r = &w.rollout;
    if w.label == Label::Retired {
        return Some(
            "It is retired. New events are refused; what it did can still be read.".into(),
        );
    }
    if r.retiring {
        return Some("It takes no new events and retires when its open work is done.".into());
    }
    if r.fallback {
        return Some("People do the work by hand for now, new events included.".into());
    }
    let by = r.switched_by.as_deref().unwrap_or("somebody");
    let by = by.trim_start_matches("person:").replace("system:", "the ");
    let by = by.replace('_', " ");
    let why = r
        .switch_reason
        .as_deref()
        .unwrap_or("no reason is on record");
    match w.switch {
        Switch::Paused => Some(format!("Paused by {by}: {why}")),
        Switch::Killed => Some(format!("Killed by {by}: {why}")),
        Switch::Running | Switch::Restricted => None,
    }
}

/// Any of the doors: the last part of the address says which.
pub(crate) async fn act(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    uri: axum::http::Uri,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let verb = uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let path = format!("/workflows/{name}");
    match done(&app, &name, &verb, &form).await {
        Ok(words) => {
            app.sessions.tell(&form.user, words);
            Ok(Redirect::to(&path).into_response())
        }
        Err(problem) => {
            let visit = Visit::after(form.user, path, &headers);
            super::workflow::drawn(&app, visit, &name, Some(problem)).await
        }
    }
}

async fn done(app: &App, name: &str, verb: &str, form: &PostForm) -> Result<String, Problem> {
    let (engine, by) = (&app.engine, form.user.actor());
    let person = &form.user.session.person;
    let reason = form.text("reason").unwrap_or_default();
    let list = |field: &str| -> Vec<String> {
        let text = form.text(field).unwrap_or_default();
        let parts = text.split(',').map(str::trim).filter(|t| !t.is_empty());
        parts.map(str::to_owned).collect()
    };
    let may = |act: Act| engine.allowed(act, name, person);
    let switch = match verb {
        "pause" => Some((Act::PauseWorkflow, Switch::Paused)),
        "resume" => Some((Act::ResumeWorkflow, Switch::Running)),
        "kill" => Some((Act::KillWorkflow, Switch::Killed)),
        _ => None,
    };
    if let Some((act, to)) = switch {
        may(act).await?;
        let row = engine.set_switch(name, to, &by, &reason).await?;
        return Ok(became(&row));
    }
    let row = match verb {
        "restrict" => {
            may(Act::PauseWorkflow).await?;
            let bad = || Problem::new("bad_request", "a share is a number from 0 to 100");
            let percent = form
                .text("percent")
                .map(|t| t.parse().map_err(|_| bad().field("percent")));
            let scope = Restriction {
                groups: list("groups"),
                departments: list("departments"),
                tiers: list("tiers"),
                types: list("types"),
                percent: percent.transpose()?,
                to_stage: query::word("to_stage", form.text("to_stage").as_deref())?,
            };
            let sure = form.text("sure").is_some();
            engine.restrict(name, scope, sure, &by, &reason).await?
        }
        "stage" => {
            may(Act::SetStage).await?;
            let missing = || Problem::new("bad_request", "which stage?").field("stage");
            let to: Stage =
                query::word("stage", form.text("stage").as_deref())?.ok_or_else(missing)?;
            let notice = form.text("notice");
            let before = engine.live(name).await?.0;
            let set = engine.set_stage(name, to, notice.as_deref(), &by, &reason);
            let row = set.await?;
            let open = engine.plan_blanks(&before, to).await?;
            return Ok(std::iter::once(became(&row))
                .chain(open)
                .collect::<Vec<_>>()
                .join("; "));
        }
        "retire" => {
            may(Act::KillWorkflow).await?;
            let open = open_work(form.text("open_work").as_deref())?;
            engine.retire(name, open, &by, &reason).await?
        }
        _ => {
            may(Act::ResumeWorkflow).await?;
            let decision = wished(form, reason)?;
            engine.decide_workflow(name, decision, person).await?;
            return Ok("The decision is on record".to_owned());
        }
    };
    Ok(became(&row))
}

/// The decision as the form has it.
fn wished(form: &PostForm, reason: String) -> Result<WorkflowDecision, Problem> {
    let missing = || Problem::new("bad_request", "what was decided?").field("decision");
    let word = form.text("decision");
    let choice: Choice = query::word("decision", word.as_deref())?.ok_or_else(missing)?;
    let text = |field: &str| form.text(field).unwrap_or_default();
    let lines = |field: &str| text(field).lines().map(str::to_owned).collect();
    let instead = form.text("supersedes");
    Ok(WorkflowDecision {
        choice,
        question: text("question"),
        evidence: text("evidence"),
        links: lines("links"),
        conditions: lines("conditions"),
        reason,
        supersedes: query::word("supersedes", instead.as_deref())?,
    })
}

/// How it stands after an act, in a sentence.
fn became(row: &Workflow) -> String {
    let stage = code(row.stage.word()).to_lowercase();
    let switch = code(row.switch.word()).to_lowercase();
    format!("{}: {switch}, stage {stage}", row.title)
}
