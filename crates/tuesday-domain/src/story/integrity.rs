//! Is the record whole? Every payload against the commitment the log holds, every change against its
//! sequence number.

use serde_json::{Map, Value};

use super::{ErasedPart, Integrity, Record};
use crate::audit::Commitment;
use crate::privacy::{Erasures, is_gone};
use crate::time::Zone;

pub(super) fn integrity(
    record: &Record,
    leaves: &[(Option<u64>, Value)],
    erasures: &Erasures,
    zone: Option<&Zone>,
) -> Integrity {
    let person = |handle: &str| {
        let known = record.people.iter().find(|p| p.handle == handle);
        known.map_or_else(|| handle.to_owned(), |p| p.name.clone())
    };
    let mut committed: Map<String, Value> = Map::new();
    for (_, leaf) in leaves {
        if let Some(commits) = leaf.get("commits").and_then(Value::as_object) {
            committed.extend(commits.clone());
        }
    }
    let (mut damaged, mut erased) = (Vec::new(), Vec::new());
    for p in &record.payloads {
        let name = format!("{}/{}", p.kind, p.n);
        let said: Option<Commitment> = committed
            .get(&name)
            .and_then(Value::as_str)
            .and_then(|s| s.parse().ok());
        // Bytes that are gone without an entry that says so were taken away, not erased; bytes that are
        // there although the log says they are gone were put back.
        if let Some(erasure) = erasures.get(&name) {
            if is_gone(p) {
                erased.push(ErasedPart {
                    payload: name,
                    n: p.n,
                    words: erasure.words(zone, person),
                    erasure: erasure.clone(),
                });
            } else {
                damaged.push(format!("{name} was erased and is there again"));
            }
        } else if said.is_none_or(|c| !c.opens_with(&p.salt, &p.bytes)) {
            damaged.push(name);
        }
    }
    for name in committed.keys() {
        if !record
            .payloads
            .iter()
            .any(|p| format!("{}/{}", p.kind, p.n) == *name)
        {
            damaged.push(format!("{name} is gone"));
        }
    }
    let seqs: std::collections::BTreeSet<u64> = leaves
        .iter()
        .filter_map(|(_, l)| l.get("seq").and_then(Value::as_u64))
        .collect();
    let gaps: Vec<u32> = (1..=record.run.version)
        .filter(|s| !seqs.contains(&u64::from(*s)))
        .collect();
    let sealed = leaves
        .iter()
        .filter(|(i, _)| matches!((i, record.sealed_size), (Some(i), Some(n)) if *i < n))
        .count();
    Integrity {
        entries: leaves.len(),
        sealed,
        whole: damaged.is_empty() && gaps.is_empty(),
        damaged,
        erased,
        gaps,
    }
}
