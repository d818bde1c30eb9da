//! The queue: what waits for people, first due first.

use std::time::Duration;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use tuesday_domain::record::Review;
use tuesday_domain::review::ReviewState;
use tuesday_domain::time::Timestamp;
use tuesday_store::QueueFilter;

use super::html;
use super::shell::{Shell, initials};
use super::views::{Claim, QueueGroup, QueueRow, QueueView, Tab};
use super::visit::Visit;
use super::words::{due, plural};
use crate::api::reviews::{after_of, cursor};
use crate::query::{self, MAX_PAGE};
use crate::refusal::PageError;
use crate::state::App;

/// Filter and place in the queue, kept on every link.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct QueueQuery {
    /// `all`, `mine` or `free`.
    #[serde(default)]
    who: String,
    #[serde(default)]
    workflow: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    after: String,
    /// Which dialog is open, on pages without script.
    #[serde(default)]
    pub(crate) r#do: String,
}

#[derive(Template)]
#[template(path = "queue.html")]
pub(crate) struct QueuePage {
    pub(crate) shell: Shell,
    pub(crate) queue: QueueView,
    pub(crate) headline: String,
    pub(crate) told: String,
    pub(crate) first: Option<String>,
}

/// The queue without a case.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(q): Query<QueueQuery>,
) -> Result<Response, PageError> {
    let (queue, tasks) = column(&app, &visit, &q, None).await?;
    let shell = visit.shell(&app, "Review", "queue", None).await?;
    let first = tasks.first().map(|t| t.id.to_string());
    let (headline, told) = match tasks.len() as u64 {
        0 => (
            "Nothing is waiting".to_owned(),
            "Cases come here when a rule, a check or a missing value asks for a person.".to_owned(),
        ),
        n => (
            format!("{} on this page", plural(n, "case")),
            "First due first. Open one, or press J.".to_owned(),
        ),
    };
    html(&QueuePage {
        shell,
        queue,
        headline,
        told,
        first,
    })
}

/// The left column, and the tasks in it.
pub(crate) async fn column(
    app: &App,
    visit: &Visit,
    q: &QueueQuery,
    here: Option<&str>,
) -> Result<(QueueView, Vec<Review>), PageError> {
    let me = visit.user.session.person.as_str();
    let workflow = visit.user.only(Some(q.workflow.clone()));
    let filter = QueueFilter {
        workflow: workflow.clone(),
        claimed_by: (q.who == "mine").then(|| me.to_owned()),
        states: if q.who == "free" {
            vec![ReviewState::Open]
        } else {
            Vec::new()
        },
        text: (!q.q.is_empty()).then(|| q.q.clone()),
        ..QueueFilter::default()
    };
    let after = if q.after.is_empty() {
        None
    } else {
        Some(cursor(&q.after)?)
    };
    let reader = app.engine.reader();
    let mut tasks = reader.review_page(&filter, after, MAX_PAGE).await?;
    let more = (tasks.len() == MAX_PAGE)
        .then(|| tasks.last().map(after_of))
        .flatten();
    tasks.retain(|t| visit.user.reads(&t.workflow));
    let people = reader.people().await?;
    let now = app.engine.now();
    let name = |h: &str| {
        people
            .iter()
            .find(|p| p.handle == h)
            .map_or_else(|| h.to_owned(), |p| p.name.clone())
    };
    let rows: Vec<(Timestamp, QueueRow)> = tasks
        .iter()
        .map(|t| (t.due_at, row(t, now, me, here, &name)))
        .collect();
    let address = |after: &str| {
        query::query(&[
            ("who", &q.who),
            ("workflow", &q.workflow),
            ("q", &q.q),
            ("after", after),
        ])
    };
    let next = more;
    let view = QueueView {
        tabs: tabs(q),
        who: q.who.clone(),
        workflow,
        find: q.q.clone(),
        foot: if next.is_some() {
            format!("first {MAX_PAGE} shown")
        } else {
            plural(rows.len() as u64, "case")
        },
        groups: groups(rows, now),
        suffix: address(&q.after),
        next: next.map(|after| format!("/queue{}", address(&after))),
    };
    Ok((view, tasks))
}

/// The three ways to look at the queue, with the rest of the filter kept.
fn tabs(q: &QueueQuery) -> Vec<Tab> {
    let tab = |who: &str, words: &str, on| Tab {
        href: format!(
            "/queue{}",
            query::query(&[("who", who), ("workflow", &q.workflow), ("q", &q.q)])
        ),
        words: words.to_owned(),
        on,
    };
    vec![
        tab("", "All", q.who.is_empty() || q.who == "all"),
        tab("mine", "Mine", q.who == "mine"),
        tab("free", "Free", q.who == "free"),
    ]
}

fn row(
    t: &Review,
    now: Timestamp,
    me: &str,
    here: Option<&str>,
    name: &impl Fn(&str) -> String,
) -> QueueRow {
    let left = due(t.due_at, now);
    let id = t.id.to_string();
    QueueRow {
        subject: t.subject.clone(),
        reason: t
            .reasons
            .first()
            .map(|r| super::words::reason(r).to_owned())
            .unwrap_or_else(|| super::words::code(t.reason.word())),
        left: left.words,
        tone: left.tone,
        claim: t.claimed_by.as_deref().map(|h| Claim {
            name: name(h),
            initials: initials(&name(h)),
            me: h == me,
        }),
        here: here == Some(id.as_str()),
        id,
    }
}

fn groups(rows: Vec<(Timestamp, QueueRow)>, now: Timestamp) -> Vec<QueueGroup> {
    let soon = now.plus(Duration::from_secs(3_600));
    let mut groups = [
        ("Overdue", Vec::new()),
        ("Due within the hour", Vec::new()),
        ("Later", Vec::new()),
    ];
    for (due, row) in rows {
        let group = if due < now {
            0
        } else {
            usize::from(due >= soon) + 1
        };
        groups[group].1.push(row);
    }
    groups
        .into_iter()
        .filter(|(_, rows)| !rows.is_empty())
        .map(|(title, rows)| QueueGroup { title, rows })
        .collect()
}
