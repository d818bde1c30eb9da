//! Trains the built-in classifier from a package's examples when a release is installed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tuesday_domain::definition::{FeatureSpec as Declared, ModelKind, ModelSpec};
use tuesday_domain::facts::at;
use tuesday_domain::json::parse_strict;
use tuesday_domain::port::Compiled;

use super::{fill, pieces};
use tuesday_classifier::{Example, FeatureSpec, PairKind, PairSpec, TrainSpec, train};

/// What `spec` needs from `files`.
///
/// # Errors
/// In words, with file and line where there is one.
pub(super) fn compile(
    spec: &ModelSpec,
    files: &BTreeMap<String, String>,
) -> Result<Option<Compiled>, String> {
    if spec.kind.is_built_in() {
        fill::check(&spec.fill)?;
    }
    if spec.kind != ModelKind::Classifier {
        return Ok(None);
    }
    let file = spec
        .examples
        .as_deref()
        .ok_or("model.examples: a classifier needs a file of labelled examples")?;
    let field = spec
        .label_field
        .as_deref()
        .ok_or("model.label_field: a classifier needs the output field that gets the label")?;
    let text = files
        .get(file)
        .ok_or_else(|| format!("{file}: the file named by model.examples is not in the package"))?;
    let rows = examples(file, text, field)?;
    let features = features(&spec.features, file, &rows)?;
    pieces::checked(spec, &features, &rows)?;
    let rows = match &spec.features.pieces {
        Some(sought) => pieces::training(sought, &features.text[0], rows),
        None => rows,
    };
    let trained = train(
        &TrainSpec {
            features,
            ..TrainSpec::default()
        },
        &rows,
    )
    .map_err(|e| format!("{file}: {e}"))?;
    let report = serde_json::to_value(&trained.report)
        .map_err(|e| format!("{file}: the training report: {e}"))?;
    Ok(Some(Compiled {
        artifact: trained.artifact,
        report,
    }))
}

/// Reads `{"input": {…}, "output": …}` lines; records of sources may stand beside `input` under the sources' names.
fn examples(file: &str, text: &str, field: &str) -> Result<Vec<Example>, String> {
    let mut rows = Vec::new();
    for (place, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        rows.push(example(line, field).map_err(|e| format!("{file}:{}: {e}", place + 1))?);
    }
    Ok(rows)
}

fn example(line: &str, field: &str) -> Result<Example, String> {
    let Value::Object(mut row) = parse_strict(line.as_bytes())? else {
        return Err("an example is a JSON object with `input` and `output`".to_owned());
    };
    let label = match row.remove("output") {
        Some(Value::String(label)) => label,
        Some(Value::Object(mut output)) => match output.remove(field) {
            Some(Value::String(label)) => label,
            Some(_) => return Err(format!("output.{field} is not a text, so it is no label")),
            None => return Err(format!("output.{field} is missing")),
        },
        Some(_) => {
            return Err(format!(
                "`output` is neither a label nor an object with `{field}`"
            ));
        }
        None => return Err("`output` is missing".to_owned()),
    };
    if label.trim().is_empty() {
        return Err("the label is empty".to_owned());
    }
    if !row.get("input").is_some_and(Value::is_object) {
        return Err("`input` is missing or not an object".to_owned());
    }
    Ok(Example {
        fields: Value::Object(row),
        label,
    })
}

/// The declared features as paths into the facts: a path starts with `input` or a source of the examples, and is otherwise
/// a field of the input.
fn features(declared: &Declared, file: &str, rows: &[Example]) -> Result<FeatureSpec, String> {
    let roots: BTreeSet<&str> = rows
        .iter()
        .filter_map(|row| row.fields.as_object())
        .flat_map(|o| o.keys().map(String::as_str))
        .collect();
    let path = |declared: &String| {
        let first = declared.split('.').next().unwrap_or(declared);
        let full = if roots.contains(first) {
            declared.clone()
        } else {
            format!("input.{declared}")
        };
        // A path nothing has would be a feature that is silently never there.
        if rows.iter().any(|row| at(&row.fields, &full).is_some()) {
            Ok(full)
        } else {
            Err(format!(
                "model.features: no example in {file} has the field `{declared}`"
            ))
        }
    };
    let all = |paths: &[String]| paths.iter().map(path).collect::<Result<Vec<_>, _>>();
    let mut pair = Vec::with_capacity(declared.pair.len());
    for each in &declared.pair {
        pair.push(PairSpec {
            left: path(&each.left)?,
            right: path(&each.right)?,
            kind: kind(&each.kind)?,
        });
    }
    Ok(FeatureSpec {
        text: all(&declared.text)?,
        category: all(&declared.category)?,
        number: all(&declared.number)?,
        pair,
    })
}

fn kind(word: &str) -> Result<PairKind, String> {
    match word {
        "text" => Ok(PairKind::Text),
        "number" => Ok(PairKind::Number),
        "date" => Ok(PairKind::Date),
        other => Err(format!(
            "model.features.pair: `{other}` is not text, number or date"
        )),
    }
}
