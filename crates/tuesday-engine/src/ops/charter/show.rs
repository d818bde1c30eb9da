//! The charter as people and machines read it: every list with its items, their evidence and its age,
//! and the label with what it rests on.

use std::time::Duration;

use serde::Serialize;
use tuesday_domain::charter::label::{Basis, REVIEW_EVERY, above, unmet};
use tuesday_domain::charter::map::Map;
use tuesday_domain::charter::{
    Entry, Facts, Picture, Pilot, PilotSign, PilotState, STILL_PILOT, Sheet, Statement, Topic,
    condition, past_the_pilot, sheet, signs,
};
use tuesday_domain::ledger::claims::Budget;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{LabelEvent, Workflow};
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::Label;

use super::Gathered;
use super::label::lacking;
use crate::engine::{Engine, read_problem};

/// An alert or a test that went through shows for so long that they arrive.
const ALERTS_PROVED: Duration = Duration::from_secs(7 * 86_400);

/// One item of a list.
#[derive(Clone, Debug, Serialize)]
pub struct ItemView {
    /// Stable word of what it asks about.
    pub item: &'static str,
    /// The group of a list that has groups.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub group: &'static str,
    /// As people read it.
    pub title: &'static str,
    /// `missing`, `claimed`, `verified` or `lapsed`.
    pub state: &'static str,
    /// Good for what the list is for.
    pub clean: bool,
    /// What is there, or what is lacking.
    pub words: String,
    /// When it was stated or last shown, RFC 3339.
    pub at: Option<String>,
    /// Its age in days.
    pub age_days: Option<u64>,
    /// When it lapses unless it is shown again, RFC 3339.
    pub until: Option<String>,
    /// Handle of the person who stated it.
    pub by: Option<String>,
    /// Where the live object is shown.
    pub path: String,
    /// What to do about it.
    pub way_out: &'static str,
    /// The field that people state it in, where they do.
    pub field: Option<&'static str>,
    /// How that is written.
    pub form: Option<&'static str>,
    /// What stands there today, of the six conditions: that of production once it is shown, else that of a pilot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionView>,
}

/// One of the six conditions in which a pilot and production differ.
#[derive(Clone, Debug, Serialize)]
pub struct ConditionView {
    /// `production` or `pilot`.
    pub like: &'static str,
    /// What it is in a pilot.
    pub pilot: &'static str,
    /// What it is in production.
    pub production: &'static str,
}

/// A list with its items.
#[derive(Clone, Debug, Serialize)]
pub struct SheetView {
    /// Stable word.
    pub sheet: &'static str,
    /// As people read it.
    pub title: &'static str,
    /// Items that are good.
    pub clean: usize,
    /// All of them.
    pub of: usize,
    /// In order.
    pub items: Vec<ItemView>,
}

/// Something a label lacks.
#[derive(Clone, Debug, Serialize)]
pub struct UnmetView {
    /// The list that asks it.
    pub sheet: &'static str,
    /// Stable word.
    pub item: &'static str,
    /// As people read it.
    pub title: &'static str,
    /// What is lacking.
    pub words: String,
    /// What to do about it.
    pub way_out: &'static str,
}

/// The label and what it rests on.
#[derive(Clone, Debug, Serialize)]
pub struct LabelView {
    /// What it is called.
    pub label: &'static str,
    /// `granted` by a test instance, `carried` over, or `decided`.
    pub basis: &'static str,
    /// Since when, RFC 3339.
    pub since: String,
    /// Since when evidence is lost, RFC 3339; absent while none is.
    pub lapsing_since: Option<String>,
    /// When it falls then, RFC 3339.
    pub falls_at: Option<String>,
    /// What the present label lacks.
    pub lost: Vec<UnmetView>,
    /// The label above, where there is one.
    pub next: Option<&'static str>,
    /// What that one lacks.
    pub lacking: Vec<UnmetView>,
    /// When the next quarterly decision is due, RFC 3339.
    pub review_due: String,
    /// That day is over.
    pub review_overdue: bool,
    /// What was decided about the last quarter; absent when nobody has decided yet.
    pub quarter: Option<QuarterView>,
    /// The last ten runs cannot all be told from their record, although it is called more than research: what was
    /// found, with the moment.
    pub at_risk: Option<AtRisk>,
    /// Nobody used an output for 30 days: the question whether to retire it, with the numbers beside it.
    pub retire: Option<String>,
    /// The highest stage the label allows.
    pub caps_stage: &'static str,
    /// No evidence stands behind labels of a test instance unless somebody decides them.
    pub test_instance: bool,
}

/// The decision of a quarter.
#[derive(Clone, Debug, Serialize)]
pub struct QuarterView {
    /// `expand`, `keep`, `narrow`, `pause` or `retire`.
    pub choice: &'static str,
    /// The choice and why.
    pub words: String,
    /// Who decided.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
    /// The figures as they stood, with what was said beside them.
    pub evidence: serde_json::Value,
}

/// What puts a label at risk.
#[derive(Clone, Debug, Serialize)]
pub struct AtRisk {
    /// What was found.
    pub words: String,
    /// When, RFC 3339.
    pub since: String,
    /// The records behind it.
    pub path: String,
}

/// The pilot as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct PilotView {
    /// `planned`, `running`, `evidence_due`, `decided` or `lapsed`.
    pub state: &'static str,
    /// What it is to answer.
    pub question: Option<String>,
    /// By what.
    pub criteria: Option<String>,
    /// Its last day.
    pub end: Option<String>,
    /// Days until then.
    pub days_left: Option<u32>,
    /// Fields that were changed after its start.
    pub changed_after_start: Vec<&'static str>,
}

/// One sign that it is past the pilot.
#[derive(Clone, Debug, Serialize)]
pub struct SignView {
    /// Stable word of what is looked at.
    pub sign: &'static str,
    /// As people read it.
    pub title: &'static str,
    /// It behaves like production.
    pub production: bool,
    /// `seen` in the records, `answered` by somebody, or `open`.
    pub source: &'static str,
    /// What was seen.
    pub words: String,
    /// What is asked where records cannot tell.
    pub question: &'static str,
    /// What somebody answered.
    pub answer: Option<SignSaid>,
    /// The records say otherwise than that answer.
    pub contradicted: bool,
}

/// An answer about a sign.
#[derive(Clone, Debug, Serialize)]
pub struct SignSaid {
    /// `production` or `pilot`.
    pub like: &'static str,
    /// What shows it, in their words.
    pub words: String,
    /// Handle of the person.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
}

/// One of the six walls.
#[derive(Clone, Debug, Serialize)]
pub struct WallView {
    /// Which one.
    pub wall: &'static str,
    /// Handle of the person who answers for it; absent when nobody does.
    pub owner: Option<String>,
    /// Things that are in order.
    pub clean: usize,
    /// All of them.
    pub of: usize,
    /// What is not, with its way out.
    pub lacking: Vec<String>,
}

/// The whole page.
#[derive(Clone, Debug, Serialize)]
pub struct CharterView {
    /// Workflow name.
    pub workflow: String,
    /// For people.
    pub title: String,
    /// Its label.
    pub label: LabelView,
    /// Its stage as set.
    pub stage: &'static str,
    /// Its switch.
    pub switch: &'static str,
    /// Its pilot.
    pub pilot: PilotView,
    /// Every list.
    pub sheets: Vec<SheetView>,
    /// Four signs that it is past the pilot.
    pub signs: Vec<SignView>,
    /// Three of them say so, and its label does not.
    pub past_the_pilot: bool,
    /// The six walls, the one that is most likely to stop it first.
    pub walls: Vec<WallView>,
    /// What does not stand against the label and should be seen to.
    pub warnings: Vec<String>,
    /// The moment all of it is about, RFC 3339.
    pub at: String,
}

impl CharterView {
    /// One of the lists.
    #[must_use]
    pub fn sheet(&self, which: Sheet) -> Option<&SheetView> {
        self.sheets.iter().find(|s| s.sheet == which.word())
    }
}

impl Engine {
    /// Charter, checklist, every other list, label and pilot, as the records say now.
    ///
    /// # Errors
    /// `unknown_workflow`, `record_damaged`, `unavailable`.
    pub async fn charter(&self, name: &str) -> Result<CharterView, Problem> {
        let gathered = self.gather(name).await?;
        let proved = self.last_delivery().await?;
        let stale = |at: Timestamp| gathered.now.since(at) > ALERTS_PROVED;
        let mut out = view(&gathered);
        if proved.is_none_or(stale) {
            let words = proved.map_or_else(
                || "No channel has ever taken an alert or a test".to_owned(),
                |at| {
                    format!(
                        "No channel has taken an alert or a test since {}",
                        &at.rfc3339()[..10]
                    )
                },
            );
            out.warnings.push(format!(
                "{words}: `tuesday alerts test --to HANDLE` shows whether one arrives"
            ));
        }
        Ok(out)
    }

    /// What puts the label of a workflow at risk.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn label_at_risk(&self, row: &Workflow) -> Result<Option<AtRisk>, Problem> {
        let facts = self.0.reader.charter_facts(&row.name).await;
        Ok(at_risk(row, &Facts::new(facts.map_err(read_problem)?)))
    }

    /// What ever happened to a label, newest first, below `before` (0 for the newest).
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn label_history(
        &self,
        name: &str,
        before: u32,
        limit: usize,
    ) -> Result<Vec<LabelEvent>, Problem> {
        self.known_workflow(name).await?;
        self.0
            .reader
            .label_history(name, before, limit)
            .await
            .map_err(read_problem)
    }
}

fn view(g: &Gathered) -> CharterView {
    let picture = g.picture();
    let seen = signs(&picture, g.row.stage_in_force());
    let sheets: Vec<SheetView> = Sheet::ALL.iter().map(|s| list(*s, g, &picture)).collect();
    CharterView {
        walls: walls(&sheets, g),
        past_the_pilot: past_the_pilot(&seen, g.row.label),
        signs: seen.map(sign).into(),
        workflow: g.row.name.clone(),
        title: g.row.title.clone(),
        label: label(g, &picture),
        stage: g.row.stage.word(),
        switch: g.row.switch.word(),
        pilot: pilot(g.pilot()),
        sheets,
        warnings: more_steps(g).into_iter().collect(),
        at: g.now.rfc3339(),
    }
}

/// The new way has more steps than the old one, as the map counts them.
fn more_steps(g: &Gathered) -> Option<String> {
    let map = g.facts.value(Statement::BeforeAfterMap).and_then(Map::read);
    let map = map.filter(|m| m.has_more_steps())?;
    Some(format!(
        "The new way has more steps than the old one: {}",
        map.words()
    ))
}

fn sign(s: PilotSign) -> SignView {
    let (contradicted, open) = (s.contradicted(), s.open());
    SignView {
        sign: s.sign.word(),
        title: s.sign.title(),
        production: s.production,
        source: match s.seen {
            Some(_) => "seen",
            None if open => "open",
            None => "answered",
        },
        words: s.words,
        question: s.sign.question(),
        answer: s.answer.map(|a| SignSaid {
            like: if a.production { "production" } else { "pilot" },
            words: a.words,
            by: a.by,
            at: a.at.rfc3339(),
        }),
        contradicted,
    }
}

fn list(which: Sheet, g: &Gathered, picture: &Picture<'_>) -> SheetView {
    let entries = sheet(which, picture);
    // A charter field is good when it says something; everywhere else it must be shown.
    let good: fn(&Entry) -> bool = if which == Sheet::Charter {
        Entry::answered
    } else {
        Entry::clean
    };
    let mut items: Vec<ItemView> = entries.iter().map(|e| item(e.clone(), good, g)).collect();
    if which == Sheet::Conditions {
        for (item, entry) in items.iter_mut().zip(&entries) {
            let like = if item.clean { "production" } else { "pilot" };
            item.condition = condition(entry.item.topic).map(|(pilot, production)| ConditionView {
                like,
                pilot,
                production,
            });
        }
    }
    SheetView {
        sheet: which.word(),
        title: which.title(),
        clean: items.iter().filter(|i| i.clean).count(),
        of: items.len(),
        items,
    }
}

fn item(entry: Entry, good: fn(&Entry) -> bool, g: &Gathered) -> ItemView {
    let topic = entry.item.topic;
    let e = &entry.evidence;
    let bound = bound(topic, g);
    let path = bound
        .as_ref()
        .map_or_else(|| topic.path(), |b| b.0.as_str());
    let words = match &bound {
        Some((_, more)) if !more.is_empty() => format!("{}; {more}", e.words),
        _ => e.words.clone(),
    };
    ItemView {
        item: topic.word(),
        group: entry.item.group,
        title: entry.item.title,
        state: e.state.word(),
        clean: good(&entry),
        path: format!("/workflows/{}{path}", g.row.name),
        words,
        at: e.at.map(Timestamp::rfc3339),
        age_days: e.age(g.now).map(|d| d.as_secs() / 86_400),
        until: e.until.map(Timestamp::rfc3339),
        by: e.by.clone(),
        way_out: topic.way_out(),
        field: topic.statement().map(Statement::word),
        form: topic.statement().map(Statement::form),
        condition: None,
    }
}

/// The live object that a stated figure is bound to, where there is one: the page below the workflow's, and
/// what it says.
fn bound(topic: Topic, g: &Gathered) -> Option<(String, String)> {
    match topic {
        Topic::FrictionHours => {
            let sample = g.baseline()?.sample;
            let more = format!("baseline of {sample} tasks by hand");
            Some(("/scorecard".to_owned(), more))
        }
        Topic::MaintenanceBudget => {
            let stated = g.facts.value(Statement::MaintenanceBudget)?;
            Budget::of(stated)?;
            let today = g.live.ready.zone.day(g.now);
            let month = today.get(..8)?;
            Some((
                format!("/costs?category=maintenance&from={month}01&to={today}"),
                String::new(),
            ))
        }
        _ => None,
    }
}

/// The walls, the lowest share in order first: that one would stop it.
fn walls(sheets: &[SheetView], g: &Gathered) -> Vec<WallView> {
    let owners = &g.live.ready.def.owners;
    let active = |handle: &str| g.people.iter().any(|p| p.handle == handle && p.active);
    let mut out: Vec<WallView> = Vec::new();
    let items = sheets
        .iter()
        .filter(|s| s.sheet == Sheet::Walls.word())
        .flat_map(|s| &s.items);
    for item in items {
        if out.last().is_none_or(|w| w.wall != item.group) {
            let owner = match item.group {
                "Change" => Some(&owners.operator),
                "Economics" => owners.sponsor.as_ref(),
                _ => Some(&owners.technical),
            };
            out.push(WallView {
                wall: item.group,
                owner: owner
                    .filter(|o| active(&o.handle))
                    .map(|o| o.handle.clone()),
                clean: 0,
                of: 0,
                lacking: Vec::new(),
            });
        }
        if let Some(wall) = out.last_mut() {
            wall.of += 1;
            if item.clean {
                wall.clean += 1;
            } else {
                wall.lacking
                    .push(format!("{}: {}; {}", item.title, item.words, item.way_out));
            }
        }
    }
    out.sort_by_key(|w| w.clean * 1_000 / w.of.max(1));
    out
}

fn told(list: Vec<tuesday_domain::charter::label::Unmet>) -> Vec<UnmetView> {
    let one = |u: tuesday_domain::charter::label::Unmet| UnmetView {
        sheet: u.sheet.word(),
        item: u.topic.word(),
        title: u.title,
        words: u.words,
        way_out: u.topic.way_out(),
    };
    list.into_iter().map(one).collect()
}

fn quarter(e: &LabelEvent) -> Option<QuarterView> {
    let q = e.quarter.as_ref()?;
    Some(QuarterView {
        choice: q.choice.word(),
        words: e.reasons.clone(),
        by: e.by.clone(),
        at: e.at.rfc3339(),
        evidence: serde_json::from_str(&q.evidence).unwrap_or_default(),
    })
}

fn label(g: &Gathered, picture: &Picture<'_>) -> LabelView {
    let standing = g.standing();
    let present = g.row.label;
    let due = standing.reviewed_at.plus(REVIEW_EVERY);
    let next = above(present);
    LabelView {
        label: present.word(),
        basis: match standing.basis {
            Basis::Granted => "granted",
            Basis::Carried => "carried",
            Basis::Decided => "decided",
        },
        since: standing.since.rfc3339(),
        lapsing_since: standing.lapsing.map(|l| l.0.rfc3339()),
        falls_at: standing.lapsing.map(|l| l.1.rfc3339()),
        lost: told(unmet(present, picture)),
        next: next.map(Label::word),
        lacking: next.map(|n| told(lacking(g, n))).unwrap_or_default(),
        review_due: due.rfc3339(),
        review_overdue: !matches!(present, Label::Research | Label::Retired) && g.now >= due,
        quarter: g.events.iter().rev().find_map(quarter),
        at_risk: at_risk(&g.row, &g.facts),
        retire: g.disused(),
        caps_stage: present.cap().word(),
        test_instance: g.test_instance,
    }
}

pub(crate) fn pilot(p: Pilot) -> PilotView {
    // Without a beginning there are no days to count.
    let days_left = p.days_left.filter(|_| p.state != PilotState::Planned);
    PilotView {
        state: p.state.word(),
        question: p.question,
        criteria: p.criteria,
        end: p.end,
        days_left,
        changed_after_start: p.changed,
    }
}

/// The finding of the last ten runs, beside a label that says more than research.
fn at_risk(row: &Workflow, facts: &Facts) -> Option<AtRisk> {
    if matches!(row.label, Label::Research | Label::Retired) {
        return None;
    }
    let found = facts.get(Statement::LastTen)?;
    found.value.starts_with(STILL_PILOT).then(|| AtRisk {
        words: found.value.clone(),
        since: found.at.rfc3339(),
        path: format!("/workflows/{}/charter#last-ten", row.name),
    })
}
