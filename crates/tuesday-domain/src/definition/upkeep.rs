//! Who keeps the templates of a workflow when a policy changes, and which policies templates and rules embody.
//! Without it nobody knows what to look at when a policy is another one, and nobody has to.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::texts::TextUse;
use super::{Definition, ModelKind, Package};
use crate::words::words;

/// `[prompt]`, `[text.NAME]` and `[rule.ID]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpkeepSpec {
    /// Handle of the person who updates it. A text without one is kept by the owner of the prompt, a rule by
    /// the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Names of the policies it embodies.
    pub policies: Vec<String>,
}

impl UpkeepSpec {
    /// Nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

words! {
    /// What is kept.
    KeptKind {
        /// The prompt, or the fields that a built-in model fills.
        Prompt = "prompt",
        /// A versioned text.
        Text = "text",
        /// A row of the decision table.
        Rule = "rule",
    }
}

/// Something that may have to change when a policy does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What it is.
    pub kind: KeptKind,
    /// File of the prompt, name of the text, id of the rule.
    pub name: String,
    /// Handle of the person who keeps it; absent when nobody is named.
    pub owner: Option<String>,
    /// Policies it embodies.
    pub policies: Vec<String>,
}

impl Kept {
    /// In words: `prompt prompt.md`, `text brand-voice`, `rule r3`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }

    /// It is a part of what a release tells the model.
    #[must_use]
    pub const fn is_template(&self) -> bool {
        matches!(self.kind, KeptKind::Prompt | KeptKind::Text)
    }
}

/// Everything in a release that may have to follow a policy: its template, the texts that this includes, and the
/// rules that cite one. A built-in classifier without a prompt has no template.
#[must_use]
pub fn kept(def: &Definition, package: &Package, texts: &[TextUse]) -> Vec<Kept> {
    let mut out = Vec::new();
    let written = package.text(&def.model.prompt).is_some();
    if written || def.model.kind == ModelKind::Template {
        out.push(Kept {
            kind: KeptKind::Prompt,
            name: if written {
                def.model.prompt.clone()
            } else {
                "model.fill".to_owned()
            },
            owner: def.prompt.owner.clone(),
            policies: def.prompt.policies.clone(),
        });
    }
    let names: BTreeSet<&str> = texts.iter().map(|t| t.name.as_str()).collect();
    for name in names {
        let said = def.text.get(name);
        let owner = said.and_then(|s| s.owner.clone());
        out.push(Kept {
            kind: KeptKind::Text,
            name: name.to_owned(),
            owner: owner.or_else(|| def.prompt.owner.clone()),
            policies: said.map(|s| s.policies.clone()).unwrap_or_default(),
        });
    }
    for (id, said) in &def.rule {
        let operator = || def.owners.operator.handle.clone();
        out.push(Kept {
            kind: KeptKind::Rule,
            name: id.clone(),
            owner: Some(said.owner.clone().unwrap_or_else(operator)),
            policies: said.policies.clone(),
        });
    }
    out
}

/// Whether a text can be the name of a policy: small letters, digits, dots, hyphens and underscores.
#[must_use]
pub fn is_policy_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
    (1..=80).contains(&text.len()) && text.chars().all(plain)
}
