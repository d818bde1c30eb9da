//! One run as pages keep it that are read without a server: its story, and every stored content as text.

use std::sync::Arc;

use serde_json::Value;
use tuesday_domain::actor::Class;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Payload, Run};
use tuesday_domain::story::Story;
use tuesday_domain::veil::Veil;

use crate::engine::{Engine, read_problem};

/// Characters of one content that are kept; the rest is in the export and is said to be there.
const MOST: usize = 20_000;

/// A run as it is kept.
#[derive(Clone, Debug)]
pub struct KeptRun {
    /// Its story.
    pub story: Story,
    /// What it read, said and sent, in the order it was stored.
    pub contents: Vec<KeptContent>,
}

/// One stored content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptContent {
    /// What it is.
    pub kind: String,
    /// Its number within the run.
    pub n: u32,
    /// Its sensitivity class.
    pub class: &'static str,
    /// The content, or in words why it is not shown.
    pub text: String,
    /// Characters that were left out.
    pub left_out: usize,
}

impl Engine {
    /// A run as far as a clearance shows it. What was erased says so in its place.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn kept_run(&self, run: &Run, clearance: Class) -> Result<KeptRun, Problem> {
        let story = Box::pin(self.story_up_to(run.id, clearance)).await?;
        let payloads = self.0.reader.payloads(run.id).await.map_err(read_problem)?;
        let ready = self.loaded(run.release).await.ok();
        let veil = Veil::new(clearance, ready.map(|r| Arc::clone(&r.ready)));
        let contents = payloads.iter().map(|p| content(p, &story, &veil)).collect();
        Ok(KeptRun { story, contents })
    }
}

fn content(p: &Payload, story: &Story, veil: &Veil) -> KeptContent {
    let name = format!("{}/{}", p.kind, p.n);
    let integrity = &story.integrity;
    let broken = |d: &&String| d.split(' ').next() == Some(&name);
    let whole = if let Some(gone) = integrity.erased.iter().find(|e| e.n == p.n) {
        gone.words.clone()
    } else if integrity.damaged.iter().any(|d| broken(&d)) {
        "damaged: the stored bytes are not what the audit log committed to".to_owned()
    } else {
        shown(p, veil)
    };
    let text: String = whole.chars().take(MOST).collect();
    let left_out = whole.chars().count() - text.chars().count();
    KeptContent {
        kind: p.kind.to_string(),
        n: p.n,
        class: p.class.word(),
        text,
        left_out,
    }
}

/// JSON is indented, a text stays as it is.
fn shown(p: &Payload, veil: &Veil) -> String {
    let value = serde_json::from_slice(&p.bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&p.bytes).into_owned()));
    match veil.payload(p.kind, p.class, &value) {
        Value::String(text) => text,
        value => serde_json::to_string_pretty(&value).unwrap_or_default(),
    }
}
