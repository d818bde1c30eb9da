//! Where data leaves a release: its model, its destinations and its sources, each with the place it
//! is sent to and the fields that go there. Derived from the compiled release, so that the answer
//! changes with the settings and cannot be written by hand.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::action::ActionClass;
use crate::actor::Class;
use crate::definition::{
    ActionSpec, DestinationKind, ModelKind, ModelSpec, SourceKind, SourceSpec,
};
use crate::eval::ModelGrader;
use crate::facts::{Expr, Text};
use crate::ready::{Ready, ReadyAction};
use crate::workflow::{Stage, Switch};

/// What an outlet is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutletKind {
    /// The model step.
    Model,
    /// An action's destination.
    Destination,
    /// A source: only what is needed to find the record goes there.
    Source,
}

impl OutletKind {
    /// The word in records and pages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Destination => "destination",
            Self::Source => "source",
        }
    }
}

/// One field as it is sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SentField {
    /// Its name over there; for a model the name of the fact.
    pub name: String,
    /// The facts it is made of, dotted.
    pub reads: Vec<String>,
    /// The strictest class among them.
    pub class: Class,
    /// Above the model's clearance: a mark goes there in its place.
    pub masked: bool,
}

/// One way out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Outlet {
    /// What it is for.
    pub kind: OutletKind,
    /// Name in the definition; `model` for the model step.
    pub name: String,
    /// The system or provider, in the words people use.
    pub system: String,
    /// Host, server, file or program.
    pub place: String,
    /// False for what stays in this process or in a file beside it.
    pub outside: bool,
    /// What the tool may do there.
    pub class: ActionClass,
    /// The reference of its credential; never its value.
    pub secret: Option<String>,
    /// What goes there.
    pub fields: Vec<SentField>,
}

/// Every way out of a release: the model, then destinations and sources in the order of the file.
#[must_use]
pub fn outlets(ready: &Ready) -> Vec<Outlet> {
    let mut all = vec![model(ready)];
    all.extend(ready.actions.iter().map(|a| destination(ready, a)));
    all.extend(ready.def.source.iter().map(|s| source(ready, s)));
    all
}

/// Whether the tool is used in this stage, and on whose word, in words for a table; `fallback` says that
/// work was given back to people.
#[must_use]
pub fn permitted(outlet: &Outlet, stage: Stage, switch: Switch, fallback: bool) -> &'static str {
    match (outlet.kind, stage, switch) {
        (_, Stage::Off, _) => "no: the stage is off",
        (_, _, Switch::Killed) => "no: automation is ended",
        (_, _, Switch::Paused) => "no: the workflow is paused",
        _ if fallback => "no: people work by hand",
        (OutletKind::Model | OutletKind::Source, _, _) => "yes",
        (_, Stage::Shadow, _) => "no: shadow writes nothing",
        (_, Stage::DraftOnly, _) if outlet.class > ActionClass::Draft => "no: only drafts",
        (_, Stage::Auto | Stage::DraftOnly, _) if outlet.class.rule_may_authorise() => {
            "by a rule or a person"
        }
        _ => "by a person",
    }
}

/// What `after` reads, sends or may do that `before` did not, in words: a new way out, another place or
/// credential, a class that may do more, a field that was not sent or read, a sensitivity class that
/// was higher. Less is no widening.
#[must_use]
pub fn widened(before: &Ready, after: &Ready) -> Vec<String> {
    let mut words = reaches(&outlets(before), &outlets(after));
    words.extend(reads_more(before, after));
    words.extend(lowered(before, after));
    words
}

/// Sources that are read for more, or asked in another way.
fn reads_more(before: &Ready, after: &Ready) -> Vec<String> {
    let mut words = Vec::new();
    for new in &after.def.source {
        let Some(old) = before.def.source.iter().find(|s| s.name == new.name) else {
            continue;
        };
        let more = new.fields.iter().filter(|f| !old.fields.contains(f));
        words.extend(more.map(|f| format!("source {} is read for {f}", new.name)));
        let asks = |s: &SourceSpec| (s.query.clone(), s.params.clone(), s.path.clone());
        if asks(old) != asks(new) {
            words.push(format!("source {} is asked in another way", new.name));
        }
    }
    words
}

/// Fields and sources whose sensitivity class was higher: more people and systems may see them.
fn lowered(before: &Ready, after: &Ready) -> Vec<String> {
    let told = |what: String, old: Class, new: Class| {
        (new < old).then(|| format!("{what} was {} and is {}", old.word(), new.word()))
    };
    let inputs = after.input.fields().filter_map(|f| {
        let (old, new) = (before.input.class(f), after.input.class(f));
        let known = before.input.fields().any(|k| k == f);
        told(format!("input.{f}"), old, new).filter(|_| known)
    });
    let outputs = after.output.fields().filter_map(|f| {
        let (old, new) = (before.output.class(f), after.output.class(f));
        let known = before.output.fields().any(|k| k == f);
        told(format!("output.{f}"), old, new).filter(|_| known)
    });
    let sources = after.def.source.iter().filter_map(|new| {
        let old = before.def.source.iter().find(|s| s.name == new.name)?;
        told(format!("source {}", new.name), old.class, new.class)
    });
    inputs.chain(outputs).chain(sources).collect()
}

fn reaches(before: &[Outlet], after: &[Outlet]) -> Vec<String> {
    let mut words = Vec::new();
    for new in after {
        let what = format!("{} {}", new.kind.word(), new.name);
        let Some(old) = before
            .iter()
            .find(|o| (o.kind, &o.name) == (new.kind, &new.name))
        else {
            words.push(format!("{what} is new"));
            continue;
        };
        if (&old.place, &old.system) != (&new.place, &new.system) {
            words.push(format!("{what} is at {} now", new.place));
        }
        if new.secret.is_some() && old.secret != new.secret {
            words.push(format!("{what} has another credential"));
        }
        if new.class > old.class {
            words.push(format!("{what} is of class {} now", new.class));
        }
        words.extend(sent_more(old, new).map(|field| format!("{what} is sent {field}")));
    }
    words
}

/// Facts that are sent in clear now and were not.
fn sent_more<'a>(old: &'a Outlet, new: &'a Outlet) -> impl Iterator<Item = &'a str> {
    let clear = |o: &'a Outlet| {
        let fields = o.fields.iter().filter(|f| !f.masked);
        fields.flat_map(|f| f.reads.iter().map(String::as_str))
    };
    let known: BTreeSet<&str> = clear(old).collect();
    let now: BTreeSet<&str> = clear(new).filter(|f| !known.contains(f)).collect();
    now.into_iter()
}

fn model(ready: &Ready) -> Outlet {
    let spec = &ready.def.model;
    let reads = match spec.kind {
        // These are handed the facts themselves, beside the text of the prompt.
        ModelKind::Http | ModelKind::Command | ModelKind::Classifier | ModelKind::Template => {
            let sources = ready.def.source.iter().map(|s| s.name.clone());
            std::iter::once("input".to_owned()).chain(sources).collect()
        }
        ModelKind::Openai | ModelKind::Anthropic => ready.prompt.reads(),
    };
    let fields = expanded(ready, &reads).into_iter().map(|path| {
        let class = class_of(ready, &path);
        SentField {
            name: path.clone(),
            reads: vec![path],
            class,
            masked: class > spec.clearance,
        }
    });
    Outlet {
        kind: OutletKind::Model,
        name: "model".to_owned(),
        system: spec.provider.clone().unwrap_or_else(|| spec.pin.clone()),
        place: model_place(spec),
        outside: !spec.kind.is_built_in(),
        class: ActionClass::Read,
        secret: spec.auth.as_ref().map(|a| a.secret.clone()),
        fields: fields.collect(),
    }
}

fn model_place(spec: &ModelSpec) -> String {
    match spec.kind {
        ModelKind::Classifier | ModelKind::Template => "this process".to_owned(),
        ModelKind::Command => spec
            .command
            .first()
            .map_or_else(|| "a program".to_owned(), |c| format!("the program {c}")),
        _ => host(spec.url.as_deref()),
    }
}

/// The model that a grader of the pack asks about outputs. It is asked in evaluations only, so it is no way out
/// of a run.
#[must_use]
pub fn grader(ready: &Ready, grader: &ModelGrader) -> Outlet {
    let spec = &grader.spec;
    let fields = expanded(ready, &grader.reads()).into_iter().map(|path| {
        let class = class_of(ready, &path);
        SentField {
            name: path.clone(),
            reads: vec![path],
            class,
            masked: class > spec.clearance,
        }
    });
    Outlet {
        kind: OutletKind::Model,
        name: format!("grader {}", grader.name),
        system: spec.provider.clone().unwrap_or_else(|| spec.pin.clone()),
        place: model_place(spec),
        outside: !spec.kind.is_built_in(),
        class: ActionClass::Read,
        secret: spec.auth.as_ref().map(|a| a.secret.clone()),
        fields: fields.collect(),
    }
}

fn destination(ready: &Ready, action: &ReadyAction) -> Outlet {
    let spec = &action.spec;
    let sent = |name: &str, reads: Vec<String>| field(ready, name, &reads);
    let mut fields: Vec<SentField> = action
        .fields
        .iter()
        .map(|(name, e)| sent(name, e.reads()))
        .collect();
    fields.push(sent("(record)", action.target.reads()));
    for (key, text) in &action.templates {
        let reads: Vec<String> = text.reads();
        if reads.iter().any(|r| known(r)) {
            fields.push(sent(&format!("({key})"), reads));
        }
    }
    Outlet {
        kind: OutletKind::Destination,
        name: spec.name.clone(),
        system: spec.system.clone(),
        place: destination_place(spec),
        outside: match spec.kind {
            DestinationKind::Http | DestinationKind::Smtp => true,
            DestinationKind::Sql => !is_file(spec.database.as_deref()),
            DestinationKind::File => false,
        },
        class: spec.class,
        secret: spec.auth.as_ref().map(|a| a.secret.clone()),
        fields,
    }
}

fn destination_place(spec: &ActionSpec) -> String {
    match spec.kind {
        DestinationKind::Http => host(spec.url.as_deref()),
        DestinationKind::Smtp => spec.server.clone().unwrap_or_default(),
        DestinationKind::Sql => spec.database.clone().unwrap_or_default(),
        DestinationKind::File => spec.path.clone().unwrap_or_default(),
    }
}

fn source(ready: &Ready, spec: &SourceSpec) -> Outlet {
    let mut reads: Vec<String> = spec
        .params
        .iter()
        .chain(&spec.equals)
        .filter_map(|e| Expr::parse(e).ok())
        .flat_map(|e| e.reads())
        .collect();
    let url = spec.url.as_deref().and_then(|u| Text::parse(u).ok());
    reads.extend(url.iter().flat_map(Text::reads));
    Outlet {
        kind: OutletKind::Source,
        name: spec.name.clone(),
        system: spec.system.clone(),
        place: match spec.kind {
            SourceKind::Http => host(spec.url.as_deref()),
            SourceKind::Sql => spec.database.clone().unwrap_or_default(),
            SourceKind::File => spec.path.clone().unwrap_or_default(),
        },
        outside: match spec.kind {
            SourceKind::Http => true,
            SourceKind::Sql => !is_file(spec.database.as_deref()),
            SourceKind::File => false,
        },
        class: ActionClass::Read,
        secret: spec.auth.as_ref().map(|a| a.secret.clone()),
        fields: vec![field(ready, "(key)", &reads)],
    }
}

fn field(ready: &Ready, name: &str, reads: &[String]) -> SentField {
    let reads = expanded(ready, reads);
    SentField {
        name: name.to_owned(),
        class: reads
            .iter()
            .map(|r| class_of(ready, r))
            .max()
            .unwrap_or(Class::Public),
        reads: reads.into_iter().collect(),
        masked: false,
    }
}

/// Names that are no data of a case: what the machine itself adds.
fn known(path: &str) -> bool {
    let group = path.split('.').next().unwrap_or(path);
    !matches!(group, "run" | "target" | "key" | "confidence" | "label")
}

/// A whole record stands for each of its declared fields.
fn expanded(ready: &Ready, reads: &[String]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for path in reads.iter().filter(|p| known(p)) {
        let of: Vec<String> = members(ready, path)
            .map(|m| format!("{path}.{m}"))
            .collect();
        // A field, or a name that nothing declares: told as it stands, and the latter counts as restricted.
        if path.contains('.') || of.is_empty() {
            all.insert(path.clone());
        } else {
            all.extend(of);
        }
    }
    all
}

fn members<'a>(ready: &'a Ready, group: &'a str) -> Box<dyn Iterator<Item = &'a str> + 'a> {
    match group {
        "input" => Box::new(ready.input.fields()),
        "output" => Box::new(ready.output.fields()),
        _ => Box::new(
            ready
                .def
                .source
                .iter()
                .filter(move |s| s.name == group || group == "record")
                .flat_map(|s| s.fields.iter().map(String::as_str)),
        ),
    }
}

fn class_of(ready: &Ready, path: &str) -> Class {
    match path.split_once('.') {
        Some(("output", field)) => ready.output.class(field),
        Some((group, field)) => ready.class_of(group, field),
        None => Class::Restricted,
    }
}

/// Host and port of an address template; the address itself when it has none.
fn host(url: Option<&str>) -> String {
    let url = url.unwrap_or_default();
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest).to_owned()
}

fn is_file(database: Option<&str>) -> bool {
    database.is_some_and(|d| d.starts_with("sqlite:"))
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn the_place_is_host_and_port_and_nothing_of_the_path() {
        for (url, place) in [
            (
                "https://crm.example.com/a/{{ target }}?x=1",
                "crm.example.com",
            ),
            ("http://127.0.0.1:80?x=1", "127.0.0.1:80"),
            ("", ""),
        ] {
            assert_eq!(host(Some(url)), place);
        }
    }
}
