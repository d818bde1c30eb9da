//! The invariants of a run, checked against three witnesses: what the client was told, what the
//! destinations' own ledgers hold, and what the database and its audit log say.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use tuesday_domain::action::ActionState;
use tuesday_domain::audit::{Commitment, VerifierKey};
use tuesday_domain::privacy::{erasures, is_gone};
use tuesday_domain::record::{Action, Review, Run};
use tuesday_domain::run::Status;
use tuesday_engine::ops::{Verified, verify_log};
use tuesday_store::{RunFilter, StoreReader};

/// One request that a destination's ledger holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The key it came with.
    pub key: String,
    /// Whether it changed anything.
    pub applied: bool,
}

/// One run with what belongs to it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The run.
    pub run: Run,
    /// Its actions.
    pub actions: Vec<Action>,
    /// Its tasks.
    pub reviews: Vec<Review>,
    /// Its audit entries.
    pub entries: Vec<Value>,
}

impl Found {
    /// Where it stands, in words that do not depend on ids or on how often something was tried.
    #[must_use]
    pub fn ending(&self) -> String {
        let s = self.run.state;
        let mut actions: Vec<_> = self
            .actions
            .iter()
            .map(|a| format!("{} {}", a.name, a.state))
            .collect();
        actions.sort();
        let mut reviews: Vec<_> = self
            .reviews
            .iter()
            .map(|r| format!("{} {}", r.reason.word(), r.state))
            .collect();
        reviews.sort();
        format!(
            "{} {} | {} | {}",
            s.status,
            s.outcome.map_or("", |o| o.word()),
            actions.join(", "),
            reviews.join(", ")
        )
    }
}

/// Every run there is, by the id of its event.
pub async fn read_all(reader: &StoreReader) -> BTreeMap<String, Found> {
    let mut all = BTreeMap::new();
    let mut after = None;
    loop {
        let page = reader
            .run_page(&RunFilter::default(), after, 200)
            .await
            .unwrap();
        let Some(last) = page.last() else { return all };
        after = Some(last.id);
        for run in page {
            let (actions, reviews) = (
                reader.actions_of(run.id).await.unwrap(),
                reader.reviews_of(run.id).await.unwrap(),
            );
            let leaves = reader.audit_of(run.id).await.unwrap();
            let entries = leaves
                .iter()
                .map(|(_, leaf)| serde_json::from_slice(leaf).unwrap())
                .collect();
            let before = all.insert(
                run.event_id.clone(),
                Found {
                    run,
                    actions,
                    reviews,
                    entries,
                },
            );
            assert!(before.is_none(), "I1: two runs for one event: {before:?}");
        }
    }
}

/// True when no machine has anything left to do: no job, and every open run names a person.
pub async fn settled(reader: &StoreReader) -> bool {
    if reader.job_count().await.unwrap_or(1) > 0 {
        return false;
    }
    reader
        .run_counts()
        .await
        .is_ok_and(|counts| counts.iter().all(|c| !c.status.wants_job()))
}

/// Checks I1 to I5 and I7 of a settled instance; `told` are the runs a client was told of,
/// `effects` the ledgers of all destinations. Answers the runs and what the log's check found.
///
/// # Panics
/// Naming the invariant that does not hold.
pub async fn check(
    reader: &StoreReader,
    vkey: &str,
    told: &HashMap<String, String>,
    effects: &[Effect],
) -> (BTreeMap<String, Found>, Verified) {
    let all = read_all(reader).await;
    for (event, run) in told {
        let found = all
            .get(event)
            .unwrap_or_else(|| panic!("I1: {event} was acknowledged as {run} and is lost"));
        assert_eq!(
            found.run.id.to_string(),
            *run,
            "I1: {event} was acknowledged as another run"
        );
    }
    for found in all.values() {
        somebody_has_it(reader, found).await;
        one_effect(found, effects);
        one_decision(found);
        every_change_is_entered(reader, found).await;
    }
    let keys: HashMap<_, _> = all
        .values()
        .flat_map(|f| &f.actions)
        .map(|a| (a.key.as_str(), a))
        .collect();
    for effect in effects.iter().filter(|e| e.applied) {
        assert!(
            keys.contains_key(effect.key.as_str()),
            "I7: an effect with the key {} belongs to no action",
            effect.key
        );
    }
    let key: VerifierKey = vkey.trim().parse().expect("the instance's public key");
    let verified = verify_log(reader, &key, &[], |_| ())
        .await
        .unwrap_or_else(|p| panic!("I4: {p}"));
    let entries: usize = all.values().map(|f| f.entries.len()).sum();
    assert!(
        verified.entries >= entries as u64,
        "I4: {} entries verified, runs alone have {entries}",
        verified.entries
    );
    (all, verified)
}

/// I1: a run is over, or a named person has it and it is due, or a job has it.
async fn somebody_has_it(reader: &StoreReader, found: &Found) {
    let run = &found.run;
    if run.state.status.is_terminal() {
        return;
    }
    if run.state.status.wants_job() {
        assert!(
            reader.job(run.id).await.unwrap().is_some(),
            "I1: nobody works on {run:?}"
        );
        return;
    }
    assert!(run.owner.is_some(), "I1: {run:?} has no owner");
    if run.state.status == Status::Held {
        // Its workflow's owner paused it; there is nothing to ask until it resumes.
        return;
    }
    assert!(
        found.reviews.iter().any(|r| !r.state.is_decided()),
        "I1: nobody is asked about {run:?}"
    );
}

/// I2: at most one effect for a key; exactly one when the action says so.
fn one_effect(found: &Found, effects: &[Effect]) {
    for action in &found.actions {
        let applied = effects
            .iter()
            .filter(|e| e.applied && e.key == action.key)
            .count();
        assert!(
            applied <= 1,
            "I2: {} of {} has {applied} effects",
            action.name,
            found.run.event_id
        );
        match action.state {
            ActionState::Confirmed => assert_eq!(
                applied, 1,
                "I2: {} of {} is confirmed",
                action.name, found.run.event_id
            ),
            ActionState::Proposed
            | ActionState::Authorised
            | ActionState::Voided
            | ActionState::Blocked => {
                assert_eq!(
                    applied, 0,
                    "I2: {} of {} was never sent",
                    action.name, found.run.event_id
                );
            }
            _ => {}
        }
    }
}

/// I3: the log holds exactly one decision for each decided task.
fn one_decision(found: &Found) {
    for review in &found.reviews {
        let head = format!("review {} ", review.id);
        let ended = |m: &str| {
            m.strip_prefix(&head)
                .and_then(|m| m.split(' ').nth(1))
                .is_some_and(|to| to == review.state.word())
        };
        if review.state.is_decided() {
            let times = found
                .entries
                .iter()
                .filter(|e| moves(e).any(&ended))
                .count();
            assert_eq!(times, 1, "I3: {} is {}", review.id, review.state);
        }
    }
}

fn moves(entry: &Value) -> impl Iterator<Item = &str> {
    entry
        .get("moves")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// I5: one entry for each version of the run, and each stored payload is the one committed to.
async fn every_change_is_entered(reader: &StoreReader, found: &Found) {
    let mut versions: Vec<u64> = found
        .entries
        .iter()
        .filter_map(|e| e["seq"].as_u64())
        .collect();
    versions.sort_unstable();
    let wanted: Vec<u64> = (1..=u64::from(found.run.version)).collect();
    assert_eq!(
        versions, wanted,
        "I5: versions and audit entries of {}",
        found.run.event_id
    );
    let stored = reader.payloads(found.run.id).await.unwrap();
    // Inputs that are used again keep their numbers, and what lay between them is not taken over.
    let highest = stored.iter().map(|p| p.n).max().unwrap_or(0);
    let held = if found.run.rerun_of.is_some() {
        highest
    } else {
        stored.len() as u32
    };
    assert_eq!(
        held, found.run.payloads,
        "I5: payloads of {}",
        found.run.event_id
    );
    for payload in stored {
        let name = format!("{}/{}", payload.kind, payload.n);
        if is_gone(&payload) {
            let told = erasures(&found.entries).contains_key(&name);
            assert!(told, "I5: {name} of {} is gone unsaid", found.run.event_id);
            continue;
        }
        let now = Commitment::new(&payload.salt, &payload.bytes).to_string();
        let entered = found
            .entries
            .iter()
            .any(|e| e["commits"].get(&name).and_then(Value::as_str) == Some(now.as_str()));
        assert!(
            entered,
            "I5: {name} of {} is not what the log commits to",
            found.run.event_id
        );
    }
}
