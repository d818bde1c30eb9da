//! Everything that is with the person who looks, or with somebody whose work they may see.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use tuesday_domain::id::FollowUpId;
use tuesday_domain::postmortem::follow_up::FollowUpEvent;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::FollowUp;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{Handoff, Handoffs};
use tuesday_store::FollowUpFilter;

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::{code, count, local, moment, plural, span};
use crate::auth::PostForm;
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

/// The oldest ones that are shown at first.
const SHOWN: usize = 60;

#[derive(Template)]
#[template(path = "handoffs.html")]
struct HandoffsPage {
    shell: Shell,
    problem: Option<Problem>,
    /// Of somebody else.
    of: Option<String>,
    total: String,
    overdue: usize,
    more: bool,
    rows: Vec<Row>,
    /// One for each kind of thing; none while there is one kind alone.
    tabs: Vec<Tab>,
    /// Where the rows are that this page leaves out.
    rest: Option<String>,
    /// Follow-ups that are this person's to end.
    own: Vec<Own>,
}

struct Tab {
    href: String,
    words: String,
    on: bool,
}

struct Row {
    kind: String,
    words: String,
    path: String,
    workflow: String,
    age: String,
    due: String,
    overdue: bool,
    next: &'static str,
}

struct Own {
    id: String,
    words: String,
    due: String,
    late: bool,
    place: String,
    href: String,
}

/// Whose list.
#[derive(Default, Deserialize)]
pub(crate) struct Whose {
    #[serde(default)]
    person: String,
    /// Only things of this kind.
    #[serde(default)]
    kind: String,
    /// Not only the oldest ones.
    #[serde(default)]
    all: bool,
}

impl Whose {
    fn address(&self, kind: &str, all: bool) -> String {
        let all = if all { "true" } else { "" };
        let pairs = [
            ("person", self.person.as_str()),
            ("kind", kind),
            ("all", all),
        ];
        format!("/handoffs{}", query::query(&pairs))
    }

    fn tabs(&self, items: &[Handoff]) -> Vec<Tab> {
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for h in items {
            *kinds.entry(h.kind).or_default() += 1;
        }
        if kinds.len() < 2 {
            return Vec::new();
        }
        let all = std::iter::once(("", items.len() as u64)).chain(kinds);
        let tab = |(kind, n): (&str, u64)| Tab {
            href: self.address(kind, false),
            words: match kind {
                "" => format!("All {}", count(n)),
                kind => format!("{} {}", code(kind), count(n)),
            },
            on: self.kind == kind,
        };
        all.map(tab).collect()
    }
}

fn row(h: Handoff, now: Timestamp) -> Row {
    let when = |text: &str| Timestamp::parse(text).ok();
    Row {
        kind: code(h.kind),
        words: h.words,
        path: h.path,
        workflow: h.workflow.unwrap_or_default(),
        age: when(&h.since)
            .map(|at| span(now.since(at)))
            .unwrap_or_default(),
        due: h
            .due_at
            .as_deref()
            .map(|at| moment(at, None))
            .unwrap_or_default(),
        overdue: h.overdue,
        next: h.next,
    }
}

fn own(f: FollowUp, now: Timestamp) -> Own {
    let (place, href) = match (&f.workflow, f.incident, f.postmortem) {
        (_, Some(id), _) => ("the incident".to_owned(), format!("/incidents/{id}")),
        (Some(name), None, Some(n)) => (
            format!("postmortem {n} of {name}"),
            format!("/workflows/{name}/postmortem?number={n}"),
        ),
        _ => (String::new(), String::new()),
    };
    Own {
        id: f.id.to_string(),
        words: f.words,
        late: f.due_at < now,
        due: local(f.due_at, None),
        place,
        href,
    }
}

/// The list.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(whose): Query<Whose>,
) -> Result<Response, PageError> {
    let person = match whose.person.as_str() {
        "" => visit.user.session.person.clone(),
        other => other.to_owned(),
    };
    drawn(&app, visit, &person, whose, None).await
}

async fn drawn(
    app: &App,
    visit: Visit,
    person: &str,
    whose: Whose,
    problem: Option<Problem>,
) -> Result<Response, PageError> {
    let me = visit.user.session.person.clone();
    let now = app.engine.now();
    let mut list: Handoffs = Box::pin(app.engine.handoffs(person)).await?;
    if me != person {
        // Of somebody else only what this reader may read anyway.
        list.items
            .retain(|h| h.workflow.as_deref().is_some_and(|w| visit.user.reads(w)));
    }
    let filter = FollowUpFilter {
        open: true,
        owner: Some(person.to_owned()),
        ..FollowUpFilter::default()
    };
    let own_ones = match me == person {
        true => app.engine.follow_ups(&filter).await?,
        false => Vec::new(),
    };
    let shell = visit.shell(app, "Handoffs", "handoffs", None).await?;
    let (total, overdue) = (
        plural(list.items.len() as u64, "thing"),
        list.items.iter().filter(|i| i.overdue).count(),
    );
    let tabs = whose.tabs(&list.items);
    list.items
        .retain(|h| whose.kind.is_empty() || h.kind == whose.kind);
    // What is over its time first; within both the oldest first, as it came.
    list.items.sort_by_key(|h| !h.overdue);
    let rest = !whose.all && list.items.len() > SHOWN;
    let shown = if whose.all { list.items.len() } else { SHOWN };
    html(&HandoffsPage {
        tabs,
        rest: rest.then(|| whose.address(&whose.kind, true)),
        shell,
        problem,
        of: (me != person).then(|| person.to_owned()),
        total,
        overdue,
        more: list.more,
        rows: list
            .items
            .into_iter()
            .take(shown)
            .map(|h| row(h, now))
            .collect(),
        own: own_ones.into_iter().map(|f| own(f, now)).collect(),
    })
}

/// Ends a follow-up of the person.
pub(crate) async fn end(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let by = form.user.session.person.clone();
    let note = form.text("note").unwrap_or_default();
    let id: Result<FollowUpId, Problem> = query::id(&id);
    let ended = match id {
        Ok(id) => {
            let ending = app
                .engine
                .end_follow_up(id, FollowUpEvent::Finish, &note, &by);
            ending.await.map(drop)
        }
        Err(problem) => Err(problem),
    };
    match ended {
        Ok(()) => {
            app.sessions.tell(&form.user, "Done.".to_owned());
            Ok(Redirect::to("/handoffs").into_response())
        }
        Err(problem) => {
            let visit = Visit::after(form.user, "/handoffs".to_owned(), &headers);
            drawn(&app, visit, &by, Whose::default(), Some(problem)).await
        }
    }
}
