//! Proves on a living destination what a definition says about it: that a write arrives, that it can
//! be read back, and what the destination does when the same write comes twice.
//!
//! The proof writes for real, once, and repeats that write under the same key where the declared
//! class allows it. What cannot be proven is said; nothing is taken on trust.

use std::time::Duration;

use serde::Serialize;
use tuesday_domain::action::Ability;
use tuesday_domain::port::{Delivery, Destination, Intent, Look, ReadBack, SendFault, Target};

/// A search may lag this often its declared time before it counts as blind.
const LOOKS: u32 = 5;
/// Pause between looks where the definition names none.
const PAUSE: Duration = Duration::from_millis(200);

/// How one thing came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Seen to be so.
    Proven,
    /// The destination has no way to tell, and the definition does not say it has.
    NotOffered,
    /// Seen to be otherwise, or it could not be seen although the definition promises it.
    Failed,
}

/// One thing that was tried.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Line {
    /// `target`, `lookup`, `write`, `read_back`, `find`, `repeat`.
    pub check: &'static str,
    /// How it came out.
    pub mark: Mark,
    /// In words; no secret.
    pub words: String,
}

/// What was seen, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Proof {
    /// Each thing that was tried.
    pub lines: Vec<Line>,
}

impl Proof {
    /// Nothing that the definition promises failed.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.lines.is_empty() && self.lines.iter().all(|l| l.mark != Mark::Failed)
    }

    fn say(&mut self, check: &'static str, mark: Mark, words: impl Into<String>) {
        self.lines.push(Line {
            check,
            mark,
            words: words.into(),
        });
    }
}

/// Tries `intent` on `destination`. Stops at the first write that did not arrive.
pub async fn prove(destination: &dyn Destination, mut intent: Intent) -> Proof {
    let mut proof = Proof::default();
    let Some(before) = target(destination, &mut intent, &mut proof).await else {
        return proof;
    };
    if !unknown_before(destination, &intent, &mut proof).await {
        return proof;
    }
    let Some(first) = write(destination, &intent, &mut proof).await else {
        return proof;
    };
    read_back(destination, &intent, &first, &mut proof).await;
    find(destination, &intent, &mut proof).await;
    repeat(destination, &intent, &before, &first, &mut proof).await;
    proof
}

/// The record before the write; for class D its version becomes the precondition.
async fn target(
    destination: &dyn Destination,
    intent: &mut Intent,
    proof: &mut Proof,
) -> Option<Target> {
    let found = match destination.target(intent).await {
        Ok(found) => found,
        Err(fault) => {
            proof.say(
                "target",
                Mark::Failed,
                format!("{}; nothing was written", words(&fault)),
            );
            return None;
        }
    };
    match (&found.version, intent.spec.ability) {
        (None, Ability::Conditional) => {
            let why = "the record shows no version (an ETag or a field `version`), so a change by somebody else \
                       would go unseen; nothing was written";
            proof.say("target", Mark::Failed, why);
            return None;
        }
        (Some(version), _) => proof.say(
            "target",
            Mark::Proven,
            format!("read, at version {version}"),
        ),
        (None, _) if found.values.is_some() => {
            proof.say("target", Mark::Proven, "read; it shows no version")
        }
        (None, _) => proof.say(
            "target",
            Mark::NotOffered,
            "there is no record yet, or no way to read it",
        ),
    }
    intent.expected_version.clone_from(&found.version);
    Some(found)
}

/// A lookup that finds a key which was never sent would confirm writes that never happened.
async fn unknown_before(destination: &dyn Destination, intent: &Intent, proof: &mut Proof) -> bool {
    if matches!(destination.look(intent).await, Look::Found(_)) && by_key(intent.spec.ability) {
        let why = "the lookup finds a key that was never sent; nothing was written";
        proof.say("lookup", Mark::Failed, why);
        return false;
    }
    true
}

/// Classes whose lookup goes by the key; the others compare the record itself.
const fn by_key(ability: Ability) -> bool {
    matches!(ability, Ability::SameTransaction | Ability::Searchable)
}

async fn write(
    destination: &dyn Destination,
    intent: &Intent,
    proof: &mut Proof,
) -> Option<Delivery> {
    match destination.send(intent).await {
        Ok(delivery) => {
            let id = delivery.external_id.as_deref();
            let named = id.map_or_else(String::new, |id| format!(", known there as {id}"));
            proof.say("write", Mark::Proven, format!("{}{named}", delivery.status));
            Some(delivery)
        }
        Err(fault) => {
            proof.say("write", Mark::Failed, words(&fault));
            None
        }
    }
}

async fn read_back(
    destination: &dyn Destination,
    intent: &Intent,
    delivery: &Delivery,
    proof: &mut Proof,
) {
    match destination.read_back(intent, delivery).await {
        ReadBack::Equal(_) => proof.say(
            "read_back",
            Mark::Proven,
            "every written field is there as sent",
        ),
        ReadBack::Differs(why) | ReadBack::Failed(why) => proof.say("read_back", Mark::Failed, why),
        ReadBack::NotOffered => proof.say(
            "read_back",
            Mark::NotOffered,
            "the definition says no way to read it (`read_url`): a success answer is all there is",
        ),
    }
}

/// After an unclear answer the effect is looked for: is it found when it is there?
async fn find(destination: &dyn Destination, intent: &Intent, proof: &mut Proof) {
    let ability = intent.spec.ability;
    if !ability.can_look() {
        let words = "class F: after an unclear answer a person must find out";
        return proof.say("find", Mark::NotOffered, words);
    }
    let must = by_key(ability);
    let settle = intent.spec.settle.map_or(PAUSE, |s| s.0.max(PAUSE));
    for tries in 1..=LOOKS {
        match destination.look(intent).await {
            Look::Found(_) => {
                return proof.say(
                    "find",
                    Mark::Proven,
                    format!("found by looking, at try {tries}"),
                );
            }
            Look::Unknown(why) => {
                let mark = if must { Mark::Failed } else { Mark::NotOffered };
                return proof.say("find", mark, why);
            }
            Look::NotYet(wait) => tokio::time::sleep(wait.max(PAUSE)).await,
            Look::Absent => tokio::time::sleep(settle).await,
        }
    }
    let words = "it was written, and looking says that it is not there: it would be written twice; \
                 correct `lookup_url` or `read_url`, or raise `settle`";
    proof.say("find", Mark::Failed, words);
}

/// The same write once more, as a node would do it after a crash.
async fn repeat(
    destination: &dyn Destination,
    intent: &Intent,
    before: &Target,
    first: &Delivery,
    proof: &mut Proof,
) {
    match intent.spec.ability {
        Ability::None => proof.say(
            "repeat",
            Mark::NotOffered,
            "class F: never sent a second time by itself",
        ),
        Ability::Searchable => proof.say(
            "repeat",
            Mark::NotOffered,
            "class E: sent again only when looking says it is not there",
        ),
        Ability::Conditional => stale(destination, intent, before, proof).await,
        Ability::SameTransaction | Ability::ServerKey | Ability::Upsert => {
            same_key(destination, intent, first, proof).await;
        }
    }
}

/// Classes A to C: sent again under the same key, there is still one effect.
async fn same_key(
    destination: &dyn Destination,
    intent: &Intent,
    first: &Delivery,
    proof: &mut Proof,
) {
    let second = match destination.send(intent).await {
        Ok(second) => second,
        Err(fault) => return proof.say("repeat", Mark::Failed, words(&fault)),
    };
    let one = first.external_id.is_some() && first.external_id == second.external_id;
    let natural = intent.spec.ability == Ability::Upsert;
    match (&first.external_id, &second.external_id) {
        _ if second.repeated => {
            proof.say("repeat", Mark::Proven, "answered as a repeat: one effect")
        }
        (Some(a), Some(b)) if a != b => proof.say(
            "repeat",
            Mark::Failed,
            format!(
                "two effects: {a}, then {b} under the same key; this is not class {}",
                intent.spec.ability
            ),
        ),
        _ if one => proof.say(
            "repeat",
            Mark::Proven,
            "the same record answered: one effect",
        ),
        _ if natural => match destination.read_back(intent, &second).await {
            ReadBack::Equal(_) => proof.say(
                "repeat",
                Mark::Proven,
                "the record is as after the first write",
            ),
            _ => proof.say("repeat", Mark::Failed, UNTOLD),
        },
        _ => proof.say("repeat", Mark::Failed, UNTOLD),
    }
}

const UNTOLD: &str = "the second answer names no record and does not say that it is a repeat, so one effect cannot be \
                      told from two; name the id with `external_id`, or declare a weaker class";

/// Class D: the version moves with the write, and a write on the old version is refused.
async fn stale(destination: &dyn Destination, intent: &Intent, before: &Target, proof: &mut Proof) {
    match destination.target(intent).await {
        Ok(now) if now.version == before.version => {
            let why = "the version did not move with the write, so a change by somebody else would go unseen";
            return proof.say("repeat", Mark::Failed, why);
        }
        Ok(_) => {}
        Err(fault) => return proof.say("repeat", Mark::Failed, words(&fault)),
    }
    match destination.send(intent).await {
        Err(SendFault::TargetChanged { detail }) => {
            proof.say(
                "repeat",
                Mark::Proven,
                format!("refused on the old version: {detail}"),
            );
        }
        Err(fault) => proof.say("repeat", Mark::Failed, words(&fault)),
        Ok(_) => proof.say(
            "repeat",
            Mark::Failed,
            "a write on the old version was taken",
        ),
    }
}

fn words(fault: &SendFault) -> String {
    match fault {
        SendFault::RefusedForNow { code, detail, .. } => {
            format!("refused for now ({code}): {detail}")
        }
        SendFault::RefusedForGood { code, detail } => format!("refused ({code}): {detail}"),
        SendFault::TargetChanged { detail } => format!("the record changed: {detail}"),
        SendFault::NoUniqueTarget { detail } => format!("no single record: {detail}"),
        SendFault::Unclear { code, detail } => format!("no clear answer ({code}): {detail}"),
    }
}
