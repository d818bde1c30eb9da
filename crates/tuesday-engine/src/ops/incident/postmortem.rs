//! What a review of an incident starts from: what happened, when, who did what, what was put right.
//! Filled from what is stored; people add the lessons.

use std::fmt::Write as _;

use tuesday_domain::id::IncidentId;
use tuesday_domain::postmortem::RootCause;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AlertDelivery, Correction, FollowUp, Incident, IncidentEntry};
use tuesday_domain::trouble::incident::Proof;

use crate::engine::{Engine, read_problem};

impl Engine {
    /// The postmortem as Markdown.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn postmortem(&self, id: IncidentId) -> Result<String, Problem> {
        let incident = self.incident(id).await?;
        let reader = &self.0.reader;
        let entries = reader.incident_entries(id).await.map_err(read_problem)?;
        let corrections = reader.corrections_of(id).await.map_err(read_problem)?;
        let runs = reader.incident_run_count(id).await.map_err(read_problem)?;
        let deliveries = match reader.alert_of(id).await.map_err(read_problem)? {
            Some(alert) => reader.deliveries_of(alert.id).await.map_err(read_problem)?,
            None => Vec::new(),
        };
        let mut out = head(&incident, runs);
        timeline(&mut out, &entries, &deliveries);
        put_right(&mut out, &corrections);
        let filter = tuesday_store::FollowUpFilter {
            incident: Some(id),
            ..Default::default()
        };
        follow_ups(&mut out, &self.follow_ups(&filter).await?);
        if let Some(name) = &incident.workflow {
            let at = incident.last_at;
            let unnoticed = self.changed_unnoticed(name, at).await?;
            offered_cause(&mut out, unnoticed.as_deref());
        }
        out.push_str("\n## Lessons\n\n1. What let it happen?\n2. What let it go unnoticed for so long?\n3. What would have made it smaller?\n4. Who does what about it, by when?\n");
        Ok(out)
    }
}

fn head(i: &Incident, runs: u64) -> String {
    let mut out = String::new();
    let nobody = || "nobody yet".to_owned();
    let _ = writeln!(out, "# {}\n", i.title);
    let _ = writeln!(out, "| | |\n|---|---|");
    let mut row = |name: &str, value: String| {
        let _ = writeln!(out, "| {name} | {} |", value.replace('|', "\\|"));
    };
    row("incident", i.id.to_string());
    row("category", i.category.to_string());
    row("severity", i.severity.to_string());
    row("state", i.state.to_string());
    row(
        "workflow",
        i.workflow
            .clone()
            .unwrap_or_else(|| "the instance".to_owned()),
    );
    row("owner", i.owner.clone());
    row("opened", format!("{} by {}", i.opened_at, i.opened_by));
    row("findings", i.count.to_string());
    row("runs touched", runs.to_string());
    row(
        "acknowledged by",
        i.acknowledged_by.clone().unwrap_or_else(nobody),
    );
    if let (Some(by), Some(at)) = (&i.resolved_by, i.resolved_at) {
        row("resolved", format!("{at} by {by}"));
        row(
            "open for",
            tuesday_domain::time::Span(at.since(i.opened_at)).to_string(),
        );
    }
    row("resolution", i.resolution.clone().unwrap_or_default());
    row(
        "regression case",
        i.case
            .clone()
            .or_else(|| i.waiver.as_ref().map(|w| format!("none: {w}")))
            .unwrap_or_default(),
    );
    row(
        "fixed in",
        i.fix_layer.map(|l| l.to_string()).unwrap_or_default(),
    );
    let next = i.without_code.map(|yes| if yes { "yes" } else { "no" });
    row(
        "can someone who does not write code fix the next one?",
        next.unwrap_or_default().to_owned(),
    );
    out
}

fn timeline(out: &mut String, entries: &[IncidentEntry], deliveries: &[AlertDelivery]) {
    out.push_str("\n## Timeline\n\n");
    let mut lines: Vec<_> = entries
        .iter()
        .map(|e| {
            let later = e
                .about
                .filter(|a| *a != e.at && e.kind == "note")
                .map(|a| format!(" (written later, about {a})"))
                .unwrap_or_default();
            (e.at, format!("{} {}{later}: {}", e.actor, e.kind, e.words))
        })
        .collect();
    lines.extend(deliveries.iter().map(|d| {
        let how = match (&d.channel, &d.detail) {
            (Some(c), Some(why)) => format!("by {c} ({why})"),
            (Some(c), None) => format!("by {c}"),
            (None, why) => format!("not delivered: {}", why.as_deref().unwrap_or("no channel")),
        };
        (d.at, format!("{} to {} {how}", d.kind, d.person))
    }));
    lines.sort_by_key(|l| l.0);
    for (at, words) in lines {
        let _ = writeln!(out, "- {at} {}", words.replace('\n', " "));
    }
}

fn put_right(out: &mut String, corrections: &[Correction]) {
    out.push_str("\n## Corrections\n\n");
    if corrections.is_empty() {
        out.push_str("None.\n");
    }
    for c in corrections {
        let by = c.settled_by.as_deref().unwrap_or_default();
        let end = match (&c.receipt, &c.note) {
            (None, Some(note)) if c.proof == Some(Proof::Word) => {
                format!("by word of {by}, without a receipt: {note}")
            }
            (Some(receipt), _) => format!("receipt {receipt}"),
            (None, Some(note)) => note.clone(),
            (None, None) => format!("due {}", c.due_at),
        };
        let _ = writeln!(
            out,
            "- {} {} for {}: {} ({end})",
            c.place, c.state, c.owner, c.words
        );
    }
}

fn follow_ups(out: &mut String, all: &[FollowUp]) {
    out.push_str("\n## What follows\n\n");
    if all.is_empty() {
        out.push_str("Nobody has anything to do.\n");
    }
    for f in all {
        let end = f.note.as_deref().unwrap_or_default();
        let _ = writeln!(
            out,
            "- {} {} until {}: {} {end}",
            f.owner, f.state, f.due_at, f.words
        );
    }
}

/// Where records point: what changed what the model does shortly before the mix moved away.
fn offered_cause(out: &mut String, unnoticed: Option<&str>) {
    if let Some(what) = unnoticed {
        let root = RootCause::Governance;
        let _ = writeln!(
            out,
            "\n## Root cause that records point to\n\n{root}: {what}"
        );
    }
}
