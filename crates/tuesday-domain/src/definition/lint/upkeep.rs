//! Templates have somebody who keeps them, and what cites a policy is there.

use super::super::upkeep::{KeptKind, UpkeepSpec, is_policy_name, kept};
use super::super::{Definition, PackageFault};
use super::{Lint, TOML};
use crate::ready::Ready;
use crate::rules::RuleSet;
use crate::workflow::Label;

/// The code of a template that nobody keeps. It stops a gate, whatever the label.
pub const OWNERLESS: &str = "template_without_owner";

impl Lint<'_> {
    pub(super) fn upkeep(&mut self, def: &Definition, rules: Option<&RuleSet>) {
        self.upkept("[prompt]", &def.prompt, def);
        for (name, said) in &def.text {
            self.upkept(&format!("[text.{name}]"), said, def);
        }
        for (id, said) in &def.rule {
            let near = format!("[rule.{id}]");
            self.upkept(&near, said, def);
            if rules.is_some_and(|r| r.row(id).is_none()) {
                let message = format!("{near} names no row of rules.csv");
                self.add(&near, "unknown_rule", &message, "name a row by its id");
            }
        }
    }

    fn upkept(&mut self, near: &str, said: &UpkeepSpec, def: &Definition) {
        let people = def.owners.people();
        if let Some(owner) = &said.owner
            && !people.iter().any(|p| p.handle == *owner)
        {
            let message = format!("`{owner}`, who keeps {near}, is not among the [owners]");
            self.add(near, "unknown_person", &message, "add the person there");
        }
        for (i, policy) in said.policies.iter().enumerate() {
            if !is_policy_name(policy) {
                let message = format!("{near} cites `{policy}`, which is no name of a policy");
                let way_out = "small letters, digits, dots, hyphens, such as return-policy-3";
                self.add(near, "bad_policy", &message, way_out);
            }
            if said.policies[..i].contains(policy) {
                let message = format!("{near} cites `{policy}` twice");
                self.add(near, "bad_policy", &message, "cite it once");
            }
        }
    }

    /// Each template and text has an owner; a section about a text names one that the prompt includes.
    pub(super) fn owners_of_templates(&mut self, ready: &Ready) {
        let def = &ready.def;
        for name in def.text.keys() {
            if !ready.texts.iter().any(|t| t.name == *name) {
                let near = format!("[text.{name}]");
                let message = format!("{near} names no text that the prompt includes");
                self.add(
                    &near,
                    "unknown_text",
                    &message,
                    "name one without its version",
                );
            }
        }
        let nobody = kept(def, self.package, &ready.texts);
        for item in nobody.iter().filter(|k| k.owner.is_none()) {
            let file = match item.kind {
                KeptKind::Prompt if item.name != "model.fill" => item.name.as_str(),
                _ => TOML,
            };
            self.faults.push(PackageFault {
                warning: def.rollout.label != Label::Production,
                ..PackageFault::new(
                    file,
                    OWNERLESS,
                    format!("nobody keeps the {} when a policy changes", item.words()),
                    "name a person: [prompt] owner = \"HANDLE\"; without one it cannot be released",
                )
            });
        }
    }
}
