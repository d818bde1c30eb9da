//! A person gives a workflow another label: up one step on criteria that are met now, down at any time.

use tuesday_domain::actor::Actor;
use tuesday_domain::charter::Topic;
use tuesday_domain::charter::label::{Unmet, above, unmet};
use tuesday_domain::charter::{Sheet, Statement};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    Change, Choice, DecisionRecord, LabelMove, RolloutChange, TextList, Workflow,
};
use tuesday_domain::workflow::Label;

use super::{Gathered, Told};
use crate::engine::Engine;
use crate::ids;
use crate::ops::standing::{Move, reasoned};

/// What is decided about a label.
#[derive(Clone, Debug)]
pub struct LabelWish {
    /// The label it is to get.
    pub to: Label,
    /// What was asked.
    pub question: String,
    /// What the answer rests on beside the computed criteria: reports, links.
    pub evidence: String,
    /// Why.
    pub reason: String,
}

impl Engine {
    /// Gives the label by a decision that is recorded with it.
    ///
    /// # Errors
    /// `label_not_earned` or `no_path_to_production` with everything that is lacking, `label_skipped`,
    /// `step_out_of_order` for a pilot that jumped over a step, `bad_request` naming an empty field, `reason_required`, `workflow_retired`, `unknown_workflow`.
    pub async fn set_label(
        &self,
        name: &str,
        wish: LabelWish,
        by: &str,
    ) -> Result<Workflow, Problem> {
        reasoned(&wish.reason)?;
        for (field, text) in [("question", &wish.question), ("evidence", &wish.evidence)] {
            if tuesday_domain::charter::is_blank(text) {
                return Err(Problem::new("bad_request", format!("the {field} is empty"))
                    .field(field)
                    .way_out("say what was asked and what the answer rests on"));
            }
        }
        let row = self.not_retired(name).await?;
        if wish.to == Label::Retired {
            return Err(
                Problem::new("label_skipped", "retiring is a verb of its own")
                    .way_out(format!("tuesday workflow retire {name}")),
            );
        }
        let gathered = Box::pin(self.gather(name)).await?;
        let up = wish.to > row.label;
        if up {
            if above(row.label) != Some(wish.to) {
                let words = format!("from {} to {} skips a label", row.label, wish.to);
                return Err(Problem::new("label_skipped", words).way_out("go through the pilot"));
            }
            earned(&gathered, wish.to)?;
            if wish.to == Label::Production {
                Box::pin(self.in_order(name)).await?;
            }
        } else if wish.to == row.label {
            let words = format!("{name} is called {} already", row.label);
            return Err(Problem::new("illegal_state", words)
                .way_out("decide for the quarter with --review keep, or give it another label"));
        }
        Box::pin(self.give_label(&gathered, row, wish, up, by)).await
    }

    async fn give_label(
        &self,
        gathered: &Gathered,
        mut row: Workflow,
        wish: LabelWish,
        up: bool,
        by: &str,
    ) -> Result<Workflow, Problem> {
        let now = gathered.now;
        let actor = Actor::Person(by.to_owned());
        let mut evidence = wish.evidence;
        if wish.to == Label::Production {
            evidence.push_str(&Box::pin(self.go_live_words(&row.name)).await?);
        }
        let record = DecisionRecord {
            id: ids::decision(),
            workflow: row.name.clone(),
            choice: if up { Choice::Proceed } else { Choice::Narrow },
            question: wish.question,
            evidence,
            // The criteria were computed; this is where they stand.
            links: TextList::new(&[format!("/workflows/{}/charter", row.name)]),
            conditions: TextList::default(),
            supersedes: None,
            reason: wish.reason.clone(),
            decided_by: by.to_owned(),
            decided_at: now,
        };
        let event = Told {
            workflow: &row.name,
            kind: if up {
                LabelMove::Raised
            } else {
                LabelMove::Lowered
            },
            label: wish.to,
            reasons: wish.reason.clone(),
            until: None,
            decision: Some(record.id),
            quarter: None,
            by: actor.to_string(),
        };
        let event = event.behind(gathered.standing().seq, now);
        let words = format!("label {} {}", row.label, wish.to);
        let until = if up {
            String::new()
        } else {
            super::keep::ends(gathered, wish.to)
        };
        let told = format!("label {} from now on{until}", wish.to);
        row.label = wish.to;
        let mut moved = Move::new(row, "workflow.label", words).tell(told);
        moved.facts = vec![("decision", record.id.to_string().into())];
        let insert = RolloutChange::InsertDecision(record);
        moved.changes = vec![Change::Rollout(Box::new(insert)), event];
        if up && moved.row.label == Label::Pilot {
            let told = self.tell_pilot_trap(&moved.row.name, now).await?;
            moved.changes.extend(told);
        }
        self.commit_move(moved, &actor, &wish.reason).await
    }
}

/// Everything the label needs is there.
fn earned(gathered: &Gathered, to: Label) -> Result<(), Problem> {
    let lacking = lacking(gathered, to);
    let Some(first) = lacking.first() else {
        return Ok(());
    };
    let no_path = lacking.iter().any(|u| u.topic == Topic::ProductionPath);
    let code = if no_path {
        "no_path_to_production"
    } else {
        "label_not_earned"
    };
    let words = match lacking.len() {
        1 => format!("{to} lacks one thing: {first}"),
        n => format!("{to} lacks {n} things, first: {first}"),
    };
    let list: Vec<_> = lacking
        .iter()
        .map(|u| {
            serde_json::json!({"sheet": u.sheet.word(), "item": u.topic.word(), "title": u.title, "words": u.words,
                "way_out": u.topic.way_out()})
        })
        .collect();
    Err(Problem::new(code, words)
        .way_out("tuesday charter check names each of them with its way out")
        .with("unmet", list))
}

/// What `to` lacks. Criteria that were good for the pilot are not taken over: production sets its own,
/// and its release was judged not long ago, with the table that is in force.
pub(super) fn lacking(gathered: &Gathered, to: Label) -> Vec<Unmet> {
    let mut out = unmet(to, &gathered.picture());
    if to != Label::Production {
        return out;
    }
    if let Some(why) = &gathered.unjudged
        && !out.iter().any(|u| u.topic == Topic::Gate)
    {
        out.push(Unmet {
            sheet: Sheet::Handoff,
            topic: Topic::Gate,
            title: "The release in force passed the gate",
            words: why.clone(),
        });
    }
    let began = gathered.standing().since;
    for item in Sheet::Goals.items() {
        let goal: Option<Statement> = item.topic.statement();
        let fact = goal.and_then(|s| gathered.facts.get(s));
        let old = fact.is_some_and(|f| f.at <= began);
        if old && !out.iter().any(|u| u.topic == item.topic) {
            out.push(Unmet {
                sheet: Sheet::Goals,
                topic: item.topic,
                title: item.title,
                words: "stated before the pilot began: set it anew for production".to_owned(),
            });
        }
    }
    out
}
