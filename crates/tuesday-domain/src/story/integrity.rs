//! Is the record whole? Every payload against the commitment the log holds, every change against its
//! sequence number.

use serde_json::{Map, Value};

use super::{Integrity, Record};
use crate::audit::Commitment;

pub(super) fn integrity(record: &Record, leaves: &[(Option<u64>, Value)]) -> Integrity {
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
        if p.bytes.is_empty() && p.salt == [0; 16] {
            erased.push(name);
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
