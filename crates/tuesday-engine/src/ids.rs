//! New ids and random bytes: the only place where the engine is not deterministic.

use tuesday_domain::id::{
    ActionId, AlertId, CorrectionId, CostEntryId, DecisionId, DutyId, ErasureId, FindingId,
    FollowUpId, HoldId, IncidentId, IntakeId, NoticeId, ProblemReportId, ReleaseId, ReviewId,
    RunId, TokenId,
};
use uuid::Uuid;

macro_rules! fresh {
    ($($name:ident -> $id:ident),* $(,)?) => {$(
        pub(crate) fn $name() -> $id {
            $id::new(Uuid::now_v7())
        }
    )*};
}

fresh! {
    run -> RunId,
    review -> ReviewId,
    action -> ActionId,
    release -> ReleaseId,
    intake -> IntakeId,
    notice -> NoticeId,
    token -> TokenId,
    problem_report -> ProblemReportId,
    finding -> FindingId,
    incident -> IncidentId,
    alert -> AlertId,
    correction -> CorrectionId,
    decision -> DecisionId,
    cost_entry -> CostEntryId,
    hold -> HoldId,
    erasure -> ErasureId,
    follow_up -> FollowUpId,
    duty -> DutyId,
}

/// The smallest id that could have been made so long ago.
pub(crate) fn moment_ago(ago: std::time::Duration) -> Uuid {
    crate::ops::bound(Uuid::now_v7(), ago)
}

/// 16 random bytes, the salt of a payload's commitment.
pub(crate) fn salt() -> [u8; 16] {
    *Uuid::new_v4().as_bytes()
}

/// 16 random bytes as a sender's id would look.
pub(crate) fn salt_text() -> String {
    Uuid::new_v4().to_string()
}

/// 32 random bytes for secrets. A machine without randomness must not hand out tokens.
pub(crate) fn secret() -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| format!("no randomness: {e}"))?;
    Ok(bytes)
}

/// A uniform draw for jitter.
pub(crate) fn draw() -> u32 {
    let bytes = *Uuid::new_v4().as_bytes();
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
