//! Fakes for the ports, for tests that run the engine in their own process: a model and sources
//! that answer what they are told, a destination that keeps a ledger, nothing else.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tuesday_domain::definition::{ModelSpec, SourceSpec, TriggerSpec};
use tuesday_domain::id::RunId;
use tuesday_domain::port::{
    Call, Compiled, Delivery, Destination, FaultKind, Feed, FeedItem, Intent, Look, Message, Model,
    ModelAnswer, ModelFault, ModelRequest, Notifier, Ports, ReadBack, Secrets, SendFault, Source,
    SourceFault, SourceRecord, Target,
};

use crate::Effect;

/// What the next call of a fake does.
#[derive(Clone, Debug)]
pub enum Said {
    /// Answers this text.
    Text(String),
    /// Answers this text and reports these tokens.
    Paid(String, tuesday_domain::record::Usage),
    /// Fails for now.
    Busy,
    /// Fails for good.
    Denied,
}

/// Everything the fakes know; clones share it.
#[derive(Clone, Debug)]
pub struct Fakes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    model: Mutex<VecDeque<Said>>,
    usual: String,
    calls: Mutex<u32>,
    gate: Semaphore,
    records: Mutex<HashMap<String, Value>>,
    unreachable: Mutex<Vec<String>>,
    target: Mutex<Option<String>>,
    effects: Mutex<Vec<Effect>>,
    losses: Mutex<u32>,
    down: Mutex<bool>,
    told: Mutex<Vec<Message>>,
    deaf: Mutex<bool>,
}

impl Fakes {
    /// A model that answers `usual` unless told otherwise, and sources without records.
    #[must_use]
    pub fn new(usual: &Value) -> Self {
        Self(Arc::new(Inner {
            model: Mutex::default(),
            usual: usual.to_string(),
            calls: Mutex::default(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            records: Mutex::default(),
            unreachable: Mutex::default(),
            target: Mutex::default(),
            effects: Mutex::default(),
            losses: Mutex::default(),
            down: Mutex::default(),
            told: Mutex::default(),
            deaf: Mutex::default(),
        }))
    }

    /// As ports of an engine.
    #[must_use]
    pub fn ports(&self) -> Ports {
        let one = Arc::new(self.clone());
        Ports {
            model: Arc::clone(&one) as _,
            source: Arc::clone(&one) as _,
            destination: Arc::clone(&one) as _,
            feed: Arc::clone(&one) as _,
            secrets: Arc::clone(&one) as _,
            notifier: one,
            mailbox: None,
        }
    }

    /// What the next model call that nothing was ordered for yet does.
    pub fn then(&self, said: Said) {
        self.0
            .model
            .lock()
            .expect("no panic inside")
            .push_back(said);
    }

    /// From now on model calls wait at a gate.
    pub fn close_gate(&self) {
        self.0.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Lets this many waiting calls through.
    pub fn open_gate(&self, calls: usize) {
        self.0.gate.add_permits(calls);
    }

    /// Model calls so far.
    #[must_use]
    pub fn calls(&self) -> u32 {
        *self.0.calls.lock().expect("no panic inside")
    }

    /// The record a source of this name has.
    pub fn record(&self, source: &str, record: Value) {
        self.0
            .records
            .lock()
            .expect("no panic inside")
            .insert(source.to_owned(), record);
    }

    /// The source has no such record any more.
    pub fn deleted(&self, source: &str) {
        self.0
            .records
            .lock()
            .expect("no panic inside")
            .remove(source);
    }

    /// Whether the source answers at all.
    pub fn reachable(&self, source: &str, answers: bool) {
        let mut silent = self.0.unreachable.lock().expect("no panic inside");
        silent.retain(|s| s != source);
        if !answers {
            silent.push(source.to_owned());
        }
    }

    /// The version the destination's record has.
    pub fn target_version(&self, version: &str) {
        *self.0.target.lock().expect("no panic inside") = Some(version.to_owned());
    }

    /// The next writes take place and their answers are lost.
    pub fn lose_answers(&self, writes: u32) {
        *self.0.losses.lock().expect("no panic inside") = writes;
    }

    /// Whether the model answers at all; what was ordered for a call comes first.
    pub fn model_is_up(&self, up: bool) {
        *self.0.down.lock().expect("no panic inside") = !up;
    }

    /// Whether any channel takes messages to people.
    pub fn channels_are_up(&self, up: bool) {
        *self.0.deaf.lock().expect("no panic inside") = !up;
    }

    /// What people were told, in order.
    #[must_use]
    pub fn told(&self) -> Vec<Message> {
        self.0.told.lock().expect("no panic inside").clone()
    }

    /// The effect is gone from the destination's ledger.
    pub fn forget_effect(&self, key: &str) {
        let mut effects = self.0.effects.lock().expect("no panic inside");
        effects.retain(|e| e.key != key);
    }

    /// The destination's ledger.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect> {
        self.0.effects.lock().expect("no panic inside").clone()
    }

    fn answer(&self, request: &ModelRequest) -> Result<ModelAnswer, ModelFault> {
        let said = self.0.model.lock().expect("no panic inside").pop_front();
        let fault = |kind, code| {
            Err(ModelFault {
                kind,
                code,
                detail: "as ordered".into(),
                usage: None,
                bytes_received: 0,
                request_hash: None,
            })
        };
        let (text, usage) = match said {
            Some(Said::Busy) => return fault(FaultKind::Transient(None), "overloaded"),
            Some(Said::Denied) => return fault(FaultKind::Permanent, "unauthorized"),
            Some(Said::Text(text)) => (text, None),
            Some(Said::Paid(text, usage)) => (text, Some(usage)),
            None if *self.0.down.lock().expect("no panic inside") => {
                return fault(FaultKind::Transient(None), "overloaded");
            }
            None => (self.0.usual.clone(), None),
        };
        Ok(ModelAnswer {
            bytes_received: text.len() as u64,
            text,
            refusal: false,
            incomplete: None,
            model_reported: Some(request.spec.pin.clone()),
            usage,
            confidence: None,
            extra: None,
            request_hash: [7; 32],
            provider_id: None,
        })
    }
}

impl Model for Fakes {
    fn generate<'a>(
        &'a self,
        request: &'a ModelRequest,
    ) -> Call<'a, Result<ModelAnswer, ModelFault>> {
        Box::pin(async move {
            *self.0.calls.lock().expect("no panic inside") += 1;
            let pass = self.0.gate.acquire().await.expect("never closed for good");
            pass.forget();
            self.answer(request)
        })
    }

    fn compile(
        &self,
        spec: &ModelSpec,
        files: &BTreeMap<String, String>,
    ) -> Result<Option<Compiled>, String> {
        // "Trained" to a copy of its examples: the same files give the same bytes.
        let text = spec.examples.as_ref().and_then(|file| files.get(file));
        Ok(text.map(|text| Compiled {
            artifact: text.clone().into_bytes(),
            report: Value::Null,
        }))
    }
}

impl Source for Fakes {
    fn read<'a>(
        &'a self,
        spec: &'a SourceSpec,
        _: &'a Value,
        _: RunId,
        _: Duration,
    ) -> Call<'a, Result<SourceRecord, SourceFault>> {
        let found = self
            .0
            .records
            .lock()
            .expect("no panic inside")
            .get(&spec.name)
            .cloned();
        let silent = self.0.unreachable.lock().expect("no panic inside");
        let silent = silent.contains(&spec.name);
        Box::pin(std::future::ready(match found {
            _ if silent => Err(SourceFault::Transient {
                code: "connect",
                detail: "no answer".into(),
                retry_after: None,
            }),
            Some(Value::Object(record)) => Ok(SourceRecord {
                bytes: serde_json::to_vec(&record).expect("plain JSON"),
                record,
                location: format!("fake:{}", spec.name),
            }),
            _ => Err(SourceFault::NotFound {
                detail: format!("{} has no such record", spec.system),
            }),
        }))
    }
}

fn delivery(repeated: bool) -> Delivery {
    Delivery {
        external_id: Some("1".into()),
        version_before: None,
        version_after: None,
        before: None,
        after: None,
        status: "200".into(),
        answer: String::new(),
        repeated,
    }
}

impl Destination for Fakes {
    fn send<'a>(&'a self, intent: &'a Intent) -> Call<'a, Result<Delivery, SendFault>> {
        let mut effects = self.0.effects.lock().expect("no panic inside");
        let known = effects.iter().any(|e| e.key == intent.key && e.applied);
        effects.push(Effect {
            key: intent.key.clone(),
            applied: !known,
        });
        drop(effects);
        let mut losses = self.0.losses.lock().expect("no panic inside");
        let lost = *losses > 0;
        *losses = losses.saturating_sub(1);
        let lost_answer = SendFault::Unclear {
            code: "cut",
            detail: "the answer was lost".into(),
        };
        Box::pin(std::future::ready(if lost {
            Err(lost_answer)
        } else {
            Ok(delivery(known))
        }))
    }

    fn look<'a>(&'a self, intent: &'a Intent) -> Call<'a, Look> {
        let found = self
            .effects()
            .iter()
            .any(|e| e.key == intent.key && e.applied);
        Box::pin(std::future::ready(if found {
            Look::Found(delivery(true))
        } else {
            Look::Absent
        }))
    }

    fn read_back<'a>(&'a self, _: &'a Intent, _: &'a Delivery) -> Call<'a, ReadBack> {
        Box::pin(std::future::ready(ReadBack::NotOffered))
    }

    fn target<'a>(&'a self, _: &'a Intent) -> Call<'a, Result<Target, SendFault>> {
        let version = self.0.target.lock().expect("no panic inside").clone();
        Box::pin(std::future::ready(Ok(Target {
            version,
            values: Some(Value::Object(Map::new())),
        })))
    }
}

impl Feed for Fakes {
    fn poll<'a>(
        &'a self,
        _: &'a str,
        _: &'a TriggerSpec,
        _: usize,
    ) -> Call<'a, Result<Vec<FeedItem>, String>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn taken<'a>(
        &'a self,
        _: &'a TriggerSpec,
        _: &'a FeedItem,
        _: &'a str,
    ) -> Call<'a, Result<(), String>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Secrets for Fakes {
    fn resolve(&self, reference: &str) -> Result<Vec<u8>, String> {
        Err(format!("{reference} is not set"))
    }
}

impl Notifier for Fakes {
    fn notify<'a>(&'a self, message: &'a Message) -> Call<'a, Result<String, String>> {
        let deaf = *self.0.deaf.lock().expect("no panic inside");
        if !deaf {
            let mut told = self.0.told.lock().expect("no panic inside");
            told.push(message.clone());
        }
        Box::pin(std::future::ready(if deaf {
            Err("fake failed: nobody listens".to_owned())
        } else {
            Ok("fake".to_owned())
        }))
    }
}
