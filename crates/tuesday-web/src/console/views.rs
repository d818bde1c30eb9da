//! What the pages show, as plain values ready to print. Templates decide how, never what.

use super::diff::Part;
use super::scale::Scale;

/// A name and a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// A short constructor, because pages are full of them.
pub(crate) fn pair(name: impl Into<String>, value: impl Into<String>) -> Pair {
    Pair {
        name: name.into(),
        value: value.into(),
    }
}

/// A code and its words, for choices.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) code: String,
    pub(crate) words: String,
}

/// A filter link.
#[derive(Clone, Debug)]
pub(crate) struct Tab {
    pub(crate) href: String,
    pub(crate) words: String,
    pub(crate) on: bool,
}

/// Links to other pages of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pager {
    pub(crate) first: Option<String>,
    pub(crate) next: Option<String>,
}

/// The left column.
#[derive(Clone, Default)]
pub(crate) struct QueueView {
    pub(crate) tabs: Vec<Tab>,
    pub(crate) who: String,
    pub(crate) workflow: Option<String>,
    pub(crate) find: String,
    pub(crate) groups: Vec<QueueGroup>,
    /// Query that keeps the filter on links to cases; empty or starts with `?`.
    pub(crate) suffix: String,
    pub(crate) next: Option<String>,
    pub(crate) foot: String,
}

/// Cases that are due alike.
#[derive(Clone)]
pub(crate) struct QueueGroup {
    pub(crate) title: &'static str,
    pub(crate) rows: Vec<QueueRow>,
}

/// One case in the queue.
#[derive(Clone)]
pub(crate) struct QueueRow {
    pub(crate) id: String,
    pub(crate) subject: String,
    pub(crate) reason: String,
    pub(crate) left: String,
    pub(crate) tone: &'static str,
    pub(crate) claim: Option<Claim>,
    pub(crate) here: bool,
}

/// Who is on a case.
#[derive(Clone)]
pub(crate) struct Claim {
    pub(crate) name: String,
    pub(crate) initials: String,
    pub(crate) me: bool,
}

impl QueueView {
    /// Why the list is empty.
    pub(crate) fn nothing(&self) -> &'static str {
        if self.find.is_empty() {
            "Nothing is waiting here."
        } else {
            "Nothing matches."
        }
    }
}

/// What a task that is not about an output asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Settle {
    /// It is about an output.
    #[default]
    None,
    /// Supply inputs.
    Input,
    /// Say whether an action happened.
    Action,
    /// Do it by hand.
    Manual,
}

/// One review task with everything needed to decide.
#[derive(Clone, Default)]
pub(crate) struct CaseView {
    pub(crate) id: String,
    pub(crate) revision: u32,
    pub(crate) run: String,
    pub(crate) run_short: String,
    pub(crate) workflow: String,
    pub(crate) workflow_title: String,
    pub(crate) subject: String,
    pub(crate) asks: String,
    pub(crate) arrived: String,
    pub(crate) tier: String,
    pub(crate) level: u32,
    pub(crate) due: String,
    pub(crate) due_tone: &'static str,
    pub(crate) state: String,
    pub(crate) state_tone: &'static str,
    pub(crate) is_output: bool,
    pub(crate) can_decide: bool,
    pub(crate) closed_words: String,
    pub(crate) mine: bool,
    pub(crate) rewrite: bool,
    pub(crate) approve_words: String,
    pub(crate) reject_words: String,
    pub(crate) escalate_words: String,
    pub(crate) rule: Option<String>,
    pub(crate) reasons: Vec<String>,
    pub(crate) compared: Vec<ComparedView>,
    pub(crate) flags: Vec<String>,
    pub(crate) effects: String,
    pub(crate) writes: Vec<WriteView>,
    pub(crate) answer_title: &'static str,
    pub(crate) output: Vec<Pair>,
    pub(crate) drafts: Vec<Pair>,
    pub(crate) checklist: Vec<String>,
    pub(crate) reject_reasons: Vec<Choice>,
    pub(crate) edit_reasons: Vec<Choice>,
    pub(crate) decided: Option<DecidedView>,
    pub(crate) settle: Settle,
    pub(crate) settle_title: &'static str,
    pub(crate) actions: Vec<ActionState>,
    pub(crate) sources: Vec<SourceView>,
    pub(crate) absent: Vec<String>,
    pub(crate) conflicts: Vec<ConflictView>,
    pub(crate) owner: String,
    pub(crate) claimed: Option<String>,
    pub(crate) approved_by: String,
    pub(crate) needed: String,
    pub(crate) people: String,
    pub(crate) made: MadeView,
}

/// One comparison of the decision table.
#[derive(Clone)]
pub(crate) struct ComparedView {
    pub(crate) column: String,
    pub(crate) words: String,
    pub(crate) matched: bool,
    pub(crate) scale: Option<Scale>,
}

/// What approval writes to one destination.
#[derive(Clone)]
pub(crate) struct WriteView {
    pub(crate) action: String,
    pub(crate) system: String,
    pub(crate) target: String,
    pub(crate) promise: &'static str,
    pub(crate) fields: Vec<WriteField>,
}

/// One written field.
#[derive(Clone)]
pub(crate) struct WriteField {
    pub(crate) name: String,
    pub(crate) before: Before,
    pub(crate) after: String,
}

/// What the destination's record said in the snapshot.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Before {
    /// The same value.
    Same,
    /// Another value.
    Was(String),
    /// The snapshot holds no such field of that system.
    Unread,
}

/// How a decided task ended.
#[derive(Clone)]
pub(crate) struct DecidedView {
    pub(crate) title: String,
    pub(crate) lines: Vec<String>,
}

/// An action that needs a person.
#[derive(Clone)]
pub(crate) struct ActionState {
    pub(crate) name: String,
    pub(crate) system: String,
    pub(crate) target: String,
    pub(crate) tone: &'static str,
    pub(crate) state: String,
    pub(crate) detail: Option<String>,
    pub(crate) key: String,
}

/// One frozen input.
#[derive(Clone)]
pub(crate) struct SourceView {
    pub(crate) n: usize,
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) age: String,
    pub(crate) tone: &'static str,
    pub(crate) fields: Vec<Pair>,
}

/// Two sources that say different things.
#[derive(Clone)]
pub(crate) struct ConflictView {
    pub(crate) field: String,
    pub(crate) won: String,
    pub(crate) value: String,
    pub(crate) lost: String,
    pub(crate) other: String,
}

/// How the output came about.
#[derive(Clone, Default)]
pub(crate) struct MadeView {
    pub(crate) confidence: Option<String>,
    pub(crate) lines: Vec<Pair>,
}

/// Something the person must read before anything else.
#[derive(Clone)]
pub(crate) struct Panel {
    pub(crate) tone: &'static str,
    pub(crate) title: String,
    pub(crate) words: String,
    pub(crate) lines: Vec<String>,
    pub(crate) kept: Option<String>,
    pub(crate) run: Option<String>,
    pub(crate) next: Option<String>,
    pub(crate) here: String,
}

/// The case that opens after this one.
#[derive(Clone)]
pub(crate) struct NextCase {
    pub(crate) id: String,
    pub(crate) subject: String,
}

/// One edited field, word by word.
#[derive(Clone)]
pub(crate) struct ChangedField {
    pub(crate) name: String,
    pub(crate) parts: Vec<Part>,
}
