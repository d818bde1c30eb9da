//! One workflow: its steps with their owners, its rules as a table, its releases.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use tuesday_domain::definition::Definition;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Release, ReleaseState, RuleSetRow, Workflow};
use tuesday_domain::rules::{Route, RuleSet, parse};
use tuesday_domain::workflow::Switch;

use super::html;
use super::seeds::{self, SeedsView};
use super::shadow::{self, ShadowView};
use super::shell::{Shell, initials};
use super::standing::{self, StandingCard};
use super::views::{Pair, pair};
use super::visit::Visit;
use super::words::{code, local, plural};
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "workflow.html")]
struct WorkflowPage {
    shell: Shell,
    name: String,
    standing: StandingCard,
    problem: Option<Problem>,
    title: String,
    about: String,
    label: String,
    /// What puts the label at risk, and where it is shown.
    at_risk: Option<(String, String)>,
    stage: String,
    switch: String,
    switch_tone: &'static str,
    facts: Vec<Pair>,
    steps: Vec<MapStep>,
    rules_told: String,
    columns: Vec<String>,
    rules: Vec<RuleRow>,
    people: Vec<Pair>,
    releases: Vec<ReleaseRow>,
    /// Known errors, for who may place them.
    seeds: Option<SeedsView>,
    /// Shadow runs beside what people did, when there are any.
    shadow: Option<ShadowView>,
    /// Templates that nobody keeps.
    unkept: Vec<String>,
    /// What people owe since an emergency or a change of a policy, with the address of each.
    owed: Vec<(String, String)>,
}

struct MapStep {
    title: &'static str,
    told: String,
    owner: String,
    initials: String,
}

struct RuleRow {
    id: String,
    cells: Vec<String>,
    tone: &'static str,
    route: String,
    reason: String,
}

struct ReleaseRow {
    number: u32,
    tone: &'static str,
    state: String,
    made: String,
    hash: String,
}

/// One workflow.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    drawn(&app, visit, &name, None).await
}

/// The page, with what was refused a moment ago.
pub(super) async fn drawn(
    app: &App,
    visit: Visit,
    name: &str,
    problem: Option<Problem>,
) -> Result<Response, PageError> {
    let reader = app.engine.reader();
    let (w, known) = app.workflow(name).await?;
    let (rules, releases) =
        tokio::try_join!(reader.ruleset(name, w.rules_version), reader.releases(name))?;
    let row = rules.ok_or_else(|| {
        Problem::new("record_damaged", "the decision table in force is not there")
    })?;
    let (table, _) = parse(&row.csv).map_err(|_| {
        Problem::new(
            "record_damaged",
            "the decision table in force cannot be read",
        )
    })?;
    let def = &known.def;
    let zone = Some(&known.zone);
    let seeds = seeds::view(app, &visit.user, name, def).await?;
    let shadow = shadow::view(app, &visit.user, name, &known.zone).await?;
    let shell = visit
        .shell(app, w.title.clone(), "workflow", Some(name.to_owned()))
        .await?;
    let standing = standing::card(app, &visit, &w, (&def.rollout.scope, &known.zone)).await?;
    let (unkept, owed) = super::duties::of_workflow(app, name).await?;
    let page = WorkflowPage {
        unkept,
        owed,
        shell,
        standing,
        problem,
        title: w.title.clone(),
        about: def.workflow.about.clone(),
        label: format!("Label {}", w.label),
        at_risk: at_risk(app, &w).await?,
        stage: format!("Stage {}", code(w.stage.word()).to_lowercase()),
        switch: code(w.switch.word()),
        switch_tone: if w.switch == Switch::Running {
            "ok"
        } else {
            "warn"
        },
        facts: vec![
            pair("Time zone", def.workflow.time_zone.clone()),
            pair("Model", def.model.pin.clone()),
            pair("Review within", def.review.due.to_string()),
            pair("Deadline", def.limits.deadline.to_string()),
            pair("Installed", local(w.installed_at, zone)),
            pair("Help", def.workflow.support.clone()),
        ],
        steps: map(def),
        rules_told: told(&row, &known.zone),
        columns: table
            .columns()
            .iter()
            .map(|c| {
                c.unit()
                    .map_or_else(|| c.name.clone(), |u| format!("{} ({u})", c.name))
            })
            .collect(),
        rules: rows(&table),
        people: people(def),
        releases: releases.iter().map(|r| release(r, &known.zone)).collect(),
        seeds,
        shadow,
        name: name.to_owned(),
    };
    let mut answer = html(&page)?;
    if let Some(problem) = &page.problem {
        *answer.status_mut() =
            StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::CONFLICT);
    }
    Ok(answer)
}

/// What puts the label at risk, and where it is shown.
async fn at_risk(app: &App, w: &Workflow) -> Result<Option<(String, String)>, PageError> {
    let found = app.engine.label_at_risk(w).await?;
    Ok(found.map(|r| (r.words, r.path)))
}

fn told(row: &RuleSetRow, zone: &tuesday_domain::time::Zone) -> String {
    format!(
        "version {}, {} by {}. First match wins.",
        row.version,
        local(row.created_at, Some(zone)),
        row.created_by.trim_start_matches("person:")
    )
}

/// The colour of a route.
pub(super) const fn tone(route: Route) -> &'static str {
    match route {
        Route::Auto => "ok",
        Route::Review => "warn",
        Route::Manual => "esc",
        Route::Excluded | Route::Refuse => "bad",
    }
}

/// Where a row sends a run, in words.
pub(super) fn then(r: &tuesday_domain::rules::Row) -> String {
    match &r.review_tier {
        Some(tier) => format!("a person: {tier}"),
        None => way(r.route).to_owned(),
    }
}

/// A route in the words that every page uses for it.
pub(super) const fn way(route: Route) -> &'static str {
    match route {
        Route::Auto => "without a person",
        Route::Review => "a person",
        Route::Manual => "by hand",
        Route::Excluded => "excluded",
        Route::Refuse => "refused",
    }
}

fn rows(table: &RuleSet) -> Vec<RuleRow> {
    let rows = table.rows().iter().map(|r| RuleRow {
        id: r.id.clone(),
        cells: r.cells.iter().map(|c| c.text().to_owned()).collect(),
        tone: tone(r.route),
        route: then(r),
        reason: r.reason.clone().unwrap_or_default(),
    });
    rows.collect()
}

fn map(def: &Definition) -> Vec<MapStep> {
    let step = |title, told: String, owner: &str| MapStep {
        title,
        told,
        owner: owner.to_owned(),
        initials: initials(owner),
    };
    let (operator, technical) = (
        def.owners.operator.name.as_str(),
        def.owners.technical.name.as_str(),
    );
    let systems = |list: Vec<&str>| {
        if list.is_empty() {
            "nothing".to_owned()
        } else {
            list.join(", ")
        }
    };
    let name = |handle: &str| {
        def.owners
            .people()
            .iter()
            .find(|p| p.handle == handle)
            .map_or_else(|| handle.to_owned(), |p| p.name.clone())
    };
    let reviewer = def
        .review
        .tier
        .first()
        .map_or_else(|| operator.to_owned(), |t| name(&t.owner));
    vec![
        step(
            "Event",
            systems(def.trigger.iter().map(|t| t.name.as_str()).collect()),
            technical,
        ),
        step(
            "Inputs",
            systems(def.source.iter().map(|s| s.system.as_str()).collect()),
            technical,
        ),
        step(
            "Model",
            format!("{}, {}", def.model.kind.word(), def.model.pin),
            technical,
        ),
        step(
            "Checks",
            format!(
                "schema, {}",
                plural(def.check.len() as u64, "declared check")
            ),
            technical,
        ),
        step("Rules", plural(def.facts.len() as u64, "value"), operator),
        step(
            "Review",
            plural(def.review.tier.len() as u64, "tier"),
            &reviewer,
        ),
        step(
            "Written",
            systems(def.action.iter().map(|a| a.system.as_str()).collect()),
            technical,
        ),
        step(
            "By hand",
            def.manual.instructions.clone(),
            &name(&def.manual.owner),
        ),
    ]
}

fn people(def: &Definition) -> Vec<Pair> {
    let o = &def.owners;
    let mut out = vec![
        pair("Operator", o.operator.name.clone()),
        pair("Backup", o.backup.name.clone()),
        pair("Technical", o.technical.name.clone()),
        pair("Escalation", o.escalation.name.clone()),
    ];
    out.extend(o.sponsor.as_ref().map(|p| pair("Sponsor", p.name.clone())));
    if !o.reviewers.is_empty() {
        out.push(pair(
            "Reviewers",
            o.reviewers
                .iter()
                .map(|p| p.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        ));
    }
    out
}

fn release(r: &Release, zone: &tuesday_domain::time::Zone) -> ReleaseRow {
    ReleaseRow {
        number: r.number,
        tone: match r.state {
            ReleaseState::Live => "ok",
            ReleaseState::Blocked | ReleaseState::RolledBack => "bad",
            _ => "plain",
        },
        state: code(r.state.word()),
        made: local(r.created_at, Some(zone)),
        hash: hex::encode(&r.hash[..6]),
    }
}
