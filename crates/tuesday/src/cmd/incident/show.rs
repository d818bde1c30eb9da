//! Incidents, corrections and blast radii in words, as tables and as JSON.

use serde_json::{Value, json};
use tuesday_domain::id::IncidentId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Correction, Incident};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::incident::Proof;
use tuesday_engine::ops::BlastQuery;

use crate::args::stored;
use crate::cli::Common;
use crate::cmd::wait::Session;
use crate::out;

pub(super) async fn radius(
    common: &Common,
    session: &Session,
    query: &BlastQuery,
) -> Result<(), Problem> {
    let blast = session.node.engine.blast_radius(query).await?;
    if common.json {
        for row in &blast.rows {
            out::json_line(&serde_json::to_value(row).unwrap_or(Value::Null));
        }
        return Ok(());
    }
    let mut table = out::table(&[
        "Run", "Case", "Received", "Wrote", "Where", "State", "Id there",
    ]);
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    for r in &blast.rows {
        table.add_row([
            r.run.to_string(),
            r.subject.clone(),
            r.received_at.rfc3339(),
            text(&r.name),
            text(&r.target),
            r.state
                .clone()
                .unwrap_or_else(|| "nothing was written".to_owned()),
            text(&r.external_id),
        ]);
    }
    out::line(&format!(
        "{} runs, {} outputs at a destination",
        blast.runs, blast.delivered
    ));
    if !blast.rows.is_empty() {
        out::line(&table.to_string());
    }
    Ok(())
}

pub(super) fn list(common: &Common, found: &[Incident]) {
    let mut table = out::table(&[
        "Incident", "State", "Severity", "Has it", "Count", "What", "Since",
    ]);
    for i in found {
        if common.json {
            out::json_line(&view(i));
        }
        table.add_row([
            i.id.to_string(),
            i.state.to_string(),
            i.severity.to_string(),
            i.owner.clone(),
            i.count.to_string(),
            i.title.clone(),
            i.opened_at.rfc3339(),
        ]);
    }
    if !common.json {
        out::line(&if found.is_empty() {
            "no incidents".to_owned()
        } else {
            table.to_string()
        });
    }
}

pub(super) fn corrections(common: &Common, made: &[Correction]) {
    let mut table = out::table(&["Correction", "State", "Has it", "Where", "What", "Proof"]);
    for c in made {
        if common.json {
            out::json_line(&correction(c));
        }
        table.add_row([
            c.id.to_string(),
            c.state.to_string(),
            c.owner.clone(),
            c.place.clone(),
            c.words.clone(),
            match (&c.receipt, &c.note, c.proof) {
                (Some(receipt), _, _) => receipt.clone(),
                (None, Some(note), Some(proof)) => format!("{}: {note}", proof.told()),
                (None, note, _) => note.clone().unwrap_or_default(),
            },
        ]);
    }
    if !common.json {
        out::line(&if made.is_empty() {
            "no corrections".to_owned()
        } else {
            table.to_string()
        });
    }
}

pub(super) fn tell(common: &Common, i: &Incident) {
    if common.json {
        return out::json_line(&view(i));
    }
    out::line(&format!(
        "{}: {} ({}), {} has it; {} findings, the last {}",
        i.id, i.state, i.severity, i.owner, i.count, i.last_at
    ));
    out::line(&format!("  {}", i.title));
}

pub(super) async fn show(
    common: &Common,
    session: &Session,
    id: IncidentId,
) -> Result<(), Problem> {
    let engine = &session.node.engine;
    let incident = engine.incident(id).await?;
    let reader = engine.reader();
    let (entries, made, runs, alert) = tokio::try_join!(
        reader.incident_entries(id),
        reader.corrections_of(id),
        reader.incident_runs(id, None, 100),
        reader.alert_of(id)
    )
    .map_err(stored)?;
    let deliveries = match &alert {
        Some(alert) => reader.deliveries_of(alert.id).await.map_err(stored)?,
        None => Vec::new(),
    };
    if common.json {
        let mut all = view(&incident);
        all["timeline"] = entries
            .iter()
            .map(|e| json!({ "at": e.at.rfc3339(), "about": e.about.map(Timestamp::rfc3339), "actor": e.actor, "kind": e.kind, "words": e.words }))
            .collect();
        all["runs"] = runs.iter().map(|r| Value::String(r.to_string())).collect();
        all["corrections"] = made.iter().map(correction).collect();
        all["alert"] = alert.map_or(Value::Null, |a| {
            json!({ "state": a.state.word(), "person": a.person, "chain": a.people(), "round": a.round, "due_at": a.due_at.rfc3339(), "acknowledged_by": a.acknowledged_by })
        });
        all["deliveries"] = deliveries
            .iter()
            .map(crate::cmd::alerts::delivery)
            .collect();
        out::json_line(&all);
        return Ok(());
    }
    tell(common, &incident);
    out::line(&format!("  runbook {}", engine.runbook(incident.category)));
    for e in &entries {
        let about = e
            .about
            .filter(|_| e.kind == "note")
            .map(|at| format!(" (later, about {at})"))
            .unwrap_or_default();
        out::line(&format!(
            "  {} {} {}{about}: {}",
            e.at, e.actor, e.kind, e.words
        ));
    }
    for d in &deliveries {
        out::line(&format!("  {} {}", d.at, crate::cmd::alerts::sentence(d)));
    }
    if !runs.is_empty() {
        let ids: Vec<String> = runs.iter().map(ToString::to_string).collect();
        out::line(&format!("  runs: {}", ids.join(" ")));
    }
    if !made.is_empty() {
        corrections(common, &made);
    }
    Ok(())
}

fn correction(c: &Correction) -> Value {
    json!({
        "id": c.id.to_string(), "incident_id": c.incident.to_string(), "state": c.state.word(), "owner": c.owner,
        "due_at": c.due_at.rfc3339(), "run_id": c.run.to_string(), "action_id": c.action.map(|a| a.to_string()),
        "place": c.place, "words": c.words, "proof": c.proof.map(Proof::word), "receipt": c.receipt, "note": c.note, "settled_by": c.settled_by,
        "settled_at": c.settled_at.map(Timestamp::rfc3339),
    })
}

fn view(i: &Incident) -> Value {
    json!({
        "id": i.id.to_string(), "state": i.state.word(), "category": i.category.word(), "severity": i.severity.word(),
        "title": i.title, "workflow": i.workflow, "owner": i.owner, "count": i.count, "cause": i.key,
        "opened_at": i.opened_at.rfc3339(), "opened_by": i.opened_by, "last_at": i.last_at.rfc3339(),
        "acknowledged_by": i.acknowledged_by, "resolved_by": i.resolved_by,
        "resolved_at": i.resolved_at.map(Timestamp::rfc3339), "resolution": i.resolution, "case": i.case,
        "waiver": i.waiver, "fixed_in": i.fix_layer.map(|l| l.word()), "without_code": i.without_code, "runbook": i.category.runbook(),
    })
}
