//! What one reader may see of a run: every kind of stored content, and every sentence that quotes a
//! value, against the reader's clearance. What cannot be classified is restricted.

use std::sync::Arc;

use serde_json::Value;

use crate::actor::Class;
use crate::mask;
use crate::ready::Ready;
use crate::recheck::FieldChange;
use crate::record::{Action, PayloadKind, Review, Run};
use crate::snapshot::Snapshot;

/// A clearance over the content of one release.
#[derive(Clone, Debug)]
pub struct Veil {
    clearance: Class,
    ready: Option<Arc<Ready>>,
}

impl Veil {
    /// Without a readable release everything counts as restricted.
    #[must_use]
    pub const fn new(clearance: Class, ready: Option<Arc<Ready>>) -> Self {
        Self { clearance, ready }
    }

    /// A reader who sees everything: the engine itself, and whoever has the database.
    #[must_use]
    pub const fn open() -> Self {
        Self::new(Class::Restricted, None)
    }

    /// Whether content of this class is shown.
    #[must_use]
    pub fn shows(&self, class: Class) -> bool {
        class <= self.clearance
    }

    fn ready_class(&self, of: impl Fn(&Ready) -> Class) -> Class {
        self.ready.as_deref().map_or(Class::Restricted, of)
    }

    /// Everything a run of the release can hold.
    #[must_use]
    pub fn strictest(&self) -> Class {
        self.ready_class(|r| r.strictest().max(r.output.strictest()))
    }

    /// What words about a case can quote: sources, output, effects, what the table compared, and what
    /// the model was shown. A field of the event that goes nowhere is in nobody's words.
    #[must_use]
    pub fn words_class(&self) -> Class {
        self.ready_class(|r| {
            let sources = r.def.source.iter().map(|s| s.class).max();
            let shown = r.input.strictest().min(r.def.model.clearance);
            let read = sources.unwrap_or(Class::Public).max(shown);
            read.max(r.output.strictest())
                .max(self.facts_class())
                .max(self.effects_class(None))
        })
    }

    /// The line that names a case.
    #[must_use]
    pub fn subject_class(&self) -> Class {
        self.ready_class(|r| r.class_of_all(&r.subject.reads()))
    }

    /// What the decision table and its reasons quote.
    #[must_use]
    pub fn facts_class(&self) -> Class {
        self.ready_class(|r| {
            let classes = r.facts.iter().map(|(_, e)| r.class_of_all(&e.reads()));
            classes.max().unwrap_or(Class::Public)
        })
    }

    /// One column of the decision table.
    #[must_use]
    pub fn fact_class(&self, column: &str) -> Class {
        self.ready_class(|r| {
            let fact = r.facts.iter().find(|(n, _)| n == column);
            fact.map_or(Class::Restricted, |(_, e)| r.class_of_all(&e.reads()))
        })
    }

    /// What a source or the event holds.
    #[must_use]
    pub fn source_class(&self, name: &str) -> Class {
        self.ready_class(|r| r.class_of_all(&[name.to_owned()]))
    }

    /// The value that an action writes to a field, or its target for an empty name.
    #[must_use]
    pub fn effect_class(&self, action: &str, field: &str) -> Class {
        self.ready_class(|r| {
            let Some(a) = r.actions.iter().find(|a| a.spec.name == action) else {
                return Class::Restricted;
            };
            if field.is_empty() {
                return r.class_of_all(&a.target.reads());
            }
            let found = a.fields.iter().find(|(n, _)| n == field);
            found.map_or(Class::Restricted, |(_, e)| r.class_of_all(&e.reads()))
        })
    }

    /// The strictest value that an action writes anywhere.
    fn effects_class(&self, action: Option<&str>) -> Class {
        self.ready_class(|r| {
            let actions = r.actions.iter();
            let of = actions.filter(|a| action.is_none_or(|n| a.spec.name == n));
            let reads = of.flat_map(|a| a.fields.iter().map(|(_, e)| e).chain([&a.target]));
            reads
                .map(|e| r.class_of_all(&e.reads()))
                .max()
                .unwrap_or(Class::Public)
        })
    }

    /// An event of the release, field by field.
    #[must_use]
    pub fn event(&self, value: &Value) -> (Value, Vec<String>) {
        match &self.ready {
            Some(r) => mask::by_schema(value, &r.input, self.clearance),
            None => (self.whole(value, Class::Restricted), Vec::new()),
        }
    }

    /// An output of the release, field by field.
    #[must_use]
    pub fn output(&self, value: &Value) -> (Value, Vec<String>) {
        match &self.ready {
            Some(r) => mask::by_schema(value, &r.output, self.clearance),
            None => (self.whole(value, Class::Restricted), Vec::new()),
        }
    }

    /// A value of one class.
    #[must_use]
    pub fn whole(&self, value: &Value, class: Class) -> Value {
        mask::whole(value, class, self.clearance)
    }

    /// A text of one class.
    #[must_use]
    pub fn text(&self, text: &str, class: Class) -> String {
        mask::text(text, class, self.clearance)
    }

    /// Stored content of any kind.
    #[must_use]
    pub fn payload(&self, kind: PayloadKind, class: Class, value: &Value) -> Value {
        if self.clearance == Class::Restricted {
            return value.clone();
        }
        match kind {
            PayloadKind::Event => self.event(value).0,
            PayloadKind::Output | PayloadKind::Edit => self.output(value).0,
            PayloadKind::Answer => {
                self.whole(value, self.ready_class(|r| r.output.strictest()).max(class))
            }
            PayloadKind::Source => self.whole(value, class),
            PayloadKind::Snapshot => self.manifest(value),
            PayloadKind::Verdict => self.whole(value, self.facts_class()),
            PayloadKind::Request | PayloadKind::Receipt => {
                self.whole(value, self.effects_class(None))
            }
            PayloadKind::Note => self.whole(value, self.words_class()),
        }
    }

    /// Provenance is shown; the values that sources disagreed about are not.
    fn manifest(&self, value: &Value) -> Value {
        let Ok(mut snapshot) = serde_json::from_value::<Snapshot>(value.clone()) else {
            return self.whole(value, self.strictest());
        };
        for c in &mut snapshot.conflicts {
            c.value = self.whole(&c.value, self.source_class(&c.won));
            c.other = self.whole(&c.other, self.source_class(&c.lost));
        }
        serde_json::to_value(snapshot).unwrap_or_default()
    }

    /// What a task says about its case in words.
    pub fn review(&self, review: &mut Review) {
        review.subject = self.text(&review.subject, self.subject_class());
        // Besides the table's own words, reasons quote what sources, model and destinations said.
        let quotes = match review.reason {
            crate::run::Reason::Rule => self.facts_class(),
            _ => self.words_class(),
        };
        if !self.shows(quotes) {
            review.reasons = vec![self.text("", quotes)];
        }
        if let Some(note) = &mut review.note {
            *note = self.text(note, self.words_class());
        }
    }

    /// What a run says about its case in words.
    pub fn run(&self, run: &mut Run) {
        run.subject = self.text(&run.subject, self.subject_class());
    }

    /// What an action says in words.
    pub fn action(&self, action: &mut Action) {
        action.target = self.text(&action.target, self.effect_class(&action.name, ""));
        let quotes = self.effects_class(Some(&action.name));
        action.detail = action.detail.take().map(|d| self.text(&d, quotes));
    }

    /// What has changed in a source, or at the target of an action.
    pub fn change(&self, change: &mut FieldChange) {
        let is_source = |r: &Ready| r.def.source.iter().any(|s| s.name == change.source);
        let class = if self.ready.as_deref().is_some_and(is_source) {
            self.source_class(&change.source)
        } else {
            self.effects_class(Some(&change.source))
        };
        change.old = self.whole(&change.old, class);
        change.new = self.whole(&change.new, class);
    }

    /// What somebody who approves must have seen, and this reader may not: name and class of the first.
    #[must_use]
    pub fn unseen(&self) -> Option<(String, Class)> {
        let Some(ready) = &self.ready else {
            return (!self.shows(Class::Restricted))
                .then(|| ("release".to_owned(), Class::Restricted));
        };
        let mut needed: Vec<String> = ready
            .output
            .fields()
            .map(|f| format!("output.{f}"))
            .collect();
        needed.extend(ready.facts.iter().flat_map(|(_, e)| e.reads()));
        for a in &ready.actions {
            needed.extend(a.target.reads());
            needed.extend(a.fields.iter().flat_map(|(_, e)| e.reads()));
        }
        needed
            .into_iter()
            .map(|name| (ready.class_of_all(std::slice::from_ref(&name)), name))
            .find(|(class, _)| !self.shows(*class))
            .map(|(class, name)| (name, class))
    }
}

impl Ready {
    /// The class of what is made from these names (`input.amount`, `crm.tier`): the strictest of them.
    /// A name that nothing declares is restricted.
    #[must_use]
    pub fn class_of_all(&self, names: &[String]) -> Class {
        let of = |name: &String| {
            let (group, rest) = name.split_once('.').unwrap_or((name, ""));
            let field = rest.split('.').next().unwrap_or_default();
            let by = |schema: &crate::schema::Schema| {
                if field.is_empty() {
                    schema.strictest()
                } else {
                    schema.class(field)
                }
            };
            match group {
                "input" => by(&self.input),
                "output" => by(&self.output),
                "run" | "confidence" => Class::Internal,
                // The model's own account of its answer quotes the answer.
                "model" => self.output.strictest(),
                "sources" | "versions" | "target" => self.strictest(),
                "record" if field.is_empty() => self.strictest(),
                source => self.class_of(source, field),
            }
        };
        names.iter().map(of).max().unwrap_or(Class::Public)
    }
}
