//! All workflows side by side: what each is called beside what it does, and how far its evidence is.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tuesday_domain::charter::Sheet;
use tuesday_engine::ops::{CharterView, HubFact, HubLine};

use super::charter::{Badge, badge};
use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::code;
use crate::refusal::PageError;
use crate::state::App;

/// Workflows read at once: with many of them a page must not hold every reader of the store.
const AT_ONCE: usize = 4;

#[derive(Template)]
#[template(path = "hub.html")]
struct HubPage {
    shell: Shell,
    rows: Vec<Row>,
    /// Walls that postmortems of the last year were tagged with.
    walls: Vec<(String, u64)>,
}

struct Row {
    name: String,
    title: String,
    badge: Badge,
    stage: String,
    switch: String,
    switch_tone: &'static str,
    /// Charter and checklist: clean, of.
    charter: (usize, usize),
    checklist: (usize, usize),
    /// Role and name.
    owners: Vec<(&'static str, String)>,
    facts: Vec<(&'static str, HubFact)>,
    signs: Vec<Sign>,
    past: bool,
    /// What puts the label at risk, and where it is shown.
    at_risk: Option<(String, String)>,
    /// What would stop it first.
    wall: String,
    review_overdue: bool,
}

struct Sign {
    title: &'static str,
    like: &'static str,
    words: String,
    contradicted: bool,
}

/// Every workflow this person sees, with its line and what it may be called.
pub(super) async fn all(
    app: &App,
    visit: &Visit,
) -> Result<Vec<(CharterView, HubLine)>, PageError> {
    let engine = &app.engine;
    let (all, open) = tokio::try_join!(
        async { engine.reader().workflows().await.map_err(PageError::from) },
        async { Ok(engine.open_incidents().await?) },
    )?;
    let open = &open;
    let mine = all.into_iter().filter(|w| visit.user.reads(&w.name));
    let each = mine.map(|w| async move {
        let (charter, line) = tokio::try_join!(
            Box::pin(engine.charter(&w.name)),
            Box::pin(engine.hub_line(&w.name, open)),
        )?;
        Ok::<_, PageError>((charter, line))
    });
    stream::iter(each).buffered(AT_ONCE).try_collect().await
}

/// The page.
pub(crate) async fn page(State(app): State<App>, visit: Visit) -> Result<Response, PageError> {
    let engine = &app.engine;
    let rows = all(&app, &visit).await?.into_iter();
    let rows = rows.map(|(charter, line)| row(charter, line)).collect();
    let year = engine.now().minus(Duration::from_secs(365 * 86_400));
    let mut walls = std::collections::BTreeMap::new();
    for (_, wall, n) in engine.postmortem_causes(year).await? {
        *walls.entry(code(wall.word())).or_insert(0) += n;
    }
    let shell = visit.shell(&app, "Hub", "hub", None).await?;
    html(&HubPage {
        shell,
        rows,
        walls: walls.into_iter().collect(),
    })
}

fn row(view: CharterView, line: HubLine) -> Row {
    let share = |which: Sheet| view.sheet(which).map_or((0, 0), |s| (s.clean, s.of));
    let wall = view.walls.first().filter(|w| w.clean < w.of);
    let signs = view.signs.iter().map(|s| Sign {
        title: s.title,
        like: match (s.source, s.production) {
            ("open", _) => "nobody knows",
            (_, true) => "production",
            _ => "pilot",
        },
        words: s.words.clone(),
        contradicted: s.contradicted,
    });
    Row {
        badge: badge(&view.label),
        stage: code(view.stage),
        switch: code(view.switch),
        switch_tone: match view.switch {
            "running" => "ok",
            "killed" => "bad",
            _ => "warn",
        },
        charter: share(Sheet::Charter),
        checklist: share(Sheet::Checklist),
        wall: wall.map_or_else(
            || "none".to_owned(),
            |w| format!("{}, {} of {}", w.wall, w.clean, w.of),
        ),
        signs: signs.collect(),
        owners: line.owners,
        facts: vec![
            ("Health", line.health),
            ("Load", line.load),
            ("Value", line.value),
        ],
        past: view.past_the_pilot,
        at_risk: view.label.at_risk.map(|r| (r.words, r.path)),
        review_overdue: view.label.review_overdue,
        name: view.workflow,
        title: view.title,
    }
}
