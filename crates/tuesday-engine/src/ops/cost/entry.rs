//! Somebody enters what the runs do not say: invoices, hours of upkeep and support, what leaving costs.
//! Nothing is changed afterwards; a wrong entry is taken back by another one.

use std::collections::BTreeSet;

use tuesday_domain::actor::Actor;
use tuesday_domain::id::CostEntryId;
use tuesday_domain::ledger::entry::{NewCost, beyond_a_day, fault};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, CostEntry, MoneyChange, Subject};
use tuesday_domain::time::Timestamp;
use tuesday_store::EntryFilter;

use super::unbookable;
use crate::engine::{Engine, read_problem};
use crate::ids;

/// Most entries of one file.
const MOST: usize = 2_000;

fn row(new: NewCost, by: &str, now: Timestamp) -> CostEntry {
    CostEntry {
        id: ids::cost_entry(),
        category: new.category,
        workflow: new.workflow,
        day_from: new.from.to_string(),
        day_to: new.to.to_string(),
        amount_micros: new.amount_micros,
        currency: new.currency.filter(|_| new.amount_micros.is_some()),
        minutes: new.minutes,
        person: new.person,
        vendor: new.vendor,
        bucket: new.bucket,
        words: new.words,
        reference: new.reference,
        reverses: None,
        entered_by: by.to_owned(),
        entered_at: now,
    }
}

fn booked(kind: &'static str, e: &CostEntry, now: Timestamp) -> AuditEntry {
    let subject = e
        .workflow
        .clone()
        .map_or(Subject::Instance, Subject::Workflow);
    let mut entry = AuditEntry::new(now, Actor::Person(e.entered_by.clone()), kind, subject)
        .fact("entry", e.id.to_string())
        .fact("category", e.category.word())
        .fact("from", e.day_from.clone())
        .fact("to", e.day_to.clone());
    if let (Some(amount), Some(currency)) = (e.amount_micros, &e.currency) {
        entry = entry
            .fact("amount_micros", amount)
            .fact("currency", currency.clone());
    }
    if let Some(minutes) = e.minutes {
        entry = entry.fact("minutes", minutes);
    }
    match e.reverses {
        Some(id) => entry.fact("reverses", id.to_string()),
        None => entry,
    }
}

/// The same refusal with the number of the cost.
fn numbered(mut p: Problem, i: usize) -> Problem {
    p.detail = format!("cost {}: {}", i + 1, p.detail);
    p
}

impl Engine {
    /// Enters a cost.
    ///
    /// # Errors
    /// `cost_invalid` naming the field; `unknown_workflow`, `not_allowed`.
    pub async fn enter_cost(&self, new: NewCost, by: &str) -> Result<CostEntry, Problem> {
        let mut made = self.enter_costs(vec![new], by).await?;
        made.pop().ok_or_else(|| {
            unbookable("reference", "an entry with this reference is there already")
                .way_out("leave it, or take the other one back first")
        })
    }

    /// Enters costs, all of them or none; those whose reference is known are left out. Answers what
    /// was entered.
    ///
    /// # Errors
    /// As [`Engine::enter_cost`], naming the line.
    pub async fn enter_costs(
        &self,
        new: Vec<NewCost>,
        by: &str,
    ) -> Result<Vec<CostEntry>, Problem> {
        if new.len() > MOST {
            return Err(unbookable("file", format!("at most {MOST} costs at once")));
        }
        let places: BTreeSet<Option<&str>> = new.iter().map(|n| n.workflow.as_deref()).collect();
        for place in &places {
            if let Some(name) = place {
                self.known_workflow(name).await?;
            }
            self.keeps_ledger(*place, by).await?;
        }
        let now = self.now();
        let (known, mut mine) = (self.references().await?, BTreeSet::new());
        let mut rows = Vec::with_capacity(new.len());
        for (i, new) in new.into_iter().enumerate() {
            let row = row(new, by, now);
            if let Some((field, why)) = fault(&row) {
                let words = format!("cost {}: {why}", i + 1);
                return Err(unbookable(field, words));
            }
            let fresh = row
                .reference
                .as_ref()
                .is_none_or(|r| !known.contains(r) && mine.insert(r.clone()));
            if fresh {
                self.within_a_day(&row, &rows)
                    .await
                    .map_err(|p| numbered(p, i))?;
                rows.push(row);
            }
        }
        // One decision for each: a file is no common fate, and the log names every entry. What was
        // entered before a failure is known by its reference, or is listed.
        for row in &rows {
            let entry = booked("cost.entered", row, now);
            self.money(vec![MoneyChange::InsertEntry(row.clone())], entry)
                .await?;
        }
        Ok(rows)
    }

    /// Nobody works more than 24 hours on a day, whatever was entered where.
    pub(crate) async fn within_a_day(
        &self,
        new: &CostEntry,
        beside: &[CostEntry],
    ) -> Result<(), Problem> {
        if new.minutes.is_none() {
            return Ok(());
        }
        let filter = EntryFilter {
            from: Some(new.day_from.clone()),
            to: Some(new.day_to.clone()),
            ..EntryFilter::default()
        };
        let mut others = self.all_costs(&filter).await?;
        others.extend_from_slice(beside);
        match beyond_a_day(new, &others) {
            None => Ok(()),
            Some((day, minutes)) => Err(unbookable(
                "minutes",
                format!("with what is entered already it would be {minutes} min on {day}, and a day has 1440"),
            )
            .way_out("take the wrong entry back first, or correct the minutes")),
        }
    }

    async fn references(&self) -> Result<BTreeSet<String>, Problem> {
        let filter = EntryFilter::default();
        let reader = &self.0.reader;
        let (mut found, mut after) = (BTreeSet::new(), None);
        loop {
            let page = reader.cost_entries(&filter, after, 500).await;
            let page = page.map_err(read_problem)?;
            let Some(last) = page.last() else {
                return Ok(found);
            };
            after = Some(last.id);
            found.extend(page.into_iter().filter_map(|e| e.reference));
        }
    }

    /// Takes an entry back: another one with the same days and the opposite sum.
    ///
    /// # Errors
    /// `not_found`, `illegal_state` when it is taken back already or takes another one back,
    /// `reason_required`, `not_allowed`.
    pub async fn reverse_cost(
        &self,
        id: CostEntryId,
        reason: &str,
        by: &str,
    ) -> Result<CostEntry, Problem> {
        if reason.trim().is_empty() {
            let words = "say why the entry is taken back";
            return Err(Problem::new("reason_required", words).field("reason"));
        }
        let found = self.0.reader.cost_entry(id).await.map_err(read_problem)?;
        let (old, reversed) =
            found.ok_or_else(|| Problem::new("not_found", format!("there is no {id}")))?;
        self.keeps_ledger(old.workflow.as_deref(), by).await?;
        if let Some(other) = reversed {
            let words = format!("{id} is taken back already, by {other}");
            return Err(Problem::new("illegal_state", words));
        }
        if old.reverses.is_some() {
            let words = "an entry that takes another one back stays";
            return Err(Problem::new("illegal_state", words).way_out("enter the cost again"));
        }
        let now = self.now();
        let row = CostEntry {
            id: ids::cost_entry(),
            amount_micros: old.amount_micros.map(|n| -n),
            minutes: old.minutes.map(|n| -n),
            words: reason.trim().to_owned(),
            reference: None,
            reverses: Some(id),
            entered_by: by.to_owned(),
            entered_at: now,
            ..old
        };
        let entry = booked("cost.reversed", &row, now).fact("reason", reason.trim());
        self.money(vec![MoneyChange::InsertEntry(row.clone())], entry)
            .await?;
        Ok(row)
    }

    /// Every entered cost that the filter finds.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn all_costs(&self, filter: &EntryFilter) -> Result<Vec<CostEntry>, Problem> {
        let reader = &self.0.reader;
        let mut all: Vec<CostEntry> = Vec::new();
        loop {
            let after = all.last().map(|e| e.id);
            let page = reader.cost_entries(filter, after, 500).await;
            let page = page.map_err(read_problem)?;
            let full = page.len() == 500;
            all.extend(page);
            if !full {
                return Ok(all);
            }
        }
    }
}
