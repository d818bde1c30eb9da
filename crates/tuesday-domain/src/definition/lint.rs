//! What a definition means as a whole: everything that must be declared, bound and closed before a
//! workflow may run. Each fault names the file, the line and the way out.

use std::collections::{BTreeMap, BTreeSet};

use super::package::fault;
use super::{
    Definition, DestinationKind, FailurePlan, ModelKind, Package, PackageFault, SourceKind,
    TriggerKind,
};
use crate::action::Ability;
use crate::ready::Ready;
use crate::rules::{RuleSet, Severity, parse};

const TOML: &str = "workflow.toml";

/// Checks a package; warnings do not stop an installation.
#[must_use]
pub fn check(package: &Package, vars: &BTreeMap<String, String>) -> Vec<PackageFault> {
    let def = match package.definition(vars) {
        Ok(def) => def,
        Err(fault) => return vec![fault],
    };
    let mut lint = Lint {
        package,
        text: package.text(TOML).unwrap_or_default(),
        faults: Vec::new(),
    };
    lint.secrets(&def);
    lint.owners(&def);
    lint.triggers(&def);
    lint.sources(&def);
    lint.model(&def);
    lint.actions(&def);
    lint.limits(&def);
    lint.files();
    let rules = lint.rules(&def);
    match Ready::compile(package, def) {
        Ok(ready) => lint.bindings(&ready, rules.as_ref()),
        Err(faults) => lint.faults.extend(faults),
    }
    lint.faults
}

struct Lint<'a> {
    package: &'a Package,
    text: &'a str,
    faults: Vec<PackageFault>,
}

impl Lint<'_> {
    fn line(&self, needle: &str) -> Option<usize> {
        self.text
            .lines()
            .position(|l| l.contains(needle))
            .map(|i| i + 1)
    }

    fn add(&mut self, near: &str, code: &'static str, message: &str, way_out: &str) {
        let line = self.line(near);
        self.faults.push(fault(TOML, line, code, message, way_out));
    }

    fn warn(&mut self, file: &str, code: &'static str, message: &str, way_out: &str) {
        self.faults.push(PackageFault {
            warning: true,
            ..fault(file, None, code, message, way_out)
        });
    }

    /// A secret stands in the file itself when a value is no reference.
    fn secrets(&mut self, def: &Definition) {
        let auths = def
            .source
            .iter()
            .filter_map(|s| s.auth.as_ref())
            .chain(def.model.auth.as_ref());
        let all = auths
            .chain(def.action.iter().filter_map(|a| a.auth.as_ref()))
            .map(|h| h.secret.as_str());
        let all: Vec<&str> = all
            .chain(def.trigger.iter().filter_map(|t| t.secret.as_deref()))
            .collect();
        for (i, secret) in all.iter().enumerate() {
            if !["env:", "file:", "vault:"]
                .iter()
                .any(|p| secret.starts_with(p))
            {
                // The value itself is never repeated.
                self.add(
                    "secret",
                    "plaintext_secret",
                    &format!("secret number {} is written in clear", i + 1),
                    "write a reference: env:NAME or file:PATH",
                );
            }
        }
        for url in def
            .trigger
            .iter()
            .filter_map(|t| t.database.as_deref())
            .chain(def.source.iter().filter_map(|s| s.database.as_deref()))
            .chain(def.action.iter().filter_map(|a| a.database.as_deref()))
        {
            if url.contains("://") && url.contains('@') {
                self.add(
                    "database",
                    "plaintext_secret",
                    "a database address with credentials is written in clear",
                    "write env:NAME or file:PATH",
                );
            }
        }
    }

    fn owners(&mut self, def: &Definition) {
        for p in def.owners.people() {
            let person = p.email.split_once('@').is_some_and(|(name, host)| {
                !name.is_empty() && host.contains('.') || host == "localhost"
            });
            if p.name.trim().is_empty() || p.handle.trim().is_empty() || !person {
                self.add(
                    &p.handle,
                    "owner_not_a_person",
                    &format!(
                        "`{}` needs a handle, a name and an e-mail address",
                        p.handle
                    ),
                    "name a person",
                );
            }
            if p.handle.contains(|c: char| {
                !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_' || c == '.')
            }) {
                self.add(
                    &p.handle,
                    "owner_not_a_person",
                    &format!(
                        "the handle `{}` has other than lower-case letters, digits, - _ .",
                        p.handle
                    ),
                    "shorten it",
                );
            }
        }
        let known: BTreeSet<&str> = def
            .owners
            .people()
            .iter()
            .map(|p| p.handle.as_str())
            .collect();
        let named = def
            .review
            .tier
            .iter()
            .flat_map(|t| [&t.owner, &t.backup].into_iter().chain(&t.people))
            .chain([&def.manual.owner]);
        for handle in named {
            if !known.contains(handle.as_str()) {
                self.add(
                    handle,
                    "unknown_person",
                    &format!("`{handle}` is not among the [owners]"),
                    "add the person there",
                );
            }
        }
        if def.review.tier.is_empty() {
            self.add(
                "[review]",
                "no_tier",
                "there is no review tier",
                "declare one under [[review.tier]]",
            );
        }
        for tier in &def.review.tier {
            if !(1..=2).contains(&tier.approvals) {
                self.add(
                    &tier.name,
                    "bad_tier",
                    &format!("tier `{}` asks for {} approvals", tier.name, tier.approvals),
                    "1 or 2",
                );
            }
        }
        if def.review.reasons.is_empty() {
            self.add(
                "[review]",
                "no_reasons",
                "reviewers need reason codes to reject and edit with",
                "list them under review.reasons",
            );
        }
    }

    fn triggers(&mut self, def: &Definition) {
        if def.trigger.is_empty() {
            self.add(
                "[[trigger]]",
                "no_trigger",
                "nothing starts this workflow",
                "declare a [[trigger]]",
            );
        }
        for t in &def.trigger {
            let missing: Vec<&str> = match t.kind {
                TriggerKind::File => [
                    ("folder", t.folder.is_none()),
                    ("pattern", t.pattern.is_none()),
                ]
                .iter()
                .filter(|m| m.1)
                .map(|m| m.0)
                .collect(),
                TriggerKind::Schedule => [("cron", t.cron.is_none())]
                    .iter()
                    .filter(|m| m.1)
                    .map(|m| m.0)
                    .collect(),
                TriggerKind::Sql => [
                    ("database", t.database.is_none()),
                    ("table", t.table.is_none()),
                    ("key", t.key.is_none()),
                    ("column", t.column.is_none()),
                    ("taken", t.taken.is_none()),
                ]
                .iter()
                .filter(|m| m.1)
                .map(|m| m.0)
                .collect(),
                TriggerKind::Webhook | TriggerKind::Cli => Vec::new(),
            };
            for key in missing {
                self.add(
                    &t.name,
                    "key_missing",
                    &format!("trigger `{}` needs `{key}`", t.name),
                    "add it",
                );
            }
            if let Some(Err(e)) = t.cron.as_deref().map(crate::schedule::Cron::parse) {
                self.add(
                    &t.name,
                    "bad_cron",
                    &e,
                    "write five fields, such as `0 9 * * 1-5`",
                );
            }
        }
    }

    fn sources(&mut self, def: &Definition) {
        let mut ranks: BTreeMap<(u32, &str), &str> = BTreeMap::new();
        for s in &def.source {
            if [
                "input",
                "record",
                "output",
                "confidence",
                "run",
                "target",
                "answer",
                "label",
                "model",
                "versions",
                "key",
            ]
            .contains(&s.name.as_str())
            {
                self.add(
                    &s.name,
                    "reserved_name",
                    &format!("`{}` is a reserved name", s.name),
                    "call the source something else",
                );
            }
            if s.error_after < s.warn_after {
                self.add(
                    &s.name,
                    "bad_freshness",
                    &format!(
                        "source `{}`: error_after is shorter than warn_after",
                        s.name
                    ),
                    "make it longer",
                );
            }
            let missing = match s.kind {
                SourceKind::Http => s.url.is_none().then_some("url"),
                SourceKind::Sql => {
                    (s.database.is_none() || s.query.is_none()).then_some("database and query")
                }
                SourceKind::File => (s.path.is_none() || s.key.is_none() || s.equals.is_none())
                    .then_some("path, key and equals"),
            };
            if let Some(keys) = missing {
                self.add(
                    &s.name,
                    "key_missing",
                    &format!("source `{}` needs {keys}", s.name),
                    "add it",
                );
            }
            for field in &s.fields {
                if let Some(other) = ranks.insert((s.rank, field), &s.name) {
                    self.add(
                        &s.name,
                        "same_rank",
                        &format!(
                            "`{other}` and `{}` both supply `{field}` at rank {}",
                            s.name, s.rank
                        ),
                        "give one of them another rank",
                    );
                }
            }
            for field in s.critical.iter().chain(&s.watch) {
                if !s.fields.contains(field) {
                    self.add(
                        &s.name,
                        "unknown_field",
                        &format!(
                            "source `{}` marks `{field}`, which it does not list under fields",
                            s.name
                        ),
                        "list it",
                    );
                }
            }
        }
    }

    fn model(&mut self, def: &Definition) {
        let m = &def.model;
        let need = match m.kind {
            ModelKind::Openai | ModelKind::Anthropic | ModelKind::Http => {
                m.url.is_none().then_some("url")
            }
            ModelKind::Command => m.command.is_empty().then_some("command"),
            ModelKind::Classifier => (m.examples.is_none() || m.label_field.is_none())
                .then_some("examples and label_field"),
            ModelKind::Template => m.fill.is_empty().then_some("fill"),
        };
        if let Some(keys) = need {
            self.add(
                "[model]",
                "key_missing",
                &format!("a {} model needs {keys}", m.kind.word()),
                "add it",
            );
        }
        if m.pin.trim().is_empty() || m.pin.ends_with("latest") {
            let message = format!("`{}` is a floating model name", m.pin);
            if def.rollout.label == crate::workflow::Label::Production {
                self.add("pin", "floating_model", &message, "pin an exact model");
            } else {
                self.warn(
                    TOML,
                    "floating_model",
                    &message,
                    "pin an exact model before production",
                );
            }
        }
        if m.confidence.source == super::ConfidenceSource::None
            && def.facts.values().any(|e| e.contains("confidence"))
        {
            self.add(
                "confidence",
                "no_confidence_source",
                "a fact uses confidence but the model declares no source for it",
                "set model.confidence.source",
            );
        }
    }

    fn actions(&mut self, def: &Definition) {
        if def.action.is_empty() {
            self.add(
                "[[action]]",
                "no_destination",
                "the result goes nowhere",
                "declare an [[action]]",
            );
        }
        for a in &def.action {
            let missing = match a.kind {
                DestinationKind::Http => a.url.is_none().then_some("url"),
                DestinationKind::Sql => {
                    (a.database.is_none() || a.table.is_none() || a.key_column.is_none())
                        .then_some("database, table and key_column")
                }
                DestinationKind::File => a.path.is_none().then_some("path"),
                DestinationKind::Smtp => {
                    (a.server.is_none() || a.from.is_none() || a.subject.is_none())
                        .then_some("server, from and subject")
                }
            };
            if let Some(keys) = missing {
                self.add(
                    &a.name,
                    "key_missing",
                    &format!("action `{}` needs {keys}", a.name),
                    "add it",
                );
            }
            let fits = match a.kind {
                DestinationKind::Smtp => a.ability == Ability::None,
                DestinationKind::Sql => a.ability == Ability::SameTransaction,
                DestinationKind::File => matches!(a.ability, Ability::Searchable | Ability::Upsert),
                DestinationKind::Http => a.ability != Ability::SameTransaction,
            };
            if !fits {
                self.add(
                    &a.name,
                    "wrong_ability",
                    &format!(
                        "a {} destination cannot be of class {}",
                        a.kind.word(),
                        a.ability
                    ),
                    "http B to F, sql A, file C or E, smtp F",
                );
            }
            if a.ability == Ability::Searchable
                && a.kind == DestinationKind::Http
                && (a.lookup_url.is_none() || a.key_field.is_none())
            {
                self.add(
                    &a.name,
                    "key_missing",
                    &format!(
                        "action `{}` of class E needs lookup_url and key_field",
                        a.name
                    ),
                    "add them",
                );
            }
            if a.ability == Ability::Conditional && a.read_url.is_none() {
                self.add(
                    &a.name,
                    "key_missing",
                    &format!("action `{}` of class D needs read_url", a.name),
                    "add it",
                );
            }
        }
    }

    fn limits(&mut self, def: &Definition) {
        let l = &def.limits;
        for (name, n) in [
            ("concurrency", l.concurrency),
            ("model_concurrency", l.model_concurrency),
            ("destination_concurrency", l.destination_concurrency),
            ("max_attempts", l.max_attempts),
        ] {
            if n == 0 {
                self.add(
                    name,
                    "zero_limit",
                    &format!("limits.{name} is 0"),
                    "at least 1",
                );
            }
        }
        for (name, n) in [
            ("model_per_second", l.model_per_second),
            ("destination_per_second", l.destination_per_second),
        ] {
            if n == Some(0) {
                self.add(
                    name,
                    "zero_limit",
                    &format!("limits.{name} is 0"),
                    "leave it out for no limit",
                );
            }
        }
        for (name, d) in [
            ("model_timeout", l.model_timeout),
            ("connector_timeout", l.connector_timeout),
        ] {
            if d.0.is_zero() || d > l.deadline {
                self.add(
                    name,
                    "bad_timeout",
                    &format!("limits.{name} is {d}, the deadline {}", l.deadline),
                    "between 1ms and the deadline",
                );
            }
        }
        if def.review.due.0.is_zero() {
            self.add(
                "due",
                "zero_limit",
                "review.due is 0",
                "say how long a person has",
            );
        }
        if def.on_failure.route != FailurePlan::Person {
            self.add(
                "route",
                "bad_failure_plan",
                "on_failure.route can only be person",
                "write route = \"person\"",
            );
        }
    }

    fn files(&mut self) {
        if self
            .package
            .text("runbook.md")
            .is_none_or(|t| t.trim().is_empty())
        {
            self.warn(
                "runbook.md",
                "no_runbook",
                "there is no runbook",
                "write what a named person does for each reason code",
            );
        }
        if !self.package.files.keys().any(|n| n.starts_with("evals/")) {
            self.warn(
                "evals/",
                "no_evals",
                "there is no eval pack",
                "add evals/golden.jsonl at least",
            );
        }
    }

    fn rules(&mut self, def: &Definition) -> Option<RuleSet> {
        let Some(text) = self.package.text("rules.csv") else {
            self.faults.push(fault(
                "rules.csv",
                None,
                "file_missing",
                "there is no decision table",
                "add rules.csv; its last row goes to a person",
            ));
            return None;
        };
        let (rules, findings) = match parse(text) {
            Ok((rules, findings)) => (Some(rules), findings),
            Err(findings) => (None, findings),
        };
        for f in findings {
            self.faults.push(PackageFault {
                file: "rules.csv".to_owned(),
                line: usize::try_from(f.line).ok(),
                code: "rules",
                message: f.message.clone(),
                way_out: f.way_out.clone(),
                warning: f.severity < Severity::Error,
            });
        }
        if let Some(rules) = &rules {
            for tier in rules.review_tiers() {
                if !def.review.tier.iter().any(|t| t.name == tier) {
                    self.faults.push(fault(
                        "rules.csv",
                        None,
                        "unknown_tier",
                        &format!("`{tier}` is not a declared review tier"),
                        "add it under [[review.tier]]",
                    ));
                }
            }
        }
        rules
    }

    /// Everything a template or expression reads must be a declared input or source field.
    fn bindings(&mut self, ready: &Ready, rules: Option<&RuleSet>) {
        let mut reads: Vec<(String, String, bool)> = Vec::new();
        let mut push = |place: &str, names: Vec<String>, output: bool| {
            reads.extend(names.into_iter().map(|n| (place.to_owned(), n, output)))
        };
        push(&ready.def.model.prompt, ready.prompt.reads(), false);
        push("workflow.subject", ready.subject.reads(), false);
        for (name, e) in &ready.facts {
            push(&format!("facts.{name}"), e.reads(), true);
        }
        for (c, e) in &ready.checks {
            push(&format!("check {}", c.name), e.reads(), true);
        }
        for a in &ready.actions {
            push(
                &format!("action {} target", a.spec.name),
                a.target.reads(),
                false,
            );
            for (f, e) in &a.fields {
                push(
                    &format!("action {} field {f}", a.spec.name),
                    e.reads(),
                    true,
                );
            }
            for (key, t) in a.templates.iter().filter(|t| t.0 != "lookup_url") {
                push(
                    &format!("action {} {key}", a.spec.name),
                    t.reads(),
                    *key == "subject",
                );
            }
        }
        for (place, name, output_allowed) in reads {
            self.binding(ready, &place, &name, output_allowed);
        }
        if let Some(rules) = rules {
            for column in rules.columns() {
                if !ready.facts.iter().any(|(n, _)| *n == column.name) {
                    self.add(
                        "[facts]",
                        "unbound_column",
                        &format!(
                            "rules.csv compares `{}`, which [facts] does not define",
                            column.name
                        ),
                        "add it under [facts]",
                    );
                }
            }
        }
        if !ready.input.unclassified().is_empty() {
            let names = ready.input.unclassified().join(", ");
            self.warn(
                &ready.def.input.schema,
                "unclassified_field",
                &format!("no x-class: {names}; treated as restricted"),
                "add x-class to each",
            );
        }
    }

    fn binding(&mut self, ready: &Ready, place: &str, name: &str, output_allowed: bool) {
        let (group, field) = name
            .split_once('.')
            .map_or((name, ""), |(g, f)| (g, f.split('.').next().unwrap_or(f)));
        let known = match group {
            "input" => field.is_empty() || ready.input.fields().any(|f| f == field),
            "output" => {
                output_allowed && (field.is_empty() || ready.output.fields().any(|f| f == field))
            }
            "confidence" | "model" => output_allowed,
            "run" | "target" => true,
            "record" => ready
                .def
                .source
                .iter()
                .any(|s| field.is_empty() || s.fields.iter().any(|f| f == field)),
            "sources" => false,
            source => ready.def.source.iter().any(|s| {
                s.name == source && (field.is_empty() || s.fields.iter().any(|f| f == field))
            }),
        };
        if known {
            return;
        }
        let model_text = ["output", "confidence", "model"].contains(&group) && !output_allowed;
        let (code, message, way_out) = if model_text {
            (
                "model_text_as_address",
                format!(
                    "{place} reads `{name}`: model text never becomes an id, a recipient or an address"
                ),
                "take it from input or a source",
            )
        } else {
            (
                "unprovenanced_input",
                format!("{place} reads `{name}`, which no declared input or source supplies"),
                "declare the field, or correct the name",
            )
        };
        let line = self.line(name);
        self.faults.push(fault(TOML, line, code, &message, way_out));
    }
}
