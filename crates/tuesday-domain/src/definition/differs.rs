//! In which fields two packages differ: what a repository holds and what is live. Comments, the order of keys
//! and files that no run depends on are no difference.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::{Definition, Package, PackageFault};
use crate::rules::parse;

/// Longest value that is shown, in characters.
const SHOWN: usize = 120;

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Differs {
    /// `workflow.toml model.pin`, `prompt.md`, `rules.csv`.
    pub field: String,
    /// As it is live; absent where it is not there.
    pub live: Option<String>,
    /// As the repository has it.
    pub repository: Option<String>,
}

/// Where the repository's package differs from the live one. Variables of the installation are put into both;
/// `rules` is the table in force, which people change without a release.
///
/// # Errors
/// When the repository's `workflow.toml` cannot be read.
pub fn differs(
    live: (&Package, &Definition),
    rules: &str,
    repository: &Package,
) -> Result<Vec<Differs>, PackageFault> {
    let (package, def) = live;
    let own = repository.definition(&BTreeMap::new())?;
    let set = |vars: &BTreeMap<String, String>| {
        let known = def.vars.iter().filter(|(n, _)| vars.contains_key(*n));
        known.map(|(n, v)| (n.clone(), v.clone())).collect()
    };
    let installed = repository.definition(&set(&own.vars))?;
    let mut out = Vec::new();
    let value = |d: &Definition| serde_json::to_value(d).unwrap_or_default();
    fields("workflow.toml ", &value(def), &value(&installed), &mut out);
    let names: BTreeSet<&String> = package
        .files
        .keys()
        .chain(repository.files.keys())
        .collect();
    for name in names {
        if name == "workflow.toml" || !Package::is_part(name) {
            continue;
        }
        let (was, is) = (package.text(name), repository.text(name));
        let was = if name == "rules.csv" {
            Some(rules)
        } else {
            was
        };
        let same = match (was, is) {
            (Some(was), Some(is)) if name == "rules.csv" => table(was) == table(is),
            (was, is) => was == is,
        };
        if !same {
            out.push(Differs {
                field: name.clone(),
                live: was.map(|t| told(t, is)),
                repository: is.map(|t| told(t, was)),
            });
        }
    }
    Ok(out)
}

/// A table by its hash: spaces and the order of columns are no difference.
fn table(text: &str) -> String {
    parse(text).map_or_else(|_| text.to_owned(), |(set, _)| set.hash())
}

/// The first line that the other one has not.
fn told(text: &str, other: Option<&str>) -> String {
    let others: BTreeSet<&str> = other.iter().flat_map(|t| t.lines()).collect();
    let own: Vec<&str> = text.lines().filter(|l| !others.contains(l)).collect();
    match own.first() {
        Some(first) if own.len() == 1 => short(first),
        Some(first) => format!("{} (and {} more lines)", short(first), own.len() - 1),
        None => "the same lines in another order or number".to_owned(),
    }
}

fn short(text: &str) -> String {
    let mut out: String = text.chars().take(SHOWN).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

fn fields(path: &str, live: &Value, repository: &Value, out: &mut Vec<Differs>) {
    if live == repository {
        return;
    }
    match (live, repository) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                let at = below(path, name);
                let side = |m: &serde_json::Map<String, Value>| m.get(name).cloned();
                let (a, b) = (side(a).unwrap_or_default(), side(b).unwrap_or_default());
                fields(&at, &a, &b, out);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.iter().chain(b).all(Value::is_object) => {
            for (name, a, b) in pairs(a, b) {
                fields(&below(path, &name), &a, &b, out);
            }
        }
        (a, b) => {
            let side = |v: &Value| match v {
                Value::Null => None,
                Value::String(s) => Some(short(s)),
                other => Some(short(&other.to_string())),
            };
            out.push(Differs {
                field: path.to_owned(),
                live: side(a),
                repository: side(b),
            });
        }
    }
}

fn below(path: &str, name: &str) -> String {
    if path.ends_with(' ') {
        format!("{path}{name}")
    } else {
        format!("{path}.{name}")
    }
}

/// Entries of two lists of tables: by their name where all have one of their own, otherwise by their place.
fn pairs(a: &[Value], b: &[Value]) -> Vec<(String, Value, Value)> {
    let named = |all: &[Value]| -> Option<BTreeMap<String, Value>> {
        let of = |v: &Value| Some((v.get("name")?.as_str()?.to_owned(), v.clone()));
        let map: BTreeMap<String, Value> = all.iter().map(of).collect::<Option<_>>()?;
        (map.len() == all.len()).then_some(map)
    };
    let numbered = |all: &[Value]| -> BTreeMap<String, Value> {
        let one = |(i, v): (usize, &Value)| (format!("{:03}", i + 1), v.clone());
        all.iter().enumerate().map(one).collect()
    };
    let (a, b) = match (named(a), named(b)) {
        (Some(a), Some(b)) => (a, b),
        _ => (numbered(a), numbered(b)),
    };
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let side = |m: &BTreeMap<String, Value>, n: &str| m.get(n).cloned().unwrap_or_default();
    let pair = |n: &String| (n.clone(), side(&a, n), side(&b, n));
    names.into_iter().map(pair).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn package() -> Package {
        macro_rules! files {
            ($($name:literal),*) => {
                Package::new([$((
                    $name.to_owned(),
                    include_str!(concat!("../../../../examples/document-draft/", $name)).to_owned(),
                )),*])
            };
        }
        files!(
            "workflow.toml",
            "prompt.md",
            "rules.csv",
            "runbook.md",
            "input.schema.json"
        )
    }

    fn of(change: impl Fn(&mut Package)) -> Vec<String> {
        let live = package();
        let def = live.definition(&BTreeMap::new()).unwrap();
        let mut own = live.clone();
        change(&mut own);
        let rules = live.text("rules.csv").unwrap();
        let found = differs((&live, &def), rules, &own).unwrap();
        let words = |d: Differs| {
            let side = |s: Option<String>| s.unwrap_or_else(|| "-".to_owned());
            format!("{}: {} | {}", d.field, side(d.live), side(d.repository))
        };
        found.into_iter().map(words).collect()
    }

    fn swap<'a>(file: &'a str, old: &'a str, new: &'a str) -> impl Fn(&mut Package) + 'a {
        move |p| {
            let text = p.files.get_mut(file).unwrap();
            assert!(text.contains(old), "{old}");
            *text = text.replacen(old, new, 1);
        }
    }

    #[test]
    fn each_field_is_named_with_both_values() {
        assert_eq!(of(|_| {}), [""; 0]);
        let w = "workflow.toml";
        assert_eq!(
            of(swap(w, "pin = \"template-1\"", "pin = \"template-2\"")),
            ["workflow.toml model.pin: template-1 | template-2"]
        );
        assert_eq!(of(swap(w, "[rollout]", "# said\n[rollout]")), [""; 0]);
        assert_eq!(of(swap("runbook.md", "#", "##")), [""; 0]);
        let found = of(swap("prompt.md", "\n", "\nBe brief.\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("prompt.md: ") && found[0].ends_with("Be brief."),
            "{found:?}"
        );
        let found = of(swap("rules.csv", "> 50000", "> 60000"));
        assert!(found[0].starts_with("rules.csv: r3"), "{found:?}");
        let found = of(|p| {
            p.files.remove("input.schema.json");
        });
        assert!(found[0].ends_with("| -"), "{found:?}");
    }
}
