//! What people and machines can do, one file per verb.

mod approve;
mod batch;
mod cancel;
mod case;
mod claim_review;
mod escalate;
mod export;
mod install;
mod live;
mod map;
mod receive;
mod reject;
mod resubmit;
mod retry;
mod secrets;
mod settle;
mod stage;
mod story;
mod task;
mod token;
mod verify;

pub use approve::{Approval, Decided};
pub use batch::{Batch, OpenCase, Versions};
pub use case::{Case, CaseAction, CaseItem, CaseMade, CaseWrite};
pub use export::{ExportQuery, Exported};
pub use install::{InstallOptions, Installed};
pub use map::{Map, MapStep};
pub use receive::{Accepted, Incoming, IncomingAuth};
pub use reject::Refusal;
pub use secrets::{SecretUse, secret_uses};
pub use settle::Settlement;
pub(crate) use task::damaged;
pub(crate) use token::TokenCache;
pub use token::{NewToken, checksum_ok};
pub use verify::{Verified, verify_log};
