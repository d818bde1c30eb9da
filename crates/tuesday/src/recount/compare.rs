//! Holds the recounted numbers beside those that are shown.

use std::collections::BTreeMap;

use serde_json::Value;

use super::numbers::Number;

/// A number that is not the same on both sides, or on one side only.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Difference {
    /// Its name.
    pub(crate) number: String,
    /// As it is shown.
    pub(crate) shown: Option<i64>,
    /// As the log has it.
    pub(crate) recounted: Option<i64>,
}

/// Every number in a page's JSON, by its path; an element of a list is named by its `key` or `week`, and
/// its currency where it has one.
pub(crate) fn flat(shown: &Value) -> BTreeMap<String, i64> {
    let mut out = BTreeMap::new();
    walk("", shown, &mut out);
    out
}

fn walk(path: &str, value: &Value, out: &mut BTreeMap<String, i64>) {
    let under = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match value {
        Value::Number(n) => {
            let n = n.as_i64().unwrap_or(i64::MAX);
            // Two of one name: the second must not hide the first, and matches nothing.
            if let Some(first) = out.insert(path.to_owned(), n) {
                out.insert(format!("{path} (twice)"), first);
            }
        }
        Value::Object(all) => all.iter().for_each(|(k, v)| walk(&under(k), v, out)),
        Value::Array(all) => {
            for each in all {
                let text = |field: &str| each.get(field).and_then(Value::as_str);
                let name = text("key").or_else(|| text("week")).unwrap_or_default();
                let currency = text("currency").map(|c| format!(".{c}"));
                let name = format!("{name}{}", currency.unwrap_or_default());
                walk(&under(&name), each, out);
            }
        }
        _ => {}
    }
}

/// What differs. Nothing that is shown may be left out, and nothing may be shown that the log lacks.
pub(crate) fn differences(
    shown: &BTreeMap<String, i64>,
    recounted: &[(String, Number)],
) -> Vec<Difference> {
    let counted: BTreeMap<&str, Number> = recounted
        .iter()
        .map(|(name, n)| (name.as_str(), *n))
        .collect();
    let one = |number: &str, shown: Option<i64>, recounted: Option<Number>| Difference {
        number: number.to_owned(),
        shown,
        recounted: recounted.map(Number::value),
    };
    let moved = shown.iter().filter_map(|(name, value)| {
        let found = counted.get(name.as_str()).copied();
        let same = found.is_some_and(|n| n.is(*value));
        (!same).then(|| one(name, Some(*value), found))
    });
    let lacking = counted
        .iter()
        .filter(|(name, _)| !shown.contains_key(**name))
        .map(|(name, n)| one(name, None, Some(*n)));
    moved.chain(lacking).collect()
}
