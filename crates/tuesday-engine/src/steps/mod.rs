//! The steps of a run. Each reads what it needs from [`Work`], may call the outside, and records
//! the outcome in one decision.

pub(crate) mod degraded;
pub(crate) mod dispatch;
pub(crate) mod found;
pub(crate) mod generate;
pub(crate) mod give_back;
pub(crate) mod hold;
pub(crate) mod late;
mod person;
pub(crate) mod recheck;
pub(crate) mod replaced;
pub(crate) mod route;
pub(crate) mod scope;
mod settle_action;
pub(crate) mod snapshot;
pub(crate) mod spend;
pub(crate) mod turn;
pub(crate) mod undo;

pub(crate) use dispatch::stored_intent;
pub(crate) use found::provider;
pub(crate) use person::{Ask, open_review, unusable_release};
