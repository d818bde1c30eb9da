//! One write in full: what was to be written and why it was allowed, what the destination answered, what
//! was there before and after, and what became of it since.

use std::sync::Arc;

use serde_json::{Map, Value};
use tuesday_domain::id::{ActionId, RunId};
use tuesday_domain::port::Delivery;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Action, Correction, Gap, Payload};
use tuesday_domain::veil::Veil;

use super::Reader;
use super::task::not_found;
use crate::engine::{Engine, read_problem};

/// One write.
#[derive(Clone, Debug)]
pub struct Writeback {
    /// The action; its words are as the reader may see them.
    pub action: Action,
    /// Workflow of its run.
    pub workflow: String,
    /// The system it writes to, in people's words; absent when the release cannot be read.
    pub system: Option<String>,
    /// The fields that were to be written.
    pub intent: Map<String, Value>,
    /// The version that the record had to have.
    pub expected_version: Option<String>,
    /// What the destination answered.
    pub receipt: Option<Delivery>,
    /// The action that this one undoes.
    pub undoes: Option<ActionId>,
    /// The action that undid this one, or tries to.
    pub undone_by: Option<ActionId>,
    /// What the last comparison with the destination found, where it ever differed.
    pub gap: Option<Gap>,
    /// Corrections of it, in the order they were made.
    pub corrections: Vec<Correction>,
}

impl Engine {
    /// One write as this reader may see it; without a reader, as whoever has the database sees it.
    ///
    /// # Errors
    /// `not_found`, `unavailable`; also when the access cannot be kept.
    pub async fn writeback(
        &self,
        run: RunId,
        id: ActionId,
        who: Option<&Reader<'_>>,
    ) -> Result<Writeback, Problem> {
        let reader = &self.0.reader;
        let found = reader.run(run).await.map_err(read_problem)?;
        let found = found.ok_or_else(|| not_found(&run.to_string()))?;
        let (actions, payloads, gap, corrections) = tokio::try_join!(
            reader.actions_of(run),
            reader.payloads(run),
            reader.gap(id),
            reader.corrections_of_action(run, id),
        )
        .map_err(read_problem)?;
        let action = actions.iter().find(|a| a.id == id).cloned();
        let missing = || Problem::new("not_found", format!("{run} has no {id}"));
        let mut action = action.ok_or_else(missing)?;
        let loaded = self.0.catalog.release(reader, found.release).await.ok();
        let ready = loaded.as_ref().map(|r| Arc::clone(&r.ready));
        let system = ready.as_ref().and_then(|r| {
            let mut declared = r.def.action.iter();
            declared
                .find(|a| a.name == action.name)
                .map(|a| a.system.clone())
        });
        let veil = match who {
            Some(who) => who.veil(&found.workflow, ready),
            None => Veil::open(),
        };
        if let Some(who) = who {
            self.accessed(who, &found.workflow, run.to_string(), &veil)
                .await?;
        }
        let (undoes, undone_by) = undoing(&actions, &action);
        let request = stored::<Value>(&payloads, Some(action.request_ref)).unwrap_or_default();
        let receipt = stored::<Delivery>(&payloads, action.receipt_ref);
        let name = action.name.clone();
        let intent = request.get("fields").cloned().unwrap_or_default();
        let intent = match fields(&veil, &name, intent) {
            Value::Object(intent) => intent,
            _ => Map::new(),
        };
        let expected = request.get("expected_version").and_then(Value::as_str);
        let receipt = receipt.map(|r| Delivery {
            before: r.before.map(|v| fields(&veil, &name, v)),
            after: r.after.map(|v| fields(&veil, &name, v)),
            answer: veil.text(&r.answer, veil.strictest()),
            ..r
        });
        let quoted = veil.words_class();
        let corrections = corrections.into_iter().map(|c| Correction {
            place: veil.text(&c.place, quoted),
            words: veil.text(&c.words, quoted),
            receipt: c.receipt.map(|t| veil.text(&t, quoted)),
            note: c.note.map(|t| veil.text(&t, quoted)),
            ..c
        });
        veil.action(&mut action);
        Ok(Writeback {
            workflow: found.workflow,
            system,
            intent,
            expected_version: expected.map(str::to_owned),
            receipt,
            undoes,
            undone_by,
            gap,
            corrections: corrections.collect(),
            action,
        })
    }
}

/// The action that this one undoes, and the one that undid it or tries to.
fn undoing(all: &[Action], one: &Action) -> (Option<ActionId>, Option<ActionId>) {
    let newest = |wanted: &dyn Fn(&Action) -> bool| {
        let found = all.iter().rev().find(|a| wanted(a));
        found.map(|a| a.id)
    };
    let undoes = one
        .undoes()
        .and_then(|place| newest(&|a| a.ordinal == place));
    (undoes, newest(&|a| a.undoes() == Some(one.ordinal)))
}

fn stored<T: serde::de::DeserializeOwned>(payloads: &[Payload], n: Option<u32>) -> Option<T> {
    let payload = payloads.iter().find(|p| Some(p.n) == n)?;
    serde_json::from_slice(&payload.bytes).ok()
}

/// Values by field, each as its own class allows.
fn fields(veil: &Veil, action: &str, value: Value) -> Value {
    let Value::Object(map) = value else {
        return veil.whole(&value, veil.strictest());
    };
    let masked = map.into_iter().map(|(name, value)| {
        let class = veil.effect_class(action, &name);
        let shown = veil.whole(&value, class);
        (name, shown)
    });
    Value::Object(masked.collect())
}
