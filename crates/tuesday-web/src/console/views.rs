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

/// A filter link with what is behind it.
#[derive(Clone, Debug)]
pub(crate) struct Tab {
    pub(crate) href: String,
    pub(crate) words: String,
    pub(crate) count: String,
    pub(crate) on: bool,
}

/// One thing that narrows the queue, and the address without it.
#[derive(Clone, Debug)]
pub(crate) struct FilterChip {
    pub(crate) words: String,
    pub(crate) href: String,
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
    pub(crate) tier: String,
    pub(crate) owner: String,
    pub(crate) due: String,
    pub(crate) dues: Vec<Choice>,
    /// Filters this person keeps under a name.
    pub(crate) saved: Vec<Tab>,
    pub(crate) csrf: String,
    pub(crate) tiers: Vec<Choice>,
    pub(crate) owners: Vec<Choice>,
    pub(crate) workflows: Vec<Choice>,
    pub(crate) chips: Vec<FilterChip>,
    pub(crate) narrows: bool,
    /// Overdue cases on this page that the person answers for.
    pub(crate) late: usize,
    pub(crate) groups: Vec<QueueGroup>,
    /// Query that keeps the filter on links to cases; empty or starts with `?`.
    pub(crate) suffix: String,
    pub(crate) next: Option<String>,
    pub(crate) first: Option<String>,
    pub(crate) foot: String,
    /// Changes when the counts change.
    pub(crate) stamp: String,
    /// All open tasks that the filter finds, whoever has them.
    pub(crate) total: u64,
}

/// Cases that are due alike.
#[derive(Clone)]
pub(crate) struct QueueGroup {
    pub(crate) title: String,
    pub(crate) count: String,
    pub(crate) due: tuesday_store::DueGroup,
    pub(crate) rows: Vec<QueueRow>,
}

/// One case in the queue.
#[derive(Clone)]
pub(crate) struct QueueRow {
    pub(crate) id: String,
    pub(crate) revision: u32,
    pub(crate) subject: String,
    pub(crate) reason: String,
    /// How many reasons more.
    pub(crate) more: Option<String>,
    pub(crate) left: String,
    pub(crate) tone: &'static str,
    /// Due time, for machines.
    pub(crate) due: String,
    /// Tier, what is asked, age.
    pub(crate) about: String,
    pub(crate) claim: Option<Claim>,
    pub(crate) owner: Claim,
    /// One of two has approved.
    pub(crate) half: bool,
    /// How often it was passed on.
    pub(crate) level: u32,
    pub(crate) paused: bool,
    pub(crate) here: bool,
}

/// The page beside the queue while no case is open.
#[derive(Clone, Default)]
pub(crate) struct Overview {
    pub(crate) headline: String,
    pub(crate) told: String,
    pub(crate) first: Option<String>,
    pub(crate) rows: Vec<OverviewRow>,
    /// The queue without the filter.
    pub(crate) clear: Option<String>,
    /// What the work is worth, workflow by workflow.
    pub(crate) worth: Vec<WorthRow>,
}

/// What one workflow is worth to its team.
#[derive(Clone)]
pub(crate) struct WorthRow {
    pub(crate) title: String,
    pub(crate) href: String,
    /// Until when it is measured; empty once there is something to show.
    pub(crate) measuring: String,
    pub(crate) saved: String,
    pub(crate) saved_how: String,
    pub(crate) saved_tone: &'static str,
    pub(crate) now: String,
    pub(crate) by_hand: String,
    pub(crate) wrong_how: String,
    pub(crate) wrong_tone: &'static str,
}

/// What one person has of one workflow.
#[derive(Clone)]
pub(crate) struct OverviewRow {
    pub(crate) href: String,
    pub(crate) workflow: String,
    pub(crate) owner: String,
    pub(crate) initials: String,
    pub(crate) tasks: u64,
    pub(crate) free: u64,
    pub(crate) due: tuesday_domain::time::Timestamp,
    pub(crate) first_due: String,
    pub(crate) tone: &'static str,
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
        if self.narrows {
            "Nothing matches."
        } else {
            "Nothing is waiting here."
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
    /// Say whether an approved output was right.
    Verdict,
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
    pub(crate) arrived_iso: String,
    pub(crate) tier: String,
    pub(crate) level: u32,
    pub(crate) due: String,
    pub(crate) due_iso: String,
    pub(crate) due_tone: &'static str,
    pub(crate) state: String,
    pub(crate) state_tone: &'static str,
    pub(crate) is_output: bool,
    /// There is an answer to approve or edit; a call that failed left none.
    pub(crate) has_output: bool,
    pub(crate) can_decide: bool,
    pub(crate) closed_words: String,
    pub(crate) mine: bool,
    pub(crate) rewrite: bool,
    /// Somebody approved already; this is the second look.
    pub(crate) half: Option<String>,
    /// Said to those who have it open when it changes.
    pub(crate) moved: String,
    pub(crate) approve_words: String,
    pub(crate) reject_words: String,
    /// Others who may decide it, to give it to.
    pub(crate) others: Vec<Choice>,
    pub(crate) escalate_to: Option<String>,
    pub(crate) escalate_words: String,
    pub(crate) rule: Option<String>,
    pub(crate) reasons: Vec<String>,
    pub(crate) compared: Vec<ComparedView>,
    /// Comparisons that say nothing by themselves, in one line.
    pub(crate) also: String,
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
    /// Nothing was sent yet, and this person may take the approval back.
    pub(crate) recallable: bool,
    pub(crate) settle: Settle,
    pub(crate) settle_title: &'static str,
    /// How the work is done by hand, in the workflow's own words.
    pub(crate) instructions: String,
    pub(crate) actions: Vec<ActionState>,
    pub(crate) sources: Vec<SourceView>,
    pub(crate) absent: Vec<String>,
    pub(crate) conflicts: Vec<ConflictView>,
    pub(crate) owner: String,
    pub(crate) claimed: Option<String>,
    pub(crate) approved_by: String,
    pub(crate) needed: String,
    pub(crate) people: String,
    /// When to trust the draft and when to escalate.
    pub(crate) guidance: String,
    /// What people said about the newest cases of the same rule.
    pub(crate) alike: Vec<AlikeView>,
    pub(crate) alike_told: String,
    /// This person may stop the workflow.
    pub(crate) may_pause: bool,
    /// Names of those who may.
    pub(crate) pausers: String,
    /// What somebody wrote for whoever comes next.
    pub(crate) note: Option<String>,
    pub(crate) made: MadeView,
}

impl CaseView {
    /// Some fields are written as they are already, so that there is something to hide.
    pub(crate) fn has_same(&self) -> bool {
        let mut fields = self.writes.iter().flat_map(|w| &w.fields);
        fields.any(|f| f.before == Before::Same)
    }
}

/// A decided case that the same rule had sent to a person.
#[derive(Clone)]
pub(crate) struct AlikeView {
    pub(crate) run: String,
    pub(crate) subject: String,
    pub(crate) words: String,
    pub(crate) tone: &'static str,
}

/// One comparison of the decision table.
#[derive(Clone)]
pub(crate) struct ComparedView {
    pub(crate) column: String,
    pub(crate) words: String,
    pub(crate) scale: Option<Scale>,
}

/// What approval writes to one destination.
#[derive(Clone)]
pub(crate) struct WriteView {
    pub(crate) action: String,
    pub(crate) system: String,
    pub(crate) target: String,
    pub(crate) promise: &'static str,
    /// What the record said before was read, so that before and after stand side by side.
    pub(crate) known: bool,
    pub(crate) fields: Vec<WriteField>,
}

/// One written field.
#[derive(Clone)]
pub(crate) struct WriteField {
    pub(crate) name: String,
    pub(crate) before: Before,
    pub(crate) after: String,
    pub(crate) from: From,
}

/// Where a written value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// A numbered source.
    Source(usize),
    /// Something that has a word.
    Word(&'static str),
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
    pub(crate) tone: &'static str,
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
    /// When it was last true, for machines and in full.
    pub(crate) at: Option<(String, String)>,
    pub(crate) tone: &'static str,
    /// Long texts, to read.
    pub(crate) texts: Vec<Pair>,
    pub(crate) fields: Vec<Pair>,
    /// Open from the start.
    pub(crate) open: bool,
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
    /// Other answers the model weighed, likeliest first.
    pub(crate) weighed: Vec<Weighed>,
    /// Words of the input that spoke for the answer.
    pub(crate) evidence: String,
}

/// One answer the model weighed.
#[derive(Clone)]
pub(crate) struct Weighed {
    pub(crate) words: String,
    pub(crate) share: String,
    /// Length of its bar out of 100.
    pub(crate) width: u32,
}

/// Something the person must read before anything else.
#[derive(Clone)]
pub(crate) struct Panel {
    /// Handle of the person who was faster; empty when nobody was.
    pub(crate) winner: String,
    pub(crate) tone: &'static str,
    pub(crate) title: String,
    pub(crate) words: String,
    pub(crate) lines: Vec<String>,
    /// What changed in a source meanwhile.
    pub(crate) diff: Vec<Changed>,
    /// Rules, or a release, that must be read before the next decision.
    pub(crate) unread: Option<Unread>,
    pub(crate) kept: Option<String>,
    pub(crate) run: Option<String>,
    pub(crate) next: Option<String>,
    pub(crate) here: String,
}

/// A version of the rules, or a release, that the person has not read.
#[derive(Clone)]
pub(crate) struct Unread {
    /// Where it can be read; the acknowledgement is a door below it.
    pub(crate) address: String,
    /// What the link to it says.
    pub(crate) look: &'static str,
    /// Field of the form that says what was read.
    pub(crate) name: &'static str,
    pub(crate) version: u64,
    pub(crate) words: String,
}

/// A watched field that changed since the inputs were frozen.
#[derive(Clone)]
pub(crate) struct Changed {
    pub(crate) name: String,
    pub(crate) was: String,
    pub(crate) now: String,
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
