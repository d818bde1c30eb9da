//! What a release is judged by: its evidence, its text against its hash, two releases side by side.

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde_json::{Value, json};
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::snapshot::sha256_hex;
use tuesday_engine::ops::release::GateRecord;

use super::change::reasons;
use crate::args::{self, stored};
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Node, Opening};

/// Evidence, verdict and who decided, as JSON; a record that does not count says why.
pub(super) async fn evidence(node: &Node, id: ReleaseId) -> Result<Value, Problem> {
    let gate = node.engine.reader().gate(id).await.map_err(stored)?;
    let record = GateRecord::of(gate.as_ref());
    Ok(json!({
        "valid": record.is_ok(), "why": record.as_ref().err(),
        "judged_hash": gate.as_ref().and_then(|g| g.judged_hash).map(hex::encode),
        "started_at": gate.as_ref().map(|g| g.started_at.rfc3339()),
        "started_by": gate.as_ref().map(|g| g.started_by.clone()),
        "finished_at": gate.as_ref().and_then(|g| g.finished_at).map(|t| t.rfc3339()),
        "decided_at": gate.as_ref().and_then(|g| g.decided_at).map(|t| t.rfc3339()),
        "decided_by": gate.as_ref().and_then(|g| g.decided_by.clone()),
        "reason": gate.as_ref().and_then(|g| g.reason.clone()),
        "live_at": gate.as_ref().and_then(|g| g.live_at).map(|t| t.rfc3339()),
        "answers": answers(node, id).await?,
        "judged_since": node.engine.judged_since(id).await?,
        "verdict": record.as_ref().ok().map(|r| &r.verdict),
        "evidence": record.as_ref().ok().map(|r| &r.evidence),
    }))
}

/// What a release answers and what was tried before, as JSON; null when it cites nothing.
async fn answers(node: &Node, id: ReleaseId) -> Result<Value, Problem> {
    let row = node.engine.release_row(id).await?;
    let Some((fix, answers)) = node.engine.answers(&row).await? else {
        return Ok(Value::Null);
    };
    let earlier: Vec<Value> = answers
        .earlier
        .iter()
        .map(|c| {
            json!({"number": c.number, "layers": c.layers, "live_at": c.live_at.map(|t| t.rfc3339()),
            "again_at": c.again_at.map(|t| t.rfc3339())})
        })
        .collect();
    Ok(json!({
        "category": fix.category, "layers": answers.layers, "stopped": answers.stopped(), "class": fix.class,
        "excuse": fix.excuse, "excused_by": fix.excused_by, "excused_at": fix.excused_at.map(|t| t.rfc3339()),
        "earlier": earlier,
    }))
}

/// The same in words.
pub(super) async fn tell_evidence(node: &Node, id: ReleaseId) -> Result<(), Problem> {
    let gate = node.engine.reader().gate(id).await.map_err(stored)?;
    match GateRecord::of(gate.as_ref()) {
        Ok(record) => {
            let s = &record.evidence.summary;
            let word = if record.verdict.passed {
                "passed"
            } else {
                "blocked"
            };
            out::line(&format!(
                "  gate {word}: {} of {} cases, pack {}",
                s.cases.passed,
                s.cases.of,
                &record.evidence.pack_hash[..12]
            ));
            for grader in &record.evidence.graders {
                out::line(&format!("  grader {}", grader.words()));
            }
            reasons(&record.verdict);
        }
        Err(why) => out::line(&format!("  no evidence that counts: {why}")),
    }
    if let Some(said) = node.engine.judged_since(id).await?.first() {
        let word = if said.passed { "passed" } else { "blocked" };
        out::line(&format!(
            "  judged again {} by {}: {word}",
            said.at, said.by
        ));
        for why in &said.reasons {
            out::line(&format!("  blocked by {why}"));
        }
    }
    let row = node.engine.release_row(id).await?;
    if let Some((_, answers)) = node.engine.answers(&row).await? {
        let excuse = answers.excuse.map(|e| format!("; {e}")).unwrap_or_default();
        out::line(&format!(
            "  answers {} by a change of {}{excuse}",
            answers.category,
            tuesday_domain::release::layers::words(&answers.layers)
        ));
    }
    if let Some((by, at)) = gate.and_then(|g| g.decided_by.zip(g.decided_at)) {
        out::line(&format!("  approved {at} by {by}"));
    }
    Ok(())
}

pub(super) async fn verify(common: &Common, workflow: Option<&str>) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    let faults = node.engine.verify_releases(workflow).await?;
    if common.json {
        out::json_line(&json!({"ok": faults.is_empty(), "faults": faults}));
    } else {
        for f in &faults {
            out::line(&format!(
                "{} release {}: {}: {}",
                f.workflow, f.number, f.code, f.detail
            ));
        }
        if faults.is_empty() {
            out::line("every release is what was approved");
        }
    }
    Ok(ExitCode::from(u8::from(!faults.is_empty())))
}

/// One part as two releases have it.
struct Pair {
    name: String,
    old: Option<String>,
    new: Option<String>,
}

pub(super) async fn compare(common: &Common, old: &str, new: &str) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    let (a, b) = (
        node.engine.loaded(args::id(old, "old")?).await?,
        node.engine.loaded(args::id(new, "new")?).await?,
    );
    let mut parts = Vec::new();
    let names: BTreeSet<&String> = a
        .package
        .files
        .keys()
        .chain(b.package.files.keys())
        .collect();
    for name in names {
        parts.push(Pair {
            old: a.package.text(name).map(str::to_owned),
            new: b.package.text(name).map(str::to_owned),
            name: name.clone(),
        });
    }
    let vars: BTreeSet<&String> = a
        .ready
        .def
        .vars
        .keys()
        .chain(b.ready.def.vars.keys())
        .collect();
    for name in vars {
        parts.push(Pair {
            old: a.ready.def.vars.get(name).cloned(),
            new: b.ready.def.vars.get(name).cloned(),
            name: format!("var {name}"),
        });
    }
    let changed: Vec<&Pair> = parts.iter().filter(|p| p.old != p.new).collect();
    if common.json {
        let changed: Vec<Value> = changed
            .iter()
            .map(|p| {
                let hash = |t: &Option<String>| t.as_ref().map(|t| sha256_hex(t.as_bytes()));
                json!({"part": p.name, "old": hash(&p.old), "new": hash(&p.new), "lines": lines(p)})
            })
            .collect();
        let model = |r: &tuesday_engine::LiveRelease| json!({"kind": r.ready.model.kind.word(), "pin": r.ready.model.pin});
        out::json_line(&json!({
            "old": {"number": a.number, "hash": hex::encode(a.hash), "model": model(&a)},
            "new": {"number": b.number, "hash": hex::encode(b.hash), "model": model(&b)}, "changed": changed,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    for p in changed {
        out::line(&p.name);
        for l in lines(p) {
            out::line(&format!("  {l}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Lines that only one of them has, in order: `- ` of the old, `+ ` of the new.
fn lines(pair: &Pair) -> Vec<String> {
    let old: Vec<&str> = pair.old.iter().flat_map(|t| t.lines()).collect();
    let new: Vec<&str> = pair.new.iter().flat_map(|t| t.lines()).collect();
    let (in_old, in_new): (BTreeSet<_>, BTreeSet<_>) =
        (old.iter().copied().collect(), new.iter().copied().collect());
    let gone = old.iter().filter(|l| !in_new.contains(**l));
    let come = new.iter().filter(|l| !in_old.contains(**l));
    gone.map(|l| format!("- {l}"))
        .chain(come.map(|l| format!("+ {l}")))
        .take(400)
        .collect()
}

pub(super) async fn export(
    common: &Common,
    id: &str,
    to: &std::path::Path,
) -> Result<ExitCode, Problem> {
    let id: ReleaseId = args::id(id, "id")?;
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    // Loading checks the stored text against its hash: what is exported is what was approved.
    let loaded = node.engine.loaded(id).await?;
    let bytes = loaded.package.to_bundle(&loaded.ready.def.vars);
    std::fs::write(to, &bytes)
        .map_err(|e| out::unavailable(format!("{}: {e}", to.display())).field("output"))?;
    let hash = hex::encode(loaded.hash);
    if common.json {
        out::json_line(&json!({"file": to, "bytes": bytes.len(), "release_hash": hash}));
    } else {
        out::line(&format!("{}: release hash {hash}", to.display()));
    }
    Ok(ExitCode::SUCCESS)
}
