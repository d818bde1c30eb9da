//! Whether the name of a model is exact. A floating name is answered by another model one day, with nobody
//! having decided it.
//!
//! The criterion, as it stands in the reference of `workflow.toml`: a name floats when it is empty, when one of
//! its parts says so (`latest`, `default`, `auto`, `stable`, `current`, `newest`), when it is a `preview` or
//! `experimental` one without a date, and when it belongs to a family whose short names are known to be moved
//! on by their provider and has no date or revision. Built-in models are pinned by this program. Anything else
//! is taken at its word: nobody but its provider knows.

use super::{ModelKind, ModelSpec};

/// Words that mean "whatever is there then".
const MOVING: [&str; 7] = [
    "latest", "default", "auto", "stable", "current", "newest", "nightly",
];
/// Words of models that are replaced without notice unless they are dated.
const UNDATED: [&str; 4] = ["preview", "experimental", "exp", "beta"];

/// How a family writes the exact model.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dated {
    /// Four digits or more in one part: a date, or month and day.
    Four,
    /// Eight digits in one part: a whole date.
    Eight,
    /// Three digits at the end: a revision; or a date.
    Revision,
}

/// Families whose short names are aliases, with how an exact name looks.
const FAMILIES: [(&str, Dated); 17] = [
    ("gpt-", Dated::Four),
    ("chatgpt-", Dated::Four),
    ("o1", Dated::Four),
    ("o3", Dated::Four),
    ("o4", Dated::Four),
    ("claude-", Dated::Eight),
    ("gemini-", Dated::Revision),
    ("mistral-", Dated::Four),
    ("ministral-", Dated::Four),
    ("magistral-", Dated::Four),
    ("codestral", Dated::Four),
    ("pixtral-", Dated::Four),
    ("command-", Dated::Four),
    ("grok-", Dated::Four),
    ("qwen-", Dated::Four),
    ("deepseek-chat", Dated::Four),
    ("deepseek-reasoner", Dated::Four),
];

/// Why the name floats; nothing when it is exact.
#[must_use]
pub fn floating(model: &ModelSpec) -> Option<String> {
    if matches!(model.kind, ModelKind::Classifier | ModelKind::Template) {
        return model
            .pin
            .trim()
            .is_empty()
            .then(|| "it is empty".to_owned());
    }
    let pin = model.pin.trim().to_ascii_lowercase();
    if pin.is_empty() {
        return Some("it is empty".to_owned());
    }
    // A gateway writes `vendor/name`.
    let name = pin.rsplit('/').next().unwrap_or(&pin);
    let parts: Vec<&str> = name.split(['-', '_', ':', '@', '.']).collect();
    if let Some(word) = parts.iter().find(|p| MOVING.contains(p)) {
        return Some(format!("`{word}` is whatever its provider has then"));
    }
    let digits = |n: usize| {
        let all = |p: &&str| p.len() >= n && p.bytes().all(|b| b.is_ascii_digit());
        parts.iter().any(all)
    };
    if let Some(word) = parts.iter().find(|p| UNDATED.contains(p))
        && !digits(4)
    {
        return Some(format!(
            "a `{word}` model without a date is replaced without notice"
        ));
    }
    let family = FAMILIES.iter().find(|(f, _)| name.starts_with(f))?;
    let (exact, asked) = match family.1 {
        Dated::Four => (digits(4), "a date"),
        Dated::Eight => (digits(8), "a date of eight digits"),
        Dated::Revision => {
            let last = parts.last().copied().unwrap_or_default();
            let revision = last.len() == 3 && last.bytes().all(|b| b.is_ascii_digit());
            (revision || digits(4), "a revision such as -002, or a date")
        }
    };
    (!exact).then(|| format!("its provider moves this name on: an exact one has {asked}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str, pin: &str) -> bool {
        let spec = serde_json::json!({"kind": kind, "pin": pin});
        serde_json::from_value::<ModelSpec>(spec).is_ok_and(|m| floating(&m).is_some())
    }

    #[test]
    fn names_that_are_moved_on_float() {
        for pin in [
            "",
            "  ",
            "latest",
            "gpt-4o",
            "gpt-4o-mini",
            "GPT-4",
            "gpt-4-32k",
            "chatgpt-4o-latest",
            "o3-mini",
            "claude-sonnet-4-0",
            "claude-3-5-sonnet-latest",
            "anthropic/claude-opus-4-1",
            "gemini-1.5-pro",
            "gemini-2.5-flash-preview",
            "mistral-large-latest",
            "mistral-small",
            "llama3.1:latest",
            "house-model-preview",
            "house/stable",
        ] {
            assert!(of("openai", pin), "{pin}");
        }
    }

    #[test]
    fn exact_names_do_not() {
        for pin in [
            "gpt-4o-2024-08-06",
            "gpt-4-0613",
            "gpt-4-1106-preview",
            "o3-mini-2025-01-31",
            "claude-3-5-sonnet-20241022",
            "anthropic/claude-opus-4-1-20250805",
            "gemini-1.5-pro-002",
            "gemini-2.5-flash-preview-04-17-2025",
            "mistral-large-2407",
            "command-r-08-2024",
            "llama3.1:8b-instruct-q4_0",
            "stub-1",
            "house-model-7",
        ] {
            assert!(!of("openai", pin), "{pin}");
        }
        assert!(!of("template", "template-1"));
        assert!(!of("classifier", "classifier-1"));
    }
}
