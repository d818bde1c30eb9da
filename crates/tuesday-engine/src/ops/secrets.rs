//! Which secrets a definition refers to, and whether they are there. Values are never shown.

use tuesday_domain::definition::{Definition, Package};
use tuesday_domain::eval::ModelGrader;

/// One reference and what uses it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SecretUse {
    /// As written: `env:NAME`, `file:PATH`; a value in clear is not repeated.
    pub reference: String,
    /// The part of the definition that needs it.
    pub used_by: String,
}

/// Every secret reference of a definition, in the order of the file, and of the graders of its pack.
#[must_use]
pub fn secret_uses(def: &Definition, package: &Package) -> Vec<SecretUse> {
    let mut out = Vec::new();
    let mut push = |used_by: String, reference: Option<&str>| {
        if let Some(reference) = reference {
            // A value that stands where a reference belongs must not be shown.
            let reference = referred(Some(reference))
                .unwrap_or("(written in clear)")
                .to_owned();
            out.push(SecretUse { reference, used_by });
        }
    };
    for t in &def.trigger {
        push(format!("trigger {}", t.name), t.secret.as_deref());
        push(
            format!("trigger {} database", t.name),
            referred(t.database.as_deref()),
        );
    }
    for s in &def.source {
        push(
            format!("source {}", s.name),
            s.auth.as_ref().map(|a| a.secret.as_str()),
        );
        push(
            format!("source {} database", s.name),
            referred(s.database.as_deref()),
        );
    }
    push(
        "model".to_owned(),
        def.model.auth.as_ref().map(|a| a.secret.as_str()),
    );
    for a in &def.action {
        push(
            format!("action {}", a.name),
            a.auth.as_ref().map(|a| a.secret.as_str()),
        );
        push(
            format!("action {} database", a.name),
            referred(a.database.as_deref()),
        );
    }
    for (name, grader) in ModelGrader::all(&package.files, &def.vars).0 {
        let auth = grader.spec.auth.as_ref();
        push(format!("grader {name}"), auth.map(|a| a.secret.as_str()));
    }
    out
}

/// A database may stand there as a path; only a reference is a secret.
fn referred(text: Option<&str>) -> Option<&str> {
    text.filter(|t| ["env:", "file:", "vault:"].iter().any(|p| t.starts_with(p)))
}
