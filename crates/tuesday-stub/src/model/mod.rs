//! Stand-ins for models in three dialects. They count calls, tokens and how many run at once.

mod dialect;
mod echo;
mod rules;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::Method;
use serde::{Deserialize, Serialize};

pub(crate) use dialect::Dialect;
pub use rules::ModelRule;

use crate::clock;
use crate::fault::StubError;
use crate::http::{Call, Outcome, Reply};
use crate::ledger::Entry;
use crate::script::Script;
use crate::world::World;
use rules::Rules;

/// Tokens of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenCounts {
    /// Tokens in.
    pub input_tokens: u64,
    /// Tokens out.
    pub output_tokens: u64,
}

/// What a provider has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderCounts {
    /// Calls begun.
    pub calls: u64,
    /// Calls not answered yet.
    pub in_flight: u64,
    /// Most calls at one time.
    pub in_flight_max: u64,
    /// Tokens in, over all calls that the model answered.
    pub input_tokens: u64,
    /// Tokens out.
    pub output_tokens: u64,
}

/// All models of a world.
#[derive(Debug, Default)]
pub(crate) struct Models {
    rules: Rules,
    providers: Mutex<HashMap<String, Arc<Provider>>>,
    runs: Mutex<BTreeMap<String, u64>>,
}

#[derive(Debug, Default)]
struct Provider {
    calls: AtomicU64,
    in_flight: AtomicU64,
    in_flight_max: AtomicU64,
    input_tokens: AtomicU64,
    output_tokens: AtomicU64,
}

/// Counts a call as running for as long as it lives, also when the caller hangs up.
struct InFlight<'a>(&'a Provider);

impl<'a> InFlight<'a> {
    fn begin(provider: &'a Provider) -> Self {
        let now = provider.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        provider.in_flight_max.fetch_max(now, Ordering::Relaxed);
        Self(provider)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Models {
    pub(crate) fn add(&self, rule: ModelRule) -> Result<(), StubError> {
        self.rules.add(rule)
    }

    pub(crate) fn clear(&self) {
        self.rules.clear();
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, ProviderCounts> {
        let providers = self
            .providers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = |p: &Provider| ProviderCounts {
            calls: read(&p.calls),
            in_flight: read(&p.in_flight),
            in_flight_max: read(&p.in_flight_max),
            input_tokens: read(&p.input_tokens),
            output_tokens: read(&p.output_tokens),
        };
        providers
            .iter()
            .map(|(name, provider)| (name.clone(), counts(provider)))
            .collect()
    }

    /// Calls by run.
    pub(crate) fn runs(&self) -> BTreeMap<String, u64> {
        self.runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn clear_counts(&self) {
        self.providers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn provider(&self, name: &str) -> Arc<Provider> {
        let mut providers = self
            .providers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match providers.get(name) {
            Some(provider) => Arc::clone(provider),
            None => Arc::clone(providers.entry(name.to_owned()).or_default()),
        }
    }

    fn count_run(&self, run: &str) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        *runs.entry(run.to_owned()).or_default() += 1;
    }
}

/// Answers one model call.
pub(crate) async fn answer(world: &World, call: &Call, dialect: Dialect, name: &str) -> Outcome {
    if call.method != Method::POST {
        return Outcome::Reply(Reply::problem(
            405,
            "method_not_allowed",
            "a model takes POST",
        ));
    }
    let script = world.scripts().take("model", &call.path, "POST");
    let script = script.as_deref();
    let provider = world.models().provider(name);
    provider.calls.fetch_add(1, Ordering::Relaxed);
    let running = InFlight::begin(&provider);
    let (reply, delay) = match script {
        Some(script) if !script.applies() => (script.refusal(), script.delay()),
        _ => {
            let (reply, delay) = words(world, call, dialect, name, &provider);
            match script {
                Some(script) => (script.alter(reply), delay + script.delay()),
                None => (reply, delay),
            }
        }
    };
    let is_silent = script.is_some_and(Script::is_silent);
    let entered = enter(world, call, name, reply.status, !is_silent);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    drop(running);
    match entered {
        Err(error) => Outcome::Reply(Reply::problem(500, "ledger_unwritable", &error.to_string())),
        Ok(()) if is_silent => Outcome::Dropped,
        Ok(()) => Outcome::Reply(reply),
    }
}

fn words(
    world: &World,
    call: &Call,
    dialect: Dialect,
    name: &str,
    provider: &Provider,
) -> (Reply, Duration) {
    let question = match dialect.read(&call.body) {
        Ok(question) => question,
        Err(why) => return (Reply::problem(400, "bad_request", &why), Duration::ZERO),
    };
    let said = world.models().rules.answer(name, &question);
    provider
        .input_tokens
        .fetch_add(said.tokens.input_tokens, Ordering::Relaxed);
    provider
        .output_tokens
        .fetch_add(said.tokens.output_tokens, Ordering::Relaxed);
    let number = provider.calls.load(Ordering::Relaxed);
    (
        dialect.write(&question, &said, number, world.now().as_second()),
        said.delay,
    )
}

fn enter(
    world: &World,
    call: &Call,
    name: &str,
    status: u16,
    answered: bool,
) -> Result<(), StubError> {
    if world.is_lean() {
        return Ok(());
    }
    if let Some(run) = call.run() {
        world.models().count_run(run);
    }
    let entry = Entry {
        seq: world.next_seq(),
        at: clock::text(world.now()),
        system: "model".to_owned(),
        collection: name.to_owned(),
        record_id: None,
        method: "POST".to_owned(),
        idempotency_key: call.header("idempotency-key").map(str::to_owned),
        run: call.run().map(str::to_owned),
        status,
        applied: false,
        answered,
        replayed: false,
        body: call.body.clone(),
    };
    let system = world.system("model");
    let mut state = system.lock();
    world.enter(&mut state, entry)
}
