//! Words of sources that no mapping knows: the operator owner says what they stand for. A word waits
//! until the mapping in force knows it, so the list needs no closing and cannot be wrong.

use std::collections::HashSet;

use serde_json::{Map, Value};
use tuesday_domain::definition::Definition;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Unmapped};
use tuesday_domain::rules::{ProblemCode, RuleSet, Verdict, WORD_CHARS};

use super::{notice, readable};
use crate::draft::Draft;
use crate::engine::{Engine, read_problem};
use crate::worker::drive::StepFault;

/// Words that are kept for one workflow. A source that sends more is broken, and one page tells it.
const KEPT: usize = 1_000;
/// Words that wait before the operator owner hears of no further ones.
const TOLD: usize = 20;

/// A word that waits to be mapped.
#[derive(Clone, Debug)]
pub struct WaitingWord {
    /// The word, its column, the run that brought it first, and until when it should be mapped.
    pub met: Unmapped,
    /// Who is to say what it stands for.
    pub owner: String,
    /// That time has passed.
    pub overdue: bool,
}

impl Engine {
    /// The words of sources that the mapping in force does not know, oldest first.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`, `record_damaged`.
    pub async fn waiting_words(&self, workflow: &str) -> Result<Vec<WaitingWord>, Problem> {
        let active = self.live_rules(workflow).await?;
        let rules = readable(&active)?;
        if !has_mapping(&rules) {
            return Ok(Vec::new());
        }
        let (_, release) = self.live(workflow).await?;
        let owner = &release.ready.def.owners.operator.handle;
        let met = self.0.reader.unmapped(workflow, KEPT).await;
        let now = self.now();
        Ok(waiting(met.map_err(read_problem)?, &rules)
            .map(|met| WaitingWord {
                overdue: met.due_at < now,
                owner: owner.clone(),
                met,
            })
            .collect())
    }

    /// Notes the words of a run that the mapping does not know, and tells the operator owner of new
    /// ones. The notice holds no word.
    pub(crate) async fn note_unmapped(
        &self,
        draft: &mut Draft,
        rules: &RuleSet,
        (verdict, facts): (&Verdict, &Map<String, Value>),
        def: &Definition,
    ) -> Result<(), StepFault> {
        let words = unknown(verdict, facts);
        if words.is_empty() {
            return Ok(());
        }
        let workflow = draft.run.workflow.clone();
        let reader = &self.0.reader;
        let met = reader
            .unmapped(&workflow, KEPT)
            .await
            .map_err(crate::catalog::LoadFault::Read)?;
        let known: HashSet<_> = met
            .iter()
            .map(|u| (u.field.clone(), u.folded.clone()))
            .collect();
        let now = draft.run.updated_at;
        let mut new = 0;
        for (field, word) in words {
            let folded = word.to_lowercase();
            if known.contains(&(field.clone(), folded.clone())) || met.len() + new >= KEPT {
                continue;
            }
            new += 1;
            draft.change(Change::NoteUnmapped(Box::new(Unmapped {
                workflow: workflow.clone(),
                field,
                folded,
                word,
                run: draft.run.id,
                at: now,
                due_at: now.plus(def.input.due.0),
            })));
        }
        if new > 0 && waiting(met, rules).count() < TOLD {
            let title = format!(
                "{workflow}: a source sent a word that the rules do not know; say what it stands for"
            );
            let owner = &def.owners.operator.handle;
            draft.change(notice(owner, &workflow, "rules_unmapped", title, now));
        }
        Ok(())
    }
}

fn has_mapping(rules: &RuleSet) -> bool {
    use tuesday_domain::rules::ColumnType;
    let mapped = |kind: &ColumnType| matches!(kind, ColumnType::Mapped { .. });
    rules.columns().iter().any(|c| mapped(&c.kind))
}

/// Those that the rules do not know, in columns that they have.
fn waiting(met: Vec<Unmapped>, rules: &RuleSet) -> impl Iterator<Item = Unmapped> {
    met.into_iter().filter(|u| {
        let column = rules.columns().iter().find(|c| c.name == u.field);
        column.is_some_and(|c| c.mapping.of(&u.folded).is_none())
    })
}

/// Column and word, as far as a mapping could hold it.
fn unknown(verdict: &Verdict, facts: &Map<String, Value>) -> Vec<(String, String)> {
    let Verdict::Person(person) = verdict else {
        return Vec::new();
    };
    person
        .problems
        .iter()
        .filter(|p| p.code == ProblemCode::UnknownTier)
        .filter_map(|p| {
            let word = match facts.get(&p.column)? {
                Value::String(word) => word.trim().to_owned(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            (word.chars().count() <= WORD_CHARS).then(|| (p.column.clone(), word))
        })
        .collect()
}
