//! What the quiz said beside what the installed package says, for answers that are live objects there.

use super::question::Question;
use crate::definition::{Definition, PersonSpec, TriggerKind};

/// A package's own word on a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// What the package says.
    pub words: String,
    /// It is what the quiz said, as far as names can tell.
    pub same: bool,
}

/// The package's word on a question that it answers by itself; nothing for the others. An answer and a package
/// are the same when the answer names what the package names.
#[must_use]
pub fn beside(question: Question, answer: Option<&str>, def: &Definition) -> Option<Beside> {
    let answer = answer.unwrap_or_default();
    match question {
        Question::Owner => Some(person(answer, &def.owners.operator)),
        Question::Technical => Some(person(answer, &def.owners.technical)),
        Question::Trigger => {
            let kinds = def.trigger.iter().map(|t| t.kind);
            let same = kinds.clone().any(|k| starts(k) == answer);
            let names: Vec<&str> = kinds.map(TriggerKind::word).collect();
            Some(named(&names, same))
        }
        Question::Inputs => {
            let systems: Vec<&str> = def.source.iter().map(|s| s.system.as_str()).collect();
            Some(listed(answer, &systems))
        }
        Question::Destination => {
            let systems: Vec<&str> = def.action.iter().map(|a| a.system.as_str()).collect();
            Some(listed(answer, &systems))
        }
        Question::FrictionHours
        | Question::Cases
        | Question::MaintenanceBudget
        | Question::ReviewHours
        | Question::WhenWrong
        | Question::OldCases
        | Question::NinetyDayMetric
        | Question::Data
        | Question::BeforeAfterMap
        | Question::Asked => None,
    }
}

/// The quiz's word for what a trigger of this kind is.
const fn starts(kind: TriggerKind) -> &'static str {
    match kind {
        TriggerKind::Webhook | TriggerKind::Sql => "event",
        TriggerKind::File => "file",
        TriggerKind::Schedule => "schedule",
        TriggerKind::Cli => "person",
    }
}

fn person(answer: &str, there: &PersonSpec) -> Beside {
    Beside {
        // A handle is often a first name, so only an answer that is nothing else counts by it.
        same: names(answer, &there.name) || answer.trim().eq_ignore_ascii_case(&there.handle),
        words: format!("{} ({})", there.name, there.handle),
    }
}

fn listed(answer: &str, systems: &[&str]) -> Beside {
    let (_, told) = answer.split_once(": ").unwrap_or(("", answer));
    let same = systems.iter().any(|s| names(told, s));
    named(systems, same)
}

fn named(all: &[&str], same: bool) -> Beside {
    let mut seen: Vec<&str> = Vec::new();
    for name in all {
        if !seen.contains(name) {
            seen.push(name);
        }
    }
    let words = if seen.is_empty() {
        "nothing".to_owned()
    } else {
        seen.join(", ")
    };
    Beside { words, same }
}

/// Whether a text holds a name as whole words, whatever their case.
fn names(text: &str, name: &str) -> bool {
    let split = |t: &str| -> Vec<String> {
        let words = t.split(|c: char| !c.is_alphanumeric());
        words
            .filter(|w| !w.is_empty())
            .map(str::to_lowercase)
            .collect()
    };
    let (text, name) = (split(text), split(name));
    !name.is_empty() && text.windows(name.len()).any(|w| w == name.as_slice())
}
