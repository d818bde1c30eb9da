//! Short constructors for faults, so that each adapter states only what it knows.

use tuesday_domain::port::{FaultKind, ModelFault};

/// A fault before anything was sent.
pub(super) fn unsent(kind: FaultKind, code: &'static str, detail: impl Into<String>) -> ModelFault {
    ModelFault {
        kind,
        code,
        detail: detail.into(),
        usage: None,
        bytes_received: 0,
        request_hash: None,
    }
}

/// The definition cannot work as it stands; trying again cannot help.
pub(super) fn misconfigured(detail: impl Into<String>) -> ModelFault {
    unsent(FaultKind::Permanent, "misconfigured", detail)
}

/// The secret store gave no secret. It may be back later; there is no fallback.
pub(super) fn no_secret(detail: impl Into<String>) -> ModelFault {
    unsent(FaultKind::Transient(None), "secret_unavailable", detail)
}
