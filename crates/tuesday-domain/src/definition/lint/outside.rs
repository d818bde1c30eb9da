//! What must be declared about the outside: triggers, sources, the model, destinations.

use std::collections::BTreeMap;

use super::super::pin::floating;
use super::super::{
    ConfidenceSource, Definition, DestinationKind, ModelKind, SourceKind, TriggerKind,
};
use super::{Lint, TOML};
use crate::action::Ability;

impl Lint<'_> {
    pub(super) fn triggers(&mut self, def: &Definition) {
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

    pub(super) fn sources(&mut self, def: &Definition) {
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

    pub(super) fn model(&mut self, def: &Definition) {
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
        if let Some(why) = floating(m) {
            let message = format!("`{}` is a floating model name: {why}", m.pin);
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
        if m.confidence.source == ConfidenceSource::None
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

    pub(super) fn actions(&mut self, def: &Definition) {
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
}
