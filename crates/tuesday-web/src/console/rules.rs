//! The decision table as ops people see it: edited in place, tried on past runs before it is saved,
//! put back in one act, and read by whoever decides next.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use tuesday_domain::access::Act;
use tuesday_domain::definition::Definition;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{RuleSetRow, RuleSetState};
use tuesday_domain::rules::{CellEdit, RuleSet, edit, parse, to_csv};
use tuesday_domain::time::{Timestamp, Zone};
use tuesday_engine::ops::{Backtest, BacktestWindow, RulesChange, RulesEdit};

use super::html;
use super::rules_check::{Found, found, sorted, told};
use super::rules_mapping::{self as mapping, MapCard};
use super::rules_parts::{self as parts, Changed, Preview, Rule, Version};
use super::shell::Shell;
use super::visit::Visit;
use super::words::local;
use crate::auth::{PostForm, User};
use crate::refusal::{PageError, status};
use crate::state::App;

/// Past runs that a change is tried on.
const TRIED: u64 = 10_000;

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage {
    shell: Shell,
    name: String,
    title: String,
    told: String,
    base: u64,
    /// Whether the reader may change the rules.
    edits: bool,
    /// Whether the reader may agree to a change of somebody else.
    agrees: bool,
    operator: String,
    /// Cells can be typed into; not while a whole file is looked at.
    types: bool,
    rules: Vec<Rule>,
    /// Mapped columns with their words.
    maps: Vec<MapCard>,
    /// The file that was given, and what it says differently.
    file: Option<String>,
    differs: Vec<Changed>,
    found: Vec<Found>,
    known: Vec<Found>,
    found_told: &'static str,
    reason: String,
    from: String,
    until: String,
    /// The zone that both are read in.
    zone: String,
    problem: Option<Problem>,
    notice: Option<String>,
    preview: Option<Preview>,
    unread: Option<Unread>,
    waiting: Vec<Version>,
    history: Vec<Version>,
}

struct Unread {
    version: u64,
    reason: String,
    by: String,
}

/// What the person typed and what came of it.
#[derive(Default)]
struct Typed {
    edits: Vec<CellEdit>,
    /// A whole file in place of single cells.
    file: Option<String>,
    reason: String,
    /// Wall-clock times in the workflow's zone, as typed.
    from: String,
    until: String,
    problem: Option<Problem>,
    notice: Option<String>,
    preview: Option<Backtest>,
}

impl Typed {
    fn edit(&self) -> RulesEdit {
        match &self.file {
            Some(text) => RulesEdit::Text(text.clone()),
            None => RulesEdit::Cells(self.edits.clone()),
        }
    }
}

/// The page.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let page = drawn(&app, &visit, &name, Typed::default()).await?;
    html(&page)
}

pub(super) fn table(row: &RuleSetRow) -> Result<RuleSet, Problem> {
    parse(&row.csv).map(|(rules, _)| rules).map_err(|_| {
        Problem::new(
            "record_damaged",
            format!("rules version {} cannot be read", row.version),
        )
    })
}

/// Whether the typed cells give exactly the table that was tried.
fn is_tried(rules: &RuleSet, edits: &[CellEdit], csv: &str) -> bool {
    edit(rules, edits)
        .ok()
        .and_then(|text| parse(&text).ok())
        .is_some_and(|(new, _)| to_csv(&new).trim() == csv.replace("\r\n", "\n").trim())
}

/// Tries the typed cells on past runs, or puts in force what was tried before. What was typed over
/// an older version is set on the one in force, and tried again before anything happens.
pub(crate) async fn post(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let active = app.engine.live_rules(&name).await?;
    let base = form.text("base").and_then(|b| b.parse().ok());
    let bad = || Problem::new("bad_request", "which version was edited?").field("base");
    let base: u64 = base.ok_or_else(bad)?;
    let rules = table(&active)?;
    let act = form.text("act").unwrap_or_default();
    let file = match act.as_str() {
        "upload" => Some(form.text("text").unwrap_or_default()),
        "save" if form.text("from_file").is_some() => form.text("csv"),
        _ => None,
    };
    let edits = if file.is_some() {
        Vec::new()
    } else if base == active.version {
        parts::edits(&form.fields, &rules)
    } else {
        let read = app.engine.reader().ruleset(&name, base).await?;
        parts::edits(&form.fields, &table(&read.ok_or_else(bad)?)?)
    };
    let from_file = file.is_some();
    let mut typed = Typed {
        edits,
        file,
        reason: form.text("reason").unwrap_or_default(),
        from: form.text("from").unwrap_or_default(),
        until: form.text("until").unwrap_or_default(),
        ..Typed::default()
    };
    if base != active.version {
        typed.notice = Some(format!(
            "Version {} came into force while you edited version {base}. Your values are set on top of it; read the rules again.",
            active.version
        ));
    } else if act == "save" {
        let csv = form.text("csv").unwrap_or_default();
        if from_file || is_tried(&rules, &typed.edits, &csv) {
            return Box::pin(save(&app, form, &name, &headers, base, typed)).await;
        }
        typed.notice = Some(
            "The values were changed after the test. This is the result of what you typed last."
                .to_owned(),
        );
    }
    Box::pin(tried(&app, form.user, &name, &headers, typed)).await
}

/// Puts the typed cells in force, or proposes them.
async fn save(
    app: &App,
    form: PostForm,
    name: &str,
    headers: &HeaderMap,
    base: u64,
    mut typed: Typed,
) -> Result<Response, PageError> {
    let by = form.user.session.person.clone();
    let zone = app.engine.live(name).await?.1.ready.zone.clone();
    let words = match planned(app, &zone, &typed) {
        Ok((starts_at, ends_at)) => {
            let change = RulesChange {
                base: Some(base),
                edit: typed.edit(),
                reason: typed.reason.clone(),
                starts_at,
                ends_at,
            };
            app.engine.change_rules(name, &by, change).await
        }
        Err(problem) => Err(problem),
    };
    if words.is_err() {
        // The test stays on the page, so that only what was wrong is to be done again.
        typed.preview = ask(app, name, &by, &typed.edit()).await.ok();
    }
    let words = words.map(|d| became(&d.row, &zone));
    done(app, form.user, name, headers, words, typed).await
}

/// From when and until when, where something was typed. A start that has passed is a mistake here,
/// where nobody asked for "at once".
fn planned(
    app: &App,
    zone: &Zone,
    typed: &Typed,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    let moment = |text: &str, field: &str| {
        let text = text.trim();
        (!text.is_empty())
            .then(|| zone.moment(text))
            .transpose()
            .map_err(|e| Problem::new("bad_request", e.to_string()).field(field))
    };
    let (from, until) = (moment(&typed.from, "from")?, moment(&typed.until, "until")?);
    if from.is_some_and(|from| from <= app.engine.now()) {
        return Err(Problem::new("bad_request", "the time to begin has passed")
            .field("from")
            .way_out("leave it empty to begin at once, or choose a later time"));
    }
    Ok((from, until))
}

async fn ask(app: &App, name: &str, by: &str, edit: &RulesEdit) -> Result<Backtest, Problem> {
    let window = BacktestWindow {
        last: Some(TRIED),
        days: None,
    };
    app.engine.backtest_rules(name, by, edit, window).await
}

/// The page with what past runs say.
async fn tried(
    app: &App,
    user: User,
    name: &str,
    headers: &HeaderMap,
    mut typed: Typed,
) -> Result<Response, PageError> {
    let mut code = axum::http::StatusCode::OK;
    match ask(app, name, &user.session.person, &typed.edit()).await {
        Ok(result) => typed.preview = Some(result),
        Err(problem) => {
            code = status(&problem);
            typed.problem = Some(problem);
        }
    }
    let visit = Visit::after(user, format!("/workflows/{name}/rules"), headers);
    let page = drawn(app, &visit, name, typed).await?;
    let mut answer = html(&page)?;
    *answer.status_mut() = code;
    Ok(answer)
}

fn became(row: &RuleSetRow, zone: &Zone) -> String {
    let held = parts::held(row, zone);
    match row.state {
        RuleSetState::Proposed => format!(
            "Version {} waits for {}",
            row.version,
            row.bound_owner.as_deref().unwrap_or("the bound owner")
        ),
        RuleSetState::Scheduled => format!("Version {} is planned: {held}", row.version),
        RuleSetState::Active if row.ends_at.is_some() => {
            format!("Version {} is in force {held}", row.version)
        }
        RuleSetState::Active => format!("Version {} is in force", row.version),
        state => format!("Version {} is {state}", row.version),
    }
}

/// Puts an earlier version back.
pub(crate) async fn rollback(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let bad = || Problem::new("bad_request", "which version is to come back?").field("to");
    let to = form
        .text("to")
        .and_then(|t| t.parse().ok())
        .ok_or_else(bad)?;
    let change = RulesChange {
        base: None,
        edit: RulesEdit::Version(to),
        reason: form.text("reason").unwrap_or_default(),
        starts_at: None,
        ends_at: None,
    };
    let by = form.user.session.person.clone();
    let words = app
        .engine
        .change_rules(&name, &by, change)
        .await
        .map(|d| format!("Version {} is in force", d.row.version));
    done(&app, form.user, &name, &headers, words, Typed::default()).await
}

/// The second person agrees or refuses.
pub(crate) async fn decide(
    State(app): State<App>,
    Path((name, version)): Path<(String, u64)>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let (by, reason) = (
        form.user.session.person.clone(),
        form.text("reason").unwrap_or_default(),
    );
    let engine = &app.engine;
    let words = if form.text("act").as_deref() == Some("approve") {
        engine.approve_rules(&name, version, &by, &reason).await
    } else {
        engine.refuse_rules(&name, version, &by, &reason).await
    };
    let zone = engine.live(&name).await?.1.ready.zone.clone();
    let words = words.map(|row| became(&row, &zone));
    done(&app, form.user, &name, &headers, words, Typed::default()).await
}

/// The author takes back a change that is not in force yet.
pub(crate) async fn withdraw(
    State(app): State<App>,
    Path((name, version)): Path<(String, u64)>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let by = form.user.session.person.clone();
    let reason = form.text("reason").unwrap_or_default();
    let words = app
        .engine
        .refuse_rules(&name, version, &by, &reason)
        .await
        .map(|row| format!("Version {} is withdrawn", row.version));
    done(&app, form.user, &name, &headers, words, Typed::default()).await
}

/// Whoever came from a case goes back to it; only to our own cases, whatever the form says.
pub(super) fn back_to_case(form: &PostForm) -> Option<String> {
    form.text("back").filter(|b| {
        let id = b.strip_prefix("/reviews/").unwrap_or_default();
        !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// The person has read the version in force.
pub(crate) async fn acknowledge(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let bad = || Problem::new("bad_request", "which version was read?").field("version");
    let version = form
        .text("version")
        .and_then(|t| t.parse().ok())
        .ok_or_else(bad)?;
    let by = form.user.session.person.clone();
    let words = app
        .engine
        .acknowledge_rules(&name, &by, version)
        .await
        .map(|_| "Noted: you may decide again".to_owned());
    if let (Ok(said), Some(back)) = (&words, back_to_case(&form)) {
        app.sessions.tell(&form.user, said.clone());
        return Ok(Redirect::to(&back).into_response());
    }
    done(&app, form.user, &name, &headers, words, Typed::default()).await
}

/// Back to the page with a word about what happened, or the page with what is in the way.
async fn done(
    app: &App,
    user: User,
    name: &str,
    headers: &HeaderMap,
    result: Result<String, Problem>,
    mut typed: Typed,
) -> Result<Response, PageError> {
    let address = format!("/workflows/{name}/rules");
    match result {
        Ok(words) => {
            app.sessions.tell(&user, words);
            Ok(Redirect::to(&address).into_response())
        }
        Err(problem) => {
            let code = status(&problem);
            typed.problem = Some(problem);
            let visit = Visit::after(user, address, headers);
            let page = drawn(app, &visit, name, typed).await?;
            let mut answer = html(&page)?;
            *answer.status_mut() = code;
            Ok(answer)
        }
    }
}

/// Who agrees to what lies past a soft bound.
pub(super) fn bound_owner(def: &Definition) -> String {
    let o = &def.owners;
    o.sponsor.as_ref().unwrap_or(&o.escalation).name.clone()
}

/// A change that the reader must have read before deciding again.
async fn news(
    app: &App,
    visit: &Visit,
    name: &str,
    def: &Definition,
) -> Result<Option<Unread>, PageError> {
    let user = &visit.user;
    if !user.rights.may(Act::DecideReview, name) {
        return Ok(None);
    }
    let news = app.engine.rules_news(name).await?;
    Ok(news
        .filter(|n| !n.known_to(&user.session.person))
        .map(|n| Unread {
            version: n.version,
            reason: n.reason,
            by: parts::person(def, &n.made_by),
        }))
}

async fn drawn(app: &App, visit: &Visit, name: &str, typed: Typed) -> Result<RulesPage, PageError> {
    let engine = &app.engine;
    let (w, release) = engine.live(name).await?;
    let active = engine.live_rules(name).await?;
    let (def, zone) = (&release.ready.def, &release.ready.zone);
    let (rights, person) = (&visit.user.rights, &visit.user.session.person);
    let all = engine.reader().rulesets(name).await?;
    let waits =
        |r: &RuleSetRow| matches!(r.state, RuleSetState::Proposed | RuleSetState::Scheduled);
    let versions = |waiting: bool| -> Vec<Version> {
        let some = all.iter().filter(|r| waits(r) == waiting);
        some.map(|r| parts::version(r, &all, def, zone, person))
            .collect()
    };
    let fault = typed
        .problem
        .as_ref()
        .and_then(|p| Some((p.field.as_deref()?, p.detail.as_str())));
    let owner = bound_owner(def);
    let in_force = table(&active)?;
    let given = typed.file.as_deref().and_then(|text| parse(text).ok());
    let differs = given
        .as_ref()
        .map(|(new, _)| parts::difference(&in_force, new));
    let findings = match &given {
        Some((_, findings)) => findings.clone(),
        None => parse(&active.csv).map(|(_, f)| f).unwrap_or_default(),
    };
    let shown = given.as_ref().map_or(&in_force, |(new, _)| new);
    let found: Vec<Found> = findings.iter().map(found).collect();
    let found_told = told(&found);
    let (found, known) = sorted(found);
    let shell = visit
        .shell(
            app,
            format!("Rules of {}", w.title),
            "workflows",
            Some(name.to_owned()),
        )
        .await?;
    Ok(RulesPage {
        shell,
        name: name.to_owned(),
        title: w.title.clone(),
        told: format!(
            "Version {} is in force, {} by {}.",
            active.version,
            local(active.created_at, Some(zone)),
            parts::person(def, &active.created_by)
        ),
        base: active.version,
        edits: rights.may(Act::EditRules, name),
        agrees: rights.may(Act::ApproveBounds, name),
        operator: def.owners.operator.name.clone(),
        types: rights.may(Act::EditRules, name) && given.is_none(),
        maps: mapping::cards(
            shown,
            &typed.edits,
            &engine.waiting_words(name).await?,
            zone,
        ),
        rules: parts::rules(shown, &typed.edits, fault, &owner),
        differs: differs.unwrap_or_default(),
        found_told,
        found,
        known,
        file: typed.file,
        preview: typed.preview.map(|tried| parts::preview(tried, &owner)),
        unread: news(app, visit, name, def).await?,
        waiting: versions(true),
        history: versions(false),
        reason: typed.reason,
        from: typed.from,
        until: typed.until,
        zone: def.workflow.time_zone.clone(),
        problem: typed.problem,
        notice: typed.notice,
    })
}
