//! Several alike cases at once: what would happen to each is shown first, and what became of each after.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::review::ReviewState;
use tuesday_engine::ops::{Case, Together};

use super::case_parts::write;
use super::decide::Happened;
use super::html;
use super::shell::Shell;
use super::views::{Before, Choice, WriteView};
use super::visit::Visit;
use super::words::{code, due, plural};
use crate::auth::PostForm;
use crate::query::{self, own_path};
use crate::refusal::PageError;
use crate::state::App;
use crate::verbs::{self, Verb};

/// What is done to all of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Approve,
    Reject,
    Give,
    Release,
}

impl std::str::FromStr for Act {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "approve" => Self::Approve,
            "reject" => Self::Reject,
            "give" => Self::Give,
            "release" => Self::Release,
            other => {
                return Err(format!(
                    "`{other}` is not one of approve, reject, give, release"
                ));
            }
        })
    }
}

impl Act {
    const fn code(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Give => "give",
            Self::Release => "release",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Approve => "Approve",
            Self::Reject => "Reject",
            Self::Give => "Give away",
            Self::Release => "Release",
        }
    }
}

/// One of the cases.
struct Item {
    id: String,
    revision: u32,
    subject: String,
    owner: String,
    due: String,
    due_tone: &'static str,
    /// What approving writes.
    writes: Vec<WriteView>,
    /// What happens, where nothing is written.
    what: String,
    /// Why it is left out, or what went wrong.
    why: Option<String>,
    /// What became of it.
    done: String,
}

#[derive(Template)]
#[template(path = "together.html")]
struct TogetherPage {
    shell: Shell,
    act: Act,
    title: String,
    back: String,
    /// Those it is about; after it was done, those it was done to.
    items: Vec<Item>,
    /// Those it is not about, each with the reason.
    out: Vec<Item>,
    checklist: Vec<String>,
    reasons: Vec<Choice>,
    people: Vec<Choice>,
    problem: Option<Problem>,
    /// It has happened.
    done: bool,
}

/// The selected cases with what would happen to each.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let asked = asked(&pairs)?;
    let page = prepare(&app, &visit, &asked).await?;
    html(&page)
}

/// Does it to each, and says what became of each.
pub(crate) async fn post(
    State(app): State<App>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let asked = asked(&form.fields)?;
    let PostForm { user, fields } = form;
    let visit = Visit::after(user, String::new(), &headers);
    let mut page = prepare(&app, &visit, &asked).await?;
    let text = |name: &str| {
        let found = fields
            .iter()
            .find(|(n, v)| n == name && !v.trim().is_empty());
        found.map(|(_, v)| v.trim().to_owned())
    };
    let wanted = Wanted {
        reason: text("reason").unwrap_or_default(),
        note: text("note"),
        to: text("to").unwrap_or_default(),
        checklist: fields
            .iter()
            .filter(|(n, _)| n == "checklist")
            .map(|(_, v)| v.clone())
            .collect(),
    };
    match carry_out(&app, &visit, asked.act, &page.items, wanted).await {
        Ok(results) => {
            page.title = told(asked.act, &results);
            page.done = true;
            sort(&mut page, results);
        }
        Err(problem) => page.problem = Some(problem),
    }
    html(&page)
}

/// What a form said about all of them.
struct Wanted {
    reason: String,
    note: Option<String>,
    to: String,
    checklist: Vec<String>,
}

/// Which act on which tasks, and where it was asked from.
struct Asked {
    act: Act,
    items: Vec<(ReviewId, u32)>,
    back: String,
}

fn asked(pairs: &[(String, String)]) -> Result<Asked, Problem> {
    let first = |name: &str| {
        pairs
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    let act = query::word("act", first("act"))?
        .ok_or_else(|| Problem::new("bad_request", "say what to do").field("act"))?;
    let mut seen = BTreeSet::new();
    let mut items = Vec::new();
    for (_, pick) in pairs.iter().filter(|(n, _)| n == "pick") {
        let (id, revision) = pick.rsplit_once('.').unwrap_or((pick, ""));
        let bad = || Problem::new("bad_request", format!("`{pick}` names no task")).field("pick");
        let (id, revision): (ReviewId, u32) =
            (query::id(id)?, revision.parse().map_err(|_| bad())?);
        if seen.insert(id) {
            items.push((id, revision));
        }
    }
    if items.is_empty() || items.len() > super::queue::PAGE {
        let words = format!("select between 1 and {} cases", super::queue::PAGE);
        return Err(Problem::new("bad_request", words).way_out("go back and select some"));
    }
    let back = own_path(&format!("/queue{}", first("back").unwrap_or_default())).to_owned();
    Ok(Asked { act, items, back })
}

async fn prepare(app: &App, visit: &Visit, asked: &Asked) -> Result<TogetherPage, PageError> {
    let (me, now) = (&visit.user.session.person, app.engine.now());
    let refused = match asked.act {
        Act::Approve | Act::Reject => {
            let approve = asked.act == Act::Approve;
            let items = &asked.items;
            Box::pin(app.engine.left_out(me, items, approve)).await?
        }
        Act::Give | Act::Release => vec![None; asked.items.len()],
    };
    let (mut items, mut out, mut first) = (Vec::new(), Vec::new(), None);
    for (&(id, revision), refused) in asked.items.iter().zip(refused) {
        let case = Box::pin(app.engine.case(id)).await?;
        visit.user.sees(&case.review.workflow)?;
        let why = refused
            .map(|p| sentence(&p))
            .or_else(|| held(&case, me, asked.act));
        let item = item(&case, revision, asked.act, now, why);
        if item.why.is_some() {
            out.push(item);
        } else {
            items.push(item);
            first.get_or_insert(case);
        }
    }
    let n = items.len() as u64;
    let title = format!("{} {}", asked.act.words(), plural(n, "case"));
    let shell = visit.shell(app, title.clone(), "queue", None).await?;
    let tier = first.as_ref().and_then(|c| c.tier.as_ref());
    Ok(TogetherPage {
        shell,
        act: asked.act,
        title,
        back: asked.back.clone(),
        items,
        out,
        checklist: tier.map(|t| t.checklist.clone()).unwrap_or_default(),
        reasons: first
            .iter()
            .flat_map(|c| &c.reasons_list)
            .map(|r| choice(r, code(r)))
            .collect(),
        people: first
            .iter()
            .flat_map(|c| &c.people)
            .map(|(h, n)| choice(h, n.clone()))
            .collect(),
        problem: None,
        done: false,
    })
}

fn choice(code: &str, words: String) -> Choice {
    Choice {
        code: code.to_owned(),
        words,
    }
}

/// Why a task cannot be given away or released, as far as its row says.
fn held(case: &Case, me: &str, act: Act) -> Option<String> {
    let r = &case.review;
    if r.state.is_decided() {
        return Some(format!(
            "It is decided: {}.",
            code(r.state.word()).to_lowercase()
        ));
    }
    let mine = r.state == ReviewState::Claimed && r.claimed_by.as_deref() == Some(me);
    (act == Act::Release && !mine).then(|| "You are not on it.".to_owned())
}

fn item(
    case: &Case,
    revision: u32,
    act: Act,
    now: tuesday_domain::time::Timestamp,
    why: Option<String>,
) -> Item {
    let left = due(case.review.due_at, now);
    let writes = case.writes.iter().filter(|_| act == Act::Approve);
    let more = case.review.approvals_needed.saturating_sub(1)
        > u32::try_from(case.review.approved_by.len()).unwrap_or(u32::MAX);
    let what = match act {
        Act::Approve if more => {
            "Your approval counts; one more person is needed before anything is written."
        }
        Act::Approve if case.writes.is_empty() => "Nothing is written.",
        Act::Approve => "",
        Act::Reject => "Nothing is written and nothing is sent. It goes to its next place.",
        Act::Give => "It gets another owner; due time and age stay.",
        Act::Release => "Nobody is on it any more; its owner stays.",
    };
    Item {
        id: case.review.id.to_string(),
        revision,
        subject: case.review.subject.clone(),
        owner: case.owner_name.clone(),
        due: left.words,
        due_tone: left.tone,
        writes: writes.map(|w| write(w, &case.items)).collect(),
        what: what.to_owned(),
        why,
        done: String::new(),
    }
}

/// A refusal as one sentence.
fn sentence(p: &Problem) -> String {
    let mut words = p.detail.trim_end_matches('.').to_owned();
    if let Some(first) = words.get(..1).map(str::to_uppercase) {
        words.replace_range(..1, &first);
    }
    match &p.way_out {
        Some(way) => format!("{words}; {}.", way.trim_end_matches('.')),
        None => format!("{words}."),
    }
}

/// What became of each, in order.
type Results = Vec<Result<String, String>>;

async fn carry_out(
    app: &App,
    visit: &Visit,
    act: Act,
    items: &[Item],
    wanted: Wanted,
) -> Result<Results, Problem> {
    let me = &visit.user.session.person;
    let mut ids: Vec<(ReviewId, u32)> = Vec::with_capacity(items.len());
    for item in items {
        ids.push((query::id(&item.id)?, item.revision));
    }
    if ids.is_empty() {
        return Err(Problem::new("bad_request", "none of them can be done"));
    }
    let what = match act {
        Act::Approve => Together::Approve {
            checklist: wanted.checklist,
        },
        Act::Reject => Together::Reject {
            reason: wanted.reason,
        },
        Act::Give | Act::Release => {
            let mut out = Vec::with_capacity(ids.len());
            for (id, revision) in ids {
                let verb = match act {
                    Act::Give => Verb::Reassign {
                        to: wanted.to.clone(),
                        reason: wanted.note.clone().unwrap_or_default(),
                        revision: Some(revision),
                    },
                    _ => Verb::Release,
                };
                let done = Box::pin(verbs::act(&app.engine, id, me, &verb)).await;
                out.push(match done {
                    Ok(done) => Ok(Happened::of(&verb, done).words),
                    Err(p) => Err(sentence(&p)),
                });
            }
            return Ok(out);
        }
    };
    let done = app
        .engine
        .decide_many(me, &ids, &what, wanted.note.as_deref());
    let done = Box::pin(done).await?;
    Ok(done
        .into_iter()
        .map(|(_, done)| match done {
            Ok(d) if d.approvals_left > 0 => {
                Ok("Your approval counts; one more person is needed.".to_owned())
            }
            Ok(d) => Ok(code(d.review.state.word())),
            Err(p) => Err(sentence(&p)),
        })
        .collect())
}

fn told(act: Act, results: &Results) -> String {
    let n = results.iter().filter(|r| r.is_ok()).count() as u64;
    let done = match act {
        Act::Approve => "approved",
        Act::Reject => "rejected",
        Act::Give => "given away",
        Act::Release => "released",
    };
    format!("{} of {} {done}", n, plural(results.len() as u64, "case"))
}

/// Puts those that went wrong to those that were left out.
fn sort(page: &mut TogetherPage, results: Results) {
    let items = std::mem::take(&mut page.items);
    for (mut item, result) in items.into_iter().zip(results) {
        match result {
            Ok(words) => {
                item.done = words;
                page.items.push(item);
            }
            Err(why) => {
                item.why = Some(why);
                page.out.push(item);
            }
        }
    }
}
