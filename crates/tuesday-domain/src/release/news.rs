//! What people who decide must have read of a release before their next decision: that the words the model is
//! told, or the model, are others than they know.

use serde::{Deserialize, Serialize};

use super::layers::{Texts, changed};
use crate::definition::texts::{TextUse, without_versions};
use crate::ready::Ready;
use crate::trouble::incident::FixLayer;

/// A release that changed what people judge, as it is kept beside the workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseNews {
    /// Its number.
    pub number: u32,
    /// The number of the release before it.
    pub before: u32,
    /// What is different, in words.
    pub words: String,
    /// Why it was agreed to.
    pub reason: String,
    /// Handles of those who need not read it: they made it, agreed to it, or put it live.
    pub known_to: Vec<String>,
}

/// What two releases tell the model differently, or which model they ask, in words. Empty when only the
/// rules, the sources or what no run depends on differ: rules have their own word for that.
#[must_use]
pub fn told_differently(old: (Texts<'_>, &Ready), new: (Texts<'_>, &Ready)) -> Vec<String> {
    let layers = changed(old.0, new.0);
    let mut words: Vec<String> = texts_changed(&old.1.texts, &new.1.texts);
    if layers.contains(&FixLayer::Prompt) {
        let prompt = |(texts, ready): (Texts<'_>, &Ready)| {
            let text = texts.package.text(&ready.def.model.prompt);
            text.map(without_versions)
        };
        if prompt(old) != prompt(new) {
            words.push("prompt".to_owned());
        } else if words.is_empty() {
            words.push("what the model is told about its output".to_owned());
        }
    }
    let (was, is) = (&old.1.model.pin, &new.1.model.pin);
    if was != is {
        words.push(format!("model {was} → {is}"));
    } else if layers.contains(&FixLayer::Model) {
        words.push("how the model is asked".to_owned());
    }
    words
}

/// `style text brand-voice v3→v4`, one for each text that differs.
#[must_use]
pub fn texts_changed(old: &[TextUse], new: &[TextUse]) -> Vec<String> {
    let version =
        |all: &[TextUse], name: &str| all.iter().find(|t| t.name == name).map(|t| t.version);
    let mut names: Vec<&str> = old.iter().chain(new).map(|t| t.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let words = names.into_iter().filter_map(|name| {
        let words = match (version(old, name), version(new, name)) {
            (Some(was), Some(is)) if was == is => return None,
            (Some(was), Some(is)) => format!("v{was}→v{is}"),
            (None, Some(is)) => format!("v{is} is new"),
            (Some(was), None) => format!("v{was} is gone"),
            (None, None) => return None,
        };
        Some(format!("style text {name} {words}"))
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_compared_by_name_and_version() {
        let text = |name: &str, version| TextUse {
            name: name.to_owned(),
            version,
        };
        let old = [text("brand-voice", 3), text("returns", 1), text("tone", 2)];
        let new = [text("tone", 2), text("brand-voice", 4), text("safety", 1)];
        assert_eq!(
            texts_changed(&old, &new),
            [
                "style text brand-voice v3→v4",
                "style text returns v1 is gone",
                "style text safety v1 is new"
            ]
        );
        assert!(texts_changed(&old, &old).is_empty());
    }
}
