//! What people and machines can do, one file per verb.

mod access_review;
mod approve;
mod batch;
mod cancel;
mod case;
mod claim_review;
mod credential;
mod decide_many;
mod escalate;
mod export;
mod grant;
mod install;
mod live;
mod map;
mod password;
mod people;
mod presence;
mod priority;
mod problem;
mod queue;
mod reading;
mod reassign;
mod receive;
mod reject;
mod resubmit;
mod retry;
mod rights;
mod rules;
mod saved_view;
mod secrets;
mod session;
mod settle;
mod sign_in;
mod stage;
mod story;
mod task;
mod token;
mod verify;

pub use access_review::AccessRow;
pub use approve::{Approval, Decided};
pub use batch::{Batch, OpenCase, Versions};
pub use case::{Case, CaseAction, CaseItem, CaseMade, CaseWrite};
pub use credential::TotpOffer;
pub use decide_many::Together;
pub use export::{ExportQuery, Exported};
pub use install::{InstallOptions, Installed};
pub use map::{Map, MapStep};
pub use people::{INVITE_LIFE, PersonCard};
pub use problem::Complaint;
pub(crate) use reading::Presence;
pub use reading::{Doing, There};
pub use receive::{Accepted, Incoming, IncomingAuth};
pub use reject::Refusal;
pub(crate) use rights::Uses;
pub use rules::{
    Backtest, BacktestWindow, CutoffAdvice, RowReport, RulesChange, RulesChanged, RulesEdit,
    RulesNews,
};
pub use secrets::{SecretUse, secret_uses};
pub use session::{ABSOLUTE, NewSession, is_fresh, is_over};
pub use settle::Settlement;
pub use sign_in::Proof;
pub(crate) use task::damaged;
pub(crate) use token::TokenCache;
pub use token::{NewToken, checksum_ok};
pub use verify::{Verified, verify_log};
