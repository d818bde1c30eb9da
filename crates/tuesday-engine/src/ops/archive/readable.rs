//! What people and spreadsheets read of an export: tables as CSV, packages as folders, charters and
//! runbooks as Markdown without a link that leads nowhere.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use tuesday_domain::id::{ReleaseId, ReviewId, RunId};
use uuid::Uuid;

type Row = Map<String, Value>;

/// A CSV file made of the rows of a table: the column of the table, and its heading.
pub(super) struct Csv {
    pub(super) table: &'static str,
    pub(super) file: &'static str,
    pub(super) columns: &'static [(&'static str, &'static str)],
}

/// Every such file.
pub(super) const CSV: [Csv; 4] = [
    Csv {
        table: "runs",
        file: "runs.csv",
        columns: &[
            ("id", "run"),
            ("workflow", "workflow"),
            ("subject", "case"),
            ("event_id", "event"),
            ("received_at", "received"),
            ("finished_at", "finished"),
            ("status", "status"),
            ("outcome", "outcome"),
            ("reason", "reason"),
            ("release_id", "release"),
            ("rules_version", "rules_version"),
            ("rules_row", "rules_row"),
            ("cost_micros", "cost_micros"),
        ],
    },
    Csv {
        table: "reviews",
        file: "decisions.csv",
        columns: &[
            ("id", "review"),
            ("run_id", "run"),
            ("workflow", "workflow"),
            ("kind", "kind"),
            ("tier", "tier"),
            ("state", "state"),
            ("owner", "owner"),
            ("decided_by", "decided_by"),
            ("decided_at", "decided"),
            ("decision", "decision"),
            ("decision_reason", "reason"),
        ],
    },
    Csv {
        table: "cost_entries",
        file: "costs.csv",
        columns: &[
            ("category", "category"),
            ("workflow", "workflow"),
            ("day_from", "from"),
            ("day_to", "to"),
            ("amount_micros", "amount_micros"),
            ("currency", "currency"),
            ("minutes", "minutes"),
            ("vendor", "vendor"),
            ("words", "words"),
            ("entered_by", "entered_by"),
        ],
    },
    Csv {
        table: "incidents",
        file: "incidents.csv",
        columns: &[
            ("key", "cause"),
            ("category", "category"),
            ("severity", "severity"),
            ("state", "state"),
            ("workflow", "workflow"),
            ("title", "title"),
            ("owner", "owner"),
            ("opened_at", "opened"),
            ("resolved_at", "resolved"),
            ("resolution", "resolution"),
        ],
    },
];

impl Csv {
    pub(super) fn head(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|c| c.1).collect();
        names.join(",")
    }

    pub(super) fn row(&self, row: &Row) -> String {
        let cells = self
            .columns
            .iter()
            .map(|(column, _)| cell(self.table, column, row.get(*column)));
        cells.collect::<Vec<_>>().join(",")
    }
}

fn uuid(v: &Value) -> Option<Uuid> {
    Uuid::try_parse(v.get("hex")?.as_str()?).ok()
}

fn cell(table: &str, column: &str, v: Option<&Value>) -> String {
    let text = match v {
        None | Some(Value::Null) => String::new(),
        Some(Value::Number(n)) if column.ends_with("_at") => n
            .as_i64()
            .map(|m| tuesday_domain::time::Timestamp::from_micros(m).rfc3339())
            .unwrap_or_default(),
        Some(Value::String(s)) => s.clone(),
        Some(v @ Value::Object(_)) => match (table, column, uuid(v)) {
            ("runs", "id", Some(id)) | (_, "run_id", Some(id)) => RunId::new(id).to_string(),
            ("reviews", "id", Some(id)) => ReviewId::new(id).to_string(),
            (_, "release_id", Some(id)) => ReleaseId::new(id).to_string(),
            (_, _, Some(id)) => id.to_string(),
            _ => String::new(),
        },
        Some(other) => other.to_string(),
    };
    // A spreadsheet must not take a text for a formula.
    let text = match text.chars().next() {
        Some('=' | '+' | '-' | '@') if v.is_some_and(Value::is_string) => format!("'{text}"),
        _ => text,
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Markdown whose links lead to a file of the export, to a place on the page or to the web; any other link
/// becomes its words. `from` is the file's own name.
pub(super) fn unlinked(from: &str, text: &str, files: &BTreeSet<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find("](") {
        let Some(end) = rest[open..].find(')').map(|e| open + e) else {
            break;
        };
        let target = &rest[open + 2..end];
        let begin = rest[..open].rfind('[');
        let web = target.starts_with("http://")
            || target.starts_with("https://")
            || target.starts_with("mailto:");
        let there = web || target.starts_with('#') || files.contains(&resolved(from, target));
        match begin {
            Some(begin) if !there => {
                out.push_str(&rest[..begin]);
                out.push_str(&rest[begin + 1..open]);
            }
            _ => out.push_str(&rest[..=end]),
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    out
}

/// The file that a relative link leads to.
pub(super) fn resolved(from: &str, target: &str) -> String {
    let target = target.split('#').next().unwrap_or_default();
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// What is said first.
pub(super) const README: &str = "# An export of tuesday

Everything in this folder opens without the program.

| what | where |
|---|---|
| runs, decisions, entered costs, incidents | `runs.csv`, `decisions.csv`, `costs.csv`, `incidents.csv` |
| the whole story of each run, one a line | `stories.jsonl` |
| packages of every release, rules of every version, charters, eval packs, runbooks | `workflows/` |
| incidents as they would be reviewed | `incidents/` |
| runbooks of the program | [runbooks](runbooks/README.md) |
| the audit log with its proofs; any program that knows the format can verify it | `audit/log.bundle` |
| a script that verifies it | `audit/verify_bundle.py` |
| every row of every table, for `tuesday import` | `data/` |
| SHA-256 of every file, and of that list | `manifest.json`, `manifest.sha256` |

Times in `data/` are microseconds since 1970 in UTC, money is in millionths. Bytes are `{\"text\": …}` or `{\"hex\": …}`.
Secrets, ways to sign in, tokens and sessions are not in it. What was erased is not in it either: the log says when, by whom
and under which policy.
";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_link_that_leads_nowhere_becomes_its_words() {
        let files = BTreeSet::from(["runbooks/a.md".to_owned(), "README.md".to_owned()]);
        let text = "see [a](a.md#top), [home](../README.md), [queue](/queue), [web](https://e.org), [guide](../guides/x.md) end";
        assert_eq!(
            unlinked("runbooks/b.md", text, &files),
            "see [a](a.md#top), [home](../README.md), queue, [web](https://e.org), guide end"
        );
    }

    #[test]
    fn cells_are_quoted_and_no_formula() {
        let row = json!({"id": {"hex": "00000000000000000000000000000001"}, "workflow": "a,b", "subject": "=1+1",
            "received_at": 0, "cost_micros": -5});
        let Value::Object(row) = row else { return };
        let line = CSV[0].row(&row);
        assert!(
            line.starts_with(
                "run_00000000000000000000000001,\"a,b\",'=1+1,,1970-01-01T00:00:00.000Z,"
            ),
            "{line}"
        );
        assert!(line.ends_with(",-5"), "{line}");
    }
}
