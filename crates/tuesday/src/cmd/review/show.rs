//! One task with everything a person needs to decide it.

use std::process::ExitCode;

use serde_json::{Value, json};
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::review::ReviewKind;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::Case;

use crate::cli::Common;
use crate::cmd::wait::Session;
use crate::{args, out, views};

/// Shows the task.
pub(super) async fn run(common: &Common, id: &str) -> Result<ExitCode, Problem> {
    let id: ReviewId = args::id(id, "id")?;
    let session = Session::open(common, false).await?;
    let case = session.node.engine.case(id).await?;
    if common.json {
        out::json_line(&case_json(&case));
    } else {
        print(&case, session.node.engine.now());
    }
    Ok(ExitCode::SUCCESS)
}

fn case_json(c: &Case) -> Value {
    let mut value = views::review(&c.review);
    value["time_zone"] = json!(c.zone);
    value["rules_row"] = json!(c.rules_row);
    value["rules_version"] = json!(c.rules_version);
    value["sources"] = c
        .items
        .iter()
        .map(|i| {
            json!({"name": i.name, "system": i.system, "record": i.record,
        "version": i.version, "updated_at": i.updated_at.map(Timestamp::rfc3339),
        "freshness": i.freshness, "class": i.class, "content": i.content})
        })
        .collect();
    value["absent"] = json!(c.absent);
    value["flags"] = json!(c.flags);
    value["output"] = json!(c.output);
    value["output_schema"] = c.output_schema.clone();
    value["writes"] = c.writes.iter().map(|w| json!({"action": w.action, "system": w.system, "class": w.class,
        "ability": w.ability, "target": w.target, "fields": w.fields.iter().cloned().collect::<serde_json::Map<_, _>>()})).collect();
    value["release"] = json!(c.made.release);
    value["model"] = json!(c.made.model);
    value["confidence"] = json!(c.made.confidence);
    value["checklist"] = json!(
        c.tier
            .as_ref()
            .map(|t| t.checklist.clone())
            .unwrap_or_default()
    );
    value["reasons_list"] = json!(c.reasons_list);
    if let Some(t) = &c.to_read {
        value["new_release"] = json!({"number": t.news.number, "before": t.news.before, "changed": t.news.words,
            "reason": t.news.reason, "readers": t.readers});
    }
    value["may_decide"] = json!(c.people.iter().map(|p| p.0.clone()).collect::<Vec<_>>());
    value
}

fn print(c: &Case, now: Timestamp) {
    let r = &c.review;
    let left = views::left(now, r.due_at);
    out::line(&format!(
        "{}\n  {}, {}, {} has it, {left}",
        r.subject, r.state, c.workflow_title, c.owner_name
    ));
    if let Some(t) = &c.to_read {
        out::line(&format!(
            "\nNew release {} in place of release {}: {}\n  say that you have read it: tuesday release acknowledge {} {}",
            t.news.number, t.news.before, t.news.words, r.workflow, t.news.number
        ));
    }
    for (title, lines) in sections(c) {
        if !lines.is_empty() {
            out::line(&format!("\n{title}\n  {}", lines.join("\n  ")));
        }
    }
    let (act, how) = if r.kind == ReviewKind::SecondLook {
        ("verdict", "--correct or --incorrect REASON ")
    } else {
        ("approve", "")
    };
    out::say(&format!(
        "\nNext: tuesday review {act} {} {how}--revision {} --as HANDLE",
        r.id, r.revision
    ));
}

fn sections(c: &Case) -> Vec<(&'static str, Vec<String>)> {
    let writes = c.writes.iter().map(|w| {
        format!(
            "{} {} in {} ({}, ability {})",
            w.action, w.target, w.system, w.class, w.ability
        )
    });
    let read = c.items.iter().map(|i| {
        let content = views::short(&i.content, 200);
        format!(
            "{}. {} from {}, {}: {content}",
            i.n, i.name, i.system, i.freshness
        )
    });
    let actions = c.actions.iter().map(|a| {
        format!(
            "{} {}: {} {}",
            a.name,
            a.target,
            a.state,
            a.detail.as_deref().unwrap_or_default()
        )
    });
    let confidence = c
        .made
        .confidence
        .map(|p| format!(", confidence {p:.2}"))
        .unwrap_or_default();
    let people: Vec<String> = c
        .people
        .iter()
        .map(|(handle, name)| format!("{handle} ({name})"))
        .collect();
    // A second look is answered in words of its own: nothing is left to approve.
    let second = c.review.kind == ReviewKind::SecondLook;
    let wrote = if second {
        "What was approved"
    } else {
        "Approving writes"
    };
    let tier = c.tier.as_ref().filter(|_| !second);
    let checklist = tier.map(|t| t.checklist.clone()).unwrap_or_default();
    let codes = if second {
        Vec::new()
    } else {
        vec![c.reasons_list.join(", ")]
    };
    vec![
        ("Why a person looks", c.reasons.clone()),
        ("Output", fields(c.output.as_ref())),
        (wrote, writes.collect()),
        ("Read", read.collect()),
        ("Flags", c.flags.iter().chain(&c.absent).cloned().collect()),
        ("Actions", actions.collect()),
        ("Checklist", checklist),
        (
            "Made by",
            vec![format!(
                "release {}, {}, {} attempts{confidence}",
                c.made.release_number, c.made.model, c.made.attempts
            )],
        ),
        ("May decide", vec![people.join(", ")]),
        ("Reason codes", codes),
    ]
}

fn fields(output: Option<&Value>) -> Vec<String> {
    match output {
        Some(Value::Object(map)) => map
            .iter()
            .map(|(k, v)| format!("{k}: {}", views::short(v, 400)))
            .collect(),
        Some(other) => vec![views::short(other, 400)],
        None => Vec::new(),
    }
}
