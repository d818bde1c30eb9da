//! Answers on record: what a model answered is kept under the hash of the exact request, and given again
//! to the very same request without asking anybody. What was never recorded is a fault, not an answer. Or, as a
//! cache: it is asked for once, where the settings leave nothing to chance.
//!
//! Not relied on: that answers are asked for in the order they were given. A request that was asked
//! several times has several recorded answers, and each of them is given once.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tuesday_domain::definition::ModelSpec;
use tuesday_domain::port::{
    Call, Compiled, FaultKind, Model, ModelAnswer, ModelFault, ModelRequest,
};
use tuesday_domain::record::Usage;

/// First line of a file of answers.
const FORMAT: &str = "tuesday-answers/1";

/// One answer, a line of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// Hash of the request.
    key: String,
    text: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    refusal: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    incomplete: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model_reported: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extra: Option<Value>,
}

type File = Mutex<std::io::BufWriter<std::fs::File>>;

enum Side {
    Recording(File),
    Given(Mutex<HashMap<String, VecDeque<Answer>>>),
    /// Answers in memory, the file they also stand in, and how many were given from there.
    Cached(Mutex<HashMap<String, Answer>>, File, AtomicU64),
}

/// A model whose answers are recorded, or that answers from a record. Models that are built in are asked
/// as ever: they need nobody.
pub struct Recorded {
    inner: Arc<dyn Model>,
    side: Side,
}

impl std::fmt::Debug for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorded").finish_non_exhaustive()
    }
}

/// What identifies a request: everything that the model is told and how it is set, and nothing of where
/// it is reached, what it costs, or which run asks.
fn key(request: &ModelRequest) -> String {
    let mut spec = serde_json::to_value(&*request.spec).unwrap_or_default();
    if let Value::Object(fields) = &mut spec {
        for name in ["url", "auth", "price", "provider", "examples"] {
            fields.remove(name);
        }
    }
    let whole = json!({
        "spec": spec, "system": request.system, "prompt": request.prompt, "repair": request.repair,
        "schema": &*request.output_schema, "facts": &*request.facts,
    });
    hex::encode(Sha256::digest(whole.to_string().as_bytes()))
}

/// The lines of a file of answers.
fn read(path: &Path) -> Result<Vec<Answer>, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut lines = text.lines();
    let head: Value = lines
        .next()
        .and_then(|l| serde_json::from_str(l).ok())
        .unwrap_or_default();
    if head["format"] != FORMAT {
        return Err(format!("{}: no file of recorded answers", path.display()));
    }
    let parsed = |(line, number): (&str, u64)| {
        serde_json::from_str(line).map_err(|e| format!("{}, line {number}: {e}", path.display()))
    };
    lines.zip(2..).map(parsed).collect()
}

impl Recorded {
    /// Asks `inner` once for each request whose settings leave nothing to chance (a temperature of 0), and
    /// answers the same request from then on from memory and from the file. Everything else is asked.
    ///
    /// # Errors
    /// In words, with the line: a file that is not one, a line that cannot be read.
    pub fn cached(inner: Arc<dyn Model>, path: &Path) -> Result<Self, String> {
        let failed = |e: std::io::Error| format!("{}: {e}", path.display());
        let known = if path.exists() {
            read(path)?
        } else {
            Vec::new()
        };
        let all: HashMap<String, Answer> = known.into_iter().map(|a| (a.key.clone(), a)).collect();
        let new = !path.exists();
        let mut open = std::fs::OpenOptions::new();
        let file = open.create(true).append(true).open(path).map_err(failed)?;
        let mut file = std::io::BufWriter::new(file);
        if new {
            writeln!(file, "{}", json!({"format": FORMAT})).map_err(failed)?;
            file.flush().map_err(failed)?;
        }
        let side = Side::Cached(Mutex::new(all), Mutex::new(file), AtomicU64::new(0));
        Ok(Self { inner, side })
    }

    /// How many answers were not asked for, because the cache had them.
    #[must_use]
    pub fn from_cache(&self) -> u64 {
        match &self.side {
            Side::Cached(_, _, hits) => hits.load(Ordering::Relaxed),
            Side::Recording(_) | Side::Given(_) => 0,
        }
    }

    /// Asks `inner`, and keeps each answer in a new file.
    ///
    /// # Errors
    /// In words.
    pub fn recording(inner: Arc<dyn Model>, path: &Path) -> Result<Self, String> {
        let failed = |e: std::io::Error| format!("{}: {e}", path.display());
        let mut file = std::io::BufWriter::new(std::fs::File::create(path).map_err(failed)?);
        writeln!(file, "{}", json!({"format": FORMAT})).map_err(failed)?;
        file.flush().map_err(failed)?;
        let side = Side::Recording(Mutex::new(file));
        Ok(Self { inner, side })
    }

    /// Answers from a file, and asks nobody.
    ///
    /// # Errors
    /// In words, with the line: a file that is not one, a line that cannot be read.
    pub fn given(inner: Arc<dyn Model>, path: &Path) -> Result<Self, String> {
        let mut all: HashMap<String, VecDeque<Answer>> = HashMap::new();
        for answer in read(path)? {
            all.entry(answer.key.clone()).or_default().push_back(answer);
        }
        let side = Side::Given(Mutex::new(all));
        Ok(Self { inner, side })
    }
}

fn fault(code: &'static str, detail: String) -> ModelFault {
    ModelFault {
        kind: FaultKind::Permanent,
        code,
        detail,
        usage: None,
        bytes_received: 0,
        request_hash: None,
    }
}

fn keep(file: &File, key: String, answer: &ModelAnswer) -> Result<Answer, ModelFault> {
    let kept = Answer {
        key,
        text: answer.text.clone(),
        refusal: answer.refusal,
        incomplete: answer.incomplete.clone(),
        model_reported: answer.model_reported.clone(),
        usage: answer.usage,
        confidence: answer.confidence,
        extra: answer.extra.clone(),
    };
    let line = serde_json::to_string(&kept).unwrap_or_default();
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(file, "{line}")
        .and_then(|()| file.flush())
        .map_err(|e| fault("not_recorded", format!("the answer could not be kept: {e}")))?;
    Ok(kept)
}

fn take(
    all: &Mutex<HashMap<String, VecDeque<Answer>>>,
    key: &str,
) -> Result<ModelAnswer, ModelFault> {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = all.get_mut(key).and_then(VecDeque::pop_front);
    let answer = answer.ok_or_else(|| {
        let words = "there is no recorded answer to this request: the prompt, the model or the case is another one, \
            or it was asked less often; record again";
        fault("not_recorded", words.to_owned())
    })?;
    Ok(again(answer))
}

/// A kept answer as one that was given.
fn again(answer: Answer) -> ModelAnswer {
    let mut request_hash = [0_u8; 32];
    // The key is the hash of what was asked; what was sent is not known any more.
    if let Ok(bytes) = <[u8; 32]>::try_from(hex::decode(&answer.key).unwrap_or_default()) {
        request_hash = bytes;
    }
    ModelAnswer {
        bytes_received: answer.text.len() as u64,
        text: answer.text,
        refusal: answer.refusal,
        incomplete: answer.incomplete,
        model_reported: answer.model_reported,
        usage: answer.usage,
        confidence: answer.confidence,
        extra: answer.extra,
        request_hash,
        provider_id: None,
    }
}

impl Model for Recorded {
    fn generate<'a>(
        &'a self,
        request: &'a ModelRequest,
    ) -> Call<'a, Result<ModelAnswer, ModelFault>> {
        Box::pin(async move {
            if request.spec.kind.is_built_in() {
                return self.inner.generate(request).await;
            }
            match &self.side {
                Side::Given(all) => take(all, &key(request)),
                Side::Recording(file) => {
                    let answer = self.inner.generate(request).await?;
                    keep(file, key(request), &answer)?;
                    Ok(answer)
                }
                // What is left to chance is asked each time.
                Side::Cached(..) if request.spec.temperature_milli != Some(0) => {
                    self.inner.generate(request).await
                }
                Side::Cached(all, file, hits) => {
                    let key = key(request);
                    let known = all
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .get(&key)
                        .cloned();
                    if let Some(known) = known {
                        hits.fetch_add(1, Ordering::Relaxed);
                        return Ok(again(known));
                    }
                    let answer = self.inner.generate(request).await?;
                    let kept = keep(file, key.clone(), &answer)?;
                    all.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(key, kept);
                    Ok(answer)
                }
            }
        })
    }

    fn compile(
        &self,
        spec: &ModelSpec,
        files: &BTreeMap<String, String>,
    ) -> Result<Option<Compiled>, String> {
        self.inner.compile(spec, files)
    }
}
