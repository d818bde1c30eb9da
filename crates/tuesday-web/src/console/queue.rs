//! The queue: what waits for people, first due first, with its filter in the address.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Review;
use tuesday_store::{QueueFilter, QueuePlace};

use super::html;
use super::queue_view::{Place, overview, tell_due, view};
use super::shell::Shell;
use super::views::{Overview, QueueView};
use super::visit::Visit;
use super::worth;
use crate::auth::PostForm;
use crate::query::{self, own_path};
use crate::refusal::PageError;
use crate::state::App;

/// Rows of one page: more than anybody decides in a sitting, and small enough to redraw at once.
pub(super) const PAGE: usize = 80;

/// Filter and place in the queue, kept on every link.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct QueueQuery {
    /// `all`, `mine` or `free`.
    #[serde(default)]
    pub(super) who: String,
    #[serde(default)]
    pub(super) workflow: String,
    #[serde(default)]
    pub(super) tier: String,
    /// Handle of the task's owner.
    #[serde(default)]
    pub(super) owner: String,
    /// `overdue`, `hour`, `today` or `later`.
    #[serde(default)]
    pub(super) due: String,
    #[serde(default)]
    pub(super) q: String,
    #[serde(default)]
    pub(super) after: String,
    /// Which dialog is open, on pages without script.
    #[serde(default)]
    pub(crate) r#do: String,
}

impl QueueQuery {
    /// The filter as a query string, with the place `after`; empty or starting with `?`.
    pub(super) fn address(&self, after: &str) -> String {
        self.with("after", after)
    }

    /// The filter with one value changed.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let pick = |n: &'static str, own: &str| {
            let value = if n == name { value } else { own };
            (n, value.to_owned())
        };
        let pairs = [
            pick("who", &self.who),
            pick("workflow", &self.workflow),
            pick("tier", &self.tier),
            pick("owner", &self.owner),
            pick("due", &self.due),
            pick("q", &self.q),
            pick("after", if name == "after" { &self.after } else { "" }),
        ];
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (*n, v.as_str())).collect();
        query::query(&pairs)
    }

    /// Something narrows the queue.
    pub(super) fn narrows(&self) -> bool {
        let all = [&self.workflow, &self.tier, &self.owner, &self.due, &self.q];
        all.iter().any(|v| !v.is_empty()) || !(self.who.is_empty() || self.who == "all")
    }

    /// The filter for this person.
    fn filter(&self, visit: &Visit) -> Result<QueueFilter, Problem> {
        let me = visit.user.session.person.clone();
        let some = |text: &str| Some(text.to_owned()).filter(|t| !t.trim().is_empty());
        Ok(QueueFilter {
            workflow: visit.user.only(Some(self.workflow.clone())),
            among: visit.user.readable(),
            owner: some(&self.owner),
            mine: (self.who == "mine").then(|| me.clone()),
            me: Some(me),
            unclaimed: self.who == "free",
            tier: some(&self.tier),
            due: query::word("due", Some(&self.due))?,
            text: some(&self.q),
            ..QueueFilter::default()
        })
    }

    /// Where the page begins.
    fn place(&self) -> Result<Option<QueuePlace>, Problem> {
        query::word("after", Some(&self.after))
    }
}

#[derive(Template)]
#[template(path = "queue.html")]
pub(crate) struct QueuePage {
    pub(crate) shell: Shell,
    pub(crate) queue: QueueView,
    pub(crate) over: Overview,
}

/// The left column alone, for pages that keep it true.
#[derive(Template)]
#[template(path = "parts/queue.html")]
struct Rows {
    queue: QueueView,
}

/// The queue without a case.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(q): Query<QueueQuery>,
) -> Result<Response, PageError> {
    let filter = q.filter(&visit)?;
    let reader = app.engine.reader();
    let among = visit.user.readable();
    let values = async {
        let named = filter.workflow.as_deref();
        Ok(app.engine.team_values(among.as_deref(), named).await?)
    };
    let (column, shares, values) = tokio::try_join!(
        column(&app, &visit, &q, None),
        async { Ok(reader.review_counts(&filter).await?) },
        values
    )?;
    let shell = visit
        .shell(&app, "Review", "queue", filter.workflow)
        .await?;
    let mut over = overview(&q, &column, &shares, &shell.workflows);
    tell_due(&mut over, app.engine.now());
    over.worth = worth::rows(&values);
    html(&QueuePage {
        shell,
        queue: column.view,
        over,
    })
}

/// The left column as it is now.
pub(crate) async fn rows(
    State(app): State<App>,
    visit: Visit,
    Query(q): Query<QueueQuery>,
) -> Result<Response, PageError> {
    let column = column(&app, &visit, &q, None).await?;
    html(&Rows { queue: column.view })
}

/// The left column and the tasks in it.
pub(crate) struct Column {
    pub(crate) view: QueueView,
    pub(crate) tasks: Vec<Review>,
    pub(super) names: Vec<(String, String)>,
}

/// Reads the left column.
pub(crate) async fn column(
    app: &App,
    visit: &Visit,
    q: &QueueQuery,
    here: Option<&str>,
) -> Result<Column, PageError> {
    let reader = app.engine.reader();
    let (filter, after) = (q.filter(visit)?, q.place()?);
    let me = &visit.user.session.person;
    let times = app.engine.queue_times(filter.workflow.as_deref()).await;
    let (mut page, people, saved, workflows) = tokio::try_join!(
        async { Ok(reader.queue(&filter, times, after, PAGE).await?) },
        async { Ok(reader.people().await?) },
        async { Ok(reader.saved_views(me).await?) },
        visit.reach(app)
    )?;
    if filter.text.is_some() {
        let workflow = filter.workflow.as_deref();
        app.engine.may_search(&visit.user.rights, workflow).await?;
    }
    let rights = &visit.user.rights;
    app.engine.veil_queue(rights, &mut page.rows).await;
    let names: Vec<(String, String)> = people.into_iter().map(|p| (p.handle, p.name)).collect();
    let place = Place {
        q,
        me,
        here,
        now: times.now,
        csrf: &visit.user.session.csrf,
        names: &names,
        workflows: &workflows,
    };
    Ok(Column {
        view: view(&place, &page, &saved),
        tasks: page.rows.into_iter().map(|r| r.review).collect(),
        names,
    })
}

/// The tasks in the order of the list, without drawing it: what comes after a decision.
pub(crate) async fn order(
    app: &App,
    visit: &Visit,
    q: &QueueQuery,
) -> Result<Vec<Review>, PageError> {
    let filter = q.filter(visit)?;
    let times = app.engine.queue_times(filter.workflow.as_deref()).await;
    let reader = app.engine.reader();
    let mut rows = reader.queue_after(&filter, times, q.place()?, PAGE).await?;
    let rights = &visit.user.rights;
    app.engine.veil_queue(rights, &mut rows).await;
    Ok(rows.into_iter().map(|r| r.review).collect())
}

/// Keeps the filter under a name, or drops a name.
pub(crate) async fn save(State(app): State<App>, form: PostForm) -> Result<Response, PageError> {
    let me = form.user.session.person.clone();
    let filter = form.text("query").unwrap_or_default();
    let name = form.text("name").unwrap_or_default();
    if form.text("drop").is_some() {
        app.engine.drop_view(&me, &name).await?;
        app.sessions
            .tell(&form.user, format!("View dropped: {name}"));
    } else {
        app.engine.save_view(&me, &name, &filter).await?;
        app.sessions.tell(&form.user, format!("View saved: {name}"));
    }
    Ok(Redirect::to(own_path(&format!("/queue{filter}"))).into_response())
}
