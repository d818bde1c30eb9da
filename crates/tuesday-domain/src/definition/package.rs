//! A workflow package: the files that travel together and make one content-addressed release.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{Definition, substitute};
use crate::eval::Case;

/// Where a fault is, what it is, and the way out.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PackageFault {
    /// File name within the package.
    pub file: String,
    /// Line from 1, when it is known.
    pub line: Option<usize>,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// How to put it right.
    pub way_out: String,
    /// A warning does not stop an installation.
    pub warning: bool,
}

impl PackageFault {
    /// A fault of a file as a whole.
    #[must_use]
    pub fn new(file: &str, code: &'static str, message: String, way_out: &str) -> Self {
        fault(file, None, code, &message, way_out)
    }
}

/// The identity of a release whose model is trained from its files: the hash of the texts and of what was
/// trained. Without an artefact it is the hash of the texts.
#[must_use]
pub fn with_artefact(texts: [u8; 32], artefact: &[u8]) -> [u8; 32] {
    if artefact.is_empty() {
        return texts;
    }
    let mut h = Sha256::new();
    h.update(b"tuesday/release-artefact/1");
    h.update(texts);
    h.update(Sha256::digest(artefact));
    h.finalize().into()
}

/// One file of a package.
pub type PackageFile = (String, String);

/// The files of a package by name, exactly as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Name (with `/` between folders) to text.
    pub files: BTreeMap<String, String>,
}

impl Package {
    /// From a list of files.
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = PackageFile>) -> Self {
        Self {
            files: files.into_iter().collect(),
        }
    }

    /// The text of a file.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.files.get(name).map(String::as_str)
    }

    /// The cases of its pack that can be read; the gate names those that cannot.
    #[must_use]
    pub fn cases(&self) -> Vec<Case> {
        let files = self.files.iter();
        files
            .filter(|(n, _)| crate::eval::holds_cases(n))
            .flat_map(|(_, text)| text.lines())
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Whether a run depends on a file of this name: it is a part of the release's hash.
    #[must_use]
    pub fn is_part(name: &str) -> bool {
        counts(name)
    }

    /// Reads `workflow.toml` with `overrides` laid over its `[vars]`.
    ///
    /// # Errors
    /// One fault with the line it stands on.
    pub fn definition(
        &self,
        overrides: &BTreeMap<String, String>,
    ) -> Result<Definition, PackageFault> {
        let text = self.text("workflow.toml").ok_or_else(|| {
            fault(
                "workflow.toml",
                None,
                "file_missing",
                "the package has no workflow.toml",
                "add it, or start with `tuesday init NAME`",
            )
        })?;
        let mut vars = declared_vars(text);
        for (name, value) in overrides {
            if !vars.contains_key(name) {
                return Err(fault(
                    "workflow.toml",
                    None,
                    "unknown_var",
                    &format!("there is no variable `{name}` to set"),
                    "name one that stands under [vars]",
                ));
            }
            vars.insert(name.clone(), value.clone());
        }
        let resolved = substitute(text, &vars).map_err(|e| {
            fault(
                "workflow.toml",
                None,
                "unknown_var",
                &e,
                "declare it under [vars]",
            )
        })?;
        let mut def: Definition = toml::from_str(&resolved).map_err(|e| {
            let line = e.span().map(|s| {
                resolved[..s.start.min(resolved.len())]
                    .matches('\n')
                    .count()
                    + 1
            });
            fault(
                "workflow.toml",
                line,
                "not_a_definition",
                e.message(),
                "see docs/reference/workflow-toml.md for every key",
            )
        })?;
        def.vars = vars;
        Ok(def)
    }

    /// SHA-256 over the names and hashes of all files that a run depends on, plus the vars: the
    /// identity of the release where no model is trained (see [`with_artefact`]). Readme, runbook and sample
    /// records are not part of it.
    #[must_use]
    pub fn release_hash(&self, vars: &BTreeMap<String, String>) -> [u8; 32] {
        self.release_hash_beside(vars, &BTreeMap::new())
    }

    /// Whether a stored release is this package with this model artefact. Releases from before the
    /// artefact counted carry the hash of their texts alone.
    #[must_use]
    pub fn is_release(
        &self,
        vars: &BTreeMap<String, String>,
        artefact: &[u8],
        hash: [u8; 32],
    ) -> bool {
        let texts = self.release_hash(vars);
        hash == with_artefact(texts, artefact) || hash == texts
    }

    /// As [`Package::release_hash`], with files that are not held in memory by their SHA-256.
    #[must_use]
    pub fn release_hash_beside(
        &self,
        vars: &BTreeMap<String, String>,
        others: &BTreeMap<String, [u8; 32]>,
    ) -> [u8; 32] {
        let own = self.files.iter().filter(|(name, _)| counts(name));
        let mut all: BTreeMap<&str, [u8; 32]> = own
            .map(|(name, text)| (name.as_str(), Sha256::digest(text.as_bytes()).into()))
            .collect();
        all.extend(others.iter().map(|(name, hash)| (name.as_str(), *hash)));
        let mut h = Sha256::new();
        h.update(b"tuesday/release/1");
        for (name, hash) in all {
            h.update((name.len() as u64).to_be_bytes());
            h.update(name.as_bytes());
            h.update(hash);
        }
        for (name, value) in vars {
            h.update([1]);
            h.update((name.len() as u64).to_be_bytes());
            h.update(name.as_bytes());
            h.update(Sha256::digest(value.as_bytes()));
        }
        h.finalize().into()
    }

    /// One JSON object, name to text: the file that `tuesday pack` writes and a release stores.
    #[must_use]
    pub fn to_bundle(&self, vars: &BTreeMap<String, String>) -> Vec<u8> {
        let files: BTreeMap<String, String> = self
            .files
            .iter()
            .filter(|(n, _)| travels(n))
            .map(|(n, t)| (n.clone(), t.clone()))
            .collect();
        let mut out = Map::new();
        out.insert("format".into(), "tuesday-package/1".into());
        out.insert("digest".into(), digest(&files, vars).into());
        out.insert(
            "files".into(),
            serde_json::to_value(files).unwrap_or_default(),
        );
        out.insert(
            "vars".into(),
            serde_json::to_value(vars).unwrap_or_default(),
        );
        Value::Object(out).to_string().into_bytes()
    }

    /// Reads what [`Package::to_bundle`] wrote: the files and the vars it was made with.
    ///
    /// # Errors
    /// In words.
    pub fn from_bundle(bytes: &[u8]) -> Result<(Self, BTreeMap<String, String>), String> {
        let b = Bundle::read(bytes)?;
        Ok((Self { files: b.files }, b.vars))
    }

    /// As [`Package::from_bundle`], of a file that travelled: whether it is still what was packed. A stored
    /// release is held against the hash that was approved instead.
    ///
    /// # Errors
    /// In words.
    pub fn from_pack_file(bytes: &[u8]) -> Result<(Self, BTreeMap<String, String>), String> {
        let b = Bundle::read(bytes)?;
        if b.digest.is_some_and(|d| d != digest(&b.files, &b.vars)) {
            return Err("the file was changed after it was packed: pack it again".to_owned());
        }
        Ok((Self { files: b.files }, b.vars))
    }
}

#[derive(serde::Deserialize)]
struct Bundle {
    format: String,
    files: BTreeMap<String, String>,
    #[serde(default)]
    vars: BTreeMap<String, String>,
    /// Absent in what earlier versions wrote.
    #[serde(default)]
    digest: Option<String>,
}

impl Bundle {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let b: Self =
            serde_json::from_slice(bytes).map_err(|e| format!("not a package file: {e}"))?;
        if b.format != "tuesday-package/1" {
            return Err(format!(
                "`{}` is not a package format this version reads",
                b.format
            ));
        }
        Ok(b)
    }
}

/// SHA-256 over everything a package file holds, hex: a changed byte is seen before anything is installed.
fn digest(files: &BTreeMap<String, String>, vars: &BTreeMap<String, String>) -> String {
    let mut h = Sha256::new();
    h.update(b"tuesday/package/1");
    for (name, text) in files.iter().chain(vars) {
        for part in [name, text] {
            h.update((part.len() as u64).to_be_bytes());
            h.update(part.as_bytes());
        }
    }
    h.update((vars.len() as u64).to_be_bytes());
    h.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

fn counts(name: &str) -> bool {
    travels(name) && name != "runbook.md" && !name.eq_ignore_ascii_case("readme.md")
}

/// Sample records stay behind: a package holds no cases.
fn travels(name: &str) -> bool {
    !name.starts_with("records/") && !name.starts_with('.')
}

fn declared_vars(text: &str) -> BTreeMap<String, String> {
    // Read before substitution, so that `${…}` elsewhere does not matter.
    text.parse::<toml::Table>()
        .ok()
        .and_then(|t| t.get("vars").and_then(|v| v.as_table().cloned()))
        .map(|t| {
            t.into_iter()
                .filter_map(|(k, v)| v.as_str().map(|s| (k, s.to_owned())))
                .collect()
        })
        .unwrap_or_default()
}

pub(super) fn fault(
    file: &str,
    line: Option<usize>,
    code: &'static str,
    message: &str,
    way_out: &str,
) -> PackageFault {
    PackageFault {
        file: file.to_owned(),
        line,
        code,
        message: message.to_owned(),
        way_out: way_out.to_owned(),
        warning: false,
    }
}
