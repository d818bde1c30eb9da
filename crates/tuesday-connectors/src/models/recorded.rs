//! Answers on record: what a model answered is kept under the hash of the exact request, and given again
//! to the very same request without asking anybody. What was never recorded is a fault, not an answer.
//!
//! Not relied on: that answers are asked for in the order they were given. A request that was asked
//! several times has several answers, and each of them is given once.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::Write as _;
use std::path::Path;
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

enum Side {
    Recording(Mutex<std::io::BufWriter<std::fs::File>>),
    Given(Mutex<HashMap<String, VecDeque<Answer>>>),
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

impl Recorded {
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
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let mut lines = text.lines();
        let head: Value = lines
            .next()
            .and_then(|l| serde_json::from_str(l).ok())
            .unwrap_or_default();
        if head["format"] != FORMAT {
            return Err(format!("{}: no file of recorded answers", path.display()));
        }
        let mut all: HashMap<String, VecDeque<Answer>> = HashMap::new();
        for (line, number) in lines.zip(2_u64..) {
            let answer: Answer = serde_json::from_str(line)
                .map_err(|e| format!("{}, line {number}: {e}", path.display()))?;
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

fn keep(
    file: &Mutex<std::io::BufWriter<std::fs::File>>,
    key: String,
    answer: &ModelAnswer,
) -> Result<(), ModelFault> {
    let line = Answer {
        key,
        text: answer.text.clone(),
        refusal: answer.refusal,
        incomplete: answer.incomplete.clone(),
        model_reported: answer.model_reported.clone(),
        usage: answer.usage,
        confidence: answer.confidence,
        extra: answer.extra.clone(),
    };
    let line = serde_json::to_string(&line).unwrap_or_default();
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(file, "{line}")
        .and_then(|()| file.flush())
        .map_err(|e| fault("not_recorded", format!("the answer could not be kept: {e}")))
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
    let mut request_hash = [0_u8; 32];
    // The key is the hash of what was asked; what was sent is not known any more.
    if let Ok(bytes) = hex::decode(key) {
        request_hash.copy_from_slice(&bytes);
    }
    Ok(ModelAnswer {
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
    })
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
