//! Output fields computed from the facts, for the built-in models.
//!
//! A text with `{{` or `{%` is a template and gives text; anything else is an expression and keeps its type.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value};
use tuesday_domain::facts::{Ctx, Expr, Text};

/// Compiled entries are forgotten together beyond this many; a node runs a few dozen.
const MOST: usize = 1024;

/// A compiled entry.
enum Filler {
    Expr(Expr),
    Text(Text),
}

impl Filler {
    fn parse(source: &str) -> Result<Self, String> {
        if source.contains("{{") || source.contains("{%") {
            Text::parse(source).map(Self::Text)
        } else {
            Expr::parse(source).map(Self::Expr)
        }
    }
    fn value(&self, facts: &Ctx) -> Result<Value, String> {
        match self {
            Self::Expr(expr) => expr.eval(facts),
            Self::Text(text) => text.render(facts).map(Value::String),
        }
    }
}

/// Compiled entries by their source text.
#[derive(Default)]
pub(super) struct Fillers {
    known: RwLock<HashMap<String, Arc<Filler>>>,
}

impl Fillers {
    /// Adds the value of each entry to `output`.
    ///
    /// # Errors
    /// Names the field whose entry is wrong.
    pub(super) fn fill(
        &self,
        entries: &BTreeMap<String, String>,
        facts: &Value,
        output: &mut Map<String, Value>,
    ) -> Result<(), String> {
        if entries.is_empty() {
            return Ok(());
        }
        let facts = Ctx::new(facts);
        for (field, source) in entries {
            let value = self
                .get(source)
                .and_then(|filler| filler.value(&facts))
                .map_err(|e| format!("fill.{field}: {e}"))?;
            output.insert(field.clone(), value);
        }
        Ok(())
    }

    fn get(&self, source: &str) -> Result<Arc<Filler>, String> {
        if let Some(known) = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(source)
        {
            return Ok(Arc::clone(known));
        }
        let filler = Arc::new(Filler::parse(source)?);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(source.to_owned(), Arc::clone(&filler));
        Ok(filler)
    }
}

/// Checks that every entry compiles.
///
/// # Errors
/// Names the first field whose entry does not.
pub(super) fn check(entries: &BTreeMap<String, String>) -> Result<(), String> {
    entries.iter().try_for_each(|(field, source)| {
        Filler::parse(source)
            .map(drop)
            .map_err(|e| format!("model.fill.{field}: {e}"))
    })
}
