//! Everything a template or expression reads is bound to a declared input or source field.

use super::super::package::fault;
use super::{Lint, TOML};
use crate::actor::Class;
use crate::facts::{Expr, Text};
use crate::ready::Ready;
use crate::rules::RuleSet;

impl Lint<'_> {
    /// Everything a template or expression reads must be a declared input or source field.
    pub(super) fn bindings(&mut self, ready: &Ready, rules: Option<&RuleSet>) {
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
        // The subject stands in lists, titles and mails: what needs a clearance by name is not for it.
        for name in ready.subject.reads() {
            if ready.class_of_all(std::slice::from_ref(&name)) == Class::Restricted {
                self.add(
                    "subject",
                    "restricted_subject",
                    &format!("workflow.subject reads `{name}`, which is restricted"),
                    "name the case by a field of a lower class, or give the field its x-class",
                );
            }
        }
        self.asked(ready);
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

    /// What a source is asked by comes from the event: nothing else is there when it is read.
    fn asked(&mut self, ready: &Ready) {
        for s in &ready.def.source {
            let expressions = s.params.iter().chain(s.equals.as_ref());
            let all = expressions
                .map(|e| Expr::parse(e).map(|e| e.reads()))
                .chain(s.url.iter().map(|u| Text::parse(u).map(|u| u.reads())));
            for reads in all {
                let place = format!("source {}", s.name);
                match reads {
                    Err(why) => self.add(
                        &s.name,
                        "bad_expression",
                        &format!("{place}: {why}"),
                        "correct it",
                    ),
                    Ok(names) => names
                        .iter()
                        .for_each(|name| self.asked_by(ready, &place, name)),
                }
            }
        }
    }

    fn asked_by(&mut self, ready: &Ready, place: &str, name: &str) {
        match name.split('.').next().unwrap_or(name) {
            "input" | "run" | "output" | "confidence" | "model" => {
                self.binding(ready, place, name, false);
            }
            _ => self.unprovenanced(place, name),
        }
    }

    fn unprovenanced(&mut self, place: &str, name: &str) {
        let message = format!("{place} reads `{name}`, which no declared input or source supplies");
        let line = self.line(name);
        self.faults.push(fault(
            TOML,
            line,
            "unprovenanced_input",
            &message,
            "declare the field, or correct the name",
        ));
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
        if !["output", "confidence", "model"].contains(&group) || output_allowed {
            return self.unprovenanced(place, name);
        }
        let message = format!(
            "{place} reads `{name}`: model text never becomes an id, a recipient or an address"
        );
        let way_out = "take it from input or a source";
        let line = self.line(name);
        self.faults.push(fault(
            TOML,
            line,
            "model_text_as_address",
            &message,
            way_out,
        ));
    }
}
