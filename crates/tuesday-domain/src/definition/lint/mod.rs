//! What a definition means as a whole: everything that must be declared, bound and closed before a
//! workflow may run. Each fault names the file, the line and the way out.

mod bindings;
mod declared;
mod outside;
mod privacy;
mod prompt_rules;
mod reviewing;
#[cfg(test)]
mod tests;
mod texts;
mod trouble;
pub mod upkeep;
mod vendors;
mod watching;

use std::collections::BTreeMap;

use super::package::fault;
use super::{Package, PackageFault};
use crate::ready::Ready;

const TOML: &str = "workflow.toml";

/// Checks a package; warnings do not stop an installation.
#[must_use]
pub fn check(package: &Package, vars: &BTreeMap<String, String>) -> Vec<PackageFault> {
    let def = match package.definition(vars) {
        Ok(def) => def,
        Err(fault) => return vec![fault],
    };
    let mut lint = Lint {
        package,
        text: package.text(TOML).unwrap_or_default(),
        faults: Vec::new(),
    };
    lint.secrets(&def);
    lint.owners(&def);
    lint.people_of_their_own(&def);
    lint.vendors(&def);
    lint.triggers(&def);
    lint.sources(&def);
    lint.model(&def);
    lint.actions(&def);
    lint.limits(&def);
    lint.trouble(&def);
    lint.watching(&def);
    lint.retention(&def);
    lint.files();
    lint.graders(&def);
    let rules = lint.rules(&def);
    lint.reviewing(&def, rules.as_ref());
    lint.prompt_rules(&def, rules.as_ref());
    lint.upkeep(&def, rules.as_ref());
    lint.texts();
    match Ready::compile(package, def) {
        Ok(ready) => {
            lint.seed_fields(&ready);
            lint.text_uses(&ready);
            lint.owners_of_templates(&ready);
            lint.bindings(&ready, rules.as_ref());
        }
        Err(faults) => lint.faults.extend(faults),
    }
    lint.faults
}

struct Lint<'a> {
    package: &'a Package,
    text: &'a str,
    faults: Vec<PackageFault>,
}

impl Lint<'_> {
    fn line(&self, needle: &str) -> Option<usize> {
        self.text
            .lines()
            .position(|l| l.contains(needle))
            .map(|i| i + 1)
    }

    fn add(&mut self, near: &str, code: &'static str, message: &str, way_out: &str) {
        let line = self.line(near);
        self.faults.push(fault(TOML, line, code, message, way_out));
    }

    fn warn(&mut self, file: &str, code: &'static str, message: &str, way_out: &str) {
        self.faults.push(PackageFault {
            warning: true,
            ..fault(file, None, code, message, way_out)
        });
    }
}
