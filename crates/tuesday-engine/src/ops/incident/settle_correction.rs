//! Ends a correction: with a receipt that was looked up here and now, or with the word of a named person,
//! which is kept and shown as no more than that; or gives it up with a reason. Nobody types a receipt.

use std::time::Duration;

use serde_json::{Map, Value};
use tuesday_domain::action::ActionState;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::{ActionId, CorrectionId, RunId};
use tuesday_domain::port::Intent;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Action, Correction, TroubleChange};
use tuesday_domain::trouble::incident::{CorrectionState, Proof};
use tuesday_store::Work;

use super::Handling;
use super::correct::MOST;
use crate::clock::Clock;
use crate::engine::{Engine, read_problem};
use crate::steps::stored_intent;

/// How a correction ended.
#[derive(Clone, Debug)]
pub enum Settled {
    /// A confirmed action of ours has written something else to the same record since.
    Action(ActionId),
    /// The destination shows these values now, each under the name of a field that the action wrote.
    ReadBack(Map<String, Value>),
    /// Done, by the word of the person; what was done, in writing.
    Word(String),
    /// Not possible or not wanted; why.
    Dropped(String),
}

/// What is kept about it.
struct Shown {
    proof: Option<Proof>,
    receipt: Option<String>,
    note: Option<String>,
    /// For the timeline, which outlives the case: no content of it.
    told: String,
}

impl Engine {
    /// Settles a correction.
    ///
    /// # Errors
    /// `not_found`, `not_allowed`, `illegal_state`; `reason_required` without a note or a reason;
    /// `not_corrected` where what was named does not show that the record is right; `unavailable` when
    /// the destination cannot be read now.
    pub async fn settle_correction(
        &self,
        id: CorrectionId,
        how: Settled,
        by: &str,
    ) -> Result<Correction, Problem> {
        let found = self.0.reader.correction(id).await.map_err(read_problem)?;
        let mut c = found.ok_or_else(|| Problem::new("not_found", format!("there is no {id}")))?;
        let incident = self.incident(c.incident).await?;
        if c.owner != by {
            self.may_handle(&incident, by).await?;
        }
        let done = !matches!(how, Settled::Dropped(_));
        let next = c.state.settle(done);
        c.state = next.map_err(|e| Problem::new("illegal_state", e))?;
        let shown = match how {
            Settled::Action(action) => self.by_action(&c, action).await?,
            Settled::ReadBack(values) => Box::pin(self.by_reading(&c, &values)).await?,
            Settled::Word(note) => Shown {
                proof: Some(Proof::Word),
                receipt: None,
                told: "done by word only".to_owned(),
                note: Some(said(&note, "word")?),
            },
            Settled::Dropped(reason) => {
                let note = said(&reason, "reason")?;
                Shown {
                    proof: None,
                    receipt: None,
                    told: format!("dropped: {note}"),
                    note: Some(note),
                }
            }
        };
        let now = self.now();
        c.settled_by = Some(by.to_owned());
        c.settled_at = Some(now);
        c.version += 1;
        c.proof = shown.proof;
        c.receipt = shown.receipt;
        c.note = shown.note;
        let mut h = Handling::on(
            &incident,
            &Actor::Person(by.to_owned()),
            "incident.correction_settled",
            now,
        );
        h.fact("correction", id.to_string());
        h.fact("state", c.state.word());
        if let Some(proof) = c.proof {
            h.fact("proof", proof.word());
        }
        h.say(
            "correction",
            format!("{}: {}", c.place, shown.told).trim_start_matches(": "),
            None,
        );
        h.change(TroubleChange::UpdateCorrection(c.clone()));
        self.not_quiet(&mut h, now).await?;
        self.commit_incident(h).await?;
        Ok(c)
    }

    /// The named action is one of ours, is confirmed, and wrote something else to the same record after
    /// the wrong write.
    async fn by_action(&self, c: &Correction, id: ActionId) -> Result<Shown, Problem> {
        let run = self
            .0
            .reader
            .run_of_action(id)
            .await
            .map_err(read_problem)?;
        let run = run.ok_or_else(|| not_corrected(format!("there is no {id}")).field("action"))?;
        let (work, action, intent) = self.written(run, id).await?;
        if action.state != ActionState::Confirmed {
            let words = format!("{id} is {}: nothing shows that it arrived", action.state);
            return Err(not_corrected(words).field("action"));
        }
        let right = match c.action {
            Some(wrong) => {
                let (_, wrong, was) = self.written(c.run, wrong).await?;
                let same = intent.spec.place(&intent.target) == was.spec.place(&was.target);
                let later = action.first_sent_at > wrong.first_sent_at;
                match (same, later) {
                    (false, _) => Err("it wrote to another record"),
                    (_, false) => Err("it was sent before the wrong write"),
                    _ if intent.fields == was.fields => Err("it wrote the same values again"),
                    _ => Ok(()),
                }
            }
            // Nobody knows which write was wrong: at least it is about the same case, and later.
            None => {
                let wrong = self.0.reader.run(c.run).await.map_err(read_problem)?;
                let about =
                    |r: &tuesday_domain::record::Run| (r.workflow.clone(), r.subject.clone());
                if wrong.as_ref().map(about) != Some(about(&work.run)) {
                    Err("it is about another case")
                } else if work.run.id == c.run && action.undoes().is_none() {
                    Err("it is of the run whose output is wrong")
                } else if action.first_sent_at < wrong.map(|r| r.received_at) {
                    Err("it was sent before the wrong output was made")
                } else {
                    Ok(())
                }
            }
        };
        if let Err(why) = right {
            return Err(not_corrected(format!("{id} does not put it right: {why}")).field("action"));
        }
        let verb = match action.undoes() {
            Some(_) => "put the old value back",
            None => "wrote there",
        };
        let theirs = match &action.external_id {
            Some(theirs) => format!(", theirs {theirs}"),
            None => String::new(),
        };
        Ok(Shown {
            proof: Some(Proof::Action),
            receipt: Some(format!(
                "{id} {verb}, confirmed {}, key {}{theirs}",
                action.updated_at, action.key
            )),
            note: None,
            told: format!("done: {id} {verb}"),
        })
    }

    /// Reads the record now; it must show the values that are said to be right, and these are not what
    /// the wrong output had written.
    async fn by_reading(
        &self,
        c: &Correction,
        values: &Map<String, Value>,
    ) -> Result<Shown, Problem> {
        let Some(action) = c.action else {
            let words = "the correction names no action, so it is unknown which record to read";
            return Err(not_corrected(words.to_owned()).field("shows"));
        };
        let (_, _, intent) = self.written(c.run, action).await?;
        if values.is_empty() {
            let words = "say which value is right, by the field that the action wrote";
            return Err(Problem::new("bad_request", words).field("shows"));
        }
        if let Some(other) = values.keys().find(|k| !intent.fields.contains_key(*k)) {
            let known: Vec<&str> = intent.fields.keys().map(String::as_str).collect();
            let words = format!(
                "the action does not write `{other}` but {}",
                known.join(", ")
            );
            return Err(Problem::new("bad_request", words).field("shows"));
        }
        if values.iter().all(|(k, v)| alike(&intent.fields[k], v)) {
            let words = "these are the values of the wrong output";
            return Err(not_corrected(words.to_owned()).field("shows"));
        }
        if intent.spec.production && matches!(self.clock(), Clock::Test(_)) {
            let words = "the destination is for production, and this is a test instance";
            return Err(not_corrected(words.to_owned()));
        }
        let system = intent.spec.system.clone();
        let longest = Duration::from_millis(intent.timeout_ms);
        let read = tokio::time::timeout(longest, self.0.ports.destination.target(&intent)).await;
        let Ok(Ok(seen)) = read else {
            let words = format!("{system} cannot be read now, or does not have the record");
            return Err(Problem::new("unavailable", words).way_out(
                "try again when it answers; a confirmed action or a word settle it as well",
            ));
        };
        let there = seen.values.as_ref().and_then(Value::as_object);
        for (field, right) in values {
            match there.and_then(|t| t.get(field)) {
                Some(found) if alike(found, right) => {}
                Some(_) => {
                    let words = format!("{system} shows another value under `{field}`");
                    return Err(not_corrected(words).field("shows"));
                }
                None => {
                    let words = format!("{system} does not show `{field}`");
                    return Err(not_corrected(words).field("shows"));
                }
            }
        }
        let now = self.now();
        let shown: Vec<String> = values
            .iter()
            .map(|(k, v)| format!("{k} {}", plain(v)))
            .collect();
        let version = seen
            .version
            .map_or_else(String::new, |v| format!(", version {v}"));
        let fields: Vec<&str> = values.keys().map(String::as_str).collect();
        Ok(Shown {
            proof: Some(Proof::ReadBack),
            receipt: Some(format!(
                "{system} {} read {now}: {}{version}",
                intent.target,
                shown.join(", ")
            )),
            note: None,
            told: format!(
                "done: {system} was read and shows {} corrected",
                fields.join(", ")
            ),
        })
    }

    /// For each of these corrections the fields whose value a person may name as right; none where no
    /// action is known, or once the correction is settled.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn corrected_fields(&self, all: &[Correction]) -> Result<Vec<Vec<String>>, Problem> {
        let open: Vec<RunId> = all
            .iter()
            .filter(|c| c.state == CorrectionState::Open && c.action.is_some())
            .map(|c| c.run)
            .collect();
        let actions = self.0.reader.actions_of_all(&open).await;
        let actions = actions.map_err(read_problem)?;
        let releases = self.releases(&open).await;
        let mut out = Vec::with_capacity(all.len());
        for c in all {
            let mut fields = Vec::new();
            let wrong = actions
                .iter()
                .find(|a| a.run == c.run && Some(a.id) == c.action);
            if let (CorrectionState::Open, Some(wrong)) = (c.state, wrong)
                && let Some(release) = releases.get(&c.run)
                // One that cannot be read any more offers nothing; the other ways stay.
                && let Ok(release) = self.0.catalog.release(&self.0.reader, *release).await
            {
                let mut declared = release.ready.def.action.iter();
                let spec = declared.find(|a| a.name == wrong.name);
                fields.extend(spec.into_iter().flat_map(|a| a.fields.keys().cloned()));
            }
            out.push(fields);
        }
        Ok(out)
    }

    /// An action with its run and what it wrote.
    async fn written(&self, run: RunId, id: ActionId) -> Result<(Work, Action, Intent), Problem> {
        let missing = || Problem::new("not_found", format!("{run} has no {id}"));
        let work = self.0.reader.work(run).await.map_err(read_problem)?;
        let work = work.ok_or_else(missing)?;
        let action = work.actions.iter().find(|a| a.id == id).cloned();
        let action = action.ok_or_else(missing)?;
        let damaged = |e: String| Problem::new("record_damaged", e);
        let release = self
            .0
            .catalog
            .release(&self.0.reader, work.run.release)
            .await;
        let release = release.map_err(|e| damaged(e.to_string()))?;
        let request = work.payload(action.request_ref);
        let request = request.and_then(|p| serde_json::from_slice(&p.bytes).ok());
        let intent = stored_intent(&release.ready, &action, &request.unwrap_or(Value::Null));
        Ok((work, action, intent.map_err(damaged)?))
    }

    /// Corrections whose wrong value was put back are done; the receipt is that of the action which did.
    pub(crate) async fn close_corrections(&self) -> Result<(), Problem> {
        let reader = &self.0.reader;
        let open = reader
            .corrections_undone(MOST)
            .await
            .map_err(read_problem)?;
        for c in open {
            let actions = reader.actions_of(c.run).await.map_err(read_problem)?;
            let wrong = actions.iter().find(|a| Some(a.id) == c.action);
            let by = |a: &&Action| {
                a.state == ActionState::Confirmed
                    && a.undoes()
                        .is_some_and(|p| wrong.is_some_and(|w| w.ordinal == p))
            };
            let Some(undone) = actions.iter().find(by) else {
                continue;
            };
            let authorised = undone.authorised_by.as_deref().unwrap_or_default();
            let person = authorised
                .strip_prefix("person:")
                .unwrap_or(&c.owner)
                .to_owned();
            let done = self.settle_correction(c.id, Settled::Action(undone.id), &person);
            match Box::pin(done).await {
                Ok(_) => {}
                // Somebody has just settled it by hand, the incident moved, or the old value was the same
                // wrong one: then it stays open, and a person decides.
                Err(p)
                    if matches!(p.code, "illegal_state" | "revision_moved" | "not_corrected") => {}
                Err(p) => return Err(p),
            }
        }
        Ok(())
    }
}

fn said(text: &str, field: &'static str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        let words = "say in writing what was done, or why it is dropped";
        return Err(Problem::new("reason_required", words).field(field));
    }
    Ok(text.to_owned())
}

fn not_corrected(words: String) -> Problem {
    Problem::new("not_corrected", words).way_out(
        "name a confirmed action that wrote there since, the value that the destination shows now, or settle it by word",
    )
}

/// The same value, also where a person typed a number or a truth as text.
fn alike(a: &Value, b: &Value) -> bool {
    a == b || plain(a) == plain(b)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_typed_value_is_the_stored_one_and_nothing_else_is() {
        assert!(alike(&json!(5), &json!("5")) && alike(&json!(true), &json!("true")));
        assert!(alike(&json!("high"), &json!("high")));
        for other in [json!("6"), json!("5 "), json!(null), json!("")] {
            assert!(!alike(&json!(5), &other), "{other}");
        }
    }
}
