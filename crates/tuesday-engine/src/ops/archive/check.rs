//! Looks at an export before anything of it is written: complete, unchanged, of this program's form, and
//! with a log that verifies. Nothing is kept in memory but hashes and a line.

use std::io::{BufRead as _, BufReader, Read as _};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tuesday_domain::audit::{Checkpoint, LogCheck, VerifierKey};
use tuesday_domain::problem::Problem;

use super::write::is_inside;
use super::{ExportSource, FIRST_FORMAT, FORMAT, FileEntry, MANIFEST, MANIFEST_SUM, Manifest};

fn refused(why: impl Into<String>) -> Problem {
    Problem::new("export_refused", why)
        .way_out("nothing was written; make the export again, or copy it again")
}

/// The manifest of an export that can be imported.
///
/// # Errors
/// `export_refused` with what is wrong: no manifest, another form or schema, one workflow only, a file that is
/// missing, was changed or is too much, a log that does not verify.
pub fn checked_export(
    from: &ExportSource,
    key: Option<&VerifierKey>,
    mut progress: impl FnMut(u64),
) -> Result<Manifest, Problem> {
    let text = from
        .text(MANIFEST)
        .map_err(|e| refused(format!("{MANIFEST}: {e}")))?;
    let form: Value =
        serde_json::from_str(&text).map_err(|e| refused(format!("{MANIFEST}: {e}")))?;
    let said = form
        .get("format")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if said != FORMAT && said != FIRST_FORMAT {
        return Err(refused(format!(
            "the form is `{said}`, this program reads `{FORMAT}`"
        )));
    }
    sum_holds(from, &text, said)?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|e| refused(format!("{MANIFEST}: {e}")))?;
    if manifest.schema != tuesday_store::schema() {
        return Err(refused(format!(
            "it was made with schema {}, this program has {}",
            manifest.schema,
            tuesday_store::schema()
        ))
        .way_out("import it with the program that made it, and bring that instance up to date"));
    }
    if let Some(workflow) = &manifest.workflow {
        return Err(refused(format!(
            "it holds the workflow {workflow} only; a part can be read, not imported"
        ))
        .way_out("export the whole instance"));
    }
    let vkey: VerifierKey = manifest
        .vkey
        .parse()
        .map_err(|e| refused(format!("the key of the log: {e}")))?;
    if key.is_some_and(|k| k.to_string() != vkey.to_string()) {
        return Err(refused(
            "it is signed with another key than the one that was named",
        ));
    }
    for (name, entry) in &manifest.files {
        if !is_inside(name) {
            return Err(refused(format!("{name} lies outside the export")));
        }
        same(from, name, entry)?;
        progress(entry.bytes);
    }
    for sheet in &manifest.tables {
        let name = format!("data/{}.jsonl", sheet.name);
        if !manifest.files.contains_key(&name) {
            return Err(refused(format!("{name} is not in the manifest")));
        }
    }
    log_holds(from, &manifest, &vkey)?;
    Ok(manifest)
}

/// The manifest is the one that was written: it has a file with its own hash. The first form had none.
fn sum_holds(from: &ExportSource, manifest: &str, form: &str) -> Result<(), Problem> {
    let sum = match from.text(MANIFEST_SUM) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && form == FIRST_FORMAT => return Ok(()),
        sum => sum.map_err(|e| refused(format!("{MANIFEST_SUM}: {e}")))?,
    };
    if sum != super::sum_of(manifest) {
        return Err(refused(format!(
            "{MANIFEST} is not the file that was exported"
        )));
    }
    Ok(())
}

fn same(from: &ExportSource, name: &str, entry: &FileEntry) -> Result<(), Problem> {
    let mut file = from
        .open(name)
        .map_err(|e| refused(format!("{name}: {e}")))?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = file
            .read(&mut buffer)
            .map_err(|e| refused(format!("{name}: {e}")))?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
        bytes += n as u64;
    }
    if bytes != entry.bytes || crate::catalog::hex(&hash.finalize()) != entry.sha256 {
        return Err(refused(format!("{name} is not the file that was exported")));
    }
    Ok(())
}

/// The rows of a table, one by one.
pub(super) fn rows(
    from: &ExportSource,
    table: &str,
) -> Result<impl Iterator<Item = Result<Value, Problem>>, Problem> {
    let name = format!("data/{table}.jsonl");
    let file = from
        .open(&name)
        .map_err(|e| refused(format!("{name}: {e}")))?;
    Ok(BufReader::new(file).lines().map(move |line| {
        let line = line.map_err(|e| refused(format!("{name}: {e}")))?;
        serde_json::from_str(&line).map_err(|e| refused(format!("{name}: {e}")))
    }))
}

fn bytes(v: Option<&Value>) -> Option<Vec<u8>> {
    let v = v?;
    match v.get("text").and_then(Value::as_str) {
        Some(text) => Some(text.as_bytes().to_vec()),
        None => {
            let hex = v.get("hex")?.as_str()?;
            let byte = |i| u8::from_str_radix(hex.get(i..i + 2)?, 16).ok();
            (0..hex.len()).step_by(2).map(byte).collect()
        }
    }
}

/// Every entry against every checkpoint that was ever signed.
fn log_holds(from: &ExportSource, manifest: &Manifest, key: &VerifierKey) -> Result<(), Problem> {
    let mut heads = Vec::new();
    for row in rows(from, "audit_checkpoints")? {
        let row = row?;
        let note = row.get("note").and_then(Value::as_str).unwrap_or_default();
        heads.push(Checkpoint::open(note, key).map_err(|e| refused(format!("a checkpoint: {e}")))?);
    }
    let newest = heads.iter().map(|h| h.size).max().unwrap_or(0);
    if newest == 0 {
        return Err(refused("no head of the log was ever signed"));
    }
    let broken =
        |e: tuesday_domain::audit::LogFault| refused(format!("the log does not verify: {e}"));
    let mut check = LogCheck::new(heads);
    let mut count = 0;
    for row in rows(from, "audit")? {
        let row = row?;
        let index = row.get("idx").and_then(Value::as_u64);
        let leaf = bytes(row.get("leaf"));
        let (Some(index), Some(leaf)) = (index, leaf) else {
            return Err(refused("an entry of the log cannot be read"));
        };
        check.entry(index, &leaf, None).map_err(broken)?;
        count += 1;
    }
    check.finish().map_err(broken)?;
    if count != manifest.entries || count < newest {
        return Err(refused(format!(
            "{count} entries of {} are there",
            manifest.entries
        )));
    }
    Ok(())
}
