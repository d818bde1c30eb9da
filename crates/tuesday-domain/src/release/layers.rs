//! In which layers two releases differ: what they read, the prompt, the model, the rules, the
//! connectors, the way people work. Told from the texts, so that nobody has to be believed.
//!
//! What no run depends on (cases, runbook, owners, alerts, time-outs) is no layer: a release that moves
//! a time-out beside its prompt has still changed only the prompt.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::definition::{Definition, ModelSpec, Package};
use crate::trouble::incident::FixLayer;

/// Layers in the order of their words.
pub type Layers = BTreeSet<FixLayer>;

/// A package with its definition, as both stand in a release.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'a> {
    /// Its files.
    pub package: &'a Package,
    /// What `workflow.toml` says, variables put in.
    pub def: &'a Definition,
}

/// Sections of `workflow.toml` that can answer an error, with the layer they are. The others say who
/// is told, how long something may take and when automation stops.
const SECTIONS: [(&str, FixLayer); 12] = [
    ("input", FixLayer::Input),
    ("source", FixLayer::Input),
    ("trigger", FixLayer::Input),
    ("model", FixLayer::Model),
    ("facts", FixLayer::Rules),
    ("check", FixLayer::Rules),
    ("output", FixLayer::Rules),
    ("review", FixLayer::Process),
    ("manual", FixLayer::Process),
    ("on_failure", FixLayer::Process),
    ("rollout", FixLayer::Process),
    ("action", FixLayer::Connector),
];

/// The layers in which `new` differs from `old`.
#[must_use]
pub fn changed(old: Texts<'_>, new: Texts<'_>) -> Layers {
    let mut layers = Layers::new();
    let (was, is) = (sections(old.def), sections(new.def));
    for (name, layer) in SECTIONS {
        if was.get(name) != is.get(name) {
            layers.insert(layer);
        }
    }
    if old.def.model.prompt != new.def.model.prompt {
        layers.insert(FixLayer::Prompt);
    }
    let names = old.package.files.keys().chain(new.package.files.keys());
    for name in names {
        let (was, is) = (old.package.text(name), new.package.text(name));
        if was != is {
            layers.extend(of_file(name, new.def, was, is));
        }
    }
    layers
}

/// The definition by section; the model without the name of its prompt, which is a layer of its own.
fn sections(def: &Definition) -> Value {
    let mut def = def.clone();
    def.model = ModelSpec {
        prompt: String::new(),
        ..def.model
    };
    serde_json::to_value(def).unwrap_or_default()
}

/// The layer of a file that differs; none when no run depends on the difference.
fn of_file(name: &str, def: &Definition, was: Option<&str>, is: Option<&str>) -> Option<FixLayer> {
    if name == "workflow.toml" || name.starts_with("evals/") || is_aside(name) {
        return None;
    }
    if name == def.input.schema {
        return (bare(was) != bare(is)).then_some(FixLayer::Input);
    }
    if name == def.output.schema {
        // The model reads the descriptions of its output: they are a part of what it is told.
        return Some(if bare(was) == bare(is) {
            FixLayer::Prompt
        } else {
            FixLayer::Rules
        });
    }
    if name == "rules.csv" {
        return (table(was) != table(is)).then_some(FixLayer::Rules);
    }
    if def.model.examples.as_deref() == Some(name) {
        return Some(FixLayer::Model);
    }
    // Prompt, style texts, and whatever else the prompt may be made of.
    Some(FixLayer::Prompt)
}

/// Files beside the release: nothing of them reaches a run.
fn is_aside(name: &str) -> bool {
    name.starts_with("records/")
        || name.starts_with('.')
        || name == "runbook.md"
        || name.eq_ignore_ascii_case("readme.md")
}

/// A schema without what only describes it; a text that is none stays as it is.
fn bare(text: Option<&str>) -> Option<Value> {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for word in ["description", "title", "$comment"] {
                    // A property may be called so: then it holds a schema, not a text.
                    if map.get(word).is_some_and(Value::is_string) {
                        map.remove(word);
                    }
                }
                map.values_mut().for_each(strip);
            }
            Value::Array(all) => all.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let text = text?;
    let mut value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    strip(&mut value);
    Some(value)
}

/// A decision table by its hash: order of columns and spaces are no change.
fn table(text: Option<&str>) -> Option<String> {
    let text = text?;
    Some(crate::rules::parse(text).map_or_else(|_| text.to_owned(), |(set, _)| set.hash()))
}

/// The layers as one text, as they are stored.
#[must_use]
pub fn words(layers: &Layers) -> String {
    let all: Vec<_> = layers.iter().map(|l| l.word()).collect();
    all.join(" ")
}

/// Reads [`words`].
///
/// # Errors
/// A word that is no layer.
pub fn parse(text: &str) -> Result<Layers, crate::words::UnknownWord> {
    text.split_whitespace().map(str::parse).collect()
}

/// Nothing but the prompt differs.
#[must_use]
pub fn prompt_only(layers: &Layers) -> bool {
    layers.iter().eq([&FixLayer::Prompt])
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The first package of the examples, as it stands.
    fn package() -> Package {
        macro_rules! files {
            ($($name:literal),*) => {
                Package::new([$((
                    $name.to_owned(),
                    include_str!(concat!("../../../../examples/support-triage/", $name)).to_owned(),
                )),*])
            };
        }
        files!(
            "workflow.toml",
            "prompt.md",
            "input.schema.json",
            "output.schema.json",
            "rules.csv",
            "examples.jsonl",
            "runbook.md",
            "evals/golden.jsonl"
        )
    }

    /// The layers of a change of one file.
    fn of(file: &str, change: impl Fn(&str) -> String) -> String {
        let old = package();
        let mut new = old.clone();
        let text = new.files.entry(file.to_owned()).or_default();
        let changed_text = change(text);
        assert_ne!(*text, changed_text, "{file} is as it was");
        *text = changed_text;
        let defs = [&old, &new].map(|p| p.definition(&BTreeMap::new()).unwrap());
        let texts = |package, def| Texts { package, def };
        words(&changed(texts(&old, &defs[0]), texts(&new, &defs[1])))
    }

    fn swap(old: &'static str, new: &'static str) -> impl Fn(&str) -> String {
        move |text| {
            assert!(text.contains(old), "{old}");
            text.replacen(old, new, 1)
        }
    }

    #[test]
    fn each_file_and_section_is_its_layer() {
        let more = |text: &str| format!("{text}\nBe brief.\n");
        assert_eq!(of("prompt.md", more), "prompt");
        assert_eq!(of("styles/voice.md", more), "prompt");
        assert_eq!(of("runbook.md", more), "");
        assert_eq!(of("evals/golden.jsonl", more), "");
        assert_eq!(
            of("rules.csv", |t| format!("{t} ")),
            "",
            "a space is no rule"
        );
        assert_eq!(
            of("examples.jsonl", |t| t
                .lines()
                .skip(1)
                .collect::<Vec<_>>()
                .join("\n")),
            "model"
        );
        let last = |t: &str| {
            let mut lines: Vec<_> = t.trim().lines().collect();
            lines.remove(1);
            lines.join("\n")
        };
        assert_eq!(of("rules.csv", last), "rules");
        let w = "workflow.toml";
        assert_eq!(
            of(w, |t| format!("# said\n{t}")),
            "",
            "a comment is nothing"
        );
        assert_eq!(of(w, swap("concurrency = 16", "concurrency = 17")), "");
        assert_eq!(of(w, swap("[model]", "[model]\nmax_tokens = 77")), "model");
        assert_eq!(of(w, swap("claim = \"20m\"", "claim = \"9m\"")), "process");
    }

    #[test]
    fn a_description_of_the_output_is_told_to_the_model_and_one_of_the_input_is_not() {
        let says = |t: &str| {
            let mut schema: Value = serde_json::from_str(t).unwrap();
            schema["description"] = "Something else.".into();
            schema.to_string()
        };
        assert_eq!(of("output.schema.json", says), "prompt");
        assert_eq!(of("input.schema.json", says), "");
        let wants = |t: &str| {
            let mut schema: Value = serde_json::from_str(t).unwrap();
            schema["properties"]["one_more"] = serde_json::json!({"type": "string"});
            schema.to_string()
        };
        assert_eq!(of("output.schema.json", wants), "rules");
        assert_eq!(of("input.schema.json", wants), "input");
    }

    #[test]
    fn layers_come_back_from_their_words() {
        let two = Layers::from([FixLayer::Rules, FixLayer::Prompt]);
        assert_eq!(parse(&words(&two)), Ok(two.clone()));
        assert_eq!(parse(""), Ok(Layers::new()));
        assert!(parse("prompt luck").is_err() && !prompt_only(&two));
        assert!(prompt_only(&Layers::from([FixLayer::Prompt])));
    }
}
