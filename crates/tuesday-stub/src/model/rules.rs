//! Which answer a model gives: ordered by a rule, else an example of the schema that was asked for.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::dialect::Question;
use super::{TokenCounts, echo};
use crate::fault::StubError;

/// What a model answers to calls that match `provider` and `contains`.
///
/// Rules with `times` go first, in the order they were given; then the newest of the others.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelRule {
    /// `openai`, `anthropic`, `http` or the name in the path. Any when absent.
    pub provider: Option<String>,
    /// Text that the prompt must hold. Any when absent.
    pub contains: Option<String>,
    /// How many calls; without end when absent.
    pub times: Option<u64>,
    /// The output, given as JSON.
    pub answer: Option<Value>,
    /// The output, given as text that need not be JSON.
    pub text: Option<String>,
    /// The words of a refusal.
    pub refusal: Option<String>,
    /// Reason to stop instead of the ordinary one, such as `length` or `max_tokens`.
    pub finish: Option<String>,
    /// Confidence between 0 and 1, given where the dialect has a place for it.
    pub confidence: Option<f64>,
    /// Tokens; a quarter of the characters when absent.
    pub usage: Option<TokenCounts>,
    /// Name of the model in the answer; the one asked for when absent.
    pub model: Option<String>,
    /// Milliseconds before the answer.
    pub delay_ms: u64,
}

/// What the model says.
pub(super) struct Said {
    pub(super) text: String,
    pub(super) is_refusal: bool,
    pub(super) finish: Option<String>,
    pub(super) confidence: Option<f64>,
    pub(super) model: Option<String>,
    pub(super) tokens: TokenCounts,
    pub(super) delay: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Rules(Mutex<Vec<ModelRule>>);

impl Rules {
    pub(super) fn add(&self, rule: ModelRule) -> Result<(), StubError> {
        let kinds = [
            rule.answer.is_some(),
            rule.text.is_some(),
            rule.refusal.is_some(),
        ];
        if kinds.iter().filter(|given| **given).count() > 1 {
            return Err(StubError::Script(
                "give one of `answer`, `text` and `refusal`".to_owned(),
            ));
        }
        if rule.times == Some(0) {
            return Err(StubError::Script("`times` must be at least 1".to_owned()));
        }
        if rule.confidence.is_some_and(|c| !(0.0..=1.0).contains(&c)) {
            return Err(StubError::Script("`confidence` is from 0 to 1".to_owned()));
        }
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(rule);
        Ok(())
    }

    pub(super) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    pub(super) fn answer(&self, provider: &str, question: &Question) -> Said {
        let rule = self.take(provider, &question.prompt).unwrap_or_default();
        let (text, is_refusal) = match (rule.refusal, rule.text, rule.answer) {
            (Some(words), _, _) => (words, true),
            (_, Some(text), _) => (text, false),
            (_, _, Some(answer)) => (answer.to_string(), false),
            (None, None, None) => (echo::example(&question.schema).to_string(), false),
        };
        let tokens = rule.usage.unwrap_or_else(|| TokenCounts {
            input_tokens: (question.prompt.len() as u64).div_ceil(4),
            output_tokens: (text.len() as u64).div_ceil(4),
        });
        Said {
            text,
            is_refusal,
            finish: rule.finish,
            confidence: rule.confidence,
            model: rule.model,
            tokens,
            delay: Duration::from_millis(rule.delay_ms),
        }
    }

    fn take(&self, provider: &str, prompt: &str) -> Option<ModelRule> {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let matches = |rule: &ModelRule| {
            rule.provider
                .as_deref()
                .is_none_or(|wanted| wanted == provider)
                && rule
                    .contains
                    .as_deref()
                    .is_none_or(|text| prompt.contains(text))
        };
        let counted = rules
            .iter()
            .position(|rule| rule.times.is_some() && matches(rule));
        let Some(at) = counted else {
            return rules
                .iter()
                .rev()
                .find(|rule| rule.times.is_none() && matches(rule))
                .cloned();
        };
        let left = rules[at].times.unwrap_or(1);
        if left <= 1 {
            return Some(rules.remove(at));
        }
        rules[at].times = Some(left - 1);
        Some(rules[at].clone())
    }
}
