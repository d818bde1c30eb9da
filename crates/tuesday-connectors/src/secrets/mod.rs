//! Secrets by reference: `env:NAME` and `file:PATH`. A definition never holds a value, and no error
//! ever shows one.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use tuesday_domain::port::Secrets;
use tuesday_domain::time::Timestamp;

/// Most bytes a secret file may hold; keys and passwords are far smaller.
const MAX_BYTES: u64 = 64 * 1024;

/// Resolves references when they are needed, so that a rotated secret counts from the next call.
#[derive(Clone)]
pub struct SecretStore {
    base: PathBuf,
}

impl SecretStore {
    /// `base` is the folder that relative `file:` references start from.
    #[must_use]
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into() }
    }

    fn file(&self, reference: &str, path: &str) -> Result<Vec<u8>, String> {
        let path = Path::new(path);
        if path.components().any(|c| matches!(c, Component::ParentDir)) {
            return Err(format!(
                "secret `{reference}`: `..` is not allowed in the path"
            ));
        }
        let full = self.base.join(path);
        let meta = std::fs::metadata(&full)
            .map_err(|e| format!("secret `{reference}` cannot be read: {}", e.kind()))?;
        if !meta.is_file() || meta.len() > MAX_BYTES {
            return Err(format!(
                "secret `{reference}` is not a file of at most 64 KiB"
            ));
        }
        warn_if_world_readable(reference, &meta);
        let mut bytes = std::fs::read(&full)
            .map_err(|e| format!("secret `{reference}` cannot be read: {}", e.kind()))?;
        // Editors end a file with one newline; more than one is taken as part of the secret.
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        Ok(bytes)
    }
}

impl fmt::Debug for SecretStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretStore").finish_non_exhaustive()
    }
}

impl Secrets for SecretStore {
    fn resolve(&self, reference: &str) -> Result<Vec<u8>, String> {
        let (kind, rest) = reference.split_once(':').unwrap_or(("", ""));
        let bytes = match kind {
            // A value that was pasted where a reference belongs must not come back in an error.
            _ if rest.is_empty() => return Err(not_a_reference()),
            "env" => std::env::var_os(rest)
                .map(std::os::unix::ffi::OsStringExt::into_vec)
                .ok_or_else(|| format!("secret `{reference}`: the variable is not set"))?,
            "file" => self.file(reference, rest)?,
            "vault" => {
                return Err(format!(
                    "secret `{reference}`: vaults are not supported yet; use `env:` or `file:`"
                ));
            }
            _ => return Err(not_a_reference()),
        };
        if bytes.is_empty() {
            return Err(format!("secret `{reference}` is empty"));
        }
        Ok(bytes)
    }

    fn changed_at(&self, reference: &str) -> Option<Timestamp> {
        let path = self.base.join(reference.strip_prefix("file:")?);
        let changed = std::fs::metadata(path).ok()?.modified().ok()?;
        let since = changed.duration_since(std::time::UNIX_EPOCH).ok()?;
        let micros = i64::try_from(since.as_micros()).ok()?;
        Some(Timestamp::from_micros(micros))
    }
}

fn not_a_reference() -> String {
    "a secret must be a reference: `env:NAME` or `file:PATH`".to_owned()
}

fn warn_if_world_readable(reference: &str, meta: &std::fs::Metadata) {
    use std::os::unix::fs::PermissionsExt as _;
    if meta.permissions().mode() & 0o004 != 0 {
        tracing::warn!(
            reference,
            "secret file is readable by everybody; use mode 0600"
        );
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn files_lose_one_newline_and_errors_name_the_reference_only() {
        let dir = std::env::temp_dir().join(format!("tuesday-secrets-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("key"), "s3cret\n\n").unwrap();
        std::fs::write(dir.join("empty"), "\n").unwrap();
        let store = SecretStore::new(&dir);
        assert_eq!(store.resolve("file:key").unwrap(), b"s3cret\n");
        for (reference, part) in [
            ("file:none", "file:none"),
            ("file:../key", "`..`"),
            ("file:empty", "is empty"),
            ("env:TUESDAY_NOT_SET_ANYWHERE", "not set"),
            ("vault:x", "not supported yet"),
        ] {
            let error = store.resolve(reference).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        let pasted = store.resolve("sk-live-canary").unwrap_err();
        assert!(!pasted.contains("canary"), "{pasted}");
        let pasted = store.resolve("sk:canary").unwrap_err();
        assert!(!pasted.contains("canary"), "{pasted}");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
