//! What people decided about how work is done, and what was entered as spent: lists of the log and of the
//! ledger, newest first, cut into pages.

use tuesday_domain::problem::Problem;
use tuesday_domain::record::{CostEntry, Workflow};
use tuesday_store::{AuditFilter, EntryFilter};

use super::Making;
use super::page::{Block, Body, Cell, Link, Page, number, table};
use super::runs::Told;
use crate::console::changes;
use crate::console::shown::cash;
use crate::console::words::{code, count, plural};
use crate::refusal::read_problem;

/// Lines of a page.
const LINES: usize = 200;

/// The file of a list's page.
fn part(stem: &str, n: u32) -> String {
    if n > 1 {
        format!("{stem}-{n}.html")
    } else {
        format!("{stem}.html")
    }
}

fn around(stem: &str, n: u32, more: bool) -> Vec<Link> {
    let mut out = Vec::new();
    if n > 1 {
        out.push(Link::new("Newer", part(stem, n - 1)));
    }
    if more {
        out.push(Link::new("Older", part(stem, n + 1)));
    }
    out
}

impl Making<'_> {
    /// Every change of a workflow; with none, those of the whole instance.
    pub(super) async fn changes(&mut self, w: Option<&Workflow>) -> Result<(), Problem> {
        let filter = AuditFilter {
            workflow: w.map(|w| w.name.clone()),
            changes: true,
            ..AuditFilter::default()
        };
        let stem = w.map_or_else(
            || "changes".to_owned(),
            |w| format!("workflows/{}/changes", w.name),
        );
        let engine = self.engine;
        let read = |after| engine.reader().audit_page(&filter, after, LINES);
        let bound = Some(self.entries);
        let (mut rows, mut n) = (read(bound).await.map_err(read_problem)?, 1);
        loop {
            let next = match rows.last().and_then(|r| r.index) {
                Some(last) if rows.len() == LINES => {
                    read(Some(last)).await.map_err(read_problem)?
                }
                _ => Vec::new(),
            };
            let heads = vec!["When", "Who", "What", "Before and after", "Reason"];
            let cells = rows.iter().map(|r| changed(&changes::row(r), w.is_none()));
            let body = match rows.len() {
                0 => Body::Words("Nothing was changed.".to_owned()),
                _ => table(heads, cells.collect()),
            };
            self.page(&Page {
                name: part(&stem, n),
                title: w.map_or_else(
                    || "Decisions and changes".to_owned(),
                    |w| format!("{}: decisions and changes", w.title),
                ),
                sub: "What people changed about how work is done, newest first, with the reason they gave. Who decided a case stands on the page of its run."
                    .to_owned(),
                crumbs: w.map(|w| self.of(w)).into_iter().collect(),
                blocks: vec![Block::new("", body)],
                around: around(&stem, n, !next.is_empty()),
                at: self.at(),
            })?;
            if next.is_empty() {
                return Ok(());
            }
            (rows, n) = (next, n + 1);
        }
    }

    /// Model calls by month, and what was entered, shared costs too.
    pub(super) async fn costs(&mut self, w: &Workflow, told: &Told) -> Result<(), Problem> {
        let filter = EntryFilter {
            workflow: Some(w.name.clone()),
            shared: true,
            ..EntryFilter::default()
        };
        let stem = format!("workflows/{}/costs", w.name);
        let engine = self.engine;
        let read = |after| engine.reader().cost_entries(&filter, after, LINES);
        let (mut rows, mut n) = (read(None).await.map_err(read_problem)?, 1);
        loop {
            let next = match rows.last().map(|e| e.id) {
                Some(last) if rows.len() == LINES => {
                    read(Some(last)).await.map_err(read_problem)?
                }
                _ => Vec::new(),
            };
            let heads = vec!["Days", "Kind", "What for", "For whom", "Entered by", "Sum"];
            let body = match rows.len() {
                0 => Body::Words("Nobody entered anything.".to_owned()),
                _ => table(heads, rows.iter().map(entered).collect()),
            };
            let mut blocks = vec![Block::new("Entered by people", body)];
            if n == 1 {
                blocks.insert(0, calls(told));
            }
            self.page(&Page {
                name: part(&stem, n),
                title: format!("{}: costs", w.title),
                sub: "Measured for model calls, as entered for everything else. What is shared with other workflows is marked."
                    .to_owned(),
                crumbs: vec![self.of(w)],
                blocks,
                around: around(&stem, n, !next.is_empty()),
                at: self.at(),
            })?;
            if next.is_empty() {
                return Ok(());
            }
            (rows, n) = (next, n + 1);
        }
    }
}

fn changed(c: &changes::Changed, place: bool) -> Vec<Cell> {
    let mut details = c.moves.clone();
    details.extend(
        c.facts
            .iter()
            .map(|(name, value)| format!("{name}: {value}")),
    );
    let mut what = vec![c.what.clone()];
    if place {
        what.push(c.place.clone());
    }
    vec![
        Cell::from(c.at.as_str()),
        c.who.as_str().into(),
        what.into(),
        details.into(),
        c.reason.as_str().into(),
    ]
}

fn calls(told: &Told) -> Block {
    let rows = told.months.iter().rev().map(|(month, m)| {
        let sums = m
            .cost
            .iter()
            .map(|(currency, micros)| cash(*micros, currency));
        let missing = if m.unknown == 0 {
            String::new()
        } else {
            format!(
                "{} with a call whose cost nobody reported",
                plural(m.unknown, "run")
            )
        };
        let sums = Cell {
            lines: sums.collect(),
            number: true,
            ..Cell::default()
        };
        vec![
            month.as_str().into(),
            number(count(m.runs)),
            sums,
            missing.into(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let body = if rows.is_empty() {
        Body::Words("There were no runs.".to_owned())
    } else {
        table(vec!["Month", "Runs", "Model calls", "Not in the sum"], rows)
    };
    Block::new("Model calls", body)
}

fn entered(e: &CostEntry) -> Vec<Cell> {
    let days = if e.day_from == e.day_to {
        e.day_from.clone()
    } else {
        format!("{} to {}", e.day_from, e.day_to)
    };
    let sum = match (e.amount_micros, &e.currency, e.minutes) {
        (Some(n), Some(currency), _) => cash(n, currency),
        (_, _, Some(minutes)) => format!("{minutes} min"),
        _ => String::new(),
    };
    let mut kind = vec![code(e.category.word())];
    if e.workflow.is_none() {
        kind.push("shared".to_owned());
    }
    if e.reverses.is_some() {
        kind.push("takes an entry back".to_owned());
    }
    let whom = e.person.as_ref().or(e.vendor.as_ref());
    vec![
        days.into(),
        kind.into(),
        e.words.as_str().into(),
        whom.map_or("", String::as_str).into(),
        e.entered_by.as_str().into(),
        number(sum),
    ]
}
