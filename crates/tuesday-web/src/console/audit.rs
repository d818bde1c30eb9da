//! The audit log: newest entries, signed checkpoints, how to check them.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use tuesday_domain::access::Act;
use tuesday_domain::problem::Problem;
use tuesday_domain::time::{Timestamp, parse_day};
use tuesday_store::{AuditFilter, AuditRow, ReadError, StoreReader};

use super::html;
use super::shell::Shell;
use super::views::{Choice, Pager};
use super::visit::Visit;
use super::words::{author, code, count, local, moved, short};
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

const PAGE: usize = 50;
/// How many checkpoints the page shows; the API has all.
const HEADS: usize = 8;

/// The place in the list.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct AuditQuery {
    #[serde(default)]
    after: String,
    #[serde(default)]
    workflow: String,
    /// Exactly such as `run.accepted`.
    #[serde(default)]
    kind: String,
    /// Id of a run.
    #[serde(default)]
    run: String,
    /// Handle of a person.
    #[serde(default)]
    who: String,
    /// First and last day, UTC.
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

impl AuditQuery {
    fn address(&self, after: &str) -> String {
        let pairs = [
            ("workflow", self.workflow.as_str()),
            ("kind", &self.kind),
            ("run", &self.run),
            ("who", &self.who),
            ("from", &self.from),
            ("to", &self.to),
            ("after", after),
        ];
        format!("/audit{}", query::query(&pairs))
    }

    /// Something narrows the log.
    fn narrows(&self) -> bool {
        self.address("") != "/audit"
    }

    fn filter(&self, visit: &Visit) -> Result<AuditFilter, Problem> {
        let text = |t: &String| Some(t.trim().to_owned()).filter(|t| !t.is_empty());
        let run = text(&self.run).map(|t| query::id(&t)).transpose()?;
        Ok(AuditFilter {
            workflow: visit.user.only(Some(self.workflow.clone())),
            kind: text(&self.kind),
            run,
            from: day("from", &self.from, false)?,
            to: day("to", &self.to, true)?,
            ..AuditFilter::default()
        })
    }
}

/// The beginning of a day, or its end.
pub(super) fn day(
    field: &'static str,
    text: &str,
    end: bool,
) -> Result<Option<Timestamp>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let bad = |e: String| Problem::new("bad_request", e).field(field);
    let day = parse_day(text).map_err(|e| bad(e.to_string()))?;
    let start = Timestamp::parse(&format!("{day}T00:00:00Z")).map_err(|e| bad(e.to_string()))?;
    let later = std::time::Duration::from_secs(86_400);
    Ok(Some(if end { start.plus(later) } else { start }))
}

/// Entries looked through for one person before the page says how far it came.
const LOOKED: usize = 20_000;

/// A page of entries, and where the next one begins. The log has no column for the person, so their
/// entries are looked for among the others, a bounded number at a time.
async fn search(
    reader: &StoreReader,
    filter: &AuditFilter,
    who: &str,
    mut after: Option<u64>,
) -> Result<(Vec<AuditRow>, Option<u64>), ReadError> {
    if who.is_empty() {
        let rows = reader.audit_page(filter, after, PAGE).await?;
        let last = rows.last().filter(|_| rows.len() == PAGE);
        let next = last.and_then(|r| r.index);
        return Ok((rows, next));
    }
    let (mut out, mut looked) = (Vec::new(), 0);
    while looked < LOOKED {
        let rows = reader.audit_page(filter, after, 1_000).await?;
        let (full, n) = (rows.len() == 1_000, rows.len());
        for row in rows {
            after = row.index;
            if actor(&row.leaf) == who {
                out.push(row);
                if out.len() == PAGE {
                    return Ok((out, after));
                }
            }
        }
        looked += n;
        if !full {
            return Ok((out, None));
        }
    }
    Ok((out, after))
}

/// Handle of the person who did it; empty for others.
fn actor(leaf: &[u8]) -> String {
    let leaf: Value = serde_json::from_slice(leaf).unwrap_or(Value::Null);
    let actor = leaf
        .get("actor")
        .and_then(Value::as_str)
        .unwrap_or_default();
    actor.strip_prefix("person:").unwrap_or_default().to_owned()
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    shell: Shell,
    q: AuditQuery,
    narrows: bool,
    people: Vec<Choice>,
    /// The reader may take a bundle along, and this node can seal one.
    exports: bool,
    entries: Vec<EntryRow>,
    checkpoints: Vec<Head>,
    pager: Pager,
}

struct EntryRow {
    index: String,
    at: String,
    iso: String,
    actor: String,
    kind: String,
    moves: String,
    run: Option<String>,
    about: String,
}

struct Head {
    size: String,
    at: String,
    note: String,
}

/// The log, newest first.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(q): Query<AuditQuery>,
) -> Result<Response, PageError> {
    let bad = |_| Problem::new("bad_request", "`after` is not a number").field("after");
    let after = if q.after.is_empty() {
        None
    } else {
        Some(q.after.parse().map_err(bad)?)
    };
    let filter = q.filter(&visit)?;
    let reader = app.engine.reader();
    let ((rows, next), mut heads, people) = tokio::try_join!(
        search(reader, &filter, &q.who, after),
        reader.checkpoints(),
        reader.people()
    )?;
    let next = next.map(|i| q.address(&i.to_string()));
    heads.reverse();
    heads.truncate(HEADS);
    let checkpoints = heads
        .into_iter()
        .map(|c| Head {
            size: count(c.size),
            at: local(c.at, None),
            note: c.note,
        })
        .collect();
    let shell = visit.shell(&app, "Audit", "audit", None).await?;
    let pager = Pager {
        first: after.map(|_| q.address("")),
        next,
    };
    let choice = |p: tuesday_domain::record::Person| Choice {
        code: p.handle,
        words: p.name,
    };
    html(&AuditPage {
        shell,
        narrows: q.narrows(),
        people: people.into_iter().map(choice).collect(),
        exports: visit.user.may(Act::ExportAudit) && app.engine.log_key().is_some(),
        q,
        entries: rows.iter().map(row).collect(),
        checkpoints,
        pager,
    })
}

fn row(r: &AuditRow) -> EntryRow {
    let leaf: Value = serde_json::from_slice(&r.leaf).unwrap_or(Value::Null);
    let moves = leaf
        .get("moves")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let run = r.run.map(|id| id.to_string());
    EntryRow {
        index: r.index.map(count).unwrap_or_default(),
        at: local(r.at, None),
        iso: r.at.rfc3339(),
        actor: leaf
            .get("actor")
            .and_then(Value::as_str)
            .map(author)
            .unwrap_or_default()
            .replace('_', " "),
        kind: code(&r.kind.replace('.', " ")),
        moves: moves.map(moved).collect::<Vec<_>>().join(", "),
        about: run
            .as_deref()
            .map(short)
            .or_else(|| r.workflow.clone())
            .unwrap_or_else(|| "this instance".to_owned()),
        run,
    }
}
